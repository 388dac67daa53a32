//! Records of API keys in memory, so that a request need not ask the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::KeyId;
use store::{ApiKeyRecord, StoreError};

/// Keys whose records are held.
const CACHED_KEYS: usize = 1024;

/// Records of keys by the hash of their secrets. A revoked one is never held.
#[derive(Default)]
pub(crate) struct KeyCache(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    by_hash: HashMap<[u8; 32], Arc<ApiKeyRecord>>,
    /// How many revocations there were. A record whose reading began before one may be older than it, and is not held.
    revocations: u64,
}

impl KeyCache {
    /// The record that is held, else what `look_up` finds.
    pub async fn find(
        &self,
        hash: [u8; 32],
        look_up: impl Future<Output = Result<Option<ApiKeyRecord>, StoreError>>,
    ) -> Result<Option<Arc<ApiKeyRecord>>, StoreError> {
        let revocations = {
            let cached = self.lock();
            if let Some(record) = cached.by_hash.get(&hash) {
                return Ok(Some(Arc::clone(record)));
            }
            cached.revocations
        };
        let Some(record) = look_up.await?.map(Arc::new) else {
            return Ok(None);
        };
        let mut cached = self.lock();
        if cached.revocations == revocations && record.revoked_at.is_none() {
            if cached.by_hash.len() == CACHED_KEYS {
                cached.by_hash.clear();
            }
            cached.by_hash.insert(hash, Arc::clone(&record));
        }
        Ok(Some(record))
    }

    /// To be called once a revocation is committed, before it is answered.
    pub fn forget(&self, id: KeyId) {
        let mut cached = self.lock();
        cached.revocations += 1;
        cached.by_hash.retain(|_, record| record.id != id);
    }

    fn lock(&self) -> MutexGuard<'_, Cached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use domain::Environment;
    use store::Scope;
    use uuid::Uuid;

    use super::*;

    fn record(number: u32) -> ApiKeyRecord {
        let mut secret_hash = [0; 32];
        secret_hash[..4].copy_from_slice(&number.to_be_bytes());
        ApiKeyRecord {
            id: KeyId::from_uuid(Uuid::from_u128(u128::from(number))),
            label: "k".to_owned(),
            secret_hash,
            project: None,
            environments: vec![Environment::Sandbox],
            scope: Scope::Ingest,
            created_at: domain::Timestamp::UNIX_EPOCH,
            revoked_at: None,
        }
    }

    async fn read(cache: &KeyCache, key: &ApiKeyRecord) {
        cache
            .find(key.secret_hash, async { Ok(Some(key.clone())) })
            .await
            .unwrap();
    }

    /// Whether it answers without looking up.
    async fn holds(cache: &KeyCache, key: &ApiKeyRecord) -> bool {
        cache
            .find(key.secret_hash, async { Ok(None) })
            .await
            .unwrap()
            .is_some()
    }

    #[tokio::test]
    async fn what_was_read_is_held_until_it_is_revoked() {
        let (cache, one, other) = (KeyCache::default(), record(1), record(2));
        read(&cache, &one).await;
        read(&cache, &other).await;
        assert!(holds(&cache, &one).await && holds(&cache, &other).await);
        cache.forget(one.id);
        assert!(!holds(&cache, &one).await);
        assert!(holds(&cache, &other).await);
    }

    #[tokio::test]
    async fn a_record_that_was_read_before_a_revocation_and_comes_after_it_is_not_held() {
        let (cache, key) = (KeyCache::default(), record(1));
        let slow = async {
            let before = key.clone();
            cache.forget(key.id);
            Ok(Some(before))
        };
        assert!(cache.find(key.secret_hash, slow).await.unwrap().is_some());
        assert!(!holds(&cache, &key).await);
    }

    #[tokio::test]
    async fn no_more_are_held_than_there_is_room_for() {
        let cache = KeyCache::default();
        for number in 0..3 * CACHED_KEYS as u32 {
            read(&cache, &record(number)).await;
            assert!(cache.lock().by_hash.len() <= CACHED_KEYS);
        }
    }
}
