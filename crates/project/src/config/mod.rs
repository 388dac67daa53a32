//! What a project says of itself in `project.yaml`: the ADK's keys, and ours below `aftercall`.

pub mod conversation;
pub mod effects;
mod explain;
mod place;
mod value;

use domain::run::{OnSwallowedFailure, Policy};
use domain::{Code, ProjectName};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ProjectError;
use value::{Bounded, option};

/// Most bytes of a configuration file.
const MAX_CONFIG_BYTES: usize = 1024 * 1024;

/// `project.yaml`. Keys of the ADK that we have no use for are left alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProjectConfig {
    /// The vendor's region (`us-1`), as it stands there.
    #[serde(default)]
    pub region: Option<String>,
    /// `conv.account_id`, unless the conversation brings one.
    #[serde(default)]
    pub account_id: Option<String>,
    /// `conv.project_id`, unless the conversation brings one.
    #[serde(default)]
    pub project_id: Option<String>,
    /// Ours.
    #[serde(default)]
    pub aftercall: Settings,
}

/// Our part of `project.yaml`. What is not said is the server's default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The project's name here.
    #[serde(deserialize_with = "value::project_name")]
    pub name: Option<ProjectName>,
    /// Attempts after which a run is a dead letter, 1 to 100.
    #[serde(deserialize_with = "option::<_, Bounded<1, 100>, _>")]
    pub attempts: Option<u32>,
    /// Between failed attempts.
    pub backoff: BackoffSettings,
    /// Wall time of one attempt, seconds, 1 to 86,400.
    #[serde(deserialize_with = "option::<_, Bounded<1, 86_400>, _>")]
    pub deadline_s: Option<u32>,
    /// No attempt after a failed one begins once a run is this old, hours, 1 to 8,760.
    #[serde(deserialize_with = "option::<_, Bounded<1, 8_760>, _>")]
    pub age_limit_h: Option<u32>,
    /// Of one attempt's process.
    pub limits: LimitSettings,
    /// When the function returned although an effect had failed and nothing made it good.
    pub on_swallowed_failure: Option<OnSwallowedFailure>,
}

/// How long a run is left alone after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackoffSettings {
    /// The range after the first failure, seconds, up to 86,400.
    #[serde(deserialize_with = "option::<_, Bounded<0, 86_400>, _>")]
    pub base_s: Option<u32>,
    /// By how much the range grows with each failure, 1 to 100.
    #[serde(deserialize_with = "option::<_, Bounded<1, 100>, _>")]
    pub factor: Option<u32>,
    /// The range's largest size, seconds, up to 604,800.
    #[serde(deserialize_with = "option::<_, Bounded<0, 604_800>, _>")]
    pub cap_s: Option<u32>,
}

/// What one attempt's process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Address space, MiB, 64 to 1,048,576.
    #[serde(deserialize_with = "option::<_, Bounded<64, 1_048_576>, _>")]
    pub memory_mb: Option<u32>,
    /// Open descriptors, 16 to 65,536.
    #[serde(deserialize_with = "option::<_, Bounded<16, 65_536>, _>")]
    pub open_files: Option<u32>,
    /// Processor time, seconds, 1 to 86,400.
    #[serde(deserialize_with = "option::<_, Bounded<1, 86_400>, _>")]
    pub cpu_s: Option<u32>,
    /// What the temporary folder may hold, MiB, 1 to 65,536; the largest file in it, too.
    #[serde(deserialize_with = "option::<_, Bounded<1, 65_536>, _>")]
    pub tmp_mb: Option<u32>,
}

impl ProjectConfig {
    /// Reads a `project.yaml`; `file` is what errors call it.
    ///
    /// # Errors
    /// `AC0211` with line, key, what is expected there and what to do; for keys below `aftercall` that do not exist too.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, ProjectError> {
        read(file, text)
    }
}

/// What a configuration file holds.
trait ConfigFile: DeserializeOwned + Default {
    /// Such a file, on one line: errors show it where words would be long.
    const EXAMPLE: &'static str;
}

impl ConfigFile for ProjectConfig {
    const EXAMPLE: &'static str = "aftercall: {name: front-desk, attempts: 3}";
}

/// Reads a configuration file; one without a word in it is all defaults.
fn read<T: ConfigFile>(file: &str, text: &[u8]) -> Result<T, ProjectError> {
    let whole =
        |message: &str, fix: &str| ProjectError::new(Code::BadProjectConfig, message, fix).in_file(file);
    if text.len() > MAX_CONFIG_BYTES {
        return Err(whole("is larger than 1 MiB", "keep only configuration in it"));
    }
    let text = std::str::from_utf8(text).map_err(|_| whole("is not UTF-8", "save the file as UTF-8"))?;
    let document = serde_norway::Deserializer::from_str(text);
    serde_path_to_error::deserialize::<_, Option<T>>(document)
        .map(Option::unwrap_or_default)
        .map_err(|error| explain::explain(file, T::EXAMPLE, &error))
}

/// What is wrong at a key (`hosts[0].path`) of a file that could be read.
fn misfit(file: &str, text: &[u8], key: String, message: String, fix: String) -> ProjectError {
    let mut error = ProjectError::new(Code::BadProjectConfig, message, fix).in_file(file);
    error.line = std::str::from_utf8(text)
        .ok()
        .and_then(|text| place::line_of(text, &key));
    error.key = Some(key.into());
    error
}

impl Settings {
    /// A server's policy with what this project wants otherwise.
    #[must_use]
    pub fn policy(&self, mut base: Policy) -> Policy {
        let seconds = |value: u32| std::time::Duration::from_secs(u64::from(value));
        let set = |target: &mut _, value: Option<u32>| {
            if let Some(value) = value {
                *target = value;
            }
        };
        set(&mut base.attempts, self.attempts);
        set(&mut base.backoff.factor, self.backoff.factor);
        for (target, value) in [
            (&mut base.backoff.base, self.backoff.base_s),
            (&mut base.backoff.cap, self.backoff.cap_s),
            (&mut base.age_limit, self.age_limit_h.map(|hours| hours * 3_600)),
        ] {
            if let Some(span) = value.and_then(|value| seconds(value).try_into().ok()) {
                *target = span;
            }
        }
        if let Some(choice) = self.on_swallowed_failure {
            base.on_swallowed_failure = choice;
        }
        base
    }
}

#[cfg(test)]
mod tests;
