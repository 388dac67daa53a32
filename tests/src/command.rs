//! The command line, as a person or a script uses it.

use std::ffi::OsStr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::binary::aftercall;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; −1 if a signal ended it.
    pub status: i32,
    /// What it printed.
    pub out: String,
    /// What it printed to standard error.
    pub err: String,
}

impl Ended {
    /// What it printed, as one JSON document.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:#?}"))
    }

    /// What it printed, as one JSON document a line.
    #[must_use]
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(read).collect()
    }

    /// Itself, if it ended with this status.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

/// Runs `aftercall` with these arguments, away from the settings of whoever runs the tests.
pub fn run(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ended {
    run_with(&[], arguments)
}

/// The same, with these variables in its environment.
pub fn run_with(
    variables: &[(&str, &OsStr)],
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Ended {
    let output = command()
        .envs(variables.iter().copied())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    Ended {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Starts `aftercall` with these arguments, and does not wait.
pub fn begin(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Child {
    let mut command = command();
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("the binary starts")
}

/// `aftercall` without settings of its surroundings: no variables of its own, a folder without configuration.
pub(crate) fn command() -> Command {
    let mut command = Command::new(aftercall());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AFTERCALL_"))
    {
        command.env_remove(name);
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent").current_dir("/");
    command
}
