//! What is promised about sources that tell of a call in several events.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{Environment, Source};

use super::given::{
    Given, accept, activate, after, claim, content_hash, conversation, conversation_id, run_id, shop,
};
use crate::{Acceptance, NewConversation, REVISIONS_MAX};

/// Content of conversation 1 as a platform tells of it.
fn told(content: u64) -> NewConversation {
    NewConversation {
        event: conversation(1_000 + content).event,
        source: "dialer".parse().unwrap(),
        content_hash: content_hash(content),
        document: format!("{{\"id\": \"call-1\", \"content\": {content}}}").into_bytes(),
        numbers: vec![format!("+1555{content:07}")],
        ..conversation(1)
    }
}

async fn tell(store: &Given, content: u64, at: i64) -> Acceptance {
    store
        .accept(vec![told(content)], after(at))
        .await
        .unwrap()
        .remove(0)
}

/// Its run is one, and works on what came first; what came later is kept beside it, each content once.
pub async fn what_a_source_tells_later_is_a_revision(store: Given) {
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    let first = accept(&store, told(1), after(10)).await;
    for (content, at, expected) in [
        (1, 11, None),
        (2, 12, Some(2)),
        (3, 13, Some(3)),
        (2, 14, None),
        (1, 15, None),
    ] {
        let (run, revision) = match tell(&store, content, at).await {
            Acceptance::Revised { kept, revision } => (kept.run, Some(revision)),
            Acceptance::Known(kept) => (kept.run, None),
            other => panic!("{other:?}"),
        };
        assert_eq!((run, revision), (first.run, expected), "content {content}");
    }
    let record = store.conversation(conversation_id(1)).await.unwrap().unwrap();
    assert_eq!(record.document.as_ref(), Some(&told(1).document));
    let revisions: Vec<_> = record
        .revisions
        .iter()
        .map(|one| (one.number, one.received_at))
        .collect();
    assert_eq!(revisions, [(2, after(12)), (3, after(13))]);
    for (number, content) in [(1, Some(1)), (2, Some(2)), (3, Some(3)), (4, None), (0, None)] {
        let document = store.revision(conversation_id(1), number).await.unwrap();
        assert_eq!(
            document,
            content.map(|content| told(content).document),
            "revision {number}"
        );
    }
    let claimed = claim(&store, 10, after(60)).await;
    assert_eq!(claimed.len(), 1, "one conversation, one run");
    assert_eq!(
        (claimed[0].run, &claimed[0].document),
        (run_id(1), &told(1).document)
    );
}

/// An id is another conversation from another source, and to our own API content stays as it is.
pub async fn our_own_api_has_no_revisions(store: Given) {
    accept(&store, told(1), after(10)).await;
    let native = |content| NewConversation {
        source: Source::native(),
        conversation: conversation_id(7),
        event: conversation(7).event,
        run: run_id(7),
        ..told(content)
    };
    accept(&store, native(1), after(11)).await;
    let answer = store.accept(vec![native(2)], after(12)).await.unwrap().remove(0);
    assert!(
        matches!(&answer, Acceptance::Conflict { kept, .. } if kept.run == run_id(7)),
        "{answer:?}"
    );
    let record = store.conversation(conversation_id(7)).await.unwrap().unwrap();
    assert_eq!(record.revisions, []);
}

/// Each gets a number of its own; beyond the limit nothing is kept.
pub async fn many_revisions_at_once_are_all_kept_up_to_their_limit(store: Given) {
    accept(&store, told(0), after(10)).await;
    let tellers = (1..u64::from(REVISIONS_MAX) + 3).map(|content| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { tell(&store, content, 20).await })
    });
    let (mut numbers, mut refused) = (BTreeSet::new(), 0);
    for teller in tellers.collect::<Vec<_>>() {
        match teller.await.unwrap() {
            Acceptance::Revised { revision, .. } => assert!(numbers.insert(revision), "{revision} twice"),
            Acceptance::Conflict { .. } => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(numbers, (2..=REVISIONS_MAX).collect());
    assert_eq!(refused, 3);
}
