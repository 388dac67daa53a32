//! Migrations: each database counts those that it has had in `user_version`. They are only ever added.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::failed;
use crate::StoreError;

/// Of aftercall.db, from version 1 on.
pub(super) const MAIN: &[&str] = &[
    include_str!("migrations/main_0001.sql"),
    include_str!("migrations/main_0002.sql"),
    include_str!("migrations/main_0003.sql"),
    include_str!("migrations/main_0004.sql"),
    include_str!("migrations/main_0005.sql"),
    include_str!("migrations/main_0006.sql"),
    include_str!("migrations/main_0007.sql"),
    include_str!("migrations/main_0008.sql"),
];
/// Of keys.db.
pub(super) const KEYS: &[&str] = &[
    include_str!("migrations/keys_0001.sql"),
    include_str!("migrations/keys_0002.sql"),
];

/// Brings a database up to date, each migration in a transaction of its own.
///
/// # Errors
/// [`StoreError::TooNew`], or what SQLite says.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let version = |error: &rusqlite::Error| failed("the schema's version cannot be read", error);
    let found: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| version(&error))?;
    let known =
        u32::try_from(migrations.len()).map_err(|_| StoreError::Failed("too many migrations".into()))?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for (number, migration) in (1..).zip(migrations).skip(found as usize) {
        apply(connection, number, migration)
            .map_err(|error| failed(&format!("migration {number} failed"), &error))?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, number: u32, migration: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration)?;
    transaction.pragma_update(None, "user_version", number)?;
    transaction.commit()
}
