//! Processes, told apart by number and start time: a number alone is given out again.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Clock ticks after the machine started.
    pub start_time: u64,
    /// The number of its parent.
    pub parent: i32,
    /// The session it is in, which is the number of the process that leads it.
    pub session: i32,
    zombie: bool,
}

impl Process {
    /// The process that has this number now.
    #[must_use]
    pub fn find(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the command in parentheses, and may hold anything.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        Some(Self {
            pid,
            zombie: matches!(*fields.first()?, "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }

    /// Whether it still runs. One that only waits to be reaped does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Self::find(self.pid).is_some_and(|now| now.start_time == self.start_time && !now.zombie)
    }

    /// Whether it has a handler of its own for the signal of this number.
    #[must_use]
    pub fn catches(&self, signal: u32) -> bool {
        self.has_in("SigCgt:", signal)
    }

    /// Whether the signal of this number does nothing to it.
    #[must_use]
    pub fn ignores(&self, signal: u32) -> bool {
        self.has_in("SigIgn:", signal)
    }

    fn has_in(&self, mask: &str, signal: u32) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let digits = status.lines().find_map(|line| line.strip_prefix(mask));
        let bits = digits
            .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok())
            .unwrap_or(0);
        bits & (1 << (signal - 1)) != 0
    }

    /// Sends a signal, if it is still there.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            // It may have ended since.
            let _ = kill_process(pid, signal);
        }
    }
}

fn all() -> Vec<Process> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    numbers
        .filter_map(|entry| Process::find(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Everything alive that this process started, directly or not; it itself not.
#[must_use]
pub fn tree(root: i32) -> Vec<Process> {
    let all = all();
    let mut known = BTreeSet::from([root]);
    loop {
        let before = known.len();
        known.extend(
            all.iter()
                .filter(|process| known.contains(&process.parent))
                .map(|process| process.pid)
                .collect::<Vec<_>>(),
        );
        if known.len() == before {
            return all
                .into_iter()
                .filter(|one| one.pid != root && known.contains(&one.pid) && !one.zombie)
                .collect();
        }
    }
}

/// Everything alive in the session that `leader` led, if that is not another process's number by now.
#[must_use]
pub fn session(leader: Process) -> Vec<Process> {
    let mut members = all();
    members.retain(|one| one.session == leader.pid && one.start_time >= leader.start_time && !one.zombie);
    let reused = |one: &Process| one.pid == leader.pid && one.start_time != leader.start_time;
    if members.iter().any(reused) {
        Vec::new()
    } else {
        members
    }
}
