//! Starting the program as a person would, in an environment of its own.
#![allow(dead_code, clippy::unwrap_used, clippy::disallowed_methods)] // each test file uses some of it; a test may wait

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// What a command said, and what it ended with.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The answer, which must be one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }

    /// The answers, one a line.
    pub fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

/// A home of its own, and a folder to work in.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aftercall"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        // Version managers find their interpreters by the real home.
        for name in ["PYENV_ROOT", "PYENV_VERSION", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if std::env::var_os("PYENV_ROOT").is_none()
            && let Some(home) = std::env::var_os("HOME")
        {
            command.env("PYENV_ROOT", Path::new(&home).join(".pyenv"));
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        Said::new(self.command(arguments).output().unwrap())
    }

    pub fn run_with(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Said::new(child.wait_with_output().unwrap())
    }

    /// Starts a server on the default data folder, on a port that the system chooses.
    pub fn serve(&self, more: &[&str]) -> Server {
        let mut arguments = vec!["serve", "--json", "--listen", "127.0.0.1:0", "--log", "warn"];
        arguments.extend(more);
        let mut child = self.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("the server did not start: {line}"));
        Server { child, told }
    }

    /// Asks until the answer is right, for half a minute at most.
    #[track_caller]
    pub fn until(&self, arguments: &[&str], right: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.run(arguments).json();
            if right(&answer) {
                return answer;
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "it never came: {answer:#}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A running server; ended when dropped.
pub struct Server {
    child: Child,
    pub told: Value,
}

impl Server {
    pub fn address(&self) -> String {
        format!("http://{}", self.told["listen"][0].as_str().unwrap())
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end; the status, and how long it took.
    pub fn end(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let status = self.child.wait().unwrap();
        (status.code(), began.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The repository's examples.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .canonicalize()
        .unwrap()
}

/// Takes out what differs from run to run.
pub fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    for (pattern, name) in [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[id]",
        ),
        (r"\b[0-9a-f]{64}\b", "[deployment]"),
        (r"\b[0-9a-f]{12}\b", "[deploy]"),
        (r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}", "[moment]"),
        (r"\d{2}:\d{2}:\d{2}\.\d{3}", "[clock]"),
        (r"\d+ (s|min) ago", "[ago]"),
        (r"\d+(\.\d+)? m?s\b", "[span]"),
        (r"\d+(\.\d+)? MB", "[size]"),
        (r"\b3\.\d+\.\d+\b", "[python]"),
        (r"(/[^\s:]+)+/aftercall\.sock", "[socket]"),
        (r"\d+ of \d+ trial escapes refused", "[found]"),
    ] {
        settings.add_filter(pattern, name);
    }
    settings
}
