//! What can be chosen about a store in a folder.

use std::path::PathBuf;
use std::time::Duration;

/// Most runs that are not over; beyond it conversations are refused.
pub const QUEUE_LIMIT: u64 = 1_000_000;
/// Most conversations, runs or other rows' worth of requests in one commit.
pub const BATCH_ROWS: usize = 256;
/// No further request joins a batch that has taken this long.
pub const BATCH_TIME: Duration = Duration::from_millis(5);
/// Connections that read at the same time.
pub const READERS: usize = 4;
/// Bytes held back on the disk, so that what runs can complete once it is full.
pub const RESERVE_BYTES: u64 = 16 * 1024 * 1024;
/// How large the write-ahead log grows, in frames of a page, before the writer pauses between two batches so that it
/// can begin anew: 16,384 × 4 KiB = 64 MiB.
pub const WAL_FRAMES: u32 = 16_384;

/// How a folder is opened. `Options::new(folder)` has the defaults; each field names its own.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder; made if it is not there.
    pub folder: PathBuf,
    /// Default [`QUEUE_LIMIT`].
    pub queue_limit: u64,
    /// Default [`BATCH_ROWS`].
    pub batch_rows: usize,
    /// Default [`BATCH_TIME`].
    pub batch_time: Duration,
    /// Default [`READERS`].
    pub readers: usize,
    /// Default [`RESERVE_BYTES`]; 0 holds nothing back.
    pub reserve_bytes: u64,
    /// Default [`WAL_FRAMES`].
    pub wal_frames: u32,
    /// SQLite's name of the file system layer, for tests that inject faults. Default: SQLite's own.
    #[doc(hidden)]
    pub vfs: Option<String>,
}

impl Options {
    /// The defaults, for this folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            queue_limit: QUEUE_LIMIT,
            batch_rows: BATCH_ROWS,
            batch_time: BATCH_TIME,
            readers: READERS,
            reserve_bytes: RESERVE_BYTES,
            wal_frames: WAL_FRAMES,
            vfs: None,
        }
    }
}
