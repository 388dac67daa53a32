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

/// Every setting, in a fixed order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationView {
    /// The configuration file that was read, if one was.
    pub file: Option<String>,
    /// One by one.
    pub settings: Vec<Setting>,
}
