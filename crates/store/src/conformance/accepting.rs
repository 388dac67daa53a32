//! What is promised about accepting.

use domain::run::{Hold, RunState, Status};
use domain::{Environment, Source};

use super::QUEUE_LIMIT;
use super::given::{
    Given, accept, activate, after, claim, content_hash, conversation, ids, project, run_id, shop, start,
    state,
};
use crate::{Acceptance, NewConversation};

/// It can be claimed at once, and its document comes back as it was given.
pub async fn a_new_conversation_is_queued_where_a_deployment_is_active(store: Given) {
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    let accepted = accept(&store, conversation(1), start()).await;
    assert_eq!(accepted.run, run_id(1));
    assert_eq!(accepted.state, RunState::accepted(start(), None));
    let claimed = claim(&store, 10, start()).await;
    assert_eq!(ids(&claimed), [run_id(1)]);
    assert_eq!(claimed[0].document, conversation(1).document);
    assert_eq!(claimed[0].accepted_at, start());
}

/// Held runs are not claimed; an activation frees them.
pub async fn without_an_active_deployment_it_is_held_until_there_is_one(store: Given) {
    let accepted = accept(&store, conversation(1), start()).await;
    assert_eq!(accepted.state.hold, Some(Hold::NoActiveDeployment));
    assert_eq!(claim(&store, 10, after(60)).await, []);
    assert_eq!(activate(&store, &shop(), Environment::Sandbox, 1).await, 1);
    assert_eq!(state(&store, run_id(1)).await.hold, None);
    assert_eq!(ids(&claim(&store, 10, after(60)).await), [run_id(1)]);
}

/// Under new ids of ours, later, and after the run has gone on.
pub async fn the_same_again_is_the_same_run(store: Given) {
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    accept(&store, conversation(1), start()).await;
    claim(&store, 1, start()).await;
    let again = NewConversation {
        external_id: "call-1".into(),
        content_hash: content_hash(1),
        document: conversation(1).document,
        ..conversation(2)
    };
    match store.accept(vec![again], after(5)).await.unwrap().remove(0) {
        Acceptance::Known(run) => {
            assert_eq!(run.run, run_id(1));
            assert_eq!(run.state.status, Status::Running);
        }
        other => panic!("{other:?}"),
    }
    assert!(store.run(run_id(2)).await.unwrap().is_none());
}

/// And the caller is shown what was kept.
pub async fn other_content_under_the_same_id_is_a_conflict_that_keeps_the_first(store: Given) {
    accept(&store, conversation(1), start()).await;
    let other = NewConversation {
        external_id: "call-1".into(),
        ..conversation(2)
    };
    match store.accept(vec![other], after(5)).await.unwrap().remove(0) {
        Acceptance::Conflict { kept, document } => {
            assert_eq!(kept.run, run_id(1));
            assert_eq!(document, Some(conversation(1).document));
        }
        other => panic!("{other:?}"),
    }
    let kept = store.run(run_id(1)).await.unwrap().unwrap();
    assert_eq!(kept.document, Some(conversation(1).document));
    assert!(store.run(run_id(2)).await.unwrap().is_none());
}

/// A conversation is (project, environment, source, external id).
pub async fn an_id_is_anothers_in_another_project_environment_or_source(store: Given) {
    let same_id = |number| NewConversation {
        external_id: "call".into(),
        ..conversation(number)
    };
    let new = vec![
        same_id(1),
        NewConversation {
            project: project("clinic"),
            ..same_id(2)
        },
        NewConversation {
            environment: Environment::Live,
            ..same_id(3)
        },
        NewConversation {
            source: Source::from_stored("platform".into()),
            ..same_id(4)
        },
    ];
    let answers = store.accept(new, start()).await.unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Acceptance::Accepted(_))),
        "{answers:?}"
    );
    assert_eq!(store.conversations("call").await.unwrap().len(), 4);
}

/// The second finds the first although nothing is committed yet.
pub async fn twice_in_one_call_is_one_run(store: Given) {
    let again = NewConversation {
        external_id: "call-1".into(),
        content_hash: content_hash(1),
        ..conversation(2)
    };
    let other = NewConversation {
        external_id: "call-1".into(),
        ..conversation(3)
    };
    let answers = store
        .accept(vec![conversation(1), again, other], start())
        .await
        .unwrap();
    match &answers[..] {
        [
            Acceptance::Accepted(first),
            Acceptance::Known(second),
            Acceptance::Conflict { kept, .. },
        ] => {
            assert_eq!([first.run, second.run, kept.run], [run_id(1); 3]);
        }
        other => panic!("{other:?}"),
    }
}

/// Room comes back when a run ends.
pub async fn a_full_queue_keeps_nothing_and_still_knows_what_it_has(store: Given) {
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    let fill = (1..=QUEUE_LIMIT + 1).map(conversation).collect();
    let answers = store.accept(fill, start()).await.unwrap();
    assert_eq!(answers.last(), Some(&Acceptance::QueueFull));
    assert_eq!(
        answers
            .iter()
            .filter(|answer| **answer == Acceptance::QueueFull)
            .count(),
        1
    );
    let refused = QUEUE_LIMIT + 1;
    assert!(
        store
            .conversations(&format!("call-{refused}"))
            .await
            .unwrap()
            .is_empty()
    );
    let known = store.accept(vec![conversation(1)], start()).await.unwrap();
    assert!(matches!(known[0], Acceptance::Known(_)));
    let health = store.health().await.unwrap();
    assert_eq!(
        (health.unfinished, health.queue_limit),
        (QUEUE_LIMIT, QUEUE_LIMIT)
    );

    let cancel = domain::run::Event::CancelRequested;
    super::given::apply(&store, run_id(1), cancel, None, after(1)).await;
    accept(&store, conversation(refused), after(1)).await;
}

/// New ones, known ones and conflicts mixed.
pub async fn a_call_is_answered_in_order_and_may_be_empty(store: Given) {
    assert_eq!(store.accept(Vec::new(), start()).await.unwrap(), []);
    accept(&store, conversation(5), start()).await;
    let answers = store
        .accept(vec![conversation(4), conversation(5), conversation(6)], after(1))
        .await
        .unwrap();
    let runs: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Acceptance::Accepted(run) => (run.run, true),
            Acceptance::Known(run) => (run.run, false),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(runs, [(run_id(4), true), (run_id(5), false), (run_id(6), true)]);
}
