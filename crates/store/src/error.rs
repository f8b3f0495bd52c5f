//! What can go wrong with a store.

use crate::StoreUrl;
use countersign_engine::Status;
use std::path::PathBuf;

/// A read or a write that did not happen, or may not have. The log is told more than the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another program held the database for longer than the wait allows.
    #[error("get the database in time, another program holds it")]
    Busy,
    /// Other transactions got in the way again and again.
    #[error("write the database, other transactions got in the way too often")]
    Contended,
    /// The database server cannot be reached, or does not answer.
    #[error("reach the database: {0}")]
    Unreachable(String),
    /// The connection was lost while a commit was under way: it may have taken place or not.
    #[error("learn whether a commit took place: {0}")]
    Unknown(String),
    /// A row is not as it was when it was decided on.
    #[error("hold a guard, the record was changed meanwhile")]
    NotHeld,
    /// The store lacks what this node has committed (E-115003).
    #[error("trust the store, it lacks audit records that this node has written (E-115003)")]
    Lost,
    /// The disk is full.
    #[error("write the database, the disk is full")]
    Full,
    /// The database cannot be written.
    #[error("write the database, it is read-only")]
    ReadOnly,
    /// The disk or the file system failed.
    #[error("use the database file: {0}")]
    Disk(String),
    /// The database refused a statement.
    #[error("run a statement: {0}")]
    Refused(String),
    /// A row holds what no version of this program writes.
    #[error("read a row: {0}")]
    Corrupt(String),
    /// A value could not be sealed or opened.
    #[error("use the key ring: {0}")]
    Sealing(String),
    /// The audit record could not be written.
    #[error("write the audit record: {0}")]
    Audit(String),
    /// More works wait than the queue takes.
    #[error("hand work to the writer, its queue is full")]
    Crowded,
    /// The store is closed.
    #[error("use the store, it is closed")]
    Closed,
}

impl StoreError {
    /// The status a client gets: -10 where the store cannot be reached, else -106.
    pub const fn status(&self) -> Status {
        match self {
            Self::Unreachable(_) => Status::COMMS,
            _ => Status::STORAGE,
        }
    }

    /// Whether the same may succeed when it is done again at once.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::Contended | Self::Unreachable(_))
    }
}

/// Why a store could not be opened. Each says what to do, and its cause in the same sentence.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or opened.
    #[error("open {path}: {cause}; check that the folder exists and that this user may write to it", path = .path.display())]
    File {
        /// The database file.
        path: PathBuf,
        /// Why.
        cause: StoreError,
    },
    /// The file is something else.
    #[error("open {store}: it is no database of Countersign; name another one with --store")]
    Foreign {
        /// The database.
        store: StoreUrl,
    },
    /// The server cannot be used.
    #[error(
        "use {store}: {cause}; check that the server runs, that its address, account and database are right, and that this host may connect"
    )]
    Server {
        /// The database.
        store: StoreUrl,
        /// Why.
        cause: StoreError,
    },
    /// There is no store.
    #[error("find {path}; check --data-dir and --store", path = .path.display())]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// Made by a newer version.
    #[error(
        "use a store of schema {found}: this program knows schemas up to {known}; start the newer version that wrote it"
    )]
    Newer {
        /// The schema of the store.
        found: i64,
        /// The newest schema of this program.
        known: i64,
    },
    /// Its records are of a format that only a newer version knows.
    #[error(
        "use a store whose {table} records are of version {found}: this program knows versions up to {known}; the records were converted (`migration/start`), so going back is over: start the newer version"
    )]
    NewerRecords {
        /// The table.
        table: String,
        /// The format of its records.
        found: u32,
        /// The newest format of this program.
        known: u32,
    },
    /// It is no longer here, or not yet.
    #[error("serve this store: {0}")]
    Elsewhere(String),
    /// A migration failed; the store is as it was.
    #[error("bring the store to schema {to}: {cause}; the store is unchanged")]
    Migration {
        /// The schema that failed.
        to: i64,
        /// Why.
        cause: StoreError,
    },
    /// The state file beside the store cannot be used.
    #[error("use the node state file {path}: {reason}; move it away only if you know that the store was not put back", path = .path.display())]
    StateFile {
        /// The state file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The store is older than the node remembers, or another one (E-115003).
    #[error(
        "serve a store that lacks record {seq} of epoch {epoch}, which this node has seen there (E-115003): it was put back or exchanged, and used one-time passwords would be valid again; after a wanted restore run `countersign audit accept-rollback --reason TEXT`"
    )]
    RolledBack {
        /// Epoch of the node's last checkpoint, hexadecimal.
        epoch: String,
        /// Its sequence number.
        seq: u64,
    },
    /// The keys of the store do not open under this root key.
    #[error(
        "open the key ring: {0}; check that root_key names the key that this store was made with"
    )]
    Keys(String),
    /// Anything else.
    #[error("open the store: {0}")]
    Store(StoreError),
}

impl From<StoreError> for OpenError {
    fn from(cause: StoreError) -> Self {
        Self::Store(cause)
    }
}

impl OpenError {
    /// An error of the first contact with a store.
    pub(crate) fn of(url: &StoreUrl, cause: StoreError) -> Self {
        match url.file() {
            Some(path) => Self::File {
                path: path.to_owned(),
                cause,
            },
            None => Self::Server {
                store: url.clone(),
                cause,
            },
        }
    }
}
