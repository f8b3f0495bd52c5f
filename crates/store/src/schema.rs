//! The schema and how an older store comes to it: numbered SQL files, run once each, in order.

mod tables;

pub(crate) use tables::{Kind, Table, quoted};

use crate::database::{Access, Database, Source};
use crate::sql::args;
use crate::{OpenError, StoreError, StoreUrl, marks};
use countersign_engine::time::Timestamp;
use std::borrow::Cow;
use std::fs;
use std::time::Duration;

/// The migrations; the number of each is its place, from 1 on.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_nodes.sql"),
    include_str!("../migrations/0003_rotation.sql"),
    include_str!("../migrations/0004_marks.sql"),
    include_str!("../migrations/0005_back_ends.sql"),
    include_str!("../migrations/0006_synchronisation.sql"),
];

/// What a migration says to a server besides. Rows that every logon writes have room for their next version on their
/// own page, so that no index is written with them.
const ON_SERVER: &[(i64, &str)] = &[(
    1,
    "ALTER TABLE application_state SET (fillfactor = 85); ALTER TABLE user_state SET (fillfactor = 85);",
)];

/// The newest schema of this program.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// How long a server may take to tell whether it holds a store.
const ASK: Duration = Duration::from_secs(5);
/// How long a tool waits for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

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
            .map_err(|cause| OpenError::Migration { to: number, cause })?;
    }
    Ok(())
}

/// The tables of a schema.
pub(crate) fn tables(schema: i64) -> Vec<Table> {
    let known = usize::try_from(schema).unwrap_or(0);
    tables::read(MIGRATIONS.get(..known).unwrap_or(MIGRATIONS))
}

/// Opens a store that must be there.
pub(crate) fn existing(url: &StoreUrl, access: Access) -> Result<Database, OpenError> {
    if let Some(path) = url.file()
        && !path.is_file()
    {
        return Err(OpenError::Missing {
            path: path.to_owned(),
        });
    }
    check_file(url)?;
    Source::new(url.clone(), "tool", PATIENCE)
        .open(access)
        .map_err(|error| OpenError::of(url, error))
}

/// Brings an empty database, or one that was made so far, to a schema, inside a transaction of the caller.
pub(crate) fn make(database: &Database, to: i64, now: Timestamp) -> Result<(), StoreError> {
    let tx = database.tx();
    if !database.has_table("schema_version")? {
        tx.script(&dialect(database, VERSION_TABLE))?;
    }
    let found = newest(database)?;
    for (number, script) in (1..).zip(MIGRATIONS) {
        if number > found && number <= to {
            apply(database, number, script, now)?;
        }
    }
    Ok(())
}

/// Removes the rows that migrations brought, inside a transaction of the caller.
pub(crate) fn empty(database: &Database, schema: i64) -> Result<(), StoreError> {
    for table in tables(schema) {
        let sql = format!("DELETE FROM {}", quoted(&table.name));
        database.tx().run(&sql, &[])?;
    }
    Ok(())
}

/// Removes every table of a schema, inside a transaction of the caller.
pub(crate) fn drop_all(database: &Database, schema: i64) -> Result<(), StoreError> {
    let names = tables(schema).into_iter().map(|table| table.name);
    for name in names.chain(["schema_version".to_owned()]) {
        database
            .tx()
            .script(&format!("DROP TABLE {};", quoted(&name)))?;
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
    let found = newest(database)?;
    if found > VERSION && !is_usable(database)? {
        return Err(OpenError::Newer {
            found,
            known: VERSION,
        });
    }
    Ok(found)
}

/// Whether a store of a newer schema says that this program may use it: its migrations only added what an older one
/// does not look at.
fn is_usable(database: &Database) -> Result<bool, StoreError> {
    if !database.has_table("store_mark")? {
        return Ok(false);
    }
    let oldest = marks::one(database.tx(), marks::OLDEST_SCHEMA)?;
    Ok(oldest
        .and_then(|oldest| oldest.parse::<i64>().ok())
        .is_some_and(|oldest| oldest <= VERSION))
}

fn newest(database: &Database) -> Result<i64, StoreError> {
    let newest = database
        .tx()
        .first("SELECT MAX(version) FROM schema_version", &[], |row| {
            row.columns().opt_int()
        })?;
    Ok(newest.flatten().unwrap_or(0))
}

fn run(database: &Database, number: i64, script: &str, now: Timestamp) -> Result<(), StoreError> {
    database.begin()?;
    let done = apply(database, number, script, now).and_then(|()| database.commit());
    if done.is_err() {
        database.rollback();
    }
    done
}

fn apply(database: &Database, number: i64, script: &str, now: Timestamp) -> Result<(), StoreError> {
    let tx = database.tx();
    let script = dialect(database, script);
    match database.server() {
        Some(server) => server.at_leisure(|| tx.script(&script))?,
        None => tx.script(&script)?,
    }
    if database.server().is_some() {
        let more = ON_SERVER.iter().filter(|(of, _)| *of == number);
        more.map(|(_, script)| *script)
            .try_for_each(|script| tx.script(script))?;
    }
    tx.run(
        "INSERT INTO schema_version (version, applied) VALUES ($1, $2)",
        args![number, now],
    )
    .map(drop)
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

/// Refuses the file of another program before anything is written to it.
pub(crate) fn check_file(url: &StoreUrl) -> Result<(), OpenError> {
    let Some(path) = url.file() else {
        return Ok(());
    };
    let ours = match fs::metadata(path) {
        Ok(file) if file.len() > 0 => starts_like_one(path),
        _ => Ok(true),
    };
    match ours {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::Foreign { store: url.clone() }),
        Err(error) => Err(OpenError::of(url, StoreError::Disk(error.to_string()))),
    }
}

fn starts_like_one(path: &std::path::Path) -> std::io::Result<bool> {
    use std::io::Read;
    let mut start = Vec::new();
    fs::File::open(path)?.take(16).read_to_end(&mut start)?;
    Ok(start == b"SQLite format 3\0")
}
