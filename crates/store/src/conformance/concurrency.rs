//! What is promised when many call at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::given::{
    Given, activate, after, boot, claim_as, content_hash, conversation, ids, queued, run_id, shop, start,
};
use crate::{Acceptance, NewConversation};
use domain::Environment;

const CALLERS: u64 = 16;

/// Every conversation is offered by two callers.
pub async fn many_callers_accept_and_each_conversation_is_one_run(store: Given) {
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    let each = 12;
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut new = 0;
                for number in 0..each {
                    let number = caller / 2 * each + number;
                    let answer = store.accept(vec![conversation(number)], start()).await.unwrap();
                    match &answer[0] {
                        Acceptance::Accepted(run) => {
                            assert_eq!(run.run, run_id(number));
                            new += 1;
                        }
                        Acceptance::Known(run) => assert_eq!(run.run, run_id(number)),
                        other => panic!("{other:?}"),
                    }
                }
                new
            })
        })
        .collect();
    let mut new = 0;
    for caller in callers {
        new += caller.await.unwrap();
    }
    assert_eq!(new, CALLERS / 2 * each);
    assert_eq!(store.health().await.unwrap().unfinished, new);
}

/// Each run is claimed by one.
pub async fn many_claimers_never_share_a_run(store: Given) {
    let runs = 120;
    queued(&store, 0..runs).await;
    let claimers: Vec<_> = (0..CALLERS)
        .map(|claimer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = claim_as(&store, boot(claimer), 3, false, after(1_000)).await;
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(ids(&claimed));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    assert_eq!(all.len() as u64, runs);
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>().len() as u64, runs);
}

/// All are told of the same run, and one that it is new.
pub async fn the_same_conversation_from_many_callers_is_one_run(store: Given) {
    let callers: Vec<_> = (0..CALLERS)
        .map(|number| {
            let store = Arc::clone(&store);
            let same = NewConversation {
                external_id: "one".into(),
                content_hash: content_hash(0),
                ..conversation(number)
            };
            tokio::spawn(async move { store.accept(vec![same], start()).await.unwrap().remove(0) })
        })
        .collect();
    let (mut new, mut told) = (0, BTreeSet::new());
    for caller in callers {
        match caller.await.unwrap() {
            Acceptance::Accepted(run) => {
                new += 1;
                told.insert(run.run);
            }
            Acceptance::Known(run) => {
                told.insert(run.run);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((new, told.len()), (1, 1));
    assert_eq!(store.conversations("one").await.unwrap().len(), 1);
}
