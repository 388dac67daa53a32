//! Which record a request is, and what a write is that is none.

use super::*;

#[test]
fn the_same_write_asked_for_twice_is_two_writes() {
    let mut life = Life::new();
    life.done("1");
    life.done("1");
    life.resume();
    assert_eq!(life.write("1"), given(1));
    assert_eq!(life.write("1"), given(2));
    assert_eq!(life.write("1"), new());
}

#[test]
fn parallel_code_that_changes_places_finds_its_records() {
    let mut life = Life::new();
    for (lane, body) in [("0.1", "a"), ("0.2", "b"), ("0.1", "c")] {
        let course = life.ask(lane, "POST", CRM, body);
        let effect = life.intend(lane, "POST", CRM, body, &course);
        life.conclude(effect, Phase::Done, Some(201), true);
    }
    life.resume();
    assert_eq!(life.ask("0.2", "POST", CRM, "a"), given(1));
    assert_eq!(life.ask("0.1", "POST", CRM, "b"), given(2));
    assert_eq!(life.ask("0.2", "POST", CRM, "c"), given(3));
}

#[test]
fn time_stamps_in_a_body_are_a_drift_of_the_same_write() {
    let body = |life: &Life| format!(r#"{{"at":"{}"}}"#, life.now);
    let mut life = Life::new();
    let first = body(&life);
    life.done(&first);
    life.resume();
    let again = body(&life);
    assert_ne!(first, again);
    let drifted = Course::Give {
        effect: EffectNumber(1),
        drifted: true,
    };
    assert_eq!(life.write(&again), drifted);
    assert_eq!(life.journal.replayed().drifted, [EffectNumber(1)]);
    // On another deployment the difference may be the repair.
    life.next_attempt(|opening| opening.deployed_since = opening.attempt);
    let now = body(&life);
    assert!(matches!(life.write(&now), Course::Hold { .. }));
}

#[test]
fn a_write_that_fits_nothing_is_held_while_one_of_its_kind_is_left() {
    let mut life = Life::new();
    let old = life.done(r#"{"summary":"old"}"#);
    life.resume();
    let beside = vec![old];
    assert_eq!(
        life.write(r#"{"summary":"new"}"#),
        Course::Hold {
            beside: beside.clone()
        }
    );
    assert_eq!(
        life.ask("0", "POST", "https://crm.example.com/tickets", "{}"),
        new(),
        "another endpoint is free"
    );
    assert!(
        matches!(life.ask("0", "GET", CRM, ""), Course::Drive { .. }),
        "reads never park"
    );
    // Another lane asks for it: then the new one is new indeed.
    assert_eq!(life.ask("0.1", "POST", CRM, r#"{"summary":"old"}"#), given(1));
    assert_eq!(life.write(r#"{"summary":"new"}"#), new());
}

#[test]
fn a_failed_write_that_is_left_holds_nobody() {
    let mut life = Life::new();
    life.send("POST", CRM, "old", Phase::Rejected, Some(422));
    life.retry();
    assert_eq!(life.write("repaired"), new());
}

#[test]
fn a_decision_on_a_pair_is_heard_once_and_sends_once() {
    for verdict in [PairVerdict::Keep, PairVerdict::Send] {
        let mut life = Life::new();
        let old = life.done("old");
        life.next_attempt(|opening| opening.deployed_since = opening.attempt);
        assert!(matches!(life.write("new"), Course::Hold { .. }));
        let (asked, _) = life.asked("0", "POST", CRM, "new");
        life.note(Head::Paired(Paired {
            effect: old,
            fingerprint: asked.fingerprint,
            verdict,
        }));
        life.resume();
        let course = life.write("new");
        if verdict == PairVerdict::Keep {
            assert_eq!(
                course,
                Course::Give {
                    effect: old,
                    drifted: true
                }
            );
            continue;
        }
        assert_eq!(course, new());
        let effect = life.intend("0", "POST", CRM, "new", &course);
        life.conclude(effect, Phase::Done, Some(201), true);
        life.resume();
        assert_eq!(
            life.write("new"),
            given(effect.0),
            "sent once, however often the run goes on"
        );
    }
}

#[test]
fn what_nobody_asked_for_again_is_listed_and_what_nobody_knows_of_is_asked_about() {
    let mut life = Life::new();
    life.done("1");
    let course = life.write("2");
    life.intend("0", "POST", CRM, "2", &course);
    life.resume();
    assert_eq!(life.journal.replayed().left_over, [EffectNumber(1)]);
    assert_eq!(life.journal.unheard_unknown(), [EffectNumber(2)]);
    life.write("1");
    life.write("2");
    assert!(life.journal.unheard_unknown().is_empty());
    assert!(life.journal.replayed().left_over.is_empty());
}
