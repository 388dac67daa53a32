//! The keys of runs that write records, so that not each of them asks the disk for the same key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crypto::DataKey;
use domain::RunId;
use domain::effect::Record;

use super::journal::{self, SealedRecord};
use super::readers::Reader;
use super::store::SEALED_AT_ONCE;
use super::{SqliteStore, read};
use crate::StoreError;

/// Keys that are kept at most; those of further runs are read for each record.
const MOST: usize = 10_000;

/// By run, from its first record until the end of its attempt. If its conversation is erased meanwhile, what is sealed until
/// then cannot be opened by anybody.
#[derive(Default)]
pub(super) struct KeyRing(Mutex<HashMap<RunId, Arc<DataKey>>>);

impl KeyRing {
    fn keys(&self) -> MutexGuard<'_, HashMap<RunId, Arc<DataKey>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, run: RunId, key: &Arc<DataKey>) {
        let mut keys = self.keys();
        if keys.len() < MOST {
            keys.insert(run, Arc::clone(key));
        }
    }

    fn get(&self, run: RunId) -> Option<Arc<DataKey>> {
        self.keys().get(&run).cloned()
    }

    /// Its attempt is over.
    pub fn forget(&self, run: RunId) {
        self.keys().remove(&run);
    }
}

impl SqliteStore {
    /// Seals records of so many bytes; `None` if the conversation was erased.
    pub(super) async fn seal_records(
        &self,
        run: RunId,
        first: u32,
        records: Vec<Record>,
        bytes: usize,
    ) -> Result<Option<Vec<SealedRecord>>, StoreError> {
        let key = match self.key_ring.get(run) {
            Some(key) => key,
            None => {
                let find = move |reader: &mut Reader| reader.key(read::conversation_of(reader, run)?);
                let Some(key) = self.readers.read(find).await?.map(Arc::new) else {
                    return Ok(None);
                };
                self.key_ring.put(run, &key);
                key
            }
        };
        let sealer = Arc::clone(&self.sealer);
        let seal = move || journal::seal_under(&sealer, &key, run, first, &records);
        if bytes <= SEALED_AT_ONCE {
            return seal().map(Some);
        }
        let sealed = tokio::task::spawn_blocking(seal).await;
        sealed
            .map_err(|error| StoreError::Failed(format!("sealing did not end: {error}")))?
            .map(Some)
    }
}
