//! A command decided: privilege, rules, and the one record that it leaves in any case.

use super::needs::{AccountRef, AdminFacts, Device, Needs};
use super::record::{self, Event};
use super::table::{Run, Verb};
use super::{Caller, Command, Fields, Query, Refusal, Stop, Write};
use crate::audit::Record;
use crate::decision::{Answers, Change, Question};
use crate::dice::Dice;
use crate::facts::{Account, Found, Vault};
use crate::model::{Authenticator, BackEndKey, Domain, DomainKey};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;
use crate::{Secret, Status};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// Everything a command is decided on.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// When it came.
    pub at: Timestamp,
    /// The configuration.
    pub snapshot: &'a Snapshot,
    /// The records of [`needs`].
    pub facts: &'a AdminFacts,
    /// Questions answered so far.
    pub answers: &'a Answers,
    /// Randomness of this command.
    pub dice: &'a Dice,
    /// Opens sealed fields.
    pub vault: &'a dyn Vault,
}

/// The next step of a command.
#[derive(Debug)]
pub enum AdminStep {
    /// The shell must find this out and call again with the answer.
    Ask(Question),
    /// The decision.
    Done(Box<AdminDecision>),
}

/// The end of a command. It takes effect only when its changes are committed.
#[derive(Debug)]
pub struct AdminDecision {
    /// How it ended.
    pub status: Status,
    /// Our own words for the caller, or none for the status' own.
    pub detail: Option<String>,
    /// The answer.
    pub result: Map<String, Json>,
    /// Warnings for the envelope.
    pub warnings: Vec<(Status, String)>,
    /// What changes, each guarded by the version it was decided on.
    pub changes: Vec<Change>,
    /// The audit records: the main one first, then the events.
    pub records: Vec<Record>,
    /// A list that the shell reads and puts into the answer as `rows` and `total`.
    pub read: Option<Query>,
    /// What the shell does besides; its outcome goes into the answer.
    pub action: Option<Action>,
}

/// What only the shell can do. It happens before the commit of the decision; where it fails, the shell commits
/// [`AdminDecision::failed`] instead.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Work on the key ring.
    Key(KeyAction),
    /// Reading of the audit.
    Audit(AuditAction),
    /// The timing of a request.
    Timing {
        /// Its name, or the id of its record.
        request: String,
    },
    /// An import, decided in batches of rows by [`super::import`].
    Import(Box<super::import::Order>),
    /// A synchronisation, decided in batches of entries by [`super::sync`].
    Sync(Box<super::sync::Order>),
    /// The conversion of old records.
    Migration(MigrationAction),
    /// The test of a back-end.
    BackEnd(Box<BackEndTest>),
    /// How a back-end is, as the node sees it: `health` of the answer.
    BackEndHealth(BackEndKey),
}

/// A test of a back-end, step by step; with a user, of what it says of him.
#[derive(Clone, Debug, PartialEq)]
pub struct BackEndTest {
    /// The record.
    pub server: BackEndKey,
    /// The domain of the user; `None` = that of the record, or the master domain.
    pub domain: Option<DomainKey>,
    /// A user ID.
    pub user: Option<String>,
    /// His password; never empty, never stored.
    pub password: Option<Secret>,
    /// Groups he may be in.
    pub groups: Vec<String>,
}

/// The conversion of records of older formats (administration.md 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationAction {
    /// Write the newest formats and convert the old ones.
    Start,
    /// How far it is.
    Status,
}

/// Work on the key ring (administration.md 17).
#[derive(Clone, Debug, PartialEq)]
pub enum KeyAction {
    /// Make a data key of a class and use it from now on.
    Create {
        /// storage, sensitive, transport, audit or token.
        class: String,
    },
    /// Make a new data key of a class and reseal what the old ones sealed.
    Rotate {
        /// storage, sensitive, transport, audit or token.
        class: String,
    },
    /// How far the rotation is.
    RotationStatus {
        /// Also count the fields that wait, class by class.
        count: bool,
    },
    /// End the rotation that is under way.
    AbortRotation,
    /// Wrap all data keys anew, under the root key that the configuration names as the next one.
    MoveRoot {
        /// It must be in an HSM.
        hsm: bool,
    },
    /// No longer use a key, not even for opening.
    Retire {
        /// The key.
        id: String,
    },
    /// Forget a key.
    Delete {
        /// The key.
        id: String,
        /// Although records depend on it.
        force: bool,
    },
    /// Write the root key, or what an HSM keeps of it from being written, for a safe elsewhere.
    Escrow(EscrowFor),
}

/// Who opens an escrow.
#[derive(Clone, Debug, PartialEq)]
pub enum EscrowFor {
    /// Whoever knows the passphrase.
    Passphrase(Secret),
    /// The holder of the private key to this public key.
    Recipient(String),
}

/// Reading of the audit.
#[derive(Clone, Debug, PartialEq)]
pub enum AuditAction {
    /// One record with its trace, by `amid`.
    View {
        /// 128 bits.
        amid: [u8; 16],
    },
    /// Check the chain.
    Verify {
        /// Not before.
        from: Option<Timestamp>,
        /// Not after.
        to: Option<Timestamp>,
        /// Compare counters and steps with the newest accepted ones.
        moving_factors: bool,
    },
}

/// What the rules of a verb decide.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The answer.
    pub result: Map<String, Json>,
    /// Warnings for the envelope.
    pub warnings: Vec<(Status, String)>,
    /// What changes.
    pub changes: Vec<Change>,
    /// Events besides the main record, or the main record's own code.
    pub(super) events: Vec<Event>,
    /// A list to be read.
    pub read: Option<Query>,
    /// What the shell does besides.
    pub action: Option<Action>,
    /// The command is refused after all, but there are events to tell of; nothing changes.
    pub(super) refusal: Option<Refusal>,
}

/// What the rules of a verb see.
#[derive(Debug)]
pub struct Context<'a> {
    /// Who gives the command.
    pub caller: &'a Caller,
    /// Its fields.
    pub fields: &'a Fields,
    /// What it is decided on.
    pub given: Given<'a>,
}

/// What must be loaded before a command can be decided.
pub fn needs(command: &Command, snapshot: &Snapshot) -> Needs {
    match command.verb.run {
        Run::Rules { needs, .. } => needs(&command.fields, snapshot),
        Run::Logon | Run::Later => Needs::none(),
    }
}

/// Decides a command: the privilege of the verb first, then its rules (status-codes.md 6).
pub fn decide(caller: &Caller, command: &Command, given: Given<'_>) -> AdminStep {
    if let Err(refusal) = admit(caller, command.verb) {
        return AdminStep::Done(Box::new(refuse(
            caller,
            given.at,
            command.verb,
            command.masked(),
            &refusal,
        )));
    }
    let Run::Rules { decide, .. } = command.verb.run else {
        let refusal = command.verb.unsupported();
        return AdminStep::Done(Box::new(refuse(
            caller,
            given.at,
            command.verb,
            command.masked(),
            &refusal,
        )));
    };
    match decide(&Context {
        caller,
        fields: &command.fields,
        given,
    }) {
        Ok(outcome) => AdminStep::Done(Box::new(done(caller, given.at, command, outcome))),
        Err(Stop::Ask(question)) => AdminStep::Ask(question),
        Err(Stop::Refuse(refusal)) => AdminStep::Done(Box::new(refuse(
            caller,
            given.at,
            command.verb,
            command.masked(),
            &refusal,
        ))),
    }
}

/// Whether the caller may use a verb at all. Asked before the body is read, so that nobody learns anything by a verb
/// he lacks.
///
/// # Errors
/// 1005.
pub fn admit(caller: &Caller, verb: &Verb) -> Result<(), Refusal> {
    if caller.may(verb) {
        return Ok(());
    }
    Err(Refusal::new(
        Status::PERMISSION,
        format!("the privilege {} is missing", verb.privilege),
    ))
}

/// A refusal with its record: also for a body that could not be read, with empty `input`.
pub fn refuse(
    caller: &Caller,
    at: Timestamp,
    verb: &Verb,
    input: Map<String, Json>,
    refusal: &Refusal,
) -> AdminDecision {
    AdminDecision {
        status: refusal.status,
        detail: Some(refusal.detail.clone()),
        result: Map::new(),
        warnings: Vec::new(),
        changes: Vec::new(),
        records: vec![record::refused(caller, at, verb, input, refusal)],
        read: None,
        action: None,
    }
}

fn done(caller: &Caller, at: Timestamp, command: &Command, outcome: Outcome) -> AdminDecision {
    if let Some(refusal) = &outcome.refusal {
        let mut refused = refuse(caller, at, command.verb, command.masked(), refusal);
        let events = record::events(caller, at, command, outcome.events);
        refused.records.extend(events);
        return refused;
    }
    let records = record::done(caller, at, command, outcome.events);
    let Outcome {
        result,
        warnings,
        changes,
        read,
        action,
        ..
    } = outcome;
    AdminDecision {
        status: Status::SUCCESS,
        detail: None,
        result,
        warnings,
        changes,
        records,
        read,
        action,
    }
}

impl AdminDecision {
    /// The same command ended by a failure of the shell's action: nothing changes, the record says so.
    #[must_use]
    pub fn failed(
        self,
        caller: &Caller,
        at: Timestamp,
        command: &Command,
        refusal: &Refusal,
    ) -> Self {
        refuse(caller, at, command.verb, command.masked(), refusal)
    }
}

impl Outcome {
    /// An answer and nothing else.
    pub fn answer(result: Map<String, Json>) -> Self {
        Self {
            result,
            ..Self::default()
        }
    }

    /// A refusal that leaves events.
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self {
            refusal: Some(refusal),
            ..Self::default()
        }
    }

    /// A list to be read.
    pub fn read(query: Query) -> Self {
        Self {
            read: Some(query),
            ..Self::default()
        }
    }

    /// Something for the shell to do.
    pub fn action(action: Action) -> Self {
        Self {
            action: Some(action),
            ..Self::default()
        }
    }

    /// Adds a change of a record.
    #[must_use]
    pub fn write(self, write: Write) -> Self {
        self.change(Change::Write(write))
    }

    /// Adds a change.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds an event.
    #[must_use]
    pub(super) fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Adds a warning.
    #[must_use]
    pub fn warn(mut self, status: Status, text: impl Into<String>) -> Self {
        self.warnings.push((status, text.into()));
        self
    }
}

impl<'a> Context<'a> {
    /// The domain a field names; absent: the master domain.
    ///
    /// # Errors
    /// -13.
    pub fn domain(&self, field: &str) -> Result<&'a Domain, Refusal> {
        let domains = &self.given.snapshot.domains;
        match self.fields.text(field) {
            Some(name) => domains
                .named(name)
                .ok_or_else(|| Refusal::not_found(format_args!("domain {name}"))),
            None => domains
                .master()
                .ok_or_else(|| Refusal::not_found("the master domain")),
        }
    }

    /// The account that two fields name.
    ///
    /// # Errors
    /// -13, or 1123 and 1124 for a record that cannot be read.
    pub fn account(&self, user: &str, domain: &str) -> Result<&'a Arc<Account>, Refusal> {
        let key = self.domain(domain)?.key;
        let id = self.fields.need(user)?;
        match self
            .given
            .facts
            .account(&AccountRef::Named(key, crate::text::fold(id)))
        {
            Found::Account(account) => Ok(account),
            Found::Nobody => Err(Refusal::not_found(format_args!("user {id}"))),
            Found::Unreadable(status, which) => Err(Refusal::new(*status, which.clone())),
        }
    }

    /// The account with this row, if it was loaded.
    pub fn account_at(&self, key: crate::model::UserKey) -> Option<&'a Arc<Account>> {
        match self.given.facts.account(&AccountRef::Key(key)) {
            Found::Account(account) => Some(account),
            _ => None,
        }
    }

    /// The authenticator that the field `serial` names.
    ///
    /// # Errors
    /// -13, or 1123 and 1124 for a record that cannot be read.
    pub fn authenticator(&self) -> Result<&'a Arc<Authenticator>, Refusal> {
        let serial = self.fields.need("serial")?;
        match self.given.facts.device(serial) {
            Device::Found(authenticator) => Ok(authenticator),
            Device::Nobody => Err(Refusal::not_found(format_args!("authenticator {serial}"))),
            Device::Unreadable(status, which) => Err(Refusal::new(*status, which.clone())),
        }
    }
}
