//! How runs are told, to the letter.
#![allow(clippy::unwrap_used)]

use anstream::adapter::strip_str;
use api::{ConversationView, RunDetail};
use cli::story::Teller;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const RUN: &str = "01a20fa1-8e73-726e-8fe8-38e7c424b372";
const CONVERSATION: &str = "01a20fa1-8e73-726e-8fe8-38e7c424b371";
const DEPLOYMENT: &str = "dcd6eaf4ebef06b441a7060eab6d3605e6a03d8213d1ab817691535c49ebf1d8";

fn run(status: &str, attempts: u32, next: &Value) -> Value {
    json!({
        "run_id": RUN, "conversation_id": CONVERSATION, "external_id": "desk-2041", "project": "support-desk",
        "environment": "live", "status": status, "hold": null, "attempts": attempts, "failures": 1,
        "deployment": DEPLOYMENT, "last_error": null, "accepted_at": "2026-01-05T10:00:00Z",
        "changed_at": "2026-01-05T10:00:20Z", "next": next,
    })
}

fn attempt(number: u32, outcome: &str, more: &Value) -> Value {
    let mut attempt = json!({
        "attempt": number, "outcome": outcome, "deployment": DEPLOYMENT, "claimed_at": "2026-01-05T10:00:00.100Z",
        "started_at": "2026-01-05T10:00:00.103Z", "ended_at": "2026-01-05T10:00:00.115Z", "duration_ms": 12,
        "code": null, "message": null, "signal": null, "exit_status": null, "error": null,
        "usage": {"user_us": 4100, "system_us": 1900, "max_rss_kib": 18000, "minor_faults": 400},
        "confinement": "landlock, seccomp", "logs": [],
    });
    attempt
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    attempt
}

fn log(level: &str, content: &str, fields: &Value) -> Value {
    json!({"level": level, "content": content, "is_pii": false, "timestamp": "2026-01-05T10:00:00.104Z",
        "logger": "conversation_logger", "fields": fields})
}

fn conversation() -> ConversationView {
    let turns = [
        "how can I help?",
        "my lamp is broken",
        "",
        "sorry about that",
        "done",
        "bye",
    ];
    let turns: Vec<_> = turns
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"role": if index % 2 == 0 { "agent" } else { "user" }, "text": text}))
        .collect();
    let document = json!({"id": "desk-2041", "channel": "voice", "direction": "inbound",
        "caller_number": "+15550101201", "callee_number": "+15550100000", "turns": turns,
        "state": {"topic": "refund", "attempts": 1, "gone": true}, "metrics": [{"name": "A", "value": 1}]});
    serde_json::from_value(json!({
        "conversation_id": CONVERSATION, "external_id": "desk-2041", "project": "support-desk", "environment": "live",
        "source": "native", "accepted_at": "2026-01-05T10:00:00Z", "document": document, "runs": [], "state_after": null,
    }))
    .unwrap()
}

fn tell(detail: &Value, conversation: Option<&ConversationView>) -> String {
    let detail: RunDetail = serde_json::from_str(&detail.to_string()).unwrap();
    let teller = Teller {
        now: "2026-01-05T10:02:00Z".parse().unwrap(),
        zone: TimeZone::UTC,
    };
    strip_str(&teller.run(&detail, conversation)).to_string()
}

#[test]
fn a_run_that_failed_and_then_succeeded() {
    let failed = attempt(
        1,
        "failed",
        &json!({
            "code": "AC0301", "message": "end_function raised an exception",
            "logs": [log("info", "looking up", &json!({"order": "NW-1", "tries": 2})), log("stdout", "two\nlines", &Value::Null)],
            "error": {"type": "KeyError", "message": "'phone'", "cause": null,
                "traceback": "Traceback (most recent call last):\n  File \"functions/end_function.py\", line 9, in end_function\n    helper(conv)\n  File \"functions/helper.py\", line 12, in helper\n    x = conv.state[\"phone\"]\nKeyError: 'phone'\n",
                "frames": [
                    {"file": "functions/end_function.py", "line": 9, "function": "end_function", "source": "    helper(conv)", "own": true},
                    {"file": "functions/helper.py", "line": 12, "function": "helper", "source": "    x = conv.state[\"phone\"]", "own": true},
                    {"file": "json/__init__.py", "line": 346, "function": "loads", "source": "", "own": false}]},
        }),
    );
    let returned = attempt(
        2,
        "returned",
        &json!({"logs": [log("warning", "second time", &json!({}))]}),
    );
    let detail = json!({
        "run": run("succeeded", 2, &json!({"sentence": "Nothing: it is over.", "at": null})),
        "attempts": [failed, returned],
        "metrics": [{"name": "RESOLVED", "value": true}, {"name": "TOPIC", "value": "refund"}],
        "actions": [{"kind": "sms", "to": "+15550101201", "content": "Your refund is on its way."}],
        "state_after": {"topic": "refund", "attempts": 2, "summary": {"$type": "datetime", "value": "2026-01-05T10:00:00"}},
    });
    insta::assert_snapshot!(tell(&detail, Some(&conversation())));
}

#[test]
fn a_dead_letter_told_to_somebody_who_may_not_read_the_conversation() {
    let killed = attempt(
        1,
        "failed",
        &json!({"code": "AC0305", "message": "the process was killed by signal 9 at its memory limit of 1 GiB", "signal": 9}),
    );
    let detail = json!({
        "run": run("failed", 1, &json!({"sentence": "Nothing, until somebody retries it.", "at": null})),
        "attempts": [killed], "metrics": [], "actions": [], "state_after": null,
    });
    insta::assert_snapshot!(tell(&detail, None));
}

#[test]
fn a_run_that_waits_for_its_next_attempt() {
    let hung = attempt(
        1,
        "failed",
        &json!({"code": "AC0302", "message": "it ran for 600 s and was ended", "duration_ms": 600_000,
            "error": {"type": "", "message": "it was at functions/wait.py:3, in wait", "traceback": "", "cause": null,
                "frames": [{"file": "functions/wait.py", "line": 3, "function": "wait", "source": "    time.sleep(60)", "own": true}]}}),
    );
    let next = json!({"sentence": "The next attempt comes at its time.", "at": "2026-01-05T10:02:12Z"});
    let detail = json!({"run": run("backoff", 2, &next), "attempts": [hung, attempt(2, "interrupted", &json!({}))],
        "metrics": [], "actions": [], "state_after": null});
    insta::assert_snapshot!(tell(&detail, None));
}
