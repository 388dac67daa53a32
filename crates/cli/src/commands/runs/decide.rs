//! `aftercall runs decide`.

use std::path::PathBuf;

use api::{DecideManyRequest, DecideRequest, DecidedList, DecidedView, RunWord, Verdict, Where};
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};
use domain::{Code, Environment, Timestamp};

use super::list::since;
use super::which::which;
use crate::arguments::About;
use crate::client::{Client, escape};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::style;

/// The most bytes of an answer that is handed in.
const MAX_ANSWER_BYTES: u64 = 60 * 1024;

/// Say what became of a write that nobody can know, or what a write that fits no record is
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("verdict").required(true).args(["happened", "not_sent", "keep", "send", "abort"]),
    after_help = "`aftercall runs show RUN` tells what a run asks, and what to type. The run goes on once all is said that it
waits for. Of a run that is over, only its record and how its end is told change; a retry heeds it.
To say the same again is no error. Exit status 1 if there is nothing to decide.

Examples:
  aftercall runs decide 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --happened
  aftercall runs decide 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --happened --answer answer.json
  aftercall runs decide 0192f0c1-7a7b-7c1d-8a3e-6d2f0a4b5c6d --not-sent --effect 2
  aftercall runs decide --not-sent --where host=crm.example.com --where status=502 --since 2h --dry-run
  aftercall runs decide --keep --where 'endpoint=POST https://crm.example.com/notes'"
)]
pub struct Decide {
    /// The runs' ids, or the beginnings of them: 8 digits or more
    #[arg(required_unless_present = "wheres", conflicts_with = "wheres", value_parser = NonEmptyStringValueParser::new())]
    runs: Vec<String>,
    /// The write reached the other side: it is not sent again
    #[arg(long)]
    happened: bool,
    /// What the other side answered, a JSON file [default: {} with status 200, marked Aftercall-Assumed: 1]
    #[arg(long, value_name = "FILE", requires = "happened", conflicts_with_all = ["not_sent", "keep", "send", "abort", "wheres"])]
    answer: Option<PathBuf>,
    /// It did not: it is sent when it is asked for again
    #[arg(long)]
    not_sent: bool,
    /// The record that is left over stands for the write: what it brought is given back
    #[arg(long)]
    keep: bool,
    /// They are two: the write is sent
    #[arg(long)]
    send: bool,
    /// Give the run up
    #[arg(long)]
    abort: bool,
    /// Which effect, where it may be about several
    #[arg(long, value_name = "NUMBER", conflicts_with = "wheres")]
    effect: Option<u32>,
    /// In bulk: host=NAME, endpoint=METHOD URL, status=502 (of the answer), status=needs_decision (of the run)
    #[arg(long = "where", id = "wheres", value_name = "NAME=VALUE")]
    wheres: Vec<String>,
    /// In bulk: only runs that were accepted since: 30min, 2h, 7d, or a time such as 2026-01-05T10:00:00Z
    #[arg(long, value_name = "WHEN", conflicts_with = "runs")]
    since: Option<String>,
    /// In bulk: only tell what would be decided
    #[arg(long, conflicts_with = "runs")]
    dry_run: bool,
    #[command(flatten)]
    pub(super) about: About,
}

impl Decide {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let client = context.client()?;
        if self.wheres.is_empty() {
            self.each(context, &client).await
        } else {
            self.many(context, &client).await
        }
    }

    fn verdict(&self) -> Verdict {
        match (self.happened, self.not_sent, self.keep, self.send) {
            (true, ..) => Verdict::Happened,
            (_, true, ..) => Verdict::NotSent,
            (_, _, true, _) => Verdict::Keep,
            (.., true) => Verdict::Send,
            _ => Verdict::Abort,
        }
    }

    /// One after the other; the first that is not possible ends it, with those before it done and told.
    async fn each(&self, context: &Context, client: &Client) -> Result<Exit, Box<CliError>> {
        let body = DecideRequest {
            verdict: self.verdict(),
            effect: self.effect,
            answer: self.answer.as_ref().map(read_answer).transpose()?,
        };
        for id in &self.runs {
            let path = format!("/v1/runs/{}/decide", escape(&which(client, id).await?));
            let decided: DecidedView = client.post(&path, &body).await?;
            if context.screen.json {
                context.screen.json(&decided, self.runs.len() > 1)?;
            } else {
                context.screen.say(&tell(&decided, false))?;
            }
        }
        Ok(Exit::Done)
    }

    async fn many(&self, context: &Context, client: &Client) -> Result<Exit, Box<CliError>> {
        let mut request = DecideManyRequest {
            verdict: self.verdict(),
            of: self.meant(context)?,
            dry_run: self.dry_run,
            after: None,
        };
        let (mut decided, mut failed) = (0, 0);
        loop {
            let page: DecidedList = client.post("/v1/decisions", &request).await?;
            decided += page.decided.len();
            failed += page.failed.len();
            if context.screen.json {
                context.screen.json(&page, true)?;
            } else {
                for one in &page.decided {
                    context.screen.say(&tell(one, self.dry_run))?;
                }
                for one in &page.failed {
                    context.screen.say(&style::bad(&one.message))?;
                }
            }
            request.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        if !context.screen.json && decided + failed == 0 {
            context.screen.say("no run asks for that")?;
        }
        Ok(if failed == 0 && decided > 0 {
            Exit::Done
        } else {
            Exit::Negative
        })
    }

    fn meant(&self, context: &Context) -> Result<Where, Box<CliError>> {
        let environment = context.named_environment();
        let environment = environment.map(|name| {
            name.parse::<Environment>()
                .map_err(|_| bad(&format!("--env {name}"), "it is sandbox, pre-release or live"))
        });
        let since = self.since.as_deref().map(|text| since(text, context.screen.now));
        meant(&self.wheres, since.transpose()?).and_then(|of| {
            Ok(Where {
                project: context.configuration.project()?,
                environment: environment.transpose()?,
                ..of
            })
        })
    }
}

fn meant(wheres: &[String], since: Option<Timestamp>) -> Result<Where, Box<CliError>> {
    let mut of = Where {
        since,
        ..Where::default()
    };
    for one in wheres {
        let (name, value) = one
            .split_once('=')
            .ok_or_else(|| bad(&format!("--where {one}"), "write it as NAME=VALUE"))?;
        let value = value.trim().to_owned();
        match name.trim() {
            "host" => of.host = Some(value),
            "endpoint" => of.endpoint = Some(value),
            "status" => match (value.parse::<u16>(), value.parse::<RunWord>()) {
                (Ok(status), _) => of.status = Some(status),
                (_, Ok(word)) => of.run_status = Some(word),
                (_, Err(expected)) => {
                    return Err(bad(
                        &format!("--where {one}"),
                        &format!("the status of an answer (502), or of the run: {expected}"),
                    ));
                }
            },
            _ => {
                return Err(bad(
                    &format!("--where {one}"),
                    "name one of host, endpoint and status",
                ));
            }
        }
    }
    Ok(of)
}

fn bad(found: &str, fix: &str) -> Box<CliError> {
    CliError::usage(Code::BadRequest, format!("{found} cannot be used"), fix)
}

fn read_answer(path: &PathBuf) -> Result<serde_json::Value, Box<CliError>> {
    let unusable = |problem: &dyn std::fmt::Display| {
        CliError::usage(
            Code::BadInputFile,
            format!("{}: {problem}", path.display()),
            "give a file that holds the other side's answer as JSON",
        )
    };
    let length = std::fs::metadata(path).map_err(|error| unusable(&error))?.len();
    if length > MAX_ANSWER_BYTES {
        return Err(unusable(&format_args!(
            "{length} bytes, and at most {MAX_ANSWER_BYTES} are taken"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unusable(&error))?;
    serde_json::from_str(&text).map_err(|error| unusable(&error))
}

/// `0192…: #1 not_sent; it is queued: Attempt 3 begins as soon as there is room.`
fn tell(decided: &DecidedView, dry: bool) -> String {
    let run = &decided.run;
    let effects: Vec<_> = decided
        .effects
        .iter()
        .map(|number| format!("#{number}"))
        .collect();
    let what = format!("{} {}", effects.join(", "), decided.verdict);
    let what = match (dry, decided.already) {
        (true, _) => format!("would be said: {}", what.trim()),
        (false, true) => format!("{} was said before, nothing was changed", what.trim()),
        (false, false) => what.trim().to_owned(),
    };
    format!(
        "{}: {what}; it is {}: {}",
        run.run_id,
        style::status(run.status.as_str()),
        style::safe(&run.next.sentence)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::Parser as _;

    use super::*;
    use crate::arguments::Arguments;

    fn wheres(all: &[&str]) -> Result<Where, Box<CliError>> {
        let all: Vec<_> = all.iter().map(|one| (*one).to_owned()).collect();
        meant(&all, None)
    }

    #[test]
    fn what_is_meant_is_said_by_name() {
        let of = wheres(&[
            "host=crm.example.com",
            "status=502",
            "status=completed_with_failures",
        ])
        .unwrap();
        assert_eq!(
            (of.host.as_deref(), of.status, of.run_status),
            (
                Some("crm.example.com"),
                Some(502),
                Some(RunWord::CompletedWithFailures)
            )
        );
        let of = wheres(&["endpoint=POST https://a.example/x?y=z"]).unwrap();
        assert_eq!(of.endpoint.as_deref(), Some("POST https://a.example/x?y=z"));
        for unusable in ["host", "hots=a", "status=gone"] {
            assert!(wheres(&[unusable]).is_err(), "{unusable}");
        }
    }

    #[test]
    fn exactly_one_thing_is_said() {
        let parses = |typed: &[&str]| {
            let all = ["aftercall", "runs", "decide"].iter().chain(typed);
            Arguments::try_parse_from(all).is_ok()
        };
        assert!(parses(&["R", "--happened", "--answer", "f.json"]));
        assert!(parses(&["R", "S", "--not-sent", "--effect", "2"]));
        assert!(parses(&["--keep", "--where", "host=a", "--since", "2h"]));
        assert!(!parses(&["R"]), "nothing is said");
        assert!(!parses(&["R", "--happened", "--not-sent"]));
        assert!(!parses(&["R", "--not-sent", "--answer", "f.json"]));
        assert!(!parses(&["--happened"]), "of nothing");
        assert!(
            !parses(&["R", "--happened", "--where", "host=a"]),
            "of one and of many"
        );
        assert!(!parses(&["R", "--happened", "--since", "2h"]));
    }
}
