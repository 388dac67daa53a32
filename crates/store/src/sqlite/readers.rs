//! The connections that read. Each query is short and has a connection to itself, on a thread that may block.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::DataKey;
use domain::ConversationId;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connect::{self, Use};
use super::failure::unread;
use super::seal::Sealer;
use super::{keys, lanes};
use crate::StoreError;

/// One reader's connections.
pub(super) struct Reader {
    pub main: Connection,
    keys: Connection,
    pub sealer: Arc<Sealer>,
}

impl Reader {
    /// The key of a conversation; `None` if it was erased.
    pub fn key(&self, conversation: ConversationId) -> Result<Option<DataKey>, StoreError> {
        let wrapped = keys::find(&self.keys, conversation).map_err(unread)?;
        wrapped
            .map(|wrapped| self.sealer.unwrap(conversation, &wrapped))
            .transpose()
    }

    /// The same, where it must be there.
    pub fn expect_key(&self, conversation: ConversationId) -> Result<DataKey, StoreError> {
        self.key(conversation)?.ok_or(StoreError::Erased(conversation))
    }

    /// Carries out queries that all see one moment.
    pub fn at_one_moment<T>(
        &mut self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let transaction = self.main.transaction().map_err(unread)?;
        query(&transaction).map_err(unread)
    }
}

/// A fixed number of readers.
pub(super) struct Readers {
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Reader>>>,
}

/// A reader that goes back when it is dropped, however its query ended.
struct Lent {
    reader: Option<Reader>,
    idle: Arc<Mutex<Vec<Reader>>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(reader);
        }
    }
}

impl Readers {
    pub fn open(
        main: &Path,
        keys: &Path,
        vfs: Option<&str>,
        count: usize,
        sealer: &Arc<Sealer>,
    ) -> Result<Self, StoreError> {
        let reader = |_| {
            Ok(Reader {
                main: connect::open(main, Use::Read, vfs)?,
                keys: connect::open(keys, Use::Read, vfs)?,
                sealer: Arc::clone(sealer),
            })
        };
        let readers = (0..count.max(1))
            .map(reader)
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Self {
            free: Arc::new(Semaphore::new(readers.len())),
            idle: Arc::new(Mutex::new(readers)),
        })
    }

    /// Lets a reader answer, once one is free.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let free = Arc::clone(&self.free);
        let permit = free.acquire_owned().await.map_err(|_| lanes::closed())?;
        let idle = Arc::clone(&self.idle);
        let answer = tokio::task::spawn_blocking(move || {
            let reader = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut lent = Lent { reader, idle };
            let answer = lent.reader.as_mut().map_or_else(|| Err(lanes::closed()), query);
            drop(lent);
            // Only now may another one look for a reader.
            drop(permit);
            answer
        });
        answer
            .await
            .map_err(|error| StoreError::Failed(format!("a reader did not end: {error}")))?
    }

    /// Lets no more queries begin, and closes the connections of those that are not under way.
    pub fn close(&self) {
        self.free.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
