//! A server under test: started, spoken to, ended in every way in which it may be.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::Value;

use crate::command::{self, Ended};
use crate::http::{Answer, Target, request};
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

fn told_file(place: &Place) -> PathBuf {
    place.path("serve.out")
}

/// A server that was started. It and everything that it started end with this value, whatever the test does.
pub struct Server<'a> {
    place: &'a Place,
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

/// What it is asked.
impl Server<'_> {
    /// Its socket.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::Socket(self.place.data().join("aftercall.sock"))
    }

    /// Its address, which it tells once it listens.
    #[must_use]
    pub fn address(&self) -> Target {
        let told = fs::read_to_string(told_file(self.place)).unwrap();
        let told: Value = serde_json::from_str(told.trim()).unwrap_or_else(|error| panic!("{error}: {told}"));
        Target::Tcp(told["listen"][0].as_str().unwrap().parse().unwrap())
    }

    /// One request over its socket.
    ///
    /// # Errors
    /// When it cannot be reached, or goes in the middle of it.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<bytes::Bytes>,
    ) -> Result<Answer, String> {
        request(
            &Target::Socket(self.place.data().join("aftercall.sock")),
            method,
            path,
            headers,
            body,
        )
    }

    /// What is there.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.request("GET", path, &[], "").unwrap().expect(200).json()
    }

    /// A document is handed over.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn try_post(&self, path: &str, document: &Value) -> Result<Answer, String> {
        self.request(
            "POST",
            path,
            &[("content-type", "application/json")],
            document.to_string(),
        )
    }

    /// A document is handed over.
    #[track_caller]
    pub fn post(&self, path: &str, document: &Value) -> Answer {
        self.try_post(path, document).unwrap()
    }

    /// Runs a command that speaks to it.
    pub fn cli(&self, arguments: &[&str]) -> Ended {
        let data = self.place.data().display().to_string();
        command::run(arguments.iter().copied().chain(["--data", &data]))
    }

    /// Deploys a project, and gives the deployment.
    #[track_caller]
    pub fn deploy(&self, project: &Path, name: &str) -> Value {
        let folder = project.display().to_string();
        let ended = self
            .cli(&["deploy", &folder, "--project", name, "--json"])
            .expect(0);
        ended.json()["deployment"].clone()
    }

    /// Hands in one conversation.
    #[track_caller]
    pub fn send(&self, project: &str, conversation: &Value) -> Answer {
        self.post(&format!("/v1/conversations?project={project}"), conversation)
    }

    /// Hands in many, which must all be new, and gives their runs.
    #[track_caller]
    pub fn send_all(&self, project: &str, conversations: &[Value]) -> Vec<String> {
        let answers = self.send_batch(project, conversations);
        assert_eq!(answers.len(), conversations.len());
        let new = |answer: &Value| {
            assert_eq!(answer["status"], 202, "{answer}");
            answer["accepted"]["run_id"].as_str().unwrap().to_owned()
        };
        answers.iter().map(new).collect()
    }

    /// Hands in many, and gives the answers.
    #[track_caller]
    pub fn send_batch(&self, project: &str, conversations: &[Value]) -> Vec<Value> {
        let lines: String = conversations.iter().map(|one| format!("{one}\n")).collect();
        let path = format!("/v1/conversations?project={project}");
        self.request("POST", &path, &[("content-type", "application/x-ndjson")], lines)
            .unwrap()
            .expect(200)
            .lines()
    }

    /// Everything about a run.
    #[must_use]
    #[track_caller]
    pub fn run(&self, id: &str) -> Value {
        self.get(&format!("/v1/runs/{id}"))
    }

    /// Everything about a run that is over; waits for that.
    #[must_use]
    #[track_caller]
    pub fn finished(&self, id: &str) -> Value {
        self.reached(id, is_over)
    }

    /// Everything about a run once it is in such a state.
    #[must_use]
    #[track_caller]
    pub fn reached(&self, id: &str, wanted: impl Fn(&str) -> bool) -> Value {
        until(&format!("run {id} gets there"), || {
            let detail = self.run(id);
            wanted(detail["run"]["status"].as_str().unwrap()).then_some(detail)
        })
    }

    /// All runs of a listing, whatever its pages.
    #[must_use]
    #[track_caller]
    pub fn runs(&self, filter: &str) -> Vec<Value> {
        let mut runs = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/v1/runs?limit=1000&{filter}{after}"));
            runs.extend(page["runs"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return runs,
            }
        }
    }

    /// Waits until no run is left to be done.
    pub fn wait_until_done(&self) {
        until("no run is left to be done", || {
            (self.get("/v1/status")["queue"]["unfinished"] == 0).then_some(())
        });
    }
}

/// Whether nothing more happens to a run by itself.
#[must_use]
pub fn is_over(status: &str) -> bool {
    matches!(
        status,
        "succeeded" | "completed_with_failures" | "failed" | "cancelled"
    )
}
