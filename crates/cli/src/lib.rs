//! The command line: what may be typed, the API client, and how things are told to a person.
//!
//! [`run`] is all that the binary calls. One file per command in [`commands`]; every answer goes through
//! [`screen::Screen`], every error is a [`CliError`] that says what to do next.

pub mod arguments;
mod assemble;
pub mod client;
pub mod commands;
pub mod configuration;
mod context;
mod dependencies;
mod error;
pub mod input;
pub mod screen;
pub mod send;
pub mod story;
mod way_out;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::io::Write as _;

use clap::Parser as _;
use clap::error::ErrorKind;
use domain::Code;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Arguments, Command};
use configuration::{Configuration, Said};
use screen::Screen;

pub use context::Context;
pub use error::{CliError, Exit};

/// The status of a command that was interrupted from the keyboard, as shells have it.
const INTERRUPTED: u8 = 130;

/// Does what was typed. Answers the status to exit with.
#[must_use]
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> u8 {
    let typed: Vec<OsString> = arguments.into_iter().collect();
    if let Some(status) = part_of_the_server(&typed) {
        return status;
    }
    let arguments = match Arguments::try_parse_from(&typed) {
        Ok(arguments) => arguments,
        Err(error) => return not_parsed(&error, &typed),
    };
    let screen = screen(arguments.common.json);
    let environment = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    match prepare(&arguments, environment.collect(), screen.clone())
        .and_then(|context| dispatch(arguments.command, context))
    {
        Ok(Some(exit)) => exit as u8,
        Ok(None) => INTERRUPTED,
        Err(error) => {
            screen.error(&error);
            error.exit() as u8
        }
    }
}

fn screen(json: bool) -> Screen {
    Screen {
        json,
        now: (assemble::clock())(),
        zone: assemble::zone(),
    }
}

/// What the server starts of this program: no command, so that no help, completion or suggestion offers it to a person.
fn part_of_the_server(typed: &[OsString]) -> Option<u8> {
    let typed: Vec<&str> = typed
        .iter()
        .skip(1)
        .map(|one| one.to_str())
        .collect::<Option<_>>()?;
    match typed[..] {
        ["launcher", supervisor] => Some(launcher(supervisor.parse().ok()?)),
        ["installer"] => Some(u8::try_from(runner::run_installer()).unwrap_or(Exit::Fault as u8)),
        _ => None,
    }
}

/// Tells the help or the version that was asked for, or what is wrong with what was typed.
fn not_parsed(error: &clap::Error, typed: &[OsString]) -> u8 {
    let exit = if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    };
    if !wants_json(typed) {
        // Where neither stream can be written nothing can be said.
        let _ = error.print();
    } else if error.use_stderr() {
        screen(true).error(&not_understood(error));
    } else if error.kind() == ErrorKind::DisplayVersion {
        if let Err(error) = screen(true).json(&commands::version::told(), false) {
            screen(true).error(&error);
            return error.exit() as u8;
        }
    } else {
        // Help is for people.
        let _ = error.print();
    }
    exit as u8
}

fn wants_json(typed: &[OsString]) -> bool {
    typed
        .iter()
        .take_while(|one| *one != "--")
        .any(|one| one == "--json")
}

/// What is wrong stands in the lines before the first empty one; what is similar to it, or what else may be typed, behind it.
fn not_understood(error: &clap::Error) -> CliError {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim);
    let wrong: Vec<&str> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let wrong = wrong.join(" ");
    let message = wrong.strip_prefix("error: ").unwrap_or(&wrong);
    let tip = lines.find_map(|line| line.strip_prefix("tip: "));
    let fix = tip.unwrap_or("aftercall --help lists the commands, aftercall COMMAND --help their options");
    *CliError::usage(Code::NotUnderstood, message, fix)
}

/// Started by [`runner`] with a cleared environment, before anything else of this program may run.
fn launcher(supervisor: i32) -> u8 {
    match runner::launcher::run(supervisor) {
        Ok(()) => 0,
        Err(error) => {
            // Whoever reads this reads the server's own standard error.
            let _ = writeln!(std::io::stderr(), "aftercall launcher: {error}");
            Exit::Fault as u8
        }
    }
}

fn prepare(
    arguments: &Arguments,
    environment: BTreeMap<String, OsString>,
    screen: Screen,
) -> Result<Context, Box<CliError>> {
    let working_folder = std::env::current_dir().map_err(|error| {
        CliError::usage(
            Code::BadConfiguration,
            format!("the working folder is gone: {error}"),
            "cd to one that is there",
        )
    })?;
    let flags = arguments
        .common
        .flags()
        .into_iter()
        .chain(arguments.command.flags())
        .collect();
    let said = Said {
        flags,
        file: arguments.common.config.clone(),
        environment,
        working_folder,
    };
    Ok(Context {
        configuration: Configuration::resolve(said)?,
        screen,
    })
}

impl Command {
    fn flags(&self) -> Vec<(String, String)> {
        match self {
            Self::Invoke(command) => command.flags(),
            Self::Check(command) => command.flags(),
            Self::Serve(command) => command.flags(),
            Self::Deploy(command) => command.flags(),
            Self::Send(command) => command.flags(),
            Self::Runs(command) => command.flags(),
            Self::Conversations(command) => command.flags(),
            Self::Deployments(command) => command.flags(),
            Self::Keys(command) => command.flags(),
            Self::Init(_)
            | Self::Status(_)
            | Self::Hosts(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Config(_)
            | Self::Schema(_)
            | Self::Bridge(_)
            | Self::Stubs(_)
            | Self::Explain(_)
            | Self::Version(_)
            | Self::Completion(_) => Vec::new(),
        }
    }
}

/// `None` if the command was interrupted.
fn dispatch(command: Command, context: Context) -> Result<Option<Exit>, Box<CliError>> {
    let context = &context;
    match command {
        Command::Init(command) => interruptible(command.run(context)),
        Command::Schema(command) => command.run(context).map(Some),
        Command::Bridge(command) => command.run(context).map(Some),
        Command::Stubs(command) => command.run(context).map(Some),
        Command::Explain(command) => command.run(context).map(Some),
        Command::Version(command) => command.run(context).map(Some),
        Command::Completion(command) => command.run(context).map(Some),
        Command::Invoke(command) => interruptible(command.run(context)),
        Command::Check(command) => interruptible(command.run(context)),
        Command::Serve(command) => runtime(Builder::new_multi_thread())?
            .block_on(command.run(context))
            .map(Some),
        Command::Deploy(command) => interruptible(command.run(context)),
        Command::Send(command) => interruptible(command.run(context)),
        Command::Runs(command) => interruptible(command.run(context)),
        Command::Conversations(command) => interruptible(command.run(context)),
        Command::Deployments(command) => interruptible(command.run(context)),
        Command::Keys(command) => interruptible(command.run(context)),
        Command::Hosts(command) => interruptible(command.run(context)),
        Command::Pause(command) => interruptible(command.run(context)),
        Command::Resume(command) => interruptible(command.run(context)),
        Command::Status(command) => interruptible(command.run(context)),
        Command::Config(command) => interruptible(command.run(context)),
    }
}

/// Ctrl-C, or SIGTERM, drops the command where it stands, so that its folders and processes go with it.
fn interruptible<F>(command: F) -> Result<Option<Exit>, Box<CliError>>
where
    F: Future<Output = Result<Exit, Box<CliError>>>,
{
    runtime(Builder::new_current_thread())?.block_on(async {
        let mut terminated = signal(SignalKind::terminate()).map_err(|error| {
            CliError::fault(
                Code::Internal,
                format!("signals cannot be listened to: {error}"),
                "look at the system's limits",
            )
        })?;
        tokio::select! {
            done = command => done.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
            _ = terminated.recv() => Ok(None),
        }
    })
}

fn runtime(mut builder: Builder) -> Result<Runtime, Box<CliError>> {
    builder.enable_all().build().map_err(|error| {
        CliError::fault(
            Code::Internal,
            format!("the system gives nothing to work with: {error}"),
            "look at its limits",
        )
    })
}
