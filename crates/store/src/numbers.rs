//! Row numbers: taken from the store in blocks, given out from memory.

use crate::StoreError;
use crate::rows::key;
use crate::sql::Tx;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Numbers reserved at a time: nodes that write at once must not wait for each other at every record.
const BLOCK: i64 = 256;

#[derive(Debug, Default)]
pub(crate) struct Numbers {
    left: HashMap<&'static str, Range<i64>>,
    /// Tables whose block was reserved in the transaction under way.
    fresh: HashSet<&'static str>,
}

impl Numbers {
    /// A number that no row of the table had before.
    pub(crate) fn next(&mut self, tx: Tx<'_>, table: &'static str) -> Result<i64, StoreError> {
        let left = self.left.entry(table).or_default();
        if left.is_empty() {
            *left = key::reserve_numbers(tx, table, BLOCK)?;
            self.fresh.insert(table);
        }
        left.next()
            .ok_or_else(|| StoreError::Corrupt(format!("{table} has no row numbers left")))
    }

    /// The transaction is durable, and what it reserved with it.
    pub(crate) fn keep(&mut self) {
        self.fresh.clear();
    }

    /// The transaction was undone, and what it reserved with it.
    pub(crate) fn forget(&mut self) {
        for table in self.fresh.drain() {
            self.left.remove(table);
        }
    }
}
