//! How much is taken in at once: of everybody, and of each key, so that no key can keep others out. Whoever finds no room
//! waits a moment and is then told to come back (`AC0109`): nothing waits without an end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::KeyId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::app::Limits;
use crate::problem::{ApiError, ApiResult, busy};

/// One unit of what bodies may hold, in bytes.
const UNIT: usize = 1024;
/// Keys that are remembered while nothing of theirs is under way.
const IDLE_KEYS: usize = 1024;

/// See the module.
pub(crate) struct Admission {
    all: Arc<Room>,
    /// By key; what needs none (the local socket, a server without keys) counts as one.
    keys: Mutex<HashMap<Option<KeyId>, Arc<Room>>>,
    limits: Limits,
}

/// What may still be begun.
struct Room {
    bodies: Arc<Semaphore>,
    batches: Arc<Semaphore>,
    units: Arc<Semaphore>,
}

impl Room {
    fn new(bodies: usize, batches: usize, bytes: usize) -> Arc<Self> {
        let semaphore = |count: usize| Arc::new(Semaphore::new(count));
        Arc::new(Self {
            bodies: semaphore(bodies),
            batches: semaphore(batches),
            units: semaphore(bytes / UNIT),
        })
    }
}

impl Admission {
    pub fn new(limits: &Limits) -> Self {
        Self {
            // Bodies that arrive are limited by their connections.
            all: Room::new(limits.connections, limits.batches, limits.body_budget_bytes),
            keys: Mutex::default(),
            limits: limits.clone(),
        }
    }

    fn of(&self, key: Option<KeyId>) -> Arc<Room> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() > IDLE_KEYS {
            keys.retain(|_, room| Arc::strong_count(room) > 1);
        }
        let limits = &self.limits;
        let new = || {
            Room::new(
                limits.bodies_per_key,
                limits.batches_per_key,
                limits.key_budget_bytes,
            )
        };
        Arc::clone(keys.entry(key).or_insert_with(new))
    }

    /// Lets a body begin to arrive.
    pub async fn body(&self, key: Option<KeyId>) -> ApiResult<Admitted> {
        let own = self.of(key);
        let turns = vec![self.turn(&own.bodies, 1).await?];
        Ok(self.admitted(own, turns))
    }

    /// Lets a batch begin to arrive.
    pub async fn batch(&self, key: Option<KeyId>) -> ApiResult<Admitted> {
        let own = self.of(key);
        let turns = vec![
            self.turn(&own.batches, 1).await?,
            self.turn(&self.all.batches, 1).await?,
        ];
        Ok(self.admitted(own, turns))
    }

    fn admitted(&self, own: Arc<Room>, turns: Vec<OwnedSemaphorePermit>) -> Admitted {
        Admitted {
            turns,
            share: Share {
                patience: self.limits.admission_timeout,
                rooms: [own, Arc::clone(&self.all)],
                held: [None, None],
                units: 0,
            },
        }
    }

    async fn turn(&self, of: &Arc<Semaphore>, count: u32) -> ApiResult<OwnedSemaphorePermit> {
        acquire(of, count, self.limits.admission_timeout).await
    }
}

async fn acquire(of: &Arc<Semaphore>, count: u32, patience: Duration) -> ApiResult<OwnedSemaphorePermit> {
    if let Ok(permit) = Arc::clone(of).try_acquire_many_owned(count) {
        return Ok(permit);
    }
    match timeout(patience, Arc::clone(of).acquire_many_owned(count)).await {
        Ok(Ok(permit)) => Ok(permit),
        // Nobody closes them.
        Ok(Err(_)) | Err(_) => Err(busy()),
    }
}

/// A request whose body may arrive.
pub(crate) struct Admitted {
    /// Given back once the body is there.
    turns: Vec<OwnedSemaphorePermit>,
    pub share: Share,
}

impl Admitted {
    /// The body is there; what it holds is counted on.
    pub fn arrived(self) -> Share {
        drop(self.turns);
        self.share
    }
}

/// What one request holds in memory, counted as it comes: against its key's room, and everybody's.
pub(crate) struct Share {
    rooms: [Arc<Room>; 2],
    held: [Option<OwnedSemaphorePermit>; 2],
    units: usize,
    patience: Duration,
}

impl Share {
    /// Counts so many bytes from now on.
    ///
    /// # Errors
    /// There is no room for more; what was counted before still is.
    pub async fn resize(&mut self, bytes: usize) -> Result<(), ApiError> {
        let units = bytes.div_ceil(UNIT);
        let more = u32::try_from(units.saturating_sub(self.units)).unwrap_or(u32::MAX);
        if more > 0 {
            let mut taken = Vec::with_capacity(self.rooms.len());
            for room in &self.rooms {
                taken.push(acquire(&room.units, more, self.patience).await?);
            }
            for (held, new) in self.held.iter_mut().zip(taken) {
                match held {
                    Some(held) => held.merge(new),
                    None => *held = Some(new),
                }
            }
        } else {
            for held in self.held.iter_mut().flatten() {
                drop(held.split(self.units - units));
            }
        }
        self.units = units;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use domain::Code;
    use uuid::Uuid;

    use super::*;

    fn key(number: u128) -> Option<KeyId> {
        Some(KeyId::from_uuid(Uuid::from_u128(number)))
    }

    fn admission() -> Admission {
        Admission::new(&Limits {
            bodies_per_key: 2,
            batches_per_key: 1,
            batches: 2,
            body_budget_bytes: 16 * UNIT,
            key_budget_bytes: 8 * UNIT,
            admission_timeout: Duration::from_millis(20),
            ..Limits::default()
        })
    }

    fn is_busy<T>(answer: ApiResult<T>) -> bool {
        answer.is_err_and(|error| error.0.code == Code::Busy)
    }

    #[tokio::test]
    async fn a_key_fills_its_own_room_and_no_others() {
        let admission = admission();
        let held = [
            admission.body(key(1)).await.unwrap(),
            admission.body(key(1)).await.unwrap(),
        ];
        assert!(is_busy(admission.body(key(1)).await));
        assert!(admission.body(key(2)).await.is_ok() && admission.body(None).await.is_ok());
        drop(held);
        assert!(admission.body(key(1)).await.is_ok());

        let first = admission.batch(key(1)).await.unwrap();
        assert!(is_busy(admission.batch(key(1)).await));
        let second = admission.batch(key(2)).await.unwrap();
        assert!(is_busy(admission.batch(key(3)).await), "all together have two");
        drop((first, second));
        assert!(admission.batch(key(3)).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_held_is_counted_as_it_grows_and_shrinks_and_goes() {
        let admission = admission();
        let mut share = admission.body(key(1)).await.unwrap().arrived();
        share.resize(UNIT + 1).await.unwrap();
        share.resize(8 * UNIT).await.unwrap();
        assert!(is_busy(share.resize(9 * UNIT).await), "more than a key's");
        let mut other = admission.body(key(1)).await.unwrap().arrived();
        assert!(is_busy(other.resize(1).await));
        share.resize(7 * UNIT).await.unwrap();
        other.resize(1).await.unwrap();
        let mut third = admission.body(key(2)).await.unwrap().arrived();
        third.resize(8 * UNIT).await.unwrap();
        let mut fourth = admission.body(key(3)).await.unwrap().arrived();
        assert!(is_busy(fourth.resize(1).await), "more than all have");
        drop(share);
        fourth.resize(7 * UNIT).await.unwrap();
        drop((other, third, fourth));
        assert_eq!(admission.all.units.available_permits(), 16);
    }

    #[tokio::test]
    async fn keys_that_do_nothing_are_forgotten() {
        let admission = admission();
        let held = admission.body(key(0)).await.unwrap();
        for number in 1..3 * IDLE_KEYS {
            drop(admission.body(key(number as u128)).await.unwrap());
        }
        let keys = admission.keys.lock().unwrap();
        assert!(keys.len() <= IDLE_KEYS + 1 && keys.contains_key(&key(0)));
        drop(held);
    }
}
