//! Audit segments and epochs as rows: one segment holds the records of one commit.

use crate::StoreError;
use crate::sql::{Row, Tx, args};
use crate::sqlite::TAKEN;
use countersign_engine::audit::Entry;
use countersign_engine::audit::chain::{self, Head};
use countersign_engine::time::Timestamp;

/// Segments of an epoch have keys from `number * STRIDE` on; an epoch has fewer records than that.
const STRIDE: i64 = 1 << 21;

const NEWEST_EPOCH: &str =
    "SELECT number, epoch FROM audit_epoch WHERE node = $1 ORDER BY number DESC LIMIT 1";
const NODES: &str = "SELECT DISTINCT node FROM audit_epoch ORDER BY node";
const EPOCHS: &str = "SELECT number, epoch, node FROM audit_epoch ORDER BY number";
const EPOCH_BY_ID: &str = "SELECT number FROM audit_epoch WHERE epoch = $1";
const NEXT_EPOCH: &str = "SELECT COALESCE(MAX(number), 0) + 1 FROM audit_epoch";
const INSERT_EPOCH: &str =
    "INSERT INTO audit_epoch (number, epoch, node, started) VALUES ($1, $2, $3, $4)";

const INSERT_SEGMENT: &str = "INSERT INTO audit_segment (key, epoch, first, count, from_time, to_time, head, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const LAST_OF_EPOCH: &str = "SELECT first + count - 1, head FROM audit_segment WHERE key >= $1 AND key < $2 ORDER BY key DESC LIMIT 1";
const AT: &str = "SELECT key, first, head, body FROM audit_segment WHERE key >= $1 AND key <= $2 ORDER BY key DESC LIMIT 1";
const OF_EPOCH: &str =
    "SELECT key, first, head, body FROM audit_segment WHERE key >= $1 AND key < $2 ORDER BY key";
const INSERT_TRACES: &str = "INSERT INTO trace_segment (key, to_time, body) VALUES ($1, $2, $3)";

const PUT_CHECKPOINT: &str = "INSERT INTO audit_checkpoint (node, epoch, seq, hash, time) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (node) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, hash = excluded.hash, time = excluded.time";
const CHECKPOINTS: &str = "SELECT node, epoch, seq, hash FROM audit_checkpoint";

/// The records of one commit in one epoch.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) count: u64,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) head: [u8; 32],
    /// Canonical JSON, a line feed after each record.
    pub(crate) body: Vec<u8>,
}

/// A segment as read.
pub(crate) struct Stored {
    pub(crate) key: i64,
    pub(crate) first: u64,
    pub(crate) head: [u8; 32],
    pub(crate) body: Vec<u8>,
}

impl Stored {
    /// The records in the order of the chain.
    pub(crate) fn lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.body
            .strip_suffix(b"\n")
            .unwrap_or(&self.body)
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
    }

    /// The hash that stands for each record: what the next one names as `prev`, and for the last what the commit
    /// stored. A record that was changed does not match its own.
    pub(crate) fn hashes(&self) -> Vec<[u8; 32]> {
        let named = self
            .lines()
            .skip(1)
            .map(|line| prev_of(line).unwrap_or_default());
        named.chain(std::iter::once(self.head)).collect()
    }
}

const PREV: &[u8] = b"\"prev\":\"";

/// `prev` of a record. No field after it holds JSON, and in a text the quotes would be escaped: so the last place is it.
pub(crate) fn prev_of(json: &[u8]) -> Option<[u8; 32]> {
    let at = json
        .windows(PREV.len())
        .rposition(|window| window == PREV)?
        + PREV.len();
    data_encoding::HEXLOWER
        .decode(json.get(at..at + 64)?)
        .ok()?
        .try_into()
        .ok()
}

pub(crate) fn read(row: &Row<'_>) -> Result<Stored, StoreError> {
    let mut c = row.columns();
    Ok(Stored {
        key: c.int()?,
        first: c.number()?,
        head: c.bytes()?,
        body: c.blob()?.to_vec(),
    })
}

/// The key of the segment that begins at `first`.
pub(crate) fn segment_key(epoch: i64, first: u64) -> i64 {
    epoch * STRIDE + i64::try_from(first).unwrap_or(STRIDE).min(STRIDE - 1)
}

/// The epoch that a segment belongs to.
pub(crate) fn epoch_of(key: i64) -> i64 {
    key / STRIDE
}

pub(crate) fn insert(tx: Tx<'_>, epoch: i64, s: &Segment) -> Result<i64, StoreError> {
    let key = segment_key(epoch, s.first);
    let done = tx.run(
        INSERT_SEGMENT,
        args![
            key,
            epoch,
            s.first,
            s.count,
            s.from,
            s.to,
            &s.head,
            s.body.as_slice()
        ],
    );
    contended_if_taken(done).map(|_| key)
}

pub(crate) fn insert_traces(
    tx: Tx<'_>,
    key: i64,
    to: Timestamp,
    body: &[u8],
) -> Result<(), StoreError> {
    tx.run(INSERT_TRACES, args![key, to, body]).map(|_| ())
}

pub(crate) fn next_epoch(tx: Tx<'_>) -> Result<i64, StoreError> {
    Ok(tx
        .first(NEXT_EPOCH, &[], |row| row.columns().int())?
        .unwrap_or(1))
}

pub(crate) fn insert_epoch(
    tx: Tx<'_>,
    number: i64,
    epoch: &[u8; 16],
    node: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let done = tx.run(INSERT_EPOCH, args![number, epoch, node, now]);
    contended_if_taken(done).map(|_| ())
}

/// A number that another node, or a commit that was given up, has taken meanwhile.
fn contended_if_taken<T>(done: Result<T, StoreError>) -> Result<T, StoreError> {
    match done {
        Err(StoreError::Refused(reason)) if reason == TAKEN => Err(StoreError::Contended),
        done => done,
    }
}

/// Sequence number and hash of the newest record of an epoch.
pub(crate) fn end_of(tx: Tx<'_>, epoch: i64) -> Result<Option<(u64, [u8; 32])>, StoreError> {
    tx.first(
        LAST_OF_EPOCH,
        args![segment_key(epoch, 0), segment_key(epoch + 1, 0)],
        |row| {
            let mut c = row.columns();
            Ok((c.number()?, c.bytes()?))
        },
    )
}

/// The newest record of a node.
pub(crate) fn newest(tx: Tx<'_>, node: &str) -> Result<Option<Head>, StoreError> {
    let epoch = tx.first(NEWEST_EPOCH, args![node], |row| {
        let mut c = row.columns();
        Ok((c.int()?, c.bytes()?))
    })?;
    let Some((number, epoch)) = epoch else {
        return Ok(None);
    };
    let end = end_of(tx, number)?;
    Ok(end.map(|(seq, hash)| Head { epoch, seq, hash }))
}

/// The newest epoch of a node with its newest record, unless that closed it.
pub(crate) fn open_end(tx: Tx<'_>, node: &str) -> Result<Option<(i64, Head)>, StoreError> {
    let epoch = tx.first(NEWEST_EPOCH, args![node], |row| {
        let mut c = row.columns();
        Ok((c.int()?, c.bytes()?))
    })?;
    let Some((number, epoch)) = epoch else {
        return Ok(None);
    };
    let range = args![segment_key(number, 0), segment_key(number + 1, 0) - 1];
    let Some(segment) = tx.first(AT, range, read)? else {
        return Ok(None);
    };
    let newest = segment.lines().next_back();
    let closed = newest
        .and_then(|line| Entry::read(line).ok())
        .is_some_and(|entry| chain::is_closing(&entry));
    let seq = segment.first + (segment.lines().count() as u64).saturating_sub(1);
    let hash = segment.head;
    Ok((!closed).then_some((number, Head { epoch, seq, hash })))
}

/// Whether a later start has ended an epoch right after this record.
pub(crate) fn is_ended(tx: Tx<'_>, epoch: i64, head: Option<Head>) -> Result<bool, StoreError> {
    let Some(head) = head else {
        return Ok(false);
    };
    let at = segment_key(epoch, head.seq + 1);
    let Some(segment) = tx.first(AT, args![at, at], read)? else {
        return Ok(false);
    };
    let entry = segment.lines().next().and_then(|line| {
        (prev_of(line)? == head.hash)
            .then(|| Entry::read(line).ok())
            .flatten()
    });
    Ok(entry.is_some_and(|entry| chain::is_ending(&entry)))
}

/// The newest record of every node.
pub(crate) fn heads(tx: Tx<'_>) -> Result<Vec<(String, Head)>, StoreError> {
    let nodes = tx.all(NODES, &[], |row| row.columns().string())?;
    let mut heads = Vec::new();
    for node in nodes {
        if let Some(head) = newest(tx, &node)? {
            heads.push((node, head));
        }
    }
    Ok(heads)
}

/// The epochs of all nodes: number, id, node.
pub(crate) fn epochs(tx: Tx<'_>) -> Result<Vec<(i64, [u8; 16], String)>, StoreError> {
    tx.all(EPOCHS, &[], |row| {
        let mut c = row.columns();
        Ok((c.int()?, c.bytes()?, c.string()?))
    })
}

/// Whether the store holds exactly this record.
pub(crate) fn holds(tx: Tx<'_>, head: &Head) -> Result<bool, StoreError> {
    let Some(number) = tx.first(EPOCH_BY_ID, args![&head.epoch], |row| row.columns().int())? else {
        return Ok(false);
    };
    let Some(segment) = tx.first(
        AT,
        args![segment_key(number, 0), segment_key(number, head.seq)],
        read,
    )?
    else {
        return Ok(false);
    };
    let at = head
        .seq
        .checked_sub(segment.first)
        .and_then(|at| usize::try_from(at).ok());
    let line = at.and_then(|at| segment.lines().nth(at));
    Ok(line.is_some_and(|line| {
        prev_of(line).is_some_and(|prev| chain::hash(&prev, line) == head.hash)
    }))
}

/// Calls `each` with the segments of an epoch in order.
pub(crate) fn segments(
    tx: Tx<'_>,
    epoch: i64,
    mut each: impl FnMut(Stored),
) -> Result<(), StoreError> {
    tx.each(
        OF_EPOCH,
        args![segment_key(epoch, 0), segment_key(epoch + 1, 0)],
        |row| {
            each(read(row)?);
            Ok(true)
        },
    )
}

pub(crate) fn put_checkpoint(
    tx: Tx<'_>,
    node: &str,
    head: &Head,
    time: Timestamp,
) -> Result<(), StoreError> {
    tx.run(
        PUT_CHECKPOINT,
        args![node, &head.epoch, head.seq, &head.hash, time],
    )
    .map(|_| ())
}

/// The newest checkpoint of every node.
pub(crate) fn checkpoints(tx: Tx<'_>) -> Result<Vec<(String, Head)>, StoreError> {
    tx.all(CHECKPOINTS, &[], |row| {
        let mut c = row.columns();
        Ok((
            c.string()?,
            Head {
                epoch: c.bytes()?,
                seq: c.number()?,
                hash: c.bytes()?,
            },
        ))
    })
}
