use super::{ApplicationKey, BackEndKey, DomainKey, UserKey};
use crate::time::Timestamp;

/// Key of a challenge: 128 random bits; State over RADIUS, `challenge_key` in JSON (hexadecimal or base64url at the edge).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChallengeKey(pub [u8; 16]);

impl std::fmt::Debug for ChallengeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChallengeKey(..)") // whoever knows the State may answer
    }
}

/// A question that was asked and waits for its answer (authentication.md 7), kept in the store.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Its key.
    pub key: ChallengeKey,
    /// What it is.
    pub kind: ChallengeKind,
    /// Type of the component that may answer.
    pub component_type: String,
    /// Who may answer; `None` for a 1-step challenge.
    pub user: Option<UserKey>,
    /// The application that was asked; `None` for a 1-step challenge.
    pub application: Option<ApplicationKey>,
    /// Number of the challenge at its application ([`super::ApplicationState::challenges`]).
    pub number: i64,
    /// The digits asked, without check digit; empty where there are none.
    pub question: String,
    /// When it was issued.
    pub issued: Timestamp,
    /// Wrong answers so far.
    pub wrong: u32,
    /// Rises with every write; guards its consumption.
    pub version: i64,
    /// What a relayed question of a back-end needs besides; there for [`ChallengeKind::BackEnd`], and for
    /// [`ChallengeKind::SelfAssign`], whose user need not have an account yet.
    pub relayed: Option<Box<Relayed>>,
}

/// The question of a back-end that was passed on (radius.md 6): the follow-up goes to that very server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// Who asked; 0 = this server, for a self-assignment.
    pub server: BackEndKey,
    /// Its State (≤ 253 bytes); the serial number of the authenticator for a self-assignment.
    pub state: Vec<u8>,
    /// The domain of who may answer; he need not have an account here.
    pub domain: DomainKey,
    /// His folded user ID.
    pub user: String,
}

/// What a challenge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeKind {
    /// 1-step, issued to nobody.
    OneStep,
    /// 2-step, issued to a user's application.
    TwoStep {
        /// The static password must stand before the response (keyword methods).
        wants_password: bool,
        /// The server PIN was proven by the request (`keyword_pin`) and need not come with the response.
        pin_proven: bool,
    },
    /// The following OTP is wanted (authentication.md 8.5).
    SecondOtp,
    /// Not a question but the memory of a response accepted for an `any_challenge`, or of a response verified in a
    /// step under check mode 4; its key is derived from application, challenge and response.
    Accepted,
    /// A question of a back-end, passed on with a State of our own (3003).
    BackEnd,
    /// 2-step, issued to an application of a free authenticator that a user assigns himself; his static password was
    /// proven by the request.
    SelfAssign,
}
