//! What an attempt logs, within limits that a child cannot talk its way around.

use domain::{LogEntry, LogLevel, Timestamp};

use super::ending::Verdict;
use crate::frame::{Effect, Log};

/// What is kept beyond an attempt's limits, bytes: a child that keeps to them itself says in a last entry that it did.
const LAST_WORD: usize = 1024;

/// How much an attempt may log.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// Entries that are kept.
    pub entries: usize,
    /// Bytes that are kept.
    pub bytes: usize,
    /// Bytes, kept or not, past which the attempt is ended: it is flooding.
    pub flood_bytes: usize,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 4 * 1024 * 1024,
            flood_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The log of one attempt.
pub struct LogBook {
    limits: LogLimits,
    entries: Vec<LogEntry>,
    kept: usize,
    seen: usize,
    dropped: usize,
    last_effect: Option<String>,
}

impl LogBook {
    pub const fn new(limits: LogLimits) -> Self {
        Self {
            limits,
            entries: Vec::new(),
            kept: 0,
            seen: 0,
            dropped: 0,
            last_effect: None,
        }
    }

    /// Takes an entry that the child sent.
    pub fn take(&mut self, log: Log) -> Result<(), Verdict> {
        let level = match log.level.as_str() {
            "debug" => LogLevel::Debug,
            "warning" => LogLevel::Warning,
            "error" => LogLevel::Error,
            "stdout" => LogLevel::Stdout,
            "stderr" => LogLevel::Stderr,
            _ => LogLevel::Info,
        };
        let size = log.content.len() + log.fields.as_ref().map_or(0, |fields| fields.len());
        let timestamp = Timestamp::from_nanosecond(i128::from(log.time_ns)).unwrap_or(Timestamp::UNIX_EPOCH);
        let fields = log.fields.and_then(|fields| serde_json::from_slice(&fields).ok());
        let entry = LogEntry {
            level,
            content: log.content,
            is_pii: log.is_pii,
            timestamp,
            logger: log.logger,
            fields,
        };
        self.keep(entry, size)
    }

    /// Takes what native code printed.
    pub fn printed(&mut self, text: String, now: Timestamp) -> Result<(), Verdict> {
        let size = text.len();
        let entry = LogEntry {
            level: LogLevel::Stderr,
            content: text,
            is_pii: false,
            timestamp: now,
            logger: "native".to_owned(),
            fields: None,
        };
        self.keep(entry, size)
    }

    /// Remembers what was asked for last, for attempts that end without a word.
    pub fn note_effect(&mut self, effect: &Effect) {
        #[derive(serde::Deserialize)]
        struct Head {
            method: String,
            url: String,
        }
        self.last_effect = serde_json::from_slice::<Head>(&effect.head).ok().map(|head| {
            format!(
                "{} {}",
                head.method,
                head.url.split('?').next().unwrap_or_default()
            )
        });
    }

    pub fn last_effect(&self) -> Option<String> {
        self.last_effect.clone()
    }

    pub fn into_entries(mut self) -> Vec<LogEntry> {
        if self.dropped > 0
            && let Some(last) = self.entries.last()
        {
            self.entries.push(LogEntry {
                level: LogLevel::Warning,
                content: format!(
                    "{} further log entries were dropped: an attempt keeps {} entries and {} bytes",
                    self.dropped, self.limits.entries, self.limits.bytes
                ),
                is_pii: false,
                timestamp: last.timestamp,
                logger: "runtime".to_owned(),
                fields: None,
            });
        }
        self.entries
    }

    fn keep(&mut self, entry: LogEntry, size: usize) -> Result<(), Verdict> {
        self.seen += size;
        if self.seen > self.limits.flood_bytes {
            return Err(Verdict::Flooded(self.limits.flood_bytes));
        }
        let is_last_word = size <= LAST_WORD && entry.logger == "runtime";
        let (more_entries, more_bytes) = if is_last_word { (1, LAST_WORD) } else { (0, 0) };
        if self.entries.len() >= self.limits.entries + more_entries
            || self.kept + size > self.limits.bytes + more_bytes
        {
            self.dropped += 1;
            return Ok(());
        }
        self.kept += size;
        self.entries.push(entry);
        Ok(())
    }
}
