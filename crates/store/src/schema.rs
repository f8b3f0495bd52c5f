//! The schema and how an older store comes to it: numbered SQL files, run once each, in order.

use crate::database::{Access, Database, Source};
use crate::sql::args;
use crate::{OpenError, StoreError, StoreUrl};
use countersign_engine::time::Timestamp;
use std::borrow::Cow;
use std::time::Duration;

/// The migrations; the number of each is its place, from 1 on.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_nodes.sql"),
];

/// The newest schema of this program.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// How long a server may take to tell whether it holds a store.
const ASK: Duration = Duration::from_secs(5);

const VERSION_TABLE: &str = "CREATE TABLE schema_version (    -- The migrations that were run.
    version INTEGER NOT NULL PRIMARY KEY,   -- Number of the migration.
    applied INTEGER NOT NULL                -- When it was run.
) STRICT;";

/// Brings a store to the newest schema.
pub(crate) fn migrate(
    database: &Database,
    url: &StoreUrl,
    now: Timestamp,
) -> Result<(), OpenError> {
    if database.is_empty()? {
        database.tx().script(&dialect(database, VERSION_TABLE))?;
    }
    let found = version(database, url)?;
    for (number, script) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        run(database, number, script, now)
            .map_err(|source| OpenError::Migration { to: number, source })?;
    }
    Ok(())
}

/// Whether there is a store already, which was made with some root key.
///
/// # Errors
/// The server cannot be asked, or its database is something else.
pub fn is_made(url: &StoreUrl) -> Result<bool, OpenError> {
    if let Some(path) = url.file() {
        return Ok(path.exists());
    }
    let database = Source::new(url.clone(), "start", ASK)
        .open(Access::Read)
        .map_err(|error| OpenError::of(url, error))?;
    database
        .is_empty()
        .map(|empty| !empty)
        .map_err(|error| OpenError::of(url, error))
}

/// The schema of a store.
///
/// # Errors
/// It is no store of this program, or a newer one.
pub(crate) fn version(database: &Database, url: &StoreUrl) -> Result<i64, OpenError> {
    if !database.has_table("schema_version")? {
        return Err(OpenError::Foreign { store: url.clone() });
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
    database.begin()?;
    let done = tx
        .script(&dialect(database, script))
        .and_then(|()| {
            tx.run(
                "INSERT INTO schema_version (version, applied) VALUES ($1, $2)",
                args![number, now],
            )
        })
        .and_then(|_| database.commit());
    if done.is_err() {
        database.rollback();
    }
    done
}

/// The words of a script that PostgreSQL spells in another way. Texts are compared byte by byte, as in SQLite.
const WORDS: [(&str, &str); 4] = [
    ("INTEGER", "BIGINT"),
    ("BLOB", "BYTEA"),
    (" TEXT", " TEXT COLLATE \"C\""),
    (") STRICT;", ");"),
];

fn dialect<'s>(database: &Database, script: &'s str) -> Cow<'s, str> {
    if database.server().is_none() {
        return Cow::Borrowed(script);
    }
    let script = WORDS.iter().fold(script.to_owned(), |script, (from, to)| {
        script.replace(from, to)
    });
    Cow::Owned(script)
}
