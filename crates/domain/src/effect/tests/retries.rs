//! What a retry drives again, and what it is given back.

use super::*;

#[test]
fn what_is_done_is_given_back_and_never_sent_again() {
    let mut life = Life::new();
    life.done("1");
    life.done("2");
    for _ in 0..3 {
        life.retry();
        assert_eq!(life.write("1"), given(1));
        assert_eq!(life.write("2"), given(2));
        assert_eq!(life.write("3"), new());
    }
}

#[test]
fn an_intent_cut_off_by_a_crash_is_sent_again_only_with_its_key_or_by_policy() {
    let cut_off = |mut life: Life, url: &str| {
        let course = life.ask("0", "POST", url, "1");
        life.intend("0", "POST", url, "1", &course);
        life.resume();
        life.ask("0", "POST", url, "1")
    };
    let effect = EffectNumber(1);
    assert_eq!(cut_off(Life::new(), CRM), Course::Park { effect });
    assert_eq!(
        cut_off(Life::new(), "https://api.stripe.com/v1/refunds"),
        Course::Resend { effect }
    );
    let policy = |word: &str| Life::knowing(&format!("[{{host: crm.example.com, on_unknown: {word}}}]"));
    assert_eq!(cut_off(policy("resend"), CRM), Course::Resend { effect });
    assert_eq!(cut_off(policy("assume_done"), CRM), Course::Assume { effect });
    let mut read = Life::new();
    let course = read.ask("0", "GET", CRM, "");
    read.intend("0", "GET", CRM, "", &course);
    read.resume();
    assert!(matches!(
        read.ask("0", "GET", CRM, ""),
        Course::Drive {
            effect: Some(EffectNumber(1)),
            ..
        }
    ));
}

#[test]
fn a_key_outside_of_its_window_proves_nothing() {
    let mut life = Life::knowing("[{host: crm.example.com, idempotency: {window_s: 60}}]");
    let course = life.write("1");
    life.intend("0", "POST", CRM, "1", &course);
    life.now += jiff::SignedDuration::from_secs(31);
    life.resume();
    assert_eq!(
        life.write("1"),
        Course::Park {
            effect: EffectNumber(1)
        }
    );
}

#[test]
fn after_a_wait_what_was_heard_is_given_back_and_what_was_not_is_driven() {
    let mut life = Life::new();
    let refused = life.send("POST", CRM, "heard", Phase::Rejected, Some(422));
    let course = life.write("1");
    let effect = life.intend("0", "POST", CRM, "1", &course);
    life.conclude(effect, Phase::NotSent, None, false);
    life.resume();
    assert_eq!(life.write("heard"), given(refused.0));
    let again = life.write("1");
    let key = life.journal.effect(effect).unwrap().intent().key.clone();
    assert_eq!(
        again,
        Course::Drive {
            effect: Some(effect),
            key: KeyRule::Keep(key)
        }
    );
}

#[test]
fn a_retry_reopens_failures_that_nothing_made_good_and_a_resume_none() {
    let mut life = Life::new();
    life.send("POST", CRM, "1", Phase::Rejected, Some(422));
    life.resume();
    assert_eq!(life.write("1"), given(1));
    life.retry();
    let again = Course::Drive {
        effect: Some(EffectNumber(1)),
        key: KeyRule::New,
    };
    assert_eq!(life.write("1"), again, "a rejected write gets a new key");
    // An interruption before the code came there again: it is still to be driven.
    life.resume();
    assert_eq!(life.write("1"), again);
    let effect = life.intend("0", "POST", CRM, "1", &again);
    life.conclude(effect, Phase::Rejected, Some(422), true);
    life.resume();
    assert_eq!(
        life.write("1"),
        given(1),
        "what this retry was told, a resume of it is told too"
    );
    assert_eq!(
        life.journal.effect(effect).unwrap().tries.len(),
        2,
        "one record, history kept"
    );
}

#[test]
fn a_heard_unknown_write_is_never_driven_blindly() {
    let mut life = Life::new();
    life.send("POST", CRM, "1", Phase::Unknown, None);
    life.retry();
    assert_eq!(life.write("1"), given(1), "the code hears the true error again");
    let mut keyed = Life::knowing("[{host: crm.example.com, idempotency: {window_s: 3600}}]");
    keyed.send("POST", CRM, "1", Phase::Unknown, None);
    keyed.retry();
    assert_eq!(
        keyed.write("1"),
        Course::Resend {
            effect: EffectNumber(1)
        }
    );
}

#[test]
fn a_failure_is_settled_by_the_same_request_or_by_the_other_half_of_an_upsert() {
    let left = |life: &Life| {
        life.journal
            .unsettled_failures()
            .iter()
            .map(|effect| effect.0)
            .collect::<Vec<_>>()
    };
    let mut life = Life::new();
    life.send("POST", CRM, "1", Phase::Unknown, Some(502));
    assert_eq!(left(&life), [1]);
    life.done("1");
    assert_eq!(left(&life), [0; 0]);

    let mut upsert = Life::new();
    upsert.send(
        "PATCH",
        "https://crm.example.com/contacts/7",
        "{}",
        Phase::Rejected,
        Some(404),
    );
    assert_eq!(left(&upsert), [1]);
    upsert.send(
        "POST",
        "https://crm.example.com/contacts",
        "{}",
        Phase::Done,
        Some(201),
    );
    assert_eq!(left(&upsert), [0; 0]);
    upsert.retry();
    assert_eq!(
        upsert.ask("0", "PATCH", "https://crm.example.com/contacts/7", "{}"),
        given(1),
        "settled: not reopened"
    );

    let mut no_upsert = Life::new();
    no_upsert.send("POST", CRM, "1", Phase::Rejected, Some(422));
    no_upsert.send(
        "PUT",
        "https://crm.example.com/other",
        "{}",
        Phase::Done,
        Some(200),
    );
    assert_eq!(
        left(&no_upsert),
        [1],
        "only 404 and 409 ask which half of an upsert it is"
    );
}

#[test]
fn monitors_are_no_failures_and_expected_statuses_neither() {
    let mut life = Life::new();
    life.send(
        "POST",
        "https://o1.ingest.sentry.io/api/1/envelope/",
        "{}",
        Phase::NotSent,
        None,
    );
    assert!(life.journal.unsettled_failures().is_empty());
}

#[test]
fn an_own_retry_of_an_unknown_write_keeps_the_key_if_it_comes_at_once() {
    let mut life = Life::new();
    let first = life.send("POST", CRM, "1", Phase::Unknown, None);
    let key = life.journal.effect(first).unwrap().intent().key.clone();
    assert!(key.is_some());
    let kept = Course::Drive {
        effect: None,
        key: KeyRule::Keep(key),
    };
    assert_eq!(life.write("1"), kept);
    assert_eq!(life.write("2"), new(), "other bytes, other key");
}

#[test]
fn a_run_that_is_run_again_on_purpose_does_everything_again() {
    let mut life = Life::new();
    life.done("1");
    life.next_attempt(|opening| opening.fresh_since = opening.attempt);
    let course = life.write("1");
    assert_eq!(course, new());
    let effect = life.intend("0", "POST", CRM, "1", &course);
    life.conclude(effect, Phase::Done, Some(201), true);
    life.resume();
    assert_eq!(life.write("1"), given(2));
}
