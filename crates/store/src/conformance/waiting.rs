//! Runs that wait for hosts, and what an operator has stopped.

use std::time::Duration;

use domain::Environment;
use domain::run::{Event, Policy, Status};

use super::given::{self, Given, after, queued, run_id};
use crate::{Meant, PauseScope};

const CRM: &str = "https://crm.example.com:8443";

fn host(name: &str) -> PauseScope {
    PauseScope {
        host: Some(name.to_owned()),
        ..PauseScope::default()
    }
}

/// The `numbers` wait for this origin; the older one is, the later it looks again by itself.
async fn wait(store: &Given, numbers: std::ops::Range<u64>, origin: &str) {
    let all = i64::try_from(numbers.end - numbers.start).unwrap();
    let claimed = given::claim(store, u32::try_from(all).unwrap(), after(50)).await;
    for (run, later) in claimed.into_iter().zip((0..all).rev()) {
        let out = Event::OutageBegan {
            epoch: run.epoch,
            host: origin.to_owned(),
            until: after(1_000 + later),
        };
        given::apply(store, run.run, out, None, after(60)).await;
    }
}

/// Exactly those that were set, once each, with since when.
pub async fn pauses_are_kept_until_they_are_lifted(store: Given) {
    assert_eq!(store.pauses().await.unwrap(), []);
    let narrow = PauseScope {
        project: Some(given::shop()),
        environment: Some(Environment::Live),
        host: Some("crm.example.com".to_owned()),
    };
    let everything = PauseScope::default();
    assert!(store.set_pause(narrow.clone(), true, after(1)).await.unwrap());
    assert!(store.set_pause(everything.clone(), true, after(2)).await.unwrap());
    assert!(!store.set_pause(narrow.clone(), true, after(3)).await.unwrap());
    let all = [(everything.clone(), after(2)), (narrow.clone(), after(1))];
    assert_eq!(store.pauses().await.unwrap(), all);
    assert!(
        !store
            .set_pause(host("crm.example.com"), false, after(4))
            .await
            .unwrap()
    );
    assert!(store.set_pause(everything, false, after(4)).await.unwrap());
    assert_eq!(store.pauses().await.unwrap(), [(narrow, after(1))]);
}

/// Of the host that is meant, one after the other, oldest first; they come due, and others wait on.
pub async fn runs_that_wait_are_let_go_on_one_after_the_other(store: Given) {
    queued(&store, 1..4).await;
    wait(&store, 1..4, CRM).await;
    given::accept(&store, given::conversation(4), after(61)).await;
    let last = given::claim(&store, 1, after(62)).await.remove(0);
    let out = Event::OutageBegan {
        epoch: last.epoch,
        host: "https://erp.example.com".to_owned(),
        until: after(1_000),
    };
    given::apply(&store, last.run, out, None, after(63)).await;
    let waiting = store.waiting().await.unwrap();
    let told: Vec<_> = waiting
        .iter()
        .map(|one| (one.host(), one.runs, one.first_due))
        .collect();
    assert_eq!(
        told,
        [
            ("crm.example.com", 3, after(1_000)),
            ("erp.example.com", 1, after(1_000))
        ]
    );

    let policy = Policy::default();
    let admit = |scope| store.admit_waiting(Meant::Scope(scope), Duration::from_secs(2), &policy, after(100));
    let elsewhere = PauseScope {
        environment: Some(Environment::Live),
        ..host("crm.example.com")
    };
    assert_eq!(admit(elsewhere).await.unwrap(), 0);
    assert_eq!(admit(host("CRM.example.com")).await.unwrap(), 3);
    let mut due = Vec::new();
    for number in 1..4 {
        let state = given::state(&store, run_id(number)).await;
        assert_eq!((state.status, state.waiting_for), (Status::Queued, None));
        due.push(state.due_at);
    }
    assert_eq!(due, [after(100), after(102), after(104)]);
    assert_eq!(given::state(&store, run_id(4)).await.status, Status::Waiting);
    assert_eq!(given::claim(&store, 10, after(102)).await.len(), 2);
    let at_its_port = Meant::Authority("erp.example.com".to_owned());
    let other_port = Meant::Authority("erp.example.com:8443".to_owned());
    for (meant, count) in [(other_port, 0), (at_its_port, 1)] {
        let admitted = store.admit_waiting(meant, Duration::ZERO, &policy, after(100));
        assert_eq!(admitted.await.unwrap(), count);
    }
}

/// Those that are due and no others, the oldest first; as to all else they are as before, and go on when they are let.
pub async fn runs_that_are_due_for_a_host_that_is_out_are_not_due_all_at_once(store: Given) {
    queued(&store, 1..4).await;
    wait(&store, 1..4, CRM).await;
    let apart = Duration::from_secs(5);
    let shop = given::shop();
    let spread = |host: &'static str, first, now| {
        store.spread_waiting(&shop, Environment::Sandbox, host, first, apart, now)
    };
    assert_eq!(
        spread("crm.example.com", after(2_005), after(2_000))
            .await
            .unwrap(),
        0,
        "another port"
    );
    // Due at 1,002, 1,001 and 1,000.
    assert_eq!(
        spread("crm.example.com:8443", after(1_006), after(1_001))
            .await
            .unwrap(),
        2
    );
    let mut due = Vec::new();
    for number in 1..4 {
        let state = given::state(&store, run_id(number)).await;
        assert_eq!(
            (state.status, state.waiting_for.as_deref()),
            (Status::Waiting, Some(CRM))
        );
        due.push(state.due_at);
    }
    assert_eq!(due, [after(1_002), after(1_006), after(1_011)]);
    assert_eq!(given::claim(&store, 10, after(1_002)).await.len(), 1);
    assert_eq!(given::claim(&store, 10, after(1_011)).await.len(), 2);
}
