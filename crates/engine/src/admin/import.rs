//! Imports of authenticators: a file becomes rows, rows become changes in bounded batches, each row with its own
//! status (administration.md 10).
//!
//! The shell reads the file once ([`Order::rows`]), then for each batch of at most [`BATCH`] rows loads [`needs`],
//! calls [`decide`] and commits; after a conflict it loads and decides the batch again. Between two batches it waits
//! for the snapshot to hold what the first one made (types). The command itself ends with [`Tally::finish`].

mod batch;
mod read;
mod row;

pub use batch::{BatchDecision, RowAnswer, decide, needs};
pub use read::{Row, RowError};

use super::{AdminDecision, Fields, Refusal};
use crate::Secret;
use serde_json::{Value as Json, json};

/// Most rows that are decided together.
pub const BATCH: usize = 200;

/// An import to be carried out row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// What the file is.
    pub format: Format,
    /// The file, text or base64.
    pub data: Secret,
    /// How its rows are taken.
    pub options: Options,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// PSKC (RFC 6030).
    Pskc {
        /// Pre-shared key.
        key: Option<Secret>,
        /// Passphrase of a derived key.
        passphrase: Option<Secret>,
        /// Whether unprotected keys are accepted.
        allow_plain: bool,
    },
    /// CSV with the columns of administration.md 10.
    Csv,
    /// One otpauth URI a line.
    Otpauth,
}

/// How rows are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The domain of rows that name none; absent: the master domain.
    pub domain: Option<String>,
    /// The type of rows that name none.
    pub type_name: Option<String>,
    /// Whether unknown types are made.
    pub create_types: bool,
    /// Whether an authenticator that exists is changed.
    pub update_existing: bool,
    /// Whether everything is checked and nothing stored.
    pub dry_run: bool,
    /// The first row that is taken, as answers name rows; those before it are left out.
    pub from_row: Option<u64>,
}

impl Order {
    /// The order that the fields of a command state.
    ///
    /// # Errors
    /// -102 without `data`.
    pub(super) fn read(format: Format, fields: &Fields) -> Result<Self, Refusal> {
        let data = fields
            .secret("data")
            .ok_or_else(|| Refusal::missing("data"))?;
        let options = Options {
            domain: fields.text("domain").map(str::to_owned),
            type_name: fields.text("type").map(str::to_owned),
            create_types: fields.flag("create_types").unwrap_or(true),
            update_existing: fields.flag("update_existing").unwrap_or(false),
            dry_run: fields.flag("dry_run").unwrap_or(false),
            from_row: fields.number("from_row").map(i64::unsigned_abs),
        };
        Ok(Self {
            format,
            data: data.clone(),
            options,
        })
    }

    /// The rows of the file, readable or not, in its order. `max_bytes`: `import.max_bytes`.
    ///
    /// # Errors
    /// -101 where the whole file cannot be read.
    pub fn rows(&self, max_bytes: usize) -> Result<Vec<Result<Row, RowError>>, Refusal> {
        read::rows(self, max_bytes)
    }
}

/// How many rows an import has done and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows with status 0.
    pub done: u64,
    /// Other rows.
    pub refused: u64,
}

impl Tally {
    /// Counts the rows of a batch.
    pub fn count(&mut self, answers: &[RowAnswer]) {
        for answer in answers {
            if answer.status.is_success() {
                self.done += 1;
            } else {
                self.refused += 1;
            }
        }
    }

    /// Puts the counts into the answer and the main record (S-112001) of the import's decision.
    pub fn finish(self, decision: &mut AdminDecision) {
        decision
            .result
            .insert("done".to_owned(), Json::from(self.done));
        decision
            .result
            .insert("refused".to_owned(), Json::from(self.refused));
        if let Some(record) = decision.records.first_mut() {
            record.output = Some(json!({"done": self.done, "refused": self.refused}));
        }
    }
}

#[cfg(test)]
mod tests;
