//! Reads, models and tokens.

use super::*;

#[test]
fn an_old_read_is_made_live_unless_a_write_of_the_run_stands_after_it() {
    let mut life = Life::new();
    life.send("GET", CRM, "", Phase::Done, Some(200));
    life.resume();
    assert_eq!(life.ask("0", "GET", CRM, ""), given(1));
    life.now += jiff::SignedDuration::from_secs(61);
    life.resume();
    assert!(matches!(
        life.ask("0", "GET", CRM, ""),
        Course::Drive {
            effect: Some(EffectNumber(1)),
            ..
        }
    ));

    let mut written = Life::new();
    written.send("GET", CRM, "", Phase::Done, Some(200));
    written.done("1");
    written.now += jiff::SignedDuration::from_secs(999);
    written.resume();
    assert_eq!(written.ask("0", "GET", CRM, ""), given(1));
}

#[test]
fn a_model_says_the_same_again_however_late() {
    let mut life = Life::new();
    let completions = "https://api.openai.com/v1/chat/completions";
    life.send("POST", completions, "{}", Phase::Done, Some(200));
    life.now += jiff::SignedDuration::from_hours(9);
    life.resume();
    assert_eq!(life.ask("0", "POST", completions, "{}"), given(1));
}

#[test]
fn a_token_is_fetched_by_every_attempt() {
    let mut life = Life::new();
    let (token, form) = (
        "https://login.example.com/token",
        "grant_type=client_credentials&scope=x",
    );
    let ask = |life: &mut Life| {
        let headers = vec![(
            "Content-Type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let request = Request::new("POST", token, headers, form.as_bytes().to_vec()).unwrap();
        let asked = Asked {
            lane: Lane::main(),
            endpoint: request.endpoint(),
            fingerprint: Fingerprint::of(&request, &life.catalogue, life.now),
            terms: life.catalogue.terms(&request),
        };
        let course = life.journal.ask(&asked, life.now);
        (asked, course)
    };
    let (asked, course) = ask(&mut life);
    assert!(matches!(course, Course::Drive { effect: None, .. }));
    life.note(Head::Intent(Intent {
        effect: EffectNumber(1),
        attempt: AttemptNumber(1),
        lane: asked.lane,
        class: asked.terms.class,
        endpoint: asked.endpoint,
        fingerprint: asked.fingerprint,
        site: String::new(),
        url: token.to_owned(),
        headers: Vec::new(),
        key: None,
        resend: false,
        timed: false,
    }));
    life.conclude(EffectNumber(1), Phase::Done, Some(200), true);
    life.resume();
    let (_, again) = ask(&mut life);
    assert!(
        matches!(
            again,
            Course::Drive {
                effect: Some(EffectNumber(1)),
                ..
            }
        ),
        "{again:?}"
    );
}
