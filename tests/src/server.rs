//! A server under test: started, spoken to, ended in every way in which it may be.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;

use crate::command;
use crate::http::Answer;
use crate::place::Place;
use crate::processes::{Process, session, tree};
use crate::wait::{now, until, wall_clock};

/// Lines of a server's log that a failed start shows.
const LOG_LINES_SHOWN: usize = 40;

/// How a server is to be started.
#[derive(Clone)]
pub struct Setup<'a> {
    place: &'a Place,
    settings: Vec<(String, String)>,
    variables: Vec<(OsString, OsString)>,
}

impl<'a> Setup<'a> {
    pub(crate) fn new(place: &'a Place) -> Self {
        let setup = Self {
            place,
            settings: Vec::new(),
            variables: Vec::new(),
        };
        // Any free port: tests run side by side.
        setup
            .set("listen", "127.0.0.1:0")
            .set("tmp_root", place.tmp_root().display())
    }

    /// A setting, as `--set NAME=VALUE`.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Dies the `nth` time that it passes the fail point `name`.
    #[must_use]
    pub fn fail_point(self, name: &str, nth: u64) -> Self {
        self.variable("AFTERCALL_FAIL_POINT", format!("{name}:{nth}"))
    }

    /// Panics the `nth` time that it passes the fail point `name`.
    #[must_use]
    pub fn panic_point(self, name: &str, nth: u64) -> Self {
        self.variable("AFTERCALL_FAIL_POINT", format!("{name}:{nth}:panic"))
    }

    /// Starts it and waits until it is ready.
    #[must_use]
    pub fn start(&self) -> Server<'a> {
        let server = self.spawn();
        if let Err(status) = server.wait_until_ready() {
            panic!(
                "the server ended ({status}) before it was ready:\n{}",
                server.log_tail()
            );
        }
        server
    }

    /// Starts it, and does not wait.
    #[must_use]
    pub fn spawn(&self) -> Server<'a> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log_file(self.place))
            .unwrap();
        let mut command = command::command();
        command.arg("serve").arg("--data").arg(self.place.data());
        for (name, value) in &self.settings {
            command.arg("--set").arg(format!("{name}={value}"));
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let told = File::create(told_file(self.place)).unwrap();
        command
            .arg("--json")
            .stdin(Stdio::null())
            .stdout(told)
            .stderr(log);
        let spawned_at = wall_clock();
        let child = command.spawn().expect("the binary starts");
        Server {
            place: self.place,
            pid: i32::try_from(child.id()).unwrap(),
            child: RefCell::new(child),
            launchers: RefCell::default(),
            spawned: now(),
            spawned_at,
        }
    }
}

fn log_file(place: &Place) -> PathBuf {
    place.path("serve.log")
}

pub(crate) fn told_file(place: &Place) -> PathBuf {
    place.path("serve.out")
}

/// A server that was started. It and everything that it started end with this value, whatever the test does.
pub struct Server<'a> {
    pub(crate) place: &'a Place,
    pid: i32,
    child: RefCell<Child>,
    launchers: RefCell<BTreeSet<Process>>,
    spawned: Instant,
    spawned_at: Timestamp,
}

/// Its life.
impl Server<'_> {
    /// Its number.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// When it was started.
    #[must_use]
    pub const fn spawned_at(&self) -> Timestamp {
        self.spawned_at
    }

    /// Waits until it is ready and tells how long that took since it was started, or how it ended before.
    ///
    /// # Errors
    /// The status that it ended with.
    pub fn wait_until_ready(&self) -> Result<Duration, ExitStatus> {
        until("the server gets ready", || {
            self.find_launchers();
            if let Some(status) = self.ended() {
                return Some(Err(status));
            }
            let answer = self.request("GET", "/readyz", &[], "");
            matches!(answer, Ok(Answer { status: 200, .. })).then(|| Ok(self.spawned.elapsed()))
        })
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child.borrow_mut().try_wait().unwrap()
    }

    /// Waits until it has ended.
    pub fn wait_until_ended(&self) -> ExitStatus {
        until("the server ends", || {
            self.find_launchers();
            self.ended()
        })
    }

    /// `kill -9`.
    pub fn kill(&self) {
        self.find_launchers();
        self.child.borrow_mut().kill().unwrap();
        self.wait_until_ended();
    }

    /// SIGTERM. It may take its time: see [`Self::wait_until_ended`].
    pub fn terminate(&self) {
        if let Some(process) = Process::find(self.pid) {
            process.signal(Signal::TERM);
        }
    }

    /// Whether a `kill -9`, be it its own, ended it.
    #[must_use]
    pub fn was_killed(&self) -> bool {
        self.ended().is_some_and(|status| status.signal() == Some(9))
    }

    /// What is alive of all that it started.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        self.find_launchers();
        let mut all = if self.ended().is_none() {
            tree(self.pid)
        } else {
            Vec::new()
        };
        // Whatever loses its parent stays in its launcher's session.
        all.extend(self.launchers.borrow().iter().copied().flat_map(session));
        all.sort_unstable();
        all.dedup_by_key(|process| process.pid);
        all
    }

    /// Waits until nothing is alive of what a server that has ended had started, and tells how long that took.
    pub fn wait_until_nothing_is_left(&self) -> Duration {
        let began = now();
        until("every process of the old server ends", || {
            self.processes().is_empty().then_some(())
        });
        began.elapsed()
    }

    /// The processes that it starts all others by lead sessions of their own.
    fn find_launchers(&self) {
        let leaders = tree(self.pid)
            .into_iter()
            .filter(|one| one.parent == self.pid && one.session == one.pid);
        self.launchers.borrow_mut().extend(leaders);
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(log_file(self.place)).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the server's log:\n{}", self.log_tail());
        }
        let left = self.processes();
        // Already ended, then.
        let _ = self.child.get_mut().kill();
        let _ = self.child.get_mut().wait();
        for process in left.iter().chain(&self.processes()) {
            process.signal(Signal::KILL);
        }
    }
}
