//! The supervisor's side of the launcher.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::{Reply, Request, SpawnRequest};
use crate::packet::{self, Packets};
use crate::process::Exit;

/// A process that the launcher started.
#[derive(Debug)]
pub struct Spawned {
    /// Its number in this process's view.
    pub pid: i32,
    /// To signal it without ever meaning another.
    pub pidfd: OwnedFd,
    /// How it is over; dropped if the launcher goes.
    pub exited: oneshot::Receiver<Exit>,
}

struct Waiting {
    spawned: Option<oneshot::Sender<io::Result<Spawned>>>,
    exited: Option<oneshot::Sender<Exit>>,
    exited_receiver: Option<oneshot::Receiver<Exit>>,
}

type Table = Arc<Mutex<HashMap<u64, Waiting>>>;

/// A running launcher. It ends with this process, and everything that it started ends with it.
pub struct Launcher {
    packets: Arc<Packets>,
    table: Table,
    next: AtomicU64,
    gone: Arc<AtomicBool>,
    pid: u32,
}

impl Launcher {
    /// Starts `program launcher PID`, where PID is this process.
    ///
    /// The kernel signals a process whose parent *thread* ends, so a thread is kept for as long as the launcher lives.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start(program: &Path) -> io::Result<Arc<Self>> {
        let (ours, theirs) = packet::pair()?;
        let program = program.to_path_buf();
        let (send_pid, receive_pid) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("launcher".to_owned())
            .spawn(move || {
                let child = Command::new(program)
                    .args(["launcher", &std::process::id().to_string()])
                    .env_clear()
                    .current_dir("/")
                    .stdin(Stdio::from(theirs))
                    .stdout(Stdio::null())
                    .spawn();
                match child {
                    Ok(mut child) => {
                        let told = send_pid.send(Ok(child.id()));
                        match child.wait() {
                            Ok(status) => tracing::debug!(%status, "the launcher ended"),
                            Err(error) => tracing::error!(%error, "waiting for the launcher failed"),
                        }
                        drop(told);
                    }
                    Err(error) => drop(send_pid.send(Err(error))),
                }
            })?;
        let pid = receive_pid.recv().map_err(io::Error::other)??;
        let packets = Arc::new(Packets::new(ours)?);
        let table = Table::default();
        let gone = Arc::new(AtomicBool::new(false));
        tokio::spawn(listen(
            Arc::clone(&packets),
            Arc::clone(&table),
            Arc::clone(&gone),
        ));
        Ok(Arc::new(Self {
            packets,
            table,
            next: AtomicU64::new(1),
            gone,
            pid,
        }))
    }

    /// The launcher's own process; also the session of everything that it starts.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has ended, and everything that it started with it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Has a process started, with a control socket and an output pipe of its own.
    ///
    /// # Errors
    /// What the launcher answers, step by step, or `BrokenPipe` where it is gone.
    pub async fn spawn(
        &self,
        mut request: SpawnRequest,
        control: OwnedFd,
        output: OwnedFd,
    ) -> io::Result<Spawned> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request.id = id;
        let (spawned, receiver) = oneshot::channel();
        let (exited, exited_receiver) = oneshot::channel();
        lock(&self.table).insert(
            id,
            Waiting {
                spawned: Some(spawned),
                exited: Some(exited),
                exited_receiver: Some(exited_receiver),
            },
        );
        let bytes = serde_json::to_vec(&Request::Spawn(request))?;
        if let Err(error) = self
            .packets
            .send(&bytes, &[control.as_fd(), output.as_fd()])
            .await
        {
            lock(&self.table).remove(&id);
            return Err(error);
        }
        receiver
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the launcher is gone"))?
    }
}

async fn listen(packets: Arc<Packets>, table: Table, gone: Arc<AtomicBool>) {
    loop {
        match packets.receive_json::<Reply>().await {
            Ok(Some((reply, fds))) => handle(&table, reply, fds),
            Ok(None) => break,
            Err(error) => {
                tracing::error!(%error, "the launcher's answers cannot be read");
                break;
            }
        }
    }
    gone.store(true, Ordering::Release);
    lock(&table).clear();
}

fn handle(table: &Table, reply: Reply, fds: Vec<OwnedFd>) {
    let mut table = lock(table);
    match reply {
        Reply::Spawned { id, pid } => {
            let Some(waiting) = table.get_mut(&id) else { return };
            let (Some(sender), Some(exited)) = (waiting.spawned.take(), waiting.exited_receiver.take())
            else {
                return;
            };
            let answer = match fds.into_iter().next() {
                Some(pidfd) => Ok(Spawned { pid, pidfd, exited }),
                None => Err(io::Error::other("the launcher sent no pidfd")),
            };
            // Whoever asked may have stopped waiting; the process then ends with its control socket.
            drop(sender.send(answer));
        }
        Reply::Refused {
            id,
            error,
            unsupported,
        } => {
            let kind = if unsupported {
                io::ErrorKind::Unsupported
            } else {
                io::ErrorKind::Other
            };
            if let Some(sender) = table.remove(&id).and_then(|mut waiting| waiting.spawned.take()) {
                drop(sender.send(Err(io::Error::new(kind, error))));
            }
        }
        Reply::Exited { id, status, usage } => {
            if let Some(sender) = table.remove(&id).and_then(|mut waiting| waiting.exited.take()) {
                // Most processes serve until they are ended, and nobody asks how.
                drop(sender.send(Exit::Ended { status, usage }));
            }
        }
    }
}

fn lock(table: &Table) -> std::sync::MutexGuard<'_, HashMap<u64, Waiting>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
