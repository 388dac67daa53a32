//! What a campaign came to, as a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::is_settled;
use super::sides::{Policy, Side, WRITES};

/// Shown of each kind of violation.
const SHOWN: usize = 20;

/// What a campaign came to.
pub struct Report {
    crashes: usize,
    /// Runs that had been there at so many crashes that they were set aside, and were retried by hand.
    retried: usize,
    sides: BTreeMap<&'static str, Tally>,
    order: Vec<&'static str>,
    took: Duration,
    /// What must not be, in words.
    violations: Vec<String>,
}

#[derive(Default)]
struct Tally {
    policy: &'static str,
    runs: usize,
    requests: usize,
    parked: usize,
    lost: usize,
    doubled: usize,
}

impl Report {
    pub(super) fn new(crashes: usize, retried: usize) -> Self {
        Self {
            crashes,
            retried,
            sides: BTreeMap::new(),
            order: Vec::new(),
            took: Duration::ZERO,
            violations: Vec::new(),
        }
    }

    /// Counts one accepted conversation's run.
    pub(super) fn run(&mut self, side: &Side, id: &str, detail: &Value) {
        let status = detail["run"]["status"].as_str().unwrap();
        let works = side.receiver.works();
        let tally = self.sides.entry(side.name).or_default();
        tally.runs += 1;
        tally.parked += usize::from(status == "needs_decision");
        let done = WRITES.map(|name| works.get(&format!("{id}/{name}")).copied().unwrap_or(0));
        let all = done.iter().all(|times| *times > 0);
        // Who waits for a person is not lost: it is shown, and says what it waits for.
        let parked = status == "needs_decision" && side.policy == Policy::None;
        if !is_settled(status) || !(parked || status == "succeeded" && all) {
            tally.lost += 1;
            self.violations.push(format!(
                "lost: {id} is {status}, its writes are done {done:?} times"
            ));
        }
        let parked = detail["parked"].as_array().into_iter().flatten();
        for needless in parked.filter(|parked| parked["why"] != "unknown") {
            self.violations
                .push(format!("parked needlessly: {id}: {needless}"));
        }
        let twice = done.iter().filter(|times| **times > 1).count();
        tally.doubled += twice;
        if twice > 0 && side.policy != Policy::Resend {
            self.violations
                .push(format!("done twice: {id} ({status}): {done:?}"));
        }
    }

    pub(super) fn sides(&mut self, sides: &[Side], took: Duration) {
        self.took = took;
        for side in sides {
            self.order.push(side.name);
            let tally = self.sides.entry(side.name).or_default();
            tally.requests = side.receiver.seen().len();
            tally.policy = match side.policy {
                Policy::Keys => "honours keys",
                Policy::None => "none",
                Policy::Resend => "resend",
            };
            let misused = side.receiver.misused_keys();
            let of_side = misused
                .iter()
                .map(|key| format!("{}: key {key} came with two bodies", side.name));
            self.violations.extend(of_side);
        }
    }

    /// Whether nothing was lost, and nothing done twice but where a policy said so.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.violations.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} crashes in {:.0?}; {} runs set aside and retried",
            self.crashes, self.took, self.retried
        )?;
        writeln!(
            f,
            "{:12} {:14} {:>8} {:>9} {:>7} {:>6} {:>8}",
            "receiver", "policy", "runs", "requests", "parked", "lost", "doubled"
        )?;
        for name in &self.order {
            let tally = &self.sides[name];
            writeln!(
                f,
                "{name:12} {:14} {:>8} {:>9} {:>7} {:>6} {:>8}",
                tally.policy, tally.runs, tally.requests, tally.parked, tally.lost, tally.doubled
            )?;
        }
        for violation in self.violations.iter().take(SHOWN) {
            writeln!(f, "{violation}")?;
        }
        match self.violations.len() {
            0 => write!(f, "nothing lost, nothing done twice but where a policy said so"),
            count => write!(f, "{count} violations"),
        }
    }
}
