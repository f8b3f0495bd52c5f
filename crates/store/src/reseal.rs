//! Key rotation: sealing anew what stands under older keys, a batch at a time, while everything else goes on.

use crate::ring::reseal;
use crate::rows::{SEALED, SealedField, key, sealed};
use crate::sql::{Tx, args};
use crate::{Store, StoreError};
use countersign_engine::model::{Rotation, Sealed};
use countersign_keyring::{KeyId, Keyring, RootKey, key_of};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far a rotation has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Which sealed field of the schema it is at.
    field: usize,
    /// The last row looked at.
    row: i64,
    /// Fields sealed anew in this batch.
    pub resealed: u64,
    /// Fields of this batch that do not open any more (E-112001), as `table.field row`; they stay as they are.
    pub shut: Vec<String>,
    /// Nothing is left to look at.
    pub finished: bool,
}

impl Resealed {
    /// Where a rotation was, as [`position`](Self::position) told.
    #[must_use]
    pub fn at((field, row): (i64, i64)) -> Self {
        Self {
            field: usize::try_from(field).unwrap_or(0),
            row,
            ..Self::default()
        }
    }

    /// Sealed field of the schema, and the last row looked at.
    #[must_use]
    pub fn position(&self) -> (i64, i64) {
        (i64::try_from(self.field).unwrap_or(i64::MAX), self.row)
    }
}

impl Store {
    /// Looks at the next `limit` rows after `last` and seals anew every field whose key is not the active one of its
    /// class. A field that changes meanwhile is left alone: whoever changed it sealed it under the active key.
    ///
    /// # Errors
    /// The database cannot be written; the batch can be repeated.
    pub fn reseal_batch(&self, last: &Resealed, limit: u32) -> Result<Resealed, StoreError> {
        let Some((table, field)) = SEALED.get(last.field).copied() else {
            return Ok(Resealed {
                finished: true,
                ..last.clone()
            });
        };
        let rows = self
            .shared
            .read(|tx| read(tx, table, field, last.row, limit))?;
        let Some(newest) = rows.last().map(|row| row.key) else {
            let field = last.field + 1;
            return Ok(Resealed {
                field,
                finished: field >= SEALED.len(),
                ..Resealed::default()
            });
        };
        let mut next = Resealed {
            field: last.field,
            row: newest,
            ..Resealed::default()
        };
        // Opening and sealing is done here, so that the writer, which logons wait for, only writes.
        let ring = self.shared.keyring();
        let mut pairs = Vec::new();
        for old in rows {
            if !ring.needs_reseal(&old.sealed.0) {
                continue;
            }
            match reseal(&ring, old.place(), &old.sealed) {
                Ok(new) => pairs.push((old, new)),
                Err(error) => {
                    let which = format!("{table}.{field} {}", old.key);
                    tracing::error!(code = "E-112001", "failed to {error}: {which}");
                    next.shut.push(which);
                }
            }
        }
        if !pairs.is_empty() {
            next.resealed = self.errand(move |writer| {
                writer.transaction(|writer, _| write(writer.database.tx(), &pairs))
            })?;
        }
        Ok(next)
    }

    /// How many sealed fields stand under another key than the active one of its class. Reads every sealed field.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn count_stale(&self) -> Result<u64, StoreError> {
        let ring = self.shared.keyring();
        self.shared.read(|tx| {
            let mut stale = 0;
            for (table, field) in SEALED {
                let sql = format!("SELECT {field} FROM \"{table}\" WHERE {field} IS NOT NULL");
                tx.each(&sql, &[], |row| {
                    stale += u64::from(ring.needs_reseal(row.columns().blob()?));
                    Ok(true)
                })?;
            }
            Ok(stale)
        })
    }

    /// The newest rotation of data keys.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn rotation(&self) -> Result<Option<Rotation>, StoreError> {
        self.shared.read(key::rotation)
    }

    /// Uses the root key that the data keys are wrapped under by now, once a committed `Write::Rewrap` has said so.
    ///
    /// # Errors
    /// [`StoreError::Sealing`] where they are not under it.
    pub fn adopt_root(&self, root: &Arc<RootKey>) -> Result<(), StoreError> {
        let under = |ring: &Keyring, root: &Arc<RootKey>| {
            ring.under(Arc::clone(root))
                .map_err(|error| StoreError::Sealing(error.to_string()))
        };
        // Once here, where an HSM may take its time; what it opened is remembered, and the writer does not wait for it.
        under(&self.shared.keyring(), root)?;
        let root = Arc::clone(root);
        self.errand(move |writer| {
            writer
                .shared
                .set_keyring(under(&writer.shared.keyring(), &root)?);
            Ok(())
        })
    }

    /// The keys that something is sealed under, with how many fields. Reads every sealed field.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn keys_in_use(&self) -> Result<BTreeMap<KeyId, u64>, StoreError> {
        self.shared.read(|tx| {
            let mut used = BTreeMap::new();
            let fields = SEALED.iter().copied().chain([("kept_answer", "answer")]);
            for (table, field) in fields {
                let sql = format!("SELECT {field} FROM \"{table}\" WHERE {field} IS NOT NULL");
                tx.each(&sql, &[], |row| {
                    if let Some(key) = row.columns().opt_blob()?.and_then(key_of) {
                        *used.entry(key).or_default() += 1;
                    }
                    Ok(true)
                })?;
            }
            Ok(used)
        })
    }
}

fn read(
    tx: Tx<'_>,
    table: &'static str,
    field: &'static str,
    after: i64,
    limit: u32,
) -> Result<Vec<SealedField>, StoreError> {
    // Tables without a format of their own have one that never changed.
    let version = if table == "audit_key" {
        "1"
    } else {
        "record_version"
    };
    let sql = format!(
        "SELECT key, {version}, {field} FROM \"{table}\" WHERE key > $1 AND {field} IS NOT NULL ORDER BY key LIMIT $2"
    );
    tx.all(&sql, args![after, limit], |row| {
        let mut c = row.columns();
        Ok(SealedField {
            table,
            field,
            key: c.int()?,
            version: c.number()?,
            sealed: sealed(c.blob()?),
        })
    })
}

fn write(tx: Tx<'_>, pairs: &[(SealedField, Sealed)]) -> Result<u64, StoreError> {
    let mut done = 0;
    for (old, new) in pairs {
        let sql = format!(
            "UPDATE \"{}\" SET {} = $1 WHERE key = $2 AND {} = $3",
            old.table, old.field, old.field
        );
        done += u64::try_from(tx.run(&sql, args![&*new.0, old.key, &*old.sealed.0])?).unwrap_or(0);
    }
    Ok(done)
}
