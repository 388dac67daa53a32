//! Remembers what names resolve to, for a short time, and asks once for all who ask at the same time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::effect::Trouble;
use tokio::time::Instant;

use super::Resolve;
use crate::failure::Failure;

/// How long an answer is used: less than the time to live of nearly all names, since the system does not tell it.
const FOUND_FOR: Duration = Duration::from_secs(30);
/// How long a name stays missing.
const MISSING_FOR: Duration = Duration::from_secs(5);
/// How long a broken resolver is not asked again for the same name.
const BROKEN_FOR: Duration = Duration::from_secs(1);
/// Names that are remembered.
const NAMES: usize = 2_048;

type Answer = Result<Vec<IpAddr>, Failure>;

/// What is remembered of one name. Its lock is held while the name is looked up: who comes meanwhile waits for that answer.
#[derive(Default)]
struct Entry {
    answer: tokio::sync::Mutex<Option<(Instant, Answer)>>,
}

/// A resolver with a memory.
pub struct Cached<R> {
    inner: R,
    names: Mutex<HashMap<String, Arc<Entry>>>,
}

impl<R: Resolve> Cached<R> {
    /// Remembers what `inner` says.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            names: Mutex::default(),
        }
    }

    fn entry(&self, name: &str) -> Arc<Entry> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = names.get(name) {
            return Arc::clone(entry);
        }
        if names.len() >= NAMES {
            // Once per so many names: what is stale or not being asked for goes.
            names.retain(|_, entry| Arc::strong_count(entry) > 1 || entry.is_fresh());
        }
        if names.len() >= NAMES {
            names.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        let entry = Arc::<Entry>::default();
        names.insert(name.to_owned(), Arc::clone(&entry));
        entry
    }
}

impl Entry {
    fn is_fresh(&self) -> bool {
        let answer = self.answer.try_lock();
        answer.is_ok_and(|answer| {
            answer
                .as_ref()
                .is_some_and(|(since, answer)| since.elapsed() < lasts(answer))
        })
    }
}

fn lasts(answer: &Answer) -> Duration {
    match answer {
        Ok(_) => FOUND_FOR,
        Err(failure) if failure.trouble == Trouble::NoSuchName => MISSING_FOR,
        Err(_) => BROKEN_FOR,
    }
}

#[async_trait]
impl<R: Resolve> Resolve for Cached<R> {
    async fn resolve(&self, name: &str) -> Answer {
        let entry = self.entry(name);
        let mut known = entry.answer.lock().await;
        if let Some((since, answer)) = known.as_ref()
            && since.elapsed() < lasts(answer)
        {
            return answer.clone();
        }
        let answer = self.inner.resolve(name).await;
        *known = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Counts how often it is asked; the last octet tells.
    #[derive(Default)]
    struct Counting {
        asked: AtomicU32,
    }

    #[async_trait]
    impl Resolve for Counting {
        async fn resolve(&self, name: &str) -> Answer {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(1)).await;
            match name {
                "missing" => Err(Failure::new(Trouble::NoSuchName, "missing")),
                "broken" => Err(Failure::new(Trouble::ResolverDown, "broken")),
                _ => Ok(vec![IpAddr::from(asked.to_be_bytes())]),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_at_the_same_time_shares_one_answer_and_it_grows_old() {
        let cached = Cached::new(Counting::default());
        let (a, b, c) = tokio::join!(cached.resolve("a"), cached.resolve("a"), cached.resolve("other"));
        assert_eq!(a, b);
        assert_ne!(a, c);
        assert_eq!(cached.inner.asked.load(Ordering::Relaxed), 2);
        tokio::time::advance(FOUND_FOR).await;
        assert_ne!(cached.resolve("a").await, a);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_remembered_too_but_not_for_long() {
        for (name, lasts) in [("missing", MISSING_FOR), ("broken", BROKEN_FOR)] {
            let cached = Cached::new(Counting::default());
            let (first, second) = tokio::join!(cached.resolve(name), cached.resolve(name));
            assert_eq!(first, second);
            assert_eq!(cached.inner.asked.load(Ordering::Relaxed), 1, "{name}");
            tokio::time::advance(lasts).await;
            assert!(cached.resolve(name).await.is_err());
            assert_eq!(cached.inner.asked.load(Ordering::Relaxed), 2, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_has_an_end() {
        let cached = Cached::new(Counting::default());
        for n in 0..NAMES + 10 {
            let _ = cached.entry(&n.to_string());
        }
        assert!(cached.names.lock().unwrap().len() <= NAMES);
    }
}
