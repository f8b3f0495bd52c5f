//! What a decision is made on: read by the shell before, and once more after a conflict.

use crate::model::{
    Authenticator, Challenge, ChallengeKey, DomainKey, Sealed, User, UserAttribute, UserKey,
    UserState,
};
use crate::snapshot::Snapshot;
use crate::{Secret, Status};
use std::sync::Arc;

/// The facts of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The configuration.
    pub snapshot: &'a Snapshot,
    /// The account of the resolved user.
    pub account: &'a Found,
    /// The challenge that is answered and the other ones of the user; loaded only when [`Wanted`] asked for them.
    pub challenges: &'a [Challenge],
    /// Challenges outstanding in the whole deployment (an estimate that is never too low by more than a batch).
    pub outstanding: i64,
    /// Opens sealed fields.
    pub vault: &'a dyn Vault,
}

/// What the shell must load before an attempt can be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The account, by domain and folded user ID; `None` where name resolution refused or directories must be asked first.
    pub account: Option<(DomainKey, String)>,
    /// The challenge that is answered.
    pub challenge: Option<ChallengeKey>,
    /// Whether the user's other challenges matter too.
    pub challenges_of_user: bool,
}

/// What the store has for a user ID.
#[derive(Debug, Clone, Default)]
pub enum Found {
    /// The account.
    Account(Arc<Account>),
    /// No such account.
    #[default]
    Nobody,
    /// A record of the account cannot be read: 1123 or 1124, and which.
    Unreadable(Status, String),
}

/// An account with the authenticators it uses.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account.
    pub user: User,
    /// Its moving state.
    pub state: UserState,
    /// The authenticators assigned to it, or to the account it is linked to.
    pub authenticators: Vec<Authenticator>,
    /// Custom attributes.
    pub attributes: Vec<UserAttribute>,
    /// The account that owns the authenticators: its own key, or that of the linked account.
    pub owner: UserKey,
}

impl Account {
    /// Whether the authenticators belong to another account.
    pub fn is_linked(&self) -> bool {
        self.owner != self.user.key
    }
}

/// Where a sealed field stands; a value sealed for another place does not open.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Row.
    pub id: i64,
    /// Field.
    pub field: &'static str,
    /// Record version the value was sealed with.
    pub version: u32,
}

/// Opens sealed fields: a pure function of the key ring, lent to the engine.
pub trait Vault: std::fmt::Debug {
    /// The plain value.
    ///
    /// # Errors
    /// [`Shut`] if the key is gone or the value was made for another place (-105, E-112001).
    fn open(&self, place: Place, sealed: &Sealed) -> Result<Secret, Shut>;
}

/// A sealed field did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shut;
