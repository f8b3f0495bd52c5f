use super::UserKey;
use crate::time::Timestamp;

/// Keyed hash of a session token; the token itself is nowhere kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey(pub [u8; 32]);

/// An administrative session (administration.md 5), kept in the store.
#[derive(Clone, Debug)]
pub struct Session {
    /// Hash of the token.
    pub key: SessionKey,
    /// Who logged on.
    pub user: UserKey,
    /// The address it is bound to.
    pub source: String,
    /// The component it was opened through.
    pub component_type: String,
    /// When it began.
    pub started: Timestamp,
    /// Last use; the idle time runs from it.
    pub last_use: Timestamp,
}
