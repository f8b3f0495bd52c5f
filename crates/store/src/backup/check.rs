use super::error::malformed;
use super::{About, BackupError, Progress, Watch};
use crate::StoreError;
use crate::dump::{Event, Reader, Value};
use crate::ring::from_record;
use crate::schema::{self, Kind, Table};
use countersign_engine::model::KeyRecord;
use countersign_engine::time::Timestamp;
use countersign_keyring::{Keyring, RootKey};
use std::io::Read;
use std::sync::Arc;

/// Rows between two reports.
const REPORT: u64 = 1000;

/// A backup that was read to its end.
#[derive(Debug)]
pub struct Checked {
    /// What it says of its store.
    pub about: About,
    /// The public audit keys in it.
    pub audit_keys: Vec<[u8; 32]>,
}

/// Reads a backup to its end: every row is there and as it was written, the tables are those of a known schema, and,
/// with the root key, the data keys open and nothing in it is the root key.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn verify(
    input: impl Read,
    root: Option<&Arc<RootKey>>,
    watch: Watch<'_>,
) -> Result<Checked, BackupError> {
    let mut keys = Vec::new();
    let mut audit_keys = Vec::new();
    let mut contents = Contents::begin(input)?;
    contents.rows(watch, &mut |table, row| {
        if let Some(root) = root
            && let Some(column) = holds_key(root, table, &row)
        {
            return Err(BackupError::RootKey(column));
        }
        match table.name.as_str() {
            "data_key" => keys.push(data_key(table, &row).ok_or_else(|| damaged(table))?),
            "audit_key" => audit_keys.extend(
                blob(table, &row, "public").and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()),
            ),
            _ => {}
        }
        Ok(())
    })?;
    if let Some(root) = root {
        open(root, &keys)?;
    }
    Ok(Checked {
        about: contents.about,
        audit_keys,
    })
}

fn open(root: &Arc<RootKey>, keys: &[KeyRecord]) -> Result<(), BackupError> {
    let failed = |error: String| BackupError::Keys(error);
    if keys.is_empty() {
        return Err(failed("there is none in it".to_owned()));
    }
    let rows = keys
        .iter()
        .map(from_record)
        .collect::<Result<_, StoreError>>()
        .map_err(|error| failed(error.to_string()))?;
    Keyring::load(Arc::clone(root), rows)
        .map(drop)
        .map_err(|error| failed(error.to_string()))
}

/// The contents of a backup while they are read.
pub(super) struct Contents<R: Read> {
    pub(super) about: About,
    pub(super) tables: Vec<Table>,
    reader: Reader<R>,
}

/// Hears of each row with its table.
type EachRow<'e> = dyn FnMut(&Table, Vec<Value>) -> Result<(), BackupError> + 'e;

impl<R: Read> Contents<R> {
    pub(super) fn begin(input: R) -> Result<Self, BackupError> {
        let (json, reader) = Reader::begin(input)?;
        let about = About::from_json(&json)
            .ok_or_else(|| malformed("it does not say what it was made of"))?;
        match about.schema {
            found if found > schema::VERSION => Err(BackupError::Newer {
                found,
                known: schema::VERSION,
            }),
            found if found < 1 => Err(malformed("its schema is no number of one")),
            found => Ok(Self {
                tables: schema::tables(found),
                about,
                reader,
            }),
        }
    }

    /// Calls `each` with every row, and has met the end when it returns.
    pub(super) fn rows(
        &mut self,
        watch: Watch<'_>,
        each: &mut EachRow<'_>,
    ) -> Result<(), BackupError> {
        let all = self.about.all_rows();
        let mut done = 0;
        for table in &self.tables {
            expect_table(&mut self.reader, table)?;
            loop {
                match self.reader.next()? {
                    Event::Row(row) if fits(table, &row) => each(table, row)?,
                    Event::TableEnd(sum) if self.about.rows.get(&table.name) == Some(&sum.rows) => {
                        break;
                    }
                    _ => return Err(damaged(table)),
                }
                done += 1;
                if done % REPORT == 0 && !watch(Progress { done, all }) {
                    return Err(BackupError::Cancelled);
                }
            }
        }
        match self.reader.next()? {
            Event::End => Ok(()),
            _ => Err(malformed("it has a table that its schema does not know")),
        }
    }
}

fn expect_table<R: Read>(reader: &mut Reader<R>, table: &Table) -> Result<(), BackupError> {
    let known = table.columns.iter().map(|(column, _)| column);
    match reader.next()? {
        Event::Table(name, columns) if name == table.name && columns.iter().eq(known) => Ok(()),
        _ => Err(malformed(format!(
            "where table {} should stand is something else",
            table.name
        ))),
    }
}

fn fits(table: &Table, row: &[Value]) -> bool {
    let mut kinds = table.columns.iter().zip(row);
    row.len() == table.columns.len()
        && kinds.all(|((_, kind), value)| {
            matches!(
                (kind, value),
                (_, Value::Null)
                    | (Kind::Int, Value::Int(_))
                    | (Kind::Text, Value::Text(_))
                    | (Kind::Blob, Value::Blob(_))
            )
        })
}

fn damaged(table: &Table) -> BackupError {
    malformed(format!("table {} is not as it was written", table.name))
}

fn holds_key(root: &RootKey, table: &Table, row: &[Value]) -> Option<String> {
    let at = row.iter().position(|value| match value {
        Value::Text(text) => root.stands_in(text.as_bytes()),
        Value::Blob(blob) => root.stands_in(blob),
        Value::Null | Value::Int(_) => false,
    })?;
    let (column, _) = table.columns.get(at)?;
    Some(format!("{}.{column}", table.name))
}

fn named<'r>(table: &Table, row: &'r [Value], column: &str) -> Option<&'r Value> {
    let at = table.columns.iter().position(|(name, _)| name == column)?;
    row.get(at)
}

fn text(table: &Table, row: &[Value], column: &str) -> Option<String> {
    match named(table, row, column) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn blob<'r>(table: &Table, row: &'r [Value], column: &str) -> Option<&'r [u8]> {
    match named(table, row, column) {
        Some(Value::Blob(bytes)) => Some(bytes),
        _ => None,
    }
}

fn data_key(table: &Table, row: &[Value]) -> Option<KeyRecord> {
    let text = |column| text(table, row, column);
    Some(KeyRecord {
        id: text("id")?,
        class: text("class")?,
        algorithm: text("algorithm")?,
        state: text("state")?,
        created: match named(table, row, "created") {
            Some(Value::Int(created)) => Timestamp(*created),
            _ => return None,
        },
        wrapped: blob(table, row, "wrapped")?.to_vec(),
        root: text("root")?,
    })
}
