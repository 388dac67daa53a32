//! `aftercall serve`.

mod data;
mod first_key;
mod leftover;
mod log;
mod stop;

use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::Code;
use gateway::flow::Scope;
use runner::{Handle, RunnerOptions};
use server::{App, Bound, Limits, ServeOptions};
use store::{PauseScope, Store};

use crate::assemble::{self, Folders};
use crate::configuration::{Configuration, view};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::{style, table};
use crate::way_out::way_out;
use data::Data;
use stop::Signals;

/// Run the server
#[derive(Debug, Args)]
#[command(
    after_help = "SIGTERM or Ctrl-C stops it: nothing new is taken, what runs may end (--set drain_s=SECONDS); a second one ends it at once.
Whatever is cut off, even by kill -9 or a power cut, goes on at the next start.

Examples:
  aftercall serve
  aftercall serve --data /var/lib/aftercall --listen 0.0.0.0:8700 --log-format json
  aftercall serve --set attempts=3 --set limits.memory_mb=512
  aftercall serve --listen 127.0.0.1:0 --json        tells the port that it was given"
)]
pub struct Serve {
    /// An address to listen on, beside the socket in the data folder; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// The interpreter that runs projects
    #[arg(long, value_name = "PATH")]
    python: Option<String>,
    /// How strictly code is confined: required, best-effort or off
    #[arg(long, value_name = "MODE")]
    confinement: Option<String>,
    /// No API keys; only where every address is loopback
    #[arg(long)]
    insecure_no_auth: bool,
    /// How it is logged: human or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// What is logged: error, warn, info, debug, or module=level pairs
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

impl Serve {
    /// What its options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        let named = [
            ("listen", (!self.listen.is_empty()).then(|| self.listen.join(","))),
            ("python", self.python.clone()),
            ("confinement", self.confinement.clone()),
            (
                "insecure_no_auth",
                self.insecure_no_auth.then(|| "true".to_owned()),
            ),
            ("log_format", self.log_format.clone()),
            ("log", self.log.clone()),
        ];
        named
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }

    /// Serves until it is told to stop.
    ///
    /// # Errors
    /// Whatever keeps it from starting, with what to do about it.
    pub async fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        log::start(&context.configuration)?;
        let signals = Signals::listen()?;
        let parts = Parts::open(context).await?;
        let told = Told::new(context, &parts);
        told.tell(context)?;
        parts.until_stopped(context, signals).await;
        Ok(Exit::Done)
    }
}

/// Everything that runs.
struct Parts {
    data: Data,
    store: Arc<dyn Store>,
    runner: Handle,
    bound: Bound,
    python: String,
}

impl Parts {
    async fn open(context: &Context) -> Result<Self, Box<CliError>> {
        let configuration = &context.configuration;
        let listen = addresses(configuration.list("listen"))?;
        let data = Data::open(context).await?;
        let tmp_root = data.tmp_root(assemble::memory_folder(configuration)?);
        let network = way_out(configuration)?;
        let flow = network.flow().clone();
        let folders = Folders::below(data.folder(), tmp_root);
        let options = assemble::runner_options(configuration, folders, network)?;
        let python = format!(
            "{} ({})",
            options.interpreter.name(),
            options.interpreter.executable.display()
        );
        let store: Arc<dyn Store> = data.store();
        let clock = Arc::clone(&options.clock);
        // Before anything can be sent.
        flow.set_pauses(paused(&*store).await?);
        name_unknown_projects(configuration, &*store).await;
        let runner = start_runner(options, &data).await?;
        let app = App {
            store: data.store(),
            engine: Arc::new(runner.clone()),
            flow,
            clock,
            ids: Arc::new(assemble::new_id),
            entropy: Arc::new(crypto::OsEntropy),
            configuration: view(configuration),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let http = ServeOptions {
            listen,
            unix_socket: Some(data.folder().join(api::SOCKET_NAME)),
            insecure_no_auth: configuration.is_on("insecure_no_auth"),
            limits: Limits {
                drain_timeout: drain_time(context),
                ..Limits::default()
            },
        };
        match server::bind(http, app).await {
            Ok(bound) => {
                if !configuration.is_on("insecure_no_auth") {
                    first_key::make_if_none(context, &*store, data.folder()).await?;
                }
                Ok(Self {
                    data,
                    store,
                    runner,
                    bound,
                    python,
                })
            }
            Err(error) => {
                runner.drain(Duration::ZERO).await;
                store.close().await;
                Err(CliError::usage(
                    error.code(),
                    error.to_string(),
                    "choose other addresses: --listen HOST:PORT",
                ))
            }
        }
    }

    async fn until_stopped(self, context: &Context, mut signals: Signals) {
        let (tell_http, http_told) = tokio::sync::oneshot::channel::<()>();
        let (tell_drained, drained) = tokio::sync::oneshot::channel::<()>();
        // The senders go when it is time, or together with this function.
        let told = |told: tokio::sync::oneshot::Receiver<()>| async move {
            let _ = told.await;
        };
        let http = tokio::spawn(self.bound.run(told(http_told), told(drained)));
        signals.next().await;
        if context.screen.is_watched() {
            context
                .screen
                .note(&style::faint("stopping; once more to end at once"));
        }
        drop(tell_http);
        let patience = drain_time(context);
        let stopping = async {
            self.runner.drain(patience).await;
            drop(tell_drained);
            if let Err(error) = http.await {
                tracing::error!(%error, "the HTTP API did not end well");
            }
            self.store.close().await;
        };
        tokio::select! {
            () = stopping => tracing::info!("stopped"),
            () = signals.next() => {
                tracing::warn!("told to stop twice: ending at once");
                std::process::exit(i32::from(crate::INTERRUPTED));
            }
        }
    }
}

/// A section whose project is misspelt would be of nobody; but its project may also come later.
async fn name_unknown_projects(configuration: &Configuration, store: &dyn Store) {
    // Whoever needs the projects will say that they cannot be read.
    let Ok(known) = store.projects().await else { return };
    let sections: BTreeSet<_> = configuration
        .own()
        .map(|(place, _, _)| place)
        .filter(|place| !known.contains(&place.project))
        .map(|place| place.section().name().to_owned())
        .collect();
    for section in sections {
        tracing::warn!(
            section,
            "no project of this name is deployed here: is it spelt right?"
        );
    }
}

/// What an operator has stopped, as it was kept.
async fn paused(store: &dyn Store) -> Result<Vec<Scope>, Box<CliError>> {
    let pauses = store.pauses().await.map_err(|error| {
        CliError::fault(
            error.code(),
            format!("what is paused cannot be read: {error}"),
            "look at the data folder's disk",
        )
    })?;
    let scope = |scope: PauseScope| Scope {
        project: scope.project,
        environment: scope.environment,
        host: scope.host,
    };
    Ok(pauses.into_iter().map(|(one, _)| scope(one)).collect())
}

fn drain_time(context: &Context) -> Duration {
    Duration::from_secs(context.configuration.number("drain_s"))
}

async fn start_runner(options: RunnerOptions, data: &Data) -> Result<Handle, Box<CliError>> {
    // The store's lock is held by now, so nothing else writes below this folder.
    let swept = project::sweep_unfinished(&options.deployments).map_err(|error| {
        CliError::fault(
            Code::CouldNotStart,
            format!("the runner does not start: {error}"),
            "look at what the system says there",
        )
    })?;
    if swept > 0 {
        tracing::info!(
            swept,
            "removed deployments that were cut off while they were written"
        );
    }
    leftover::sweep(&options.deployments, &*data.store()).await;
    Handle::start(options, data.store(), data.seeds())
        .await
        .map_err(|error| assemble::deploy_error(error, CliError::fault))
}

fn addresses(texts: &[String]) -> Result<Vec<SocketAddr>, Box<CliError>> {
    let mut all = Vec::new();
    for text in texts {
        let found = text.to_socket_addrs().map_err(|error| {
            CliError::usage(
                Code::BadConfiguration,
                format!("listen: {text:?} is no address: {error}"),
                "write it as HOST:PORT, such as 127.0.0.1:8700",
            )
        })?;
        all.extend(found);
    }
    Ok(all)
}

/// What is told once it answers.
#[derive(serde::Serialize)]
struct Told {
    pid: u32,
    listen: Vec<SocketAddr>,
    socket: PathBuf,
    data: PathBuf,
    python: String,
    confinement: String,
}

impl Told {
    fn new(context: &Context, parts: &Parts) -> Self {
        let mode = context.configuration.text("confinement").unwrap_or_default();
        Self {
            pid: std::process::id(),
            listen: parts.bound.addresses().to_vec(),
            socket: parts.data.folder().join(api::SOCKET_NAME),
            data: parts.data.folder().to_path_buf(),
            python: parts.python.clone(),
            confinement: format!("{mode}; {}", parts.runner.confinement()),
        }
    }

    /// On a terminal as a few lines, with `--json` as one, otherwise as an entry of the log.
    fn tell(&self, context: &Context) -> Result<(), Box<CliError>> {
        let listen: Vec<_> = self
            .listen
            .iter()
            .map(|address| format!("http://{address}"))
            .collect();
        if context.screen.is_watched() {
            let url = listen
                .first()
                .map(String::as_str)
                .unwrap_or("(no address: the socket only)");
            context.screen.note(&table::pairs(&[
                ("listening on", style::strong(url)),
                ("data folder", short_home(&self.data, context)),
                ("python", self.python.clone()),
                ("confinement", self.confinement.clone()),
                (
                    "next",
                    "aftercall deploy FOLDER, then aftercall send FILE".to_owned(),
                ),
            ]));
            return Ok(());
        }
        tracing::info!(
            listen = listen.join(" "),
            data = %self.data.display(),
            confinement = self.confinement,
            python = self.python,
            "serving"
        );
        if context.screen.json {
            context.screen.json(self, true)?;
        }
        Ok(())
    }
}

fn short_home(path: &Path, context: &Context) -> String {
    let home = context.configuration.variable("HOME").map(PathBuf::from);
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
