//! `aftercall status`.

use std::time::Duration;

use api::{CannotBeginView, StatusView, ZygoteView};
use clap::Args;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};

/// How the server is
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status 1 if something needs a look: the disk is full, runs of a deployment cannot
begin, or the server is stopping.

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
        let well = !status.store.read_only && !status.draining && status.runner.cannot_begin.is_empty();
        Ok(if !well { Exit::Negative } else { Exit::Done })
    }
}

fn tell(status: &StatusView, target: &str) -> String {
    let stuck = &status.runner.cannot_begin;
    let health = match (status.draining, status.store.read_only, status.runner.recovered) {
        (true, ..) => style::warn("stopping: nothing new is taken"),
        (_, true, _) => style::bad("the disk is full: nothing new is taken, what runs completes"),
        (.., false) => style::warn("taking back what an earlier start had left"),
        _ if !stuck.is_empty() => style::bad("runs of a deployment cannot begin"),
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
    table::pairs(&pairs) + &cannot_begin(stuck) + &warm(&status.runner.zygotes)
}

/// Deployments whose runs cannot begin, and why; nothing while there are none.
fn cannot_begin(stuck: &[CannotBeginView]) -> String {
    let one = |one: &CannotBeginView| {
        format!(
            "\n{} {} of {}, since {}: {} {}\n  {}\n  {}\n",
            style::bad("cannot begin"),
            one.deployment.short(),
            style::strong(one.project.as_str()),
            one.since,
            one.code,
            one.code.title(),
            style::safe(&one.message),
            style::faint(&format!("more: {}", one.code.page())),
        )
    };
    stuck.iter().map(one).collect()
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
