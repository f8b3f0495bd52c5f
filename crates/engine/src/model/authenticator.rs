use super::{ApplicationKey, AuthenticatorKey, DomainKey, Meta, Sealed, UnitKey, UserKey};
use crate::time::{Day, Timestamp};
use countersign_oath::{Hash, ocra::Suite};

/// Whether a backup virtual authenticator is allowed (authentication.md 11).
pub use crate::policy::BackupVirtual;

/// A device or app that makes one-time passwords (administration.md 2.3), with its applications.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// Row.
    pub key: AuthenticatorKey,
    /// Serial number: upper-case letters, digits, `-`; ≤ 46; unique.
    pub serial: String,
    /// Its domain.
    pub domain: DomainKey,
    /// Organizational unit; follows the owner.
    pub org_unit: Option<UnitKey>,
    /// Name of the authenticator type.
    pub type_name: String,
    /// The account it is assigned to, if any.
    pub user: Option<UserKey>,
    /// When it was assigned.
    pub assigned_at: Option<Timestamp>,
    /// Only for individual assignment.
    pub reserved: bool,
    /// The day from which the static password alone no longer suffices; `None` = no grace.
    pub grace_end: Option<Day>,
    /// The day from which it is expired (1025).
    pub expires_at: Option<Day>,
    /// Not usable before.
    pub starts_at: Option<Timestamp>,
    /// Disabled by an administrator, since when.
    pub disabled_at: Option<Timestamp>,
    /// Free text (≤ 1024).
    pub description: String,
    /// Override of the policy's backup virtual authenticator.
    pub backup_virtual: Option<BackupVirtual>,
    /// End of a time-limited backup.
    pub backup_until: Option<Day>,
    /// Uses of the backup left.
    pub backup_uses_left: Option<u32>,
    /// Its applications, by index.
    pub applications: Vec<Application>,
    /// Bookkeeping.
    pub meta: Meta,
}

/// A named type of authenticators, with the name of its provisioning profile.
#[derive(Clone, Debug)]
pub struct AuthenticatorType {
    /// Row.
    pub key: i64,
    /// Name (≤ 32).
    pub name: String,
    /// Free text.
    pub description: String,
    /// Provisioning profile; may be missing until used (1055).
    pub profile: String,
    /// Bookkeeping.
    pub meta: Meta,
}

/// One function of an authenticator, with its own key and counters.
#[derive(Clone, Debug)]
pub struct Application {
    /// Row.
    pub key: ApplicationKey,
    /// Name within the authenticator (≤ 32).
    pub name: String,
    /// Position within the authenticator.
    pub index: u8,
    /// What it is used for.
    pub kind: ApplicationKind,
    /// Switched off applications are no candidates.
    pub active: bool,
    /// Takes part in encrypted requests.
    pub secure_channel: bool,
    /// Can make host codes.
    pub host_code: bool,
    /// Can make confirmation codes.
    pub confirm: bool,
    /// The algorithm and its parameters.
    pub algorithm: Algorithm,
    /// Server PIN.
    pub pin: PinSettings,
    /// The key: sealed field `secret` of table `application`.
    pub secret: Sealed,
    /// The PIN, if one is set: sealed field `pin` of table `application`.
    pub sealed_pin: Option<Sealed>,
    /// Moving state.
    pub state: ApplicationState,
    /// Bookkeeping.
    pub meta: Meta,
}

/// What an application is used for (signatures.md 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationKind {
    /// RO: logon by HOTP or TOTP.
    ResponseOnly,
    /// CR: OCRA with a question.
    ChallengeResponse,
    /// SG: OCRA over data.
    Signature,
    /// MM: several modes under one key.
    MultiMode,
    /// MA: licence of a multi-device authenticator.
    MasterActivation,
    /// VIR: HOTP held by the server.
    Virtual,
}

impl ApplicationKind {
    /// All kinds with their two- or three-letter codes and long names.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::ResponseOnly, "RO", "response_only"),
        (Self::ChallengeResponse, "CR", "challenge_response"),
        (Self::Signature, "SG", "signature"),
        (Self::MultiMode, "MM", "multi_mode"),
        (Self::MasterActivation, "MA", "master_activation"),
        (Self::Virtual, "VIR", "virtual"),
    ];

    /// The code used in records and files, such as `RO`.
    pub fn code(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("RO", |(_, code, _)| code)
    }

    /// The name used in policies, such as `response_only`.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("response_only", |(.., name)| name)
    }

    /// Reads a code or a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, code, name)| {
                text.eq_ignore_ascii_case(code) || text.eq_ignore_ascii_case(name)
            })
            .map(|(kind, ..)| *kind)
    }
}

/// The one-time password algorithm of an application.
#[derive(Clone, Debug, PartialEq)]
pub enum Algorithm {
    /// RFC 4226.
    Hotp {
        /// Hash function.
        hash: Hash,
        /// Response length, 6–10.
        digits: u8,
    },
    /// RFC 6238.
    Totp {
        /// Hash function.
        hash: Hash,
        /// Response length, 6–10.
        digits: u8,
        /// Time step in seconds, 1–3600.
        period: u32,
    },
    /// RFC 6287.
    Ocra(Box<Suite>),
}

/// Server PIN of an application (authentication.md 8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinSettings {
    /// The application may have a PIN at all.
    pub supported: bool,
    /// The PIN is demanded.
    pub enabled: bool,
    /// The user may change it (the policy must allow it too).
    pub change_allowed: bool,
    /// Shortest new PIN, 4–8.
    pub min_length: u8,
}

impl Default for PinSettings {
    fn default() -> Self {
        Self {
            supported: false,
            enabled: false,
            change_allowed: true,
            min_length: 4,
        }
    }
}

/// The moving state of an application: plain integers, one narrow row, the only one that a plain OTP logon writes.
///
/// Its `version` guards the logon: it rises with every write of this state **and** with every command that changes
/// anything a logon is decided on (the application, its authenticator, the owner, the owner's lock).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplicationState {
    /// Guard of optimistic writes.
    pub version: i64,
    /// HOTP, event OCRA, virtual: the next acceptable counter.
    pub counter: u64,
    /// TOTP, time OCRA: learnt clock offset in steps.
    pub drift: i64,
    /// TOTP, time OCRA: last accepted step; `None` before the first success.
    pub last_step: Option<u64>,
    /// The initial window is open: never used since import or reset.
    pub initial: bool,
    /// The store was restored and does not know which values were used since its backup: the next success takes two
    /// values in a row (administration.md 17).
    pub restored: bool,
    /// The next logon must change the PIN.
    pub pin_change_forced: bool,
    /// Bad values in a row (`identification_threshold`).
    pub errors: u32,
    /// Bad signatures in a row (`signature_threshold`).
    pub signature_errors: u32,
    /// Last accepted value; `None` before the first.
    pub last_success: Option<Timestamp>,
    /// Number of challenges issued; the newest challenge carries this number.
    pub challenges: i64,
    /// Time-based challenge check (modes 3, 4): the last step in which a response was verified.
    pub checked_step: Option<u64>,
    /// Resynchronisation: the counter or step that was matched outside the window, and when.
    pub resync: Option<(u64, Timestamp)>,
}
