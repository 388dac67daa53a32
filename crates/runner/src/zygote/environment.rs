//! Everything that all zygotes of one server share: interpreter, runtime, limits, where temporary folders lie.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use confinement::{Limits, Mode, ZygotePolicy};
use project::InterpreterFacts;

use crate::launcher::{Launcher, SpawnRequest};
use crate::recovery;
use crate::runtime::Runtime;
use crate::tmp::TmpRoot;

/// See the module.
pub struct Environment {
    /// Starts the processes.
    pub launchers: Launchers,
    /// What runs in them.
    pub runtime: Runtime,
    /// What runs that.
    pub interpreter: InterpreterFacts,
    /// How much confinement is asked for.
    pub mode: Mode,
    /// Below it each child has a folder of its own.
    pub tmp: Arc<TmpRoot>,
    /// How long the imports of a project may take.
    pub import_timeout: Duration,
    /// Whether zygotes spend time at their start to make each child cheaper: for many, not for a few.
    pub settle: bool,
}

/// What a zygote has to know of the project that it is for.
#[derive(Debug, Clone)]
pub struct Project {
    /// Where its files lie.
    pub folder: PathBuf,
    /// Its entry, relative.
    pub entry: String,
    /// The folder of the packages that it brought, where it brought any: before the interpreter's own.
    pub packages: Option<PathBuf>,
    /// `PYTHONHASHSEED`.
    pub hash_seed: u32,
    /// Of each child.
    pub limits: Limits,
}

/// The launcher there is; one that ended is replaced by the next.
pub struct Launchers {
    /// The `aftercall` binary.
    pub program: PathBuf,
    /// Where the current one is written down.
    pub file: PathBuf,
    /// See the type.
    pub current: Mutex<Arc<Launcher>>,
}

impl Launchers {
    /// Starts the first one.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start(program: PathBuf, file: PathBuf) -> io::Result<Self> {
        let first = launch(&program, &file)?;
        Ok(Self {
            program,
            file,
            current: Mutex::new(first),
        })
    }

    /// Whether the current one has ended, and everything that it started with it.
    pub fn is_gone(&self) -> bool {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_gone()
    }

    /// One that is alive. To be called where it may block: for the start of another, if it comes to that.
    ///
    /// # Errors
    /// Whatever the system says when it has to be started.
    pub fn alive(&self) -> io::Result<Arc<Launcher>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_gone() {
            tracing::error!(
                pid = current.pid(),
                "the launcher ended, and all zygotes with it; starting another"
            );
            *current = launch(&self.program, &self.file)?;
        }
        Ok(Arc::clone(&current))
    }
}

/// How long imports may take unless configured: slow for a laptop's first start of a large library, short for a person who waits.
pub const IMPORT_TIMEOUT: Duration = Duration::from_secs(30);

fn launch(program: &Path, file: &Path) -> io::Result<Arc<Launcher>> {
    let launcher = Launcher::start(program)?;
    recovery::mark_launcher(file, launcher.pid())?;
    Ok(launcher)
}

impl Environment {
    /// What is wrong with what all zygotes need, if something is: then no project is to blame that cannot be imported.
    pub fn fault(&self) -> Option<String> {
        if self.launchers.is_gone() {
            return Some("the launcher ended, and all zygotes with it".to_owned());
        }
        let what = match self.runtime.difference() {
            Ok(difference) => difference?,
            Err(error) => error.to_string(),
        };
        let folder = self.runtime.folder.display();
        Some(format!(
            "the Python runtime in {folder} is damaged ({what}): start the server again, which mends it"
        ))
    }

    /// What a zygote for `project` may read, and what it may not do.
    ///
    /// # Errors
    /// When the interpreter cannot be found or read.
    pub fn policy(&self, project: &Project) -> io::Result<ZygotePolicy> {
        let mut read = confinement::interpreter_paths(&confinement::InterpreterFacts {
            executable: self.interpreter.executable.clone(),
            prefix: self.interpreter.prefix.clone(),
            base_prefix: self.interpreter.base_prefix.clone(),
            library: self.interpreter.library(),
        });
        read.push(self.runtime.folder.clone());
        read.push(project.folder.clone());
        read.extend(project.packages.clone());
        Ok(ZygotePolicy {
            mode: self.mode,
            read,
            execute: confinement::execute_paths(&self.interpreter.executable)?,
            tmp_root: self.tmp.path().to_owned(),
            network: false,
            limits: project.limits.clone(),
        })
    }

    /// The process itself: isolated from the user's site, environment cleared, hashes seeded by the deployment.
    pub fn spawn_request(&self, policy: ZygotePolicy, hash_seed: u32) -> SpawnRequest {
        let variable = |name: &str, value: String| (name.to_owned(), value);
        let preload = self.runtime.preload().display().to_string();
        let preload = Some(preload).filter(|path| is_one_preload(path));
        if preload.is_none() {
            let folder = self.runtime.folder.display();
            tracing::warn!(%folder, "code that is retried has the time it is, not the time of then: no part of the data folder's path may hold a space or a colon for that");
        }
        SpawnRequest {
            id: 0,
            program: self.interpreter.executable.display().to_string(),
            args: ["-s", "-P", "-B"]
                .map(str::to_owned)
                .into_iter()
                .chain([self.runtime.zygote().display().to_string()])
                .collect(),
            env: vec![
                variable("PYTHONHASHSEED", hash_seed.to_string()),
                // Sixteen threads would reserve 1 GB of address space with an arena each.
                variable("MALLOC_ARENA_MAX", "2".to_owned()),
                variable("OPENBLAS_NUM_THREADS", "1".to_owned()),
                variable("OMP_NUM_THREADS", "1".to_owned()),
                variable("MKL_NUM_THREADS", "1".to_owned()),
                variable("LANG", "C.UTF-8".to_owned()),
                variable("PATH", "/usr/bin:/bin".to_owned()),
            ]
            .into_iter()
            // Before the C library's own functions, so that it can say what time it is.
            .chain(preload.map(|path| variable("LD_PRELOAD", path)))
            .collect(),
            cwd: self.tmp.path().display().to_string(),
            policy,
        }
    }
}

/// Whether `LD_PRELOAD` takes a path for one: it is a list (ld.so(8)), and there is no way to quote.
fn is_one_preload(path: &str) -> bool {
    !path.contains([' ', ':'])
}
