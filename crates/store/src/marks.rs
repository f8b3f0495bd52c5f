//! What a store says about itself: which programs may use it, and what was begun with it and not ended.

use crate::StoreError;
use crate::sql::{Tx, args};
use countersign_engine::time::Timestamp;

/// The oldest schema that a program must know to use the store.
pub(crate) const OLDEST_SCHEMA: &str = "schema.oldest";
/// Where the store was moved to: it is no longer served here.
pub(crate) const MOVED_TO: &str = "store.moved_to";
/// The move that fills the store, as JSON: it is not served before it is whole.
pub(crate) const INCOMING: &str = "store.incoming";
/// The conversion of old records under way, as JSON.
pub(crate) const MIGRATION: &str = "migration";

const ONE: &str = "SELECT value FROM store_mark WHERE name = $1";
const PUT: &str = "INSERT INTO store_mark (name, value, modified) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, modified = excluded.modified";
const REMOVE: &str = "DELETE FROM store_mark WHERE name = $1";

pub(crate) fn one(tx: Tx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.first(ONE, args![name], |row| row.columns().string())
}

pub(crate) fn put(tx: Tx<'_>, name: &str, value: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.run(PUT, args![name, value, now]).map(drop)
}

pub(crate) fn remove(tx: Tx<'_>, name: &str) -> Result<(), StoreError> {
    tx.run(REMOVE, args![name]).map(drop)
}
