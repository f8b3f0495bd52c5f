//! The small facade all SQL goes through. Rows and parameters are integers, texts and bytes; SQL is written in the
//! portable dialect with `$1..$n`, so that one set of statements serves both drivers, [`crate::sqlite`] and
//! [`crate::postgres`].

use crate::{StoreError, postgres, schema, sqlite};
use countersign_engine::model::Meta;
use countersign_engine::time::{Day, Timestamp};

/// A parameter of a statement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arg<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl From<$type> for Arg<'_> {
            fn from(value: $type) -> Self {
                Self::Int(value.into())
            }
        }
    )*};
}

integers!(i64 i32 i16 u32 u16 u8 bool);

impl From<u64> for Arg<'_> {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for Arg<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.0)
    }
}

impl From<Day> for Arg<'_> {
    fn from(value: Day) -> Self {
        Self::Int(value.0.into())
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Arg<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Blob(value)
    }
}

impl<'a, T: Into<Arg<'a>>> From<Option<T>> for Arg<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Arg::from($value)),*] };
}
pub(crate) use args;

/// Statements on a connection.
#[derive(Clone, Copy)]
pub(crate) enum Tx<'a> {
    Sqlite(sqlite::Tx<'a>),
    Postgres(postgres::Tx<'a>),
}

macro_rules! both {
    ($self:expr, $tx:ident => $call:expr) => {
        match $self {
            Tx::Sqlite($tx) => $call,
            Tx::Postgres($tx) => $call,
        }
    };
}

impl Tx<'_> {
    /// Runs a statement and says how many rows it changed.
    pub(crate) fn run(self, sql: &str, args: &[Arg<'_>]) -> Result<usize, StoreError> {
        both!(self, tx => tx.run(sql, args))
    }

    /// Runs several statements without parameters.
    pub(crate) fn script(self, sql: &str) -> Result<(), StoreError> {
        both!(self, tx => tx.script(sql))
    }

    /// Runs a statement that must change exactly one row, or [`StoreError::NotHeld`]. A server may answer later: at
    /// the next statement that waits, or at [`Tx::settle`].
    pub(crate) fn one(self, sql: &str, args: &[Arg<'_>]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) if tx.run(sql, args)? == 1 => Ok(()),
            Self::Sqlite(_) => Err(StoreError::NotHeld),
            Self::Postgres(tx) => tx.send(sql, args, Some(1)),
        }
    }

    /// Runs a statement that may change any number of rows; its error may come later.
    pub(crate) fn send(self, sql: &str, args: &[Arg<'_>]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.run(sql, args).map(drop),
            Self::Postgres(tx) => tx.send(sql, args, None),
        }
    }

    /// Runs a statement about the transaction itself; its error may come later.
    pub(crate) fn queue(self, sql: &'static str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.run(sql, &[]).map(drop),
            Self::Postgres(tx) => tx.queue(sql),
        }
    }

    /// Waits for the answers of all statements so far.
    pub(crate) fn settle(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(tx) => tx.settle(),
        }
    }

    /// Runs several reads in one round trip and calls `read` with the place of the read and each row.
    pub(crate) fn together(
        self,
        reads: &[(&str, &[Arg<'_>])],
        mut read: impl FnMut(usize, &Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => reads
                .iter()
                .enumerate()
                .try_for_each(|(place, (sql, args))| {
                    tx.each(sql, args, |row| read(place, row).map(|()| true))
                }),
            Self::Postgres(tx) => tx.together(reads, read),
        }
    }

    /// The first row, if any, of a statement that answers few.
    pub(crate) fn first<T>(
        self,
        sql: &str,
        args: &[Arg<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        both!(self, tx => tx.first(sql, args, read))
    }

    /// Calls `each` with every row of a long answer, until it says false. Inside a transaction, one at a time.
    pub(crate) fn each(
        self,
        sql: &str,
        args: &[Arg<'_>],
        each: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        both!(self, tx => tx.each(sql, args, each))
    }

    /// All rows.
    pub(crate) fn all<T>(
        self,
        sql: &str,
        args: &[Arg<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        both!(self, tx => tx.all(sql, args, read))
    }

    /// Lets nobody remove a row before the transaction ends; [`StoreError::NotHeld`] where it is gone. A file has one
    /// writer.
    pub(crate) fn keep(self, table: &str, key: i64) -> Result<(), StoreError> {
        let sql = format!("SELECT 1 FROM {} WHERE key = $1", schema::quoted(table));
        match self {
            Self::Sqlite(_) => self
                .first(&sql, args![key], |_| Ok(()))?
                .ok_or(StoreError::NotHeld),
            Self::Postgres(tx) => tx.send(&format!("{sql} FOR KEY SHARE"), args![key], Some(1)),
        }
    }

    /// Waits for whoever keeps a row, and lets nobody keep it before the transaction ends.
    pub(crate) fn seize(self, table: &str, key: i64) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(tx) => tx.send(
                &format!(
                    "SELECT 1 FROM {} WHERE key = $1 FOR UPDATE",
                    schema::quoted(table)
                ),
                args![key],
                None,
            ),
        }
    }

    /// Whether a statement that failed ends the transaction, so that it needs a savepoint.
    pub(crate) fn is_fragile(self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// One row of an answer.
pub(crate) enum Row<'q> {
    Sqlite(&'q rusqlite::Row<'q>),
    Postgres(&'q tokio_postgres::Row),
}

impl Row<'_> {
    fn int(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(row) => sqlite::int(row, at),
            Self::Postgres(row) => postgres::int(row, at),
        }
    }

    fn text(&self, at: usize) -> Result<Option<&str>, StoreError> {
        match self {
            Self::Sqlite(row) => sqlite::text(row, at),
            Self::Postgres(row) => postgres::text(row, at),
        }
    }

    fn blob(&self, at: usize) -> Result<Option<&[u8]>, StoreError> {
        match self {
            Self::Sqlite(row) => sqlite::blob(row, at),
            Self::Postgres(row) => postgres::blob(row, at),
        }
    }
}

/// Reads the columns of a row one after the other.
pub(crate) struct Columns<'r, 'q> {
    row: &'r Row<'q>,
    next: usize,
}

impl<'r> Columns<'r, '_> {
    fn step(&mut self) -> usize {
        let at = self.next;
        self.next += 1;
        at
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        let at = self.step();
        self.row.int(at)
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.opt_int()?.ok_or_else(unexpected_null)
    }

    /// An integer of a narrower type; one that does not fit is a corrupt row.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        narrow(self.int()?)
    }

    pub(crate) fn opt_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>, StoreError> {
        self.opt_int()?.map(narrow).transpose()
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(Timestamp)
    }

    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int()?.map(Timestamp))
    }

    pub(crate) fn opt_day(&mut self) -> Result<Option<Day>, StoreError> {
        Ok(self.opt_number()?.map(Day))
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<&'r str>, StoreError> {
        let at = self.step();
        self.row.text(at)
    }

    pub(crate) fn text(&mut self) -> Result<&'r str, StoreError> {
        self.opt_text()?.ok_or_else(unexpected_null)
    }

    pub(crate) fn string(&mut self) -> Result<String, StoreError> {
        self.text().map(str::to_owned)
    }

    pub(crate) fn opt_string(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.opt_text()?.map(str::to_owned))
    }

    pub(crate) fn opt_blob(&mut self) -> Result<Option<&'r [u8]>, StoreError> {
        let at = self.step();
        self.row.blob(at)
    }

    pub(crate) fn blob(&mut self) -> Result<&'r [u8], StoreError> {
        self.opt_blob()?.ok_or_else(unexpected_null)
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.blob()?
            .try_into()
            .map_err(|_| StoreError::Corrupt(format!("a value is not {N} bytes long")))
    }

    /// A word of a closed list.
    pub(crate) fn word<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text()?;
        read(text).ok_or_else(|| unknown_word(text))
    }

    pub(crate) fn opt_word<T>(
        &mut self,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.opt_text()?
            .map(|text| read(text).ok_or_else(|| unknown_word(text)))
            .transpose()
    }

    /// The four columns every record ends with.
    pub(crate) fn meta(&mut self) -> Result<Meta, StoreError> {
        Ok(Meta {
            created: self.time()?,
            modified: self.time()?,
            record_version: self.number()?,
            revision: self.int()?,
        })
    }
}

impl<'q> Row<'q> {
    /// The columns from the first on.
    pub(crate) fn columns(&self) -> Columns<'_, 'q> {
        self.columns_from(0)
    }

    /// The columns from `start` on.
    pub(crate) fn columns_from(&self, start: usize) -> Columns<'_, 'q> {
        Columns {
            row: self,
            next: start,
        }
    }
}

fn narrow<T: TryFrom<i64>>(value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::Corrupt(format!("{value} is out of range")))
}

fn unexpected_null() -> StoreError {
    StoreError::Corrupt("a value is missing".to_owned())
}

fn unknown_word(text: &str) -> StoreError {
    StoreError::Corrupt(format!(
        "{:?} is no known word",
        text.chars().take(40).collect::<String>()
    ))
}
