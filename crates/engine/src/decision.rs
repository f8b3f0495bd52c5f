//! What comes of an attempt: a question to the shell, or a decision.

use crate::audit::Record;
use crate::model::{
    ApplicationKey, ApplicationKind, ApplicationState, Authenticator, AuthenticatorKey, Challenge,
    ChallengeKey, DomainKey, UnitKey, UserKey, UserState,
};
use crate::policy::Effective;
use crate::time::Timestamp;
use crate::trace::Trace;
use crate::{Secret, Status};
use std::sync::Arc;

/// The next step of an attempt.
#[derive(Debug)]
pub enum Step {
    /// The shell must find this out and call again with the answer.
    Ask(Question),
    /// The decision.
    Done(Box<Decision>),
}

/// Something only the shell can find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Does `candidate` match this Argon2id verifier (PHC string)?
    Verify {
        /// PHC string.
        verifier: Secret,
        /// The password to test.
        candidate: Secret,
    },
    /// The Argon2id verifier of a new password.
    Hash {
        /// The new password.
        password: Secret,
    },
    /// What do the back-ends of the user say?
    BackEnd(Box<crate::back_end::Ask>),
    /// Which free authenticator is the nearest?
    Free(Box<Free>),
    /// The authenticator with this serial in this domain, whoever owns it.
    Serial {
        /// Domain.
        domain: DomainKey,
        /// Serial number as stored.
        serial: String,
    },
    /// Send a virtual OTP.
    Deliver,
    /// Send a push or scan request.
    Push,
}

/// A free authenticator is wanted: assigned to nobody, not reserved, not disabled, started, not expired
/// (authentication.md 9.1, 9.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Free {
    /// Its domain.
    pub domain: DomainKey,
    /// Its unit, the nearest first; `None` = of no unit.
    pub units: Vec<Option<UnitKey>>,
    /// Its type is one of these; empty = any.
    pub types: Vec<String>,
    /// It has an active application of one of these names; empty = any.
    pub applications: Vec<String>,
    /// It has an active application of one of these kinds; empty = any.
    pub kinds: Vec<ApplicationKind>,
    /// When it must be usable.
    pub at: Timestamp,
    /// Of several equally near ones this chooses, so that those who register at the same time seldom collide.
    pub pick: u32,
}

/// What the shell found out.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Yes or no.
    Is(bool),
    /// A new verifier.
    Hashed(Secret),
    /// What a back-end says.
    BackEnd(Box<crate::back_end::Heard>),
    /// The authenticator found, with its applications and their states.
    Authenticator(Option<Arc<Authenticator>>),
    /// The limit of work in progress is reached (-104).
    Busy,
    /// This build has nobody to ask (-108).
    NotOffered,
    /// The machine failed: -106, the store cannot be read.
    Failed(Status),
    /// A bounded wait ran out (-103).
    TimedOut,
}

/// The questions answered so far.
#[derive(Debug, Default)]
pub struct Answers(Vec<(Question, Answer)>);

impl Answers {
    /// Adds an answer.
    pub fn add(&mut self, question: Question, answer: Answer) {
        self.0.push((question, answer));
    }

    /// The answer to a question, if it was asked already.
    pub fn of(&self, question: &Question) -> Option<&Answer> {
        self.0
            .iter()
            .find(|(asked, _)| asked == question)
            .map(|(_, answer)| answer)
    }

    /// Forgets what was read from the store, after a conflict: it is no longer so.
    pub fn forget_facts(&mut self) {
        self.0
            .retain(|(_, answer)| !matches!(answer, Answer::Authenticator(_)));
    }

    /// How many comparisons with a verifier were asked for.
    pub fn checks(&self) -> usize {
        let is_check = |question: &Question| matches!(question, Question::Verify { .. });
        self.0.iter().filter(|(asked, _)| is_check(asked)).count()
    }

    /// How many questions were asked.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The end of an attempt. It takes effect only when its changes are committed.
#[derive(Debug)]
pub struct Decision {
    /// What the client gets.
    pub verdict: Verdict,
    /// What changes, each guarded by the version it was decided on.
    pub changes: Vec<Change>,
    /// The audit records: the main one first, then the events.
    pub records: Vec<Record>,
    /// The explanation.
    pub trace: Trace,
    /// Real status and client status may differ under generic codes; the refusal then waits for the floor.
    pub generic: bool,
    /// The policy that decided, for reply attributes and texts.
    pub policy: Option<Arc<Effective>>,
}

/// What the client gets.
#[derive(Debug)]
pub enum Verdict {
    /// 0.
    Accept(Box<Grant>),
    /// A refusal or an error: the real status, and the sentence that may tell more (not under generic codes).
    Refuse {
        /// The real status; [`Decision::generic`] says whether the client sees 1000.
        status: Status,
        /// Our own words for the client, or none for the status' own.
        detail: Option<String>,
        /// Whether the user was identified before it (status-codes.md 4: a negative code before that is silent).
        identified: bool,
    },
    /// 3001, or 3003 where the question is a back-end's.
    Challenge(Box<Asked>),
}

/// What an accepted attempt gives.
#[derive(Debug, Default)]
pub struct Grant {
    /// User ID as stored; empty for a 1-step challenge.
    pub user: String,
    /// Domain name.
    pub domain: String,
    /// Unit name.
    pub org_unit: Option<String>,
    /// The account.
    pub key: UserKey,
    /// Serial of the authenticator used.
    pub serial: Option<String>,
    /// Application used.
    pub application: Option<String>,
    /// Host code.
    pub host_code: Option<String>,
    /// When the static password ends, if soon.
    pub password_expires_at: Option<Timestamp>,
    /// The plaintext that matched a hash, for MPPE keys.
    pub matched: Option<Secret>,
    /// The static password for a component that may replay it.
    pub static_password: Option<Secret>,
    /// User attributes to return: (group, name, usage, value).
    pub attributes: Vec<(String, String, String, String)>,
    /// 1-step challenge issued.
    pub challenge: Option<Asked>,
    /// RADIUS attributes of the back-end's Access-Accept, encoded.
    pub back_end_attributes: Vec<u8>,
    /// RADIUS key attributes of the back-end, to be encrypted anew: see [`crate::back_end::Given::keys`].
    pub back_end_keys: Option<Secret>,
    /// Warnings for the envelope.
    pub warnings: Vec<(Status, String)>,
}

/// A challenge for the client.
#[derive(Debug, Clone)]
pub struct Asked {
    /// 3001, or 3003 where the question is a back-end's.
    pub status: Status,
    /// Its key.
    pub key: ChallengeKey,
    /// The digits to show, with check digit; `None` where only another OTP is wanted.
    pub challenge: Option<String>,
    /// The prompt; over RADIUS with the digits in it.
    pub message: String,
    /// Seconds it can be answered.
    pub max_age_s: i64,
    /// User ID, domain, serial where known.
    pub user: String,
    /// Domain name.
    pub domain: String,
    /// Serial of the authenticator asked.
    pub serial: Option<String>,
}

/// One change of the store. A guard that does not hold is a conflict: nothing of the decision is done, and it is
/// made again on fresh facts.
#[derive(Debug, Clone)]
pub enum Change {
    /// Write the moving state of an application: `to.version` = guard + 1.
    Application {
        /// Row.
        key: ApplicationKey,
        /// The version it was decided on.
        guard: i64,
        /// The new state.
        to: ApplicationState,
    },
    /// Write the moving state of an account: `to.version` = guard + 1.
    User {
        /// Row.
        key: UserKey,
        /// The version it was decided on.
        guard: i64,
        /// The new state.
        to: UserState,
    },
    /// Set the PIN of an application.
    Pin {
        /// Row.
        key: ApplicationKey,
        /// The new PIN, still to be sealed.
        pin: Secret,
    },
    /// Set the static password of an account.
    Password {
        /// Row.
        key: UserKey,
        /// The new password, still to be sealed.
        password: NewPassword,
    },
    /// The first OTP ends the grace period of these authenticators as of this day.
    EndGrace {
        /// Row.
        key: AuthenticatorKey,
        /// The new end.
        day: crate::time::Day,
    },
    /// Keep a challenge; of more than 20 of one user the oldest gives way.
    PutChallenge(Box<Challenge>),
    /// Take a challenge away; it must still be there in this version, else conflict.
    TakeChallenge {
        /// Key.
        key: ChallengeKey,
        /// The version it was decided on.
        guard: i64,
    },
    /// Count a wrong answer to a challenge; it must still be there in this version, else conflict.
    WrongAnswer {
        /// Key.
        key: ChallengeKey,
        /// The version it was decided on.
        guard: i64,
    },
    /// Keep the answer to a request for its repetition within 30 s (authentication.md 4.1).
    KeepAnswer(Box<KeptAnswer>),
    /// A change of a record by a command.
    Write(crate::admin::Write),
}

/// The answer to a JSON request that named its own `request_id`.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    /// Component type.
    pub component_type: String,
    /// The client's `request_id`.
    pub request_id: String,
    /// Keyed hash of the request body.
    pub body: [u8; 32],
    /// The answer as JSON, to be sealed.
    pub answer: Secret,
    /// Not answered from memory after this.
    pub expires: Timestamp,
}

/// A new static password.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// Argon2id verifier in PHC form.
    pub verifier: Secret,
    /// Recoverable copy, only where authentication.md 12 allows one.
    pub copy: Option<Secret>,
    /// Earlier verifiers, newest first.
    pub history: Vec<Secret>,
    /// When it was set.
    pub set_at: Timestamp,
}
