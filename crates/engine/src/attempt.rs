//! One attempt to authenticate, as the shell read it from RADIUS or JSON.

use crate::Secret;
use crate::model::{ChallengeKey, Component};
use crate::policy::{Effective, Invalid};
use crate::time::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;

/// One request to authenticate. The same value is decided again when more answers are in, or after a conflict.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// Identity of the request: joins all its audit records; becomes `amid` of the main record.
    pub id: [u8; 16],
    /// The client's own `request_id`, if it sent one.
    pub request_id: Option<&'a str>,
    /// When it came.
    pub at: Timestamp,
    /// Which interface and command it came by.
    pub via: Via,
    /// The admitted component.
    pub component: &'a Component,
    /// The component's effective policy, or why there is none (1030).
    pub policy: Result<Arc<Effective>, Invalid>,
    /// Source address, or the address stated by a trusted forwarder.
    pub source: IpAddr,
    /// NAS-Identifier or NAS-IP-Address, for the record.
    pub nas: Option<&'a str>,
    /// User name as typed; `Err` if it cannot be read in the component's character set.
    pub user: Result<&'a str, Unreadable>,
    /// Domain sent separately.
    pub domain: Option<&'a str>,
    /// What is to be verified.
    pub credentials: Credentials<'a>,
    /// Which challenge is answered.
    pub answers_challenge: Answered<'a>,
    /// The workflow asked for explicitly.
    pub auth_type: AuthType,
    /// Whether a host code is wanted.
    pub host_code: HostCode,
    /// Narrowing to one authenticator.
    pub serial: Option<&'a str>,
    /// Text shown with a challenge instead of the policy's.
    pub challenge_message: Option<&'a str>,
    /// Service-Type Call-Check or MAC authentication: not handled (5002).
    pub call_check: bool,
}

/// The interface and command of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// RADIUS Access-Request.
    Radius,
    /// `POST /v1/auth/authenticate`.
    Authenticate,
    /// `POST /v1/auth/challenge`: a 1-step challenge is asked for.
    Challenge,
    /// `POST /v1/auth/update-password`.
    UpdatePassword,
    /// `POST /v1/auth/change-backend-password`.
    ChangeBackEndPassword,
    /// `POST /v1/auth/change-encrypted-password`.
    ChangeEncryptedPassword,
    /// `POST /v1/admin/session/logon`.
    AdminLogon,
}

/// Bytes that are no text in the component's character set, or hold a control character (1000).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// What is to be verified (authentication.md 4.1).
#[derive(Debug)]
pub enum Credentials<'a> {
    /// Everything concatenated in one field.
    Combined(Result<&'a Secret, Unreadable>),
    /// A hash that candidates are tried against.
    Hashed {
        /// Name as in `radius_protocols`, such as `mschapv2`.
        protocol: &'static str,
        /// The test.
        proof: &'a dyn Proof,
    },
    /// One element a field.
    Separate(Separate<'a>),
    /// Nothing was sent: a response to a challenge, or a request for one.
    None,
}

/// A test of candidate plaintexts against a CHAP, MS-CHAP or EAP hash.
pub trait Proof: std::fmt::Debug {
    /// Whether `candidate` is the plaintext; in constant time.
    fn matches(&self, candidate: &[u8]) -> bool;
}

/// The separate format; absent fields are `None`.
#[derive(Debug, Default, Clone, Copy)]
pub struct Separate<'a> {
    /// Static password; where it is to be changed, the old one.
    pub static_password: Option<&'a Secret>,
    /// One-time password.
    pub otp: Option<&'a Secret>,
    /// Server PIN.
    pub pin: Option<&'a Secret>,
    /// New PIN.
    pub new_pin: Option<&'a Secret>,
    /// New PIN again.
    pub confirm_new_pin: Option<&'a Secret>,
    /// New static password, of commands that change it.
    pub new_password: Option<&'a Secret>,
    /// New static password again.
    pub confirm_new_password: Option<&'a Secret>,
    /// What the passwords and PINs came in, where they came encrypted: what it says of itself, or why it cannot be read.
    pub envelope: Option<Result<Envelope<'a>, &'a str>>,
}

/// What an encrypted change says of itself besides the passwords or PINs (authentication.md 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// User ID.
    pub user: &'a str,
    /// Domain, if it names one.
    pub domain: Option<&'a str>,
    /// When it was made (`iat`).
    pub made: Timestamp,
    /// Its own identity (`jti`): taken once.
    pub id: &'a str,
}

/// The challenge that an attempt answers.
#[derive(Debug, Default, Clone, Copy)]
pub struct Answered<'a> {
    /// `challenge_key` or State: the key, or `Err` if it cannot be one (3002).
    pub key: Option<Result<ChallengeKey, Unreadable>>,
    /// `challenge`: the digits of an `any_challenge`.
    pub challenge: Option<&'a str>,
    /// `response`. Over RADIUS the response is the combined value.
    pub response: Option<&'a Secret>,
}

/// `auth_type` of `auth/authenticate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthType {
    /// As the credentials say.
    #[default]
    Auto,
    /// Only a response counts.
    Response,
    /// A 2-step challenge is asked for.
    Challenge,
    /// A virtual OTP is asked for.
    Virtual,
    /// A push request is asked for.
    Push,
    /// A scan request is asked for.
    Scan,
}

/// `host_code` of `auth/authenticate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostCode {
    /// Not wanted.
    #[default]
    None,
    /// Wanted where the application can.
    Optional,
    /// Wanted; an application that cannot answers 1062.
    Required,
}
