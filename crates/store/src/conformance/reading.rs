//! What is promised about reading.

use domain::run::Event;
use domain::{Environment, Metric, RunId};
use serde_json::json;

use super::given::{
    Given, accept, activate, after, apply, claim, conversation, conversation_id, deployment_id, project,
    queued, report, returned, returns, run_id, shop, start,
};
use crate::{NewConversation, RunFilter};

async fn listed(store: &Given, filter: RunFilter) -> Vec<RunId> {
    let page = store.runs(filter).await.unwrap();
    page.items.into_iter().map(|run| run.run).collect()
}

fn all() -> RunFilter {
    RunFilter::default()
}

/// Alone and together; newest first.
pub async fn listings_filter_by_everything_that_they_offer(store: Given) {
    queued(&store, 1..4).await;
    let clinic = NewConversation {
        project: project("clinic"),
        environment: Environment::Live,
        ..conversation(4)
    };
    accept(&store, clinic, after(4)).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    returns(&store, &run, after(60)).await;
    claim(&store, 1, after(60)).await;
    let runs = |numbers: &[u64]| numbers.iter().map(|number| run_id(*number)).collect::<Vec<_>>();

    let cases = [
        (all(), runs(&[4, 3, 2, 1])),
        (
            RunFilter {
                project: Some(shop()),
                ..all()
            },
            runs(&[3, 2, 1]),
        ),
        (
            RunFilter {
                project: Some(project("none")),
                ..all()
            },
            runs(&[]),
        ),
        (
            RunFilter {
                environments: vec![Environment::Live],
                ..all()
            },
            runs(&[4]),
        ),
        (
            RunFilter {
                environments: vec![Environment::Live, Environment::Sandbox],
                ..all()
            },
            runs(&[4, 3, 2, 1]),
        ),
        (
            RunFilter {
                words: vec!["succeeded".into()],
                ..all()
            },
            runs(&[1]),
        ),
        (
            RunFilter {
                words: vec!["queued".into(), "running".into()],
                ..all()
            },
            runs(&[4, 3, 2]),
        ),
        (
            RunFilter {
                words: vec!["succeeded".into()],
                project: Some(project("clinic")),
                ..all()
            },
            runs(&[]),
        ),
        (
            RunFilter {
                deployment: Some(deployment_id(1)),
                ..all()
            },
            runs(&[2, 1]),
        ),
        (
            RunFilter {
                external_id: Some("call-3".into()),
                ..all()
            },
            runs(&[3]),
        ),
        (
            RunFilter {
                external_id: Some("call".into()),
                ..all()
            },
            runs(&[]),
        ),
        (
            RunFilter {
                number: Some("+15550000002".into()),
                ..all()
            },
            runs(&[2]),
        ),
        (
            RunFilter {
                number: Some("+18005550100".into()),
                ..all()
            },
            runs(&[4, 3, 2, 1]),
        ),
        (
            RunFilter {
                since: Some(after(3)),
                ..all()
            },
            runs(&[4, 3]),
        ),
        (
            RunFilter {
                since: Some(after(2)),
                words: vec!["queued".into()],
                ..all()
            },
            runs(&[4, 3]),
        ),
        (
            RunFilter {
                after: Some(run_id(3)),
                project: Some(shop()),
                ..all()
            },
            runs(&[2, 1]),
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(listed(&store, filter.clone()).await, expected, "{filter:?}");
    }
    let page = store
        .runs(RunFilter {
            external_id: Some("call-1".into()),
            ..all()
        })
        .await
        .unwrap();
    let (summary, detail) = (&page.items[0], store.run(run_id(1)).await.unwrap().unwrap());
    assert_eq!(summary, &detail.summary);
    assert_eq!(
        (summary.external_id.as_str(), summary.accepted_at),
        ("call-1", after(1))
    );
}

/// Also while new ones arrive.
pub async fn pages_go_through_all_runs_once(store: Given) {
    queued(&store, 1..12).await;
    let (mut seen, mut position) = (Vec::new(), None);
    loop {
        let filter = RunFilter {
            limit: 4,
            after: position,
            ..all()
        };
        let page = store.runs(filter).await.unwrap();
        assert!(page.items.len() <= 4);
        seen.extend(page.items.iter().map(|run| run.run));
        accept(&store, conversation(100 + seen.len() as u64), after(100)).await;
        position = page.next;
        if position.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..12).rev().map(run_id).collect::<Vec<_>>());
    let exactly = store.runs(RunFilter { limit: 14, ..all() }).await.unwrap();
    assert_eq!(
        (exactly.items.len(), exactly.next),
        (14, None),
        "no empty page follows"
    );
}

/// Down to the digits of a number.
pub async fn metrics_of_every_type_come_back_as_written(store: Given) {
    queued(&store, 1..2).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let values = r#"["text", "", 1, -1, 0, 0.1, 1.10, 1e3, -0.0, 9223372036854775807, 9223372036854775808,
        123456789012345678901234567890, true, false, null, 1.7976931348623157e308, 5e-324]"#;
    let values: Vec<serde_json::Value> = serde_json::from_str(values).unwrap();
    let mut left = report(run.number, after(60));
    left.metrics = values
        .into_iter()
        .map(|value| Metric {
            name: "same name".into(),
            value,
        })
        .collect();
    apply(&store, run.run, returned(&run), Some(left.clone()), after(60)).await;
    assert_eq!(store.run(run.run).await.unwrap().unwrap().metrics, left.metrics);
}

/// Newest first, with document and state.
pub async fn a_conversation_is_found_by_its_external_id_in_every_project(store: Given) {
    queued(&store, 1..2).await;
    let clinic = NewConversation {
        project: project("clinic"),
        external_id: "call-1".into(),
        ..conversation(2)
    };
    accept(&store, clinic, after(2)).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let mut left = report(run.number, after(60));
    left.state = Some(json!({"seen": true}));
    apply(&store, run.run, returned(&run), Some(left), after(60)).await;

    let found = store.conversations("call-1").await.unwrap();
    assert_eq!(
        found.iter().map(|one| one.run).collect::<Vec<_>>(),
        [run_id(2), run_id(1)]
    );
    assert_eq!(found[0].project, project("clinic"));
    assert_eq!(found[0].state_after, None);
    assert_eq!(found[1].state_after, Some(json!({"seen": true})));
    assert_eq!(found[1].document, Some(conversation(1).document));
    assert_eq!(
        (found[1].external_id.as_str(), found[1].accepted_at),
        ("call-1", after(1))
    );
    assert_eq!(store.conversations("call-2").await.unwrap(), []);
}

/// The same record as by its external id.
pub async fn a_conversation_is_found_by_our_own_id(store: Given) {
    queued(&store, 1..3).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    let mut left = report(run.number, after(60));
    left.state = Some(json!({"seen": true}));
    apply(&store, run.run, returned(&run), Some(left), after(60)).await;
    for number in 1..3 {
        let found = store.conversation(conversation_id(number)).await.unwrap();
        let external_id = format!("call-{number}");
        assert_eq!(found, store.conversations(&external_id).await.unwrap().pop());
        assert_eq!(found.unwrap().run, run_id(number));
    }
}

/// Not an error.
pub async fn what_is_not_there_is_none(store: Given) {
    assert_eq!(store.conversation(conversation_id(1)).await.unwrap(), None);
    assert_eq!(store.run(run_id(1)).await.unwrap(), None);
    assert_eq!(store.deployment(deployment_id(1)).await.unwrap(), None);
    assert_eq!(store.active(&shop(), Environment::Live).await.unwrap(), None);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert_eq!(listed(&store, all()).await, []);
    assert_eq!(claim(&store, 1, start()).await, []);
}

/// As of the last commit.
pub async fn health_counts_runs_by_state(store: Given) {
    queued(&store, 1..6).await;
    let run = claim(&store, 1, after(60)).await.remove(0);
    returns(&store, &run, after(60)).await;
    apply(&store, run_id(2), Event::CancelRequested, None, after(60)).await;
    claim(&store, 1, after(60)).await;
    let health = store.health().await.unwrap();
    let expected = [("queued", 2), ("running", 1), ("succeeded", 1), ("cancelled", 1)];
    assert_eq!(
        health.runs,
        expected.map(|(word, count)| (word.to_owned(), count))
    );
    assert_eq!((health.unfinished, health.read_only), (3, false));
}

/// Of runs that can be claimed by themselves.
pub async fn the_next_due_time_is_told(store: Given) {
    accept(&store, conversation(1), start()).await;
    assert_eq!(
        store.next_due().await.unwrap(),
        None,
        "a held run is due when it is freed"
    );
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    accept(&store, conversation(2), after(7)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(start()));
    claim(&store, 1, after(60)).await;
    assert_eq!(store.next_due().await.unwrap(), Some(after(7)));
    claim(&store, 1, after(60)).await;
    assert_eq!(store.next_due().await.unwrap(), None);
}

/// And closing twice is no harm.
pub async fn after_closing_nothing_is_answered(store: Given) {
    accept(&store, conversation(1), start()).await;
    store.close().await;
    store.close().await;
    assert!(store.accept(vec![conversation(2)], start()).await.is_err());
    assert!(store.run(run_id(1)).await.is_err());
}
