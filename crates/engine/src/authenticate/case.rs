//! One attempt while it is being decided: what it is decided on, and what has come about so far.

use super::candidates::Candidate;
use crate::Secret;
use crate::attempt::Attempt;
use crate::audit::Code;
use crate::back_end::{self, Given, Heard, Said};
use crate::decision::{Answer, Answers, Asked, Change, Grant, Question};
use crate::dice::Dice;
use crate::facts::{Account, Facts, Found};
use crate::model::{ApplicationState, Authenticator, Domain, DomainKey, User};
use crate::policy::{BackEndAuth, Effective, LocalAuth};
use crate::status::Status;
use crate::time::Timestamp;
use crate::trace::{self, Check, Entry, Origin, Saying, Setting, Trace, Value, What, Word};
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Goes on with a value, or halts.
pub(super) type Flow<T = ()> = ControlFlow<Halt, T>;

/// Why the stages halt.
pub(super) enum Halt {
    /// The shell must find something out.
    Ask(Question),
    /// The end.
    End(End),
}

/// How an attempt ends.
pub(super) enum End {
    /// 0.
    Accept(Box<Grant>),
    /// A refusal or an error.
    Refuse(Refusal),
    /// 3001.
    Challenge(Box<Asked>),
    /// 3001 where the following OTP is wanted.
    SecondOtp(Box<Asked>),
    /// 0 of `auth/challenge`.
    OneStep(Box<Asked>),
    /// 0 of a command that changes a password or a PIN.
    Updated,
}

/// A refusal with its words.
pub(super) struct Refusal {
    pub(super) status: Status,
    /// For the record.
    pub(super) reason: Option<Cow<'static, str>>,
    /// Whether the client may read the reason too.
    pub(super) told: bool,
}

/// Ends with a status and nothing more to say.
pub(super) fn refuse<T>(status: Status) -> Flow<T> {
    ControlFlow::Break(Halt::End(End::Refuse(Refusal {
        status,
        reason: None,
        told: false,
    })))
}

/// Ends with a status and a reason that the client may read (unless generic codes are on).
pub(super) fn refuse_telling<T>(status: Status, reason: impl Into<Cow<'static, str>>) -> Flow<T> {
    ControlFlow::Break(Halt::End(End::Refuse(Refusal {
        status,
        reason: Some(reason.into()),
        told: true,
    })))
}

/// Ends with a status and a reason for the record alone.
pub(super) fn refuse_noting<T>(status: Status, reason: impl Into<Cow<'static, str>>) -> Flow<T> {
    ControlFlow::Break(Halt::End(End::Refuse(Refusal {
        status,
        reason: Some(reason.into()),
        told: false,
    })))
}

/// The effective modes of local and back-end authentication.
#[derive(Clone, Copy)]
pub(super) struct Modes {
    pub(super) local: LocalAuth,
    pub(super) back_end: BackEndAuth,
}

/// How a candidate judged; goes into the trace at the end, when it is known what may be told.
pub(super) struct Judged<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) result: trace::Result,
    pub(super) moving: Option<u64>,
    pub(super) distance: Option<i64>,
}

/// An application that was tried in vain, with the state to be written if the attempt counts as a failure.
pub(super) struct Tried<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) state: ApplicationState,
}

pub(super) struct Case<'a> {
    pub(super) attempt: &'a Attempt<'a>,
    pub(super) facts: &'a Facts<'a>,
    pub(super) answers: &'a Answers,
    pub(super) dice: &'a Dice,
    pub(super) policy: &'a Arc<Effective>,
    pub(super) trace: Trace,
    pub(super) modes: Modes,
    /// The user ID without its domain part, as typed.
    pub(super) user: &'a str,
    pub(super) domain: Option<&'a Domain>,
    pub(super) account: Option<&'a Account>,
    /// The account is locked and this is an attempt to unlock it.
    pub(super) unlocking: bool,
    /// What was checked, for the record.
    pub(super) credential: &'static str,
    pub(super) changes: Vec<Change>,
    pub(super) events: Vec<(Code, Option<Cow<'static, str>>)>,
    pub(super) judged: Vec<Judged<'a>>,
    pub(super) tried: Vec<Tried<'a>>,
    /// The application that the record names, and the moving factor it accepted.
    pub(super) used: Option<(Candidate<'a>, Option<u64>)>,
    /// The challenge asked or answered, for the record.
    pub(super) challenge: Option<crate::model::ChallengeKey>,
    /// The back-end server asked last, for the record.
    pub(super) server: Option<&'a str>,
    /// The last answer of a back-end that was no yes, for the record.
    pub(super) denied: Option<&'a Heard>,
    /// What came with the yes of a back-end.
    pub(super) given: Option<&'a Given>,
    /// A back-end knows the user: it has accepted his password, or found him in a group.
    pub(super) known_there: bool,
    /// Something besides the moving states changes at the account, so that its version must be guarded.
    pub(super) guards_account: bool,
    /// Nobody has the account yet; it is made if a back-end proves the user.
    pub(super) registers: bool,
    /// The account that is made.
    pub(super) newcomer: Option<Box<User>>,
    /// The authenticator that is given to the user, for the records.
    pub(super) given_serial: Option<&'a str>,
    /// Warnings of an accepted attempt.
    pub(super) warnings: Vec<(Status, String)>,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        attempt: &'a Attempt<'a>,
        facts: &'a Facts<'a>,
        answers: &'a Answers,
        dice: &'a Dice,
        policy: &'a Arc<Effective>,
    ) -> Self {
        let mut case = Self {
            attempt,
            facts,
            answers,
            dice,
            policy,
            trace: Trace::default(),
            modes: Modes {
                local: policy.local_auth,
                back_end: policy.back_end_auth,
            },
            user: attempt.user.unwrap_or_default(),
            domain: None,
            account: None,
            unlocking: false,
            credential: "none",
            changes: Vec::new(),
            events: Vec::new(),
            judged: Vec::new(),
            tried: Vec::new(),
            used: None,
            challenge: None,
            server: None,
            denied: None,
            given: None,
            known_there: false,
            guards_account: false,
            registers: false,
            newcomer: None,
            given_serial: None,
            warnings: Vec::new(),
        };
        super::report::trace_component(&mut case.trace, attempt);
        for id in policy.chain() {
            case.trace.push(Entry::Policy { id });
        }
        case
    }

    pub(super) fn at(&self) -> Timestamp {
        self.attempt.at
    }

    /// Whether the answer of a hash protocol is to be checked.
    pub(super) fn is_hashed(&self) -> bool {
        matches!(
            self.attempt.credentials,
            crate::attempt::Credentials::Hashed { .. }
        )
    }

    /// Whether the shape must hold the static password: a back-end wants it and the server may not send its own
    /// (authentication.md 4.2, case 2).
    pub(super) fn demands_static(&self) -> bool {
        self.modes.back_end != BackEndAuth::None && !self.policy.stored_password_proxy
    }

    /// Puts a policy setting that mattered into the trace.
    pub(super) fn note(&mut self, setting: Setting, value: Value<'_>) {
        let origin = self.origin(setting);
        self.trace.push(Entry::Setting {
            setting,
            value,
            origin,
        });
    }

    /// Puts a setting that mattered into the trace, with an origin other than the policy.
    pub(super) fn note_from(&mut self, setting: Setting, value: Value<'_>, origin: Origin) {
        self.trace.push(Entry::Setting {
            setting,
            value,
            origin,
        });
    }

    pub(super) fn origin(&self, setting: Setting) -> Origin {
        let place = self.policy.origin_place(setting.text());
        place.map_or(Origin::BuiltIn, |place| {
            Origin::Policy(u8::try_from(place).unwrap_or(u8::MAX))
        })
    }

    /// Puts a condition that stopped the attempt into the trace.
    pub(super) fn failed(&mut self, check: Check, seen: i64, limit: i64) {
        self.trace.push(Entry::Check {
            check,
            passed: false,
            seen,
            limit,
        });
    }

    /// The answer to a question of yes or no.
    pub(super) fn ask(&mut self, what: What, question: Question) -> Flow<bool> {
        match self.answers.of(&question) {
            None => ControlFlow::Break(Halt::Ask(question)),
            Some(Answer::Is(yes)) => {
                // The outcome of a password comparison is nobody's business beyond the status.
                let yes_told = (what != What::Verify).then_some(*yes);
                self.trace.push(Entry::Asked {
                    what,
                    yes: yes_told,
                });
                ControlFlow::Continue(*yes)
            }
            Some(other) => self.not_answered(other),
        }
    }

    /// What the back-ends of the user say.
    pub(super) fn ask_back_end(&mut self, what: What, wanted: back_end::Wanted) -> Flow<&'a Heard> {
        let stored = match self.facts.account {
            Found::Account(account) => Some(account.user.id.as_str()),
            Found::Nobody | Found::Unreadable(..) => None,
        };
        let ask = back_end::Ask {
            engine: self.policy.back_end_protocol.clone(),
            domain: self
                .domain
                .map_or_else(DomainKey::default, |domain| domain.key),
            user: stored.unwrap_or(self.user).to_owned(),
            wanted,
        };
        self.ask_servers(what, ask)
    }

    /// What back-ends say to any question.
    pub(super) fn ask_servers(&mut self, what: What, ask: back_end::Ask) -> Flow<&'a Heard> {
        let question = Question::BackEnd(Box::new(ask));
        match self.answers.of(&question) {
            None => ControlFlow::Break(Halt::Ask(question)),
            Some(Answer::BackEnd(heard)) => {
                self.trace.push(Entry::Heard {
                    what,
                    server: &heard.server,
                    said: saying(&heard.said),
                });
                self.server = Some(heard.server.as_str()).filter(|server| !server.is_empty());
                if heard.said == Said::Unreachable {
                    self.events.push((Code::NO_BACK_END, None));
                }
                ControlFlow::Continue(heard)
            }
            Some(other) => self.not_answered(other),
        }
    }

    /// A fact that the store has and that was not wanted from the start.
    pub(super) fn ask_authenticator(
        &mut self,
        what: What,
        question: Question,
    ) -> Flow<Option<&'a Authenticator>> {
        match self.answers.of(&question) {
            None => ControlFlow::Break(Halt::Ask(question)),
            Some(Answer::Authenticator(found)) => {
                self.trace.push(Entry::Asked {
                    what,
                    yes: Some(found.is_some()),
                });
                ControlFlow::Continue(found.as_deref())
            }
            Some(other) => self.not_answered(other),
        }
    }

    /// The answer to a request for a hash.
    pub(super) fn ask_hash(&mut self, password: Secret) -> Flow<Secret> {
        let question = Question::Hash { password };
        match self.answers.of(&question) {
            None => ControlFlow::Break(Halt::Ask(question)),
            Some(Answer::Hashed(verifier)) => {
                self.trace.push(Entry::Asked {
                    what: What::Hash,
                    yes: None,
                });
                ControlFlow::Continue(verifier.clone())
            }
            Some(other) => self.not_answered(other),
        }
    }

    fn not_answered<T>(&mut self, answer: &Answer) -> Flow<T> {
        self.failed(Check::Answered, 0, 0);
        match answer {
            Answer::Busy => refuse_noting(
                Status::BUSY,
                "the limit of password checks in work is reached",
            ),
            Answer::TimedOut => refuse_noting(Status::TIMEOUT, "an answer took too long"),
            Answer::Failed(status) => refuse_noting(*status, "the store cannot be read"),
            _ => refuse_noting(Status::UNSUPPORTED, "nobody to ask in this build"),
        }
    }
}

/// The word of an answer in the trace.
fn saying(said: &Said) -> Saying {
    match said {
        Said::Accepted(_) | Said::Member(true) => Saying::Yes,
        Said::Rejected | Said::Member(false) => Saying::No,
        Said::Locked => Saying::Locked,
        Said::Expired => Saying::Expired,
        Said::Disabled => Saying::Disabled,
        Said::Weak => Saying::Weak,
        Said::Challenge(_) => Saying::Challenge,
        Said::Info(_) | Said::Resolved(Some(_)) => Saying::Found,
        Said::Resolved(None) => Saying::NotFound,
        Said::InfoUnusable(_) => Saying::Unusable,
        Said::HashRefused => Saying::HashRefused,
        Said::Unsupported => Saying::Unsupported,
        Said::Unreachable => Saying::Unreachable,
        Said::Nobody => Saying::Nobody,
        Said::Busy => Saying::Busy,
    }
}
