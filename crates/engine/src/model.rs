//! The records that decisions are made on. Sealed fields stay sealed here; who needs one opens it through
//! [`crate::facts::Vault`].

mod authenticator;
mod back_end;
mod challenge;
mod component;
mod ids;
mod key;
mod node;
mod organisation;
mod session;
mod sync_profile;
mod user;
mod words;

pub use authenticator::{
    Algorithm, Application, ApplicationKind, ApplicationState, Authenticator, AuthenticatorType,
    BackupVirtual, PinSettings,
};
pub use back_end::{
    AttributeMap, BackEnd, BackEndGroup, Directory, PROTOCOL_WORDS, PasswordProtocol, Profile,
    Protocol, RadiusBackEnd, RealmRule, Tls, Webhook, Winbind,
};
pub use challenge::{Challenge, ChallengeKey, ChallengeKind, Relayed};
pub use component::{Charset, Component, Location, NotHandled};
pub use ids::{
    ApplicationKey, AuthenticatorKey, BackEndKey, ComponentKey, DomainKey, PolicyKey, UnitKey,
    UserKey,
};
pub use key::{KeyRecord, Rotation, RotationState};
pub use node::{
    LOST_AFTER_S, NodeRecord, NodeReport, NodeState, NodeWish, SCENARIO_WORDS, Scenario,
};
pub use organisation::{Domain, OrgUnit};
pub use session::{Session, SessionKey};
pub use sync_profile::{
    LdapOwner, SYNC_LOST_AFTER_S, SyncGone, SyncMapping, SyncOptions, SyncProfile, SyncRun,
    SyncScope, SyncState,
};
pub use user::{Contact, LockReason, Overrides, StoredPassword, User, UserAttribute, UserState};

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What every record carries (administration.md 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// When the record was made.
    pub created: Timestamp,
    /// When it was last changed by a command.
    pub modified: Timestamp,
    /// The format it is stored in (1123, 1124).
    pub record_version: u32,
    /// Rises with every change; guards against concurrent ones.
    pub revision: i64,
}

/// A sealed field as stored: opaque bytes that name their key (administration.md 17).
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Box<[u8]>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
