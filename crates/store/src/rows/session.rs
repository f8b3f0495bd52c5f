//! Administrative sessions.

use crate::StoreError;
use crate::sql::{Row, Tx, args};
use countersign_engine::model::{Session, SessionKey, UserKey};
use countersign_engine::time::Timestamp;

const ONE: &str =
    "SELECT key, user_key, source, component_type, started, last_use FROM session WHERE key = $1";
pub(crate) const ALL: &str =
    "SELECT key, user_key, source, component_type, started, last_use FROM session ORDER BY started";
const PUT: &str = "INSERT INTO session (key, user_key, source, component_type, started, last_use) VALUES ($1, $2, $3, $4, $5, $6)";
// A session that was ended meanwhile must not come back by being used.
const USE: &str = "UPDATE session SET last_use = $1 WHERE key = $2 AND last_use < $1";
const DELETE: &str = "DELETE FROM session WHERE key = $1";
const DELETE_OF: &str = "DELETE FROM session WHERE user_key = $1";

pub(crate) fn read(row: &Row<'_>) -> Result<Session, StoreError> {
    let mut c = row.columns();
    Ok(Session {
        key: SessionKey(c.bytes()?),
        user: UserKey(c.int()?),
        source: c.string()?,
        component_type: c.string()?,
        started: c.time()?,
        last_use: c.time()?,
    })
}

pub(crate) fn one(tx: Tx<'_>, key: SessionKey) -> Result<Option<Session>, StoreError> {
    tx.first(ONE, args![&key.0], read)
}

pub(crate) fn all(tx: Tx<'_>) -> Result<Vec<Session>, StoreError> {
    tx.all(ALL, &[], read)
}

pub(crate) fn put(tx: Tx<'_>, r: &Session) -> Result<(), StoreError> {
    tx.run(
        PUT,
        args![
            &r.key.0,
            r.user.0,
            &r.source,
            &r.component_type,
            r.started,
            r.last_use
        ],
    )
    .map(|_| ())
}

pub(crate) fn used(tx: Tx<'_>, key: SessionKey, at: Timestamp) -> Result<(), StoreError> {
    tx.run(USE, args![at, &key.0]).map(|_| ())
}

pub(crate) fn delete(tx: Tx<'_>, key: SessionKey) -> Result<(), StoreError> {
    tx.run(DELETE, args![&key.0]).map(|_| ())
}

pub(crate) fn delete_of(tx: Tx<'_>, user: UserKey) -> Result<(), StoreError> {
    tx.run(DELETE_OF, args![user.0]).map(|_| ())
}
