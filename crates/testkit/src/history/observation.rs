//! What clients and administrators saw.

use super::COUNTED;
use std::fmt;

/// What makes a one-time password unique at its authenticator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// The counter of an event-based value.
    Counter(u64),
    /// The beginning of the time step of a time-based value, in Unix seconds.
    Second(i64),
    /// The first eight characters of the key of the challenge that is answered, where nothing else moves.
    Challenge(String),
}

impl Factor {
    /// The time step with this number.
    pub fn step(step: u64, period: u32) -> Self {
        let start = step.saturating_mul(period.into());
        Self::Second(i64::try_from(start).unwrap_or(i64::MAX))
    }

    /// Whether it lies before another one of its kind; challenges have no order.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Counter(own), Self::Counter(other)) => own < other,
            (Self::Second(own), Self::Second(other)) => own < other,
            _ => false,
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counter(counter) => write!(f, "counter {counter}"),
            Self::Second(second) => write!(f, "time step at {second}"),
            Self::Challenge(key) => write!(f, "challenge {key}"),
        }
    }
}

/// What was sent as the secret part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The right value of a moving factor.
    Value(Factor),
    /// A value whose moving factor the client does not know.
    Unknown,
    /// A value that looks right and is right for no moving factor.
    Wrong,
    /// What cannot be a value of the authenticator: a request for a challenge, a static password.
    Other,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Access-Accept, or status 0.
    Accepted,
    /// A challenge (3001).
    Challenged,
    /// Access-Reject, or this status; 0 where the packet does not say which. A negative status leaves open what happened.
    Refused(i16),
    /// Nothing as long as the client waited.
    Silence,
    /// The connection broke or the answer could not be read.
    Unknown,
}

/// One packet sent and what came back to it. Moments are those of one clock that never goes back, in any unit.
#[derive(Clone, Debug)]
pub struct Observation {
    /// When it left.
    pub sent: u64,
    /// When its answer was there.
    pub answered: Option<u64>,
    /// Where no answer came: the moment after which it can have no effect any more (its node was killed, its deadline
    /// passed); `None` = it may still.
    pub over: Option<u64>,
    /// The node it went to.
    pub node: String,
    /// Number of the packet where it is sent more than once: a repetition to the same node may be answered from memory.
    pub packet: Option<u64>,
    /// How often it may have reached the node (a network may double it).
    pub copies: u32,
    /// Who logs on.
    pub user: String,
    /// Serial number of the authenticator whose value is sent.
    pub serial: Option<String>,
    /// What is sent.
    pub what: Sent,
    /// The value as typed; empty where it does not matter.
    pub value: String,
    /// What came back.
    pub answer: Answer,
    /// Identity of the request as the answer names it (`request_id`, Class).
    pub request_id: Option<String>,
}

impl Observation {
    /// A packet of which no answer is known yet.
    pub fn new(sent: u64, node: &str, user: &str, serial: &str, what: Sent) -> Self {
        Self {
            sent,
            answered: None,
            over: None,
            node: node.to_owned(),
            packet: None,
            copies: 1,
            user: user.to_owned(),
            serial: Some(serial.to_owned()),
            what,
            value: String::new(),
            answer: Answer::Silence,
            request_id: None,
        }
    }

    /// With its answer.
    #[must_use]
    pub fn answered(mut self, at: u64, answer: Answer, request_id: Option<&str>) -> Self {
        self.answered = Some(at);
        self.answer = answer;
        self.request_id = request_id.map(str::to_owned);
        self
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.answer == Answer::Accepted
    }

    /// Whether the answer leaves open what the server did.
    pub(super) fn is_open(&self) -> bool {
        match self.answer {
            Answer::Silence | Answer::Unknown => true,
            Answer::Refused(status) => status < 0 || self.copies > 1,
            Answer::Accepted | Answer::Challenged => self.copies > 1,
        }
    }

    /// Whether the server may have accepted it.
    pub(super) fn may_be_accepted(&self) -> bool {
        self.is_accepted() || self.what != Sent::Wrong && self.is_open()
    }

    /// Whether the answer says that a failure was counted.
    pub(super) fn is_counted(&self) -> bool {
        matches!(self.answer, Answer::Refused(status) if COUNTED.contains(&status))
    }

    /// How many failures it may have brought.
    pub(super) fn most_failures(&self) -> u64 {
        let one_answered = match self.answer {
            Answer::Silence | Answer::Unknown => 0,
            Answer::Refused(status) if status <= 0 => 0,
            Answer::Refused(_) => u64::from(!self.is_counted()),
            Answer::Accepted | Answer::Challenged => 1,
        };
        u64::from(self.copies).saturating_sub(one_answered)
    }

    /// When it can have no effect any more.
    pub(super) fn end(&self) -> u64 {
        if self.copies > 1 {
            return self.over.unwrap_or(u64::MAX); // a copy may arrive after the answer
        }
        self.answered.or(self.over).unwrap_or(u64::MAX)
    }

    pub(super) fn factor(&self) -> Option<&Factor> {
        match &self.what {
            Sent::Value(factor) => Some(factor),
            Sent::Unknown | Sent::Wrong | Sent::Other => None,
        }
    }

    /// Whether two accepts are one decision, answered twice.
    pub(super) fn is_same_accept(&self, other: &Self) -> bool {
        match (&self.request_id, &other.request_id) {
            (Some(own), Some(other)) => own == other,
            _ => self.packet.is_some() && (self.packet, &self.node) == (other.packet, &other.node),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "request of {} to {} at {}",
            self.user, self.node, self.sent
        )?;
        if let Some(id) = &self.request_id {
            write!(f, " ({id})")?;
        }
        Ok(())
    }
}

/// The moving factor of an authenticator as the store had it at a moment.
#[derive(Clone, Debug)]
pub struct Reading {
    /// When it was asked for; it may be newer.
    pub at: u64,
    /// Serial number.
    pub serial: String,
    /// The next acceptable counter, of event-based ones.
    pub next_counter: Option<u64>,
    /// The beginning of the last accepted time step in Unix seconds, of time-based ones that had a success.
    pub last_second: Option<i64>,
    /// Bad values in a row, where that is to be checked.
    pub errors: Option<u64>,
}

/// The failure counter of an account as the store had it at a moment.
#[derive(Clone, Debug)]
pub struct AccountReading {
    /// When it was asked for; nothing of the account was under way then.
    pub at: u64,
    /// The account.
    pub user: String,
    /// Counted failures in a row.
    pub lock_count: u64,
}

/// An administrator set the failure counter of an account to zero.
#[derive(Clone, Debug)]
pub struct Reset {
    /// When the command left.
    pub sent: u64,
    /// When it was answered as done; `None` = nobody knows whether it was done.
    pub done: Option<u64>,
    /// The account.
    pub user: String,
}
