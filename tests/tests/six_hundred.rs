//! Real conversations go through real projects, and what a function reads is what was sent.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use system_tests::{Place, given_or_made, now, repository, write_lines};

/// Examples of the repository.
const PROJECTS: [&str; 3] = ["hello", "support-desk", "every-field"];

#[test]
fn all_conversations_go_through_three_projects_and_every_field_arrives_as_it_was_sent_and_sent_twice_they_are_the_same_runs()
 {
    let conversations = given_or_made();
    let place = Place::new();
    let server = place.server().start();
    let file = place.path("conversations.ndjson");
    write_lines(&file, &conversations);
    for name in PROJECTS {
        server.deploy(&repository().join("examples").join(name), name);
    }
    let began = now();
    let mut first = BTreeMap::new();
    for name in PROJECTS {
        let lines = server
            .cli(&["send", file.to_str().unwrap(), "--project", name, "--json"])
            .expect(0)
            .lines();
        assert_eq!(lines.len(), conversations.len());
        for line in lines {
            assert_eq!(line["status"], 202, "{line}");
            first.insert((name, line["external_id"].to_string()), line["run_id"].clone());
        }
    }
    println!(
        "{} conversations accepted {:?} after the first was sent",
        first.len(),
        began.elapsed()
    );
    server.wait_until_done();
    println!("and all run {:?} after", began.elapsed());

    for name in PROJECTS {
        let lines = server
            .cli(&["send", file.to_str().unwrap(), "--project", name, "--json"])
            .expect(0)
            .lines();
        for line in lines {
            assert_eq!(line["status"], 200, "{line}");
            assert_eq!(line["run_id"], first[&(name, line["external_id"].to_string())]);
        }
        let runs = server.runs(&format!("project={name}"));
        assert_eq!(runs.len(), conversations.len(), "they stay as many runs");
        for run in &runs {
            assert_eq!(
                (&run["status"], &run["attempts"]),
                (&json!("succeeded"), &json!(1)),
                "{run:#}"
            );
        }
    }
    for conversation in &conversations {
        let run = &first[&("every-field", conversation["id"].to_string())];
        let detail = server.run(run.as_str().unwrap());
        assert_eq!(
            detail["metrics"],
            json!(expected(conversation)),
            "{}",
            conversation["id"]
        );
        assert_eq!(
            detail["state_after"], conversation["state"],
            "a function that only reads leaves state as it was"
        );
    }
}

/// What `examples/every-field` writes about a conversation, computed from its JSON alone.
fn expected(conversation: &Value) -> Vec<Value> {
    let list = |name: &str| conversation[name].as_array().cloned().unwrap_or_default();
    let (turns, metrics) = (list("turns"), list("metrics"));
    let mut state: Vec<_> = conversation["state"].as_object().unwrap().iter().collect();
    state.sort_by_key(|(key, _)| *key);
    let texts: Vec<_> = turns.iter().map(|turn| turn["text"].as_str().unwrap()).collect();
    let metric = |name: &str, value: Value| json!({"name": name, "value": value});
    let turn_lines = turns.iter().map(|turn| {
        (
            turn["role"].as_str().unwrap(),
            turn["text"].as_str().unwrap().to_owned(),
        )
    });
    vec![
        metric("TURNS", json!(turns.len())),
        metric(
            "USER_TURNS",
            json!(turns.iter().filter(|turn| turn["role"] == "user").count()),
        ),
        metric(
            "EMPTY_TURNS",
            json!(texts.iter().filter(|text| text.is_empty()).count()),
        ),
        metric(
            "LETTERS",
            json!(texts.iter().map(|text| text.chars().count()).sum::<usize>()),
        ),
        metric("TURNS_SHA256", checksum(turn_lines)),
        metric("STATE_KEYS", json!(state.len())),
        metric(
            "STATE_SHA256",
            checksum(
                state
                    .iter()
                    .map(|(key, value)| (key.as_str(), python_json(value))),
            ),
        ),
        metric("METRICS", json!(metrics.len())),
        metric(
            "METRICS_SHA256",
            checksum(
                metrics
                    .iter()
                    .map(|one| (one["name"].as_str().unwrap(), python_json(&one["value"]))),
            ),
        ),
    ]
}

fn checksum<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> Value {
    let digest = pairs.fold(Sha256::new(), |digest, (name, text)| {
        digest.chain_update(format!("{name}\t{text}\n"))
    });
    json!(
        digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    )
}

/// As Python's `json.dumps` writes it with sorted keys and no spaces: ASCII only.
fn python_json(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => value.to_string(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.to_string(),
            None => format!("{:?}", number.as_f64().unwrap()),
        },
        Value::String(text) => python_text(text),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(python_json).collect::<Vec<_>>().join(",")
        ),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let pairs = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", python_text(name), python_json(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
    }
}

fn python_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '\r' => quoted += "\\r",
            '\t' => quoted += "\\t",
            '\u{8}' => quoted += "\\b",
            '\u{c}' => quoted += "\\f",
            ' '..='~' => quoted.push(c),
            _ => quoted.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            ),
        }
    }
    quoted + "\""
}
