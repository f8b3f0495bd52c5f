//! Who gives a command.

use super::Verb;
use crate::model::{SessionKey, UserKey};
use std::collections::BTreeSet;

/// The base privilege of every administrator.
pub const LOGON: &str = "admin.logon";

/// An administrator whose session (or key) the shell has checked.
#[derive(Clone, Debug)]
pub struct Caller {
    /// His account.
    pub user: UserKey,
    /// His user ID as spelled.
    pub id: String,
    /// Name of his domain.
    pub domain: String,
    /// His privileges.
    pub privileges: BTreeSet<String>,
    /// The session the command came by; none for the server itself.
    pub session: Option<SessionKey>,
    /// Address it came from.
    pub source: String,
    /// Type of the component the session was opened through.
    pub component_type: String,
    /// Identity of this request: joins its audit records, becomes `amid` of the main one.
    pub request: [u8; 16],
}

impl Caller {
    /// Whether he may use a verb. Until privileges are told apart, whoever may log on as an administrator may do
    /// everything; [`Verb::privilege`] names what it will take.
    pub fn may(&self, _verb: &Verb) -> bool {
        has_everything(&self.privileges)
    }
}

/// Whether these privileges are all there are.
pub fn has_everything(privileges: &BTreeSet<String>) -> bool {
    privileges.contains(LOGON)
}
