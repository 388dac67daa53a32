//! The effective configuration.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who said what a setting is; the first that did, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The command line.
    Flag,
    /// This environment variable.
    Environment(String),
    /// This file, as `path:line`.
    File(String),
    /// Nobody.
    Default,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Setting {
    /// Its name, as in `aftercall.toml`.
    pub name: String,
    /// Its value; never a secret.
    pub value: serde_json::Value,
    /// Who said so.
    pub origin: Origin,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitUnit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Whatever it is a limit of.
    Count,
}

/// A limit that no setting changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FixedLimit {
    /// Its name: what it is a limit of, a dot, and what of that it bounds.
    pub name: String,
    /// The most that there may be.
    pub value: u64,
    /// Of what.
    pub unit: LimitUnit,
    /// In a few words.
    pub about: String,
}

/// Every setting, in a fixed order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationView {
    /// The configuration file that was read, if one was.
    pub file: Option<String>,
    /// One by one.
    pub settings: Vec<Setting>,
    /// What no setting changes.
    #[serde(default)]
    pub limits: Vec<FixedLimit>,
}
