//! Settings that a project, or one of its environments, has in place of the server's: `gateway.projects.refunds.live.proxy`.
//!
//! They stand in the file or on the command line. A variable of the environment has no dots to tell a project from its environment.

use domain::{Code, Environment, ProjectName};
use gateway::config::Place;

use super::keys::{self, Key};
use crate::error::CliError;

/// What their names begin with.
const PREFIX: &str = "gateway.projects.";

/// What of `[gateway]` a project can have of its own.
pub(super) const OPTIONS: [&str; 7] = [
    "allow",
    "ca_files",
    "system_ca",
    "client_certificates",
    "proxy",
    "no_proxy",
    "allow_unverified",
];

/// What a name is the name of.
#[derive(Debug)]
pub(super) enum Named {
    /// A setting of the server.
    Server(&'static Key),
    /// One of a project, and the server's that it is in place of.
    Own(Place, &'static Key),
}

impl Named {
    /// Reads a name.
    ///
    /// # Errors
    /// `AC0803`: there is no such setting.
    pub(super) fn read(name: &str) -> Result<Self, Box<CliError>> {
        match name.strip_prefix(PREFIX) {
            None => keys::find(name)
                .map(Self::Server)
                .ok_or_else(|| unknown(name, keys::KEYS.iter().map(|key| key.name.to_owned()))),
            Some(rest) => own(name, rest).map(|(place, key)| Self::Own(place, key)),
        }
    }

    /// The setting whose value this one is like.
    pub(super) const fn key(&self) -> &'static Key {
        match self {
            Self::Server(key) | Self::Own(_, key) => key,
        }
    }
}

/// The whole name of an option of a place: `gateway.projects.refunds.live.proxy`.
pub(super) fn name(place: &Place, key: &Key) -> String {
    format!("{}.{}", place.section().name(), option(key))
}

/// What a key of `[gateway]` is called there.
pub(super) fn option(key: &Key) -> &'static str {
    key.name.rsplit_once('.').map_or(key.name, |(_, option)| option)
}

fn own(name: &str, rest: &str) -> Result<(Place, &'static Key), Box<CliError>> {
    let (project, environment, option) = match *rest.split('.').collect::<Vec<_>>() {
        [project, option] => (project, None, option),
        [project, environment, option] => (project, Some(environment), option),
        _ => return Err(unknown(name, [].into_iter())),
    };
    let place = Place {
        project: project
            .parse::<ProjectName>()
            .map_err(|error| unfit(name, &error))?,
        environment: environment
            .map(str::parse::<Environment>)
            .transpose()
            .map_err(|error| unfit(name, &error))?,
    };
    let key = OPTIONS
        .contains(&option)
        .then(|| keys::find(&format!("gateway.{option}")))
        .flatten();
    let section = place.section();
    let others = OPTIONS
        .iter()
        .map(|option| format!("{}.{option}", section.name()));
    let key = key.ok_or_else(|| unknown(name, others))?;
    Ok((place, key))
}

fn unfit(name: &str, error: &domain::ids::BadId) -> Box<CliError> {
    CliError::usage(
        Code::BadConfiguration,
        format!("{name}: {error}"),
        "sections are [gateway.projects.PROJECT] and [gateway.projects.PROJECT.ENVIRONMENT]",
    )
}

/// How alike two names must be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

fn unknown(name: &str, others: impl Iterator<Item = String>) -> Box<CliError> {
    let nearest = others
        .map(|other| (strsim::jaro_winkler(name, &other), other))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let fix = match nearest {
        Some((_, name)) => format!("did you mean {name}?"),
        None => "`aftercall config show` lists every setting".to_owned(),
    };
    CliError::usage(
        Code::BadConfiguration,
        format!("there is no setting {name:?}"),
        fix,
    )
}
