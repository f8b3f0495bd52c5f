//! Row numbers: counted in memory while a batch lasts, written with it.

use crate::StoreError;
use crate::rows::key;
use crate::sql::Tx;
use std::collections::HashMap;

#[derive(Debug, Default)]
pub(crate) struct Numbers {
    next: HashMap<&'static str, i64>,
}

impl Numbers {
    /// A number that no row of the table had before.
    pub(crate) fn next(&mut self, tx: Tx<'_>, table: &'static str) -> Result<i64, StoreError> {
        let number = match self.next.get(table) {
            Some(next) => *next,
            None => key::next_number(tx, table)?,
        };
        self.next.insert(table, number + 1);
        Ok(number)
    }

    /// Writes what was counted, within the batch that used it.
    pub(crate) fn save(&mut self, tx: Tx<'_>) -> Result<(), StoreError> {
        self.next
            .drain()
            .try_for_each(|(table, next)| key::set_number(tx, table, next))
    }

    /// Forgets what was counted: the batch was undone.
    pub(crate) fn forget(&mut self) {
        self.next.clear();
    }
}
