//! The data folder: its key and its store.

use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::{KeyError, KeySource, MasterKey, OsEntropy};
use domain::Code;
use runner::Seeds;
use sha2::{Digest as _, Sha256};
use store::sqlite::{Options, SqliteStore};
use store::{Store, StoreError};

use crate::configuration::Configuration;
use crate::context::Context;
use crate::error::{CliError, Exit};

/// The master key's file in a data folder, where nothing else is said.
const KEY_FILE: &str = "master.key";
/// What shows that a data folder is in use, and its key not to be made anew: either of its databases.
const DATABASES: [&str; 2] = ["aftercall.db", "keys.db"];

/// See the module.
pub(super) struct Data {
    folder: PathBuf,
    store: Arc<SqliteStore>,
    seeds: Seeds,
}

impl Data {
    /// Opens the folder, or makes it.
    pub(super) async fn open(context: &Context) -> Result<Self, Box<CliError>> {
        let folder = make_folder(&context.configuration.data_folder()?)?;
        let source = key_source(&context.configuration, &folder)?;
        let is_new = !DATABASES.iter().any(|name| folder.join(name).exists());
        let mut options = Options::new(&folder);
        options.queue_limit = context.configuration.number("queue_limit");
        let opening = tokio::task::spawn_blocking(move || {
            let master = if is_new {
                source.load_or_create(&OsEntropy)
            } else {
                source.load()
            };
            let master = master.map_err(|error| key_error(&error))?;
            let seeds = Seeds::new(|purpose| master.keyed_hash(purpose));
            open_store(options, master).map(|store| (store, seeds))
        });
        let (store, seeds) = opening.await.map_err(|error| {
            CliError::fault(
                Code::Internal,
                format!("opening the data folder broke off: {error}"),
                "please report this",
            )
        })??;
        Ok(Self { folder, store, seeds })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    pub(super) fn seeds(&self) -> Seeds {
        self.seeds.clone()
    }

    /// Attempts' folders of this data folder's server: always the same, so that the next start clears what one left.
    pub(super) fn tmp_root(&self, memory: PathBuf) -> PathBuf {
        let digest = Sha256::digest(self.folder.as_os_str().as_encoded_bytes());
        let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        memory.join(format!("serve-{name}"))
    }
}

fn make_folder(folder: &Path) -> Result<PathBuf, Box<CliError>> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| folder.canonicalize()).map_err(|error| {
        CliError::usage(
            Code::BadConfiguration,
            format!("the data folder {} cannot be used: {error}", folder.display()),
            "name another: --data DIR",
        )
    })
}

fn key_source(configuration: &Configuration, folder: &Path) -> Result<KeySource, Box<CliError>> {
    let Some(text) = configuration.text("master_key_from") else {
        return Ok(KeySource::File(folder.join(KEY_FILE)));
    };
    match text.split_once(':') {
        Some(("file", path)) => Ok(KeySource::File(path.into())),
        Some(("env", name)) => Ok(KeySource::Env(name.to_owned())),
        Some(("command", command)) => {
            let mut words = command.split_whitespace().map(str::to_owned);
            let program = words.next().unwrap_or_default();
            Ok(KeySource::Command {
                program,
                args: words.collect(),
            })
        }
        // What stands there may be the key itself, by mistake: it is not repeated.
        _ => Err(CliError::usage(
            Code::BadConfiguration,
            "master_key_from names no source",
            "write file:PATH, env:VARIABLE or command:PROGRAM ARGUMENT…",
        )),
    }
}

fn key_error(error: &KeyError) -> Box<CliError> {
    CliError::usage(
        Code::BadMasterKey,
        error.to_string(),
        "name the key with master_key_from (file:PATH, env:VARIABLE, command:PROGRAM)",
    )
}

fn open_store(options: Options, master: MasterKey) -> Result<Arc<SqliteStore>, Box<CliError>> {
    // The next start reads what is really on the disk; this process no longer knows.
    let on_fatal = Arc::new(|why: &str| {
        tracing::error!(
            why,
            "the disk cannot be trusted any more: ending, so that the next start reads what is there"
        );
        std::process::exit(Exit::Fault as i32);
    });
    SqliteStore::open(options, master, Arc::new(OsEntropy), on_fatal).map_err(|error| {
        let fix = match &error {
            StoreError::InUse { pid, .. } => {
                format!(
                    "another server has it (process {pid}); stop that one, or name another folder with --data"
                )
            }
            StoreError::TooNew { .. } => {
                "use the version of Aftercall that wrote it, or a newer one".to_owned()
            }
            StoreError::Torn { torn, .. } => torn.fix().to_owned(),
            StoreError::Sealed(_) => {
                "give the key that the folder was made with (master_key_from)".to_owned()
            }
            _ => "look at the folder's permissions and the disk's space".to_owned(),
        };
        let code = error.code();
        match error {
            StoreError::InUse { .. }
            | StoreError::TooNew { .. }
            | StoreError::Torn { .. }
            | StoreError::Sealed(_) => CliError::usage(code, error.to_string(), fix),
            _ => CliError::fault(code, error.to_string(), fix),
        }
    })
}
