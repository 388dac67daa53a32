//! What user code must not be able to do, tried by real children of real interpreters.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::io::Read;
use std::time::Duration;

use confinement::{InterpreterFacts, Limits};
use preload::packet::Report;
use serde_json::{Value, json};
use support::{Options, Zygote, interpreters};

fn zygote(python: &InterpreterFacts) -> Zygote {
    let modules = vec![("attempts", include_str!("python/attempts.py").to_owned())];
    let limits = Limits {
        cpu: Duration::from_secs(1),
        ..Options::default().limits
    };
    Zygote::start(
        python,
        &Options {
            modules,
            limits,
            ..Options::default()
        },
    )
}

/// A child that waits with a secret of its own until the channel is dropped.
const SIBLING: &str = "
import os, time
with open('secret', 'w') as file:
    file.write('of another conversation')
os.write(3, b'ready')
time.sleep(600)
";

#[test]
fn every_attempt_is_refused() {
    for python in interpreters() {
        let zygote = zygote(&python);
        let mut sibling = zygote.fork(0);
        let (report, pidfd) = zygote.expect_report();
        let Report::Forked { pid: sibling_pid, .. } = report else {
            panic!("{report:?}")
        };
        sibling.give(SIBLING);
        sibling.channel.read_exact(&mut [0; 5]).unwrap();
        let context = json!({
            "supervisor": std::process::id(),
            "zygote": zygote.spawned.pid,
            "sibling": sibling_pid,
            "sibling_folder": zygote.tmp_root.join("0"),
            "tmp_root": zygote.tmp_root,
            "outside": zygote.outside,
            "project": zygote.tmp_root.with_file_name("project"),
        });

        let attempts = zygote.answer(1, "import attempts; answer = attempts.describe()");
        let mut wrong = Vec::new();
        for (token, (name, signal)) in (2..).zip(attempts.as_object().unwrap()) {
            let source = format!(
                "import attempts, json; answer = attempts.run({name:?}, json.loads({:?}))",
                context.to_string()
            );
            let ended = zygote.run(token, &source);
            let Report::Exited { status, .. } = ended.report else {
                panic!("{ended:?}")
            };
            let as_it_should = match signal.as_i64() {
                // The whole status: no core was dumped either.
                Some(signal) => i64::from(status) == signal,
                None => status == 0 && ended.answer == Value::Null && ended.output.is_empty(),
            };
            if !as_it_should {
                wrong.push(format!("{name}: {ended:?}"));
            }
        }

        let count = attempts.as_object().unwrap().len();
        println!(
            "{}: {count} attempts, {} not refused",
            python.executable.display(),
            wrong.len()
        );
        assert!(
            wrong.is_empty(),
            "{}:\n{}",
            python.executable.display(),
            wrong.join("\n")
        );
        assert!(count > 200, "{count}");
        assert_eq!(
            std::fs::read_to_string(&zygote.outside).unwrap(),
            "not for children"
        );
        let entries = std::fs::read_dir(zygote.tmp_root.join("0")).unwrap();
        assert_eq!(
            entries
                .map(|entry| entry.unwrap().file_name())
                .collect::<Vec<_>>(),
            ["secret"]
        );
        let still_there =
            rustix::process::test_kill_process(rustix::process::Pid::from_raw(sibling_pid).unwrap());
        assert!(still_there.is_ok() && pidfd.is_some(), "the sibling lives");
    }
}

#[test]
fn what_user_code_needs_still_works() {
    for python in interpreters() {
        let zygote = zygote(&python);
        let ended = zygote.run(1, "import attempts; answer = attempts.works()");
        assert_eq!(
            (&ended.answer, ended.output.as_str()),
            (&Value::Null, ""),
            "{ended:?}"
        );
        assert!(
            matches!(ended.report, Report::Exited { status: 0, .. }),
            "{ended:?}"
        );
    }
}

/// The two layers hold each for itself: what one forbids does not count on the other.
#[test]
fn siblings_are_apart_by_landlock_alone_and_processes_by_seccomp_alone() {
    let python = &interpreters()[0];
    for (landlock, seccomp, source) in [
        (
            true,
            false,
            "
import os
try:
    answer = os.listdir('..')
except PermissionError:
    answer = 'refused'
",
        ),
        (
            false,
            true,
            "
import os
try:
    answer = os.fork()
    if answer == 0:
        os._exit(0)
except PermissionError:
    answer = 'refused'
",
        ),
    ] {
        let zygote = Zygote::start(
            python,
            &Options {
                landlock,
                seccomp,
                ..Options::default()
            },
        );
        assert_eq!(
            zygote.answer(1, source),
            json!("refused"),
            "Landlock {landlock}, seccomp {seccomp}"
        );
    }
}
