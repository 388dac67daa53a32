//! Starting a zygote: spawn, configure, import, look at what the imports left, decide how to fork.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use confinement::{Mode, ZygotePolicy};
use domain::{Code, ForkWay};
use project::ConversationDefaults;
use tokio::net::unix::pipe;

use super::control::Control;
use super::document::{
    Configure, Configured, DEFAULTS_PACKET, Go, GoFork, LimitsDocument, Ready, VERSION, Warning, ZygoteMode,
};
use super::environment::{Environment, Project};
use super::extensions;
use super::not_imported::{Printed, refused, timed_out, went};
use crate::deploy_error::DeployError;
use crate::launcher::Spawned;
use crate::packet::{self, Packets};
use crate::process::Killer;

/// How long the launcher may take to start a process.
const SPAWN_PATIENCE: Duration = Duration::from_secs(30);
/// How many of a project's extension modules are named where there are more.
const NAMED_EXTENSIONS: usize = 4;

/// A zygote that has imported its project and may fork.
pub struct Imported {
    /// The process.
    pub process: Spawned,
    /// Its control socket, serving.
    pub control: Arc<Control>,
    /// How it forks.
    pub way: ForkWay,
    /// Why so, in a sentence.
    pub reason: String,
    /// The interpreter, as it calls itself.
    pub python: String,
    /// What a careful author would mend.
    pub warnings: Vec<Warning>,
    /// What its imports took, milliseconds.
    pub import_ms: f64,
}

/// Starts a zygote for a project. `wanted` is a way of forking that an earlier look settled on.
///
/// # Errors
/// [`DeployError`]: the project's own doing (AC02xx), or no process could be had (AC0311, AC0501).
pub async fn start(
    environment: &Arc<Environment>,
    project: &Project,
    wanted: Option<ForkWay>,
) -> Result<Imported, DeployError> {
    let error = match import(environment, project, wanted).await {
        Err(error) if !error.code.is_fault_of_surroundings() => error,
        other => return other,
    };
    let looked_at = Arc::clone(environment);
    let fault = aside(move || Ok(looked_at.fault())).await;
    Err(match fault.unwrap_or_else(|error| Some(error.to_string())) {
        // What looks like the project's doing is ours then.
        Some(fault) => DeployError::ours(
            Code::CouldNotStart,
            format!("{fault}; what was seen of it: {}", error.message),
        ),
        None => error,
    })
}

/// Does what waits for the disk where nobody else waits with it.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)
        .flatten()
}

async fn import(
    environment: &Arc<Environment>,
    project: &Project,
    wanted: Option<ForkWay>,
) -> Result<Imported, DeployError> {
    let mode = match wanted {
        // A thread that an import starts would stay outside of what only the thread that enters it is confined by (Landlock).
        Some(ForkWay::LateImport | ForkWay::Cold) => ZygoteMode::LateImport,
        _ => ZygoteMode::Serve,
    };
    let (shared, told) = (Arc::clone(environment), project.clone());
    let first_words = aside(move || Ok(first_words(&shared, &told, mode))).await;
    let (policy, words) =
        first_words.map_err(|error| DeployError::ours(Code::Internal, error.to_string()))??;
    let (packets, process, output) = spawn(environment, policy, project.hash_seed).await?;
    let killer = Killer::default();
    killer.arm(Some(
        process.pidfd.try_clone().map_err(|error| no_zygote(&error))?,
    ));
    // However it does not come to its end, be it that nobody waits for it any more.
    let unfinished = killer.unless_over();
    let printed = Printed::listen(output);
    let answer = async {
        for packet in &words {
            packets.send(packet, &[]).await?;
        }
        packets.receive_json::<Configured>().await
    };
    let answer = match tokio::time::timeout(environment.import_timeout, answer).await {
        Err(_) => return Err(timed_out(environment, project, &killer, printed).await),
        Ok(Ok(None) | Err(_)) => return Err(went(environment, project, process, &killer, printed).await),
        Ok(Ok(Some((answer, _)))) => answer,
    };
    let ready = match answer {
        Configured::Ready(ready) => ready,
        Configured::Failed(failed) => return Err(refused(failed)),
    };
    let threads = thread_count(process.pid);
    let (way, reason) = decide(wanted, &ready, threads);
    if way == ForkWay::LateImport && mode == ZygoteMode::Serve {
        // This process has threads that a fork would lose; another one, without the project, takes its place.
        drop(unfinished);
        let mut late = Box::pin(import(environment, project, Some(way))).await?;
        late.reason = reason;
        late.warnings = ready.warnings;
        return Ok(late);
    }
    let fork = match way {
        ForkWay::RawFork => "_fork",
        ForkWay::Fork | ForkWay::LateImport => "fork",
        ForkWay::Cold => "none",
    };
    let go = serde_json::to_vec(&Go {
        go: GoFork {
            fork,
            settle: environment.settle,
        },
    })
    .map_err(|e| DeployError::ours(Code::Internal, e.to_string()))?;
    if packets.send(&go, &[]).await.is_err() {
        return Err(went(environment, project, process, &killer, printed).await);
    }
    unfinished.over();
    Ok(Imported {
        process,
        control: Control::serve(packets, killer),
        way,
        reason,
        python: ready.python,
        warnings: ready.warnings,
        import_ms: ready.import_ms,
    })
}

async fn spawn(
    environment: &Arc<Environment>,
    policy: ZygotePolicy,
    hash_seed: u32,
) -> Result<(Packets, Spawned, pipe::Receiver), DeployError> {
    let failed = |error| no_zygote(&error);
    let (ours, theirs) = packet::pair().map_err(failed)?;
    let (reader, writer) = output_pipe().map_err(failed)?;
    let request = environment.spawn_request(policy, hash_seed);
    let shared = Arc::clone(environment);
    let launcher = aside(move || shared.launchers.alive()).await.map_err(failed)?;
    let spawned = tokio::time::timeout(SPAWN_PATIENCE, launcher.spawn(request, theirs, writer)).await;
    let process = spawned
        .unwrap_or_else(|_| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the launcher does not answer",
            ))
        })
        .map_err(failed)?;
    Ok((Packets::new(ours).map_err(failed)?, process, reader))
}

fn no_zygote(error: &io::Error) -> DeployError {
    let code = if error.kind() == io::ErrorKind::Unsupported {
        Code::ConfinementMissing
    } else {
        Code::CouldNotStart
    };
    DeployError::ours(code, format!("no zygote could be started: {error}"))
}

/// A pipe whose reading end is ours, for tasks.
///
/// # Errors
/// Whatever the system says.
pub fn output_pipe() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((pipe::Receiver::from_owned_fd(reader)?, writer))
}

/// What a zygote is allowed, and what it is told first: how it is configured, and what its project's conversations show.
fn first_words(
    environment: &Environment,
    project: &Project,
    mode: ZygoteMode,
) -> Result<(ZygotePolicy, Vec<Vec<u8>>), DeployError> {
    let policy = environment.policy(project).map_err(|error| {
        DeployError::ours(
            Code::NoInterpreter,
            format!("the interpreter's files cannot be found: {error}"),
        )
    })?;
    let internal = |error: serde_json::Error| DeployError::ours(Code::Internal, error.to_string());
    let defaults = ConversationDefaults::of_folder(&project.folder).map_err(|error| {
        DeployError::ours(
            Code::StoreFailed,
            format!("the project's configuration cannot be read: {error}"),
        )
    })?;
    let defaults = match defaults.is_empty() {
        true => Vec::new(),
        false => serde_json::to_vec(&defaults).map_err(internal)?,
    };
    let configure = configuration(environment, &policy, project, mode, defaults.len());
    let mut words = vec![serde_json::to_vec(&configure).map_err(internal)?];
    words.extend(defaults.chunks(DEFAULTS_PACKET).map(<[u8]>::to_vec));
    Ok((policy, words))
}

fn configuration(
    environment: &Environment,
    policy: &ZygotePolicy,
    project: &Project,
    mode: ZygoteMode,
    defaults: usize,
) -> Configure {
    let confine = environment.mode != Mode::Off;
    Configure {
        version: VERSION,
        runtime: environment.runtime.folder.clone(),
        preload: environment.runtime.preload(),
        project: project.folder.clone(),
        entry: project.entry.clone(),
        mode,
        virtualenv: project.packages.clone(),
        confine,
        base_filter: BASE64.encode(confinement::base_filter()),
        child_filter: BASE64.encode(confinement::child_filter()),
        // Without Landlock there is no layer to make for each child.
        child_read: if confinement::probe().landlock_abi.is_some() {
            confinement::child_read_paths(policy)
        } else {
            Vec::new()
        },
        tmp_root: environment.tmp.path().to_owned(),
        limits: LimitsDocument {
            cpu_s: project.limits.cpu.as_secs().max(1),
            address_space: project.limits.address_space,
            file_size: project.limits.file_size,
            open_files: project.limits.open_files,
        },
        defaults,
    }
}

fn decide(wanted: Option<ForkWay>, ready: &Ready, threads: usize) -> (ForkWay, String) {
    match wanted {
        Some(ForkWay::Cold) => (ForkWay::Cold, "a forked child hung".to_owned()),
        Some(ForkWay::LateImport) => (ForkWay::LateImport, "its imports leave threads behind".to_owned()),
        _ if threads > 1 => {
            let names = if ready.threads.is_empty() {
                "of native code".to_owned()
            } else {
                ready.threads.join(", ")
            };
            let left = match threads - 1 {
                1 => "a thread".to_owned(),
                count => format!("{count} threads"),
            };
            (
                ForkWay::LateImport,
                format!("its imports leave {left} behind ({names})"),
            )
        }
        _ => match &extensions::unknown(&ready.extensions)[..] {
            [] => (
                ForkWay::RawFork,
                "one thread, and only extension modules known to survive it".to_owned(),
            ),
            unknown => (
                ForkWay::Fork,
                format!(
                    "it loads extension modules that may need at-fork handlers ({})",
                    few(unknown)
                ),
            ),
        },
    }
}

/// A list of names, cut where it gets long.
fn few(names: &[&str]) -> String {
    match names.get(NAMED_EXTENSIONS..) {
        Some(more @ [_, _, ..]) => {
            format!("{} and {} more", names[..NAMED_EXTENSIONS].join(", "), more.len())
        }
        _ => names.join(", "),
    }
}

/// How many threads a process has, asked of the kernel: what the process says of itself is its author's word. Nothing is read
/// from a disk for that.
fn thread_count(pid: i32) -> usize {
    match std::fs::read_dir(format!("/proc/{pid}/task")) {
        Ok(entries) => entries.count(),
        Err(error) => {
            tracing::warn!(pid, %error, "threads cannot be counted; taking the slow, safe way");
            usize::MAX
        }
    }
}
