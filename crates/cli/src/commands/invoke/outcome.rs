//! What became of one conversation.

use std::time::Duration;

use domain::conversation::ConversationError;
use domain::{Action, AttemptEnd, AttemptReport, Code, ErrorDocument, LogEntry, Metric};
use serde::Serialize;
use serde_json::Value;

use super::changes::Changes;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::input::Document;
use crate::screen::{style, time};
use crate::story;

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Failure {
    pub(super) code: Code,
    title: &'static str,
    pub(super) message: String,
    page: String,
    signal: Option<i32>,
    exit_status: Option<i32>,
    /// What is wrong with the document, place by place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    /// Type, message, traceback and frames of the exception, where there was one.
    pub(super) exception: Option<ErrorDocument>,
}

/// One attempt, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// The sender's id: nothing is stored, so that there is no id of ours that it could be taken for.
    conversation_id: Option<String>,
    /// The same, by the name that it has where there are both.
    pub(super) external_id: Option<String>,
    file: String,
    line: u64,
    pub(super) status: &'static str,
    pub(super) error: Option<Failure>,
    pub(super) state: Option<Value>,
    pub(super) logs: Vec<LogEntry>,
    pub(super) metrics: Vec<Metric>,
    pub(super) actions: Vec<Action>,
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
                    problems: Vec::new(),
                    exception: error,
                };
                ("failed", Some(failure))
            }
            AttemptEnd::Interrupted => ("interrupted", None),
            AttemptEnd::Cancelled => ("cancelled", None),
            AttemptEnd::Waiting => ("waiting", None),
            AttemptEnd::Parked => ("needs_decision", None),
        };
        let took = report
            .function_started_at
            .map(|began| time::between(began, report.ended_at))
            .unwrap_or_default();
        let external_id = parsed
            .as_ref()
            .and_then(|parsed| parsed.get("id")?.as_str().map(str::to_owned));
        Self {
            conversation_id: external_id.clone(),
            external_id,
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

    /// A document that is no conversation: nothing ran.
    pub(super) fn refused(document: &Document, error: &ConversationError) -> Self {
        let problems = error.problems().iter().map(ToString::to_string).collect();
        let omitted = error.omitted();
        let more = if omitted > 0 {
            format!(" and {omitted} more")
        } else {
            String::new()
        };
        let code = error.code();
        Self {
            conversation_id: None,
            external_id: None,
            file: document.file.clone(),
            line: document.line,
            status: "refused",
            error: Some(Failure {
                code,
                title: code.title(),
                message: format!("{error}{more}"),
                page: code.page(),
                signal: None,
                exit_status: None,
                problems,
                exception: None,
            }),
            state: None,
            logs: Vec::new(),
            metrics: Vec::new(),
            actions: Vec::new(),
            duration_ms: 0.0,
            confinement: String::new(),
            before: None,
        }
    }

    /// What this alone would make the command end with.
    pub(super) fn exit(&self) -> Exit {
        match self.error.as_ref().map(|failure| failure.code) {
            None if self.status == "succeeded" => Exit::Done,
            None => Exit::Negative,
            Some(Code::StateNotRebuilt | Code::NotJson | Code::BadConversation | Code::TooLarge) => {
                Exit::Usage
            }
            Some(Code::CouldNotStart | Code::ZygoteDied | Code::Internal) => Exit::Fault,
            Some(_) => Exit::Negative,
        }
    }

    pub(super) fn name(&self) -> String {
        self.external_id
            .clone()
            .unwrap_or_else(|| format!("{}:{}", self.file, self.line))
    }

    pub(super) fn show(&self, context: &Context) -> Result<(), Box<CliError>> {
        if context.screen.json {
            return context.screen.json(self, true);
        }
        context.screen.say(&self.tell(context))
    }

    fn tell(&self, context: &Context) -> String {
        let mut text = format!(
            "{} {} in {}\n",
            style::strong(&style::safe(&self.name())),
            style::status(self.status),
            self.took()
        );
        if let Some(document) = &self.before {
            text.push_str(&format!(
                "  {}\n",
                style::faint(&story::conversation_heading(document))
            ));
        }
        let mut body = story::logs(&self.logs, &context.screen.zone);
        body.push_str(&self.tell_failure());
        body.push_str(&story::metrics(&self.metrics));
        body.push_str(&story::actions(&self.actions));
        if let Some(after) = &self.state {
            let before = self.before.as_ref().and_then(|document| document.get("state"));
            body.push_str(&story::state_changes(before, after));
        }
        text.push_str(&story::indented(&body, 2));
        text
    }

    fn tell_failure(&self) -> String {
        let Some(failure) = &self.error else {
            return String::new();
        };
        let message = Some(failure.message.as_str()).filter(|_| failure.problems.is_empty());
        let mut text = story::failure(Some(failure.code), message, failure.exception.as_ref());
        for problem in &failure.problems {
            text.push_str(&format!("{} {problem}\n", style::faint("-")));
        }
        text
    }

    /// Only what is different from the last run; why it fails, in full, where that is new.
    pub(super) fn tell_changes(&self, changes: &Changes, was: &'static str) -> String {
        let status = if was == self.status {
            style::status(self.status)
        } else {
            format!("{} → {}", style::status(was), style::status(self.status))
        };
        let mut body = changes.tell();
        if changes.has_new_error() {
            body.push_str(&self.tell_failure());
        }
        format!(
            "{}: {status} in {}\n{}",
            style::strong(&style::safe(&self.name())),
            self.took(),
            story::indented(&body, 2)
        )
    }

    fn took(&self) -> String {
        time::span(Duration::from_secs_f64(self.duration_ms / 1e3))
    }
}
