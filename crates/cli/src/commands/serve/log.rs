//! The server's log.

use std::io::{self, IsTerminal as _};

use domain::Code;
use tracing_subscriber::EnvFilter;

use crate::configuration::Configuration;
use crate::error::CliError;

/// Begins to log, to standard error.
pub(super) fn start(configuration: &Configuration) -> Result<(), Box<CliError>> {
    let wanted = configuration.text("log").unwrap_or("info");
    let filter: EnvFilter = wanted
        .parse()
        .map_err(|error: tracing_subscriber::filter::ParseError| {
            CliError::usage(
                Code::BadConfiguration,
                format!("log: {wanted:?} cannot be read: {error}"),
                "write a level (error, warn, info, debug, trace), or pairs such as runner=debug,info",
            )
        })?;
    let is_terminal = io::stderr().is_terminal();
    let as_json = match configuration.text("log_format") {
        Some("json") => true,
        Some("human") => false,
        _ => !is_terminal,
    };
    let colours = is_terminal && configuration.variable("NO_COLOR").is_none();
    let base = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = if as_json {
        base.json().flatten_event(true).try_init()
    } else {
        base.with_ansi(colours).with_target(false).try_init()
    };
    started.map_err(|error| {
        CliError::fault(
            Code::Internal,
            format!("the log does not start: {error}"),
            "please report this",
        )
    })
}
