//! From settings to where projects' packages come from.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::Code;
use project::{InterpreterFacts, Requirements};
use runner::{DependencyOptions, INSTALL_USER, Tell};

use crate::configuration::Configuration;
use crate::error::CliError;
use crate::screen::{Screen, style};

/// Where systems keep the authorities that they trust, in one file.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What the settings say.
///
/// # Errors
/// `AC0803` for a URL or a requirement that cannot be used.
pub fn options(
    configuration: &Configuration,
    folder: PathBuf,
    python: &InterpreterFacts,
) -> Result<DependencyOptions, Box<CliError>> {
    let url = |name: &str| {
        configuration
            .text(name)
            .map(|text| checked_url(name, text))
            .transpose()
    };
    let more = configuration.list("dependencies.extra_index_urls").iter();
    let more = more.map(|text| checked_url("dependencies.extra_index_urls", text));
    let base = Requirements::of_lines("dependencies.base", configuration.list("dependencies.base"));
    Ok(DependencyOptions {
        index_url: url("dependencies.index_url")?,
        extra_index_urls: more.collect::<Result<_, _>>()?,
        proxy: url("dependencies.proxy")?,
        wheelhouse: configuration.path("dependencies.wheelhouse"),
        allow_source: configuration.is_on("dependencies.allow_source"),
        timeout: Duration::from_secs(configuration.number("dependencies.timeout_s")),
        base: base.map_err(|error| {
            CliError::usage(
                Code::BadConfiguration,
                format!("a requirement {}", error.message),
                error.fix,
            )
            .at("dependencies.base")
        })?,
        user: u32::try_from(configuration.number("dependencies.user")).unwrap_or(INSTALL_USER),
        ca_file: configuration
            .path("dependencies.ca_file")
            .or_else(|| authorities(python)),
        ..DependencyOptions::new(folder)
    })
}

/// The interpreter's own, else the system's: pip's are its version's, and know no authority of the operator's.
fn authorities(python: &InterpreterFacts) -> Option<PathBuf> {
    let system = AUTHORITIES.iter().map(PathBuf::from);
    let mut all = python.certificates.iter().cloned().chain(system);
    all.find(|path| path.is_file())
}

/// What is not a URL may be a password, by mistake: it is not repeated.
fn checked_url(name: &str, text: &str) -> Result<String, Box<CliError>> {
    let is_url = ["http://", "https://"]
        .iter()
        .any(|start| text.starts_with(start));
    if is_url && !text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(text.to_owned());
    }
    Err(CliError::usage(
        Code::BadConfiguration,
        format!("{name} is no http:// or https:// URL"),
        "write it as https://HOST/PATH; for a folder of wheels set dependencies.wheelhouse",
    ))
}

/// Where a user who runs projects by hand has their environments, so that the next time nothing has to be installed: the
/// cache folder, or `scratch` where there is none.
pub fn cache_folder(configuration: &Configuration, scratch: &Path) -> PathBuf {
    let absolute = |path: &PathBuf| path.is_absolute();
    let named = configuration.variable("XDG_CACHE_HOME").map(PathBuf::from);
    let home = configuration
        .variable("HOME")
        .map(|home| Path::new(home).join(".cache"));
    let cache = named.filter(absolute).or(home.filter(absolute));
    cache.map_or_else(
        || scratch.join("environments"),
        |folder| folder.join("aftercall/environments"),
    )
}

/// Tells the person who waits.
pub fn teller(screen: &Screen) -> Tell {
    let screen = screen.clone();
    Arc::new(move |line| screen.note(&style::faint(line)))
}
