//! Facts at rest: schema and migrations, SQLite and PostgreSQL, the group commit, the audit chain on disk, and a cache of accounts.
//!
//! One thread writes ([`Store::submit`]): it makes one transaction of all that waits, guards every change by the version it
//! was decided on, writes the audit records of the whole batch as one segment, and tells the callers when it is on disk.
//! Everybody else reads, from memory or on connections that only read. [`Reader`] reads the audit trail of a store that
//! another program may be using.

mod account;
mod admin;
pub mod amid;
mod apply;
pub mod audit;
pub mod backup;
mod cache;
mod database;
mod dump;
mod error;
mod follower;
mod free;
mod ledger;
mod marks;
mod migration;
mod nodes;
mod numbers;
mod open;
mod options;
mod places;
mod postgres;
mod pulse;
mod recover;
mod reseal;
mod ring;
mod rows;
mod schema;
mod shared;
mod snapshot;
mod sql;
mod sqlite;
mod state_file;
mod store;
mod sync;
mod trail;
pub mod transfer;
mod url;
mod work;
mod writer;

pub use admin::Rows;
pub use audit::Reader;
pub use error::{OpenError, StoreError};
pub use migration::{Converted, Formats};
pub use nodes::known_versions;
pub use options::{Clock, Options, system_time};
pub use postgres::Address;
pub use pulse::{Batch, Observer, Readings};
pub use recover::{RecoveredKeys, recover_keys};
pub use reseal::Resealed;
pub use ring::{RingVault, from_record, to_record};
pub use rows::challenge::PER_USER as CHALLENGES_PER_USER;
pub use rows::key::AuditKeyRecord;
pub use rows::version;
pub use schema::{VERSION as SCHEMA_VERSION, is_made};
pub use snapshot::Hosts;
pub use store::{Counts, Store};
pub use url::{StoreUrl, UrlError};
pub use work::{Completion, Full, Outcome, Work};

#[cfg(test)]
mod tests;
