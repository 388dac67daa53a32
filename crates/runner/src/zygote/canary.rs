//! What confinement holds is not believed but tried: a child without user code attempts to escape, and tells how it went.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use confinement::Mode;
use domain::{AttemptEnd, AttemptNumber, Code, DeploymentId, Environment as Where, RunId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::attempt::{self, Assignment, Places, Requests, Stop, Terms};
use crate::process::{Child, SpawnError};

/// How long a canary may take; one that takes longer is taken to hang.
const PATIENCE: Duration = Duration::from_secs(10);

/// How one attempt to escape went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Whether it got through.
    pub outcome: Outcome,
    /// What the system, or Python, answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errno: Option<String>,
}

/// See [`Try`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did not.
    Refused,
    /// It did.
    Succeeded,
}

/// What a canary found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Canary {
    /// Each attempt, by name. Empty where there is nothing to try: not on Linux.
    pub attempts: BTreeMap<String, Try>,
    /// The child did not end in time: forks of this zygote hang.
    pub hung: bool,
}

impl Canary {
    /// Flies one.
    ///
    /// # Errors
    /// [`SpawnError`] if the child failed in a way that says nothing about confinement.
    pub async fn fly(
        child: Child,
        clock: &(dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<Self, SpawnError> {
        let nobody = uuid::Uuid::nil();
        let assignment = Assignment {
            run: RunId::from_uuid(nobody),
            number: AttemptNumber(0),
            deployment: DeploymentId::from_bytes([0; 32]),
            environment: Where::Sandbox,
            document: br#"{"id":"canary"}"#.to_vec(),
            seed: [0; 32],
            places: Places {
                project: PathBuf::new(),
                runtime: PathBuf::new(),
            },
            cpu_limit: PATIENCE,
            canary: true,
        };
        let terms = Terms {
            deadline: PATIENCE,
            grace: Duration::ZERO,
            ..Terms::default()
        };
        let report = attempt::run(
            child,
            assignment,
            Requests::none(),
            &terms,
            &Stop::default(),
            clock,
        )
        .await;
        match report.end {
            AttemptEnd::Returned { .. } => {}
            AttemptEnd::Failed {
                code: Code::DeadlineExceeded,
                ..
            } => {
                return Ok(Self {
                    attempts: BTreeMap::new(),
                    hung: true,
                });
            }
            // No code of the project's runs in it: whatever went wrong is not its doing.
            AttemptEnd::Failed { code, message, .. } => {
                let said: Vec<String> = report.logs.into_iter().map(|entry| entry.content).collect();
                let message = format!("the trial child failed ({code}): {message} {}", said.join(" · "));
                return Err(SpawnError {
                    code: Code::CouldNotStart,
                    message,
                });
            }
            other => {
                return Err(SpawnError {
                    code: Code::Internal,
                    message: format!("the trial child: {other:?}"),
                });
            }
        }
        let unreadable = |error: serde_json::Error| SpawnError {
            code: Code::Internal,
            message: format!("what the trial child tried cannot be read: {error}"),
        };
        let attempts = serde_json::from_value(report.state.unwrap_or_default()).map_err(unreadable)?;
        Ok(Self {
            attempts,
            hung: false,
        })
    }

    /// The attempts that got through.
    #[must_use]
    pub fn escapes(&self) -> Vec<&str> {
        self.attempts
            .iter()
            .filter(|(_, attempt)| attempt.outcome == Outcome::Succeeded)
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// What confinement leaves open, in a sentence; nothing where it is whole.
    #[must_use]
    pub fn leaves_open(&self, mode: Mode) -> Option<String> {
        let all = |why| format!("nothing confines the project's code: {why}");
        match (mode, self.attempts.is_empty(), self.escapes().is_empty()) {
            (Mode::Off, ..) => Some(all("confinement is switched off")),
            (_, true, _) => Some(all("this system has no confinement")),
            (_, _, true) => None,
            _ => Some(format!(
                "the project's code is confined in part: {}",
                self.summary(mode)
            )),
        }
    }

    /// In a line: what is shown with every attempt.
    #[must_use]
    pub fn summary(&self, mode: Mode) -> String {
        if mode == Mode::Off {
            return "nothing: it is switched off".to_owned();
        }
        let escapes = self.escapes();
        let refused = self.attempts.len() - escapes.len();
        if self.attempts.is_empty() {
            "nothing: this system has no confinement".to_owned()
        } else if escapes.is_empty() {
            format!("{refused} of {refused} trial escapes refused")
        } else {
            format!(
                "open to {} ({refused} other trial escapes refused)",
                escapes.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_left_open_is_said_and_nothing_where_nothing_is() {
        let canary = |outcomes: &[(&str, Outcome)]| Canary {
            attempts: outcomes
                .iter()
                .map(|&(name, outcome)| (name.to_owned(), Try { outcome, errno: None }))
                .collect(),
            hung: false,
        };
        let whole = canary(&[("fork", Outcome::Refused), ("kill", Outcome::Refused)]);
        let part = canary(&[("fork", Outcome::Refused), ("kill", Outcome::Succeeded)]);
        assert_eq!(whole.leaves_open(Mode::BestEffort), None);
        let open = |canary: &Canary, mode| canary.leaves_open(mode).unwrap_or_default();
        assert!(open(&whole, Mode::Off).ends_with("confinement is switched off"));
        assert!(open(&canary(&[]), Mode::BestEffort).ends_with("this system has no confinement"));
        assert!(
            open(&part, Mode::BestEffort).ends_with("in part: open to kill (1 other trial escapes refused)")
        );
    }
}
