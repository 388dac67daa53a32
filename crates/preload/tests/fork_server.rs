//! The fork server: what the supervisor asks over the control socket, and what it is told.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

use std::os::fd::AsFd;

use preload::Step;
use preload::packet::{Fork, Report};
use serde_json::json;
use support::{Options, Zygote, ends, interpreters};

#[test]
fn a_child_answers_and_its_end_is_reported_with_status_and_usage() {
    for python in interpreters() {
        let zygote = Zygote::start(&python, &Options::default());
        let ended = zygote.run(
            1,
            "print('said', flush=True); answer = sum(range(3_000_000)); import os; os.write(1, b'')",
        );
        assert_eq!(ended.answer, json!(4_499_998_500_000_u64), "{ended:?}");
        assert_eq!(ended.output, "said\n");
        let Report::Exited {
            token,
            status,
            user_us,
            max_rss_kib,
            minor_faults,
            ..
        } = ended.report
        else {
            panic!("{ended:?}")
        };
        assert_eq!((token, status), (1, 0));
        assert!(
            user_us > 1_000 && max_rss_kib > 1_000 && minor_faults > 10,
            "{ended:?}"
        );

        let ended = zygote.run(2, "import os; os._exit(7)");
        assert!(
            matches!(
                ended.report,
                Report::Exited {
                    token: 2,
                    status: 0x700,
                    ..
                }
            ),
            "{ended:?}"
        );
        let ended = zygote.run(3, "import os, signal; os.kill(os.getpid(), signal.SIGTERM)");
        assert!(
            matches!(
                ended.report,
                Report::Exited {
                    token: 3,
                    status: libc::SIGTERM,
                    ..
                }
            ),
            "{ended:?}"
        );
        let ended = zygote.run(4, "import os; os.abort()");
        assert!(
            matches!(
                ended.report,
                Report::Exited {
                    token: 4,
                    status: libc::SIGABRT,
                    ..
                }
            ),
            "{ended:?}"
        );
    }
}

#[test]
fn a_child_has_four_descriptors_its_own_folder_and_default_signals() {
    let source = "
import os, signal, stat
def open_descriptors():
    for fd in range(300):
        try:
            os.fstat(fd)
        except OSError:
            continue
        yield fd
handled = [s.name for s in signal.Signals if signal.getsignal(s) is None]
answer = {
    'descriptors': list(open_descriptors()),
    'kinds': [stat.S_IFMT(os.fstat(fd).st_mode) for fd in range(4)],
    'folder': os.getcwd(), 'entries': os.listdir(), 'mode': stat.S_IMODE(os.stat('.').st_mode),
    'blocked': list(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    'environment': sorted(os.environ),
}
";
    for python in interpreters() {
        // The second zygote has no 0, 1 and 2 of its own, so that what it receives gets those numbers.
        for close in [json!([]), json!([0, 1, 2])] {
            let options = Options {
                settings: json!({ "close": close }),
                ..Options::default()
            };
            let zygote = Zygote::start(&python, &options);
            let answer = zygote.answer(5, source);
            assert_eq!(answer["descriptors"], json!([0, 1, 2, 3]));
            let kinds = [libc::S_IFCHR, libc::S_IFIFO, libc::S_IFIFO, libc::S_IFSOCK];
            assert_eq!(answer["kinds"], json!(kinds));
            assert_eq!(answer["folder"], json!(zygote.tmp_root.join("5")));
            assert_eq!((&answer["entries"], &answer["mode"]), (&json!([]), &json!(0o700)));
            assert_eq!(answer["blocked"], json!([]));
            let environment = answer["environment"].as_array().unwrap();
            let ours = ["LC_CTYPE", "MALLOC_ARENA_MAX", "PYTHONDONTWRITEBYTECODE"];
            assert!(
                environment
                    .iter()
                    .all(|name| ours.contains(&name.as_str().unwrap())),
                "{environment:?}"
            );
        }
    }
}

#[test]
fn requests_that_make_no_sense_are_refused_and_the_next_one_is_served() {
    let python = &interpreters()[0];
    let zygote = Zygote::start(python, &Options::default());
    let (one, two) = std::io::pipe().unwrap();
    let (one, two) = (one.as_fd(), two.as_fd());
    let good = Fork {
        token: 9,
        folder: b"9",
    }
    .encode();
    let outside = Fork {
        token: 9,
        folder: b"../9",
    }
    .encode();
    let long = Fork {
        token: 9,
        folder: &[b'x'; 300],
    }
    .encode();
    for (packet, descriptors) in [
        (&good, vec![]),
        (&good, vec![one]),
        (&good, vec![one, two, one]),
        (&good, vec![one, two, one, two, one, two]),
        (&outside, vec![one, two]),
        (&long, vec![one, two]),
    ] {
        zygote.send(packet, &descriptors);
        let (report, _) = zygote.expect_report();
        assert_eq!(
            report,
            Report::Refused {
                token: 9,
                errno: libc::EBADMSG
            },
            "{packet:?}"
        );
    }
    assert_eq!(zygote.answer(10, "answer = 1"), json!(1));

    let options = Options {
        settings: json!({ "fork_fails": true }),
        ..Options::default()
    };
    let zygote = Zygote::start(python, &options);
    for token in [1, 2] {
        let _child = zygote.fork(token);
        assert_eq!(
            zygote.expect_report().0,
            Report::Refused {
                token,
                errno: libc::EAGAIN
            }
        );
    }
    // What cannot even be answered ends the zygote: whoever sends it speaks another protocol.
    zygote.send(b"what?", &[]);
    assert!(zygote.receive().is_none());
}

#[test]
fn a_step_that_fails_ends_the_child_and_names_itself() {
    let python = &interpreters()[0];
    let zygote = Zygote::start(python, &Options::default());
    std::fs::create_dir(zygote.tmp_root.join("6")).unwrap();
    let ended = zygote.run(6, "answer = 'user code ran'");
    assert!(ended.answer.is_null(), "{ended:?}");
    let status = Step::Folder.exit_status() << 8;
    assert!(
        matches!(ended.report, Report::Exited { status: of, .. } if of == status),
        "{ended:?}"
    );
    let line = format!(
        "aftercall: this attempt could not be confined: step folder: errno {}\n",
        libc::EEXIST
    );
    assert_eq!(ended.output, line);
}

#[test]
fn a_supervisor_that_reads_late_misses_nothing() {
    const CHILDREN: u64 = 400; // Their reports are more than the socket holds.
    let zygote = Zygote::start(&interpreters()[0], &Options::default());
    let (mut forked, mut exited) = (Vec::new(), Vec::new());
    let mut children: Vec<_> = (0..CHILDREN).map(|token| zygote.fork(token)).collect();
    children.iter_mut().for_each(|child| child.give(""));
    while exited.len() < CHILDREN as usize {
        match zygote.expect_report() {
            (Report::Forked { token, .. }, Some(_)) => forked.push(token),
            (Report::Exited { token, status: 0, .. }, None) => {
                assert!(forked.contains(&token), "{token} was forked before it ended");
                exited.push(token);
            }
            other => panic!("{other:?}"),
        }
    }
    exited.sort_unstable();
    assert_eq!(exited, (0..CHILDREN).collect::<Vec<_>>());
    assert_eq!(forked, exited);
}

#[test]
fn a_zygote_ends_with_its_control_socket_and_its_children_with_it() {
    let deaf = "
import signal, time
for s in range(1, 65):
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
import os
os.write(3, b'deaf')
time.sleep(60)
";
    for (index, python) in interpreters().iter().enumerate() {
        let mut zygote = Zygote::start(python, &Options::default());
        let mut child = zygote.fork(1);
        let (_, pidfd) = zygote.expect_report();
        let pidfd = pidfd.unwrap();
        child.give(deaf);
        let mut word = [0; 4];
        std::io::Read::read_exact(&mut child.channel, &mut word).unwrap();
        if index == 0 {
            zygote.control = std::fs::File::open("/dev/null").unwrap().into();
        } else {
            zygote.kill();
        }
        assert!(ends(zygote.spawned.pidfd.as_ref().unwrap()), "the zygote ends");
        assert!(ends(&pidfd), "its child ends");
    }
}

#[test]
fn a_child_whose_zygote_died_in_mid_fork_runs_nothing() {
    let options = Options {
        settings: json!({ "enter_late": true }),
        ..Options::default()
    };
    let zygote = Zygote::start(&interpreters()[0], &options);
    let mut child = zygote.fork(1);
    let (_, pidfd) = zygote.expect_report();
    child.give("answer = 'user code ran'");
    zygote.kill();
    assert!(child.answer().is_null());
    assert!(ends(&pidfd.unwrap()));
    assert!(child.output().contains("step parent"), "it says why");
}

/// Where forking is not safe, a process serves one request itself: as confined, with all its threads.
#[test]
fn a_process_that_serves_itself_is_confined_with_all_its_threads() {
    let worker = "
import concurrent.futures
pool = concurrent.futures.ThreadPoolExecutor(1)
pool.submit(int).result()
";
    let source = "
import os, worker
def attempt(do):
    try:
        return str(do())
    except OSError as error:
        return type(error).__name__
answer = [os.path.basename(os.getcwd()), worker.pool.submit(attempt, os.fork).result(),
          attempt(os.fork), attempt(lambda: os.listdir('..'))]
os.write(1, b'printed')
worker.pool.shutdown()
";
    for python in interpreters() {
        let options = Options {
            modules: vec![("worker", worker.to_owned())],
            settings: json!({ "once": true }),
            ..Options::default()
        };
        let zygote = Zygote::start(&python, &options);
        let mut child = zygote.fork(8);
        let (report, pidfd) = zygote.expect_report();
        let pid = zygote.spawned.pid;
        assert_eq!(report, Report::Forked { token: 8, pid });
        child.give(source);
        let no = "PermissionError";
        assert_eq!(child.answer(), json!(["8", no, no, no]), "{}", child.output());
        assert_eq!(child.output(), "printed");
        assert!(ends(&pidfd.unwrap()));
        assert!(zygote.receive().is_none(), "its end is its parent's to report");
    }
}
