//! Policies: the body is their export form.

use super::{RowError, check_version, version};
use crate::StoreError;
use crate::sql::{Row, Tx, args};
use countersign_engine::model::{Meta, PolicyKey};
use countersign_engine::policy::Policy;
use countersign_engine::text::fold;

pub(crate) const TABLE: &str = "policy";

pub(crate) const ALL: &str = "SELECT key, policy_id, body, created, modified, record_version, revision FROM policy ORDER BY folded";
const INSERT: &str =
    "INSERT INTO policy (key, policy_id, folded, body, created, modified, record_version, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const UPDATE: &str = "UPDATE policy SET policy_id = $1, folded = $2, body = $3, modified = $4, record_version = $5, revision = revision + 1
    WHERE key = $6 AND revision = $7";
pub(crate) const DELETE: &str = "DELETE FROM policy WHERE key = $1 AND revision = $2";

/// A stored policy, or why it cannot be read.
pub(crate) struct Stored {
    pub(crate) key: PolicyKey,
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) policy: Result<Policy, String>,
}

pub(crate) fn read(row: &Row<'_>) -> Result<Stored, StoreError> {
    let mut c = row.columns();
    let (key, id, body, meta) = (PolicyKey(c.int()?), c.string()?, c.text()?, c.meta()?);
    let policy = match check_version(meta, version::POLICY, "policy", &id) {
        Err(RowError::Unreadable(unreadable)) => Err(unreadable.which),
        Err(RowError::Store(error)) => return Err(error),
        Ok(_) => serde_json::from_str(body)
            .map_err(|error| error.to_string())
            .and_then(|json| Policy::from_json(&json).map_err(|error| error.to_string())),
    };
    Ok(Stored {
        key,
        id,
        meta,
        policy,
    })
}

pub(crate) fn insert(tx: Tx<'_>, key: PolicyKey, r: &Policy, m: Meta) -> Result<(), StoreError> {
    let (folded, body) = (fold(&r.id), r.to_json().to_string());
    tx.one(
        INSERT,
        args![
            key.0,
            &r.id,
            &folded,
            &body,
            m.created,
            m.modified,
            m.record_version,
            m.revision
        ],
    )
}

pub(crate) fn update(tx: Tx<'_>, key: PolicyKey, r: &Policy, m: Meta) -> Result<(), StoreError> {
    let (folded, body) = (fold(&r.id), r.to_json().to_string());
    tx.one(
        UPDATE,
        args![
            &r.id,
            &folded,
            &body,
            m.modified,
            m.record_version,
            key.0,
            m.revision
        ],
    )
}
