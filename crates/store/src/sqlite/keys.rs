//! keys.db: the wrapped keys of conversations, in a file of their own, so that backups can leave them out and deleting
//! one erases its conversation.

use crypto::{MasterKey, SealingKeyId};
use domain::ConversationId;
use rusqlite::{Connection, OptionalExtension};

use super::failure::failed;
use crate::StoreError;

/// Checks the master key against the one that this folder was sealed with; a new folder takes it.
///
/// # Errors
/// [`StoreError::Sealed`] names both keys.
pub(super) fn expect_master(connection: &Connection, master: &MasterKey) -> Result<(), StoreError> {
    let unread = |error| failed("keys.db cannot be read", &error);
    let known = connection
        .query_row("SELECT id FROM master_key", [], |row| row.get(0))
        .optional()
        .map_err(unread)?;
    match known {
        Some(id) => master
            .expect_id(SealingKeyId::from_bytes(id))
            .map_err(|error| StoreError::Sealed(error.to_string())),
        None => connection
            .execute(
                "INSERT INTO master_key (only, id) VALUES (1, ?1)",
                [master.id().as_bytes()],
            )
            .map(drop)
            .map_err(unread),
    }
}

/// Commits keys of new conversations. One that is there already is of a conversation whose own commit never happened.
pub(super) fn commit(connection: &Connection, keys: &[(ConversationId, Vec<u8>)]) -> rusqlite::Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO conversation_key (conversation_id, wrapped) VALUES (?1, ?2)",
    )?;
    for (conversation, wrapped) in keys {
        insert.execute(rusqlite::params![conversation.as_bytes(), wrapped])?;
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// A conversation's wrapped key, unless it was erased.
pub(super) fn find(
    connection: &Connection,
    conversation: ConversationId,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT wrapped FROM conversation_key WHERE conversation_id = ?1")?
        .query_row([conversation.as_bytes()], |row| row.get(0))
        .optional()
}
