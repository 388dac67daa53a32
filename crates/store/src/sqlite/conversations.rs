//! Conversations as they were accepted, found by what their platform or we call them.

use domain::{ConversationId, Source, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::columns::{RUN_COLUMNS, RunRow, run_columns, time};
use super::failure::unread;
use super::place::Place;
use super::read::{state_after, summary};
use super::readers::Reader;
use super::revisions;
use super::seal::{self, FIRST_REVISION};
use crate::{ConversationRecord, StoreError};

/// Conversations of one external id that are answered at most: they differ in project, environment or source.
const SAME_ID_MAX: u32 = 100;

/// Conversations with their runs: a literal, for `concat!`. `?1` is the revision.
macro_rules! kept_conversations {
    () => {
        concat!(
            "SELECT ",
            run_columns!(),
            ", conversation.external_id, conversation.source, revision.document, result.state, \
             conversation.accepted_at FROM conversation \
             JOIN run ON run.conversation_id = conversation.conversation_id AND run.\"trigger\" = 'end' \
             JOIN revision ON revision.conversation_id = conversation.conversation_id AND revision.number = ?1 \
             LEFT JOIN result ON result.run_id = run.run_id "
        )
    };
}

/// Conversations of an external id, newest first.
pub(super) fn conversations(
    reader: &mut Reader,
    external_id: &str,
) -> Result<Vec<ConversationRecord>, StoreError> {
    let hash = reader.sealer.external_id_hash(external_id);
    let rows = reader.at_one_moment(|connection| {
        connection
            .prepare_cached(concat!(
                kept_conversations!(),
                "WHERE conversation.external_id_hash = ?2 ORDER BY conversation.conversation_id DESC LIMIT ?3"
            ))?
            .query_map(params![FIRST_REVISION, hash, SAME_ID_MAX], kept_conversation)?
            .collect::<rusqlite::Result<Vec<_>>>()
    })?;
    rows.into_iter().map(|kept| kept.open(reader)).collect()
}

/// The conversation of our own id.
pub(super) fn conversation(
    reader: &mut Reader,
    id: ConversationId,
) -> Result<Option<ConversationRecord>, StoreError> {
    let row = reader.at_one_moment(|connection| {
        connection
            .prepare_cached(concat!(
                kept_conversations!(),
                "WHERE conversation.conversation_id = ?2"
            ))?
            .query_row(params![FIRST_REVISION, id.as_bytes()], kept_conversation)
            .optional()
    })?;
    row.map(|kept| kept.open(reader)).transpose()
}

struct KeptConversation {
    run: RunRow,
    external_id: Vec<u8>,
    source: String,
    document: Vec<u8>,
    state: Option<Vec<u8>>,
    accepted_at: Timestamp,
}

fn kept_conversation(row: &Row<'_>) -> rusqlite::Result<KeptConversation> {
    let column = |index| RUN_COLUMNS + index;
    Ok(KeptConversation {
        run: RunRow::read(row)?,
        external_id: row.get(column(0))?,
        source: row.get(column(1))?,
        document: row.get(column(2))?,
        state: row.get(column(3))?,
        accepted_at: time(row, column(4))?,
    })
}

impl KeptConversation {
    fn open(self, reader: &Reader) -> Result<ConversationRecord, StoreError> {
        let (conversation, run) = (self.run.conversation, self.run.run);
        let key = reader.key(conversation)?;
        let summary = summary(key.as_ref(), self.run, &self.external_id)?;
        let (document, state_after) = match &key {
            Some(key) => {
                let place = Place::document(conversation, FIRST_REVISION);
                (
                    Some(seal::open(key, &place, &self.document)?),
                    state_after(key, run, self.state.as_deref())?,
                )
            }
            None => (None, None),
        };
        Ok(ConversationRecord {
            revisions: revisions::later(&reader.main, conversation).map_err(unread)?,
            conversation,
            run,
            external_id: summary.external_id,
            project: summary.project,
            environment: summary.environment,
            source: Source::from_stored(self.source),
            accepted_at: self.accepted_at,
            document,
            state_after,
        })
    }
}
