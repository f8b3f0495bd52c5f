use crate::{OpenError, StoreError};
use std::io;

/// Why a backup was not made, is not one, or was not put back. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store failed.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The file cannot be read or written, or is damaged.
    #[error("use the backup: {0}")]
    File(#[from] io::Error),
    /// The file holds something else, or less than it says.
    #[error("use the backup: {0}")]
    Malformed(String),
    /// It was made by a newer version.
    #[error(
        "use a backup of schema {found}: this program knows schemas up to {known}; take the newer version that made it"
    )]
    Newer {
        /// The schema of the backup.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// Its keys do not open under the root key.
    #[error(
        "open the keys of the backup: {0}; check that root_key names the key that the store was made with"
    )]
    Keys(String),
    /// It holds the root key in plain.
    #[error(
        "use the backup: the column {0} of it holds the root key in plain; whoever has the file has everything, so change the root key"
    )]
    RootKey(String),
    /// There is a store already.
    #[error(
        "restore into {0}: there is a store already; name an empty one, or replace this one by --force"
    )]
    NotEmpty(String),
    /// A node runs on it.
    #[error(
        "restore into a store in use: node {0} runs on it; stop it, or wait a quarter of a minute if it was killed"
    )]
    Running(String),
    /// An audit export does not continue the backup, or is not genuine.
    #[error("use the audit exports: {0}")]
    Audit(String),
    /// It was ended by its watcher.
    #[error("finish: it was interrupted, and nothing was changed")]
    Cancelled,
}

pub(super) fn malformed(what: impl Into<String>) -> BackupError {
    BackupError::Malformed(what.into())
}
