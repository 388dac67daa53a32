//! `aftercall hosts`, `aftercall pause` and `aftercall resume`.

use api::{Breaker, HostList, HostView, PauseAnswer, PauseRequest, PauseView};
use clap::Args;
use domain::{Code, Environment};

use crate::arguments::About;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table, time};

/// Letters of a host's last failure that are shown.
const ERROR_LETTERS: usize = 80;

/// Hosts that end functions send to: how each is, and who waits for it
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status 1 if runs wait for a host, a breaker is open, or something is paused.

Examples:
  aftercall hosts
  aftercall hosts --json | jq '.hosts[] | select(.waiting > 0)'"
)]
pub struct Hosts {}

/// Stop requests of a project, an environment, or to a host; runs that ask for more wait
#[derive(Debug, Args)]
#[command(
    after_help = "What was sent is finished. Waiting uses up no patience and no attempt. It is kept over a restart.

Examples:
  aftercall pause --host crm.example.com
  aftercall pause --project support --env live
  aftercall pause                                      everything"
)]
pub struct Pause {
    #[command(flatten)]
    scope: Scope,
}

/// Lift a pause, and let runs go on that wait for such a host
#[derive(Debug, Args)]
#[command(
    after_help = "It lifts exactly what was paused in the same words; `aftercall hosts` lists that. Runs that wait for a
host of this scope, for whatever reason, go on at once, one after the other.

Examples:
  aftercall resume --host crm.example.com"
)]
pub struct Resume {
    #[command(flatten)]
    scope: Scope,
}

/// What is meant: everything that all of these apply to.
#[derive(Debug, Args)]
struct Scope {
    #[command(flatten)]
    about: About,
    /// The host's name, without scheme and port
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

impl Scope {
    /// Only what was typed counts: a project that a file or a variable names must not narrow what is stopped unseen.
    fn request(&self) -> Result<PauseRequest, Box<CliError>> {
        let bad = |what: &str, value: &str, fix: &str| {
            CliError::usage(Code::BadRequest, format!("{value:?} is no {what}"), fix)
        };
        let project = self.about.project.as_deref().map(|name| {
            name.parse()
                .map_err(|_| bad("project's name", name, "use lower-case letters, digits, - and _"))
        });
        let environment = self.about.environment.as_deref().map(|name| {
            name.replace("pre_release", "pre-release")
                .parse::<Environment>()
                .map_err(|_| bad("environment", name, "write sandbox, pre-release or live"))
        });
        Ok(PauseRequest {
            project: project.transpose()?,
            environment: environment.transpose()?,
            host: self.host.clone(),
        })
    }
}

impl Pause {
    /// Does it.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let request = self.scope.request()?;
        let answer: PauseAnswer = context.client()?.post("/v1/pauses", &request).await?;
        if context.screen.json {
            context.screen.json(&answer, false)?;
        } else {
            let what = meant(&request);
            context.screen.say(&if answer.changed {
                format!("paused: {what}. What is under way is finished; runs that ask for more wait.")
            } else {
                format!("{what} was paused already")
            })?;
        }
        Ok(Exit::Done)
    }
}

impl Resume {
    /// Does it.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let request = self.scope.request()?;
        let answer: PauseAnswer = context.client()?.post("/v1/resumptions", &request).await?;
        if context.screen.json {
            context.screen.json(&answer, false)?;
            return Ok(Exit::Done);
        }
        let what = meant(&request);
        let lifted = if answer.changed {
            format!("resumed: {what}")
        } else {
            format!("no pause of {what} was in force")
        };
        let going = match answer.admitted {
            0 => "no run waits for it".to_owned(),
            1 => "1 run goes on".to_owned(),
            count => format!("{count} runs go on, one after the other"),
        };
        context.screen.say(&format!("{lifted}; {going}"))?;
        for pause in &answer.pauses {
            context.screen.say(&tell_pause(pause, context))?;
        }
        Ok(Exit::Done)
    }
}

impl Hosts {
    /// Tells them.
    ///
    /// # Errors
    /// Those of a request.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let list: HostList = context.client()?.get("/v1/hosts").await?;
        if context.screen.json {
            context.screen.json(&list, false)?;
        } else if list.hosts.is_empty() && list.pauses.is_empty() {
            context
                .screen
                .say("nothing was sent to any host since the server started")?;
        } else {
            context.screen.say(&tell(&list, context))?;
        }
        let is_well = |host: &HostView| host.waiting == 0 && host.breaker == Breaker::Closed && !host.paused;
        Ok(if list.pauses.is_empty() && list.hosts.iter().all(is_well) {
            Exit::Done
        } else {
            Exit::Negative
        })
    }
}

fn tell(list: &HostList, context: &Context) -> String {
    let row = |host: &HostView| {
        let state = match (host.paused, host.breaker, host.not_before) {
            (true, ..) => style::warn("paused"),
            (_, Breaker::Open, Some(until)) => style::bad(&format!(
                "out, tried {}",
                time::relative(until, context.screen.now)
            )),
            (_, Breaker::Open, None) => style::bad("out"),
            (_, Breaker::HalfOpen, _) => style::warn("being tried"),
            (.., Some(until)) => style::warn(&format!(
                "asked again {}",
                time::relative(until, context.screen.now)
            )),
            _ => style::good("well"),
        };
        let waiting = match (host.waiting, host.first_due) {
            (0, _) => String::new(),
            (runs, Some(due)) => style::warn(&format!("{runs}, {}", time::relative(due, context.screen.now))),
            (runs, None) => style::warn(&runs.to_string()),
        };
        let error = host.last_error.as_ref().map_or_else(String::new, |error| {
            let when = time::relative(error.at, context.screen.now);
            format!("{when}: {}", crate::story::short(&error.message, ERROR_LETTERS))
        });
        vec![
            style::strong(&style::safe(&host.host)),
            format!("{}/{}", host.project, host.environment),
            state,
            waiting,
            host.in_flight.to_string(),
            host.rate
                .map_or_else(|| "no limit".to_owned(), |rate| format!("{rate}/s")),
            error,
        ]
    };
    let rows: Vec<_> = list.hosts.iter().map(row).collect();
    let heading = [
        "HOST",
        "PROJECT",
        "STATE",
        "RUNS WAITING",
        "UNDER WAY",
        "RATE",
        "LAST ERROR",
    ];
    let mut text = table::table(&heading, &rows);
    for pause in &list.pauses {
        text.push_str(&tell_pause(pause, context));
        text.push('\n');
    }
    text
}

fn tell_pause(pause: &PauseView, context: &Context) -> String {
    let request = PauseRequest {
        project: pause.project.clone(),
        environment: pause.environment,
        host: pause.host.clone(),
    };
    format!(
        "{} since {}: {}; aftercall resume{}",
        style::warn("paused"),
        time::moment(pause.since, &context.screen.zone),
        meant(&request),
        typed(&request)
    )
}

/// `crm.example.com of project support in live`.
fn meant(request: &PauseRequest) -> String {
    let host = request
        .host
        .as_ref()
        .map_or_else(|| "every host".to_owned(), |host| style::safe(host).into_owned());
    let project = request.project.as_ref().map(|name| format!(" of project {name}"));
    let environment = request.environment.map(|name| format!(" in {name}"));
    format!(
        "{host}{}{}",
        project.unwrap_or_default(),
        environment.unwrap_or_default()
    )
}

/// The same as options.
fn typed(request: &PauseRequest) -> String {
    let project = request.project.as_ref().map(|name| format!(" --project {name}"));
    let environment = request.environment.map(|name| format!(" --env {name}"));
    let host = request
        .host
        .as_ref()
        .map(|host| format!(" --host {}", style::safe(host)));
    [project, environment, host].into_iter().flatten().collect()
}
