//! What every host is allowed to get now: a state machine, told the time.

use std::collections::HashMap;

use domain::{Environment, ProjectName};
use jiff::Timestamp;

use crate::config::GatewayOptions;

use super::breaker::{Breaker, Says, State};
use super::bucket::Bucket;
use super::pauses::{Pauses, Scope};
use super::{BreakerState, HostState, LastError, Limits, Outcome, after};

/// Hosts that are remembered of one project and environment: user code makes up names, and must not make others forget.
const HOSTS: usize = 1_000;

/// Whose requests to whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostKey {
    /// Whose.
    pub project: ProjectName,
    /// Of which environment.
    pub environment: Environment,
    /// The host's name or address, lower case, and `:port` where that is not the scheme's own: services of one host are told apart.
    pub host: String,
}

impl HostKey {
    /// The host without a port: what pauses and limits are about.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }
}

/// What a request that wants to leave is told.
#[derive(Debug)]
pub enum Admission {
    /// It may. What came of it is to be reported.
    Now(Permit),
    /// Not before then: the rate, an open breaker, or the host itself said so.
    At(Timestamp),
    /// An operator has stopped it.
    Paused,
    /// Others are out, of which one that ends decides: all places are taken, or a trial is under way.
    Held,
}

/// The right to send one request. To be given back with what came of it.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    key: HostKey,
    is_trial: bool,
}

impl Permit {
    /// To whom.
    #[must_use]
    pub const fn key(&self) -> &HostKey {
        &self.key
    }

    /// Whether what comes of it decides if the breaker closes.
    #[must_use]
    pub const fn is_trial(&self) -> bool {
        self.is_trial
    }
}

#[derive(Debug)]
struct Host {
    limits: Limits,
    bucket: Bucket,
    breaker: Breaker,
    in_flight: u32,
    /// The host said: not before then.
    not_before: Option<Timestamp>,
    last_error: Option<LastError>,
    last_used: Timestamp,
}

/// All hosts.
#[derive(Debug, Default)]
pub struct Hosts {
    limits: Limits,
    own_limits: HashMap<String, Limits>,
    places: HashMap<(ProjectName, Environment), HashMap<String, Host>>,
    pauses: Pauses,
}

impl Hosts {
    /// `limits` for every host that `own` does not name.
    #[must_use]
    pub fn new(limits: Limits, own: impl IntoIterator<Item = (String, Limits)>) -> Self {
        Self {
            limits,
            own_limits: own
                .into_iter()
                .map(|(host, limits)| (host.to_ascii_lowercase(), limits))
                .collect(),
            ..Self::default()
        }
    }

    /// With the limits of the options.
    #[must_use]
    pub fn of(options: &GatewayOptions) -> Self {
        let own = options.hosts.iter().map(|(host, limits)| (host.clone(), *limits));
        Self::new(options.limits, own)
    }

    /// Asks for one request.
    pub fn admit(&mut self, key: &HostKey, now: Timestamp) -> Admission {
        if self.pauses.hold(key) {
            return Admission::Paused;
        }
        let Some(host) = self.host(key, now) else {
            return Admission::Held;
        };
        if let Some(then) = host.not_before {
            if now < then {
                return Admission::At(then);
            }
            host.not_before = None;
        }
        let is_trial = match host.breaker.ask(now) {
            Says::At(then) => return Admission::At(then),
            Says::WaitForTrial => return Admission::Held,
            Says::Try => true,
            Says::Go => false,
        };
        if host.in_flight >= host.limits.concurrency.max(1) {
            return Admission::Held;
        }
        if let Some(rate) = host.limits.rate.filter(|rate| *rate > 0.0)
            && let Err(then) = host.bucket.take(rate, host.limits.burst, now)
        {
            return Admission::At(then);
        }
        if is_trial {
            host.breaker.begin_trial(now);
        }
        host.in_flight += 1;
        host.last_used = now;
        Admission::Now(Permit {
            key: key.clone(),
            is_trial,
        })
    }

    /// Takes a permit back.
    pub fn report(&mut self, permit: Permit, outcome: Outcome, now: Timestamp) {
        let Permit { key, is_trial } = permit;
        if is_trial && outcome == Outcome::Well {
            for place in self.places.values_mut() {
                if let Some(host) = place.get_mut(&key.host) {
                    host.breaker.may_be_back();
                }
            }
        }
        let place = self.places.get_mut(&(key.project, key.environment));
        let Some(host) = place.and_then(|place| place.get_mut(&key.host)) else {
            return;
        };
        host.in_flight = host.in_flight.saturating_sub(1);
        host.last_used = now;
        match outcome {
            Outcome::Untold => {
                if is_trial {
                    host.breaker.trial_is_void();
                }
            }
            Outcome::Well => host.breaker.ended(false, is_trial, now),
            Outcome::Failed { message } => {
                host.last_error = Some(LastError { at: now, message });
                host.breaker.ended(true, is_trial, now);
            }
            Outcome::TurnedAway { until, message } => {
                host.last_error = Some(LastError { at: now, message });
                // The later word holds, the longer wait too: answers overtake each other.
                host.not_before = host
                    .not_before
                    .max(until.map(|until| until.min(after(now, super::WAIT_LIMIT))));
                // A host that says when it will be back is well managed, not broken: its word is kept and no count made.
                if until.is_none() || is_trial {
                    host.breaker.ended(true, is_trial, now);
                }
            }
        }
    }

    /// Stops what a scope holds. Whether it was not stopped by the same scope before.
    pub fn pause(&mut self, scope: Scope) -> bool {
        self.pauses.add(scope)
    }

    /// Lifts exactly this pause. Whether there was one.
    pub fn resume(&mut self, scope: &Scope) -> bool {
        self.pauses.remove(scope)
    }

    /// The pauses that are in force, in place of all others: as they were written down.
    pub fn set_pauses(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        self.pauses.set(scopes);
    }

    /// The pauses that are in force.
    #[must_use]
    pub fn pauses(&self) -> Vec<Scope> {
        self.pauses.all()
    }

    /// All hosts that are remembered, sorted.
    #[must_use]
    pub fn states(&self, now: Timestamp) -> Vec<HostState> {
        let all = self.places.iter().flat_map(|((project, environment), place)| {
            place
                .iter()
                .map(move |(name, host)| (project, *environment, name, host))
        });
        let mut states: Vec<HostState> = all
            .map(|(project, environment, name, host)| {
                let key = HostKey {
                    project: project.clone(),
                    environment,
                    host: name.clone(),
                };
                HostState {
                    is_paused: self.pauses.hold(&key),
                    limits: host.limits,
                    in_flight: host.in_flight,
                    breaker: breaker_state(host.breaker.state(), now),
                    not_before: host.not_before.filter(|then| *then > now),
                    last_error: host.last_error.clone(),
                    last_used: host.last_used,
                    key,
                }
            })
            .collect();
        states.sort_by(|a, b| a.key.cmp(&b.key));
        states
    }

    /// The host, remembered from now on. `None`: as many as may be are remembered, and all are in use.
    fn host(&mut self, key: &HostKey, now: Timestamp) -> Option<&mut Host> {
        let place = self
            .places
            .entry((key.project.clone(), key.environment))
            .or_default();
        if place.len() >= HOSTS && !place.contains_key(&key.host) {
            let unused = place.iter().filter(|(_, host)| host.in_flight == 0);
            // Least is lost with one that is well; then with the one that was used longest ago.
            let forgotten = unused.min_by_key(|(_, host)| {
                let is_in_trouble = host.breaker.state() != State::Closed || host.not_before > Some(now);
                (is_in_trouble, host.last_used)
            });
            let forgotten = forgotten.map(|(name, _)| name.clone())?;
            place.remove(&forgotten);
        }
        let limits = self.own_limits.get(key.name()).copied().unwrap_or(self.limits);
        Some(place.entry(key.host.clone()).or_insert_with(|| Host {
            limits,
            bucket: Bucket::full(limits.burst, now),
            breaker: Breaker::new(now),
            in_flight: 0,
            not_before: None,
            last_error: None,
            last_used: now,
        }))
    }
}

fn breaker_state(state: State, now: Timestamp) -> BreakerState {
    match state {
        State::Closed => BreakerState::Closed,
        State::Open { until } if now < until => BreakerState::Open { until },
        State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
    }
}
