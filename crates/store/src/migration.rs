//! The conversion of all records of older formats, a batch at a time, while everything else goes on.

use crate::rows::{convert, version};
use crate::transfer::running_but;
use crate::{Store, StoreError, marks};
use serde_json::json;

/// How far a conversion has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Converted {
    /// Which table it is at.
    table: usize,
    /// The last row looked at.
    row: i64,
    /// Records converted so far.
    pub converted: u64,
    /// Records that cannot be converted (E-013003); they stay as they are.
    pub failed: u64,
    /// Nothing is left to look at.
    pub finished: bool,
}

/// The formats of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formats {
    /// The table.
    pub table: &'static str,
    /// The newest that this program knows.
    pub known: u32,
    /// The one that is written.
    pub written: u32,
    /// Records of older ones.
    pub waiting: u64,
}

impl Store {
    /// Has records written in the newest formats from now on. Going back to an older program ends here.
    ///
    /// # Errors
    /// A node that serves does not know them, which is told as a refusal; or the database cannot be written.
    pub fn begin_migration(&self) -> Result<Result<(), String>, StoreError> {
        self.errand(|writer| {
            writer.transaction(|writer, now| {
                let tx = writer.database.tx();
                for node in running_but(tx, now, &writer.ledger.author().node)? {
                    if let Some(why) = lacks(&node) {
                        return Ok(Err(why));
                    }
                }
                marks::put(tx, marks::RECORDS, &convert::newest(), now)?;
                let begun = json!({"node": writer.ledger.author().node, "begun": now.0});
                marks::put(tx, marks::MIGRATION, &begun.to_string(), now)?;
                Ok(Ok(()))
            })
        })
    }

    /// The conversion that was begun and has not ended: the node that does it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn migration(&self) -> Result<Option<String>, StoreError> {
        self.shared.read(|tx| {
            let mark = marks::one(tx, marks::MIGRATION)?;
            let json = mark.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
            Ok(json.and_then(|json| Some(json.get("node")?.as_str()?.to_owned())))
        })
    }

    /// Converts the next `limit` records.
    ///
    /// # Errors
    /// The database cannot be written; the batch can be repeated.
    pub fn convert_batch(&self, last: Converted, limit: u32) -> Result<Converted, StoreError> {
        let Some(table) = convert::TABLES.get(last.table).copied() else {
            self.errand(|writer| {
                writer
                    .transaction(|writer, _| marks::remove(writer.database.tx(), marks::MIGRATION))
            })?;
            return Ok(Converted {
                finished: true,
                ..last
            });
        };
        let format = version::known(table);
        let old = self
            .shared
            .read(|tx| convert::old(tx, table, format, last.row, limit))?;
        let Some(newest) = old.last().map(|old| old.key) else {
            return Ok(Converted {
                table: last.table + 1,
                row: 0,
                ..last
            });
        };
        let ring = self.shared.keyring();
        let all = old.len() as u64;
        let done = self.errand(move |writer| {
            writer.transaction(|writer, _| {
                let mut done = 0;
                for record in &old {
                    done += u64::from(record.convert(writer.database.tx(), &ring, format)?);
                }
                Ok(done)
            })
        })?;
        if done > 0 {
            self.shared.cache.clear(); // accounts in memory hold the revisions from before
        }
        Ok(Converted {
            row: newest,
            converted: last.converted + done,
            failed: last.failed + (all - done),
            ..last
        })
    }

    /// The formats of all tables.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn formats(&self) -> Result<Vec<Formats>, StoreError> {
        self.shared.read(|tx| {
            let written = convert::written(tx)?;
            let formats = convert::TABLES.iter().map(|table| {
                let known = version::known(table);
                Ok(Formats {
                    table,
                    known,
                    written: written.get(*table).copied().unwrap_or(1),
                    waiting: convert::waiting(tx, table, known)?,
                })
            });
            formats.collect()
        })
    }
}

/// What a node does not know of the newest formats.
fn lacks(node: &countersign_engine::model::NodeRecord) -> Option<String> {
    let report = node.report.as_ref()?;
    convert::TABLES.iter().find_map(|table| {
        let known = report.records.get(*table).copied().unwrap_or(1);
        let wanted = version::known(table);
        (known < wanted).then(|| {
            format!(
                "node {} serves with a version that knows {table} records up to {known}, and {wanted} is to be written: upgrade it or stop it first",
                node.name
            )
        })
    })
}
