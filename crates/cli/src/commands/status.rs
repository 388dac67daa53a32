//! `aftercall status`.

use std::time::Duration;

use api::{StatusView, ZygoteView};
use clap::Args;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};

/// How the server is
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status 1 if something needs a look: the disk is full, or the server is stopping.

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
        Ok(if status.store.read_only || status.draining {
            Exit::Negative
        } else {
            Exit::Done
        })
    }
}

fn tell(status: &StatusView, target: &str) -> String {
    let health = match (status.draining, status.store.read_only, status.runner.recovered) {
        (true, ..) => style::warn("stopping: nothing new is taken"),
        (_, true, _) => style::bad("the disk is full: nothing new is taken, what runs completes"),
        (.., false) => style::warn("taking back what an earlier start had left"),
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
    table::pairs(&pairs) + &warm(&status.runner.zygotes)
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
