//! Moving a store to another place, such as from a file to PostgreSQL: row by row, resumable, proven at the end. The
//! old place is left as it is, but marked, so that two truths can never serve.

use crate::backup::{Progress, Watch};
use crate::database::{Access, Database, Source};
use crate::dump::{Inserts, Pages, Value, count};
use crate::rows::node;
use crate::schema::{self, Table};
use crate::sql::Tx;
use crate::{OpenError, Options, StoreError, StoreUrl, marks};
use countersign_engine::model::{LOST_AFTER_S, NodeRecord, NodeState};
use countersign_engine::time::Timestamp;
use countersign_keyring::random;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value as Json, json};

/// The table of the marks, which are not copied as rows.
const MARKS: &str = "store_mark";
/// Marks of a move: how far each table is.
const AT: &str = "move.at.";

/// A store to be moved.
#[derive(Debug)]
pub struct Transfer<'a> {
    /// Where it lies, and the clock.
    pub from: &'a Options,
    /// Where it is to lie.
    pub to: &'a StoreUrl,
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transferred {
    /// Tables.
    pub tables: usize,
    /// Rows, compared one by one on both sides.
    pub rows: u64,
    /// Rows that an earlier attempt had moved already.
    pub resumed: u64,
}

/// Why a store was not moved. The old place is the truth as long as the error does not say otherwise.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A side cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A side failed.
    #[error("{0}; give the same command again to go on")]
    Store(#[from] StoreError),
    /// A node runs on it.
    #[error(
        "move a store in use: node {0} runs on it; stop it, or wait a quarter of a minute if it was killed"
    )]
    Running(String),
    /// It was made by another version.
    #[error(
        "move a store of schema {found}: this program moves schema {known}; start the server of this version once on it"
    )]
    Schema {
        /// The schema of the store.
        found: i64,
        /// The schema of this program.
        known: i64,
    },
    /// There is something else.
    #[error("move to {0}: there is a store already; name an empty database")]
    NotEmpty(String),
    /// It is no longer here.
    #[error("move a store that was moved already, to {0}")]
    Moved(String),
    /// The two sides differ.
    #[error(
        "prove the move: table {0} is not the same on both sides; the old place stays the truth, empty the new one and begin again"
    )]
    Differs(String),
    /// It was ended by its watcher.
    #[error("finish: it was interrupted; give the same command again to go on")]
    Cancelled,
}

impl Transfer<'_> {
    /// Moves the store, or goes on with a move that was interrupted.
    ///
    /// # Errors
    /// The first thing that is in the way.
    pub fn run(&self, watch: Watch<'_>) -> Result<Transferred, TransferError> {
        let source = schema::existing(&self.from.url, Access::Write)?;
        let found = schema::version(&source, &self.from.url)?;
        if found != schema::VERSION {
            return Err(TransferError::Schema {
                found,
                known: schema::VERSION,
            });
        }
        schema::check_file(self.to)?;
        let target = Source::new(self.to.clone(), "move", self.from.wait)
            .open(Access::Write)
            .map_err(|error| OpenError::of(self.to, error))?;
        let run = Run {
            source: &source,
            target: &target,
            now: (self.from.clock)(),
            to: self.to.to_string(),
        };
        run.begin(&self.from.url.to_string())?;
        run.carry_out(watch)
    }

    /// Gives a move up: the store serves from its old place again.
    ///
    /// # Errors
    /// It was finished already, or the store cannot be written.
    pub fn abort(&self) -> Result<(), TransferError> {
        let source = schema::existing(&self.from.url, Access::Write)?;
        if let Some(to) = marks::one(source.tx(), marks::MOVED_TO)? {
            return Err(TransferError::Moved(to));
        }
        within(&source, |tx| marks::remove(tx, marks::MOVING)).map_err(TransferError::from)
    }
}

struct Run<'a> {
    source: &'a Database,
    target: &'a Database,
    now: Timestamp,
    to: String,
}

impl Run<'_> {
    /// Marks both sides, so that no server starts on either, or finds the marks of an earlier attempt.
    fn begin(&self, from: &str) -> Result<(), TransferError> {
        let moving = marks::one(self.source.tx(), marks::MOVING)?;
        let incoming = if self.target.is_empty()? {
            None
        } else if self.target.has_table(MARKS)? {
            marks::one(self.target.tx(), marks::INCOMING)?.map(|text| id_of(&text))
        } else {
            return Err(TransferError::NotEmpty(self.to.clone()));
        };
        match (moving, incoming) {
            (Some(id), Some(own)) if id == own => return Ok(()),
            (_, Some(_)) => return Err(TransferError::NotEmpty(self.to.clone())),
            (_, None) if !self.target.is_empty()? => {
                return Err(TransferError::NotEmpty(self.to.clone()));
            }
            _ => {}
        }
        if let Some(to) = marks::one(self.source.tx(), marks::MOVED_TO)? {
            return Err(TransferError::Moved(to));
        }
        if let Some(name) = running(self.source.tx(), self.now)? {
            return Err(TransferError::Running(name));
        }
        let id: [u8; 16] =
            random::random().map_err(|error| StoreError::Audit(error.to_string()))?;
        let id = HEXLOWER.encode(&id);
        within(self.source, |tx| {
            marks::put(tx, marks::MOVING, &id, self.now)
        })?;
        let mark = json!({"id": id, "from": from}).to_string();
        within(self.target, |tx| {
            schema::make(self.target, schema::VERSION, self.now)?;
            schema::empty(self.target, schema::VERSION)?;
            marks::put(tx, marks::INCOMING, &mark, self.now)
        })?;
        Ok(())
    }

    fn carry_out(&self, watch: Watch<'_>) -> Result<Transferred, TransferError> {
        let tables: Vec<Table> = schema::tables(schema::VERSION)
            .into_iter()
            .filter(|table| table.name != MARKS)
            .collect();
        let mut rows = 0;
        for table in &tables {
            rows += count(self.source.tx(), table)?;
        }
        // Every row is copied, then read on both sides.
        let mut progress = Progress {
            done: 0,
            all: rows * 3,
        };
        let mut resumed = 0;
        for table in &tables {
            resumed += self.copy(table, &mut progress, watch)?;
        }
        for table in &tables {
            self.prove(table, &mut progress, watch)?;
        }
        self.finish()?;
        Ok(Transferred {
            tables: tables.len(),
            rows,
            resumed,
        })
    }

    /// Copies a table page by page; answers how many rows were there already.
    fn copy(
        &self,
        table: &Table,
        progress: &mut Progress,
        watch: Watch<'_>,
    ) -> Result<u64, TransferError> {
        let name = format!("{AT}{}", table.name);
        let at = marks::one(self.target.tx(), &name)?;
        let resumed = if at.is_some() {
            count(self.target.tx(), table)?
        } else {
            0
        };
        progress.done += resumed;
        let mut pages = Pages::of(table, at.as_deref().and_then(key_in));
        loop {
            let page = self.source.reading(|tx| pages.next(tx))?;
            if page.is_empty() {
                return Ok(resumed);
            }
            progress.done += page.len() as u64;
            let position = pages.position().map(key_text).unwrap_or_default();
            within(self.target, |tx| {
                let mut inserts = Inserts::into(table);
                for row in &page {
                    inserts.add(tx, row.clone())?;
                }
                inserts.write(tx)?;
                marks::put(tx, &name, &position, self.now)
            })?;
            if !watch(*progress) {
                return Err(TransferError::Cancelled);
            }
        }
    }

    fn prove(
        &self,
        table: &Table,
        progress: &mut Progress,
        watch: Watch<'_>,
    ) -> Result<(), TransferError> {
        let mut ended = false;
        let mut each = |rows: u64| {
            progress.done += rows;
            ended |= !watch(*progress);
            if ended {
                Err(StoreError::Closed)
            } else {
                Ok(())
            }
        };
        let mut sum =
            |database: &Database| database.reading(|tx| Pages::of(table, None).sum(tx, &mut each));
        let (old, new) = (sum(self.source), sum(self.target));
        if ended {
            return Err(TransferError::Cancelled);
        }
        if old? == new? {
            Ok(())
        } else {
            Err(TransferError::Differs(table.name.clone()))
        }
    }

    /// The old place is given up before the new one is opened: between the two neither serves.
    fn finish(&self) -> Result<(), TransferError> {
        within(self.source, |tx| {
            marks::put(tx, marks::MOVED_TO, &self.to, self.now)
        })?;
        let own = marks::all(self.source.tx())?;
        within(self.target, |tx| {
            marks::remove_all(tx)?;
            for (name, value) in own {
                if name != marks::MOVING && name != marks::MOVED_TO {
                    marks::put(tx, &name, &value, self.now)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn within<T>(
    database: &Database,
    run: impl FnOnce(Tx<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    database.begin()?;
    let done = run(database.tx()).and_then(|value| database.commit().map(|()| value));
    if done.is_err() {
        database.rollback();
    }
    done
}

/// A node that says it runs, and said so lately.
fn running(tx: Tx<'_>, now: Timestamp) -> Result<Option<String>, StoreError> {
    Ok(running_but(tx, now, "")?
        .into_iter()
        .next()
        .map(|node| node.name))
}

/// The nodes that say they run, and said so lately, except one.
pub(crate) fn running_but(
    tx: Tx<'_>,
    now: Timestamp,
    own: &str,
) -> Result<Vec<NodeRecord>, StoreError> {
    let mut nodes = node::all(tx)?;
    nodes.retain(|node| {
        node.name != own
            && node.report.as_ref().is_some_and(|report| {
                report.state != NodeState::Stopped
                    && now.seconds().saturating_sub(report.seen.seconds()) < LOST_AFTER_S
            })
    });
    Ok(nodes)
}

fn id_of(mark: &str) -> String {
    let json: Json = serde_json::from_str(mark).unwrap_or_default();
    json.get("id")
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The key of a row as text.
fn key_text(key: &[Value]) -> String {
    let parts = key.iter().map(|value| match value {
        Value::Null => Json::Null,
        Value::Int(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Blob(blob) => json!({"bytes": BASE64.encode(blob)}),
    });
    Json::from_iter(parts).to_string()
}

fn key_in(text: &str) -> Option<Vec<Value>> {
    let parts: Vec<Json> = serde_json::from_str(text).ok()?;
    parts
        .into_iter()
        .map(|part| match part {
            Json::Null => Some(Value::Null),
            Json::Number(number) => number.as_i64().map(Value::Int),
            Json::String(text) => Some(Value::Text(text)),
            other => {
                let bytes = other.get("bytes")?.as_str()?.as_bytes().to_vec();
                BASE64.decode(&bytes).ok().map(Value::Blob)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
