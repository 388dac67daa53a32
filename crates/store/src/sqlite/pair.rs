//! One store, two files: both databases carry the same number, so that neither is taken for new when it was lost, and
//! keys.db of another store is not taken for this one's.
//!
//! keys.db gets the number first, aftercall.db next, and only then keys.db notes that both are made. So a start that was
//! cut off goes on where it was, and whatever else is missing was lost.

use crypto::Entropy;
use rusqlite::{Connection, OptionalExtension};

use super::failure::failed;
use crate::StoreError;
use crate::store_error::Torn;

/// A store's number.
type Id = [u8; 16];

/// Refuses a folder whose keys.db is in use but whose aftercall.db was not there. To be asked before it is made anew.
pub(super) fn expect_main(keys: &Connection, main_was_there: bool) -> Result<(), Failed> {
    match of_keys(keys)? {
        Some((_, true)) if !main_was_there => Err(Torn::NoMain.into()),
        _ => Ok(()),
    }
}

/// Holds that both are of one store; new ones become it.
pub(super) fn hold(keys: &Connection, main: &Connection, entropy: &dyn Entropy) -> Result<(), Failed> {
    let id = match (of_keys(keys)?, of_main(main)?) {
        (Some((kept, made)), Some(id)) if kept == id => {
            if made {
                return Ok(());
            }
            id
        }
        (Some((id, false)), None) => {
            main.execute("INSERT INTO store (only, id) VALUES (1, ?1)", [id])?;
            id
        }
        (None, None) => {
            let mut id = [0; 16];
            entropy
                .fill(&mut id)
                .map_err(|error| StoreError::Failed(error.to_string()))?;
            keys.execute("INSERT INTO store (only, id, made) VALUES (1, ?1, 0)", [id])?;
            main.execute("INSERT INTO store (only, id) VALUES (1, ?1)", [id])?;
            id
        }
        _ => return Err(Torn::OfAnother.into()),
    };
    keys.execute("UPDATE store SET made = 1 WHERE id = ?1", [id])?;
    Ok(())
}

fn of_keys(keys: &Connection) -> rusqlite::Result<Option<(Id, bool)>> {
    keys.query_row("SELECT id, made FROM store", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .optional()
}

fn of_main(main: &Connection) -> rusqlite::Result<Option<Id>> {
    main.query_row("SELECT id FROM store", [], |row| row.get(0))
        .optional()
}

/// Why two databases are not one store.
pub(super) enum Failed {
    Torn(Torn),
    Store(StoreError),
}

impl Failed {
    /// With the folder that it is about.
    pub fn of(self, folder: &std::path::Path) -> StoreError {
        match self {
            Self::Torn(torn) => StoreError::Torn {
                folder: folder.display().to_string(),
                torn,
            },
            Self::Store(error) => error,
        }
    }
}

impl From<Torn> for Failed {
    fn from(torn: Torn) -> Self {
        Self::Torn(torn)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(failed("the store's number cannot be told", &error))
    }
}
