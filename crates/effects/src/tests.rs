//! Attempts with a real store and a way out of the tests' own, which counts what reaches the other side.
#![allow(clippy::unwrap_used)]

mod turns;

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
        let terms = Terms {
            run: self.run.run,
            epoch: self.run.epoch,
            opening: self.run.opening,
            project: given::shop(),
            environment: Environment::Sandbox,
            catalogue: self.catalogue.clone(),
            may_wait: self.may_wait,
            tries: Tries::default(),
            on_blocked: Box::new(|_| {}),
        };
        let way_out: Arc<dyn WayOut> = self.receiver.clone();
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

#[tokio::test(start_paused = true)]
async fn a_write_is_durable_before_it_leaves_and_given_back_after() {
    let mut house = House::new().await;
    house.answers([answered(201, &[("Location", "/notes/7")], b"{\"id\": 7}")]);
    let mut attempt = house.attempt().await;
    let told = attempt.post(r#"{"text": "hi"}"#).await;
    assert_eq!(
        (told.phase, status(&told), &told.body[..]),
        ("done", Some(201), &b"{\"id\": 7}"[..])
    );
    assert_eq!(
        house.receiver.intents.load(Ordering::SeqCst),
        1,
        "written down before it left"
    );
    attempt.close(false).await;
    for _ in 0..2 {
        house.retried().await;
        let mut attempt = house.attempt().await;
        let again = attempt.post(r#"{"text": "hi"}"#).await;
        assert_eq!(
            (again.answer, again.body),
            (told.answer.clone(), told.body.clone())
        );
        assert!(attempt.close(true).await.unsettled.is_empty());
    }
    assert_eq!(house.arrived().len(), 1, "sent once");
}

#[tokio::test(start_paused = true)]
async fn an_outage_makes_the_run_wait_and_the_code_never_hears_of_it() {
    let mut house = House::new().await;
    house.answers((0..3).map(|_| failed(Trouble::ConnectionRefused)));
    let mut attempt = house.attempt().await;
    let halt = attempt.post_halted("1").await;
    let Halt::Wait { origin, until } = halt else {
        panic!("{halt:?}")
    };
    assert_eq!(origin, "https://crm.example.com");
    assert!(until > house.world.now());
    attempt.close(false).await;
    assert_eq!(house.arrived().len(), 3, "small trouble is hidden first");
    let outcomes = house.outcomes().await;
    assert_eq!(
        (
            outcomes.len(),
            outcomes[0].phase,
            outcomes[0].heard,
            outcomes[0].tries
        ),
        (1, Phase::NotSent, false, 3)
    );
    assert!(
        house
            .records()
            .await
            .iter()
            .any(|record| matches!(record.head, Head::Wait(_)))
    );

    house.resumed().await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "done");
    let conclusion = attempt.close(true).await;
    assert!(conclusion.unsettled.is_empty() && conclusion.unheard_unknown.is_empty());
    assert_eq!(
        house
            .keys()
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1,
        "one logical request, one key"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_that_names_its_time_is_asked_no_sooner() {
    let house = House::new().await;
    house.answers([answered(503, &[("Retry-After", "120")], b"")]);
    let mut attempt = house.attempt().await;
    let Halt::Wait { until, .. } = attempt.post_halted("1").await else {
        panic!()
    };
    assert_eq!(until, house.world.now() + jiff::SignedDuration::from_secs(120));
    assert_eq!(house.arrived().len(), 1, "and not tried in vain before");
}

#[tokio::test(start_paused = true)]
async fn patience_is_not_renewed_and_then_the_true_error_is_heard() {
    let mut house = House::new()
        .await
        .knowing(r#"[{"host": "crm.example.com", "patience_s": 25}]"#);
    let mut waits = Vec::new();
    let told = loop {
        house.answers((0..3).map(|_| failed(Trouble::ConnectTimeout)));
        let mut attempt = house.attempt().await;
        attempt.ask("0", "POST", NOTES, &[], "1");
        let session = attempt.session.clone();
        let told = tokio::select! {
            Halt::Wait { until, .. } = session.halted() => Err(until),
            told = attempt.told() => Ok(told),
        };
        attempt.close(false).await;
        match told {
            Ok(told) => break told,
            Err(until) => waits.push(until.duration_since(house.world.now()).as_secs()),
        }
        house.retried().await;
    };
    assert_eq!(waits.iter().sum::<i64>(), 24, "{waits:?}");
    assert_eq!(
        (told.phase, told.trouble),
        ("not_sent", Some(Trouble::ConnectTimeout))
    );
}

#[tokio::test(start_paused = true)]
async fn where_nobody_comes_back_the_code_hears_at_once_and_a_monitor_never_waits() {
    let mut house = House::new().await;
    house.answers((0..3).map(|_| failed(Trouble::ConnectionRefused)));
    let mut attempt = house.attempt().await;
    attempt.ask(
        "0",
        "POST",
        "https://o1.ingest.sentry.io/api/1/envelope/",
        &[],
        "{}",
    );
    assert_eq!(attempt.told().await.phase, "not_sent");
    assert!(
        attempt.close(true).await.unsettled.is_empty(),
        "no failure of the run"
    );

    house.may_wait = false;
    house.resumed().await;
    house.answers((0..3).map(|_| failed(Trouble::ConnectionRefused)));
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "not_sent");
    assert_eq!(attempt.close(true).await.unsettled.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_no_is_heard_at_once_and_is_a_swallowed_failure() {
    let house = House::new().await;
    house.answers([answered(422, &[], b"{\"error\": \"phone\"}")]);
    let mut attempt = house.attempt().await;
    let told = attempt.post("1").await;
    assert_eq!((told.phase, status(&told)), ("rejected", Some(422)));
    assert_eq!(attempt.close(true).await.unsettled.len(), 1);
    assert_eq!(house.arrived().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_write_is_told_once_and_sent_once_unless_its_host_honours_keys() {
    let house = House::new().await;
    house.answers([failed(Trouble::Reset)]);
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "unknown");
    attempt.close(false).await;
    assert_eq!(house.arrived().len(), 1);

    let keyed = House::new()
        .await
        .knowing(r#"[{"host": "crm.example.com", "idempotency": {"window_s": 3600}}]"#);
    keyed.answers([
        failed(Trouble::Reset),
        answered(422, &[], b""),
        answered(201, &[], b""),
    ]);
    let mut attempt = keyed.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "done");
    attempt.close(true).await;
    assert_eq!(
        keyed.keys(),
        vec![Some("key-1".to_owned()); 3],
        "a no to the second sending settles nothing"
    );
}

/// What a crash leaves: an intent, and nothing behind it.
async fn cut_off(knowing: &str) -> House {
    let mut house = House::new().await;
    let hang = failed(Trouble::Reset);
    house.answers([hang]);
    let mut attempt = house.attempt().await;
    attempt.post("1").await;
    drop(attempt);
    // The journal as it was when the machine went: its last record never was written.
    let journal = house.records().await;
    let folder = TempDir::new().unwrap();
    let fatal = Arc::new(|reason: &str| panic!("{reason}"));
    let master = MasterKey::from_bytes(&mut [7; 32]);
    let store: Given =
        SqliteStore::open(Options::new(folder.path()), master, Arc::new(OsEntropy), fatal).unwrap();
    given::queued(&store, 1..2).await;
    let run = given::claim(&store, 1, given::after(60)).await.remove(0);
    store
        .record(run.run, run.epoch, 0, journal[..1].to_vec())
        .await
        .unwrap();
    *house.receiver.store.lock().unwrap() = None;
    (house._folder, house.store, house.run) = (folder, store, run);
    house.resumed().await;
    house.knowing(knowing)
}

#[tokio::test(start_paused = true)]
async fn a_write_cut_off_by_a_crash_parks_or_is_sent_again_with_its_key() {
    let house = cut_off("[]").await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post_halted("1").await, Halt::Park);
    attempt.close(false).await;
    assert_eq!(house.arrived().len(), 1);

    let house = cut_off(r#"[{"host": "crm.example.com", "idempotency": {"window_s": 3600}}]"#).await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post("1").await.phase, "done");
    assert_eq!(house.arrived(), ["1", "1"]);
    assert_eq!(house.keys(), vec![Some("key-1".to_owned()); 2]);

    let house = cut_off(r#"[{"host": "crm.example.com", "on_unknown": "assume_done"}]"#).await;
    let mut attempt = house.attempt().await;
    let told = attempt.post("1").await;
    assert_eq!(told.answer.unwrap().header(crate::ASSUMED), Some("1"));
    assert_eq!(house.arrived().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stale_worker_starts_nothing() {
    let mut house = House::new().await;
    let mut stale = house.attempt().await;
    house.resumed().await;
    assert_eq!(stale.post_halted("1").await, Halt::Stale);
    assert_eq!(house.arrived().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_fits_nothing_is_held_for_other_lanes_then_parked_with_both() {
    let mut house = House::new().await;
    let mut attempt = house.attempt().await;
    attempt.post(r#"{"text": "old"}"#).await;
    attempt.close(false).await;

    house.resumed().await;
    let mut attempt = house.attempt().await;
    attempt.ask(
        "0",
        "POST",
        NOTES,
        &[("Content-Type", "application/json")],
        r#"{"text": "new"}"#,
    );
    attempt.session.lane(&Lane("0.1".to_owned()), false);
    // The main lane is held; the other one asks for what is left.
    let other = attempt.ask(
        "0.1",
        "POST",
        NOTES,
        &[("Content-Type", "application/json")],
        r#"{"text": "old"}"#,
    );
    let (one, two) = (attempt.told().await, attempt.told().await);
    assert_eq!([one.phase, two.phase], ["done", "done"]);
    assert!([one.request, two.request].contains(&other));
    attempt.close(true).await;
    assert_eq!(house.arrived(), [r#"{"text": "old"}"#, r#"{"text": "new"}"#]);

    house.resumed().await;
    let mut attempt = house.attempt().await;
    assert_eq!(attempt.post_halted(r#"{"text": "newer"}"#).await, Halt::Park);
    attempt.close(false).await;
    let records = house.records().await;
    let parked = records
        .iter()
        .find(|record| matches!(record.head, Head::Parked(_)))
        .unwrap();
    assert_eq!(parked.body, br#"{"text": "newer"}"#);
    let Head::Parked(domain::effect::Parked::Mismatch { beside, .. }) = &parked.head else {
        panic!()
    };
    assert_eq!(beside.len(), 2);
    assert_eq!(house.arrived().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_written_down() {
    let house = House::new().await;
    house.answers([answered(200, &[], b"{\"access_token\": \"hush-1\"}")]);
    let mut attempt = house.attempt().await;
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    attempt.ask(
        "0",
        "POST",
        "https://login.example.com/token",
        &form,
        "grant_type=client_credentials&client_secret=hush-2",
    );
    assert_eq!(attempt.told().await.body, b"{\"access_token\": \"hush-1\"}");
    attempt.ask(
        "0",
        "POST",
        NOTES,
        &[("Authorization", "Bearer hush-1"), ("X-Api-Key", "hush-3")],
        "1",
    );
    attempt.told().await;
    attempt.close(true).await;
    for record in house.records().await {
        let bytes = record.to_bytes();
        assert!(!bytes.windows(4).any(|four| four == b"hush"), "{record:?}");
    }
}

/// A way out on which the first request waits until it is let go.
struct Slow(Arc<Receiver>, tokio::sync::Semaphore);

#[async_trait]
impl WayOut for Slow {
    async fn send(&self, sending: Sending<'_>) -> Sent {
        if sending.request.body == b"slow" {
            self.1.acquire().await.unwrap().forget();
        }
        self.0.send(sending).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_when_the_run_must_wait_is_finished_and_given_back_later() {
    let mut house = House::new().await;
    let slow = Arc::new(Slow(house.receiver.clone(), tokio::sync::Semaphore::new(0)));
    let terms = |run: &ClaimedRun| Terms {
        run: run.run,
        epoch: run.epoch,
        opening: run.opening,
        project: given::shop(),
        environment: Environment::Sandbox,
        catalogue: house.catalogue.clone(),
        may_wait: true,
        tries: Tries {
            count: 1,
            within: Duration::ZERO,
        },
        on_blocked: Box::new(|_| {}),
    };
    let (session, told) = Session::open(
        terms(&house.run),
        Arc::new(Kept(house.store.clone())),
        slow.clone(),
        house.world.clone(),
    )
    .await
    .unwrap();
    let mut attempt = Attempt {
        session,
        told,
        number: 0,
    };
    attempt.ask("0.1", "POST", NOTES, &[], "slow");
    tokio::task::yield_now().await;
    house.answers([failed(Trouble::ConnectionRefused)]);
    attempt.ask("0", "POST", "https://other.example.com/", &[], "out");
    attempt.session.halted().await;
    let closing = tokio::spawn(attempt.close(false));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(
        !closing.is_finished(),
        "an attempt is not over while a request is under way"
    );
    slow.1.add_permits(1);
    closing.await.unwrap();
    let unheard: Vec<_> = house
        .outcomes()
        .await
        .into_iter()
        .map(|outcome| (outcome.phase, outcome.heard))
        .collect();
    assert_eq!(unheard, [(Phase::NotSent, false), (Phase::Done, false)]);

    house.resumed().await;
    let mut attempt = house.attempt().await;
    attempt.ask("0.1", "POST", NOTES, &[], "slow");
    assert_eq!(attempt.told().await.phase, "done");
    assert_eq!(
        house.arrived().iter().filter(|body| *body == "slow").count(),
        1,
        "sent once"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_none_and_a_run_without_end_are_refused() {
    let house = House::new().await;
    *house.receiver.store.lock().unwrap() = None;
    let mut attempt = house.attempt().await;
    attempt.ask("0", "GET", "ftp://example.com/", &[], "");
    let told = attempt.told().await;
    assert_eq!(
        (told.code, told.trouble),
        (Some(Code::RequestMalformed), Some(Trouble::Malformed))
    );
    for _ in 0..domain::effect::MAX_EFFECTS {
        attempt.ask("0", "GET", "https://example.com/", &[], "");
        attempt.told().await;
    }
    attempt.ask("0", "GET", "https://example.com/", &[], "");
    assert_eq!(attempt.told().await.code, Some(Code::EffectsLimit));
    assert_eq!(
        attempt.close(true).await.failures(),
        2,
        "code that swallows them has failed all the same"
    );
    assert_eq!(house.arrived().len(), domain::effect::MAX_EFFECTS);
}

/// Pieces that come at once, and then the end, a break, or silence.
#[derive(Debug)]
struct Pieces(VecDeque<&'static str>, Option<Trouble>, bool);

#[async_trait]
impl crate::Rest for Pieces {
    async fn next(&mut self) -> Option<Result<Vec<u8>, (Trouble, String)>> {
        match self.0.pop_front() {
            Some(piece) => Some(Ok(piece.as_bytes().to_vec())),
            None if self.2 => std::future::pending().await,
            None => self
                .1
                .take()
                .map(|trouble| Err((trouble, "crm.example.com broke off".to_owned()))),
        }
    }
}

fn streaming(pieces: &[&'static str], ends: Option<Trouble>, hangs: bool) -> Sent {
    let Sent::Answered { answer, .. } = answered(200, &[("Content-Type", "text/event-stream")], b"") else {
        unreachable!()
    };
    Sent::Streaming {
        answer,
        rest: Box::new(Pieces(pieces.iter().copied().collect(), ends, hangs)),
    }
}

/// What is told of one stream: its pieces, and how it ended.
async fn pieces(attempt: &mut Attempt) -> (Vec<String>, Option<Trouble>) {
    let head = attempt.told().await;
    assert_eq!((head.part, status(&head)), (Part::Head, Some(200)));
    let mut pieces = Vec::new();
    loop {
        let told = attempt.told().await;
        match told.part {
            Part::Piece => pieces.push(String::from_utf8(told.body).unwrap()),
            Part::Last => return (pieces, told.trouble),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_handed_out_as_it_comes_and_given_back_in_the_same_pieces() {
    for trouble in [None, Some(Trouble::Reset)] {
        let mut house = House::new().await;
        house.answers([streaming(&["data: 1\n\n", "data: 2\n\n"], trouble, false)]);
        let mut attempt = house.attempt().await;
        attempt.ask("0", "GET", "https://events.example.com/", &[], "");
        let first = pieces(&mut attempt).await;
        assert_eq!((first.0.len(), first.1), (2, trouble));
        attempt.close(false).await;
        house.resumed().await;
        let mut attempt = house.attempt().await;
        attempt.ask("0", "GET", "https://events.example.com/", &[], "");
        assert_eq!(pieces(&mut attempt).await, first);
        assert_eq!(house.arrived().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_code_closes_is_done_and_one_that_is_no_success_is_read_whole() {
    let house = House::new().await;
    house.answers([streaming(&["data: 1\n\n"], None, true)]);
    let mut attempt = house.attempt().await;
    let number = attempt.ask("0", "POST", NOTES, &[], "1");
    assert_eq!(attempt.told().await.part, Part::Head);
    assert_eq!(attempt.told().await.part, Part::Piece);
    attempt.session.close_stream(number);
    assert_eq!(attempt.told().await.part, Part::Last);
    attempt.close(true).await;
    assert_eq!(house.outcomes().await[0].phase, Phase::Done);
}
