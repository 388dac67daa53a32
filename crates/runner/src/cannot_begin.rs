//! Deployments whose runs cannot begin, by no fault of theirs: the machine's, or ours. Such runs are tried for as long as
//! their age allows, so that one which nobody looks at would be silent for days. The log and the status tell.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{AttemptEnd, AttemptReport, Code, DeploymentId, Environment, ProjectName, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use crate::deploy_error::DeployError;
use crate::trouble::Trouble;

/// After so long without another try no run of it is left: they are tried every ten minutes at least
/// (`domain::run::Policy::fault_backoff`).
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// Those that are known.
#[derive(Default)]
pub(crate) struct CannotBegin(Mutex<HashMap<(DeploymentId, Environment), Stuck>>);

struct Stuck {
    status: CannotBeginStatus,
    last: Timestamp,
    trouble: Trouble,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CannotBeginStatus {
    /// This one.
    pub deployment: DeploymentId,
    /// Whose.
    pub project: ProjectName,
    /// Where.
    pub environment: Environment,
    /// Why the last attempt could not begin.
    pub code: Code,
    /// The same in words.
    pub message: String,
    /// When the first of these attempts could not begin.
    pub since: Timestamp,
}

impl CannotBegin {
    /// How the last attempt to begin a run of this deployment there went.
    pub fn note(
        &self,
        (deployment, environment, project): (DeploymentId, Environment, &ProjectName),
        fault: Option<(Code, &str)>,
        now: Timestamp,
    ) {
        let mut all = self.lock();
        let Some((code, message)) = fault else {
            if let Some(mut one) = all.remove(&(deployment, environment)) {
                one.trouble.worked();
            }
            return;
        };
        let one = all.entry((deployment, environment)).or_insert_with(|| Stuck {
            status: CannotBeginStatus {
                deployment,
                project: project.clone(),
                environment,
                code,
                message: String::new(),
                since: now,
            },
            last: now,
            trouble: Trouble::new("beginning the runs of a deployment"),
        });
        one.last = now;
        one.status.code = code;
        message.clone_into(&mut one.status.message);
        one.trouble.failed(&format_args!(
            "{code} of {} in {environment}: {message}",
            deployment.short()
        ));
    }

    /// All of them, the oldest first.
    pub fn status(&self, now: Timestamp) -> Vec<CannotBeginStatus> {
        let mut all = self.lock();
        all.retain(|_, one| now.duration_since(one.last) < FORGOTTEN_AFTER);
        let mut found: Vec<_> = all.values().map(|one| one.status.clone()).collect();
        found.sort_by_key(|one| (one.since, one.deployment, one.environment));
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(DeploymentId, Environment), Stuck>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fault of the machine, or of ours, for which an attempt did not begin.
pub(crate) fn fault_of(begun: &Result<AttemptReport, DeployError>) -> Option<(Code, &str)> {
    let (code, message) = match begun {
        Err(error) => (error.code, error.message.as_str()),
        Ok(report) => match &report.end {
            AttemptEnd::Failed { code, message, .. } => (*code, message.as_str()),
            _ => return None,
        },
    };
    code.is_fault_of_surroundings().then_some((code, message))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(60 * minute).unwrap()
    }

    #[test]
    fn who_cannot_begin_is_told_until_it_does_or_nobody_tries_any_more() {
        let (all, project) = (CannotBegin::default(), "desk".parse().unwrap());
        let [one, two] = [1, 2].map(|byte| DeploymentId::from_bytes([byte; 32]));
        let fault = Some((Code::CouldNotStart, "no process"));
        let sandbox = Environment::Sandbox;
        all.note((one, sandbox, &project), fault, at(0));
        all.note((two, sandbox, &project), fault, at(1));
        all.note((two, sandbox, &project), fault, at(50));
        let told: Vec<_> = all
            .status(at(55))
            .iter()
            .map(|one| (one.deployment, one.since))
            .collect();
        assert_eq!(told, [(two, at(1))], "of the first, no run is left to be tried");
        // Elsewhere it is another matter.
        all.note((two, Environment::Live, &project), None, at(56));
        assert_eq!(all.status(at(56))[0].environment, sandbox);
        all.note((two, sandbox, &project), None, at(56));
        assert_eq!(all.status(at(56)), []);
    }

    #[test]
    fn a_process_that_could_not_be_had_is_a_fault_and_an_exception_is_none() {
        let ended = |code| {
            let end = AttemptEnd::Failed {
                code,
                signal: None,
                exit_status: None,
                message: "m".to_owned(),
                error: None,
            };
            Ok(AttemptReport::bare(domain::AttemptNumber(1), end, at(0)))
        };
        assert_eq!(
            fault_of(&ended(Code::CouldNotStart)),
            Some((Code::CouldNotStart, "m"))
        );
        assert_eq!(fault_of(&ended(Code::FunctionRaised)), None);
        let error = Err(DeployError::ours(Code::UnknownDeployment, "gone"));
        assert_eq!(fault_of(&error), Some((Code::UnknownDeployment, "gone")));
    }
}
