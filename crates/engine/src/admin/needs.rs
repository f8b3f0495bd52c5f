//! What the shell must load before a command can be decided, and what it loaded.

use crate::Status;
use crate::facts::{Account, Found};
use crate::model::{
    Authenticator, DomainKey, NodeRecord, Session, SessionKey, SyncRun, UnitKey, UserKey,
};
use crate::snapshot::Snapshot;
use crate::text::fold;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The records of a command. The shell loads the accounts, then the authenticators, then (where asked) the owners of
/// these authenticators, then the counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Accounts, each with its authenticators and attributes.
    pub accounts: Vec<AccountRef>,
    /// Whether the accounts that these are linked to are wanted too, by [`AccountRef::Key`].
    pub linked: bool,
    /// Authenticators by serial number, with their applications.
    pub authenticators: Vec<String>,
    /// Whether the accounts that own these authenticators are wanted too, by [`AccountRef::Key`].
    pub owners: bool,
    /// Administrative sessions.
    pub sessions: Vec<SessionKey>,
    /// Numbers of records.
    pub counts: Vec<Count>,
    /// Whether the servers of the deployment are wanted.
    pub nodes: bool,
    /// The newest run of this synchronisation profile.
    pub sync_run: Option<i64>,
}

/// Names an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountRef {
    /// By domain and folded user ID.
    Named(DomainKey, String),
    /// By row.
    Key(UserKey),
}

/// Something that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// Accounts in a domain.
    UsersOfDomain(DomainKey),
    /// Authenticators in a domain.
    AuthenticatorsOfDomain(DomainKey),
    /// Accounts in a unit.
    UsersOfUnit(UnitKey),
    /// Authenticators in a unit.
    AuthenticatorsOfUnit(UnitKey),
    /// Authenticators of a type, by the type's name.
    AuthenticatorsOfType(String),
    /// Accounts that use the authenticators of this one.
    LinkedTo(AccountRef),
    /// Accounts that a synchronisation profile owns.
    OwnedBy(i64),
    /// Enabled, unlocked accounts that have every privilege.
    Administrators,
    /// Administrative sessions.
    Sessions,
    /// Administrative sessions of an account.
    SessionsOf(UserKey),
}

/// What the store has for a serial number.
#[derive(Clone, Debug, Default)]
pub enum Device {
    /// The authenticator.
    Found(Arc<Authenticator>),
    /// No such authenticator.
    #[default]
    Nobody,
    /// Its record cannot be read: 1123 or 1124, and which.
    Unreadable(Status, String),
}

/// The loaded records.
#[derive(Clone, Debug, Default)]
pub struct AdminFacts {
    /// The accounts that were asked for, and owners of authenticators by [`AccountRef::Key`].
    pub accounts: Vec<(AccountRef, Found)>,
    /// The authenticators that were asked for, by serial number.
    pub authenticators: Vec<(String, Device)>,
    /// Those of the sessions that exist.
    pub sessions: Vec<Session>,
    /// The counts that were asked for.
    pub counts: Vec<(Count, i64)>,
    /// The servers of the deployment, where they were asked for.
    pub nodes: Vec<NodeRecord>,
    /// The newest run of the profile that was asked for, if it ever ran.
    pub sync_run: Option<SyncRun>,
}

impl AdminFacts {
    /// What the counts must still be when a command that was decided on them is committed: what was empty is empty, and
    /// where there was an administrator there is one.
    pub fn bounds(&self) -> Vec<(Count, RangeInclusive<i64>)> {
        let bound = |(count, now): &(Count, i64)| match count {
            Count::Administrators if *now > 0 => Some((count.clone(), 1..=i64::MAX)),
            Count::UsersOfDomain(_)
            | Count::AuthenticatorsOfDomain(_)
            | Count::UsersOfUnit(_)
            | Count::AuthenticatorsOfUnit(_)
            | Count::AuthenticatorsOfType(_)
                if *now == 0 =>
            {
                Some((count.clone(), 0..=0))
            }
            _ => None,
        };
        self.counts.iter().filter_map(bound).collect()
    }
}

impl Needs {
    /// Nothing but the snapshot.
    pub fn none() -> Self {
        Self::default()
    }

    /// The account of a user ID in a domain by name (the master domain if none is named).
    #[must_use]
    pub fn account(
        mut self,
        snapshot: &Snapshot,
        domain: Option<&str>,
        user: Option<&str>,
    ) -> Self {
        self.accounts.extend(AccountRef::of(snapshot, domain, user));
        self
    }

    /// An authenticator.
    #[must_use]
    pub fn authenticator(mut self, serial: Option<&str>) -> Self {
        self.authenticators.extend(serial.map(str::to_owned));
        self
    }

    /// The owners of the authenticators, too.
    #[must_use]
    pub fn with_owners(mut self) -> Self {
        self.owners = true;
        self
    }

    /// A count.
    #[must_use]
    pub fn count(mut self, count: Count) -> Self {
        self.counts.push(count);
        self
    }
}

impl AccountRef {
    /// The account of a user ID in a domain by name; none where the domain does not exist.
    pub fn of(snapshot: &Snapshot, domain: Option<&str>, user: Option<&str>) -> Option<Self> {
        let domain = match domain {
            Some(name) => snapshot.domains.named(name),
            None => snapshot.domains.master(),
        };
        Some(Self::Named(domain?.key, fold(user?)))
    }
}

impl AdminFacts {
    /// What was found for an account.
    pub fn account(&self, wanted: &AccountRef) -> &Found {
        let found = self
            .accounts
            .iter()
            .find(|(asked, found)| asked == wanted || is(found, wanted));
        found.map_or(&Found::Nobody, |(_, found)| found)
    }

    /// What was found for a serial number.
    pub fn device(&self, serial: &str) -> &Device {
        self.authenticators
            .iter()
            .find(|(asked, _)| asked == serial)
            .map_or(&Device::Nobody, |(_, found)| found)
    }

    /// A count; 0 if it was not asked for.
    pub fn count(&self, wanted: &Count) -> i64 {
        self.counts
            .iter()
            .find(|(asked, _)| asked == wanted)
            .map_or(0, |(_, number)| *number)
    }
}

fn is(found: &Found, wanted: &AccountRef) -> bool {
    let Found::Account(account) = found else {
        return false;
    };
    let Account { user, .. } = account.as_ref();
    match wanted {
        AccountRef::Named(domain, folded) => user.domain == *domain && user.folded == *folded,
        AccountRef::Key(key) => user.key == *key,
    }
}
