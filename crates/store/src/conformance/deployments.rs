//! What is promised about deployments and API keys.

use domain::run::{Hold, Policy};
use domain::{Environment, KeyId};
use uuid::Uuid;

use super::given::{
    Given, accept, activate, after, conversation, deployment, deployment_id, project, run_id, shop, start,
    state,
};
use crate::{Activation, ApiKeyRecord, NewConversation, Scope};

/// With where each is active.
pub async fn records_are_kept_once_and_listed_newest_first(store: Given) {
    assert_eq!(store.projects().await.unwrap(), []);
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    activate(&store, &shop(), Environment::Live, 1).await;
    activate(&store, &shop(), Environment::Sandbox, 2).await;
    activate(&store, &project("clinic"), Environment::Sandbox, 3).await;
    let mut other = deployment(&shop(), 2);
    other.facts.message = Some("another message".into());
    store.put_deployment(other).await.unwrap();

    let listed = store.deployments(&shop()).await.unwrap();
    assert_eq!(
        listed,
        [
            (deployment(&shop(), 2), vec![Environment::Sandbox]),
            (deployment(&shop(), 1), vec![Environment::Live]),
        ]
    );
    assert_eq!(
        store.deployment(deployment_id(2)).await.unwrap(),
        Some(deployment(&shop(), 2))
    );
    assert_eq!(store.deployment(deployment_id(9)).await.unwrap(), None);
    assert_eq!(store.projects().await.unwrap(), [project("clinic"), shop()]);
    let active = |environment| store.active_in(environment);
    assert_eq!(active(Environment::Sandbox).await, Some(deployment_id(2)));
    assert_eq!(active(Environment::Live).await, Some(deployment_id(1)));
    assert_eq!(active(Environment::PreRelease).await, None);
}

trait ActiveIn {
    async fn active_in(&self, environment: Environment) -> Option<domain::DeploymentId>;
}

impl ActiveIn for Given {
    async fn active_in(&self, environment: Environment) -> Option<domain::DeploymentId> {
        self.active(&shop(), environment).await.unwrap()
    }
}

/// Not another's, nor one that is not there.
pub async fn only_a_projects_own_deployment_is_activated(store: Given) {
    store
        .put_deployment(deployment(&project("clinic"), 1))
        .await
        .unwrap();
    for number in [1, 2] {
        let activation = Activation {
            project: shop(),
            environment: Environment::Sandbox,
            deployment: deployment_id(number),
            at: start(),
        };
        assert!(store.activate(activation, &Policy::default()).await.is_err());
    }
    assert_eq!(store.active_in(Environment::Sandbox).await, None);
}

/// However many they are.
pub async fn activating_frees_what_was_held_there_and_only_there(store: Given) {
    let held = 1..=200;
    store
        .accept(held.clone().map(conversation).collect(), start())
        .await
        .unwrap();
    let elsewhere = NewConversation {
        environment: Environment::Live,
        ..conversation(201)
    };
    accept(&store, elsewhere, start()).await;
    let freed = activate(&store, &shop(), Environment::Sandbox, 1).await;
    assert_eq!(freed, held.count() as u64);
    assert_eq!(state(&store, run_id(200)).await.hold, None);
    assert_eq!(
        state(&store, run_id(201)).await.hold,
        Some(Hold::NoActiveDeployment)
    );
    assert_eq!(activate(&store, &shop(), Environment::Sandbox, 2).await, 0);
}

/// A revoked one is still found, so that its user can be told.
pub async fn api_keys_are_found_by_hash_until_revoked_and_after(store: Given) {
    let key = |number: u8, project| ApiKeyRecord {
        id: KeyId::from_uuid(Uuid::from_u128(number.into())),
        label: format!("key {number}"),
        secret_hash: [number; 32],
        project,
        environments: vec![Environment::Sandbox, Environment::PreRelease],
        scope: Scope::Operate,
        created_at: after(number.into()),
        revoked_at: None,
    };
    let (first, second) = (key(1, None), key(2, Some(shop())));
    store.put_api_key(second.clone()).await.unwrap();
    store.put_api_key(first.clone()).await.unwrap();
    assert!(
        store.put_api_key(first.clone()).await.is_err(),
        "an id is given once"
    );
    assert_eq!(store.api_keys().await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.api_key([2; 32]).await.unwrap(), Some(second));
    assert_eq!(store.api_key([3; 32]).await.unwrap(), None);

    assert!(store.revoke_api_key(first.id, after(50)).await.unwrap());
    assert!(store.revoke_api_key(first.id, after(60)).await.unwrap());
    let revoked = store.api_key([1; 32]).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(after(50)), "the first time counts");
    let unknown = KeyId::from_uuid(Uuid::from_u128(9));
    assert!(!store.revoke_api_key(unknown, after(50)).await.unwrap());
}
