use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn key(host: &str) -> HostKey {
    HostKey {
        project: "p".parse().unwrap(),
        environment: domain::Environment::Live,
        host: host.to_owned(),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn hosts(limits: Limits) -> Hosts {
    Hosts::new(limits, [])
}

fn now(admission: Admission) -> Permit {
    match admission {
        Admission::Now(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn failed() -> Outcome {
    Outcome::Failed {
        message: "no connection".to_owned(),
    }
}

/// One machine may have several: that one of them is out says nothing of the others. What an operator says of the host is of all.
#[test]
fn services_of_one_host_are_told_apart_by_their_ports() {
    let own = [(
        "h".to_owned(),
        Limits {
            concurrency: 1,
            ..Limits::default()
        },
    )];
    let mut hosts = Hosts::new(Limits::default(), own);
    let now = Timestamp::UNIX_EPOCH;
    let admitted = hosts.admit(&key("h:8443"), now);
    assert!(matches!(admitted, Admission::Now(_)));
    assert!(
        matches!(hosts.admit(&key("h:8443"), now), Admission::Held),
        "the host's own limit"
    );
    assert!(matches!(hosts.admit(&key("h"), now), Admission::Now(_)));
    hosts.pause(Scope {
        host: Some("H".into()),
        ..Scope::default()
    });
    assert!(matches!(hosts.admit(&key("h:8443"), now), Admission::Paused));
    assert_eq!(key("[::1]").name(), "[::1]");
}

#[test]
fn retry_after_holds_for_every_run_and_a_later_word_does_not_shorten_it() {
    let mut hosts = hosts(Limits::default());
    let (a, b) = (
        now(hosts.admit(&key("h"), at(0))),
        now(hosts.admit(&key("h"), at(0))),
    );
    let turned_away = |until| Outcome::TurnedAway {
        until: Some(at(until)),
        message: "429".to_owned(),
    };
    hosts.report(a, turned_away(100), at(1));
    hosts.report(b, turned_away(50), at(2));
    assert!(matches!(hosts.admit(&key("h"), at(60)), Admission::At(then) if then == at(100)));
    assert!(matches!(hosts.admit(&key("other"), at(60)), Admission::Now(_)));
    assert!(matches!(hosts.admit(&key("h"), at(100)), Admission::Now(_)));
    let state = &hosts.states(at(60))[0];
    assert_eq!(state.last_error.as_ref().unwrap().at, at(2));
}

#[test]
fn a_host_that_fails_is_left_alone_and_others_and_other_environments_are_not() {
    let mut hosts = hosts(Limits::default());
    for _ in 0..5 {
        let permit = now(hosts.admit(&key("h"), at(0)));
        hosts.report(permit, failed(), at(0));
    }
    assert!(matches!(hosts.admit(&key("h"), at(0)), Admission::At(_)));
    let sandbox = HostKey {
        environment: domain::Environment::Sandbox,
        ..key("h")
    };
    assert!(matches!(hosts.admit(&sandbox, at(0)), Admission::Now(_)));
    let then = at(5);
    let trial = now(hosts.admit(&key("h"), then));
    assert!(trial.is_trial());
    assert!(matches!(hosts.admit(&key("h"), then), Admission::Held));
    hosts.report(trial, Outcome::Untold, then);
    let trial = now(hosts.admit(&key("h"), then));
    hosts.report(trial, Outcome::Well, then);
    assert!(!now(hosts.admit(&key("h"), then)).is_trial());
}

#[test]
fn a_host_that_took_requests_of_one_project_again_is_tried_at_once_for_another() {
    let mut hosts = hosts(Limits::default());
    let of = |project: &str, host| HostKey {
        project: project.parse().unwrap(),
        ..key(host)
    };
    for key in [of("a", "h"), of("b", "h"), of("b", "h:81")] {
        for _ in 0..5 {
            let permit = now(hosts.admit(&key, at(0)));
            hosts.report(permit, failed(), at(0));
        }
        assert!(matches!(hosts.admit(&key, at(1)), Admission::At(_)));
    }
    let trial = now(hosts.admit(&of("a", "h"), at(6)));
    // Those of the others would be due by themselves, too: they failed once more meanwhile.
    for key in [of("b", "h"), of("b", "h:81")] {
        let permit = now(hosts.admit(&key, at(6)));
        hosts.report(permit, failed(), at(6));
        assert!(matches!(hosts.admit(&key, at(7)), Admission::At(_)));
    }
    hosts.report(trial, Outcome::Well, at(7));
    let trial = now(hosts.admit(&of("b", "h"), at(7)));
    assert!(trial.is_trial(), "one, and not all at once");
    assert!(matches!(hosts.admit(&of("b", "h"), at(7)), Admission::Held));
    assert!(matches!(hosts.admit(&of("b", "h:81"), at(7)), Admission::At(_)));
}

#[test]
fn limits_of_one_host_are_its_own_in_whatever_spelling() {
    let at_most = |concurrency| Limits {
        concurrency,
        ..Limits::default()
    };
    let options = crate::GatewayOptions {
        limits: at_most(2),
        hosts: [("CRM.example".to_owned(), at_most(1))].into(),
        ..crate::GatewayOptions::default()
    };
    let mut hosts = Hosts::of(&options);
    let _first = now(hosts.admit(&key("crm.example"), at(0)));
    assert!(matches!(hosts.admit(&key("crm.example"), at(0)), Admission::Held));
    let _others = [
        now(hosts.admit(&key("other"), at(0))),
        now(hosts.admit(&key("other"), at(0))),
    ];
    assert!(matches!(hosts.admit(&key("other"), at(0)), Admission::Held));
}

#[test]
fn a_pause_holds_what_it_names_and_nothing_else() {
    let mut hosts = hosts(Limits::default());
    let scope = Scope {
        host: Some("H".to_owned()),
        ..Scope::default()
    };
    assert!(hosts.pause(scope.clone()));
    assert!(!hosts.pause(scope.clone()));
    assert!(matches!(hosts.admit(&key("h"), at(0)), Admission::Paused));
    assert!(matches!(hosts.admit(&key("other"), at(0)), Admission::Now(_)));
    assert!(hosts.resume(&scope));
    assert!(matches!(hosts.admit(&key("h"), at(0)), Admission::Now(_)));
    hosts.set_pauses([Scope {
        environment: Some(domain::Environment::Live),
        ..Scope::default()
    }]);
    assert!(matches!(hosts.admit(&key("other"), at(0)), Admission::Paused));
}

#[test]
fn made_up_names_do_not_make_others_forgotten_that_are_in_trouble() {
    let mut hosts = hosts(Limits::default());
    let permit = now(hosts.admit(&key("crm"), at(0)));
    let until = Outcome::TurnedAway {
        until: Some(at(1_000)),
        message: "503".to_owned(),
    };
    hosts.report(permit, until, at(0));
    for n in 0..3_000 {
        let permit = now(hosts.admit(&key(&format!("made-up-{n}")), at(1)));
        hosts.report(permit, Outcome::Well, at(1));
    }
    assert_eq!(hosts.states(at(1)).len(), 1_000);
    assert!(matches!(hosts.admit(&key("crm"), at(1)), Admission::At(_)));
}

proptest! {
    /// Whatever happens, no more are under way than may be, and every place comes back.
    #[test]
    fn places_are_counted(concurrency in 1_u32..5, steps in prop::collection::vec((any::<bool>(), 0_usize..4), 1..200)) {
        let mut hosts = hosts(Limits { concurrency, ..Limits::default() });
        let (mut out, mut second) = (Vec::new(), 0);
        for (is_admit, outcome) in steps {
            second += 1;
            if is_admit {
                if let Admission::Now(permit) = hosts.admit(&key("h"), at(second)) {
                    out.push(permit);
                }
            } else if let Some(permit) = out.pop() {
                let outcome = match outcome {
                    0 => Outcome::Well,
                    1 => failed(),
                    2 => Outcome::Untold,
                    _ => Outcome::TurnedAway { until: Some(at(second + 3)), message: String::new() },
                };
                hosts.report(permit, outcome, at(second));
            }
            prop_assert!(out.len() <= concurrency as usize);
            if let Some(state) = hosts.states(at(second)).first() {
                prop_assert_eq!(state.in_flight as usize, out.len());
            }
        }
        for permit in out.drain(..) {
            hosts.report(permit, Outcome::Well, at(second));
        }
        // After the longest wait that there is, somebody gets through.
        prop_assert!(matches!(hosts.admit(&key("h"), at(second + 3_600)), Admission::Now(_)));
    }
}

/// A flow whose clock is tokio's, which the tests set.
fn flow(limits: Limits) -> Flow {
    let began = tokio::time::Instant::now();
    Flow::new(hosts(limits), move || {
        let passed = i64::try_from(began.elapsed().as_millis()).unwrap();
        after(at(0), SignedDuration::from_millis(passed))
    })
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_served_in_the_order_of_arrival_at_the_hosts_rate() {
    let flow = flow(Limits {
        rate: Some(10.0),
        burst: 1,
        ..Limits::default()
    });
    let order = Arc::new(Mutex::new(Vec::new()));
    let began = tokio::time::Instant::now();
    let waiting: Vec<_> = (0..50)
        .map(|n| {
            let (flow, order) = (flow.clone(), Arc::clone(&order));
            tokio::spawn(async move {
                let admitted = flow.admit(&key("h"), Duration::from_secs(60)).await.unwrap();
                order.lock().unwrap().push(n);
                admitted.report(Outcome::Well);
            })
        })
        .collect();
    for waiter in waiting {
        waiter.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..50).collect::<Vec<_>>());
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_millis(4_900) && passed < Duration::from_secs(6),
        "{passed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_held_goes_when_a_place_comes_free_and_gives_up_in_the_end() {
    let flow = flow(Limits {
        concurrency: 1,
        ..Limits::default()
    });
    let first = flow.admit(&key("h"), Duration::ZERO).await.unwrap();
    let second = {
        let flow = flow.clone();
        tokio::spawn(async move { flow.admit(&key("h"), Duration::from_secs(600)).await.map(|_| ()) })
    };
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(first);
    assert_eq!(second.await.unwrap(), Ok(()));

    let _first = flow.admit(&key("h"), Duration::ZERO).await.unwrap();
    let began = tokio::time::Instant::now();
    let held = flow.admit(&key("h"), Duration::from_secs(600)).await.map(|_| ());
    assert_eq!((held, began.elapsed()), (Err(NotNow::Held), HOLD_LIMIT));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_longer_than_the_patience_is_told_at_once() {
    let flow = flow(Limits::default());
    let admitted = flow.admit(&key("h"), Duration::ZERO).await.unwrap();
    admitted.report(Outcome::TurnedAway {
        until: Some(at(100)),
        message: "429".to_owned(),
    });
    let began = tokio::time::Instant::now();
    let refused = flow.admit(&key("h"), Duration::from_secs(50)).await.map(|_| ());
    assert_eq!(
        (refused, began.elapsed()),
        (Err(NotNow::Until(at(100))), Duration::ZERO)
    );
    assert!(flow.admit(&key("h"), Duration::from_secs(200)).await.is_ok());
    assert!(began.elapsed() >= Duration::from_secs(100));
}

#[tokio::test(start_paused = true)]
async fn who_waits_hears_of_a_pause() {
    let flow = flow(Limits {
        concurrency: 1,
        ..Limits::default()
    });
    let _first = flow.admit(&key("h"), Duration::ZERO).await.unwrap();
    let second = {
        let flow = flow.clone();
        tokio::spawn(async move { flow.admit(&key("h"), Duration::from_secs(600)).await.map(|_| ()) })
    };
    tokio::time::sleep(Duration::from_millis(1)).await;
    flow.pause(Scope::default());
    assert_eq!(second.await.unwrap(), Err(NotNow::Paused));
}
