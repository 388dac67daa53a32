//! Where a sealed value belongs. It is bound to that place: moved to another, it does not open.

use std::fmt;

use crate::sealed::Hex;

/// The place of a sealed value. Table and column are the program's own words, never data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aad<'a> {
    /// The table that holds it.
    pub table: &'static str,
    /// Its column.
    pub column: &'static str,
    /// The row's primary key as bytes; a key of several columns concatenates them at fixed widths.
    pub row: &'a [u8],
}

impl Aad<'_> {
    /// Every part with its length before it: no two places give the same bytes.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        for part in [self.table.as_bytes(), self.column.as_bytes(), self.row] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part);
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            table: self.table,
            column: self.column,
            row: self.row.to_vec(),
        }
    }
}

/// A place, for errors. Its row is shown in hex, as SQL's `x'…'` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's primary key.
    pub row: Vec<u8>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} of row {}", self.table, self.column, Hex(&self.row))
    }
}
