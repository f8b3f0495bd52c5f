//! Rows and records: for each table its SQL, how a row is read and how a record is written.

pub(crate) mod application;
pub(crate) mod authenticator;
pub(crate) mod back_end;
pub(crate) mod challenge;
pub(crate) mod component;
pub(crate) mod convert;
pub(crate) mod key;
pub(crate) mod node;
pub(crate) mod organisation;
pub(crate) mod policy;
pub(crate) mod session;
pub(crate) mod setting;
pub(crate) mod sync;
pub(crate) mod user;

use crate::StoreError;
use countersign_engine::Status;
use countersign_engine::facts::Place;
use countersign_engine::model::{Meta, Sealed};

/// The newest format of the records of each table that this program reads and the one it writes. A change of a format
/// raises its number here and brings the conversion of the older one.
pub mod version {
    /// Domains.
    pub const DOMAIN: u32 = 1;
    /// Organizational units.
    pub const UNIT: u32 = 1;
    /// Policies.
    pub const POLICY: u32 = 1;
    /// Components.
    pub const COMPONENT: u32 = 1;
    /// Back-ends.
    pub const BACK_END: u32 = 1;
    /// Groups of back-ends.
    pub const BACK_END_GROUP: u32 = 1;
    /// Synchronisation profiles.
    pub const SYNC_PROFILE: u32 = 1;
    /// Authenticator types.
    pub const TYPE: u32 = 1;
    /// User accounts.
    pub const USER: u32 = 1;
    /// Authenticators.
    pub const AUTHENTICATOR: u32 = 1;
    /// Applications.
    pub const APPLICATION: u32 = 1;
    /// The newest format of the records of a table; 1 for one that has no format of its own.
    pub fn known(table: &str) -> u32 {
        match table {
            "domain" => DOMAIN,
            "org_unit" => UNIT,
            "policy" => POLICY,
            "component" => COMPONENT,
            "back_end" => BACK_END,
            "back_end_group" => BACK_END_GROUP,
            "sync_profile" => SYNC_PROFILE,
            "authenticator_type" => TYPE,
            "user" => USER,
            "authenticator" => AUTHENTICATOR,
            "application" => application(),
            _ => 1,
        }
    }

    /// The newest format of applications. A build for tests plays the next version where it is told to.
    #[cfg(feature = "test-next-version")]
    fn application() -> u32 {
        static NEXT: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
        let next = NEXT.get_or_init(|| std::env::var_os("COUNTERSIGN_TEST_NEXT_VERSION").is_some());
        APPLICATION + u32::from(*next)
    }

    #[cfg(not(feature = "test-next-version"))]
    const fn application() -> u32 {
        APPLICATION
    }

    /// Kept answers, which have no version of their own.
    pub const KEPT_ANSWER: u32 = 1;
    /// Audit keys, which have no version of their own either.
    pub const AUDIT_KEY: u32 = 1;
}

/// A record that this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) status: Status,
    pub(crate) which: String,
}

/// Why a row gave no record.
#[derive(Debug)]
pub(crate) enum RowError {
    Unreadable(Unreadable),
    Store(StoreError),
}

impl From<StoreError> for RowError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RowError> for StoreError {
    fn from(error: RowError) -> Self {
        match error {
            RowError::Unreadable(unreadable) => Self::Corrupt(unreadable.which),
            RowError::Store(error) => error,
        }
    }
}

/// Refuses a record of a newer format than known (1123).
pub(crate) fn check_version(
    meta: Meta,
    known: u32,
    what: &str,
    name: &str,
) -> Result<Meta, RowError> {
    if (1..=known).contains(&meta.record_version) {
        return Ok(meta);
    }
    let which = format!(
        "{what} {name} has record version {}; versions up to {known} are known",
        meta.record_version
    );
    Err(RowError::Unreadable(Unreadable {
        status: Status::DATA_RECORD_VERSION_UNSUPPORTED,
        which,
    }))
}

/// A sealed field and where it stands.
pub(crate) struct SealedField {
    /// Table as SQL names it and as [`Place`] does.
    pub(crate) table: &'static str,
    /// Column and field.
    pub(crate) field: &'static str,
    /// Row.
    pub(crate) key: i64,
    /// Format of the record.
    pub(crate) version: u32,
    /// The value.
    pub(crate) sealed: Sealed,
}

impl SealedField {
    pub(crate) fn place(&self) -> Place {
        Place {
            table: self.table,
            id: self.key,
            field: self.field,
            version: self.version,
        }
    }
}

/// Every sealed field of the schema: table, field.
pub(crate) const SEALED: &[(&str, &str)] = &[
    (user::TABLE, "password"),
    (user::TABLE, "password_copy"),
    (user::TABLE, "password_history"),
    (application::TABLE, "secret"),
    (application::TABLE, "pin"),
    (component::TABLE, "shared_secret"),
    (back_end::TABLE, "shared_secret"),
    (back_end::TABLE, "bind_password"),
    (back_end::TABLE, "hmac_key"),
    (back_end::TABLE, "client_key"),
    (key::AUDIT_KEY, "private"),
];

pub(crate) fn sealed(bytes: &[u8]) -> Sealed {
    Sealed(bytes.into())
}

pub(crate) fn blob(sealed: Option<&Sealed>) -> Option<&[u8]> {
    sealed.map(|sealed| &*sealed.0)
}

/// A word table: each choice with its word in the database.
pub(crate) fn word_of<T: PartialEq + Copy>(words: &[(T, &'static str)], value: T) -> &'static str {
    words
        .iter()
        .find(|(choice, _)| *choice == value)
        .map_or("", |(_, word)| word)
}

pub(crate) fn of_word<T: Copy>(words: &[(T, &'static str)], text: &str) -> Option<T> {
    words
        .iter()
        .find(|(_, word)| *word == text)
        .map(|(choice, _)| *choice)
}
