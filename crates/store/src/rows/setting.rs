//! Settings and the generation of the configuration.

use crate::StoreError;
use crate::sql::{Tx, args};
use countersign_engine::settings::Settings;
use countersign_engine::time::Timestamp;

const ALL: &str = "SELECT name, value FROM setting";
const PUT: &str = "INSERT INTO setting (name, value, modified) VALUES ($1, $2, $3)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, modified = excluded.modified";
const DELETE: &str = "DELETE FROM setting WHERE name = $1";
const GENERATION: &str = "SELECT generation FROM change WHERE id = 1";
const LOCK: &str = "SELECT generation FROM change WHERE id = 1 FOR UPDATE";
const NEXT_GENERATION: &str = "INSERT INTO change (id, generation) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET generation = change.generation + 1";

pub(crate) fn read(tx: Tx<'_>) -> Result<Settings, StoreError> {
    let stored = tx.all(ALL, &[], |row| {
        let mut c = row.columns();
        Ok((c.string()?, c.string()?))
    })?;
    Ok(Settings::new(stored.into_iter().collect()))
}

pub(crate) fn put(
    tx: Tx<'_>,
    name: &str,
    value: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match value {
        Some(value) => tx.run(PUT, args![name, value, now])?,
        None => tx.run(DELETE, args![name])?,
    };
    Ok(())
}

pub(crate) fn generation(tx: Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx
        .first(GENERATION, &[], |row| row.columns().int())?
        .unwrap_or(0))
}

/// Waits for whoever changes the configuration, and lets nobody else do so, or take this lock, before the transaction
/// ends.
pub(crate) fn lock(tx: Tx<'_>) -> Result<(), StoreError> {
    if tx.is_fragile() {
        tx.send(LOCK, &[])?;
    }
    Ok(())
}

pub(crate) fn next_generation(tx: Tx<'_>) -> Result<(), StoreError> {
    tx.send(NEXT_GENERATION, &[])
}
