//! Starting a real interpreter: what reaches it, what it may do, and what is said when it does not start.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use confinement::{InterpreterFacts, Limits, Mode, Spawn, ZygotePolicy, probe, spawn};
use serde_json::{Value, json};

fn interpreters() -> Vec<InterpreterFacts> {
    let ask = "import json, os, sys, sysconfig as s; print(json.dumps({
        'executable': os.path.realpath(sys.executable), 'prefix': sys.prefix, 'base_prefix': sys.base_prefix,
        'library': [s.get_path('stdlib'), s.get_path('platstdlib')]}))";
    let facts = |program: &str| {
        let output = Command::new(program).args(["-c", ask]).output().ok()?;
        output
            .status
            .success()
            .then(|| serde_json::from_slice(&output.stdout).unwrap())
    };
    let all: Vec<InterpreterFacts> = ["python3", "/usr/bin/python3"]
        .into_iter()
        .filter_map(facts)
        .collect();
    println!(
        "interpreters: {:?}",
        all.iter().map(|facts| &facts.executable).collect::<Vec<_>>()
    );
    assert!(!all.is_empty(), "no python3 that this user can run");
    all
}

fn policy(python: &InterpreterFacts, tmp_root: &Path) -> ZygotePolicy {
    ZygotePolicy {
        mode: Mode::Required,
        read: confinement::interpreter_paths(python),
        execute: confinement::execute_paths(&python.executable).unwrap(),
        tmp_root: tmp_root.to_owned(),
        network: false,
        limits: Limits {
            cpu: Duration::from_secs(5),
            address_space: 1 << 30,
            file_size: 1 << 20,
            open_files: 100,
        },
    }
}

fn program(python: &InterpreterFacts, source: &str, policy: Option<ZygotePolicy>) -> Spawn {
    Spawn {
        program: python.executable.clone(),
        args: ["-S", "-s", "-P", "-c", source].map(OsString::from).to_vec(),
        env: vec![("ONE".into(), "1".into())],
        cwd: PathBuf::from("/"),
        policy,
        fds: Vec::new(),
    }
}

/// Runs source that prints one JSON value.
fn answer(python: &InterpreterFacts, source: &str, policy: Option<ZygotePolicy>) -> Value {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let writer = OwnedFd::from(writer);
    let mut what = program(python, source, policy);
    what.fds = vec![(writer.try_clone().unwrap(), 1), (writer, 2)];
    let spawned = spawn(what).unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    reap(spawned.pid);
    assert_eq!(spawned.pidfd.is_some(), probe().pidfd);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
}

fn reap(pid: i32) {
    // SAFETY: the process is a child of this one.
    assert_eq!(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) }, pid);
}

#[test]
fn tcp_is_open_to_a_policy_with_a_network_and_to_no_other() {
    if probe().landlock_abi.is_none_or(|abi| abi < 4) {
        println!("this kernel's Landlock knows nothing of TCP: not tried");
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let source = format!(
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port})).close()\n    print('\"open\"')\n\
         except PermissionError:\n    print('\"refused\"')"
    );
    let tmp_root = tempfile::tempdir().unwrap();
    for python in interpreters() {
        for (network, expected) in [(false, "refused"), (true, "open")] {
            let policy = ZygotePolicy {
                network,
                ..policy(&python, tmp_root.path())
            };
            assert_eq!(answer(&python, &source, Some(policy)), json!(expected));
        }
    }
}

#[test]
fn a_program_has_its_own_descriptors_environment_and_limits_and_no_privilege() {
    let tmp_root = tempfile::tempdir().unwrap();
    let source = "
import json, os, resource, signal
status = dict(line.split(':\\t') for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)
print(json.dumps({
    'descriptors': [fd for fd in range(200) if os.path.exists(f'/proc/self/fd/{fd}')],
    'environment': sorted(k for k in os.environ if k != 'LC_CTYPE'),
    'folder': os.getcwd(),
    'capabilities': {k: int(v, 16) for k, v in status.items() if k.startswith('Cap')},
    'no_new_privs': status['NoNewPrivs'],
    'limits': [resource.getrlimit(r)[1] for r in
        (resource.RLIMIT_CORE, resource.RLIMIT_AS, resource.RLIMIT_FSIZE)],
    'ignored': int(status['SigIgn'], 16), 'blocked': int(status['SigBlk'], 16),
}))";
    for python in interpreters() {
        let mut policy = policy(&python, tmp_root.path());
        policy.read.push("/proc".into()); // The test's own way to look.
        let got = answer(&python, source, Some(policy));
        assert_eq!(got["descriptors"], json!([0, 1, 2]));
        assert_eq!(got["environment"], json!(["ONE"]));
        assert_eq!(got["folder"], json!("/"));
        assert_eq!(got["no_new_privs"], json!("1"));
        assert_eq!(got["limits"], json!([0, 1 << 30, 1 << 20]));
        let mut capabilities = got["capabilities"].as_object().unwrap().clone();
        // An unprivileged process may not shrink its bounding set; with no_new_privs it is worth nothing.
        if !probe().root {
            capabilities.remove("CapBnd");
        }
        assert!(
            capabilities.len() >= 4 && capabilities.values().all(|set| *set == json!(0)),
            "{capabilities:?}"
        );
        // SIGPIPE and SIGXFSZ are Python's own doing.
        assert_eq!(
            (&got["ignored"], &got["blocked"]),
            (&json!(1 << 12 | 1 << 24), &json!(0))
        );
    }
}

#[test]
fn a_confined_program_reads_its_interpreter_and_writes_its_folder_and_nothing_else() {
    let tmp_root = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    writeln!(&outside, "outside").unwrap();
    let source = format!(
        "
import json, os, subprocess
def attempt(do):
    try:
        return str(do())
    except OSError as error:
        return type(error).__name__
print(json.dumps([attempt(do) for do in (
    lambda: open({outside:?}).read(), lambda: open({outside:?}, 'a'), lambda: open('/etc/passwd'),
    lambda: os.listdir('/'), lambda: os.execv('/bin/sh', ['sh']), lambda: os.kill({pid}, 0),
    lambda: open({tmp:?} + '/mine', 'w').write('mine'), lambda: open('/dev/null', 'w').write('gone'),
    lambda: os.mkfifo({tmp:?} + '/fifo'),
)]))",
        outside = outside.path(),
        tmp = tmp_root.path(),
        pid = std::process::id(),
    );
    for python in interpreters() {
        let got = answer(&python, &source, Some(policy(&python, tmp_root.path())));
        let no = "PermissionError";
        assert_eq!(got, json!([no, no, no, no, no, no, "4", "4", no]));
        let mut off = policy(&python, tmp_root.path());
        off.mode = Mode::Off;
        let unconfined = answer(&python, "import os; print(len(os.listdir('/')))", Some(off));
        assert!(unconfined.as_u64().unwrap() > 0);
    }
}

#[test]
fn descriptors_arrive_at_their_numbers_in_whatever_order_they_are_given() {
    let python = &interpreters()[0];
    let (mut reader, writer) = std::io::pipe().unwrap();
    let writer = OwnedFd::from(writer);
    let mut what = program(
        python,
        "import os\nfor fd in (1, 9, 5): os.write(fd, b'%d ' % fd)",
        None,
    );
    // Sources whose numbers are others' targets.
    what.fds = [5, 1, 9]
        .map(|target| (writer.try_clone().unwrap(), target))
        .into();
    drop(writer);
    let spawned = spawn(what).unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    reap(spawned.pid);
    assert_eq!(text, "1 9 5 ");
}

#[test]
fn what_does_not_start_says_at_which_step() {
    let python = &interpreters()[0];
    let tmp_root = tempfile::tempdir().unwrap();
    let policy = policy(python, tmp_root.path());
    let message = |change: &dyn Fn(&mut Spawn)| {
        let mut what = program(python, "", Some(policy.clone()));
        change(&mut what);
        spawn(what).unwrap_err().to_string()
    };
    let missing = message(&|what| what.program = "/nowhere/python".into());
    assert_eq!(
        missing,
        "could not start /nowhere/python: exec: No such file or directory (os error 2)"
    );
    let executable = message(&|what| what.policy.as_mut().unwrap().execute.clear());
    assert!(executable.contains("exec: Permission denied"), "{executable}");
    let folder = message(&|what| what.cwd = "/nowhere".into());
    assert!(folder.contains("working directory: No such file"), "{folder}");
    let unreadable = message(&|what| what.policy.as_mut().unwrap().read.push("/nowhere".into()));
    assert!(
        unreadable.contains("Landlock: /nowhere: No such file"),
        "{unreadable}"
    );
    let argument = message(&|what| what.args.push("a\0b".into()));
    assert!(argument.contains("arguments:"), "{argument}");
    let number = message(&|what| what.fds.push((tmp_root_fd(tmp_root.path()), 64)));
    assert!(number.contains("descriptors: descriptor number 64"), "{number}");
}

fn tmp_root_fd(path: &Path) -> OwnedFd {
    std::fs::File::open(path).unwrap().into()
}

#[test]
fn a_program_ends_with_the_thread_that_started_it() {
    let python = interpreters().remove(0);
    let (mut reader, writer) = std::io::pipe().unwrap();
    std::thread::spawn(move || {
        let mut what = program(
            &python,
            "import time; print(1, flush=True); time.sleep(600)",
            None,
        );
        what.fds = vec![(writer.into(), 1)];
        spawn(what).unwrap()
    })
    .join()
    .unwrap();
    // Its end closes the pipe.
    reader.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_policy_survives_its_way_to_the_launcher() {
    let python = &interpreters()[0];
    let policy = policy(python, Path::new("/tmp"));
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<ZygotePolicy>(&text).unwrap(), policy);
    assert!(text.contains(r#""mode":"required""#), "{text}");
}

#[test]
fn this_machine_is_probed() {
    let support = probe();
    println!("{support:?}");
    // SAFETY: reads a number.
    assert_eq!(support.root, unsafe { libc::geteuid() } == 0);
    assert_eq!(
        support.seccomp,
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .contains("Seccomp:")
    );
}
