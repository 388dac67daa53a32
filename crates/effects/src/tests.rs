//! Attempts with a real store and a way out of the tests' own, which counts what reaches the other side.
#![allow(clippy::unwrap_used)]

mod given_up;
mod outage;
mod receiver;
mod room;
mod streams;
mod turns;
mod writes;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crypto::{MasterKey, OsEntropy};
use domain::effect::{Answer, Catalogue, Head, Lane, Outcome, Phase, Record, Trouble};
use domain::run::Event;
use domain::{Code, Environment, Timestamp};
use store::ClaimedRun;
use store::conformance::given::{self, Given};
use store::sqlite::{Options, SqliteStore};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver as Answers;

use crate::{
    AskedRequest, Halt, Kept, Part, Sending, Sent, Session, Surroundings, Terms, Told, Tries, WayOut,
};

const NOTES: &str = "https://crm.example.com/notes";

/// The other side: answers from a list, and knows what arrived.
#[derive(Default)]
struct Receiver {
    answers: Mutex<VecDeque<Sent>>,
    arrived: Mutex<Vec<Arrived>>,
    /// Looked at when something arrives: how many intents are durable then.
    store: Mutex<Option<(Given, domain::RunId)>>,
    intents: AtomicU32,
}

/// A request, as it reached the other side.
struct Arrived {
    key: Option<String>,
    body: Vec<u8>,
}

#[async_trait]
impl WayOut for Receiver {
    async fn send(&self, sending: Sending<'_>) -> Sent {
        let of = self.store.lock().unwrap().clone();
        if let Some((store, run)) = of {
            let intents = store
                .journal(run)
                .await
                .unwrap()
                .iter()
                .filter(|record| record.is_intent())
                .count();
            self.intents
                .store(u32::try_from(intents).unwrap(), Ordering::SeqCst);
        }
        let request = sending.request;
        self.arrived.lock().unwrap().push(Arrived {
            key: request.header("idempotency-key").map(str::to_owned),
            body: request.body.clone(),
        });
        self.answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| answered(201, &[], b"{}"))
    }
}

fn answered(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Sent {
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
        body: body.to_vec(),
    }
}

fn failed(trouble: Trouble) -> Sent {
    Sent::Failed {
        trouble,
        message: format!("crm.example.com: {trouble}"),
    }
}

struct World {
    seconds: AtomicU32,
    keys: AtomicU32,
}

impl Surroundings for World {
    fn now(&self) -> Timestamp {
        given::after(i64::from(self.seconds.load(Ordering::SeqCst)))
    }

    fn chance(&self) -> f64 {
        0.999
    }

    fn key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::SeqCst))
    }
}

/// A run in a store of its own, attempt after attempt.
struct House {
    _folder: TempDir,
    store: Given,
    receiver: Arc<Receiver>,
    world: Arc<World>,
    catalogue: Arc<Catalogue>,
    may_wait: bool,
    run: ClaimedRun,
}

impl House {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let fatal = Arc::new(|reason: &str| panic!("{reason}"));
        let master = MasterKey::from_bytes(&mut [7; 32]);
        let store: Given =
            SqliteStore::open(Options::new(folder.path()), master, Arc::new(OsEntropy), fatal).unwrap();
        given::queued(&store, 1..2).await;
        let run = given::claim(&store, 1, given::after(60)).await.remove(0);
        let receiver = Arc::new(Receiver::default());
        *receiver.store.lock().unwrap() = Some((store.clone(), run.run));
        Self {
            _folder: folder,
            store,
            receiver,
            world: Arc::new(World {
                seconds: AtomicU32::new(100),
                keys: AtomicU32::new(1),
            }),
            catalogue: Arc::new(Catalogue::shipped().clone()),
            may_wait: true,
            run,
        }
    }

    fn knowing(mut self, entries: &str) -> Self {
        let json = format!("{{\"hosts\": {entries}}}");
        self.catalogue = Arc::new(Catalogue::with(serde_json::from_str(&json).unwrap()));
        self
    }

    fn answers(&self, answers: impl IntoIterator<Item = Sent>) {
        self.receiver.answers.lock().unwrap().extend(answers);
    }

    fn arrived(&self) -> Vec<String> {
        let arrived = self.receiver.arrived.lock().unwrap();
        arrived
            .iter()
            .map(|one| String::from_utf8(one.body.clone()).unwrap())
            .collect()
    }

    fn keys(&self) -> Vec<Option<String>> {
        self.receiver
            .arrived
            .lock()
            .unwrap()
            .iter()
            .map(|one| one.key.clone())
            .collect()
    }

    async fn attempt(&self) -> Attempt {
        self.attempt_by(self.receiver.clone()).await
    }

    async fn attempt_by(&self, way_out: Arc<dyn WayOut>) -> Attempt {
        let terms = Terms {
            run: self.run.run,
            epoch: self.run.epoch,
            opening: self.run.opening,
            project: given::shop(),
            environment: Environment::Sandbox,
            catalogue: self.catalogue.clone(),
            may_wait: self.may_wait,
            tries: Tries::default(),
            on_blocked: Arc::new(|_| {}),
        };
        let (session, told) = Session::open(
            terms,
            Arc::new(Kept(self.store.clone())),
            way_out,
            self.world.clone(),
        )
        .await
        .unwrap();
        Attempt {
            session,
            told,
            number: 0,
        }
    }

    /// The supervisor went, or a host was out: the run is taken up again.
    async fn resumed(&mut self) {
        let event = Event::Released {
            epoch: self.run.epoch,
        };
        given::apply(&self.store, self.run.run, event, None, self.world.now()).await;
        self.world.seconds.fetch_add(20, Ordering::SeqCst);
        self.run = given::claim(&self.store, 1, self.world.now()).await.remove(0);
    }

    async fn retried(&mut self) {
        given::fails(&self.store, &self.run, self.world.now()).await;
        self.world.seconds.fetch_add(120, Ordering::SeqCst);
        self.run = given::claim(&self.store, 1, self.world.now()).await.remove(0);
        assert_eq!(self.run.opening.retry_since, self.run.number);
    }

    async fn records(&self) -> Vec<Record> {
        self.store.journal(self.run.run).await.unwrap()
    }

    async fn outcomes(&self) -> Vec<Outcome> {
        let outcome = |record: Record| match record.head {
            Head::Outcome(outcome) => Some(outcome),
            _ => None,
        };
        self.records().await.into_iter().filter_map(outcome).collect()
    }
}

struct Attempt {
    session: Session,
    told: Answers<Told>,
    number: u64,
}

impl Attempt {
    fn ask(&mut self, lane: &str, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> u64 {
        self.number += 1;
        let head = serde_json::json!({"method": method, "url": url, "headers": headers, "site": "functions/end_function.py:7"});
        let asked = AskedRequest::read(self.number, head.to_string().as_bytes(), body.as_bytes().to_vec());
        self.session.ask(self.number, Lane(lane.to_owned()), asked);
        self.number
    }

    async fn told(&mut self) -> Told {
        self.told.recv().await.unwrap()
    }

    async fn post(&mut self, body: &str) -> Told {
        let number = self.ask("0", "POST", NOTES, &[("Content-Type", "application/json")], body);
        let told = self.told().await;
        assert_eq!(told.request, number);
        told
    }

    /// Asks for something that is not answered, and says why the child is to be ended.
    async fn post_halted(&mut self, body: &str) -> Halt {
        self.ask("0", "POST", NOTES, &[("Content-Type", "application/json")], body);
        tokio::select! {
            halt = self.session.halted() => halt,
            told = self.told.recv() => panic!("answered: {told:?}"),
        }
    }

    async fn close(self, returned: bool) -> crate::Conclusion {
        self.session.close(returned).await
    }
}

fn status(told: &Told) -> Option<u16> {
    told.answer.as_ref().map(|answer| answer.status)
}
