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
/// The move that empties the store: it is not served while that lasts.
pub(crate) const MOVING: &str = "store.moving";
/// The formats that records are written in, as JSON by table.
pub(crate) const RECORDS: &str = "records";
/// The conversion of old records under way, as JSON.
pub(crate) const MIGRATION: &str = "migration";

const ONE: &str = "SELECT value FROM store_mark WHERE name = $1";
const PUT: &str = "INSERT INTO store_mark (name, value, modified) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, modified = excluded.modified";
const ALL: &str = "SELECT name, value FROM store_mark ORDER BY name";
const REMOVE_ALL: &str = "DELETE FROM store_mark";
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

pub(crate) fn all(tx: Tx<'_>) -> Result<Vec<(String, String)>, StoreError> {
    tx.all(ALL, &[], |row| {
        let mut c = row.columns();
        Ok((c.string()?, c.string()?))
    })
}

pub(crate) fn remove_all(tx: Tx<'_>) -> Result<(), StoreError> {
    tx.run(REMOVE_ALL, &[]).map(drop)
}
