//! A connection to the database, whichever it is.

use crate::postgres::Hosts;
use crate::sql::Tx;
use crate::{StoreError, StoreUrl, postgres, sqlite};
use countersign_engine::time::Timestamp;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use sqlite::Access;

/// How connections are made.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) url: StoreUrl,
    pub(crate) wait: Duration,
    /// Name of this node.
    pub(crate) node: String,
    hosts: Arc<Hosts>,
}

impl Source {
    pub(crate) fn new(url: StoreUrl, node: &str, wait: Duration) -> Self {
        Self {
            url,
            wait,
            node: node.to_owned(),
            hosts: Arc::default(),
        }
    }

    /// Opens a connection; one to a server is made by its first statement.
    pub(crate) fn open(&self, access: Access) -> Result<Database, StoreError> {
        Ok(match &self.url {
            StoreUrl::File(path) => {
                Database::Sqlite(sqlite::Database::open(path, access, self.wait)?)
            }
            StoreUrl::Server(address) => {
                let (hosts, node) = (&self.hosts, &self.node);
                let database = postgres::Database::new(address, hosts, node, self.wait)?;
                Database::Postgres(match access {
                    Access::Write => database.by_keys(),
                    Access::Read => database,
                })
            }
        })
    }

    /// Whether other nodes may use the same store.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.url, StoreUrl::Server(_))
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        self.url.file()
    }
}

/// A connection.
pub(crate) enum Database {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

macro_rules! both {
    ($self:expr, $database:ident => $call:expr) => {
        match $self {
            Database::Sqlite($database) => $call,
            Database::Postgres($database) => $call,
        }
    };
}

impl Database {
    /// Statements outside or inside a transaction that the caller began.
    pub(crate) fn tx(&self) -> Tx<'_> {
        match self {
            Self::Sqlite(database) => Tx::Sqlite(database.tx()),
            Self::Postgres(database) => Tx::Postgres(database.tx()),
        }
    }

    /// Begins a transaction that may write.
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        both!(self, database => database.begin())
    }

    /// Makes what was written durable.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        both!(self, database => database.commit())
    }

    /// Ends a transaction without its writes.
    pub(crate) fn rollback(&self) {
        both!(self, database => database.rollback());
    }

    /// Runs reads on one state of the database.
    pub(crate) fn reading<T>(
        &self,
        run: impl FnOnce(Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(database) => database.reading(|tx| run(Tx::Sqlite(tx))),
            Self::Postgres(database) => database.reading(|tx| run(Tx::Postgres(tx))),
        }
    }

    /// Whether the schema knows a table.
    pub(crate) fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        both!(self, database => database.has_table(name))
    }

    /// Whether there is no table at all.
    pub(crate) fn is_empty(&self) -> Result<bool, StoreError> {
        both!(self, database => database.is_empty())
    }

    /// Bounds all waits for a server from now on together; a file has bounds of its own.
    pub(crate) fn bound(&self, budget: Option<Duration>) {
        if let Self::Postgres(database) = self {
            database.bound(budget);
        }
    }

    /// The clock of the server; a file has none.
    pub(crate) fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(database) => database.clock().map(|now| Some(Timestamp(now))),
        }
    }

    /// The driver of a file.
    pub(crate) fn file(&self) -> Option<&sqlite::Database> {
        match self {
            Self::Sqlite(database) => Some(database),
            Self::Postgres(_) => None,
        }
    }

    /// The driver of a server.
    pub(crate) fn server(&self) -> Option<&postgres::Database> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(database) => Some(database),
        }
    }
}
