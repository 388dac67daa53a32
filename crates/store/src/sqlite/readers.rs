//! The connections that read. Each query is short and has a connection to itself, on a thread that may block.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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

/// A fixed number of readers. A clone is a handle on the same.
#[derive(Clone)]
pub(super) struct Readers {
    free: Arc<Semaphore>,
    pool: Arc<Pool>,
}

/// Where readers are while they do not read.
struct Pool {
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    idle: Vec<Reader>,
    lent: usize,
    closed: bool,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader; none once they are closed.
    fn lend(self: &Arc<Self>) -> Option<Lent> {
        let mut state = self.state();
        let reader = state.idle.pop()?;
        state.lent += 1;
        Some(Lent {
            reader: Some(reader),
            pool: Arc::clone(self),
        })
    }
}

/// A reader that goes back when it is dropped, however its query ended.
struct Lent {
    reader: Option<Reader>,
    pool: Arc<Pool>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        let reader = self.reader.take();
        // Its connections are closed before anybody is told that it is back.
        if !state.closed {
            state.idle.extend(reader);
        } else {
            drop(reader);
        }
        state.lent -= 1;
        drop(state);
        self.pool.returned.notify_all();
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
        let idle = (0..count.max(1))
            .map(reader)
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Self {
            free: Arc::new(Semaphore::new(idle.len())),
            pool: Arc::new(Pool {
                state: Mutex::new(State {
                    idle,
                    lent: 0,
                    closed: false,
                }),
                returned: Condvar::new(),
            }),
        })
    }

    /// Lets a reader answer, once one is free.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let free = Arc::clone(&self.free);
        let permit = free.acquire_owned().await.map_err(|_| lanes::closed())?;
        let pool = Arc::clone(&self.pool);
        let answer = tokio::task::spawn_blocking(move || {
            let mut lent = pool.lend().ok_or_else(lanes::closed)?;
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
        let mut state = self.pool.state();
        state.closed = true;
        state.idle.clear();
    }

    /// Waits for the queries that are under way once they are closed. Blocks.
    pub fn wait(&self) {
        let waited = self
            .pool
            .returned
            .wait_while(self.pool.state(), |state| state.lent > 0);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}
