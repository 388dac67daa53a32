//! A full disk, or a full queue, refuses what is new and harms nothing that is there.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use system_tests::{Answer, Place, Project, Server, conversation, now, until};

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

/// Stays until its conversation says so, and leaves something to be kept.
const FUNCTION: &str = "import time\n\n\ndef end_function(conv):\n    time.sleep(conv.state.stays_s)\n    conv.log.info('x' * 20000)\n    conv.state.left = 'y' * 20000\n";

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
    conversation(id, &json!({"stays_s": 0, "ballast": "z".repeat(200_000)}))
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
    let project = Project::of(FUNCTION);
    server.deploy(project.path(), "disk");
    let mut accepted = server.send_all(
        "disk",
        &(0..6).map(|n| large(&format!("before-{n}"))).collect::<Vec<_>>(),
    );
    let stays: Vec<_> = (0..8)
        .map(|n| conversation(&format!("stays-{n}"), &json!({"stays_s": 6})))
        .collect();
    let staying = server.send_all("disk", &stays);
    until("all eight run", || {
        staying
            .iter()
            .all(|run| server.run(run)["run"]["status"] == "running")
            .then_some(())
    });

    disk.fill();
    let mut number = 0;
    let refusal = until("the disk is full", || {
        number += 1;
        let answer = server.send("disk", &large(&format!("while-{number}")));
        match answer.status {
            202 => {
                accepted.push(answer.json()["run_id"].as_str().unwrap().to_owned());
                None
            }
            _ => Some(answer),
        }
    });
    println!("refused after {} more were accepted", number - 1);
    refused_for_now(refusal, "AC0106");
    let lines = server.send_batch("disk", &[large("line-1"), large("line-2")]);
    assert!(
        lines
            .iter()
            .all(|line| line["status"] == 503 && line["problem"]["code"] == "AC0106"),
        "{lines:?}"
    );
    assert_eq!(
        server.get("/v1/status")["store"]["read_only"],
        true,
        "it is visible"
    );
    assert!(
        staying
            .iter()
            .any(|run| server.run(run)["run"]["status"] == "running"),
        "there are attempts that run meanwhile"
    );
    for run in &staying {
        let detail = server.finished(run);
        assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
        assert_eq!(detail["state_after"]["left"].as_str().unwrap().len(), 20_000);
    }
    refused_for_now(server.send("disk", &large("still")), "AC0106");
    exactly(&server, accepted.len() + staying.len());

    disk.free();
    let began = now();
    let late = until("it takes conversations again", || {
        Some(server.send("disk", &large(&format!("while-{number}")))).filter(|answer| answer.status == 202)
    });
    println!("healed {:?} after there was space", began.elapsed());
    accepted.push(late.json()["run_id"].as_str().unwrap().to_owned());
    server.wait_until_done();
    exactly(&server, accepted.len() + staying.len());
    assert!(
        accepted
            .iter()
            .all(|run| server.run(run)["run"]["status"] == "succeeded")
    );
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
    let server = place.server().set("queue_limit", 5).set("concurrency", 1).start();
    let project = Project::of(FUNCTION);
    server.deploy(project.path(), "queue");
    let full: Vec<_> = (0..5)
        .map(|n| conversation(&format!("full-{n}"), &json!({"stays_s": 1})))
        .collect();
    server.send_all("queue", &full);
    let late = conversation("late", &json!({"stays_s": 0}));
    refused_for_now(server.send("queue", &late), "AC0105");
    let known = server.send("queue", &full[0]).expect(200).json();
    assert_eq!(known["known"], true, "what was taken is still known");
    exactly(&server, 5);
    let run = until("there is room", || {
        Some(server.send("queue", &late)).filter(|answer| answer.status == 202)
    });
    server.wait_until_done();
    assert_eq!(
        server.run(run.json()["run_id"].as_str().unwrap())["run"]["status"],
        "succeeded"
    );
    exactly(&server, 6);
}
