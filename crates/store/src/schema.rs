//! The schema and how an older store comes to it: numbered SQL files, run once each, in order.

use crate::sql::args;
use crate::sqlite::Database;
use crate::{OpenError, StoreError};
use countersign_engine::time::Timestamp;
use std::path::Path;

/// The migrations; the number of each is its place, from 1 on.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_nodes.sql"),
];

/// The newest schema of this program.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

const VERSION_TABLE: &str = "CREATE TABLE schema_version (    -- The migrations that were run.
    version INTEGER NOT NULL PRIMARY KEY,   -- Number of the migration.
    applied INTEGER NOT NULL                -- When it was run.
) STRICT;";

/// Brings a store to the newest schema.
pub(crate) fn migrate(database: &Database, path: &Path, now: Timestamp) -> Result<(), OpenError> {
    if database.is_empty()? {
        database.tx().script(VERSION_TABLE)?;
    }
    let found = version(database, path)?;
    for (number, script) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        run(database, number, script, now)
            .map_err(|source| OpenError::Migration { to: number, source })?;
    }
    Ok(())
}

/// The schema of a store.
///
/// # Errors
/// It is no store of this program, or a newer one.
pub(crate) fn version(database: &Database, path: &Path) -> Result<i64, OpenError> {
    if !database.has_table("schema_version")? {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
        });
    }
    let newest = database
        .tx()
        .first("SELECT MAX(version) FROM schema_version", &[], |row| {
            row.columns().opt_int()
        })?;
    let found = newest.flatten().unwrap_or(0);
    if found > VERSION {
        return Err(OpenError::Newer {
            found,
            known: VERSION,
        });
    }
    Ok(found)
}

fn run(database: &Database, number: i64, script: &str, now: Timestamp) -> Result<(), StoreError> {
    let tx = database.tx();
    tx.script("BEGIN IMMEDIATE")?;
    let done = tx
        .script(script)
        .and_then(|()| {
            tx.run(
                "INSERT INTO schema_version (version, applied) VALUES ($1, $2)",
                args![number, now],
            )
        })
        .and_then(|_| tx.script("COMMIT"));
    if done.is_err() {
        let _ = tx.script("ROLLBACK"); // the first error is the one to tell
    }
    done
}
