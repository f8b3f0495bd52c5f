//! The key and algorithm of an application, as commands and imports state them.

use super::{Field, Fields, Kind, Refusal};
use crate::Secret;
use crate::dice::{Dice, Purpose};
use crate::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, PinSettings, Sealed,
};
use crate::time::Timestamp;
use countersign_oath::{Hash, ocra::Suite};
use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};

/// Shortest and longest key in bytes; under 16 (RFC 4226 R6) it is taken with a warning.
const KEY: std::ops::RangeInclusive<usize> = 1..=64;
/// Keys shorter than this are weak.
pub(super) const STRONG: usize = 16;

/// The fields that state algorithm, parameters and key.
pub(super) const ALGORITHM: Field = Field::new(
    "algorithm",
    Kind::Choice(&["HOTP", "TOTP", "OCRA"]),
    "The algorithm; absent: OCRA where a suite is given, else TOTP.",
);
pub(super) const HASH: Field = Field::new(
    "hash",
    Kind::Choice(&["SHA1", "SHA256", "SHA512"]),
    "The hash function of HOTP and TOTP; absent: SHA1.",
);
pub(super) const DIGITS: Field = Field::new(
    "digits",
    Kind::Number { min: 6, max: 10 },
    "Digits of a value of HOTP and TOTP; absent: 6.",
);
pub(super) const PERIOD: Field = Field::new(
    "period",
    Kind::Number { min: 1, max: 3600 },
    "Time step of TOTP in seconds; absent: 30.",
);
pub(super) const SUITE: Field =
    Field::new("suite", Kind::Text { min: 1, max: 128 }, "The OCRA suite.");
pub(super) const COUNTER: Field = Field::new(
    "counter",
    Kind::Number {
        min: 0,
        max: i64::MAX,
    },
    "The next counter of HOTP; absent: 0.",
);
pub(super) const SECRET_HEX: Field = Field::new(
    "secret_hex",
    Kind::Secret { max: 128 },
    "The key in hexadecimal; absent: made.",
);
pub(super) const SECRET_BASE32: Field = Field::new(
    "secret_base32",
    Kind::Secret { max: 128 },
    "The key in base 32; absent: made.",
);
pub(super) const APPLICATION_TYPE: Field = Field::new(
    "application_type",
    Kind::Choice(&["RO", "CR", "SG", "MM"]),
    "What the application is for; absent: CR where the suite asks a question, else RO.",
);
pub(super) const PIN_SUPPORTED: Field = Field::new(
    "pin_supported",
    Kind::Bool,
    "Whether the application can have a server PIN.",
);
pub(super) const PIN_CHANGE_ALLOWED: Field = Field::new(
    "pin_change_allowed",
    Kind::Bool,
    "Whether the user may change the PIN.",
);
pub(super) const PIN_MIN_LENGTH: Field = Field::new(
    "pin_min_length",
    Kind::Number { min: 4, max: 8 },
    "Fewest digits of a new PIN.",
);
pub(super) const HOST_CODE: Field = Field::new(
    "host_code",
    Kind::Bool,
    "Whether the application can make host codes.",
);
pub(super) const CONFIRM: Field = Field::new(
    "confirm",
    Kind::Bool,
    "Whether the application can make confirmation codes.",
);
pub(super) const SECURE_CHANNEL: Field = Field::new(
    "secure_channel",
    Kind::Bool,
    "Whether it takes part in encrypted requests.",
);

/// Reads the algorithm with its parameters.
///
/// # Errors
/// -101 for a suite that cannot be read, -2 for parameters that do not go together.
pub(super) fn algorithm(fields: &Fields) -> Result<Algorithm, Refusal> {
    let suite = fields.text("suite");
    let named = fields
        .text("algorithm")
        .unwrap_or(if suite.is_some() { "OCRA" } else { "TOTP" });
    let parameters = ["hash", "digits", "period"]
        .into_iter()
        .find(|name| fields.has(name));
    let problem = match (named, suite, parameters) {
        ("OCRA", None, _) => return Err(Refusal::missing("suite")),
        ("OCRA", Some(_), Some(name)) => Some(format!("{name} stands in the suite already")),
        ("HOTP" | "TOTP", Some(_), _) => Some(format!("{named} has no suite")),
        ("HOTP", ..) if fields.has("period") => Some("HOTP has no period".to_owned()),
        ("TOTP", ..) if fields.has("counter") => Some("TOTP has no counter".to_owned()),
        _ => None,
    };
    if let Some(problem) = problem {
        return Err(Refusal::contradiction(problem));
    }
    let hash = fields
        .text("hash")
        .and_then(|name| name.parse::<Hash>().ok())
        .unwrap_or_default();
    let digits = fields
        .number("digits")
        .and_then(|n| u8::try_from(n).ok())
        .unwrap_or(6);
    Ok(match (named, suite) {
        ("OCRA", Some(suite)) => {
            Algorithm::Ocra(Box::new(suite.parse::<Suite>().map_err(|error| {
                Refusal::invalid("suite", format_args!("an OCRA suite: {error}"))
            })?))
        }
        ("HOTP", _) => Algorithm::Hotp { hash, digits },
        _ => Algorithm::Totp {
            hash,
            digits,
            period: fields
                .number("period")
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(30),
        },
    })
}

/// The key that was sent, or one made by dice, as long as the hash function's output.
///
/// # Errors
/// -2 for both forms at once, -101 for one that cannot be read.
pub(super) fn secret(
    fields: &Fields,
    algorithm: &Algorithm,
    dice: &Dice,
) -> Result<Secret, Refusal> {
    match (fields.secret("secret_hex"), fields.secret("secret_base32")) {
        (Some(_), Some(_)) => Err(Refusal::contradiction(
            "secret_hex and secret_base32 exclude each other",
        )),
        (Some(hex), None) => decoded("secret_hex", from_hex(hex.expose())),
        (None, Some(base32)) => decoded("secret_base32", from_base32(base32.expose())),
        (None, None) => {
            let made = zeroize::Zeroizing::new(dice.bytes::<64>(Purpose::Key));
            Ok(Secret::new(
                made.iter()
                    .copied()
                    .take(hash_of(algorithm).output_len())
                    .collect::<Vec<_>>(),
            ))
        }
    }
}

fn decoded(field: &str, bytes: Option<Secret>) -> Result<Secret, Refusal> {
    bytes.filter(|key| KEY.contains(&key.len())).ok_or_else(|| {
        Refusal::invalid(
            field,
            format_args!("a key of {} to {} bytes", KEY.start(), KEY.end()),
        )
    })
}

fn from_hex(text: &[u8]) -> Option<Secret> {
    let plain = without_spaces(text);
    HEXLOWER_PERMISSIVE.decode(&plain).ok().map(Secret::new)
}

fn from_base32(text: &[u8]) -> Option<Secret> {
    let mut plain = without_spaces(text);
    plain.make_ascii_uppercase();
    let end = plain
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    BASE32_NOPAD.decode(plain.get(..end)?).ok().map(Secret::new)
}

fn without_spaces(text: &[u8]) -> zeroize::Zeroizing<Vec<u8>> {
    zeroize::Zeroizing::new(
        text.iter()
            .copied()
            .filter(|byte| !matches!(byte, b' ' | b'-'))
            .collect(),
    )
}

pub(super) fn hash_of(algorithm: &Algorithm) -> Hash {
    match algorithm {
        Algorithm::Hotp { hash, .. } | Algorithm::Totp { hash, .. } => *hash,
        Algorithm::Ocra(suite) => suite.hash(),
    }
}

/// The name and kind that an application has where nothing else is said.
pub(super) fn usual_kind(algorithm: &Algorithm) -> ApplicationKind {
    match algorithm {
        Algorithm::Hotp { .. } | Algorithm::Totp { .. } => ApplicationKind::ResponseOnly,
        Algorithm::Ocra(_) => ApplicationKind::ChallengeResponse,
    }
}

/// A new application, its key still to be sealed.
pub(super) fn application(
    name: &str,
    index: u8,
    kind: ApplicationKind,
    algorithm: Algorithm,
    counter: u64,
    at: Timestamp,
) -> Application {
    Application {
        key: ApplicationKey(-1 - i64::from(index)),
        name: name.to_owned(),
        index,
        kind,
        active: true,
        secure_channel: false,
        host_code: false,
        confirm: false,
        algorithm,
        pin: PinSettings::default(),
        secret: Sealed(Box::default()),
        sealed_pin: None,
        state: ApplicationState {
            counter,
            initial: true,
            ..ApplicationState::default()
        },
        meta: super::meta::fresh(at),
    }
}

/// Sets the flags of an application that were sent.
pub(super) fn patch_flags(fields: &Fields, application: &mut Application) {
    fields.patch_flag("pin_supported", &mut application.pin.supported);
    fields.patch_flag("pin_change_allowed", &mut application.pin.change_allowed);
    fields.patch_flag("host_code", &mut application.host_code);
    fields.patch_flag("secure_channel", &mut application.secure_channel);
    fields.patch_flag("confirm", &mut application.confirm);
    if let Some(length) = fields
        .number("pin_min_length")
        .and_then(|n| u8::try_from(n).ok())
    {
        application.pin.min_length = length;
    }
}
