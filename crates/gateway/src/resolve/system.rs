//! The system's own resolver.
//!
//! `getaddrinfo`, and no resolver of ours: it reads what the machine was set up with (`/etc/hosts`, `nsswitch.conf`, split DNS,
//! a VPN's names), today and when that changes, so that a name means here what it means to every other program. What it
//! does not give is the time to live: [`super::Cached`] keeps answers for a short time only.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dns_lookup::{AddrInfoHints, LookupErrorKind};
use domain::effect::Trouble;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Resolve;
use crate::failure::Failure;

/// Look-ups at a time: each holds a thread until the system's resolver gives up.
const LOOKUPS: usize = 64;
/// How long one look-up may take. The system's own patience, with its usual settings, is 10 s per server.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);
/// For how long a name that was found proves that names can be found.
const PROOF: Duration = Duration::from_secs(10);
/// `SOCK_STREAM` on every system that is built for: asked for, so that each address comes once.
const STREAM: i32 = 1;

/// What came of one look-up.
#[derive(Debug)]
enum Found {
    Addresses(Vec<IpAddr>),
    /// The resolver says that there is no such name, or no address of it.
    Nothing(String),
    /// The resolver could not say.
    Unknown(String),
}

type Ask = Arc<dyn Fn(&str) -> Found + Send + Sync>;

/// Asks the system.
pub struct SystemResolver {
    ask: Ask,
    control_names: Vec<String>,
    places: Arc<Semaphore>,
    last_found: Mutex<Option<Instant>>,
}

impl SystemResolver {
    /// `control_names`: names of which one resolves if any does; with none, a missing name is always the resolver's
    /// fault.
    #[must_use]
    pub fn new(control_names: Vec<String>) -> Self {
        Self::asking(Arc::new(look_up), control_names)
    }

    fn asking(ask: Ask, control_names: Vec<String>) -> Self {
        Self {
            ask,
            control_names,
            places: Arc::new(Semaphore::new(LOOKUPS)),
            last_found: Mutex::new(None),
        }
    }

    async fn look_up(&self, name: &str) -> Found {
        match tokio::time::timeout(LOOKUP_LIMIT, self.in_thread(name.to_owned())).await {
            Ok(found) => {
                if matches!(found, Found::Addresses(_)) {
                    *self.last_found.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                }
                found
            }
            Err(_) => Found::Unknown(format!("no answer within {} s", LOOKUP_LIMIT.as_secs())),
        }
    }

    async fn in_thread(&self, name: String) -> Found {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return Found::Unknown("the resolver is closed".to_owned());
        };
        let ask = Arc::clone(&self.ask);
        let looked_up = tokio::task::spawn_blocking(move || {
            let found = ask(&name);
            drop(place); // not before: a look-up that nobody waits for any more still holds its thread
            found
        });
        match looked_up.await {
            Ok(found) => found,
            Err(error) => Found::Unknown(error.to_string()),
        }
    }

    /// Whether names can be found at all, as far as we know or find out.
    async fn names_are_found(&self) -> bool {
        let last = *self.last_found.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < PROOF) {
            return true;
        }
        for control in &self.control_names {
            if matches!(self.look_up(control).await, Found::Addresses(_)) {
                return true;
            }
        }
        false
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let (trouble, message) = match self.look_up(name).await {
            Found::Addresses(addresses) => return Ok(addresses),
            Found::Unknown(why) => (
                Trouble::ResolverDown,
                format!("the name {name} could not be looked up: {why}"),
            ),
            // A resolver that lost its servers, or a network that asks for a log-in first, says so of every name.
            Found::Nothing(why) if self.names_are_found().await => (
                Trouble::NoSuchName,
                format!("the name {name} does not exist ({why}), while others do"),
            ),
            Found::Nothing(why) => (
                Trouble::ResolverDown,
                format!(
                    "the name {name} was not found ({why}), and neither was any of {}",
                    self.control_names.join(", ")
                ),
            ),
        };
        Err(Failure::new(trouble, message))
    }
}

fn look_up(name: &str) -> Found {
    let hints = AddrInfoHints {
        socktype: STREAM,
        ..AddrInfoHints::default()
    };
    match dns_lookup::getaddrinfo(Some(name), None, Some(hints)) {
        Ok(answers) => {
            let mut addresses = Vec::new();
            for address in answers.flatten().map(|answer| answer.sockaddr.ip()) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            if addresses.is_empty() {
                return Found::Nothing("no address".to_owned());
            }
            Found::Addresses(addresses)
        }
        Err(error) => match error.kind() {
            LookupErrorKind::NoName | LookupErrorKind::NoData => Found::Nothing(error.to_string()),
            _ => Found::Unknown(error.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_of_this_machine_is_found() {
        let found = SystemResolver::new(Vec::new())
            .resolve("localhost")
            .await
            .unwrap();
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    /// What a resolver says of a name that nobody has, if it says `of_control` of the control name.
    async fn of_a_missing_name(of_control: fn() -> Found) -> Failure {
        let ask = move |name: &str| match name {
            "control.example" => of_control(),
            "other.example" => Found::Addresses(vec![IpAddr::from([8, 8, 8, 8])]),
            _ => Found::Nothing("no such name".to_owned()),
        };
        let resolver = SystemResolver::asking(Arc::new(ask), vec!["control.example".to_owned()]);
        let failure = resolver.resolve("missing.example").await.unwrap_err();
        assert!(resolver.resolve("other.example").await.is_ok());
        // That one was found just now is as good as a control name.
        let later = resolver.resolve("missing.example").await.unwrap_err();
        assert_eq!(later.trouble, Trouble::NoSuchName, "{later}");
        failure
    }

    #[tokio::test]
    async fn a_missing_name_is_missing_only_while_others_are_there() {
        let there = of_a_missing_name(|| Found::Addresses(vec![IpAddr::from([8, 8, 4, 4])])).await;
        assert_eq!(there.trouble, Trouble::NoSuchName, "{there}");
        let gone = of_a_missing_name(|| Found::Nothing("no such name".to_owned())).await;
        assert_eq!(gone.trouble, Trouble::ResolverDown, "{gone}");
        let unknown = of_a_missing_name(|| Found::Unknown("try again".to_owned())).await;
        assert_eq!(unknown.trouble, Trouble::ResolverDown, "{unknown}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_resolver_that_does_not_answer_is_down_and_its_thread_stays_counted() {
        let (release, blocked) = std::sync::mpsc::sync_channel::<()>(1);
        let blocked = Mutex::new(blocked);
        let ask = move |_: &str| {
            let _ = blocked.lock().unwrap().recv();
            Found::Unknown("late".to_owned())
        };
        let resolver = SystemResolver::asking(Arc::new(ask), Vec::new());
        let places = Arc::clone(&resolver.places);
        // Time stands still while a blocking thread is out: it is let go, and moved by hand.
        let asking = tokio::spawn(async move { resolver.resolve("slow.example").await });
        tokio::task::yield_now().await;
        tokio::time::advance(LOOKUP_LIMIT).await;
        let failure = asking.await.unwrap().unwrap_err();
        assert_eq!(failure.trouble, Trouble::ResolverDown, "{failure}");
        assert_eq!(places.available_permits(), LOOKUPS - 1);
        drop(release);
    }
}
