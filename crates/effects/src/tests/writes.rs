//! Writes: once, whatever happens, and written down without secrets.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_write_is_durable_before_it_leaves_and_given_back_after() {
    let mut house = House::new().await;
    house.answers([answered(201, &[("Location", "/notes/7")], b"{\"id\": 7}")]);
    let mut attempt = house.attempt().await;
    let told = attempt.post(r#"{"text": "hi"}"#).await;
    assert_eq!(
        (told.phase, status(&told), &told.body[..]),
        ("done", Some(201), &b"{\"id\": 7}"[..])
    );
    assert_eq!(
        house.receiver.intents.load(Ordering::SeqCst),
        1,
        "written down before it left"
    );
    attempt.close(false).await;
    for _ in 0..2 {
        house.retried().await;
        let mut attempt = house.attempt().await;
        let again = attempt.post(r#"{"text": "hi"}"#).await;
        assert_eq!(
            (again.answer, again.body),
            (told.answer.clone(), told.body.clone())
        );
        assert!(attempt.close(true).await.unsettled.is_empty());
    }
    assert_eq!(house.arrived().len(), 1, "sent once");
}

#[tokio::test(start_paused = true)]
async fn a_no_is_heard_at_once_and_is_a_swallowed_failure() {
    let house = House::new().await;
    house.answers([answered(422, &[], b"{\"error\": \"phone\"}")]);
    let mut attempt = house.attempt().await;
    let told = attempt.post("1").await;
    assert_eq!((told.phase, status(&told)), ("rejected", Some(422)));
    assert_eq!(attempt.close(true).await.unsettled.len(), 1);
    assert_eq!(house.arrived().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_write_is_told_once_and_sent_once_unless_its_host_honours_keys() {
    let house = House::new().await;
    house.answers([failed(Trouble::Reset)]);
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "unknown");
    attempt.close(false).await;
    assert_eq!(house.arrived().len(), 1);

    let keyed = House::new()
        .await
        .knowing(r#"[{"host": "crm.example.com", "idempotency": {"window_s": 3600}}]"#);
    keyed.answers([
        failed(Trouble::Reset),
        answered(422, &[], b""),
        answered(201, &[], b""),
    ]);
    let mut attempt = keyed.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "done");
    attempt.close(true).await;
    assert_eq!(
        keyed.keys(),
        vec![Some("key-1".to_owned()); 3],
        "a no to the second sending settles nothing"
    );
}

/// What a crash leaves: an intent, and nothing behind it.
async fn cut_off(knowing: &str) -> House {
    let mut house = House::new().await;
    let hang = failed(Trouble::Reset);
    house.answers([hang]);
    let mut attempt = house.attempt().await;
    attempt.post("1").await;
    drop(attempt);
    // The journal as it was when the machine went: its last record never was written.
    let journal = house.records().await;
    let folder = TempDir::new().unwrap();
    let fatal = Arc::new(|reason: &str| panic!("{reason}"));
    let master = MasterKey::from_bytes(&mut [7; 32]);
    let store: Given =
        SqliteStore::open(Options::new(folder.path()), master, Arc::new(OsEntropy), fatal).unwrap();
    given::queued(&store, 1..2).await;
    let run = given::claim(&store, 1, given::after(60)).await.remove(0);
    store
        .record(run.run, run.epoch, 0, journal[..1].to_vec())
        .await
        .unwrap();
    *house.receiver.store.lock().unwrap() = None;
    (house._folder, house.store, house.run) = (folder, store, run);
    house.resumed().await;
    house.knowing(knowing)
}

#[tokio::test(start_paused = true)]
async fn a_write_cut_off_by_a_crash_parks_or_is_sent_again_with_its_key() {
    let house = cut_off("[]").await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post_halted("1").await, Halt::Park);
    attempt.close(false).await;
    assert_eq!(house.arrived().len(), 1);

    let house = cut_off(r#"[{"host": "crm.example.com", "idempotency": {"window_s": 3600}}]"#).await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "done");
    assert_eq!(house.arrived(), ["1", "1"]);
    assert_eq!(house.keys(), vec![Some("key-1".to_owned()); 2]);

    let house = cut_off(r#"[{"host": "crm.example.com", "on_unknown": "assume_done"}]"#).await;
    let mut attempt = house.attempt().await;
    let told = attempt.post("1").await;
    assert_eq!(told.answer.unwrap().header(crate::ASSUMED), Some("1"));
    assert_eq!(house.arrived().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_worker_starts_nothing() {
    let mut house = House::new().await;
    let mut stale = house.attempt().await;
    house.resumed().await;
    assert_eq!(stale.post_halted("1").await, Halt::Stale);
    assert_eq!(house.arrived().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fits_nothing_is_held_for_other_lanes_then_parked_with_both() {
    let mut house = House::new().await;
    let mut attempt = house.attempt().await;
    attempt.post(r#"{"text": "old"}"#).await;
    attempt.close(false).await;

    house.resumed().await;
    let mut attempt = house.attempt().await;
    attempt.ask(
        "0",
        "POST",
        NOTES,
        &[("Content-Type", "application/json")],
        r#"{"text": "new"}"#,
    );
    attempt.session.lane(&Lane("0.1".to_owned()), false);
    // The main lane is held; the other one asks for what is left.
    let other = attempt.ask(
        "0.1",
        "POST",
        NOTES,
        &[("Content-Type", "application/json")],
        r#"{"text": "old"}"#,
    );
    let (one, two) = (attempt.told().await, attempt.told().await);
    assert_eq!([one.phase, two.phase], ["done", "done"]);
    assert!([one.request, two.request].contains(&other));
    attempt.close(true).await;
    assert_eq!(house.arrived(), [r#"{"text": "old"}"#, r#"{"text": "new"}"#]);

    house.resumed().await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post_halted(r#"{"text": "newer"}"#).await, Halt::Park);
    attempt.close(false).await;
    let records = house.records().await;
    let parked = records
        .iter()
        .find(|record| matches!(record.head, Head::Parked(_)))
        .unwrap();
    assert_eq!(parked.body, br#"{"text": "newer"}"#);
    let Head::Parked(domain::effect::Parked::Mismatch { beside, .. }) = &parked.head else {
        panic!()
    };
    assert_eq!(beside.len(), 2);
    assert_eq!(house.arrived().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_written_down() {
    let house = House::new().await;
    house.answers([answered(200, &[], b"{\"access_token\": \"hush-1\"}")]);
    let mut attempt = house.attempt().await;
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    attempt.ask(
        "0",
        "POST",
        "https://login.example.com/token",
        &form,
        "grant_type=client_credentials&client_secret=hush-2",
    );
    assert_eq!(attempt.told().await.body, b"{\"access_token\": \"hush-1\"}");
    attempt.ask(
        "0",
        "POST",
        NOTES,
        &[
            ("Authorization", "Bearer hush-1"),
            ("X-Api-Key", "hush-3"),
            ("X-Shopify-Access-Token", "hush-4"),
            ("Ocp-Apim-Subscription-Key", "hush-5"),
        ],
        "1",
    );
    attempt.told().await;
    attempt.close(true).await;
    for record in house.records().await {
        let bytes = record.to_bytes();
        assert!(!bytes.windows(4).any(|four| four == b"hush"), "{record:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_none_and_a_run_without_end_are_refused() {
    let house = House::new().await;
    *house.receiver.store.lock().unwrap() = None;
    let mut attempt = house.attempt().await;
    attempt.ask("0", "GET", "ftp://example.com/", &[], "");
    let told = attempt.told().await;
    assert_eq!(
        (told.code, told.trouble),
        (Some(Code::RequestMalformed), Some(Trouble::Malformed))
    );
    for _ in 0..domain::effect::MAX_EFFECTS {
        attempt.ask("0", "GET", "https://example.com/", &[], "");
        attempt.told().await;
    }
    attempt.ask("0", "GET", "https://example.com/", &[], "");
    assert_eq!(attempt.told().await.code, Some(Code::EffectsLimit));
    assert_eq!(
        attempt.close(true).await.failures(),
        2,
        "code that swallows them has failed all the same"
    );
    assert_eq!(house.arrived().len(), domain::effect::MAX_EFFECTS);
}

/// A refresh token is good for one time, perhaps: what it was spent for is given back, and what can be had again is not kept.
#[tokio::test(start_paused = true)]
async fn a_token_that_was_had_for_a_spent_one_is_given_back_and_any_other_is_fetched_anew() {
    const FORM: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];
    const LOGIN: &str = "https://login.example.com/token";
    let renewed: &[u8] = br#"{"access_token": "hush-a", "refresh_token": "hush-b"}"#;
    let plain: &[u8] = br#"{"access_token": "hush-a"}"#;
    for (form, answer, sent) in [
        ("grant_type=refresh_token&refresh_token=hush-1", renewed, 1),
        ("grant_type=refresh_token&refresh_token=hush-1", plain, 2),
        ("grant_type=client_credentials&client_secret=hush-2", renewed, 2),
    ] {
        let mut house = House::new().await;
        house.answers([answered(200, &[], answer), answered(200, &[], answer)]);
        for _ in 0..2 {
            let mut attempt = house.attempt().await;
            attempt.ask("0", "POST", LOGIN, FORM, form);
            assert_eq!(attempt.told().await.body, answer);
            attempt.close(false).await;
            house.retried().await;
        }
        assert_eq!(house.arrived().len(), sent, "{form}");
        let records = house.records().await;
        let kept = |secret: &str| {
            let secret = secret.as_bytes();
            records
                .iter()
                .any(|record| record.body.windows(secret.len()).any(|part| part == secret))
        };
        assert!(!kept("hush-1") && !kept("hush-2"), "{form}");
        assert_eq!(kept("hush-b"), sent == 1, "{form}");
    }
}
