//! What an operator has stopped.

use std::collections::BTreeSet;

use domain::{Environment, ProjectName};
use serde::{Deserialize, Serialize};

use super::HostKey;

/// Which requests are meant: those to which everything applies that is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Of one project only.
    pub project: Option<ProjectName>,
    /// Of one environment only.
    pub environment: Option<Environment>,
    /// To one host only: its name, without a port.
    pub host: Option<String>,
}

impl Scope {
    /// Whether requests of this key are meant.
    #[must_use]
    pub fn holds(&self, key: &HostKey) -> bool {
        self.project
            .as_ref()
            .is_none_or(|project| *project == key.project)
            && self
                .environment
                .is_none_or(|environment| environment == key.environment)
            && self
                .host
                .as_ref()
                .is_none_or(|host| host.eq_ignore_ascii_case(key.name()))
    }
}

/// All pauses that are in force.
#[derive(Debug, Clone, Default)]
pub(super) struct Pauses(BTreeSet<Scope>);

impl Pauses {
    pub(super) fn set(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        self.0 = scopes.into_iter().collect();
    }

    pub(super) fn add(&mut self, scope: Scope) -> bool {
        self.0.insert(scope)
    }

    pub(super) fn remove(&mut self, scope: &Scope) -> bool {
        self.0.remove(scope)
    }

    pub(super) fn all(&self) -> Vec<Scope> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn hold(&self, key: &HostKey) -> bool {
        self.0.iter().any(|scope| scope.holds(key))
    }
}
