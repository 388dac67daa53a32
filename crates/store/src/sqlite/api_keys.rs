//! API keys, without their secrets.

use domain::{KeyId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{micros, optional_parsed, optional_time, time, unknown};
use super::failure::{Failure, unread};
use super::job::{Batch, Write};
use super::lanes::Lane;
use crate::{ApiKeyRecord, Scope, StoreError};

const COLUMNS: &str = "key_id, label, secret_hash, project, environments, scope, created_at, revoked_at";

/// A key to be kept.
pub(super) struct PutApiKey(pub ApiKeyRecord);

/// A key to be ended.
pub(super) struct RevokeApiKey {
    pub id: KeyId,
    pub now: Timestamp,
}

impl Write for PutApiKey {
    type Answer = ();
    const LANE: Lane = Lane::Claim;

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<(), Failure> {
        let key = &self.0;
        let json = |error: serde_json::Error| StoreError::Failed(error.to_string());
        let scope = serde_json::to_value(key.scope).map_err(json)?;
        batch
            .connection
            .prepare_cached(
                "INSERT INTO api_key (key_id, label, secret_hash, project, environments, scope, created_at, revoked_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                key.id.as_bytes(),
                key.label,
                key.secret_hash,
                key.project.as_ref().map(domain::ProjectName::as_str),
                serde_json::to_string(&key.environments).map_err(json)?,
                scope.as_str(),
                micros(key.created_at),
                key.revoked_at.map(micros)
            ])?;
        Ok(())
    }
}

impl Write for RevokeApiKey {
    type Answer = bool;
    const LANE: Lane = Lane::Claim;

    fn on_full_disk(&self) -> bool {
        true
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<bool, Failure> {
        let changed = batch
            .connection
            .prepare_cached("UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE key_id = ?1")?
            .execute(params![self.id.as_bytes(), micros(self.now)])?;
        Ok(changed > 0)
    }
}

/// The one with this hash.
pub(super) fn by_hash(connection: &Connection, hash: [u8; 32]) -> Result<Option<ApiKeyRecord>, StoreError> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM api_key WHERE secret_hash = ?1"))
        .and_then(|mut statement| statement.query_row([hash], read).optional())
        .map_err(unread)
}

/// All of them, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<ApiKeyRecord>, StoreError> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM api_key ORDER BY created_at, key_id"
        ))
        .and_then(|mut statement| statement.query_map([], read)?.collect())
        .map_err(unread)
}

fn read(row: &Row<'_>) -> rusqlite::Result<ApiKeyRecord> {
    let (environments, scope): (String, String) = (row.get(4)?, row.get(5)?);
    Ok(ApiKeyRecord {
        id: KeyId::from_bytes(row.get(0)?),
        label: row.get(1)?,
        secret_hash: row.get(2)?,
        project: optional_parsed(row, 3)?,
        environments: serde_json::from_str(&environments).map_err(|_| unknown(4, &environments))?,
        scope: serde_json::from_value::<Scope>(scope.clone().into()).map_err(|_| unknown(5, &scope))?,
        created_at: time(row, 6)?,
        revoked_at: optional_time(row, 7)?,
    })
}
