//! Real zygotes for tests: the interpreters of this machine, started and confined as a launcher does it, with the
//! library that this crate builds.

#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use confinement::{InterpreterFacts, Limits, Mode, Spawn, Spawned, ZygotePolicy};
use preload::packet::{Fork, Report};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Nothing that a test waits for takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// The `python3` of the search path, and the system's where it is another one.
pub fn interpreters() -> Vec<InterpreterFacts> {
    let on_path = interpreter(Path::new("python3")).expect("a python3 on the path that this user can run");
    let mut all = vec![on_path];
    match interpreter(Path::new("/usr/bin/python3")) {
        Some(system) if system.executable != all[0].executable => all.push(system),
        Some(_) => println!("only one interpreter here: {}", all[0].executable.display()),
        None => println!(
            "no /usr/bin/python3 here: only {} is tested",
            all[0].executable.display()
        ),
    }
    all
}

fn interpreter(program: &Path) -> Option<InterpreterFacts> {
    let ask = "import json, os, sys, sysconfig as s; print(json.dumps({
        'executable': os.path.realpath(sys.executable), 'prefix': sys.prefix, 'base_prefix': sys.base_prefix,
        'library': [s.get_path('stdlib'), s.get_path('platstdlib')]}))";
    let output = Command::new(program).args(["-c", ask]).output().ok()?;
    output
        .status
        .success()
        .then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// What a zygote is given.
pub struct Options {
    pub landlock: bool,
    pub seccomp: bool,
    pub limits: Limits,
    /// Beside the zygote's own file: module name and source; imported before it serves.
    pub modules: Vec<(&'static str, String)>,
    /// More of its settings.
    pub settings: Value,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            landlock: true,
            seccomp: true,
            limits: Limits {
                cpu: Duration::from_secs(20),
                address_space: 1 << 30,
                file_size: 64 << 20,
                open_files: 256,
            },
            modules: Vec::new(),
            settings: json!({}),
        }
    }
}

pub struct Zygote {
    pub spawned: Spawned,
    pub control: OwnedFd,
    pub tmp_root: PathBuf,
    /// Readable by this user, but not granted to the zygote.
    pub outside: PathBuf,
    output: std::io::PipeReader,
    _folder: TempDir,
}

/// One child, asked for and not yet over.
pub struct Child {
    pub token: u64,
    pub channel: UnixStream,
    pub output: std::io::PipeReader,
}

/// How a child ended.
#[derive(Debug)]
pub struct Ended {
    pub answer: Value,
    pub output: String,
    pub report: Report,
}

impl Zygote {
    pub fn start(python: &InterpreterFacts, options: &Options) -> Zygote {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (project, tmp_root, outside) = (root.join("project"), root.join("tmp"), root.join("outside"));
        std::fs::create_dir(&project).unwrap();
        std::fs::create_dir(&tmp_root).unwrap();
        std::fs::write(&outside, "not for children").unwrap();
        let library = library();

        let mut read = confinement::interpreter_paths(python);
        read.extend([project.clone(), library.clone()]);
        let policy = ZygotePolicy {
            mode: if options.landlock {
                Mode::Required
            } else {
                Mode::Off
            },
            read,
            execute: confinement::execute_paths(&python.executable).unwrap(),
            tmp_root: tmp_root.clone(),
            network: false,
            limits: options.limits.clone(),
        };
        write_project(&project, &policy, options);

        let (control, theirs) = control_pair();
        let (output, their_output) = std::io::pipe().unwrap();
        let their_output = OwnedFd::from(their_output);
        let arguments = ["-s", "-P", "zygote.py"].map(OsString::from);
        let spawned = confinement::spawn(Spawn {
            program: python.executable.clone(),
            args: arguments
                .into_iter()
                .chain([library.into(), project.clone().into()])
                .collect(),
            env: vec![
                ("MALLOC_ARENA_MAX".into(), "2".into()),
                ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
            ],
            cwd: project,
            policy: Some(policy),
            fds: vec![
                (theirs, 3),
                (their_output.try_clone().unwrap(), 1),
                (their_output, 2),
            ],
        })
        .unwrap();
        Zygote {
            spawned,
            control,
            tmp_root,
            outside,
            output,
            _folder: folder,
        }
    }

    /// Asks for a child with a temporary folder named by its token.
    pub fn fork(&self, token: u64) -> Child {
        let (channel, theirs) = UnixStream::pair().unwrap();
        let (output, their_output) = std::io::pipe().unwrap();
        channel.set_read_timeout(Some(PATIENCE)).unwrap();
        let packet = Fork {
            token,
            folder: token.to_string().as_bytes(),
        }
        .encode();
        self.send(&packet, &[theirs.as_fd(), their_output.as_fd()]);
        Child {
            token,
            channel,
            output,
        }
    }

    pub fn send(&self, packet: &[u8], descriptors: &[std::os::fd::BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = rustix::net::SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(ancillary.push(rustix::net::SendAncillaryMessage::ScmRights(descriptors)));
        }
        let parts = [std::io::IoSlice::new(packet)];
        rustix::net::sendmsg(&self.control, &parts, &mut ancillary, SendFlags::NOSIGNAL).unwrap();
    }

    /// The next report and the descriptor that came with it; `None` when the zygote has closed its end.
    pub fn receive(&self) -> Option<(Report, Option<OwnedFd>)> {
        let mut packet = [0; 128];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut ancillary = rustix::net::RecvAncillaryBuffer::new(&mut space);
        let mut parts = [std::io::IoSliceMut::new(&mut packet)];
        let received =
            rustix::net::recvmsg(&self.control, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC);
        let Ok(received) = received else {
            panic!(
                "the zygote says nothing: {:?}; its output: {}",
                received,
                self.output()
            );
        };
        let mut descriptors: Vec<OwnedFd> = ancillary
            .drain()
            .filter_map(|message| match message {
                rustix::net::RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
                _ => None,
            })
            .flatten()
            .collect();
        assert!(descriptors.len() <= 1);
        let packet = &packet[..received.bytes];
        let report = || Report::decode(packet).unwrap_or_else(|| panic!("no report: {packet:?}"));
        (!packet.is_empty()).then(|| (report(), descriptors.pop()))
    }

    pub fn expect_report(&self) -> (Report, Option<OwnedFd>) {
        self.receive()
            .unwrap_or_else(|| panic!("the zygote ended; its output: {}", self.output()))
    }

    /// Runs Python source in a fresh child until it has ended.
    pub fn run(&self, token: u64, source: &str) -> Ended {
        let mut child = self.fork(token);
        let (forked, pidfd) = self.expect_report();
        assert!(
            matches!(forked, Report::Forked { token: of, .. } if of == token),
            "{forked:?}"
        );
        assert_eq!(pidfd.is_some(), confinement::probe().pidfd);
        child.give(source);
        let answer = child.answer();
        let (report, _) = self.expect_report();
        Ended {
            answer,
            output: child.output(),
            report,
        }
    }

    /// Runs Python source that is to give an answer and exit normally.
    pub fn answer(&self, token: u64, source: &str) -> Value {
        let ended = self.run(token, source);
        assert!(
            matches!(ended.report, Report::Exited { token: of, status: 0, .. } if of == token),
            "{ended:?}"
        );
        ended.answer
    }

    pub fn kill(&self) {
        rustix::process::kill_process(self.pid(), rustix::process::Signal::KILL).unwrap();
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_raw(self.spawned.pid).unwrap()
    }

    /// What the zygote has printed; only to be asked once it has ended.
    fn output(&self) -> String {
        self.kill();
        let mut text = String::new();
        (&self.output).read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        // Gone already is what is wanted.
        let _ = rustix::process::kill_process(self.pid(), rustix::process::Signal::KILL);
        let _ = rustix::process::waitpid(Some(self.pid()), rustix::process::WaitOptions::empty());
    }
}

impl Child {
    pub fn give(&mut self, source: &str) {
        // A child that could not be confined reads nothing.
        let _ = self.channel.write_all(source.as_bytes());
        let _ = self.channel.shutdown(Shutdown::Write);
    }

    /// What it sends until it closes its channel; null when that is nothing.
    pub fn answer(&mut self) -> Value {
        let mut text = Vec::new();
        match self.channel.read_to_end(&mut text) {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => drop(other.unwrap()),
        }
        serde_json::from_slice(&text).unwrap_or(Value::Null)
    }

    pub fn output(&mut self) -> String {
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        text
    }
}

/// Waits until the process behind a pidfd has ended.
pub fn ends(pidfd: &OwnedFd) -> bool {
    let mut ready = [rustix::event::PollFd::new(pidfd, rustix::event::PollFlags::IN)];
    let patience = rustix::event::Timespec {
        tv_sec: 10,
        tv_nsec: 0,
    };
    rustix::event::poll(&mut ready, Some(&patience)).unwrap() == 1
}

fn control_pair() -> (OwnedFd, OwnedFd) {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    rustix::net::sockopt::set_socket_timeout(&ours, rustix::net::sockopt::Timeout::Recv, Some(PATIENCE))
        .unwrap();
    (ours, theirs)
}

/// cargo puts the library beside the tests' own folder.
pub fn library() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let found = tests
        .ancestors()
        .map(|folder| folder.join("libpreload.so"))
        .find(|path| path.exists());
    found
        .expect("libpreload.so beside the test's folder")
        .canonicalize()
        .unwrap()
}

fn write_project(project: &Path, policy: &ZygotePolicy, options: &Options) {
    let write = |name: &str, content: &[u8]| std::fs::write(project.join(name), content).unwrap();
    write("zygote.py", include_bytes!("../python/zygote.py"));
    for (name, source) in &options.modules {
        write(&format!("{name}.py"), source.as_bytes());
    }
    let filter = |program: Vec<u8>| if options.seccomp { program } else { Vec::new() };
    write("base.bpf", &filter(confinement::base_filter()));
    write("child.bpf", &filter(confinement::child_filter()));
    let Limits {
        cpu,
        address_space,
        file_size,
        open_files,
    } = &options.limits;
    let mut settings = json!({
        "child_read": if options.landlock { confinement::child_read_paths(policy) } else { Vec::new() },
        "tmp_root": policy.tmp_root,
        "limits": [cpu.as_secs(), address_space, file_size, open_files],
        "modules": options.modules.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "close": [],
        "fork_fails": false,
        "enter_late": false,
        "once": false,
    });
    for (key, value) in options.settings.as_object().unwrap() {
        settings[key] = value.clone();
    }
    write("settings.json", settings.to_string().as_bytes());
}
