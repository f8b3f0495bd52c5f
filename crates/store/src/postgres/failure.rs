//! What an error of PostgreSQL means to the store.

use crate::StoreError;
use crate::sqlite::TAKEN;
use tokio_postgres::error::{DbError, SqlState};

/// Whether nothing more can be done on the connection, or nothing should be: another host may take writes.
pub(super) fn ends_connection(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unreachable(_) | StoreError::Unknown(_) | StoreError::ReadOnly
    )
}

/// The error as the store names it.
pub(super) fn read(error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(error) => refused(error),
        None if is_ours(error) => StoreError::Refused(lost(error)),
        None => StoreError::Unreachable(lost(error)),
    }
}

fn refused(error: &DbError) -> StoreError {
    let code = error.code();
    let text = || format!("{} ({})", error.message(), code.code());
    match code.code() {
        "40001" | "40P01" => StoreError::Contended,
        // Unique values, and tables and indexes made by another node that starts at the same time.
        "23505" | "42P07" | "42710" => StoreError::Refused(TAKEN.to_owned()),
        "25006" => StoreError::ReadOnly,
        "53100" => StoreError::Full,
        "55P03" | "57014" | "25P03" | "25P04" => StoreError::Busy,
        // Nobody knows whether it was done (distributed SQL).
        "40003" => StoreError::Unreachable(text()),
        other if other.starts_with("08") || other.starts_with("57") || other.starts_with("28") => {
            StoreError::Unreachable(text())
        }
        other if other.starts_with("53") || *code == SqlState::INVALID_CATALOG_NAME => {
            StoreError::Unreachable(text())
        }
        other if other.starts_with("58") || other.starts_with("XX") => StoreError::Disk(text()),
        _ => StoreError::Refused(text()),
    }
}

/// Whether a value could not be sent or read, and nothing is wrong with the connection.
fn is_ours(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    ["error serializing parameter", "error deserializing column"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// The whole chain of causes: "error connecting to server" alone would not say which.
fn lost(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}
