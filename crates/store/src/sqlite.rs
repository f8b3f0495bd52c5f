//! The SQLite driver: the only file that knows it.

use crate::StoreError;
use crate::sql::{Arg, Row};
use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// Bytes of a page.
const PAGE: i64 = 4096;
/// Prepared statements kept by each connection.
const STATEMENTS: usize = 200;
/// KiB of page cache of a reader, which reads single rows.
const READER_CACHE_KIB: i64 = 4 * 1024;

/// An open database.
pub(crate) struct Database {
    connection: Connection,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The one writer; makes the file if it does not exist.
    Write,
    /// Reads only, beside a writer or alone.
    Read,
}

impl Database {
    /// Opens a database file. `wait` bounds the time a locked database is waited for.
    pub(crate) fn open(path: &Path, access: Access, wait: Duration) -> Result<Self, StoreError> {
        let flags = match access {
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let connection =
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(wait)?;
        // The bundled SQLite is built with STAT4: without this it plans every statement anew at each execution.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let database = Self { connection };
        // As in PostgreSQL: what is to be compared without regard to case is stored folded.
        database.pragma("case_sensitive_like", 1)?;
        match access {
            Access::Write => database.prepare_writer()?,
            Access::Read => database.pragma("cache_size", -READER_CACHE_KIB)?,
        }
        Ok(database)
    }

    fn prepare_writer(&self) -> Result<(), StoreError> {
        self.pragma("page_size", PAGE)?;
        self.connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;",
        )?;
        // Truncating the log after each checkpoint would only make the next commit extend the file again.
        self.pragma("journal_size_limit", -1)
    }

    /// Sets the KiB of pages that the writer keeps: it works on the whole hot set.
    pub(crate) fn keep_pages(&self, kib: i64) -> Result<(), StoreError> {
        self.pragma("cache_size", -kib)
    }

    /// Sets the pages of the write-ahead log from which a commit copies them into the database.
    pub(crate) fn checkpoint_every(&self, pages: i64) -> Result<(), StoreError> {
        self.pragma("wal_autocheckpoint", pages)
    }

    /// Bounds the size of the database in pages.
    #[cfg(test)]
    pub(crate) fn bound_pages(&self, pages: i64) -> Result<(), StoreError> {
        self.pragma("max_page_count", pages)
    }

    /// Refuses writes as a read-only file does.
    #[cfg(test)]
    pub(crate) fn refuse_writes(&self, on: bool) -> Result<(), StoreError> {
        self.pragma("query_only", i64::from(on))
    }

    fn pragma(&self, name: &str, value: i64) -> Result<(), StoreError> {
        Ok(self
            .connection
            .execute_batch(&format!("PRAGMA {name} = {value};"))?)
    }

    /// Whether the schema knows a table.
    pub(crate) fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1";
        Ok(self.tx().first(sql, &[name.into()], |_| Ok(()))?.is_some())
    }

    /// Whether there is no table at all.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self
            .tx()
            .first("SELECT 1 FROM sqlite_master", &[], |_| Ok(()))?
            .is_none())
    }

    /// Statements outside or inside a transaction that the caller began.
    pub(crate) fn tx(&self) -> Tx<'_> {
        Tx {
            connection: &self.connection,
        }
    }

    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        self.tx().run("BEGIN IMMEDIATE", &[]).map(drop)
    }

    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        self.tx().run("COMMIT", &[]).map(drop)
    }

    pub(crate) fn rollback(&self) {
        // After some errors SQLite has rolled back by itself; then this one says so and nothing is lost.
        let _ = self.tx().run("ROLLBACK", &[]);
    }

    /// Runs reads on one state of the database.
    pub(crate) fn reading<T>(
        &self,
        run: impl FnOnce(Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.tx().run("BEGIN", &[])?;
        let result = run(self.tx());
        // Nothing was written; only an unusable connection makes this fail, and then the next BEGIN says so.
        let _ = self.tx().run("ROLLBACK", &[]);
        result
    }
}

/// Statements on a connection.
#[derive(Clone, Copy)]
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
}

impl<'a> Tx<'a> {
    /// Runs a statement and says how many rows it changed.
    pub(crate) fn run(self, sql: &str, args: &[Arg<'_>]) -> Result<usize, StoreError> {
        Ok(self.bound(sql, args)?.raw_execute()?)
    }

    /// Runs several statements without parameters.
    pub(crate) fn script(self, sql: &str) -> Result<(), StoreError> {
        Ok(self.connection.execute_batch(sql)?)
    }

    /// The first row, if any.
    pub(crate) fn first<T>(
        self,
        sql: &str,
        args: &[Arg<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.bound(sql, args)?;
        let mut rows = statement.raw_query();
        rows.next()?.map(|row| read(&Row::Sqlite(row))).transpose()
    }

    /// Calls `each` with every row, until it says false.
    pub(crate) fn each(
        self,
        sql: &str,
        args: &[Arg<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.bound(sql, args)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            if !each(&Row::Sqlite(row))? {
                break;
            }
        }
        Ok(())
    }

    /// All rows.
    pub(crate) fn all<T>(
        self,
        sql: &str,
        args: &[Arg<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut out = Vec::new();
        self.each(sql, args, |row| {
            out.push(read(row)?);
            Ok(true)
        })?;
        Ok(out)
    }

    fn bound(self, sql: &str, args: &[Arg<'_>]) -> Result<CachedStatement<'a>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        for (index, arg) in (1..).zip(args) {
            // SQLite numbers `$n` by first appearance, so the statements name them in order.
            debug_assert_eq!(
                statement.parameter_name(index),
                Some(format!("${index}").as_str()),
                "{sql}"
            );
            statement.raw_bind_parameter(index, arg)?;
        }
        debug_assert_eq!(statement.parameter_count(), args.len(), "{sql}");
        Ok(statement)
    }
}

pub(crate) fn int(row: &rusqlite::Row<'_>, at: usize) -> Result<Option<i64>, StoreError> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(value) => Ok(Some(value)),
        _ => Err(StoreError::Corrupt("a value is no integer".to_owned())),
    }
}

pub(crate) fn text<'r>(
    row: &'r rusqlite::Row<'_>,
    at: usize,
) -> Result<Option<&'r str>, StoreError> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(value) => std::str::from_utf8(value)
            .map(Some)
            .map_err(|_| StoreError::Corrupt("a text is no UTF-8".to_owned())),
        _ => Err(StoreError::Corrupt("a value is no text".to_owned())),
    }
}

pub(crate) fn blob<'r>(
    row: &'r rusqlite::Row<'_>,
    at: usize,
) -> Result<Option<&'r [u8]>, StoreError> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        ValueRef::Blob(value) => Ok(Some(value)),
        _ => Err(StoreError::Corrupt("a value is no bytes".to_owned())),
    }
}

impl rusqlite::ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Blob(value) => ValueRef::Blob(value),
        }))
    }
}

/// A unique name or number that exists already.
pub(crate) const TAKEN: &str = "a unique value exists already";

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::ConstraintViolation) => Self::Refused(if is_unique(&error) {
                TAKEN.to_owned()
            } else {
                error.to_string()
            }),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::NotADatabase
                | ErrorCode::DatabaseCorrupt,
            ) => Self::Disk(error.to_string()),
            // After these the transaction may be gone, so that nothing may go on in it.
            Some(
                ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::InternalMalfunction,
            ) => Self::Disk(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

fn is_unique(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(
        code,
        Some(SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE)
    )
}
