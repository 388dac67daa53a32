//! A disk that is full: nothing half-accepted, what runs completes, and it heals by itself. On a real small file system.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::{not_fatal, open_with, options};
use crate::conformance::given::{
    Given, accept, activate, after, apply, boot, claim, conversation, log, queued, report, returned, returns,
    run_id, shop, start,
};
use crate::sqlite::Options;
use crate::{Acceptance, Claim, NewConversation, StoreError};

const MIB: usize = 1024 * 1024;

/// A file system of its own, until it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, said loudly, where we may not mount.
    fn mount(bytes: usize) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let size = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!(
                "NOT TESTED: a full disk. It takes the right to mount a tmpfs (root, or CAP_SYS_ADMIN)."
            );
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

fn small(folder: &Path) -> Options {
    Options {
        reserve_bytes: 4 * MIB as u64,
        wal_frames: 1_024,
        ..options(folder)
    }
}

fn large(number: u64) -> NewConversation {
    NewConversation {
        document: vec![b'd'; 64 * 1024],
        ..conversation(number)
    }
}

/// Accepts until the disk is full. Answers the number that was refused first.
async fn fill(store: &Given, first: u64) -> u64 {
    for number in first..first + 1_000 {
        match store.accept(vec![large(number)], start()).await {
            Ok(answers) => assert!(matches!(answers[..], [Acceptance::Accepted(_)]), "{answers:?}"),
            Err(StoreError::ReadOnly) => return number,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the disk is never full");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_what_runs_completes_and_nothing_is_half_accepted() {
    let Some(disk) = SmallDisk::mount(40 * MIB) else {
        return;
    };
    let ballast = disk.0.path().join("ballast");
    fs::write(&ballast, vec![1; 16 * MIB]).unwrap();
    let folder = disk.0.path().join("data");
    let store: Given = open_with(small(&folder), not_fatal()).unwrap();
    queued(&store, 0..20).await;
    let running = claim(&store, 20, after(60)).await;
    assert_eq!(running.len(), 20);

    let refused = fill(&store, 1_000).await;
    assert!(store.health().await.unwrap().read_only);
    assert!(
        store
            .conversations(&format!("call-{refused}"))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store
            .conversations(&format!("call-{}", refused - 1))
            .await
            .unwrap()
            .len(),
        1
    );
    let wish = Claim {
        incarnation: boot(1),
        limit: 1,
        nothing_runs: false,
    };
    let claimed = store
        .claim(wish, &domain::run::Policy::default(), after(60))
        .await;
    assert!(
        matches!(claimed, Err(StoreError::ReadOnly)),
        "no attempt begins that may find no space to end"
    );

    for run in running {
        let mut left = report(run.number, after(61));
        left.logs = vec![log(&"l".repeat(8 * 1024))];
        apply(&store, run.run, returned(&run), Some(left), after(61)).await;
    }
    assert_eq!(
        store.run(run_id(3)).await.unwrap().unwrap().attempts[0]
            .logs
            .len(),
        1
    );

    fs::remove_file(&ballast).unwrap();
    for _ in 0..50 {
        if !store.health().await.unwrap().read_only {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    accept(&store, large(refused), after(70)).await;
    assert_eq!(claim(&store, 5, after(70)).await.len(), 5);
    drop(store);
    let store: Given = open_with(small(&folder), not_fatal()).unwrap();
    assert_eq!(
        store
            .conversations(&format!("call-{refused}"))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_on_a_full_disk_opens_for_reading_and_completing() {
    let Some(disk) = SmallDisk::mount(24 * MIB) else {
        return;
    };
    let folder = disk.0.path().join("data");
    let store: Given = open_with(small(&folder), not_fatal()).unwrap();
    activate(&store, &shop(), domain::Environment::Sandbox, 1).await;
    accept(&store, conversation(1), start()).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    drop(store);
    let ballast = disk.0.path().join("ballast");
    let mut bytes = 24 * MIB;
    while fs::write(&ballast, vec![1; bytes]).is_err() {
        bytes -= 64 * 1024;
    }

    let store: Given = open_with(small(&folder), not_fatal()).unwrap();
    let refused = store.accept(vec![conversation(2)], start()).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    let kept = store.run(run.run).await.unwrap().unwrap();
    assert_eq!(kept.document, Some(run.document.clone()));
    returns(&store, &run, after(61)).await;
    fs::remove_file(&ballast).unwrap();
    drop(store);
}
