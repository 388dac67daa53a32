//! What an attempt logs, within limits that a child cannot talk its way around.

use domain::{Code, LogEntry, LogLevel, Timestamp, json};

use super::ending::Verdict;
use crate::frame::{Effect, Log};

/// Entries that are kept beyond an attempt's limits: a child that keeps to them itself says so in one, and at its end in
/// another how many it left out.
const LAST_WORDS: usize = 2;
/// The longest of these, bytes.
const LAST_WORD: usize = 1024;

/// What an entry counts beside its text, bytes: else empty ones would be free, however many there are.
const ENTRY_COST: usize = 64;
/// The logger of what native code printed.
const NATIVE: &str = "native";
/// How a runtime that failed begins to tell of it on its output (`python/aftercall/_runtime/child.py`).
const FAULT_TOLD: &str = "aftercall child: ";

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
        // Whatever the child thought to be fields: what cannot be read is told of, not dropped.
        let fields = log
            .fields
            .map(|fields| match json::parse(&fields, json::Limits::STATE) {
                Ok(fields) => fields,
                Err(error) => serde_json::json!({ "unreadable_fields": error.to_string() }),
            });
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
            logger: NATIVE.to_owned(),
            fields: None,
        };
        self.keep(entry, size)
    }

    /// Counts what the child says that it logged and did not send: a loop that prints is as endless for that.
    pub fn left_out(&mut self, bytes: u64) -> Result<(), Verdict> {
        self.see(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// Notes an effect that is asked for: the last one says where a child hung that never came back.
    pub fn asked(&mut self, effect: &Effect) {
        #[derive(serde::Deserialize)]
        struct Head {
            method: String,
            url: String,
        }
        if let Ok(head) = serde_json::from_slice::<Head>(&effect.head) {
            // What stands behind the path is often a secret.
            let path = head.url.split(['?', '#']).next().unwrap_or_default();
            self.last_effect = Some(format!("{} {path}", head.method));
        }
    }

    /// Writes down an effect that was refused, for whoever wonders why nothing arrived; code often swallows the exception.
    pub fn refused(&mut self, code: Code, message: &str, now: Timestamp) -> Result<(), Verdict> {
        let content = format!("{} {message}", code.as_str());
        let size = content.len();
        let entry = LogEntry {
            level: LogLevel::Warning,
            content,
            is_pii: false,
            timestamp: now,
            logger: "runtime".to_owned(),
            fields: None,
        };
        self.keep(entry, size)
    }

    /// Whether the runtime has told on its output that it failed.
    pub fn tells_a_fault(&self) -> bool {
        let told = |entry: &LogEntry| entry.logger == NATIVE && entry.content.starts_with(FAULT_TOLD);
        self.entries.iter().any(told)
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

    fn see(&mut self, bytes: usize) -> Result<(), Verdict> {
        self.seen = self.seen.saturating_add(bytes);
        if self.seen > self.limits.flood_bytes {
            return Err(Verdict::Flooded(self.limits.flood_bytes));
        }
        Ok(())
    }

    fn keep(&mut self, entry: LogEntry, size: usize) -> Result<(), Verdict> {
        self.see(size + ENTRY_COST)?;
        let is_last_word = size <= LAST_WORD && entry.logger == "runtime";
        let more_entries = if is_last_word { LAST_WORDS } else { 0 };
        let more_bytes = more_entries * LAST_WORD;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use minicbor::bytes::ByteVec;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn post() -> Effect {
        let head = br#"{"method":"POST","url":"https://crm.example/x?key=hush","site":"functions/crm.py:7"}"#;
        Effect {
            request: 1,
            lane: "0".into(),
            kind: "http".into(),
            head: ByteVec::from(head.to_vec()),
            body: None,
        }
    }

    #[test]
    fn empty_lines_without_end_are_a_flood() {
        let mut logs = LogBook::new(LogLimits::default());
        let most = logs.limits.flood_bytes / ENTRY_COST;
        let taken = (0..=most)
            .take_while(|_| logs.printed(String::new(), NOW).is_ok())
            .count();
        assert_eq!(taken, most);
    }

    #[test]
    fn what_a_child_leaves_out_itself_is_part_of_its_flood() {
        let mut logs = LogBook::new(LogLimits::default());
        let half = logs.limits.flood_bytes as u64 / 2;
        logs.printed("x".to_owned(), NOW).unwrap();
        logs.left_out(half).unwrap();
        assert_eq!(
            logs.left_out(half),
            Err(Verdict::Flooded(logs.limits.flood_bytes))
        );
        assert!(logs.left_out(u64::MAX).is_err());
        assert_eq!(logs.into_entries().len(), 1);
    }

    #[test]
    fn the_last_effect_is_known_without_what_stands_behind_its_path() {
        let mut logs = LogBook::new(LogLimits::default());
        logs.asked(&post());
        assert_eq!(logs.last_effect().as_deref(), Some("POST https://crm.example/x"));
    }

    #[test]
    fn fields_that_cannot_be_read_are_told_of() {
        let mut logs = LogBook::new(LogLimits::default());
        let log = Log {
            level: "info".into(),
            content: "deep".into(),
            is_pii: false,
            time_ns: 0,
            logger: "conversation_logger".into(),
            fields: Some(ByteVec::from("[".repeat(500).into_bytes())),
        };
        logs.take(log).unwrap();
        assert!(logs.into_entries()[0].fields.as_ref().unwrap()["unreadable_fields"].is_string());
    }
}
