//! Key rotation: sealing anew what stands under older keys, a batch at a time, while everything else goes on.

use crate::ring::reseal;
use crate::rows::{SEALED, SealedField, sealed};
use crate::sql::{Tx, args};
use crate::{Store, StoreError};
use countersign_keyring::{KeyId, Keyring, key_of};
use std::collections::BTreeMap;

/// How far a rotation has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Which sealed field of the schema it is at.
    field: usize,
    /// The last row looked at.
    row: i64,
    /// Fields sealed anew in this batch.
    pub resealed: u64,
    /// Fields of this batch that do not open any more (E-112001); they stay as they are.
    pub shut: u64,
    /// Nothing is left to look at.
    pub finished: bool,
}

impl Store {
    /// Looks at the next `limit` rows after `last` and seals anew every field whose key is not the active one of its
    /// class. A field that changes meanwhile is left alone: whoever changed it sealed it under the active key.
    ///
    /// # Errors
    /// The database cannot be written; the batch can be repeated.
    pub fn reseal_batch(&self, last: Resealed, limit: u32) -> Result<Resealed, StoreError> {
        let Some((table, field)) = SEALED.get(last.field).copied() else {
            return Ok(Resealed {
                finished: true,
                ..last
            });
        };
        let rows = self
            .shared
            .read(|tx| read(tx, table, field, last.row, limit))?;
        let Some(newest) = rows.last().map(|row| row.key) else {
            let field = last.field + 1;
            return Ok(Resealed {
                field,
                row: 0,
                resealed: 0,
                shut: 0,
                finished: field >= SEALED.len(),
            });
        };
        let ring = self.shared.keyring();
        let mut next = Resealed {
            field: last.field,
            row: newest,
            ..Resealed::default()
        };
        let old: Vec<SealedField> = rows
            .into_iter()
            .filter(|row| ring.needs_reseal(&row.sealed.0))
            .collect();
        let done = self.errand(move |writer| {
            writer.transaction(|writer, _| write(writer.database.tx(), &ring, &old))
        })?;
        // Accounts in memory hold the old values, whose key may soon be gone.
        if done.0 > 0 {
            self.shared.cache.clear();
        }
        (next.resealed, next.shut) = done;
        Ok(next)
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

fn write(tx: Tx<'_>, ring: &Keyring, old: &[SealedField]) -> Result<(u64, u64), StoreError> {
    let (mut done, mut shut) = (0, 0);
    for field in old {
        match reseal(ring, field.place(), &field.sealed) {
            Ok(new) => {
                let sql = format!(
                    "UPDATE \"{}\" SET {} = $1 WHERE key = $2 AND {} = $3",
                    field.table, field.field, field.field
                );
                done += u64::try_from(tx.run(&sql, args![&*new.0, field.key, &*field.sealed.0])?)
                    .unwrap_or(0);
            }
            Err(error) => {
                tracing::error!(
                    code = "E-112001",
                    "failed to {error}: {} of row {} in {}",
                    field.field,
                    field.key,
                    field.table
                );
                shut += 1;
            }
        }
    }
    Ok((done, shut))
}
