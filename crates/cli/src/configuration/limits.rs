//! The limits that no setting changes, from the constants that hold them.

use std::time::Duration;

use api::{FixedLimit, LimitUnit};
use domain::{conversation, effect, ids, json, state};
use gateway::{flow, request};
use runner::attempt::LogLimits;
use runner::frame;

/// A number of bytes, or of things, or a time: as it is told.
trait Amount {
    fn amount(self) -> u64;
}

impl Amount for usize {
    fn amount(self) -> u64 {
        u64::try_from(self).unwrap_or(u64::MAX)
    }
}

impl Amount for u64 {
    fn amount(self) -> u64 {
        self
    }
}

impl Amount for i64 {
    fn amount(self) -> u64 {
        self.unsigned_abs()
    }
}

impl Amount for Duration {
    fn amount(self) -> u64 {
        self.as_secs()
    }
}

macro_rules! limits {
    ($($name:literal = $value:expr, $unit:ident, $about:literal;)*) => {
        vec![$(FixedLimit {
            name: $name.to_owned(),
            value: $value.amount(),
            unit: LimitUnit::$unit,
            about: $about.to_owned(),
        }),*]
    };
}

/// All of them, by what they are of.
#[must_use]
pub fn limits() -> Vec<FixedLimit> {
    [conversations(), projects(), attempts(), effects(), api()].concat()
}

fn conversations() -> Vec<FixedLimit> {
    limits! {
        "conversation.bytes" = json::MAX_CONVERSATION_BYTES, Bytes, "a conversation";
        "conversation.values" = json::MAX_CONVERSATION_VALUES, Count, "values in a conversation";
        "conversation.depth" = json::MAX_DEPTH, Count, "levels that its brackets nest";
        "conversation.id_bytes" = conversation::MAX_ID_BYTES, Bytes, "its id";
        "conversation.number_bytes" = conversation::MAX_NUMBER_BYTES, Bytes, "caller_number and callee_number";
        "conversation.turns" = conversation::MAX_TURNS, Count, "turns";
        "conversation.metrics" = conversation::MAX_METRICS, Count, "metrics";
        "conversation.metric_name_bytes" = conversation::MAX_METRIC_NAME_BYTES, Bytes, "the name of a metric";
        "conversation.differences" = json::MAX_DIFFERENCES, Count, "differences that a 409 tells";
        "conversation.problems" = json::MAX_PROBLEMS, Count, "problems of one document that are told";
        "number.digits" = json::MAX_NUMBER_DIGITS, Count, "digits of a number";
        "number.exponent" = json::MAX_EXPONENT, Count, "its exponent, either way";
        "state.bytes" = json::MAX_STATE_BYTES, Bytes, "the state that an attempt leaves";
        "state.values" = json::MAX_STATE_VALUES, Count, "values in it";
        "state.depth" = state::MAX_DEPTH, Count, "levels that its containers nest";
        "state.keys" = state::MAX_KEYS, Count, "keys of one dict, fields of one object";
        "state.integer_digits" = state::MAX_INT_DIGITS, Count, "digits of an integer";
        "state.name_bytes" = state::MAX_NAME_BYTES, Bytes, "the name of a class, member or time zone";
    }
}

fn projects() -> Vec<FixedLimit> {
    limits! {
        "project.name_bytes" = ids::PROJECT_NAME_MAX, Bytes, "a project's name";
        "project.files" = project::MAX_FILES, Count, "files of a project";
        "project.bytes" = project::MAX_BYTES, Bytes, "all of them together";
        "project.path_bytes" = project::MAX_PATH_BYTES, Bytes, "the path of one";
        "project.archive_bytes" = project::MAX_ARCHIVE_BYTES, Bytes, "a project on its way to the server";
        "project.requirements" = project::MAX_REQUIREMENTS, Count, "requirements and constraints";
    }
}

fn attempts() -> Vec<FixedLimit> {
    let logs = LogLimits::default();
    limits! {
        "attempt.tmp_entries" = runner::TMP_ENTRIES_MAX, Count, "files and folders in an attempt's own folder";
        "attempt.log_entries" = logs.entries, Count, "log entries that are kept";
        "attempt.log_bytes" = logs.bytes, Bytes, "log that is kept";
        "attempt.log_entry_bytes" = frame::LOG_MAX, Bytes, "one log entry";
        "attempt.log_flood_bytes" = logs.flood_bytes, Bytes, "log, kept or not, past which it is ended";
        "attempt.given_bytes" = frame::TO_CHILD_MAX, Bytes, "what its process is given at once";
        "attempt.result_bytes" = frame::FROM_CHILD_MAX, Bytes, "what it hands in: state, metrics, actions, error";
    }
}

fn effects() -> Vec<FixedLimit> {
    limits! {
        "effects.requests" = effect::MAX_EFFECTS, Count, "requests of one run, all its attempts";
        "effects.recorded_bytes" = effect::MAX_RECORDED_BYTES, Bytes, "requests and answers that a run records";
        "effects.request_s" = request::REQUEST_LIMIT, Seconds, "one request, whatever its library allows";
        "effects.held_s" = flow::HOLD_LIMIT, Seconds, "how long a request is held for others to end";
        "effects.url_bytes" = effect::MAX_URL, Bytes, "a URL";
        "effects.header_bytes" = request::HEADER_BYTES_LIMIT, Bytes, "all headers of a request";
        "effects.body_bytes" = request::REQUEST_BODY_LIMIT, Bytes, "the body of a request";
        "effects.answer_bytes" = gateway::config::ANSWER_LIMIT, Bytes, "the body of an answer";
    }
}

fn api() -> Vec<FixedLimit> {
    let http = server::Limits::default();
    limits! {
        "api.connections" = http.connections, Count, "connections of one address";
        "api.request_bytes" = http.request_bytes, Bytes, "a request that is no conversation and no project";
        "api.bodies_bytes" = http.body_budget_bytes, Bytes, "all bodies that are worked on at once";
        "api.bodies_bytes_per_key" = http.key_budget_bytes, Bytes, "those of one key";
        "api.bodies_per_key" = http.bodies_per_key, Count, "bodies of one key that arrive at once";
        "api.batches" = http.batches, Count, "batches (NDJSON) at once";
        "api.batches_per_key" = http.batches_per_key, Count, "those of one key";
        "api.batch_lines" = http.batch_lines, Count, "lines of a batch that are committed together";
        "api.batch_bytes" = http.batch_bytes, Bytes, "their bytes, about";
        "api.admission_s" = http.admission_timeout, Seconds, "how long a request waits for room";
        "api.head_s" = http.head_timeout, Seconds, "for a request's head, and between requests";
        "api.first_byte_s" = http.first_byte_timeout, Seconds, "for the first byte of a body";
        "api.stall_s" = http.stall_timeout, Seconds, "without any further byte of a body";
        "api.body_s" = http.body_timeout, Seconds, "for a whole body, or one line of a batch";
        "api.unread_s" = http.unread_timeout, Seconds, "for a client that reads nothing of its answer";
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Whatever a crate calls a `MAX` for others to see.
    fn constants(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                constants(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(path).unwrap();
                let names = text.lines().filter_map(|line| line.strip_prefix("pub const "));
                let names = names.filter_map(|rest| Some(rest.split_once(':')?.0.to_owned()));
                found.extend(names.filter(|name| name.starts_with("MAX_") || name.ends_with("_MAX")));
            }
        }
    }

    #[test]
    fn no_limit_of_conversations_and_projects_is_left_out() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut found = Vec::new();
        for name in ["domain", "project"] {
            constants(&crates.join(name).join("src"), &mut found);
        }
        assert!(found.len() > 15, "{found:?}");
        let table = include_str!("limits.rs");
        found.retain(|name| !table.contains(&format!("::{name},")));
        assert!(found.is_empty(), "not shown: {found:?}");
    }

    #[test]
    fn each_limit_has_a_name_of_its_own_and_a_value() {
        let all = limits();
        let names: BTreeSet<_> = all.iter().map(|limit| &limit.name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|limit| limit.value > 0 && !limit.about.is_empty()));
        let named = |name: &str| all.iter().find(|limit| limit.name == name).unwrap();
        assert_eq!(
            (
                named("conversation.bytes").value,
                named("conversation.bytes").unit
            ),
            (8 << 20, LimitUnit::Bytes)
        );
        assert_eq!(
            (named("effects.request_s").value, named("effects.request_s").unit),
            (300, LimitUnit::Seconds)
        );
    }
}
