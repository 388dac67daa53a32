//! `aftercall status`.

use std::time::Duration;

use api::{CannotBeginView, StatusView, StrandedView, ZygoteView};
use clap::Args;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{more, style, table, time};

/// How the server is
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status 1 if something needs a look: the disk is full, runs of a deployment cannot
begin, what became of a run cannot be recorded, or the server is stopping.

Examples:
  aftercall status
  aftercall status --json | jq .queue"
)]
pub struct Status {}

impl Status {
    /// Tells it.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let client = context.client()?;
        let status: StatusView = client.get("/v1/status").await?;
        if context.screen.json {
            context.screen.json(&status, false)?;
        } else {
            context.screen.say(&tell(&status, &client.target()))?;
        }
        Ok(if is_well(&status) {
            Exit::Done
        } else {
            Exit::Negative
        })
    }
}

fn is_well(status: &StatusView) -> bool {
    !status.store.read_only
        && !status.draining
        && status.runner.cannot_begin.is_empty()
        && status.store.stranded.is_empty()
}

fn tell(status: &StatusView, target: &str) -> String {
    let stuck = &status.runner.cannot_begin;
    let health = match (status.draining, status.store.read_only, status.runner.recovered) {
        (true, ..) => style::warn("stopping: nothing new is taken"),
        (_, true, _) => style::bad("the disk is full: nothing new is taken, what runs completes"),
        (.., false) => style::warn("taking back what an earlier start had left"),
        _ if !stuck.is_empty() => style::bad("runs of a deployment cannot begin"),
        _ if !status.store.stranded.is_empty() => style::bad("what became of a run cannot be recorded"),
        _ => style::good("well"),
    };
    let queue: Vec<_> = status
        .queue
        .runs
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(word, count)| format!("{count} {}", style::status(word)))
        .collect();
    let pairs = [
        ("server", format!("aftercall {} at {target}", status.version)),
        ("health", health),
        ("up", time::span(Duration::from_secs(status.uptime_s))),
        (
            "runs",
            if queue.is_empty() {
                style::faint("none yet")
            } else {
                queue.join(", ")
            },
        ),
        (
            "unfinished",
            format!("{} of at most {}", status.queue.unfinished, status.queue.limit),
        ),
        (
            "attempts",
            format!(
                "{} running of at most {}",
                status.runner.running, status.runner.concurrency
            ),
        ),
        ("confinement", status.runner.confinement.clone()),
    ];
    table::pairs(&pairs)
        + &cannot_begin(stuck)
        + &stranded(&status.store.stranded)
        + &warm(&status.runner.zygotes)
}

/// Deployments whose runs cannot begin, and why; nothing while there are none.
fn cannot_begin(stuck: &[CannotBeginView]) -> String {
    let one = |one: &CannotBeginView| {
        let place = one.environment.map(|place| format!(" in {place}"));
        format!(
            "\n{} {} of {}{}, since {}: {} {}\n  {}\n  {}\n",
            style::bad("cannot begin"),
            one.deployment.short(),
            style::strong(one.project.as_str()),
            place.unwrap_or_default(),
            one.since,
            one.code,
            one.code.title(),
            style::safe(&one.message),
            style::faint(&format!("more: {}", more(one.code))),
        )
    };
    stuck.iter().map(one).collect()
}

/// Runs that nobody runs and nobody can end; nothing while there are none.
fn stranded(runs: &[StrandedView]) -> String {
    let one = |one: &StrandedView| {
        let whose = match (&one.project, one.environment) {
            (Some(project), Some(environment)) => {
                format!(" of {} in {environment}", style::strong(project.as_str()))
            }
            _ => String::new(),
        };
        format!(
            "\n{} run {}{whose}, since {}: {} {}\n  {}\n  {}\n",
            style::bad("stranded"),
            one.run_id,
            one.since,
            one.code,
            one.code.title(),
            style::safe(&one.message),
            style::faint("the next start of the server takes it back; until then it can be cancelled"),
        )
    };
    runs.iter().map(one).collect()
}

/// The warm processes; nothing while there are none.
fn warm(zygotes: &[ZygoteView]) -> String {
    if zygotes.is_empty() {
        return String::new();
    }
    let row = |zygote: &ZygoteView| {
        vec![
            zygote.project.to_string(),
            zygote.deployment.short(),
            zygote.pid.to_string(),
            zygote.children.to_string(),
            format!("{} ({})", zygote.fork_way, zygote.reason),
            zygote.confinement.clone(),
        ]
    };
    let rows: Vec<_> = zygotes.iter().map(row).collect();
    let heading = [
        "WARM",
        "DEPLOYMENT",
        "PID",
        "CHILDREN",
        "FORK",
        "CONFINEMENT FOUND",
    ];
    format!("\n{}", table::table(&heading, &rows))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use anstream::adapter::strip_str;
    use serde_json::{Value, json};

    use super::*;

    /// As a server tells it that knows of nothing more than what the first version had.
    fn plain() -> Value {
        json!({
            "version": "0.1.0", "started_at": "2026-01-05T10:00:00Z", "uptime_s": 60, "draining": false,
            "queue": {"runs": {"running": 1}, "unfinished": 1, "limit": 1000},
            "runner": {"running": 1, "concurrency": 16, "recovered": true, "confinement": "required", "zygotes": []},
            "store": {"read_only": false},
        })
    }

    fn parsed(status: &Value) -> StatusView {
        serde_json::from_str(&status.to_string()).unwrap()
    }

    #[test]
    fn the_answer_of_an_older_server_is_understood() {
        let status = parsed(&plain());
        assert!(is_well(&status));
        assert!(tell(&status, "here").contains("well"));

        let mut status = plain();
        status["runner"]["cannot_begin"] = json!([{"deployment": "a1".repeat(32), "project": "support", "code": "AC0311",
            "message": "no process", "since": "2026-01-05T10:00:20Z"}]);
        let told = strip_str(&tell(&parsed(&status), "here")).to_string();
        assert!(told.contains("of support, since"), "{told}");
        status["runner"]["cannot_begin"][0]["environment"] = json!("live");
        let told = strip_str(&tell(&parsed(&status), "here")).to_string();
        assert!(told.contains("of support in live, since"), "{told}");
    }

    #[test]
    fn a_run_whose_end_cannot_be_recorded_is_told_and_is_not_well() {
        let run = "01a20fa1-8e73-726e-8fe8-38e7c424b372";
        let bare = json!({"run_id": run, "code": "AC0604", "message": "a row\u{1b}[2J is missing",
            "since": "2026-01-05T10:00:20Z"});
        let mut whole = bare.clone();
        whole["project"] = json!("support");
        whole["environment"] = json!("live");
        let mut status = plain();
        status["store"]["stranded"] = json!([whole, bare]);
        let status = parsed(&status);
        assert!(!is_well(&status));
        insta::assert_snapshot!(strip_str(&tell(&status, "here")));
    }
}
