//! What stands around a run: time, chance, the store, the hosts; and the moment at which the supervisor dies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use domain::effect::{Answer, Head, Record, Trouble};
use domain::run::StepError;
use domain::{Epoch, RunId, Timestamp};
use effects::{Ledger, Sending, Sent, Surroundings, WayOut};
use jiff::SignedDuration;
use store::StoreError;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

/// A stream of chance that follows from its seed (splitmix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What a host does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Works,
    /// Nobody listens.
    Down,
    /// Turned away, with `Retry-After`.
    Busy,
    /// The work is done, the answer lost.
    LosesAnswer,
    /// Nothing is done, and the connection breaks.
    Breaks,
    /// The work is done, and a proxy says 502.
    BadGateway,
    /// No.
    Refuses,
}

const MOODS: [Mood; 7] = [
    Mood::Works,
    Mood::Down,
    Mood::Busy,
    Mood::LosesAnswer,
    Mood::Breaks,
    Mood::BadGateway,
    Mood::Refuses,
];

/// A host and what it has done.
pub struct Host {
    pub honours_keys: bool,
    /// Answers by key, where it honours them; done work by key in any case.
    pub by_key: HashMap<String, u32>,
    /// How often each piece of work was done.
    pub done: HashMap<String, u32>,
    mood: Mood,
    mood_until: Timestamp,
    trouble: u64,
}

pub struct World {
    pub state: Mutex<State>,
    pub died: Notify,
    began: Mutex<Instant>,
}

pub struct State {
    pub chance: Chance,
    pub base: Timestamp,
    pub epoch: Epoch,
    pub running: bool,
    pub records: Vec<Record>,
    pub hosts: HashMap<String, Host>,
    /// Steps until the supervisor dies.
    pub fuse: Option<u64>,
    pub is_dead: bool,
    pub violations: Vec<String>,
    keys: u64,
}

impl World {
    pub fn new(mut chance: Chance) -> Self {
        let mut hosts = HashMap::new();
        for (name, honours_keys) in [("keyed.example", true), ("plain.example", false)] {
            let trouble = [3, 6, 40][usize::try_from(chance.below(3)).unwrap()];
            hosts.insert(
                name.to_owned(),
                Host {
                    honours_keys,
                    by_key: HashMap::new(),
                    done: HashMap::new(),
                    mood: Mood::Works,
                    mood_until: start(),
                    trouble,
                },
            );
        }
        Self {
            state: Mutex::new(State {
                chance,
                base: start(),
                epoch: Epoch::default(),
                running: false,
                records: Vec::new(),
                hosts,
                fuse: None,
                is_dead: false,
                violations: Vec::new(),
                keys: 0,
            }),
            died: Notify::new(),
            began: Mutex::new(Instant::now()),
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A new boot: time goes on from `base`.
    pub fn boots(&self) {
        *self.began.lock().unwrap() = Instant::now();
        self.state().is_dead = false;
    }

    /// The boot is over: what has passed is kept.
    pub fn halts(&self) {
        let now = self.now();
        self.state().base = now;
        *self.began.lock().unwrap() = Instant::now();
    }

    pub fn pass(&self, until: Timestamp) {
        let mut state = self.state();
        state.base = state.base.max(until);
    }

    /// One step of the supervisor's: it may be its last.
    async fn step(&self) {
        let dies = {
            let mut state = self.state();
            match &mut state.fuse {
                Some(0) => true,
                Some(fuse) => {
                    *fuse -= 1;
                    false
                }
                None => false,
            }
        };
        if dies || self.state().is_dead {
            self.state().is_dead = true;
            self.died.notify_waiters();
            std::future::pending::<()>().await;
        }
    }

    async fn takes(&self, longest_ms: u64) {
        let ms = self.state().chance.below(longest_ms);
        sleep(Duration::from_millis(ms)).await;
    }
}

fn start() -> Timestamp {
    Timestamp::from_second(1_795_600_800).unwrap()
}

impl Surroundings for World {
    fn now(&self) -> Timestamp {
        let passed = self.began.lock().unwrap().elapsed();
        self.state().base + SignedDuration::try_from(passed).unwrap()
    }

    #[allow(clippy::cast_precision_loss)]
    fn chance(&self) -> f64 {
        self.state().chance.below(1_000) as f64 / 1_000.0
    }

    fn key(&self) -> String {
        let mut state = self.state();
        state.keys += 1;
        format!("key-{}", state.keys)
    }
}

#[async_trait]
impl Ledger for World {
    async fn record(
        &self,
        run: RunId,
        epoch: Epoch,
        first: u32,
        records: Vec<Record>,
    ) -> Result<(), StoreError> {
        self.takes(20).await;
        self.step().await;
        {
            let mut state = self.state();
            let intends = records.iter().any(Record::is_intent);
            if intends && (epoch != state.epoch || !state.running) {
                let error = StepError::Stale {
                    claimed: epoch,
                    current: state.epoch,
                };
                return Err(StoreError::Refused { run, error });
            }
            if first as usize != state.records.len() {
                let there = state.records.len();
                state.violations.push(format!("records {first} after {there}"));
            }
            state.records.extend(records);
        }
        self.step().await;
        Ok(())
    }

    async fn journal(&self, _: RunId) -> Result<Vec<Record>, StoreError> {
        Ok(self.state().records.clone())
    }
}

#[async_trait]
impl WayOut for World {
    async fn send(&self, sending: Sending<'_>) -> Sent {
        let request = sending.request;
        self.step().await;
        self.takes(3_000).await;
        let (mood, key) = {
            let now = self.now();
            let mut state = self.state();
            let key = request.header("idempotency-key").map(str::to_owned);
            if request.method == "POST" && !is_intended(&state.records, &request.body, key.as_deref()) {
                state.violations.push(format!(
                    "sent before it was written down: {}",
                    String::from_utf8_lossy(&request.body)
                ));
            }
            let State { chance, hosts, .. } = &mut *state;
            let host = hosts.get_mut(request.host()).unwrap();
            host.turn(chance, now);
            (host.mood, key)
        };
        let works = matches!(mood, Mood::Works | Mood::LosesAnswer | Mood::BadGateway);
        if works && request.method == "POST" {
            self.step().await;
            let mut state = self.state();
            let host = state.hosts.get_mut(request.host()).unwrap();
            host.work(&request.body, key.as_deref());
        }
        self.takes(500).await;
        self.step().await;
        match mood {
            Mood::Works => answered(201, &[]),
            Mood::Refuses => answered(422, &[]),
            Mood::BadGateway => answered(502, &[]),
            Mood::Busy => answered(503, &[("Retry-After", "7")]),
            Mood::Down => failed(Trouble::ConnectionRefused),
            Mood::LosesAnswer | Mood::Breaks => failed(Trouble::Reset),
        }
    }
}

impl Host {
    fn turn(&mut self, chance: &mut Chance, now: Timestamp) {
        if now < self.mood_until {
            return;
        }
        let troubled = chance.once_in(self.trouble);
        self.mood = if troubled {
            MOODS[usize::try_from(chance.below(7)).unwrap()]
        } else {
            Mood::Works
        };
        let lasts = if self.mood == Mood::Works {
            chance.below(3)
        } else {
            chance.below(90)
        };
        self.mood_until = now + SignedDuration::from_secs(i64::try_from(lasts).unwrap());
    }

    /// Does the work that a body names, once per key where it honours keys.
    fn work(&mut self, body: &[u8], key: Option<&str>) {
        if let Some(key) = key {
            let times = self.by_key.entry(key.to_owned()).or_default();
            *times += 1;
            if self.honours_keys && *times > 1 {
                return;
            }
        }
        *self.done.entry(id_of(body)).or_default() += 1;
    }
}

/// What a body says that it is about.
pub fn id_of(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

fn is_intended(records: &[Record], body: &[u8], key: Option<&str>) -> bool {
    let open = records
        .iter()
        .rev()
        .take_while(|record| !is_outcome_of(record, records, body));
    open.into_iter().any(|record| match &record.head {
        Head::Intent(intent) => {
            record.body == body && intent.key.as_ref().map(|(_, key)| key.as_str()) == key
        }
        _ => false,
    })
}

/// Whether a record concludes the effect whose last intent has this body.
fn is_outcome_of(record: &Record, records: &[Record], body: &[u8]) -> bool {
    let Head::Outcome(outcome) = &record.head else {
        return false;
    };
    records.iter().any(|other| matches!(&other.head, Head::Intent(intent) if intent.effect == outcome.effect && other.body == body))
}

fn answered(status: u16, headers: &[(&str, &str)]) -> Sent {
    Sent::Answered {
        answer: Answer {
            status,
            reason: String::new(),
            version: "HTTP/1.1".into(),
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
        },
        body: b"{}".to_vec(),
    }
}

fn failed(trouble: Trouble) -> Sent {
    Sent::Failed {
        trouble,
        message: trouble.to_string(),
    }
}

/// The same world, shared.
pub type Shared = Arc<World>;
