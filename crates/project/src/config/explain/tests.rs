use domain::effect::Catalogue;

use crate::config::{ConfigFile, ProjectConfig, effects};
use crate::error::ProjectError;

fn error(text: &str) -> ProjectError {
    effects::parse("config/effects.yaml", text.as_bytes()).expect_err(text)
}

/// One entry with this in its second line.
fn entry(line: &str) -> String {
    format!("hosts:\n  - host: a\n    {line}\n")
}

/// What is written, where it goes wrong, what is said of it, and what to do.
#[rustfmt::skip] // a case a line
fn mistakes() -> Vec<(String, Option<u32>, &'static str, &'static str, &'static str)> {
    let whole = "as in `hosts: [{host: crm.example.com, idempotency: {window_s: 86400}, patience_s: 3600}]`";
    vec![
        (entry("patience_s: soon"), Some(3), "hosts[0].patience_s", "the text \"soon\" does not belong here", "a whole number, 0 or more, for example `patience_s: 60`"),
        (entry("patience_s: 1d"), Some(3), "hosts[0].patience_s", "the text \"1d\" does not belong here", "`patience_s: 60`"),
        (entry("patience_s: -1"), Some(3), "hosts[0].patience_s", "the number -1 does not belong here", "`patience_s: 60`"),
        (entry("patience_s: 1.5"), Some(3), "hosts[0].patience_s", "the number 1.5 does not belong here", "`patience_s: 60`"),
        (entry("patience_s: [1]"), Some(3), "hosts[0].patience_s", "a list does not belong here", "`patience_s: 60`"),
        (entry("patience_s: 99999999999999999999"), Some(3), "hosts[0].patience_s", "the number 99999999999999999999 is too large", "`patience_s: 60`"),
        (entry("expected: [404, 70000]"), Some(3), "hosts[0].expected[1]", "the number 70000 does not belong here", "from 0 to 65535, for example `expected: [404]`"),
        (entry("expected: 409"), Some(3), "hosts[0].expected", "the number 409 does not belong here", "a list, for example `expected: [409]`"),
        (entry("methods: POST"), Some(3), "hosts[0].methods", "the text \"POST\" does not belong here", "`methods: [\"POST\"]`"),
        (entry("add_key: yes"), Some(3), "hosts[0].add_key", "the text \"yes\" does not belong here", "true or false, for example `add_key: true`"),
        (entry("class: reed"), Some(3), "hosts[0].class", "`reed` means nothing here", "did you mean `read`?"),
        (entry("class: zebra"), Some(3), "hosts[0].class", "`zebra` means nothing here", "write one of `read`, `telemetry`, `credential`, `write`"),
        (entry("class: [read]"), Some(3), "hosts[0].class", "a list does not belong here", "write one word"),
        (entry("on_unknown: true"), Some(3), "hosts[0].on_unknown", "`true` means nothing here", "write `resend` or `assume_done`"),
        (entry("clas: read"), Some(3), "hosts[0].clas", "there is no key `clas` here", "did you mean `class`?"),
        (entry("host: b"), Some(2), "hosts[0]", "the key `host` is there twice", "leave one of them out"),
        (entry("idempotency: true"), Some(3), "hosts[0].idempotency", "true does not belong here", whole),
        (entry("idempotency: {}"), Some(3), "hosts[0].idempotency", "the key `window_s` is missing", whole),
        (entry("path: a: b"), Some(3), "hosts[0]", "a `:` stands where no key can stand", "in quotes"),
        (entry("path: \"\\q\""), Some(3), "hosts[0].path", "`\\` in double quotes", "single quotes"),
        (entry("path: '/a"), Some(4), "hosts[0].path", "a quote is not closed (what it stands in begins on line 3)", "end the text"),
        ("hosts:\n  - class: read\n".into(), Some(2), "hosts[0]", "the key `host` is missing", whole),
        ("hosts:\n  - crm.example.com\n".into(), Some(2), "hosts[0]", "the text \"crm.example.com\" does not belong here", whole),
        ("hosts:\n  - host: [a]\n".into(), Some(2), "hosts[0].host", "a list does not belong here", "a text, for example `host: "),
        ("hosts:\n  - host: *.example.com\n".into(), Some(2), "hosts[0].host", "a text that begins with `*` is not in quotes", "'*.example.com'"),
        ("hosts:\n  host: a\n".into(), Some(2), "hosts", "a group of keys does not belong here", whole),
        ("hosts: a\n".into(), Some(1), "hosts", "the text \"a\" does not belong here", whole),
        ("hosts:\n\t- host: a\n".into(), Some(2), "hosts", "begins with a tab", "indent with spaces"),
        ("hosts: [{host: a\n".into(), Some(2), "hosts[0]", "is not closed", "close what is open"),
        ("- host: a\n".into(), Some(1), "", "a list does not belong here", whole),
        ("crm.example.com\n".into(), Some(1), "", "the text \"crm.example.com\" does not belong here", whole),
        ("hots: []\n".into(), Some(1), "hots", "there is no key `hots` here", "did you mean `hosts`?"),
        ("---\nhosts: []\n---\nhosts: []\n".into(), None, "", "`---` begins a second document", "one document"),
        // What is told only after the whole was read has its line too.
        (entry("path: notes"), Some(3), "hosts[0].path", "\"notes\" does not begin with /", "a path from / on"),
        (entry("idempotency:\n      window_s: 0"), Some(4), "hosts[0].idempotency.window_s", "0 is no window", "seconds, from 1 to 2592000"),
        ("hosts:\n\n  - {host: a}\n  - host:\n".into(), Some(4), "hosts[1].host", "\"\" is no host", "crm.example.com"),
    ]
}

#[test]
fn a_mistake_is_told_with_line_key_and_fix() {
    for (text, line, key, message, fix) in mistakes() {
        let error = error(&text);
        let place = (error.line, error.key.as_deref().unwrap_or_default());
        assert_eq!(place, (line, key), "{text}{error}");
        assert!(error.message.contains(message), "{text}{error}");
        assert!(error.fix.contains(fix), "{text}{error}\n{}", error.fix);
    }
}

#[test]
fn no_error_speaks_of_types_of_ours_or_of_the_readers() {
    let foreign = [
        "u16",
        "u32",
        "u64",
        "u128",
        "bool",
        "struct",
        "enum",
        "Entry",
        "Catalogue",
        "Idempotency",
        "sequence",
        "integer",
        "floating",
        "unit",
        "mapping",
        "token",
        "scalar",
        "variant",
        "field",
        "string",
        "YAML tag",
        "invalid",
        "deserializ",
    ];
    for (text, ..) in mistakes() {
        let error = error(&text);
        let told = format!("{error} {}", error.fix);
        let said: Vec<_> = foreign.iter().filter(|word| told.contains(*word)).collect();
        assert!(said.is_empty(), "{said:?} in {told}");
    }
}

#[test]
fn what_stands_for_an_example_can_be_read() {
    effects::parse("config/effects.yaml", Catalogue::EXAMPLE.as_bytes()).expect("effects");
    ProjectConfig::parse("project.yaml", ProjectConfig::EXAMPLE.as_bytes()).expect("project");
}
