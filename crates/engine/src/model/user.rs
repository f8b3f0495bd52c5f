use super::{DomainKey, LdapOwner, Meta, Sealed, UnitKey, UserKey};
use crate::policy::{BackEndAuth, GroupCheck, LocalAuth};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// A user account (administration.md 2.2), its slow part: everything that a logon reads and a command writes.
#[derive(Clone, Debug)]
pub struct User {
    /// Row.
    pub key: UserKey,
    /// Its domain.
    pub domain: DomainKey,
    /// User ID as spelled.
    pub id: String,
    /// [`crate::text::fold`] of the user ID; unique within the domain.
    pub folded: String,
    /// Organizational unit, if any.
    pub org_unit: Option<UnitKey>,
    /// What is known of the person; `None` = nothing, so that a cached account stays small.
    pub contact: Option<Box<Contact>>,
    /// The stored static password, if any.
    pub password: Option<StoredPassword>,
    /// Values that beat the policy (policy.md 3); `None` = none does.
    pub overrides: Option<Box<Overrides>>,
    /// The account whose authenticators this one uses (authentication.md 9.4).
    pub linked: Option<UserKey>,
    /// Disabled by an administrator.
    pub disabled: bool,
    /// The account's own end, if any.
    pub expires_at: Option<Timestamp>,
    /// Privileges of an administrator; empty for everybody else. `admin.logon` makes an administrator.
    pub privileges: BTreeSet<String>,
    /// Previous logon as an administrator and its source address.
    pub last_logon: Option<(Timestamp, String)>,
    /// Optional cap of concurrent administrative sessions (1–999).
    pub max_sessions: Option<u16>,
    /// The profile and the entry it is synchronised with, if any; boxed, so that a cached account stays small.
    pub ldap_owner: Option<Box<LdapOwner>>,
    /// Bookkeeping.
    pub meta: Meta,
}

impl User {
    /// Whether the account may log on as an administrator.
    pub fn is_administrator(&self) -> bool {
        self.privileges.contains("admin.logon")
    }
}

/// Texts about the person; empty = not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Name of the person (≤ 1024).
    pub name: String,
    /// Free text (≤ 1024).
    pub description: String,
    /// Mail address (≤ 255).
    pub email: String,
    /// Telephone number (≤ 64).
    pub phone: String,
    /// Mobile number (≤ 64).
    pub mobile: String,
    /// Locale of messages (≤ 16).
    pub locale: String,
}

/// A stored static password (authentication.md 12): sealed fields `password`, `password_copy`, `password_history`
/// of table `user`.
#[derive(Clone, Debug)]
pub struct StoredPassword {
    /// Argon2id verifier in PHC form, sealed.
    pub verifier: Sealed,
    /// Recoverable copy, sealed; only where authentication.md 12 allows one.
    pub copy: Option<Sealed>,
    /// Earlier verifiers, newest first: a JSON array of PHC strings, sealed.
    pub history: Option<Sealed>,
    /// When the password was set.
    pub set_at: Timestamp,
}

/// Settings of an account that beat the policy; `None` = as the policy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Local authentication.
    pub local_auth: Option<LocalAuth>,
    /// Back-end authentication.
    pub back_end_auth: Option<BackEndAuth>,
    /// Group check.
    pub group_check: Option<GroupCheck>,
    /// Offline data after an online logon.
    pub offline_auth: Option<bool>,
    /// Days without a logon until suspension; 0 = off.
    pub max_days_between_authentications: Option<u32>,
    /// Delivery method of virtual OTPs, by name.
    pub delivery_method: Option<String>,
    /// Gateway profile of virtual OTPs.
    pub delivery_profile: Option<String>,
    /// Delivery method of virtual signatures, by name.
    pub signature_delivery_method: Option<String>,
    /// Gateway profile of virtual signatures.
    pub signature_delivery_profile: Option<String>,
}

/// Why an account is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockReason {
    /// By `user_lock_threshold` counted failures in a row.
    Failures,
    /// By an administrator.
    Administrator,
}

/// The moving part of an account: plain integers, so that the guard is part of the write.
///
/// Its `version` rises with every write of this state and with every change of the account by a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserState {
    /// Guard of optimistic writes.
    pub version: i64,
    /// Counted failures in a row.
    pub lock_count: u32,
    /// Locked, and why.
    pub locked: Option<LockReason>,
    /// Attempts of automatic unlock used since the lock.
    pub unlock_attempts_used: u32,
    /// The present lock duration in minutes; 0 while not locked by failures.
    pub lock_duration_min: u32,
    /// Last successful authentication that wrote this row. The account's real one is the newest of this and of
    /// `last_success` of its own applications: a plain OTP logon writes only the application's row.
    pub last_auth_at: Option<Timestamp>,
    /// Last request while `lock_restart` needed it.
    pub last_auth_request_at: Option<Timestamp>,
    /// Last counted failure.
    pub last_failure_at: Option<Timestamp>,
}

/// A custom attribute of an account, returned to clients that ask for its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAttribute {
    /// Group (≤ 64).
    pub group: String,
    /// Name (≤ 64).
    pub name: String,
    /// Position among attributes of the same name.
    pub index: u32,
    /// `reply` goes into Access-Accept, `custom` into JSON answers.
    pub usage: String,
    /// Value (≤ 1024).
    pub value: String,
}
