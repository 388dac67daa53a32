#![allow(clippy::unwrap_used)]
use super::*;

fn error(text: &str) -> ProjectError {
    ProjectConfig::parse("project.yaml", text.as_bytes()).unwrap_err()
}

#[test]
fn the_keys_of_the_adk_are_kept_and_unknown_ones_outside_ours_ignored() {
    let text = "region: us-1\naccount_id: acme\nproject_id: desk\nsomething_else: [1, {a: b}]\naftercall:\n  attempts: 3\n";
    let config = ProjectConfig::parse("project.yaml", text.as_bytes()).unwrap();
    assert_eq!(config.region.as_deref(), Some("us-1"));
    assert_eq!(config.account_id.as_deref(), Some("acme"));
    assert_eq!(config.project_id.as_deref(), Some("desk"));
    assert_eq!(config.aftercall.attempts, Some(3));
}

#[test]
fn an_empty_file_is_all_defaults() {
    for text in ["", "# nothing yet\n", "aftercall:\n", "aftercall: {}\n"] {
        assert_eq!(
            ProjectConfig::parse("project.yaml", text.as_bytes()).unwrap(),
            ProjectConfig::default(),
            "{text:?}"
        );
    }
}

#[test]
fn an_unknown_key_of_ours_is_refused_with_line_and_suggestion() {
    let found =
        error("region: us-1\naftercall:\n  attempts: 3\n  limits:\n    memory_mb: 128\n    open_fils: 64\n");
    assert_eq!((found.code.as_str(), found.line), ("AC0211", Some(6)), "{found}");
    assert_eq!(found.key.as_deref(), Some("aftercall.limits.open_fils"));
    assert_eq!(&*found.fix, "did you mean `open_files`?");
    let found = error("aftercall:\n  zebra: 1\n");
    assert_eq!(found.line, Some(2), "{found}");
    assert!(found.fix.starts_with("take the key out"), "{}", found.fix);
}

#[test]
fn a_value_out_of_range_names_line_key_and_range() {
    let found = error("aftercall:\n  name: desk\n\n  attempts: 0\n");
    assert_eq!(
        (found.line, found.key.as_deref()),
        (Some(4), Some("aftercall.attempts")),
        "{found}"
    );
    assert_eq!(found.expected.as_deref(), Some("a whole number from 1 to 100"));
    assert_eq!(&*found.message, "the number 0 does not belong here");
    assert_eq!(
        &*found.fix,
        "write a whole number from 1 to 100, for example `attempts: 1`"
    );
    let found = error("aftercall:\n  deadline_s: soon\n");
    assert_eq!(
        (found.line, found.key.as_deref()),
        (Some(2), Some("aftercall.deadline_s")),
        "{found}"
    );
    assert!(found.expected.unwrap().contains("86400"));
    let found = error("aftercall:\n  name: Support Desk\n");
    assert_eq!(
        (found.line, found.key.as_deref()),
        (Some(2), Some("aftercall.name")),
        "{found}"
    );
}

#[test]
fn a_wrong_word_of_a_choice_gets_the_nearest_right_one() {
    let found = error("aftercall:\n  attempts: 2\n  on_swallowed_failure: flagg\n");
    assert_eq!(found.line, Some(3), "{found}");
    assert_eq!(&*found.fix, "did you mean `flag`?");
}

#[test]
fn what_is_not_yaml_names_its_line() {
    let found = error("region: us-1\naftercall:\n\tattempts: 3\n");
    assert_eq!((found.code.as_str(), found.line), ("AC0211", Some(3)), "{found}");
    assert!(found.fix.contains("spaces"));
}

#[test]
fn aliases_cannot_make_a_small_file_large() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let of = format!("*a{}", level - 1);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            [of.as_str(); 9].join(", ")
        ));
    }
    text.push_str("region: *a11\n");
    assert_eq!(error(&text).code.as_str(), "AC0211");
}

#[test]
fn settings_change_the_policy_only_where_they_say_something() {
    let text = "aftercall: {attempts: 2, backoff: {base_s: 1, cap_s: 4}, age_limit_h: 5, on_swallowed_failure: retry}";
    let settings = ProjectConfig::parse("project.yaml", text.as_bytes())
        .unwrap()
        .aftercall;
    let policy = settings.policy(Policy::default());
    assert_eq!(policy.attempts, 2);
    assert_eq!(policy.backoff.base.as_secs(), 1);
    assert_eq!(policy.backoff.cap.as_secs(), 4);
    assert_eq!(policy.backoff.factor, Policy::default().backoff.factor);
    assert_eq!(policy.age_limit.as_hours(), 5);
    assert_eq!(policy.on_swallowed_failure, OnSwallowedFailure::Retry);
    assert_eq!(Settings::default().policy(Policy::default()), Policy::default());
}
