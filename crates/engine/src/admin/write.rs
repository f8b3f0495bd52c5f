//! What a command changes: whole records, put or removed, each guarded by the revision it was decided on.

use super::needs::Count;
use crate::Secret;
use crate::model::{
    Application, ApplicationKey, Authenticator, AuthenticatorKey, AuthenticatorType, BackEnd,
    BackEndGroup, BackEndKey, Component, ComponentKey, Domain, DomainKey, KeyRecord, NodeReport,
    NodeWish, OrgUnit, PolicyKey, Rotation, Session, SessionKey, SyncProfile, SyncRun, UnitKey,
    User, UserAttribute, UserKey, UserState,
};
use crate::policy::Policy;
use crate::time::Timestamp;
use std::ops::RangeInclusive;

/// A record to be stored.
///
/// A **negative key** is a place holder for a row that does not exist yet: the store gives it a number, and every
/// other write of the same decision that names the same place holder gets that number.
#[derive(Debug, Clone)]
pub struct Put<T> {
    /// `None`: a new record, whose unique name must not exist yet (else conflict). `Some`: the revision it was
    /// decided on; another one is a conflict.
    pub guard: Option<i64>,
    /// The record. Its sealed fields are kept as they are, but for those named in `secrets`. The store sets `created`,
    /// `modified`, `record_version` and `revision`.
    pub record: T,
    /// Sealed fields to set (`Some`) or clear (`None`), by field name: `shared_secret` and `api_key` of a component
    /// (of the latter only a keyed hash is kept);
    /// `shared_secret`, `bind_password`, `hmac_key` and `client_key` of a back-end;
    /// `password`, `password_copy`, `password_history` of a user; `secret`, `pin` of an application.
    pub secrets: Vec<(&'static str, Option<Secret>)>,
}

impl<T> Put<T> {
    /// A new record without secrets.
    pub fn new(record: T) -> Self {
        Self {
            guard: None,
            record,
            secrets: Vec::new(),
        }
    }

    /// A change of an existing record.
    pub fn over(revision: i64, record: T) -> Self {
        Self {
            guard: Some(revision),
            record,
            secrets: Vec::new(),
        }
    }

    /// Sets a sealed field.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: Option<Secret>) -> Self {
        self.secrets.push((field, value));
        self
    }
}

/// One change by a command.
///
/// A write of a user, his state, an authenticator, an application or an attribute also raises the versions of the
/// account's state and of the states of all applications it uses, so that no logon decided before it commits after it;
/// this is the store's matter.
#[derive(Debug, Clone)]
pub enum Write {
    /// A domain.
    Domain(Put<Domain>),
    /// Remove a domain at this revision.
    RemoveDomain(DomainKey, i64),
    /// An organizational unit.
    Unit(Put<OrgUnit>),
    /// Remove a unit at this revision.
    RemoveUnit(UnitKey, i64),
    /// A user account. A new one gets a fresh state.
    User(Box<Put<User>>),
    /// The moving state of an account (lock, unlock, reset): guarded by the version it was decided on.
    UserState(UserKey, i64, UserState),
    /// Remove an account with its attributes and sessions at this revision.
    RemoveUser(UserKey, i64),
    /// Replace or add one attribute of an account.
    Attribute(UserKey, UserAttribute),
    /// Remove one attribute: user, group, name, index.
    RemoveAttribute(UserKey, String, String, u32),
    /// An authenticator; its `applications` are not written by it.
    Authenticator(Box<Put<Authenticator>>),
    /// Remove an authenticator with its applications at this revision.
    RemoveAuthenticator(AuthenticatorKey, i64),
    /// An application of an authenticator. A new one gets the state in the record; an existing one keeps its state.
    Application(AuthenticatorKey, Box<Put<Application>>),
    /// The moving state of an application (reset, set counter …): guarded by the version it was decided on.
    ApplicationState(ApplicationKey, i64, crate::model::ApplicationState),
    /// Remove an application at this revision.
    RemoveApplication(ApplicationKey, i64),
    /// An authenticator type.
    Type(Put<AuthenticatorType>),
    /// Remove an authenticator type at this revision.
    RemoveType(i64, i64),
    /// A policy, by its row (a negative one for a new policy).
    Policy(PolicyKey, Put<Policy>),
    /// Remove a policy at this revision.
    RemovePolicy(PolicyKey, i64),
    /// A component.
    Component(Box<Put<Component>>),
    /// Remove a component at this revision.
    RemoveComponent(ComponentKey, i64),
    /// A back-end.
    BackEnd(Box<Put<BackEnd>>),
    /// Remove a back-end at this revision.
    RemoveBackEnd(BackEndKey, i64),
    /// A group of back-ends; its members may be place holders.
    BackEndGroup(Put<BackEndGroup>),
    /// Remove a group of back-ends at this revision.
    RemoveBackEndGroup(i64, i64),
    /// Set a setting, or with `None` back to its default.
    Setting(&'static str, Option<String>),
    /// A new session.
    Session(Box<Session>),
    /// A use of a session; nothing if it has ended meanwhile.
    SessionUse(SessionKey, Timestamp),
    /// End a session.
    RemoveSession(SessionKey),
    /// End all sessions of an account.
    RemoveSessionsOf(UserKey),
    /// A data key of the key ring, new or with a new state.
    Key(KeyRecord),
    /// Forget a data key.
    RemoveKey(String),
    /// All data keys wrapped anew, in place of their wraps under that root key; a conflict where the stored ones are others.
    Rewrap(Vec<KeyRecord>, String),
    /// The newest rotation, in place of the one of that version; it is stored with the next version.
    Rotation(Box<Rotation>),
    /// An administrator's logon, noted on the account without raising any version.
    LastLogon(UserKey, Timestamp, String),
    /// A synchronisation profile.
    SyncProfile(Box<Put<SyncProfile>>),
    /// Remove a synchronisation profile at this revision; its accounts are owned by nobody from then on.
    RemoveSyncProfile(i64, i64),
    /// The newest run of a profile, in place of the one of that version; it is stored with the next version.
    SyncRun(Box<SyncRun>),
    /// What a node says of itself.
    NodeReport(Box<NodeReport>),
    /// What is wanted of a node.
    NodeWish(String, NodeWish),
    /// Forget a node.
    RemoveNode(String),
    /// Counted again when everything else of the work is written, while nobody else counts: a conflict where a number is
    /// outside its bounds, as after a command of another node.
    Within(Vec<(Count, RangeInclusive<i64>)>),
}
