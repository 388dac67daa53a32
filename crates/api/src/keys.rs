//! API keys.

use domain::{Environment, KeyId, ProjectName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a key may do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Hand conversations in and look at their runs.
    Ingest,
    /// Read everything of the project, retry, cancel.
    Operate,
    /// Deploy, promote, make and end keys.
    Admin,
}

impl Scope {
    /// The word itself.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// What to call it, at most 200 bytes.
    pub label: String,
    /// For this project; absent: for every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// For these environments, at least one.
    #[schema(value_type = Vec<String>)]
    pub environments: Vec<Environment>,
    /// For this.
    pub scope: Scope,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its number.
    #[schema(value_type = String, format = "uuid")]
    pub id: KeyId,
    /// What its maker calls it.
    pub label: String,
    /// For this project; `null`: for every one.
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// For these environments.
    #[schema(value_type = Vec<String>)]
    pub environments: Vec<Environment>,
    /// For this.
    pub scope: Scope,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
}

/// A key that has just been made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedKey {
    /// The key.
    pub key: KeyView,
    /// What to send as `Authorization: Bearer …`. It is shown this once and kept nowhere.
    pub secret: String,
}

// By hand, so that no log line ever holds the secret.
impl std::fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedKey")
            .field("key", &self.key)
            .field("secret", &"…")
            .finish()
    }
}

/// All keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyList {
    /// Oldest first, ended ones too.
    pub keys: Vec<KeyView>,
}
