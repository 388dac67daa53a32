//! What a source tells of a conversation after it was accepted: kept beside what came first, which its run works on.

use std::sync::Arc;

use domain::{ConversationId, Timestamp};
use rusqlite::{Connection, params};

use super::accept::Accept;
use super::columns::{micros, time};
use super::failure::{Failure, unread};
use super::job::{Batch, Write};
use super::lanes::Lane;
use super::readers::Reader;
use super::seal::SealedRevision;
use super::{SqliteStore, read};
use crate::{Acceptance, AcceptedRun, NewConversation, REVISIONS_MAX, Revision, StoreError};

/// One more content of a conversation.
struct AddRevision {
    revision: SealedRevision,
    now: Timestamp,
}

enum Outcome {
    Kept,
    /// It is there already.
    Known,
    /// Another one came first and has its number.
    Taken,
}

impl Write for AddRevision {
    type Answer = Outcome;
    const LANE: Lane = Accept::LANE;

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<Outcome, Failure> {
        let Self { revision, now } = self;
        let (connection, id) = (batch.connection, revision.conversation);
        if has_content(connection, id, &revision.content_hash)? {
            return Ok(Outcome::Known);
        }
        if next_number(connection, id)? != revision.number {
            return Ok(Outcome::Taken);
        }
        connection
            .prepare_cached(
                "INSERT INTO event (conversation_id, event_id, project, environment, source, revision, received_at) \
                 SELECT conversation_id, ?2, project, environment, source, ?3, ?4 FROM conversation \
                 WHERE conversation_id = ?1",
            )?
            .execute(params![
                id.as_bytes(),
                revision.event.as_bytes(),
                revision.number,
                micros(*now)
            ])?;
        connection
            .prepare_cached(
                "INSERT INTO revision (conversation_id, number, content_hash, document) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                id.as_bytes(),
                revision.number,
                revision.content_hash,
                revision.document
            ])?;
        insert_numbers(connection, id, &revision.number_hashes)?;
        Ok(Outcome::Kept)
    }
}

impl SqliteStore {
    /// Keeps what a source tells of a conversation that is there. One that was erased, and one with all the contents that it may have, is
    /// a conflict.
    pub(super) async fn revise(
        &self,
        kept: AcceptedRun,
        new: NewConversation,
        now: Timestamp,
    ) -> Result<Acceptance, StoreError> {
        let bytes = new.document.len();
        let new = Arc::new(new);
        // Whoever loses a number loses it to another one that is kept, and of those there is a limit.
        for _ in 0..=REVISIONS_MAX {
            let conversation = kept.conversation;
            let told = Arc::clone(&new);
            let seal = move |reader: &mut Reader| {
                let number = next_number(&reader.main, conversation).map_err(unread)?;
                let Some(key) = reader.key(conversation)?.filter(|_| number <= REVISIONS_MAX) else {
                    return Ok(None);
                };
                reader
                    .sealer
                    .revision(&key, conversation, number, &told)
                    .map(Some)
            };
            let Some(revision) = self.readers.read(seal).await? else {
                return self.conflict(kept).await;
            };
            let number = revision.number;
            match self.write(AddRevision { revision, now }, bytes).await? {
                Outcome::Kept => {
                    return Ok(Acceptance::Revised {
                        kept,
                        revision: number,
                    });
                }
                Outcome::Known => return Ok(Acceptance::Known(kept)),
                Outcome::Taken => {}
            }
        }
        Err(StoreError::Failed(format!(
            "conversation {} is told of by too many at once",
            kept.conversation
        )))
    }

    /// What is there stays; to show what differs from it.
    pub(super) async fn conflict(&self, kept: AcceptedRun) -> Result<Acceptance, StoreError> {
        let conversation = kept.conversation;
        let document = self
            .readers
            .read(move |reader| read::document(reader, conversation));
        let document = match document.await {
            Ok(document) => Some(document),
            Err(StoreError::Erased(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Acceptance::Conflict { kept, document })
    }
}

/// Whether a conversation had this content before.
pub(super) fn has_content(
    connection: &Connection,
    conversation: ConversationId,
    content_hash: &[u8; 32],
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM revision WHERE conversation_id = ?1 AND content_hash = ?2")?
        .exists(params![conversation.as_bytes(), content_hash])
}

fn next_number(connection: &Connection, conversation: ConversationId) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT max(number) + 1 FROM revision WHERE conversation_id = ?1")?
        .query_row([conversation.as_bytes()], |row| row.get(0))
}

/// Those that it is found by. It may have some of them.
pub(super) fn insert_numbers(
    connection: &Connection,
    conversation: ConversationId,
    hashes: &[[u8; 32]],
) -> rusqlite::Result<()> {
    let mut number = connection.prepare_cached(
        "INSERT INTO conversation_number (number_hash, conversation_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
    )?;
    for hash in hashes {
        number.execute(params![hash, conversation.as_bytes()])?;
    }
    Ok(())
}

/// What came after the first, in order.
pub(super) fn later(
    connection: &Connection,
    conversation: ConversationId,
) -> rusqlite::Result<Vec<Revision>> {
    connection
        .prepare_cached(
            "SELECT revision, received_at FROM event WHERE conversation_id = ?1 AND revision > 1 ORDER BY revision",
        )?
        .query_map([conversation.as_bytes()], |row| {
            Ok(Revision {
                number: row.get(0)?,
                received_at: time(row, 1)?,
            })
        })?
        .collect()
}

/// A document as it came, by its number.
pub(super) fn revision(
    reader: &Reader,
    conversation: ConversationId,
    number: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    match read::revision(reader, conversation, number) {
        Err(StoreError::Erased(_)) => Ok(None),
        found => found,
    }
}
