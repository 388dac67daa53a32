//! Whether a batch gets on: its first byte, each line, and what comes within a line have a time each.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::Limits;

/// When the batch last got on.
pub(crate) struct Pace {
    /// Its last byte; before the first, its beginning.
    byte: Instant,
    /// The end of its last line.
    line: Instant,
    is_first: bool,
}

impl Pace {
    pub fn begin() -> Self {
        let now = Instant::now();
        Self {
            byte: now,
            line: now,
            is_first: true,
        }
    }

    pub fn piece(&mut self, ended_a_line: bool) {
        self.byte = Instant::now();
        self.is_first = false;
        if ended_a_line {
            self.line = self.byte;
        }
    }

    /// What it took us to commit is not the client's time.
    pub fn waited_for_us(&mut self) {
        self.byte = Instant::now();
        self.line = self.byte;
    }

    /// Until when something must come, and what is said if it does not.
    pub fn until(&self, limits: &Limits, in_a_line: bool) -> (Instant, &'static str, Duration) {
        if self.is_first {
            let patience = limits.first_byte_timeout;
            return (self.byte + patience, "No line is there: no byte came", patience);
        }
        let whole = limits.body_timeout;
        let line = (self.line + whole, "No further line came whole", whole);
        let stall = limits.stall_timeout;
        let byte = (
            self.byte + stall,
            "The line is not whole: no further byte came",
            stall,
        );
        if in_a_line && byte.0 < line.0 { byte } else { line }
    }
}
