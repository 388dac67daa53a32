//! The binary packets of a serving zygote: forks are asked for, processes and exits are told.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ResourceUse;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::packet::Packets;
use crate::process::{Exit, KilledUnlessOver, Killer};

/// The largest packet that comes from a serving zygote, bytes.
const PACKET: usize = 64;

/// How long a zygote may say nothing at all while it owes the answer to a fork; it takes milliseconds, and at most twice as long
/// until it is noticed. Longer than a canary's patience: that a fork hangs is for the canary to find.
const FORK_PATIENCE: Duration = Duration::from_secs(15);

struct Pending {
    asked: Instant,
    killer: Killer,
    exited: oneshot::Sender<Exit>,
}

/// The supervisor's end of a serving zygote's control socket.
pub struct Control {
    packets: Packets,
    /// Ends the zygote.
    killer: Killer,
    children: Mutex<HashMap<u64, Pending>>,
    count: AtomicUsize,
    next: AtomicU64,
    gone: AtomicBool,
}

impl Control {
    /// Takes the socket over from the start sequence. `killer` ends the zygote, should it not serve.
    pub fn serve(packets: Packets, killer: Killer) -> Arc<Self> {
        let control = Arc::new(Self {
            packets,
            killer,
            children: Mutex::default(),
            count: AtomicUsize::new(0),
            next: AtomicU64::new(1),
            gone: AtomicBool::new(false),
        });
        tokio::spawn(listen(Arc::clone(&control)));
        control
    }

    /// Asks for a fork that gets these descriptors and this folder.
    ///
    /// # Errors
    /// Whatever the socket says: the zygote is gone.
    pub async fn fork(
        &self,
        folder: &str,
        channel: OwnedFd,
        output: OwnedFd,
    ) -> io::Result<(Killer, oneshot::Receiver<Exit>)> {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let (exited, receiver) = oneshot::channel();
        let killer = Killer::default();
        self.children().insert(
            token,
            Pending {
                asked: Instant::now(),
                killer: killer.clone(),
                exited,
            },
        );
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut asking = Asking {
            control: self,
            token,
            is_sent: false,
        };
        let mut packet = Vec::with_capacity(9 + folder.len());
        packet.push(b'F');
        packet.extend_from_slice(&token.to_ne_bytes());
        packet.extend_from_slice(folder.as_bytes());
        let sent = self
            .packets
            .send(&packet, &[channel.as_fd(), output.as_fd()])
            .await;
        asking.is_sent = sent.is_ok() && !self.gone.load(Ordering::Acquire);
        sent.map(|()| (killer, receiver))
    }

    /// How many children are there or under way.
    pub fn children_alive(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Ends the zygote when the answer is dropped, unless it is said to be over before.
    pub fn killed_unless_over(&self) -> KilledUnlessOver {
        self.killer.unless_over()
    }

    /// Whether the zygote is gone.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    fn children(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Pending>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, token: u64, exit: Exit) {
        if let Some(pending) = self.children().remove(&token) {
            self.count.fetch_sub(1, Ordering::Relaxed);
            // Whoever ran it may have given it up.
            drop(pending.exited.send(exit));
        }
    }

    /// Whether a fork that was asked for before `then` has no answer yet.
    fn owes_since(&self, then: Instant) -> bool {
        let children = self.children();
        let mut unanswered = children.values().filter(|child| !child.killer.has_begun());
        unanswered.any(|child| child.asked <= then)
    }

    /// Ends a zygote that hangs, and with it all of its children. To none of their functions it is counted.
    fn end_hung(&self) {
        tracing::error!(
            children = self.children_alive(),
            "a zygote did not answer to a fork for {} s: it is ended, and the next attempt starts another",
            FORK_PATIENCE.as_secs()
        );
        self.gone.store(true, Ordering::Release);
        let all: Vec<_> = self
            .children()
            .iter()
            .map(|(token, child)| (*token, child.killer.has_begun()))
            .collect();
        for (token, has_begun) in all {
            let exit = if has_begun {
                Exit::ZygoteEnded
            } else {
                let error = format!(
                    "its zygote did not answer for {} s, and was ended",
                    FORK_PATIENCE.as_secs()
                );
                Exit::NotForked { error }
            };
            self.end(token, exit);
        }
        self.killer.kill();
    }

    fn handle(&self, packet: &[u8], fds: Vec<OwnedFd>) -> Result<(), &'static str> {
        let (&kind, rest) = packet.split_first().ok_or("an empty packet")?;
        let mut fields = Fields(rest);
        let token = fields.u64()?;
        match kind {
            b'P' => {
                // The child is there, and only its zygote knows of it.
                store::fail_point!("runner.fork_unheard");
                fields.i32()?;
                let pending = self.children().get(&token).map(|pending| pending.killer.clone());
                if let Some(killer) = pending {
                    killer.arm(fds.into_iter().next());
                }
            }
            b'N' => {
                let error = io::Error::from_raw_os_error(fields.i32()?).to_string();
                self.end(token, Exit::NotForked { error });
            }
            b'X' => {
                let status = fields.i32()?;
                let usage = ResourceUse {
                    user_us: fields.u64()?,
                    system_us: fields.u64()?,
                    max_rss_kib: fields.u64()?,
                    minor_faults: fields.u64()?,
                };
                self.end(token, Exit::Ended { status, usage });
            }
            _ => return Err("a packet of an unknown kind"),
        }
        Ok(())
    }
}

/// A fork that is being asked for. Whoever asks may be stopped while the socket takes nothing: then there is no child.
struct Asking<'a> {
    control: &'a Control,
    token: u64,
    is_sent: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_sent {
            self.control.end(self.token, Exit::ZygoteGone);
        }
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u64(&mut self) -> Result<u64, &'static str> {
        self.take().map(u64::from_ne_bytes)
    }

    fn i32(&mut self) -> Result<i32, &'static str> {
        self.take().map(i32::from_ne_bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (bytes, rest) = self
            .0
            .split_first_chunk::<N>()
            .ok_or("a packet that is too short")?;
        self.0 = rest;
        Ok(*bytes)
    }
}

/// However the listening ends: nobody waits any more for what it would have told.
struct Gone(Arc<Control>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Release);
        let left: Vec<u64> = self.0.children().keys().copied().collect();
        for token in left {
            self.0.end(token, Exit::ZygoteGone);
        }
    }
}

async fn listen(control: Arc<Control>) {
    let _gone = Gone(Arc::clone(&control));
    let mut buffer = [0; PACKET];
    loop {
        let since = Instant::now();
        let Ok(received) = timeout(FORK_PATIENCE, control.packets.receive(&mut buffer)).await else {
            if control.owes_since(since) {
                control.end_hung();
                break;
            }
            continue;
        };
        match received {
            Ok((0, _)) => break,
            Ok((length, fds)) => {
                if let Err(what) = control.handle(&buffer[..length], fds) {
                    tracing::error!(what, "a zygote's control socket cannot be trusted any more");
                    break;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "a zygote's control socket broke");
                break;
            }
        }
    }
}
