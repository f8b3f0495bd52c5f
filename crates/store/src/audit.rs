//! Reading the audit trail, of an open store or of a file that another program may be using.

mod factors;

pub use factors::{Accepted, Factor, MovedBack, moved_back};

use crate::database::{Access, Database, Source};
use crate::rows::key::{self, AuditKeyRecord};
use crate::sql::{Tx, args};
use crate::trail::{self, Stored};
use crate::{OpenError, Store, StoreError, StoreUrl, amid, schema};
use countersign_engine::audit::{Entry, chain::Head};
use countersign_engine::time::Timestamp;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Times that a reader tries what other transactions or a lost connection ended.
const TRIES: usize = 3;
/// Microseconds by which the time of a record may differ from the time in its id.
const ID_SLACK: i64 = 3_600_000_000;

const BETWEEN: &str = "SELECT key, first, head, body FROM audit_segment WHERE to_time >= $1 AND from_time <= $2 ORDER BY to_time, key";
const BETWEEN_BACK: &str = "SELECT key, first, head, body FROM audit_segment WHERE to_time >= $1 AND from_time <= $2 ORDER BY to_time DESC, key DESC";
const AFTER: &str =
    "SELECT key, first, head, body FROM audit_segment WHERE key > $1 AND key < $2 ORDER BY key";
const LAST_KEY: &str = "SELECT MAX(key) FROM audit_segment WHERE key >= $1 AND key < $2";
const TRACES: &str = "SELECT body FROM trace_segment WHERE key = $1";
const ERASE_TRACES: &str = "DELETE FROM trace_segment WHERE key IN (SELECT key FROM trace_segment WHERE to_time < $1 ORDER BY key LIMIT $2)";

/// A stored audit record.
#[derive(Debug, Clone)]
pub struct Line {
    /// Canonical JSON without `hash`, as it was hashed.
    pub json: Vec<u8>,
    /// The hash that stands for it in the chain.
    pub hash: [u8; 32],
    /// Key of the segment it stands in; rises with time on a node. A tail goes on after it.
    pub segment: i64,
}

impl Line {
    /// The record for viewers; none if it is no record any more.
    pub fn entry(&self) -> Option<Entry> {
        Entry::read(&self.json).ok()
    }
}

/// Which records are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// Earliest time.
    pub from: Timestamp,
    /// Latest time.
    pub to: Timestamp,
    /// The newest first.
    pub newest_first: bool,
}

impl Range {
    /// All records.
    pub const fn all(newest_first: bool) -> Self {
        Self {
            from: Timestamp(i64::MIN),
            to: Timestamp(i64::MAX),
            newest_first,
        }
    }
}

/// The audit trail for reading.
pub trait Trail {
    /// Runs reads on one state of the database; again where others got in the way or the connection was lost, unless
    /// something was handed over that must not be handed over twice.
    #[doc(hidden)]
    fn reading(
        &self,
        handed: &Cell<bool>,
        run: &mut dyn FnMut(Reading<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Calls `each` with the records of a range until it says false. Records of one commit stand together; between
    /// commits the order is that of time.
    ///
    /// # Errors
    /// The database cannot be read.
    fn scan(
        &self,
        range: Range,
        each: &mut dyn FnMut(&Line, &Entry) -> bool,
    ) -> Result<(), StoreError> {
        let handed = Cell::new(false);
        let mut note = |line: &Line, entry: &Entry| {
            handed.set(true);
            each(line, entry)
        };
        self.reading(&handed, &mut |reading| reading.scan(range, &mut note))
    }

    /// The record with this id.
    ///
    /// # Errors
    /// The database cannot be read.
    fn record(&self, id: &[u8; 16]) -> Result<Option<Line>, StoreError> {
        let mut found = None;
        self.reading(&Cell::new(false), &mut |reading| {
            found = reading.find(id)?;
            Ok(())
        })?;
        Ok(found)
    }

    /// The encoded trace of the decision whose main record has this id.
    ///
    /// # Errors
    /// The database cannot be read.
    fn trace(&self, id: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut found = None;
        self.reading(&Cell::new(false), &mut |reading| {
            if let Some(line) = reading.find(id)? {
                found = reading.trace(line.segment, id)?;
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The records that carry this request id, the client's own or the hexadecimal id of the main record, oldest first.
    /// Looks back from the newest; records of one request stand near each other.
    ///
    /// # Errors
    /// The database cannot be read.
    fn of_request(&self, request_id: &str) -> Result<Vec<Line>, StoreError> {
        let mut found = Vec::new();
        self.reading(&Cell::new(false), &mut |reading| {
            found = reading.of_request(request_id)?;
            Ok(())
        })?;
        Ok(found)
    }

    /// Calls `each` with every record, epoch by epoch in the order of the chain, as the verifier wants them.
    ///
    /// # Errors
    /// The database cannot be read.
    fn entries(&self, each: &mut dyn FnMut(&[u8], &[u8; 32])) -> Result<(), StoreError> {
        let handed = Cell::new(false);
        let mut note = |line: &[u8], hash: &[u8; 32]| {
            handed.set(true);
            each(line, hash);
        };
        self.reading(&handed, &mut |reading| reading.entries(&mut note))
    }

    /// The records after a position, about `limit` of them, in the order of their times: for following the trail. The
    /// position moves on.
    ///
    /// # Errors
    /// The database cannot be read; the position stays.
    fn after(&self, position: &mut Position, limit: usize) -> Result<Vec<Line>, StoreError> {
        let mut lines = Vec::new();
        let mut next = Position::default();
        self.reading(&Cell::new(false), &mut |reading| {
            next.clone_from(position);
            lines = reading.after(&mut next, limit)?;
            Ok(())
        })?;
        *position = next;
        lines.sort_by_cached_key(|line| line.entry().and_then(|entry| entry.time()));
        Ok(lines)
    }

    /// The position after the newest record of every node.
    ///
    /// # Errors
    /// The database cannot be read.
    fn position(&self) -> Result<Position, StoreError> {
        let mut position = Position::default();
        self.reading(&Cell::new(false), &mut |reading| {
            for (epoch, ..) in trail::epochs(reading.0)? {
                let end = reading
                    .0
                    .first(
                        LAST_KEY,
                        args![
                            trail::segment_key(epoch, 0),
                            trail::segment_key(epoch + 1, 0)
                        ],
                        |row| row.columns().opt_int(),
                    )?
                    .flatten();
                position
                    .0
                    .insert(epoch, end.unwrap_or(trail::segment_key(epoch, 0) - 1));
            }
            Ok(())
        })?;
        Ok(position)
    }

    /// The audit keys of all nodes, oldest first. Their private halves are sealed.
    ///
    /// # Errors
    /// The database cannot be read.
    fn audit_keys(&self) -> Result<Vec<AuditKeyRecord>, StoreError> {
        let mut keys = Vec::new();
        self.reading(&Cell::new(false), &mut |reading| {
            keys = key::audit_keys(reading.0)?;
            Ok(())
        })?;
        Ok(keys)
    }

    /// The newest checkpoint of every node.
    ///
    /// # Errors
    /// The database cannot be read.
    fn checkpoints(&self) -> Result<Vec<(String, Head)>, StoreError> {
        let mut all = Vec::new();
        self.reading(&Cell::new(false), &mut |reading| {
            all = trail::checkpoints(reading.0)?;
            Ok(())
        })?;
        Ok(all)
    }

    /// The stored moving factors of all applications.
    ///
    /// # Errors
    /// The database cannot be read.
    fn factors(&self) -> Result<Vec<Factor>, StoreError> {
        let mut all = Vec::new();
        self.reading(&Cell::new(false), &mut |reading| {
            all = factors::stored(reading.0)?;
            Ok(())
        })?;
        Ok(all)
    }
}

/// How far the chains of all nodes have been read: for each epoch the key of the last segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position(BTreeMap<i64, i64>);

impl Position {
    /// Whether a record lies before it.
    pub fn covers(&self, line: &Line) -> bool {
        self.0
            .range(..=trail::epoch_of(line.segment))
            .next_back()
            .is_some_and(|(_, seen)| line.segment <= *seen)
    }
}

/// One state of the database.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Reading<'a>(Tx<'a>);

impl Trail for Store {
    fn reading(
        &self,
        handed: &Cell<bool>,
        run: &mut dyn FnMut(Reading<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let until = Instant::now() + self.shared.source.wait;
        loop {
            match self.shared.read_once(|tx| run(Reading(tx))) {
                Err(error) if error.is_passing() && !handed.get() && Instant::now() < until => {}
                ended => return ended,
            }
        }
    }
}

/// A store opened for reading only, while a server may be running on it or none.
pub struct Reader {
    database: Mutex<Box<Database>>,
}

impl Reader {
    /// Opens a store.
    ///
    /// # Errors
    /// There is no such file or server, it is no store, or one of a newer schema.
    pub fn open(url: &StoreUrl) -> Result<Self, OpenError> {
        if let Some(path) = url.file()
            && !path.is_file()
        {
            return Err(OpenError::Missing {
                path: path.to_owned(),
            });
        }
        let source = Source::new(url.clone(), "reader", Duration::from_secs(10));
        let database = source
            .open(Access::Read)
            .map_err(|error| OpenError::of(url, error))?;
        schema::version(&database, url)?;
        Ok(Self {
            database: Mutex::new(Box::new(database)),
        })
    }

    /// Runs something on its connection.
    pub(crate) fn on<T>(&self, run: impl FnOnce(&Database) -> T) -> T {
        let database = self
            .database
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        run(&database)
    }
}

impl Trail for Reader {
    fn reading(
        &self,
        handed: &Cell<bool>,
        run: &mut dyn FnMut(Reading<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let database = self
            .database
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for _ in 0..TRIES {
            match database.reading(|tx| run(Reading(tx))) {
                Err(error) if error.is_passing() && !handed.get() => {}
                ended => return ended,
            }
        }
        database.reading(|tx| run(Reading(tx)))
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader(..)")
    }
}

impl Store {
    /// Removes at most `limit` segments of traces whose records are older than `before` (`trace.keep_days`); answers
    /// how many went.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn erase_traces(&self, before: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.errand(move |writer| {
            writer.transaction(|writer, _| {
                writer.database.tx().run(ERASE_TRACES, args![before, limit])
            })
        })
    }
}

impl Reading<'_> {
    fn scan(
        self,
        range: Range,
        each: &mut dyn FnMut(&Line, &Entry) -> bool,
    ) -> Result<(), StoreError> {
        let sql = if range.newest_first {
            BETWEEN_BACK
        } else {
            BETWEEN
        };
        self.0.each(sql, args![range.from, range.to], |row| {
            let mut lines = lines(&trail::read(row)?);
            if range.newest_first {
                lines.reverse();
            }
            Ok(lines.iter().all(|line| match line.entry() {
                Some(entry) if within(range, &entry) => each(line, &entry),
                _ => true,
            }))
        })
    }

    /// Looks near the time in the id first, then everywhere: an id may have been made by another program.
    fn find(self, id: &[u8; 16]) -> Result<Option<Line>, StoreError> {
        let at = amid::time(id);
        let near = Range {
            from: Timestamp(at.0.saturating_sub(ID_SLACK)),
            to: Timestamp(at.0.saturating_add(ID_SLACK)),
            newest_first: false,
        };
        match self.find_in(near, id)? {
            Some(line) => Ok(Some(line)),
            None => self.find_in(Range::all(true), id),
        }
    }

    fn find_in(self, range: Range, id: &[u8; 16]) -> Result<Option<Line>, StoreError> {
        // Ids stand first in a record.
        let start = format!("{{\"amid\":\"{}\"", data_encoding::HEXLOWER.encode(id));
        let mut found = None;
        self.segments(range, |stored| {
            found = lines_where(stored, |line| line.starts_with(start.as_bytes())).pop();
            found.is_none()
        })?;
        Ok(found)
    }

    fn of_request(self, request_id: &str) -> Result<Vec<Line>, StoreError> {
        let by_id = data_encoding::HEXLOWER_PERMISSIVE
            .decode(request_id.as_bytes())
            .ok()
            .and_then(|id| <[u8; 16]>::try_from(id).ok());
        if let Some(line) = by_id.map_or(Ok(None), |id| self.find(&id))? {
            // Other records of the request carry its id, too.
            let own = line
                .entry()
                .and_then(|entry| Some(entry.text("request_id")?.to_owned()));
            return match own {
                Some(own) => self.with_request_id(&own),
                None => Ok(vec![line]),
            };
        }
        self.with_request_id(request_id)
    }

    fn with_request_id(self, request_id: &str) -> Result<Vec<Line>, StoreError> {
        let mut part = b"\"request_id\":".to_vec();
        countersign_engine::audit::canonical::write_text(request_id, &mut part);
        let mut found = Vec::new();
        // A request that waits for a person may write for minutes; what is found ends the search a while later.
        let mut patience = 1000;
        self.segments(Range::all(true), |stored| {
            let mut here = lines_where(stored, |line| {
                line.windows(part.len()).any(|window| window == part)
            });
            here.reverse();
            found.extend(here);
            patience -= usize::from(!found.is_empty());
            patience > 0
        })?;
        found.reverse();
        Ok(found)
    }

    fn segments(
        self,
        range: Range,
        mut each: impl FnMut(&Stored) -> bool,
    ) -> Result<(), StoreError> {
        let sql = if range.newest_first {
            BETWEEN_BACK
        } else {
            BETWEEN
        };
        self.0.each(sql, args![range.from, range.to], |row| {
            Ok(each(&trail::read(row)?))
        })
    }

    fn trace(self, segment: i64, id: &[u8; 16]) -> Result<Option<Vec<u8>>, StoreError> {
        let body = self.0.first(TRACES, args![segment], |row| {
            Ok(row.columns().blob()?.to_vec())
        })?;
        Ok(body.and_then(|body| trace_in(&body, id)))
    }

    fn entries(self, each: &mut dyn FnMut(&[u8], &[u8; 32])) -> Result<(), StoreError> {
        for (number, ..) in trail::epochs(self.0)? {
            trail::segments(self.0, number, |stored| {
                lines(&stored)
                    .iter()
                    .for_each(|line| each(&line.json, &line.hash));
            })?;
        }
        Ok(())
    }

    fn after(self, position: &mut Position, limit: usize) -> Result<Vec<Line>, StoreError> {
        let newest = position.0.keys().next_back().copied().unwrap_or(0);
        for (epoch, ..) in trail::epochs(self.0)? {
            if epoch > newest {
                position.0.insert(epoch, trail::segment_key(epoch, 0) - 1);
            }
        }
        let mut found: Vec<Line> = Vec::new();
        for (epoch, seen) in &mut position.0 {
            let end = trail::segment_key(*epoch + 1, 0);
            self.0.each(AFTER, args![*seen, end], |row| {
                let stored = trail::read(row)?;
                *seen = stored.key;
                found.extend(lines(&stored));
                Ok(found.len() < limit)
            })?;
        }
        Ok(found)
    }
}

fn within(range: Range, entry: &Entry) -> bool {
    entry
        .time()
        .is_none_or(|time| range.from <= time && time <= range.to)
}

fn lines(stored: &Stored) -> Vec<Line> {
    lines_where(stored, |_| true)
}

fn lines_where(stored: &Stored, wanted: impl Fn(&[u8]) -> bool) -> Vec<Line> {
    if !stored.lines().any(&wanted) {
        return Vec::new();
    }
    let all = stored
        .lines()
        .zip(stored.hashes())
        .filter(|(line, _)| wanted(line));
    all.map(|(line, hash)| Line {
        json: line.to_vec(),
        hash,
        segment: stored.key,
    })
    .collect()
}

fn trace_in(mut body: &[u8], id: &[u8; 16]) -> Option<Vec<u8>> {
    loop {
        let (own, rest) = body.split_first_chunk::<16>()?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let (trace, rest) =
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(*size)).ok()?)?;
        if own == id {
            return Some(trace.to_vec());
        }
        body = rest;
    }
}
