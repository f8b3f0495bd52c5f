//! CSV: RFC 4180 records, and the columns of `import/authenticators` (administration.md 10).

mod column;
mod record;
mod row;
#[cfg(test)]
mod tests;

pub use column::{COLUMNS, Column, CsvError, RowCause, RowError};
pub use record::{MAX_RECORD, Record, RecordCause, RecordError, Records};
pub use row::{ApplicationType, CsvRow, Rows, read};
