//! What became of one conversation.

use std::time::Duration;

use domain::{Action, AttemptEnd, AttemptReport, Code, ErrorDocument, LogEntry, Metric};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::input::Document;
use crate::screen::{style, time};
use crate::story;

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Failure {
    code: Code,
    title: &'static str,
    message: String,
    page: String,
    signal: Option<i32>,
    exit_status: Option<i32>,
    /// Type, message, traceback and frames of the exception, where there was one.
    exception: Option<ErrorDocument>,
}

/// One attempt, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    pub(super) conversation_id: Option<String>,
    file: String,
    line: u64,
    pub(super) status: &'static str,
    error: Option<Failure>,
    state: Option<Value>,
    logs: Vec<LogEntry>,
    metrics: Vec<Metric>,
    actions: Vec<Action>,
    duration_ms: f64,
    confinement: String,
    #[serde(skip)]
    before: Option<Value>,
}

impl Outcome {
    pub(super) fn new(document: &Document, report: AttemptReport) -> Self {
        let parsed: Option<Value> = serde_json::from_slice(&document.text).ok();
        let (status, error) = match report.end {
            AttemptEnd::Returned {
                unsettled_failures: 0,
            } => ("succeeded", None),
            AttemptEnd::Returned { .. } => ("completed_with_failures", None),
            AttemptEnd::Failed {
                code,
                signal,
                exit_status,
                message,
                error,
            } => {
                let failure = Failure {
                    code,
                    title: code.title(),
                    message,
                    page: code.page(),
                    signal,
                    exit_status,
                    exception: error,
                };
                ("failed", Some(failure))
            }
            AttemptEnd::Interrupted => ("interrupted", None),
            AttemptEnd::Cancelled => ("cancelled", None),
        };
        let took = report
            .function_started_at
            .map(|began| time::between(began, report.ended_at))
            .unwrap_or_default();
        Self {
            conversation_id: parsed
                .as_ref()
                .and_then(|parsed| parsed.get("id")?.as_str().map(str::to_owned)),
            file: document.file.clone(),
            line: document.line,
            status,
            error,
            state: report.state,
            logs: report.logs,
            metrics: report.metrics,
            actions: report.actions,
            duration_ms: took.as_secs_f64() * 1e3,
            confinement: report.confinement,
            before: parsed,
        }
    }

    /// What this alone would make the command end with.
    pub(super) fn exit(&self) -> Exit {
        match self.error.as_ref().map(|failure| failure.code) {
            None if self.status == "succeeded" => Exit::Done,
            None => Exit::Negative,
            Some(Code::StateNotRebuilt | Code::NotJson | Code::BadConversation) => Exit::Usage,
            Some(Code::CouldNotStart | Code::ZygoteDied | Code::Internal) => Exit::Fault,
            Some(_) => Exit::Negative,
        }
    }

    /// Everything that a change of the code could have changed: no times.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        let logs = |outcome: &Self| -> Vec<(String, Option<Value>)> {
            outcome
                .logs
                .iter()
                .map(|entry| (entry.content.clone(), entry.fields.clone()))
                .collect()
        };
        self.status == other.status
            && self.error == other.error
            && self.state == other.state
            && self.metrics == other.metrics
            && self.actions == other.actions
            && logs(self) == logs(other)
    }

    pub(super) fn name(&self) -> String {
        self.conversation_id
            .clone()
            .unwrap_or_else(|| format!("{}:{}", self.file, self.line))
    }

    pub(super) fn show(&self, context: &Context) -> Result<(), Box<CliError>> {
        if context.screen.json {
            return context.screen.json(self, true);
        }
        context.screen.say(&self.tell(context))
    }

    pub(super) fn tell(&self, context: &Context) -> String {
        let took = time::span(Duration::from_secs_f64(self.duration_ms / 1e3));
        let heading = self
            .before
            .as_ref()
            .map(story::conversation_heading)
            .unwrap_or_default();
        let mut text = format!(
            "{} {} in {took}\n  {}\n",
            style::strong(&self.name()),
            style::status(self.status),
            style::faint(&heading),
        );
        let mut body = story::logs(&self.logs, &context.screen.zone);
        if let Some(failure) = &self.error {
            body.push_str(&story::failure(
                Some(failure.code),
                Some(&failure.message),
                failure.exception.as_ref(),
            ));
        }
        body.push_str(&story::metrics(&self.metrics));
        body.push_str(&story::actions(&self.actions));
        if let Some(after) = &self.state {
            let before = self.before.as_ref().and_then(|document| document.get("state"));
            body.push_str(&story::state_changes(before, after));
        }
        text.push_str(&story::indented(&body, 2));
        text
    }
}
