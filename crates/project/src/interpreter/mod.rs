//! Finds the Python that runs projects, and asks it once where its parts lie.

mod facts;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use domain::Code;

use crate::error::ProjectError;

pub use facts::{InterpreterFacts, MINIMUM_PYTHON};

/// What is tried where nothing is chosen, in this order: what the machine calls its Python first.
const NAMES: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python",
];
/// How long an interpreter may take to tell about itself: a version manager's shim on a cold disk needs seconds.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);
const PROBE_POLL: Duration = Duration::from_millis(5);
/// Most of its answer that is read, bytes: must fit into a pipe, since it is read once the interpreter has ended.
const MAX_ANSWER_BYTES: u64 = 60 * 1024;
const PROBE: &str = include_str!("probe.py");

/// Which interpreter is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct InterpreterChoice<'a> {
    /// A path, or a name to look for on `search_path`; said by flag, environment or configuration.
    pub wanted: Option<&'a Path>,
    /// The `PATH` to look on.
    pub search_path: Option<&'a std::ffi::OsStr>,
}

/// Finds an interpreter of at least [`MINIMUM_PYTHON`]: the one that is wanted, else the first usable one on `PATH`.
///
/// # Errors
/// `AC0212`, which tells what was tried and what was wrong with it.
pub fn find_interpreter(choice: InterpreterChoice<'_>) -> Result<InterpreterFacts, ProjectError> {
    if let Some(wanted) = choice.wanted {
        let path = match wanted.components().count() {
            1 => {
                on_path(&wanted.to_string_lossy(), choice.search_path).unwrap_or_else(|| wanted.to_path_buf())
            }
            _ => wanted.to_path_buf(),
        };
        return ask(&path)
            .and_then(usable)
            .map_err(|reason| none(format!("{} cannot be used: {reason}", wanted.display())));
    }
    let mut tried = Vec::new();
    for name in NAMES {
        let Some(path) = on_path(name, choice.search_path) else {
            continue;
        };
        match ask(&path).and_then(usable) {
            Ok(facts) => return Ok(facts),
            Err(reason) => tried.push(format!("{}: {reason}", path.display())),
        }
    }
    Err(none(if tried.is_empty() {
        format!("none of {} is on PATH", NAMES.join(", "))
    } else {
        format!("none on PATH can be used ({})", tried.join("; "))
    }))
}

fn none(message: String) -> ProjectError {
    let (major, minor) = MINIMUM_PYTHON;
    ProjectError::new(
        Code::NoInterpreter,
        message,
        format!(
            "install Python {major}.{minor} or newer, or name one: `--set python=PATH` or AFTERCALL_PYTHON=PATH"
        ),
    )
}

fn on_path(name: &str, search_path: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    std::env::split_paths(search_path?)
        .map(|folder| folder.join(name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn usable(facts: InterpreterFacts) -> Result<InterpreterFacts, String> {
    let (major, minor) = MINIMUM_PYTHON;
    if (facts.version.0, facts.version.1) < MINIMUM_PYTHON {
        return Err(format!("it is {}, older than {major}.{minor}", facts.name()));
    }
    if facts.executable.as_os_str().is_empty() {
        return Err("it does not know where its own executable is".to_owned());
    }
    Ok(facts)
}

/// `-I`: nothing of the caller's environment or folder gets into what it says. `-S` is not wanted, since `site` is what
/// finds a virtual environment.
fn ask(path: &Path) -> Result<InterpreterFacts, String> {
    let mut child = Command::new(path)
        .args(["-I", "-c", PROBE])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it does not start: {error}"))?;
    let status = wait(&mut child)?;
    if !status.success() {
        let said = read(child.stderr.take());
        let last = said
            .trim_end()
            .lines()
            .last()
            .unwrap_or("it says nothing")
            .to_owned();
        return Err(format!("it fails to tell about itself ({status}): {last}"));
    }
    serde_json::from_str(&read(child.stdout.take()))
        .map_err(|error| format!("its answer cannot be read: {error}"))
}

fn wait(child: &mut Child) -> Result<ExitStatus, String> {
    let polls = PROBE_TIMEOUT.as_millis() / PROBE_POLL.as_millis();
    for _ in 0..polls {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => thread::sleep(PROBE_POLL),
            Err(error) => return Err(error.to_string()),
        }
    }
    // Killed and reaped, so that a hanging interpreter is not left behind.
    child
        .kill()
        .and_then(|()| child.wait())
        .map_err(|error| error.to_string())?;
    Err(format!("it did not answer within {} s", PROBE_TIMEOUT.as_secs()))
}

fn read(stream: Option<impl std::io::Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream
        && let Err(error) = stream.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes)
    {
        return error.to_string();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn script(folder: &Path, name: &str, body: &str) -> PathBuf {
        let path = folder.join(name);
        let source = path.with_extension("source");
        fs::write(&source, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).unwrap();
        // Another test's fork would inherit a descriptor that writes to it, and a file that is written to is not executed.
        let copied = std::process::Command::new("cp").arg(&source).arg(&path).status();
        assert!(copied.unwrap().success());
        path
    }

    #[test]
    fn the_machines_own_interpreter_is_found_and_tells_where_its_parts_are() {
        let path = std::env::var_os("PATH").unwrap();
        let facts = find_interpreter(InterpreterChoice {
            wanted: None,
            search_path: Some(&path),
        })
        .unwrap();
        assert!((facts.version.0, facts.version.1) >= MINIMUM_PYTHON);
        assert!(facts.real_executable.is_file());
        assert_eq!(facts.real_executable, facts.executable.canonicalize().unwrap());
        assert!(facts.stdlib.join("os.py").is_file());
        assert!(facts.library().iter().all(|path| path.is_absolute()));
        // What it tells is where it really is: asking that file again gives the same, though a shim may have been first.
        let again = find_interpreter(InterpreterChoice {
            wanted: Some(&facts.executable),
            search_path: None,
        })
        .unwrap();
        assert_eq!(again, facts);
    }

    #[test]
    fn an_old_or_broken_one_is_passed_over_and_all_reasons_are_told() {
        let folder = tempfile::tempdir().unwrap();
        script(folder.path(), "python3", "echo boom >&2; exit 3");
        let old = r#"{"executable":"/x","real_executable":"/x","implementation":"cpython","version":[3,9,1],"version_text":"3.9.1","abi":"","prefix":"/","base_prefix":"/","stdlib":"/","platstdlib":"/","packages":[],"libpython":null,"certificates":[],"zoneinfo":[]}"#;
        script(folder.path(), "python3.11", &format!("echo '{old}'"));
        let choice = InterpreterChoice {
            wanted: None,
            search_path: Some(folder.path().as_os_str()),
        };
        let error = find_interpreter(choice).unwrap_err();
        assert_eq!(error.code, Code::NoInterpreter);
        assert!(error.message.contains("boom"), "{error}");
        assert!(
            error.message.contains("it is Python 3.9.1, older than 3.11"),
            "{error}"
        );
        assert!(error.fix.contains("AFTERCALL_PYTHON"), "{}", error.fix);
    }

    #[test]
    fn a_wanted_one_is_never_replaced_by_another() {
        let path = std::env::var_os("PATH").unwrap();
        let wanted = Path::new("/nowhere/python3");
        let error = find_interpreter(InterpreterChoice {
            wanted: Some(wanted),
            search_path: Some(&path),
        })
        .unwrap_err();
        assert!(
            error.message.contains("/nowhere/python3 cannot be used"),
            "{error}"
        );
    }
}
