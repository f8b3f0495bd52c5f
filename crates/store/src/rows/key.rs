//! Data keys, public audit keys, nodes and row numbers.

use super::sealed;
use crate::StoreError;
use crate::sql::{Columns, Row, Tx, args};
use countersign_engine::model::{KeyRecord, Rotation, RotationState, Sealed};
use countersign_engine::time::Timestamp;

const ALL: &str =
    "SELECT id, class, algorithm, state, created, wrapped, root FROM data_key ORDER BY created, id";
const PUT: &str = "INSERT INTO data_key (id, class, algorithm, state, created, wrapped, root) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state";
const DELETE: &str = "DELETE FROM data_key WHERE id = $1";

const REWRAP: &str =
    "UPDATE data_key SET algorithm = $1, wrapped = $2, root = $3 WHERE id = $4 AND root = $5";

const ROTATION: &str = "SELECT version, class, key_from, key_to, state, node, started, seen, ended, total, done, shut, at_field, at_row
    FROM key_rotation WHERE id = 1";
const PUT_ROTATION: &str = "INSERT INTO key_rotation (id, version, class, key_from, key_to, state, node, started, seen, ended, total, done, shut, at_field, at_row)
    VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, class = excluded.class, key_from = excluded.key_from, key_to = excluded.key_to,
    state = excluded.state, node = excluded.node, started = excluded.started, seen = excluded.seen, ended = excluded.ended,
    total = excluded.total, done = excluded.done, shut = excluded.shut, at_field = excluded.at_field, at_row = excluded.at_row
    WHERE key_rotation.version = $15";

const AUDIT_KEYS: &str = "SELECT key, id, node, created, public, private, previous, signature FROM audit_key ORDER BY key";
const PUT_AUDIT_KEY: &str =
    "INSERT INTO audit_key (key, id, node, created, public, private, previous, signature)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const PUT_NODE: &str = "INSERT INTO node (name, version, started, seen) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET version = excluded.version, started = excluded.started, seen = excluded.seen";
const SEEN: &str = "UPDATE node SET seen = $1 WHERE name = $2";

const RESERVE: &str = "INSERT INTO row_number (name, next) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET next = row_number.next + $3 RETURNING next";

/// Table of the keys that sign the audit trail.
pub(crate) const AUDIT_KEY: &str = "audit_key";

/// A key that signs the audit trail, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditKeyRecord {
    /// Row.
    pub key: i64,
    /// Id of the key, derived from its public half.
    pub id: String,
    /// The node it was made for.
    pub node: String,
    /// When it was made.
    pub created: Timestamp,
    /// Ed25519 public key.
    pub public: [u8; 32],
    /// The private key: sealed field `private` of table `audit_key`.
    pub private: Sealed,
    /// The key before it and its signature over this one.
    pub signed_by: Option<([u8; 32], [u8; 64])>,
}

fn read(row: &Row<'_>) -> Result<KeyRecord, StoreError> {
    let mut c = row.columns();
    Ok(KeyRecord {
        id: c.string()?,
        class: c.string()?,
        algorithm: c.string()?,
        state: c.string()?,
        created: c.time()?,
        wrapped: c.blob()?.to_vec(),
        root: c.string()?,
    })
}

pub(crate) fn all(tx: Tx<'_>) -> Result<Vec<KeyRecord>, StoreError> {
    tx.all(ALL, &[], read)
}

pub(crate) fn put(tx: Tx<'_>, r: &KeyRecord) -> Result<(), StoreError> {
    tx.run(
        PUT,
        args![
            &r.id,
            &r.class,
            &r.algorithm,
            &r.state,
            r.created,
            r.wrapped.as_slice(),
            &r.root
        ],
    )
    .map(|_| ())
}

/// Puts the new wrap of a key into the place of the one under that root key; false where it is not there.
pub(crate) fn rewrap(tx: Tx<'_>, r: &KeyRecord, from: &str) -> Result<bool, StoreError> {
    let args = args![&r.algorithm, r.wrapped.as_slice(), &r.root, &r.id, from];
    Ok(tx.run(REWRAP, args)? == 1)
}

/// The newest rotation.
pub(crate) fn rotation(tx: Tx<'_>) -> Result<Option<Rotation>, StoreError> {
    tx.first(ROTATION, &[], |row| {
        let mut c = row.columns();
        Ok(Rotation {
            version: c.int()?,
            class: c.string()?,
            from: c.opt_string()?,
            to: c.string()?,
            state: c.word(RotationState::parse)?,
            node: c.string()?,
            started: c.time()?,
            seen: c.time()?,
            ended: c.opt_time()?,
            total: c.opt_int()?,
            done: c.int()?,
            shut: c.int()?,
            at_field: c.int()?,
            at_row: c.int()?,
        })
    })
}

/// Puts a rotation into the place of its last version; false where that is not there any more.
pub(crate) fn put_rotation(tx: Tx<'_>, r: &Rotation) -> Result<bool, StoreError> {
    let args = args![
        r.version + 1,
        &r.class,
        r.from.as_deref(),
        &r.to,
        r.state.name(),
        &r.node,
        r.started,
        r.seen,
        r.ended,
        r.total,
        r.done,
        r.shut,
        r.at_field,
        r.at_row,
        r.version
    ];
    Ok(tx.run(PUT_ROTATION, args)? == 1)
}

pub(crate) fn delete(tx: Tx<'_>, id: &str) -> Result<(), StoreError> {
    tx.run(DELETE, args![id]).map(|_| ())
}

pub(crate) fn audit_keys(tx: Tx<'_>) -> Result<Vec<AuditKeyRecord>, StoreError> {
    tx.all(AUDIT_KEYS, &[], |row| {
        let mut c = row.columns();
        Ok(AuditKeyRecord {
            key: c.int()?,
            id: c.string()?,
            node: c.string()?,
            created: c.time()?,
            public: c.bytes()?,
            private: sealed(c.blob()?),
            signed_by: signed_by(&mut c)?,
        })
    })
}

/// A public key and its signature.
type Signed = ([u8; 32], [u8; 64]);

fn signed_by(c: &mut Columns<'_, '_>) -> Result<Option<Signed>, StoreError> {
    let (previous, signature) = (c.opt_blob()?, c.opt_blob()?);
    let whole = |(previous, signature): (&[u8], &[u8])| {
        Some((previous.try_into().ok()?, signature.try_into().ok()?))
    };
    let both = previous.zip(signature);
    both.map(|both| {
        whole(both).ok_or_else(|| {
            StoreError::Corrupt("an audit key's signature has a wrong length".to_owned())
        })
    })
    .transpose()
}

pub(crate) fn put_audit_key(tx: Tx<'_>, r: &AuditKeyRecord) -> Result<(), StoreError> {
    let (previous, signature) = (
        r.signed_by.as_ref().map(|(key, _)| key),
        r.signed_by.as_ref().map(|(_, signature)| signature),
    );
    tx.run(
        PUT_AUDIT_KEY,
        args![
            r.key,
            &r.id,
            &r.node,
            r.created,
            &r.public,
            &*r.private.0,
            previous,
            signature
        ],
    )
    .map(|_| ())
}

pub(crate) fn put_node(
    tx: Tx<'_>,
    name: &str,
    version: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(PUT_NODE, args![name, version, now, now]).map(|_| ())
}

/// Writes that a node can write. One that was removed meanwhile is there again: without a row to write nothing would be
/// proven.
pub(crate) fn seen(
    tx: Tx<'_>,
    name: &str,
    version: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    match tx.run(SEEN, args![now, name])? {
        0 => put_node(tx, name, version, now),
        _ => Ok(()),
    }
}

/// Reserves row numbers of a table that no row had before.
pub(crate) fn reserve_numbers(
    tx: Tx<'_>,
    table: &str,
    count: i64,
) -> Result<std::ops::Range<i64>, StoreError> {
    let end = tx
        .first(RESERVE, args![table, 1 + count, count], |row| {
            row.columns().int()
        })?
        .ok_or_else(|| StoreError::Corrupt("no row numbers were reserved".to_owned()))?;
    Ok(end - count..end)
}
