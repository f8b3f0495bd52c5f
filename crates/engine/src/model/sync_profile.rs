use super::words::words;
use super::{BackEndKey, DomainKey, Meta, UnitKey};
use crate::time::Timestamp;

/// What is taken over from a directory, and where to (administration.md 11).
#[derive(Clone, Debug)]
pub struct SyncProfile {
    /// Row.
    pub key: i64,
    /// Name (≤ 80), unique in any case.
    pub name: String,
    /// A disabled profile is not run by schedule; by command it is refused.
    pub enabled: bool,
    /// The directory.
    pub source: BackEndKey,
    /// Where entries are searched; `None` = the base of the back-end.
    pub base: Option<String>,
    /// How deep.
    pub scope: SyncScope,
    /// Which entries, an RFC 4515 filter; `None` = the user filter of the back-end.
    pub filter: Option<String>,
    /// The domain of the accounts.
    pub domain: DomainKey,
    /// Their unit; `None` = none, unless [`SyncMapping::org_unit`] names one by entry.
    pub org_unit: Option<UnitKey>,
    /// The administrator who gets what a deleted account leaves behind.
    pub successor: Option<String>,
    /// Which attributes fill which fields.
    pub mapping: SyncMapping,
    /// What a run may do.
    pub options: SyncOptions,
    /// Share of the owned accounts, in percent, that one run may delete or disable before it stops for confirmation.
    pub max_delete_percent: u8,
    /// Bookkeeping.
    pub meta: Meta,
}

/// How deep a directory is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncScope {
    /// The whole tree under the base.
    #[default]
    Subtree,
    /// The children of the base.
    One,
    /// The base entry alone.
    Base,
}

/// Attribute names by field; `None` = the usual one of the directory's profile, empty = not taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncMapping {
    /// User ID.
    pub user: Option<String>,
    /// Name of the person.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Whether the account is disabled: a boolean, or `userAccountControl`.
    pub disabled: Option<String>,
    /// Name of the unit.
    pub org_unit: Option<String>,
    /// When the account ends: generalized time, or `accountExpires`.
    pub expires: Option<String>,
    /// Custom attributes: attribute of the directory, group and name of the user attribute.
    pub custom: Vec<(String, String, String)>,
}

/// What a run may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncOptions {
    /// Create accounts.
    pub create: bool,
    /// New accounts are enabled; a mapped "disabled" wins.
    pub enable_created: bool,
    /// Update accounts it owns.
    pub update: bool,
    /// What happens to owned accounts whose entry is gone or no longer matches.
    pub gone: SyncGone,
    /// Create units that a mapped unit names.
    pub create_units: bool,
    /// Move accounts whose unit changed.
    pub move_accounts: bool,
}

/// What happens to an owned account whose entry is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncGone {
    /// Nothing.
    #[default]
    Keep,
    /// It is disabled.
    Disable,
    /// It is deleted.
    Delete,
}

/// Which profile owns an account, and which entry it is (administration.md 11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapOwner {
    /// Row of the profile.
    pub profile: i64,
    /// `entryUUID` or `objectGUID` as text; the DN where the directory has neither.
    pub entry: String,
    /// Distinguished name when it was last seen.
    pub dn: String,
}

/// Seconds after which a run that says nothing counts as dead: its node may have been killed.
pub const SYNC_LOST_AFTER_S: i64 = 60;

/// The newest run of a profile: who works on it, and how far it is. One node at a time holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRun {
    /// Row of the profile.
    pub profile: i64,
    /// The version it was read at, 0 for the first run; it is stored with the next one.
    pub version: i64,
    /// The node that works on it.
    pub node: String,
    /// Who ordered it.
    pub user: String,
    /// How it is.
    pub state: SyncState,
    /// When it began.
    pub started: Timestamp,
    /// When its node last said how far it is.
    pub seen: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it has done so far, a JSON object of counts.
    pub totals: String,
    /// How it ended, in words.
    pub message: String,
}

impl SyncRun {
    /// Whether somebody works on it.
    pub fn holds(&self, now: Timestamp) -> bool {
        let silent = now.micros_since(self.seen) > SYNC_LOST_AFTER_S * 1_000_000;
        self.state == SyncState::Running && !silent
    }
}

/// How a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// Under way.
    Running,
    /// Ended; everything is as the directory says.
    Done,
    /// Stopped before it deletes or disables more than the profile allows.
    Braked,
    /// Ended early: cancelled.
    Cancelled,
    /// Ended early: the directory or the store.
    Failed,
}

words! {
    SyncScope: Subtree "subtree", One "one", Base "base";
    SyncGone: Keep "keep", Disable "disable", Delete "delete";
    SyncState: Running "running", Done "done", Braked "braked", Cancelled "cancelled", Failed "failed";
}
