//! All rows of a store, table by table, as a stream of bytes and back: the inside of a backup.
//!
//! ```text
//! H  length  JSON          what the store was: schema, time, node, rows by table
//! T  name  columns         a table begins: its name, the number of its columns, their names
//! R  value…                a row: for each column 0 (NULL), 1 integer, 2 length text or 3 length bytes
//! E  rows  sum             the table ends: how many rows, and the sum of their hashes
//! Z  tables                the end
//! ```
//!
//! Numbers are LEB128, integers zigzag before it. The order of the rows means nothing.

mod read;
mod rows;
mod sum;
mod write;

pub(crate) use read::{Event, Reader};
pub(crate) use rows::{Inserts, Pages, Value, count};
pub(crate) use sum::Sum;
pub(crate) use write::Writer;

/// The most bytes that one text or blob may have: far above what the store ever writes, far below what harms.
const MAX_VALUE: u64 = 64 << 20;
/// The most columns of a table and bytes of a name.
const MAX_COLUMNS: u64 = 1000;

#[cfg(test)]
mod tests;
