//! A server with everything that it needs, in a folder of its own. Time stands still and ids are counted, so that
//! answers are the same every time.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use api::{
    ConfigurationView, FixedLimit, KeyRequest, LimitUnit, Origin, Problem, RunnerView, Scope, Setting,
};
use async_trait::async_trait;
use crypto::testing::SeededEntropy;
use crypto::{MasterKey, OsEntropy};
use domain::effect::Catalogue;
use domain::run::Policy;
use domain::{
    DeploymentFacts, DeploymentId, Environment, Epoch, ForkWay, KeyId, ProjectName, RunId, Timestamp,
};
use gateway::flow::{Flow, Hosts};
use project::Package;
use runner::Deployed;
use serde_json::{Value, json};
use server::{App, Engine, Limits, ServeOptions};
use store::sqlite::{Options, SqliteStore};
use store::{Activation, DeploymentRecord, Store};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::{Answer, Ask, get, post};

/// Remembers what it was asked, and records deployments without running anything.
pub struct Recorder {
    store: Arc<SqliteStore>,
    pub now: Arc<AtomicI64>,
    pub wakes: AtomicUsize,
    pub kills: Mutex<Vec<(RunId, Epoch)>>,
    pub recovered: AtomicBool,
    pub zygotes: Mutex<Vec<api::ZygoteView>>,
    pub cannot_begin: Mutex<Vec<api::CannotBeginView>>,
    /// Whose policies were asked for.
    pub policies: Mutex<Vec<Option<DeploymentId>>>,
}

impl Recorder {
    fn new(store: &Arc<SqliteStore>, now: &Arc<AtomicI64>) -> Self {
        Self {
            store: Arc::clone(store),
            now: Arc::clone(now),
            wakes: AtomicUsize::new(0),
            kills: Mutex::default(),
            recovered: AtomicBool::new(true),
            zygotes: Mutex::default(),
            cannot_begin: Mutex::default(),
            policies: Mutex::default(),
        }
    }
}

#[async_trait]
impl Engine for Recorder {
    fn wake(&self) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }

    fn kill(&self, run: RunId, epoch: Epoch) {
        self.kills.lock().unwrap().push((run, epoch));
    }

    async fn deploy(
        &self,
        project: ProjectName,
        package: Package,
        message: Option<String>,
    ) -> Result<Deployed, Box<Problem>> {
        let id = project::deployment_id(&project, &package.content_hash("python", "runtime", None), 7);
        let new = self.store.deployment(id).await.unwrap().is_none();
        let facts = DeploymentFacts {
            message,
            ..facts(&project, id)
        };
        deploy_into(
            &*self.store,
            facts.clone(),
            Environment::Sandbox,
            now_of(&self.now),
        )
        .await;
        Ok(Deployed {
            record: DeploymentRecord { facts },
            new,
        })
    }

    async fn status(&self) -> RunnerView {
        RunnerView {
            running: 1,
            concurrency: 16,
            recovered: self.is_recovered(),
            confinement: "required".to_owned(),
            zygotes: self.zygotes.lock().unwrap().clone(),
            cannot_begin: self.cannot_begin.lock().unwrap().clone(),
        }
    }

    fn is_recovered(&self) -> bool {
        self.recovered.load(Ordering::SeqCst)
    }

    async fn policy(&self, deployment: Option<DeploymentId>) -> Policy {
        self.policies.lock().unwrap().push(deployment);
        Policy::default()
    }

    async fn catalogue(&self, _: Option<DeploymentId>) -> Arc<Catalogue> {
        Arc::new(Catalogue::shipped().clone())
    }
}

fn flow(now: &Arc<AtomicI64>) -> Flow {
    let now = Arc::clone(now);
    Flow::new(Hosts::default(), move || now_of(&now))
}

fn now_of(now: &AtomicI64) -> Timestamp {
    Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap()
}

pub fn facts(project: &ProjectName, id: DeploymentId) -> DeploymentFacts {
    DeploymentFacts {
        id,
        project: project.clone(),
        created_at: "2026-01-05T09:00:00Z".parse().unwrap(),
        entry: "functions/end_function.py".to_owned(),
        files: 1,
        bytes: 120,
        python: "3.11.7".to_owned(),
        hash_seed: 7,
        fork_way: ForkWay::RawFork,
        fork_reason: "one thread, no extension modules".to_owned(),
        message: None,
        warnings: Vec::new(),
        lock: None,
    }
}

async fn deploy_into(store: &dyn Store, facts: DeploymentFacts, environment: Environment, at: Timestamp) {
    let activation = Activation {
        project: facts.project.clone(),
        environment,
        deployment: facts.id,
        at,
    };
    store.put_deployment(DeploymentRecord { facts }).await.unwrap();
    store.activate(activation, &Policy::default()).await.unwrap();
}

/// What is different from the usual.
pub struct Plan {
    pub queue_limit: u64,
    pub limits: Limits,
    pub insecure_no_auth: bool,
    pub unix_socket: bool,
    /// Something that must end before the server does: [`House::end_work`].
    pub works: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            queue_limit: 1000,
            limits: Limits::default(),
            insecure_no_auth: false,
            unix_socket: false,
            works: false,
        }
    }
}

/// A running server.
pub struct House {
    pub address: SocketAddr,
    pub store: Arc<SqliteStore>,
    pub engine: Arc<Recorder>,
    /// Of a key that may do everything.
    pub admin: String,
    pub socket: Option<PathBuf>,
    now: Arc<AtomicI64>,
    app: App,
    stop: Option<oneshot::Sender<()>>,
    work: Option<oneshot::Sender<()>>,
    pub stopped: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl House {
    pub async fn new() -> Self {
        Self::with(Plan::default()).await
    }

    pub async fn with(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let options = Options {
            queue_limit: plan.queue_limit,
            reserve_bytes: 0,
            ..Options::new(&data)
        };
        let master = MasterKey::generate(&OsEntropy).unwrap();
        let on_fatal = Arc::new(|why: &str| panic!("the store gave up: {why}"));
        let store = SqliteStore::open(options, master, Arc::new(OsEntropy), on_fatal).unwrap();
        let now = Arc::new(AtomicI64::new(
            "2026-01-05T10:00:00Z".parse::<Timestamp>().unwrap().as_second(),
        ));
        let engine = Arc::new(Recorder::new(&store, &now));
        let entropy = Arc::new(SeededEntropy::new(1));
        let ids = AtomicU64::new(1);
        let clock = Arc::clone(&now);
        let app = App {
            store: Arc::clone(&store) as Arc<dyn Store>,
            flow: flow(&now),
            engine: Arc::clone(&engine) as Arc<dyn Engine>,
            clock: Arc::new(move || now_of(&clock)),
            ids: Arc::new(move || counted_id(ids.fetch_add(1, Ordering::SeqCst))),
            entropy: entropy.clone(),
            configuration: configuration(),
            version: "0.0.0-test".to_owned(),
        };
        let socket = plan.unix_socket.then(|| data.join(api::SOCKET_NAME));
        let options = ServeOptions {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            unix_socket: socket.clone(),
            insecure_no_auth: plan.insecure_no_auth,
            limits: plan.limits,
        };
        let bound = server::bind(options, app.clone()).await.unwrap();
        let address = bound.addresses()[0];
        let (stop, stopping) = oneshot::channel();
        let (work, worked) = oneshot::channel();
        // Dropped without a word at the end of a test: that stops it too.
        let told = |told: oneshot::Receiver<()>| async move {
            let _ = told.await;
        };
        let stopped = tokio::spawn(bound.run(told(stopping), told(worked)));
        let request = KeyRequest {
            label: "the first".to_owned(),
            project: None,
            environments: Environment::ALL.to_vec(),
            scope: Scope::Admin,
        };
        let id = KeyId::from_uuid(counted_id(0));
        let admin = server::keys::create(&*store, &*entropy, id, now_of(&now), request)
            .await
            .unwrap()
            .secret;
        Self {
            address,
            store,
            engine,
            admin,
            socket,
            now,
            app,
            stop: Some(stop),
            work: plan.works.then_some(work),
            stopped,
            _folder: folder,
        }
    }

    /// A house with project `support`, deployed and active in sandbox.
    pub async fn with_support() -> Self {
        Self::with_support_and(Plan::default()).await
    }

    /// The same, where no more is taken than this.
    pub async fn limited(limits: Limits) -> Self {
        let plan = Plan {
            limits,
            ..Plan::default()
        };
        Self::with_support_and(plan).await
    }

    /// The same, with whatever else is different.
    pub async fn with_support_and(plan: Plan) -> Self {
        let house = Self::with(plan).await;
        house.deploy("support", 0xa1, Environment::Sandbox).await;
        house
    }

    /// A deployment whose id is this digit over and over.
    pub async fn deploy(&self, project: &str, byte: u8, environment: Environment) -> DeploymentId {
        let id = DeploymentId::from_bytes([byte; 32]);
        deploy_into(
            &*self.store,
            facts(&project.parse().unwrap(), id),
            environment,
            self.now(),
        )
        .await;
        id
    }

    /// Asks as the admin.
    pub async fn ask(&self, ask: Ask) -> Answer {
        ask.key(&self.admin).over_tcp(self.address).await
    }

    pub async fn read(&self, path: &str) -> Value {
        let answer = self.ask(get(path)).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.body);
        answer.json()
    }

    pub async fn send(&self, conversation: Value) -> Answer {
        self.ask(post("/v1/conversations?project=support").json(conversation))
            .await
    }

    /// Sends one, and gives its run.
    pub async fn run_of(&self, id: &str) -> RunId {
        let answer = self.send(conversation(id)).await;
        assert!(answer.status.is_success(), "{:?}", answer.body);
        answer.json()["run_id"].as_str().unwrap().parse().unwrap()
    }

    /// Makes a key, and gives its secret.
    pub async fn key(&self, scope: &str, project: Option<&str>, environments: &[&str]) -> String {
        let request = json!({"label": "k", "project": project, "environments": environments, "scope": scope});
        let answer = self.ask(post("/v1/keys").json(request)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.json()["secret"].as_str().unwrap().to_owned()
    }

    pub fn now(&self) -> Timestamp {
        now_of(&self.now)
    }

    /// What the server was given.
    pub fn app(&self) -> App {
        self.app.clone()
    }

    pub fn tick(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn end_work(&mut self) {
        self.work = None;
    }

    pub fn stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

/// As version 7 makes them at the time at which the houses stand.
fn counted_id(count: u64) -> Uuid {
    Uuid::from_u128(0x019b_8d99_6900_7000_8000_0000_0000_0000 + u128::from(count))
}

fn configuration() -> ConfigurationView {
    let setting = |name: &str, value: Value, origin| Setting {
        name: name.to_owned(),
        value,
        origin,
    };
    ConfigurationView {
        file: Some("/etc/aftercall.toml".to_owned()),
        settings: vec![
            setting("listen", json!("127.0.0.1:8700"), Origin::Default),
            setting(
                "attempts",
                json!(3),
                Origin::File("/etc/aftercall.toml:4".to_owned()),
            ),
            setting(
                "data",
                json!("/var/lib/aftercall"),
                Origin::Environment("AFTERCALL_DATA".to_owned()),
            ),
        ],
        limits: vec![FixedLimit {
            name: "conversation.turns".to_owned(),
            value: 10_000,
            unit: LimitUnit::Count,
            about: "turns".to_owned(),
        }],
    }
}

/// A small conversation.
pub fn conversation(id: &str) -> Value {
    json!({
        "id": id,
        "channel": "voice",
        "caller_number": "+15550100",
        "callee_number": "+15550199",
        "turns": [{"role": "agent", "text": "Hello."}, {"role": "user", "text": "Hi."}],
        "state": {"topic": "delivery", "tries": 2}
    })
}
