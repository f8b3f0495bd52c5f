//! CSV: RFC 4180 records, and the columns of `import/authenticators` (administration.md 10).

mod record;
mod row;
#[cfg(test)]
mod tests;

pub use record::{MAX_RECORD, Record, RecordCause, RecordError, Records};
pub use row::{ApplicationType, COLUMNS, Column, CsvError, CsvRow, RowCause, RowError, Rows, read};
