//! From settings to a runner's options: the one place where clock, randomness and the machine are taken hold of.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io, thread};

use confinement::{Limits, Mode};
use crypto::Entropy as _;
use domain::run::{Backoff, Policy};
use domain::{Code, Incarnation, Timestamp};
use effects::WayOut;
use jiff::tz::TimeZone;
use project::{InterpreterChoice, InterpreterFacts, find_interpreter};
use runner::{ATTEMPTS_PER_CORE, Clock, RunnerOptions};
use uuid::Uuid;

use crate::configuration::Configuration;
use crate::dependencies;
use crate::error::CliError;

/// Where files in memory lie on Linux.
const MEMORY_FOLDER: &str = "/dev/shm";
const MIB: u64 = 1024 * 1024;

/// Where a runner keeps its things.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Runtimes, each in a folder named by its hash.
    pub runtimes: PathBuf,
    /// Deployments, each in a folder named by its id.
    pub deployments: PathBuf,
    /// Environments, each in a folder named by what it holds.
    pub environments: PathBuf,
    /// What this boot's launcher is.
    pub launcher_file: PathBuf,
    /// Attempts' own folders.
    pub tmp_root: PathBuf,
}

impl Folders {
    /// All below one folder.
    #[must_use]
    pub fn below(folder: &Path, tmp_root: PathBuf) -> Self {
        Self {
            runtimes: folder.join("runtimes"),
            deployments: folder.join("deployments"),
            environments: folder.join("environments"),
            launcher_file: folder.join("launcher.json"),
            tmp_root,
        }
    }
}

/// The wall clock.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that takes hold of it; everybody else is given it"
)]
pub fn clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// The zone that this machine's people live in: for telling times, never for deciding anything.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that asks for it; everybody else is given it"
)]
pub fn zone() -> TimeZone {
    TimeZone::system()
}

/// A new identifier, UUID version 7: later ones are greater, also within a millisecond.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that makes them; everybody else is given it"
)]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// An idempotency key: random throughout, so that nobody who sees one can tell another.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place that makes them; everybody else is given it"
)]
fn new_key() -> Uuid {
    let mut bytes = [0; 16];
    match crypto::OsEntropy.fill(&mut bytes) {
        Ok(()) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
        Err(_) => Uuid::now_v7(), // unique all the same
    }
}

/// Uniform in [0, 1), from the system.
fn chance() -> f64 {
    let mut bytes = [0; 8];
    // Chance only spreads retries: without any, they come at the middle of their range.
    match crypto::OsEntropy.fill(&mut bytes) {
        #[allow(clippy::cast_precision_loss)] // 53 bits are exactly what a float holds
        Ok(()) => (u64::from_be_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64,
        Err(_) => 0.5,
    }
}

/// The interpreter that is wanted, or the first usable one.
///
/// # Errors
/// `AC0212`.
pub fn interpreter(configuration: &Configuration) -> Result<InterpreterFacts, Box<CliError>> {
    let choice = InterpreterChoice {
        wanted: configuration.text("python").map(Path::new),
        search_path: configuration.variable("PATH").map(|path| &**path),
    };
    Ok(find_interpreter(choice)?)
}

/// Everything that a runner is told.
///
/// # Errors
/// `AC0212` without a usable interpreter, `AC0901` if this program does not know where it lies.
pub fn runner_options(
    configuration: &Configuration,
    folders: Folders,
    way_out: Arc<dyn WayOut>,
) -> Result<RunnerOptions, Box<CliError>> {
    let number = |name: &str| configuration.number(name);
    let seconds = |name: &str| Duration::from_secs(number(name));
    let program = env::current_exe().map_err(|error| {
        CliError::fault(
            Code::Internal,
            format!("this program does not find itself: {error}"),
            "start it by its full path",
        )
    })?;
    let interpreter = interpreter(configuration)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let concurrency = configuration.get("concurrency").map(|_| number("concurrency"));
    Ok(RunnerOptions {
        incarnation: Incarnation::from_uuid(new_id()),
        program,
        runtimes: folders.runtimes,
        deployments: folders.deployments,
        dependencies: dependencies::options(configuration, folders.environments, &interpreter)?,
        launcher_file: folders.launcher_file,
        tmp_root: folders.tmp_root,
        interpreter,
        mode: match configuration.text("confinement") {
            Some("off") => Mode::Off,
            Some("best-effort") => Mode::BestEffort,
            _ => Mode::Required,
        },
        limits: Limits {
            cpu: seconds("limits.cpu_s"),
            address_space: number("limits.memory_mb") * MIB,
            file_size: number("limits.tmp_mb") * MIB,
            open_files: number("limits.open_files"),
        },
        terms: runner::attempt::Terms {
            deadline: seconds("deadline_s"),
            grace: seconds("grace_s"),
            ..Default::default()
        },
        policy: policy(configuration),
        concurrency: concurrency
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(ATTEMPTS_PER_CORE * cores),
        warm_zygotes: usize::try_from(number("warm_zygotes")).unwrap_or(runner::WARM_ZYGOTES),
        import_timeout: seconds("import_timeout_s"),
        clock: clock(),
        chance: Arc::new(chance),
        keys: Arc::new(|| new_key().to_string()),
        way_out,
    })
}

fn policy(configuration: &Configuration) -> Policy {
    let small = |name: &str| u32::try_from(configuration.number(name)).unwrap_or(u32::MAX);
    let span = |seconds: u64| jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    Policy {
        attempts: small("attempts"),
        backoff: Backoff {
            base: span(configuration.number("backoff.base_s")),
            factor: small("backoff.factor"),
            cap: span(configuration.number("backoff.cap_s")),
        },
        age_limit: span(configuration.number("age_limit_h").saturating_mul(3_600)),
        ..Policy::default()
    }
}

/// A folder of this user's own, in memory where the system has a place for that: below it everything is made anew at
/// each start. Names there can be guessed, so one that somebody else has made first is refused.
///
/// # Errors
/// `AC0803` if it cannot be made or belongs to somebody else.
pub fn memory_folder(configuration: &Configuration) -> Result<PathBuf, Box<CliError>> {
    let shared = Path::new(MEMORY_FOLDER);
    let system = if shared.is_dir() {
        shared.to_path_buf()
    } else {
        env::temp_dir()
    };
    if let Some(folder) = configuration.path("tmp_root") {
        return Ok(folder);
    }
    let user = rustix::process::getuid().as_raw();
    let folder = system.join(format!("aftercall-{user}"));
    own_folder(&folder, user).map_err(|error| {
        CliError::usage(
            Code::BadConfiguration,
            format!("{} cannot be used for temporary files: {error}", folder.display()),
            "name another: --set tmp_root=DIR",
        )
    })?;
    Ok(folder)
}

fn own_folder(folder: &Path, user: u32) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && found.uid() == user && found.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "it is not a folder of this user alone",
    ))
}

/// The error that a command ends with when a project could not be readied: its own fault is `project`, all else is ours.
#[must_use]
pub fn deploy_error(
    error: runner::DeployError,
    project: fn(Code, String, String) -> Box<CliError>,
) -> Box<CliError> {
    let fix = error
        .fix
        .unwrap_or_else(|| format!("see `{}`", crate::screen::more(error.code)));
    let told = match &error.error {
        // Without a kind no exception was raised: the message says it all.
        Some(raised) if !raised.kind.is_empty() && !raised.message.is_empty() => {
            format!("{}: {}: {}", error.code.title(), raised.kind, raised.message)
        }
        _ => error.message,
    };
    let is_project = error.code.as_str().starts_with("AC02");
    let made = if is_project {
        project(error.code, told, fix)
    } else {
        CliError::fault(error.code, told, fix)
    };
    let made = match (error.file, error.line) {
        (Some(file), Some(line)) => made.at(format!("{file}:{line}")),
        (Some(file), None) => made.at(file),
        (None, _) => made,
    };
    let traceback = error.error.map(|raised| raised.traceback).unwrap_or_default();
    made.with_details(traceback.trim().lines().map(str::to_owned).collect())
}
