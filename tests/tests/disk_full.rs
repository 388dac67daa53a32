//! A full disk, or a full queue, refuses what is new and harms nothing that is there.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use system_tests::{Answer, Place, Project, Server, WAITING_PY, conversation, now, tell, until, waiting};

/// Room for the database, its log, the space that is held back, and some megabytes to fill up.
const DISK: &str = "96m";

/// A file system of its own, so small that it can be filled.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Self {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={DISK}"), "tmpfs"])
            .arg(at)
            .output();
        let mounted = mounted.expect("mount(8) is there");
        assert!(
            mounted.status.success(),
            "a small file system cannot be mounted ({}): run this test as root, in CI or by `sudo -E make test-system`",
            String::from_utf8_lossy(&mounted.stderr).trim()
        );
        Self(at.to_owned())
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is only just ending may still have a file open there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Waits if its conversation wants it to, and leaves something to be kept.
const FUNCTION: &str = r#"
from .waiting import until_told


def end_function(conv):
    if conv.state.waits:
        until_told()
    conv.log.info("x" * 20000)
    conv.state.left = "y" * 20000
"#;

fn project() -> Project {
    Project::files(&[
        ("functions/end_function.py", FUNCTION),
        ("functions/waiting.py", WAITING_PY),
    ])
}

#[track_caller]
fn refused_for_now(answer: Answer, code: &str) {
    let problem = answer.clone().expect(503).json();
    assert_eq!(problem["code"], code, "{problem:#}");
    let seconds: u32 = answer
        .header("retry-after")
        .expect("it says when to come back")
        .parse()
        .unwrap();
    assert!((1..=3600).contains(&seconds));
}

fn large(id: &str) -> Value {
    conversation(id, &json!({"waits": false, "ballast": "z".repeat(200_000)}))
}

fn waits(id: &str) -> Value {
    conversation(id, &json!({"waits": true}))
}

fn run_id(answer: &Answer) -> String {
    answer.json()["run_id"].as_str().unwrap().to_owned()
}

/// Sends large ones until one is refused; gives the answer, and the runs of those that were taken before.
fn until_refused(server: &Server<'_>) -> (Answer, Vec<String>) {
    let mut accepted = Vec::new();
    let refusal = until("the disk is full", || {
        let answer = server.send("disk", &large(&format!("while-{}", accepted.len())));
        if answer.status != 202 {
            return Some(answer);
        }
        accepted.push(run_id(&answer));
        None
    });
    (refusal, accepted)
}

#[test]
fn a_full_disk_refuses_new_conversations_whole_lets_running_ones_complete_and_heals_by_itself() {
    let mount = tempfile::Builder::new()
        .prefix("aftercall-disk-")
        .tempdir()
        .unwrap();
    let disk = SmallDisk::mount(mount.path());
    let place = Place::with_data(&disk.0.join("data"));
    let server = place.server().start();
    server.deploy(project().path(), "disk");
    let under_way = server.send_all(
        "disk",
        &(0..8).map(|n| waits(&format!("waits-{n}"))).collect::<Vec<_>>(),
    );
    let children = waiting(&server, under_way.len());

    disk.fill();
    let (refusal, mut accepted) = until_refused(&server);
    println!("refused after {} more were accepted", accepted.len());
    refused_for_now(refusal, "AC0106");
    let lines = server.send_batch("disk", &[large("line-1"), large("line-2")]);
    let refused = |line: &Value| line["status"] == 503 && line["problem"]["code"] == "AC0106";
    assert!(lines.len() == 2 && lines.iter().all(refused), "{lines:?}");
    assert_eq!(
        server.get("/v1/status")["store"]["read_only"],
        true,
        "it is visible"
    );
    tell(&children);
    for run in &under_way {
        let detail = server.finished(run);
        assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
        assert_eq!(detail["state_after"]["left"].as_str().unwrap().len(), 20_000);
    }
    refused_for_now(server.send("disk", &large("still")), "AC0106");
    exactly(&server, accepted.len() + under_way.len());

    disk.free();
    let began = now();
    let late = until("it takes conversations again", || {
        Some(server.send("disk", &large("late"))).filter(|answer| answer.status == 202)
    });
    println!("healed {:?} after there was space", began.elapsed());
    accepted.push(run_id(&late));
    server.wait_until_done();
    exactly(&server, accepted.len() + under_way.len());
    let succeeded = |run: &String| server.run(run)["run"]["status"] == "succeeded";
    assert!(accepted.iter().all(succeeded));
    assert_eq!(server.get("/v1/status")["store"]["read_only"], false);
}

/// There are as many runs as conversations that were accepted: nothing was half taken.
#[track_caller]
fn exactly(server: &Server<'_>, count: usize) {
    assert_eq!(server.runs("").len(), count);
}

#[test]
fn a_queue_at_its_limit_refuses_and_takes_again_once_there_is_room() {
    let place = Place::new();
    let server = place.server().set("queue_limit", 5).start();
    server.deploy(project().path(), "queue");
    let full: Vec<_> = (0..5).map(|n| waits(&format!("full-{n}"))).collect();
    server.send_all("queue", &full);
    let late = large("late");
    refused_for_now(server.send("queue", &late), "AC0105");
    let known = server.send("queue", &full[0]).expect(200).json();
    assert_eq!(known["known"], true, "what was taken is still known");
    exactly(&server, 5);
    tell(&waiting(&server, 5));
    let run = until("there is room", || {
        Some(server.send("queue", &late)).filter(|answer| answer.status == 202)
    });
    assert_eq!(server.finished(&run_id(&run))["run"]["status"], "succeeded");
    server.wait_until_done();
    exactly(&server, 6);
}
