//! Hosts that are out: who waits, for how long, and who hears of it.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_outage_makes_the_run_wait_and_the_code_never_hears_of_it() {
    let mut house = House::new().await;
    house.answers((0..3).map(|_| failed(Trouble::ConnectionRefused)));
    let mut attempt = house.attempt().await;
    let halt = attempt.post_halted("1").await;
    let Halt::Wait { origin, until } = halt else {
        panic!("{halt:?}")
    };
    assert_eq!(origin, "https://crm.example.com");
    assert!(until > house.world.now());
    attempt.close(false).await;
    assert_eq!(house.arrived().len(), 3, "small trouble is hidden first");
    let outcomes = house.outcomes().await;
    assert_eq!(
        (
            outcomes.len(),
            outcomes[0].phase,
            outcomes[0].heard,
            outcomes[0].tries
        ),
        (1, Phase::NotSent, false, 3)
    );
    assert!(
        house
            .records()
            .await
            .iter()
            .any(|record| matches!(record.head, Head::Wait(_)))
    );

    house.resumed().await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "done");
    let conclusion = attempt.close(true).await;
    assert!(conclusion.unsettled.is_empty() && conclusion.unheard_unknown.is_empty());
    assert_eq!(
        house
            .keys()
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1,
        "one logical request, one key"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_names_its_time_is_asked_no_sooner() {
    let house = House::new().await;
    house.answers([answered(503, &[("Retry-After", "120")], b"")]);
    let mut attempt = house.attempt().await;
    let Halt::Wait { until, .. } = attempt.post_halted("1").await else {
        panic!()
    };
    assert_eq!(until, house.world.now() + jiff::SignedDuration::from_secs(120));
    assert_eq!(house.arrived().len(), 1, "and not tried in vain before");
}

#[tokio::test(start_paused = true)]
async fn patience_is_not_renewed_and_then_the_true_error_is_heard() {
    let mut house = House::new()
        .await
        .knowing(r#"[{"host": "crm.example.com", "patience_s": 25}]"#);
    let mut waits = Vec::new();
    let told = loop {
        house.answers((0..3).map(|_| failed(Trouble::ConnectTimeout)));
        let mut attempt = house.attempt().await;
        attempt.ask("0", "POST", NOTES, &[], "1");
        let session = attempt.session.clone();
        let told = tokio::select! {
            Halt::Wait { until, .. } = session.halted() => Err(until),
            told = attempt.told() => Ok(told),
        };
        attempt.close(false).await;
        match told {
            Ok(told) => break told,
            Err(until) => waits.push(until.duration_since(house.world.now()).as_secs()),
        }
        house.retried().await;
    };
    assert_eq!(waits.iter().sum::<i64>(), 24, "{waits:?}");
    assert_eq!(
        (told.phase, told.trouble),
        ("not_sent", Some(Trouble::ConnectTimeout))
    );
}

#[tokio::test(start_paused = true)]
async fn where_nobody_comes_back_the_code_hears_at_once_and_a_monitor_never_waits() {
    let mut house = House::new().await;
    house.answers((0..3).map(|_| failed(Trouble::ConnectionRefused)));
    let mut attempt = house.attempt().await;
    attempt.ask(
        "0",
        "POST",
        "https://o1.ingest.sentry.io/api/1/envelope/",
        &[],
        "{}",
    );
    assert_eq!(attempt.told().await.phase, "not_sent");
    assert!(
        attempt.close(true).await.unsettled.is_empty(),
        "no failure of the run"
    );

    house.may_wait = false;
    house.resumed().await;
    house.answers((0..3).map(|_| failed(Trouble::ConnectionRefused)));
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "not_sent");
    assert_eq!(attempt.close(true).await.unsettled.len(), 1);
}

/// A way out on which the first request waits until it is let go.
struct Slow(Arc<Receiver>, tokio::sync::Semaphore);

#[async_trait]
impl WayOut for Slow {
    async fn send(&self, sending: Sending<'_>) -> Sent {
        if sending.request.body == b"slow" {
            self.1.acquire().await.unwrap().forget();
        }
        self.0.send(sending).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_when_the_run_must_wait_is_finished_and_given_back_later() {
    let mut house = House::new().await;
    let slow = Arc::new(Slow(house.receiver.clone(), tokio::sync::Semaphore::new(0)));
    let terms = |run: &ClaimedRun| Terms {
        run: run.run,
        epoch: run.epoch,
        opening: run.opening,
        project: given::shop(),
        environment: Environment::Sandbox,
        catalogue: house.catalogue.clone(),
        may_wait: true,
        tries: Tries {
            count: 1,
            within: Duration::ZERO,
        },
        on_blocked: Arc::new(|_| {}),
    };
    let (session, told) = Session::open(
        terms(&house.run),
        Arc::new(Kept(house.store.clone())),
        slow.clone(),
        house.world.clone(),
    )
    .await
    .unwrap();
    let mut attempt = Attempt {
        session,
        told,
        number: 0,
    };
    attempt.ask("0.1", "POST", NOTES, &[], "slow");
    tokio::task::yield_now().await;
    house.answers([failed(Trouble::ConnectionRefused)]);
    attempt.ask("0", "POST", "https://other.example.com/", &[], "out");
    attempt.session.halted().await;
    let closing = tokio::spawn(attempt.close(false));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(
        !closing.is_finished(),
        "an attempt is not over while a request is under way"
    );
    slow.1.add_permits(1);
    closing.await.unwrap();
    let unheard: Vec<_> = house
        .outcomes()
        .await
        .into_iter()
        .map(|outcome| (outcome.phase, outcome.heard))
        .collect();
    assert_eq!(unheard, [(Phase::NotSent, false), (Phase::Done, false)]);

    house.resumed().await;
    let mut attempt = house.attempt().await;
    attempt.ask("0.1", "POST", NOTES, &[], "slow");
    assert_eq!(attempt.told().await.phase, "done");
    assert_eq!(
        house.arrived().iter().filter(|body| *body == "slow").count(),
        1,
        "sent once"
    );
}
