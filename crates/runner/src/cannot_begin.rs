//! Deployments whose runs cannot begin, by no fault of theirs: the machine's, or ours. Such runs are tried for as long as
//! their age allows, so that one which nobody looks at would be silent for days. The log and the status tell.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{Code, DeploymentId, ProjectName, Timestamp};
use serde::Serialize;

use crate::deploy_error::DeployError;
use crate::trouble::Trouble;

/// Those that are known.
#[derive(Default)]
pub(crate) struct CannotBegin(Mutex<HashMap<DeploymentId, (CannotBeginStatus, Trouble)>>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CannotBeginStatus {
    /// This one.
    pub deployment: DeploymentId,
    /// Whose.
    pub project: ProjectName,
    /// Why the last attempt could not begin.
    pub code: Code,
    /// The same in words.
    pub message: String,
    /// When the first of these attempts could not begin.
    pub since: Timestamp,
}

impl CannotBegin {
    /// How the last attempt to begin a run of this deployment went.
    pub fn note<T>(
        &self,
        (deployment, project): (DeploymentId, &ProjectName),
        begun: &Result<T, DeployError>,
        now: Timestamp,
    ) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match begun {
            Err(error) if error.code.is_fault_of_surroundings() => {
                let (status, trouble) = all.entry(deployment).or_insert_with(|| {
                    let status = CannotBeginStatus {
                        deployment,
                        project: project.clone(),
                        code: error.code,
                        message: String::new(),
                        since: now,
                    };
                    (status, Trouble::new("beginning the runs of a deployment"))
                });
                status.code = error.code;
                status.message.clone_from(&error.message);
                let (code, short) = (error.code, deployment.short());
                trouble.failed(&format_args!("{code} of {short}: {}", error.message));
            }
            _ => {
                if let Some((_, mut trouble)) = all.remove(&deployment) {
                    trouble.worked();
                }
            }
        }
    }

    /// All of them, the oldest first.
    pub fn status(&self) -> Vec<CannotBeginStatus> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = all.values().map(|(status, _)| status.clone()).collect();
        found.sort_by_key(|one| (one.since, one.deployment));
        found
    }
}
