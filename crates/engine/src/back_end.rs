//! What back-ends are asked and what they answer, and which of them are asked (authentication.md 10).

use crate::model::{BackEnd, BackEndGroup, BackEndKey, Contact, DomainKey};
use crate::{Secret, text};
use std::sync::Arc;

/// All back-ends of the configuration.
#[derive(Debug, Default)]
pub struct BackEnds {
    records: Vec<Arc<BackEnd>>,
    groups: Vec<BackEndGroup>,
}

impl BackEnds {
    /// Takes the records in any order.
    pub fn new(records: impl IntoIterator<Item = BackEnd>, groups: Vec<BackEndGroup>) -> Self {
        let mut records: Vec<_> = records.into_iter().map(Arc::new).collect();
        records.sort_by(|a, b| (b.priority, &a.name).cmp(&(a.priority, &b.name)));
        Self { records, groups }
    }

    /// All records, the highest priority first.
    pub fn records(&self) -> &[Arc<BackEnd>] {
        &self.records
    }

    /// All groups.
    pub fn groups(&self) -> &[BackEndGroup] {
        &self.groups
    }

    /// The record of a row.
    pub fn get(&self, key: BackEndKey) -> Option<&Arc<BackEnd>> {
        self.records.iter().find(|one| one.key == key)
    }

    /// A record by its name in any case.
    pub fn named(&self, name: &str) -> Option<&Arc<BackEnd>> {
        let name = text::fold(name);
        self.records
            .iter()
            .find(|one| text::fold(&one.name) == name)
    }

    /// A group by its name in any case.
    pub fn group(&self, name: &str) -> Option<&BackEndGroup> {
        let name = text::fold(name);
        self.groups.iter().find(|one| text::fold(&one.name) == name)
    }

    /// The enabled servers for the users of `domain`, in the order in which they are asked: those of the domain
    /// first, then those of no domain, each by priority. `engine` is the policy's `back_end_protocol`: a protocol, a
    /// group (whose own order beats the priority), or blank for any record.
    pub fn servers(&self, engine: &str, domain: DomainKey) -> Vec<Arc<BackEnd>> {
        let mut found: Vec<_> = self
            .among(engine)
            .filter(|one| one.enabled && one.domain.is_none_or(|own| own == domain))
            .cloned()
            .collect();
        found.sort_by_key(|one| one.domain.is_none());
        found
    }

    /// The enabled servers of every domain, the highest priority first, those of no domain last; `engine` as in
    /// [`BackEnds::servers`].
    pub fn everywhere(&self, engine: &str) -> Vec<Arc<BackEnd>> {
        let mut found: Vec<_> = self
            .among(engine)
            .filter(|one| one.enabled)
            .cloned()
            .collect();
        found.sort_by_key(|one| one.domain.is_none());
        found
    }

    fn among<'a>(&'a self, engine: &'a str) -> Box<dyn Iterator<Item = &'a Arc<BackEnd>> + 'a> {
        if let Some(group) = self.group(engine) {
            return Box::new(group.members.iter().filter_map(|key| self.get(*key)));
        }
        Box::new(
            self.records
                .iter()
                .filter(move |one| engine.is_empty() || one.protocol.word() == engine),
        )
    }
}

/// A question to the back-ends of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The policy's `back_end_protocol`; see [`BackEnds::servers`].
    pub engine: String,
    /// The user's domain.
    pub domain: DomainKey,
    /// The user ID without its domain part, as the user typed it or as it is stored.
    pub user: String,
    /// What is asked.
    pub wanted: Wanted,
}

/// What a back-end is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Is this the user's password?
    Authenticate(Password),
    /// Is this the right answer to the challenge of that server? (RADIUS, webhook)
    Respond {
        /// Who asked.
        server: BackEndKey,
        /// Its State.
        state: Vec<u8>,
        /// What the user typed.
        response: Secret,
    },
    /// Change the password.
    Change {
        /// The present password.
        old: Secret,
        /// The new one.
        new: Secret,
    },
    /// Is the user a member, directly or through other groups, of at least one of these? Names are DNs, CNs or SAM
    /// names.
    Groups(Vec<String>),
    /// What is known of the person?
    UserInfo,
    /// Which account does the name mean (authentication.md 3.1)? [`Ask::user`] is the whole name as typed, and
    /// servers of every domain are asked.
    Resolve,
}

/// A password to be proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// One that is known: typed or stored. Never empty.
    Known(Secret),
    /// The password attributes of the RADIUS request, unmodified, whatever their protocol. Only RADIUS back-ends can
    /// check a hash: any other answers [`Said::HashRefused`].
    AsReceived,
}

/// The answer of a back-end, and whose it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Name of the record that answered, or that was tried last; empty where there was none to ask.
    pub server: String,
    /// The answer.
    pub said: Said,
    /// Words for the audit record and the administrator: the step and what the server said, no secret. Empty if there
    /// is nothing to add.
    pub note: String,
}

/// What a back-end says. Connectors translate what their server answers into it; the statuses are made of it by the
/// engine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Yes: the password is right, or was changed.
    Accepted(Box<Given>),
    /// No: wrong password, unknown user, or not at this time or place.
    Rejected,
    /// No: the account is locked there.
    Locked,
    /// The password has expired or must be changed first.
    Expired,
    /// The account is disabled there or has ended.
    Disabled,
    /// The new password breaks the rules there.
    Weak,
    /// Another question.
    Challenge(Box<Question>),
    /// Whether the user is in one of the groups.
    Member(bool),
    /// What is known of the person.
    Info(Box<UserInfo>),
    /// The user's entry was found but a mapped attribute cannot be taken over: why.
    InfoUnusable(String),
    /// Who is meant; `None` = nobody.
    Resolved(Option<Resolved>),
    /// The back-end cannot check a password hash.
    HashRefused,
    /// The back-end does not offer this.
    Unsupported,
    /// No server could be reached, or none answered in time.
    Unreachable,
    /// No record serves the user's domain.
    Nobody,
    /// The limit of requests in work is reached.
    Busy,
}

/// What comes with a yes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// RADIUS attributes for the client's Access-Accept, encoded, hop-by-hop and key attributes removed.
    pub attributes: Vec<u8>,
    /// RADIUS key attributes of an MS-CHAP answer forwarded unmodified, decrypted: encoded attributes with plain
    /// values that the reply encrypts anew.
    pub keys: Option<Secret>,
    /// Text of the back-end for the user.
    pub message: String,
}

/// A question that a back-end wants its user to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who asks.
    pub server: BackEndKey,
    /// Its State (≤ 253 bytes).
    pub state: Vec<u8>,
    /// Text for the user.
    pub message: String,
}

/// What a directory knows of a person: texts without control characters, each short enough for its field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserInfo {
    /// Name, phone, mobile and mail; empty = the directory has none. The other fields stay empty.
    pub contact: Contact,
}

/// An account of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// User ID: the SAM name.
    pub user: String,
    /// DNS name of its domain.
    pub domain: String,
}

#[cfg(test)]
mod tests;
