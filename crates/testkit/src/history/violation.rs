//! Broken promises.

use super::Factor;
use std::fmt;

/// A broken promise, with what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Clients were told twice that a value is accepted.
    AcceptedTwice {
        /// Authenticator.
        serial: String,
        /// Its moving factor, or the value itself where no client knows the factor.
        what: String,
        /// The first accept.
        first: String,
        /// The second one.
        second: String,
    },
    /// A value that is right for nothing was accepted.
    WrongAccepted {
        /// The request.
        request: String,
    },
    /// A value was accepted after a client had been told that a later one is.
    AcceptedAfterLater {
        /// Authenticator.
        serial: String,
        /// The factor accepted late.
        factor: Factor,
        /// The later factor accepted before.
        later: Factor,
        /// The late accept.
        request: String,
    },
    /// A client was told of an accept that the trail does not hold.
    AcceptWithoutRecord {
        /// The request.
        request: String,
    },
    /// A client was told of a refusal that the trail does not hold.
    RefusalWithoutRecord {
        /// The request.
        request: String,
        /// The status told.
        status: i16,
    },
    /// Client and trail were told different things.
    RecordDiffers {
        /// The request.
        request: String,
        /// What the client was told, or sent.
        told: String,
        /// What the trail says.
        recorded: String,
    },
    /// Two records accept one moving factor.
    FactorRecordedTwice {
        /// Authenticator and application.
        authenticator: String,
        /// The factor.
        factor: Factor,
        /// The two records.
        amids: [String; 2],
    },
    /// One record stands twice in the trail.
    RecordTwice {
        /// Its identity.
        amid: String,
    },
    /// On one node a factor was accepted after a later one.
    RecordedBackwards {
        /// Authenticator and application.
        authenticator: String,
        /// The earlier record.
        before: Factor,
        /// The later record.
        after: Factor,
        /// Identity of the later record.
        amid: String,
    },
    /// The trail accepts what nobody sent, or what the client was told is refused.
    RecordWithoutRequest {
        /// Authenticator and factor, as recorded.
        what: String,
        /// Identity of the record.
        amid: String,
    },
    /// A stored counter or step went back.
    WentBack {
        /// Authenticator.
        serial: String,
        /// The earlier reading.
        from: String,
        /// The later reading.
        to: String,
    },
    /// A stored counter or step lies before one that was accepted.
    StoredBehindAccept {
        /// Authenticator.
        serial: String,
        /// What was accepted.
        accepted: Factor,
        /// What is stored.
        stored: String,
    },
    /// A stored counter or step lies beyond everything that was sent.
    StoredBeyondSent {
        /// Authenticator.
        serial: String,
        /// What is stored.
        stored: String,
        /// The newest that was sent.
        sent: Factor,
    },
    /// Failures were lost.
    CountedTooFew {
        /// Account or authenticator.
        of: String,
        /// The stored number.
        stored: u64,
        /// It must be at least this.
        least: u64,
        /// What says so: `clients` or `trail`.
        by: &'static str,
    },
    /// Failures were counted that did not happen, or more than once.
    CountedTooMany {
        /// Account or authenticator.
        of: String,
        /// The stored number.
        stored: u64,
        /// It must be at most this.
        most: u64,
        /// What says so: `clients` or `trail`.
        by: &'static str,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcceptedTwice {
                serial,
                what,
                first,
                second,
            } => write!(f, "{serial}: {what} accepted twice: {first}, and {second}"),
            Self::WrongAccepted { request } => write!(f, "a wrong value was accepted: {request}"),
            Self::AcceptedAfterLater {
                serial,
                factor,
                later,
                request,
            } => write!(
                f,
                "{serial}: {factor} accepted although {later} had been accepted before: {request}"
            ),
            Self::AcceptWithoutRecord { request } => {
                write!(f, "an accept without audit record: {request}")
            }
            Self::RefusalWithoutRecord { request, status } => {
                write!(f, "a refusal ({status}) without audit record: {request}")
            }
            Self::RecordDiffers {
                request,
                told,
                recorded,
            } => write!(
                f,
                "{request}: the client knows {told}, the trail {recorded}"
            ),
            Self::FactorRecordedTwice {
                authenticator,
                factor,
                amids: [first, second],
            } => write!(
                f,
                "{authenticator}: {factor} accepted by two records, {first} and {second}"
            ),
            Self::RecordTwice { amid } => write!(f, "record {amid} stands twice in the trail"),
            Self::RecordedBackwards {
                authenticator,
                before,
                after,
                amid,
            } => write!(
                f,
                "{authenticator}: record {amid} accepts {after} after {before} on one node"
            ),
            Self::RecordWithoutRequest { what, amid } => {
                write!(
                    f,
                    "record {amid} accepts what nobody sent or was refused: {what}"
                )
            }
            Self::WentBack { serial, from, to } => {
                write!(f, "{serial}: stored state went back from {from} to {to}")
            }
            Self::StoredBehindAccept {
                serial,
                accepted,
                stored,
            } => write!(f, "{serial}: {accepted} was accepted, {stored} is stored"),
            Self::StoredBeyondSent {
                serial,
                stored,
                sent,
            } => write!(f, "{serial}: {stored} is stored, the newest sent is {sent}"),
            Self::CountedTooFew {
                of,
                stored,
                least,
                by,
            } => write!(
                f,
                "{of}: {stored} failures are counted, at least {least} happened by the {by}"
            ),
            Self::CountedTooMany {
                of,
                stored,
                most,
                by,
            } => write!(
                f,
                "{of}: {stored} failures are counted, at most {most} happened by the {by}"
            ),
        }
    }
}
