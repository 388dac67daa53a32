//! What time it is for code that is given back what it was told.

use jiff::SignedDuration;

use super::journal::READ_FRESHNESS;
use super::*;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn main() -> Lane {
    Lane::main()
}

#[test]
fn it_is_then_until_what_comes_next_is_sent_and_the_time_it_is_from_there() {
    let mut life = Life::new();
    assert_eq!(
        life.journal.clock(&main(), None, life.now),
        None,
        "nothing is recorded"
    );
    let began = life.now;
    life.done("1");
    life.now += SECOND;
    life.done("2");
    life.resume();
    assert_eq!(life.journal.clock(&main(), None, life.now), Some(began));
    assert_eq!(life.write("1"), given(1));
    let after_first = life.journal.clock(&main(), Some(EffectNumber(1)), life.now);
    assert_eq!(after_first, Some(began), "as it was told, then");
    assert_eq!(life.write("2"), given(2));
    assert_eq!(life.journal.clock(&main(), Some(EffectNumber(2)), life.now), None);
}

#[test]
fn where_a_later_attempt_went_on_it_is_the_time_that_one_had() {
    let mut life = Life::new();
    life.done("1");
    life.resume();
    assert_eq!(life.write("1"), given(1));
    let went_on = life.now;
    life.done("2");
    life.resume();
    assert_eq!(life.write("1"), given(1));
    assert_eq!(
        life.journal.clock(&main(), Some(EffectNumber(1)), life.now),
        Some(went_on)
    );
}

#[test]
fn before_what_is_driven_again_or_may_be_it_is_the_time_it_is() {
    let mut life = Life::new();
    let course = life.write("1");
    let effect = life.intend("0", "POST", CRM, "1", &course);
    life.conclude(effect, Phase::NotSent, None, false);
    life.resume();
    assert_eq!(life.journal.clock(&main(), None, life.now), None, "unheard");

    let mut life = Life::new();
    life.send("POST", CRM, "1", Phase::Rejected, Some(422));
    life.retry();
    assert_eq!(life.journal.clock(&main(), None, life.now), None, "reopened");

    let mut life = Life::new();
    life.send("GET", CRM, "", Phase::Done, Some(200));
    life.resume();
    assert!(
        life.journal.clock(&main(), None, life.now).is_some(),
        "a read that is fresh"
    );
    life.now += READ_FRESHNESS;
    assert_eq!(
        life.journal.clock(&main(), None, life.now),
        None,
        "one that is old"
    );
}

#[test]
fn each_lane_has_its_own_and_one_has_it_while_those_that_it_submitted_do() {
    let mut life = Life::new();
    for (lane, body, heard) in [("0.1", "a", true), ("0.2", "b", false), ("0.1.1", "c", true)] {
        let course = life.ask(lane, "POST", CRM, body);
        let effect = life.intend(lane, "POST", CRM, body, &course);
        let phase = if heard { Phase::Done } else { Phase::NotSent };
        life.conclude(effect, phase, heard.then_some(201), heard);
    }
    life.resume();
    let lanes: Vec<String> = life
        .journal
        .clocks(life.now)
        .into_keys()
        .map(|lane| lane.0)
        .collect();
    assert_eq!(lanes, ["0", "0.1", "0.1.1"], "0.2 is driven");
    assert_eq!(life.ask("0.1", "POST", CRM, "a"), given(1));
    let lane = Lane("0.1".into());
    assert!(
        life.journal
            .clock(&lane, Some(EffectNumber(1)), life.now)
            .is_some()
    );
    assert_eq!(
        life.journal.clock(&main(), None, life.now),
        None,
        "what comes next is driven"
    );
}

/// The token is fetched anew, by a text that the code signs: at the time of then it would have expired.
#[test]
fn a_run_that_signed_for_its_token_has_the_time_it_is_throughout() {
    let fetch = |life: &mut Life, form: &str| {
        let kind = (
            "Content-Type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        );
        let request = Request::new(
            "POST",
            "https://login.example.com/token",
            vec![kind],
            form.as_bytes().to_vec(),
        );
        let terms = life.catalogue.terms(&request.unwrap());
        let course = life.write(form);
        life.intend("0", "POST", CRM, form, &course);
        let last = life.records.last_mut().unwrap();
        let Head::Intent(intent) = &mut last.head else {
            panic!("an intent")
        };
        (intent.class, intent.timed) = (terms.class, terms.timed);
        let number = intent.effect;
        life.conclude(number, Phase::Done, Some(200), true);
        life.done("1");
        life.resume();
        life.journal.clock(&main(), None, life.now)
    };
    assert!(fetch(&mut Life::new(), "grant_type=client_credentials&client_secret=s").is_some());
    for form in [
        "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=x",
        "grant_type=client_credentials&client_assertion=x",
    ] {
        assert_eq!(fetch(&mut Life::new(), form), None, "{form}");
    }
}
