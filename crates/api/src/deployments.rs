//! Deployments and activations.

use domain::{DeploymentFacts, DeploymentId, Environment, ForkWay, LockedPackage, ProjectName, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A deployment: a project's content, frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentView {
    /// SHA-256 over everything that decides what it does, 64 hexadecimal digits.
    #[schema(value_type = String)]
    pub id: DeploymentId,
    /// Whose.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// When it was stored first.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What its author said of it.
    pub message: Option<String>,
    /// The file with the entry point.
    pub entry: String,
    /// How many files it holds.
    pub files: u32,
    /// How many bytes they are.
    pub bytes: u64,
    /// The interpreter.
    pub python: String,
    /// How its attempts get their processes: `_fork`, `fork`, `late_import` or `cold`.
    #[schema(value_type = String)]
    pub fork_way: ForkWay,
    /// Why that way.
    pub fork_reason: String,
    /// Warnings of the check.
    pub warnings: Vec<String>,
    /// The packages that its requirements became, by name: what it is always run with.
    pub packages: Vec<PackageView>,
    /// Where it is active now.
    #[schema(value_type = Vec<String>)]
    pub active_in: Vec<Environment>,
}

impl DeploymentView {
    /// What is known of it, and where it is active.
    #[must_use]
    pub fn new(facts: DeploymentFacts, active_in: Vec<Environment>) -> Self {
        Self {
            id: facts.id,
            project: facts.project,
            created_at: facts.created_at,
            message: facts.message,
            entry: facts.entry,
            files: facts.files,
            bytes: facts.bytes,
            python: facts.python,
            fork_way: facts.fork_way,
            fork_reason: facts.fork_reason,
            warnings: facts.warnings,
            packages: facts
                .lock
                .into_iter()
                .flat_map(|lock| lock.packages)
                .map(PackageView::from)
                .collect(),
            active_in,
        }
    }
}

/// A package of a deployment's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageView {
    /// As it calls itself.
    pub name: String,
    /// Which.
    pub version: String,
    /// The file that it was installed from.
    pub file: String,
    /// SHA-256 over that file, 64 hexadecimal digits.
    pub sha256: String,
}

impl From<LockedPackage> for PackageView {
    fn from(package: LockedPackage) -> Self {
        Self {
            name: package.name,
            version: package.version,
            file: package.file,
            sha256: package.sha256,
        }
    }
}

/// The answer to a deploy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentDetail {
    /// What was deployed.
    pub deployment: DeploymentView,
    /// `false` if this very content was there before.
    pub new: bool,
}

/// A project's deployments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentList {
    /// Newest first.
    pub deployments: Vec<DeploymentView>,
}

/// What to make the active deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivationRequest {
    /// Of this project; absent: as everywhere, the key's or the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// In this environment.
    #[schema(value_type = String)]
    pub environment: Environment,
    /// This one: its id, or a prefix that no other has.
    pub deployment: String,
}

/// What an activation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActivationView {
    /// Of this project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// In this environment.
    #[schema(value_type = String)]
    pub environment: Environment,
    /// Active now.
    #[schema(value_type = String)]
    pub deployment: DeploymentId,
    /// Active before.
    #[schema(value_type = Option<String>)]
    pub previous: Option<DeploymentId>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Runs that were held for want of a deployment, and are due now.
    pub released_runs: u64,
}
