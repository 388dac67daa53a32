//! How many runs are in which state: kept in memory, since counting rows takes long, and rebuilt whenever a folder is opened.

use domain::run::{End, RunState, Status};
use rusqlite::Connection;

const STATUSES: usize = Status::ALL.len() - 1;
const WORDS: usize = STATUSES + End::ALL.len();

/// Runs by [`RunState::word`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts([u64; WORDS]);

fn words() -> impl Iterator<Item = &'static str> {
    let statuses = Status::ALL.into_iter().filter(|status| *status != Status::Ended);
    statuses
        .map(Status::as_str)
        .chain(End::ALL.into_iter().map(End::as_str))
}

impl Counts {
    pub fn rebuild(connection: &Connection) -> rusqlite::Result<Self> {
        let mut counts = Self::default();
        let mut statement = connection.prepare("SELECT word, count(*) FROM run GROUP BY word")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(0)?;
            if let Some(count) = counts.of(&word) {
                *count = row.get::<_, i64>(1)?.unsigned_abs();
            }
        }
        Ok(counts)
    }

    fn of(&mut self, word: &str) -> Option<&mut u64> {
        words()
            .position(|known| known == word)
            .map(|index| &mut self.0[index])
    }

    /// A run went from one state, if it was there before, to another.
    pub fn moved(&mut self, from: Option<&RunState>, to: &RunState) {
        if let Some(count) = from.and_then(|from| self.of(from.word())) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.of(to.word()) {
            *count += 1;
        }
    }

    /// What the queue's limit counts: everything that goes on by itself.
    pub fn unfinished(&self) -> u64 {
        words()
            .zip(self.0)
            .filter(|(word, _)| ["queued", "running", "backoff", "waiting"].contains(word))
            .map(|(_, count)| count)
            .sum()
    }

    /// For people: those that are not zero.
    pub fn by_word(&self) -> Vec<(String, u64)> {
        let counted = words().zip(self.0).filter(|(_, count)| *count > 0);
        counted.map(|(word, count)| (word.to_owned(), count)).collect()
    }
}
