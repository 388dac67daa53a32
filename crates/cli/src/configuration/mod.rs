//! Settings, and where each comes from: flag > environment > file > default.

mod file;
mod keys;
mod limits;
mod own;
mod value;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use api::{ConfigurationView, Origin, Setting};
use domain::{Code, Environment, ProjectName};
use gateway::config::Place;

use crate::error::CliError;
use own::Named;

pub use file::FILE_NAME;
pub use keys::{Fallback, KEYS, Key, Kind};
pub use value::Value;
pub(crate) use value::certificate;

/// What was said outside of files and the table of settings.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// By flags: name of the setting and text.
    pub flags: Vec<(String, String)>,
    /// A configuration file named by flag.
    pub file: Option<PathBuf>,
    /// The process's environment.
    pub environment: BTreeMap<String, OsString>,
    /// Where the process was started.
    pub working_folder: PathBuf,
}

/// Every setting that somebody has set, or that has a fixed default.
#[derive(Debug, Clone)]
pub struct Configuration {
    settings: BTreeMap<&'static str, (Value, Origin)>,
    /// What projects and environments have in place of them.
    own: BTreeMap<(Place, &'static str), (Value, Origin)>,
    said: Said,
    file: Option<PathBuf>,
}

impl Configuration {
    /// Brings together what was said.
    ///
    /// # Errors
    /// `AC0803` for a setting that does not exist or a value that does not fit, with who said it.
    pub fn resolve(said: Said) -> Result<Self, Box<CliError>> {
        let file = find_file(&said)?;
        let mut in_file = BTreeMap::new();
        let mut own = BTreeMap::new();
        if let Some((path, text)) = &file {
            for (named, value, line) in file::read(path, text)? {
                let placed = (value, Origin::File(format!("{}:{line}", path.display())));
                match named {
                    Named::Server(key) => drop(in_file.insert(key.name, placed)),
                    Named::Own(place, key) => drop(own.insert((place, own::option(key)), placed)),
                }
            }
        }
        let file = file.map(|(path, _)| path);
        let mut settings = BTreeMap::new();
        for key in KEYS {
            if let keys::Fallback::Fixed(text) = key.default {
                // A default that does not fit its own key would be found by the test of this table.
                settings
                    .extend(value::from_text(key, text).map(|value| (key.name, (value, Origin::Default))));
            }
            settings.extend(in_file.remove(key.name).map(|placed| (key.name, placed)));
            let variable = key.variable();
            if let Some(text) = said.environment.get(&variable).map(|text| text.to_string_lossy()) {
                let value = value::from_text(key, &text)
                    .ok_or_else(|| file::unfit(key, key.name, &format!("{text:?}")).at(variable.clone()))?;
                settings.insert(key.name, (value, Origin::Environment(variable)));
            }
        }
        for (name, text) in &said.flags {
            let named = Named::read(name).map_err(|error| error.at("the command line"))?;
            let key = named.key();
            let value = value::from_text(key, text)
                .ok_or_else(|| file::unfit(key, name, &format!("{text:?}")).at("the command line"))?;
            match named {
                Named::Server(key) => drop(settings.insert(key.name, (value, Origin::Flag))),
                Named::Own(place, key) => drop(own.insert((place, own::option(key)), (value, Origin::Flag))),
            }
        }
        Ok(Self {
            settings,
            own,
            said,
            file,
        })
    }

    /// The configuration file that was read, if one was.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// A setting's value and who said it; `None` if nobody did and nothing is fixed.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&(Value, Origin)> {
        self.settings.get(name)
    }

    /// What projects and environments have in place of `[gateway]`: whose, the option's name there, and what it is.
    pub fn own(&self) -> impl Iterator<Item = (&Place, &'static str, &Value)> {
        self.own
            .iter()
            .map(|((place, option), (value, _))| (place, *option, value))
    }

    /// Who set the option of a section: `gateway` or `gateway.projects.refunds.live`.
    #[must_use]
    pub fn origin(&self, section: &str, option: &str) -> Option<&Origin> {
        let name = format!("{section}.{option}");
        match Named::read(&name).ok()? {
            Named::Server(key) => self.settings.get(key.name),
            Named::Own(place, key) => self.own.get(&(place, own::option(key))),
        }
        .map(|(_, origin)| origin)
    }

    /// A text; `None` if not set.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.settings.get(name) {
            Some((Value::Text(text), _)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A text that is a path: from where the process was started.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(|path| self.said.working_folder.join(path))
    }

    /// A number. 0 for a name that is no number: the names are this crate's own.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        match self.settings.get(name) {
            Some((Value::Number(number), _)) => *number,
            _ => 0,
        }
    }

    /// A switch.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.settings.get(name), Some((Value::Switch(true), _)))
    }

    /// A list; empty if not set.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        match self.settings.get(name) {
            Some((Value::List(all), _)) => all,
            _ => &[],
        }
    }

    /// A variable of the process's environment.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsString> {
        self.said.environment.get(name).filter(|value| !value.is_empty())
    }

    /// The data folder, absolute.
    ///
    /// # Errors
    /// `AC0803` where nothing is set and the user has no home.
    pub fn data_folder(&self) -> Result<PathBuf, Box<CliError>> {
        if let Some(folder) = self.path("data") {
            return Ok(folder);
        }
        let data_home = self
            .variable("XDG_DATA_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let home = self
            .variable("HOME")
            .map(|home| Path::new(home).join(".local/share"));
        data_home
            .or(home)
            .map(|folder| folder.join("aftercall"))
            .ok_or_else(|| {
                CliError::usage(
                    Code::BadConfiguration,
                    "there is no home folder to keep the data in",
                    "name a folder: --data DIR or AFTERCALL_DATA=DIR",
                )
            })
    }

    /// The project that commands are about, if one is named.
    ///
    /// # Errors
    /// `AC0803` for a text that is no project's name.
    pub fn project(&self) -> Result<Option<ProjectName>, Box<CliError>> {
        let parse = |text: &str| {
            text.parse().map_err(|error: domain::ids::BadId| {
                CliError::usage(
                    Code::BadConfiguration,
                    error.to_string(),
                    "write it so; `aftercall status` shows the names that a server knows",
                )
            })
        };
        self.text("project").map(parse).transpose()
    }

    /// The environment that commands are about.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.text("environment")
            .and_then(|text| text.parse().ok())
            .unwrap_or(Environment::Sandbox)
    }

    /// Whether somebody named an environment.
    #[must_use]
    pub fn names_environment(&self) -> bool {
        self.get("environment")
            .is_some_and(|(_, origin)| *origin != Origin::Default)
    }
}

/// Every setting as it is shown: secrets only as whether they are set, URLs without user and password, defaults that are
/// found as how.
#[must_use]
pub fn view(configuration: &Configuration) -> ConfigurationView {
    let own = configuration
        .own
        .iter()
        .filter_map(|((place, option), (value, origin))| {
            let key = keys::find(&format!("gateway.{option}"))?;
            Some(Setting {
                name: own::name(place, key),
                value: if key.secret {
                    serde_json::json!("(set, not shown)")
                } else {
                    serde_json::json!(shown(value))
                },
                origin: origin.clone(),
            })
        });
    let setting = |key: &Key| {
        let (value, origin) = match (configuration.get(key.name), key.default) {
            (Some((_, origin)), _) if key.secret => (serde_json::json!("(set, not shown)"), origin.clone()),
            (Some((value, origin)), _) => (serde_json::json!(shown(value)), origin.clone()),
            (None, Fallback::Found(how)) => (serde_json::json!(how), Origin::Default),
            (None, _) => (serde_json::Value::Null, Origin::Default),
        };
        Setting {
            name: key.name.to_owned(),
            value,
            origin,
        }
    };
    ConfigurationView {
        file: configuration.file().map(|path| path.display().to_string()),
        settings: KEYS.iter().map(setting).chain(own).collect(),
        limits: limits::limits(),
    }
}

fn shown(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(runner::without_user(text)),
        Value::List(all) => Value::List(all.iter().map(|text| runner::without_user(text)).collect()),
        other => other.clone(),
    }
}

fn find_file(said: &Said) -> Result<Option<(PathBuf, String)>, Box<CliError>> {
    let named = said.file.clone().or_else(|| {
        said.environment
            .get("AFTERCALL_CONFIG")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    });
    let read = |path: &Path| std::fs::read_to_string(path);
    let unreadable = |path: &Path, error: &std::io::Error| {
        CliError::usage(
            Code::BadConfiguration,
            format!("{} cannot be read: {error}", path.display()),
            "name another with --config FILE, or none",
        )
    };
    if let Some(path) = named {
        let path = said.working_folder.join(path);
        return read(&path)
            .map(|text| Some((path.clone(), text)))
            .map_err(|error| unreadable(&path, &error));
    }
    let folder = |variable: &str| {
        said.environment
            .get(variable)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    };
    let user = folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")));
    for path in file::places(&said.working_folder, user) {
        match read(&path) {
            Ok(text) => return Ok(Some((path, text))),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(unreadable(&path, &error)),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
