//! Opening a folder, in the order that it needs: lock, databases, key, threads.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crypto::{Entropy, MasterKey};
use domain::run::Policy;
use rusqlite::Connection;

use super::checkpoint::{Checkpointer, Database, Log};
use super::connect::{self, Use};
use super::counts::Counts;
use super::deployments::{self, FreeHeld};
use super::failure::failed;
use super::folder::Folder;
use super::gate::Gate;
use super::key_ring::KeyRing;
use super::lanes::Lanes;
use super::options::Options;
use super::readers::Readers;
use super::reserve::Reserve;
use super::seal::Sealer;
use super::stranded::StrandedRuns;
use super::writer::{OnFatal, Shared, Writer};
use super::{Held, SqliteStore, keys, pair, schema};
use crate::StoreError;

impl SqliteStore {
    /// Opens a data folder, or makes one, and recovers what its last process left. Blocks.
    ///
    /// `on_fatal` is called when the disk cannot be trusted any more; it is to end the process.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has it, [`StoreError::TooNew`] if a newer version wrote it,
    /// [`StoreError::Torn`] if one of its databases is missing or of another store, [`StoreError::Sealed`] if it was sealed
    /// with another master key, else [`StoreError::Failed`].
    pub fn open(
        options: Options,
        master: MasterKey,
        entropy: Arc<dyn Entropy>,
        on_fatal: OnFatal,
    ) -> Result<Arc<Self>, StoreError> {
        let folder = Folder::open(&options.folder)?;
        let reserve = Reserve::found(folder.reserve(), options.reserve_bytes)
            .map_err(|error| StoreError::Failed(format!("space on the disk cannot be told: {error}")))?;
        let vfs = options.vfs.clone();
        let to_checkpoint = |path: &_, file| {
            let connection = connect::open(path, Use::Checkpoint, vfs.as_deref())?;
            Ok::<_, StoreError>(Database { connection, file })
        };
        let (mut main, keys_db) = both(&folder, vfs.as_deref(), &*entropy)?;
        keys::expect_master(&keys_db, &master)?;

        let counts = Counts::rebuild(&main).map_err(|error| failed("runs cannot be counted", &error))?;
        let sealer = Arc::new(Sealer::new(master, entropy));
        let readers = Readers::open(
            &folder.main(),
            &folder.keys(),
            vfs.as_deref(),
            options.readers,
            &sealer,
        )?;
        let (lanes, gate, log) = (
            Arc::new(Lanes::new()),
            Arc::new(Gate::default()),
            Arc::new(Log::default()),
        );
        let shared = Arc::new(Shared::new(counts));
        report_commits(&mut main, &log)?;
        let queue_limit = options.queue_limit;
        let checkpointer = Checkpointer {
            main: to_checkpoint(&folder.main(), folder.main_file())?,
            keys: to_checkpoint(&folder.keys(), folder.keys_file())?,
            log: Arc::clone(&log),
            gate: Arc::clone(&gate),
            shared: Arc::clone(&shared),
            wal_frames: options.wal_frames,
            on_fatal: Arc::clone(&on_fatal),
        };
        let writer = Writer {
            main,
            keys: keys_db,
            lanes: Arc::clone(&lanes),
            gate,
            shared: Arc::clone(&shared),
            reserve,
            options,
            on_fatal,
        };
        finish_activations(&writer)?;
        let held = Held {
            writer: spawn("store-writer", move || writer.run())?,
            checkpointer: spawn("store-checkpointer", move || checkpointer.run())?,
            readers: readers.clone(),
            log,
            folder,
        };
        Ok(Arc::new(Self {
            sealer,
            lanes,
            shared,
            readers,
            key_ring: KeyRing::default(),
            queue_limit,
            unclaimed: Mutex::default(),
            stranded: StrandedRuns::default(),
            held: Mutex::new(Some(held)),
        }))
    }
}

/// The writer's connections to both databases, which are of one store.
fn both(
    folder: &Folder,
    vfs: Option<&str>,
    entropy: &dyn Entropy,
) -> Result<(Connection, Connection), StoreError> {
    let torn = |error: pair::Failed| error.of(folder.path());
    let keys = writable(&folder.keys(), vfs, schema::KEYS)?;
    // What is deleted from this file must be gone from it.
    keys.pragma_update(None, "secure_delete", true)
        .map_err(|error| failed("keys.db cannot be set up", &error))?;
    pair::expect_main(&keys, folder.main_was_there()).map_err(torn)?;
    let main = writable(&folder.main(), vfs, schema::MAIN)?;
    pair::hold(&keys, &main, entropy).map_err(torn)?;
    Ok((main, keys))
}

/// The writer's connection to a database that is up to date.
fn writable(path: &Path, vfs: Option<&str>, migrations: &[&str]) -> Result<Connection, StoreError> {
    let mut connection = connect::open(path, Use::Write, vfs)?;
    schema::migrate(&mut connection, migrations)?;
    Ok(connection)
}

fn report_commits(main: &mut Connection, log: &Arc<Log>) -> Result<(), StoreError> {
    let log = Arc::clone(log);
    let committed = move |_: &mut rusqlite::hooks::Wal, frames| {
        log.committed(u32::try_from(frames).unwrap_or(0));
        Ok(())
    };
    main.wal_hook(Some(committed))
        .map_err(|error| failed("commits cannot be watched", &error))
}

/// Frees the runs that an activation which was cut off had not come to.
fn finish_activations(writer: &Writer) -> Result<(), StoreError> {
    for activation in deployments::unfinished_activations(&writer.main)? {
        let free = FreeHeld {
            activation,
            policy: Policy::default(),
        };
        while writer.at_open(&free)? > 0 {}
    }
    Ok(())
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|error| StoreError::Failed(format!("thread {name} cannot be started: {error}")))
}
