//! Host and confirmation codes: the server's answer that it holds the key too (signatures.md 6).

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Otp;
use crate::ocra::{self, DataInput, Question, Suite};

/// Which answer of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A host code after a logon.
    Host,
    /// A confirmation code after a signature.
    Confirm,
}

impl Purpose {
    fn label(self) -> &'static str {
        match self {
            Self::Host => "countersign host",
            Self::Confirm => "countersign confirm",
        }
    }
}

/// Why there is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ConfirmError {
    /// The length asked for is not 4 to 10 digits.
    #[error("a host or confirmation code has 4 to 10 digits")]
    Digits,
    /// The accepted value is not 1 to 10 digits.
    #[error("the accepted value is not 1 to 10 digits")]
    Accepted,
}

/// The code for an accepted value: `factor` is its counter or time step, 0 for a plain application; `digits` 4 to 10.
pub fn code(
    purpose: Purpose,
    key: &[u8],
    accepted: &str,
    factor: u64,
    digits: u8,
) -> Result<Otp, ConfirmError> {
    let suite = suite(digits)?;
    let derived = derive(purpose, key);
    let input = DataInput {
        counter: Some(factor),
        ..DataInput::new(Question::Single(accepted))
    };
    let response =
        ocra::compute(&suite, derived.as_slice(), &input).map_err(|_| ConfirmError::Accepted)?;
    response.code().copied().ok_or(ConfirmError::Digits)
}

fn suite(digits: u8) -> Result<Suite, ConfirmError> {
    match digits {
        4..=10 => format!("OCRA-1:HOTP-SHA256-{digits}:C-QN10")
            .parse()
            .map_err(|_| ConfirmError::Digits),
        _ => Err(ConfirmError::Digits),
    }
}

/// A key of its own for each purpose, so that no answer of the server is ever a value that the user could be asked for.
#[expect(
    clippy::expect_used,
    reason = "HKDF-SHA256 gives up to 8160 bytes, 32 never fail"
)]
fn derive(purpose: Purpose, key: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, key)
        .expand(purpose.label().as_bytes(), derived.as_mut_slice())
        .expect("32 bytes are within the limit");
    derived
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host code",
            Self::Confirm => "confirmation code",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_vectors() {
        let host = code(Purpose::Host, b"12345678901234567890", "969429", 3, 6).unwrap();
        assert_eq!(host.as_str(), "581481");
        let confirm = code(
            Purpose::Confirm,
            b"12345678901234567890123456789012",
            "46310912",
            0,
            6,
        )
        .unwrap();
        assert_eq!(confirm.as_str(), "451053");
    }

    #[test]
    fn only_possible_lengths_are_computed() {
        assert_eq!(
            code(Purpose::Host, b"key", "123456", 0, 3),
            Err(ConfirmError::Digits)
        );
        assert_eq!(
            code(Purpose::Host, b"key", "123456", 0, 11),
            Err(ConfirmError::Digits)
        );
        assert_eq!(
            code(Purpose::Host, b"key", "12345678901", 0, 6),
            Err(ConfirmError::Accepted)
        );
        assert_eq!(
            code(Purpose::Host, b"key", "12345x", 0, 6),
            Err(ConfirmError::Accepted)
        );
        assert_eq!(
            code(Purpose::Host, b"key", "", 0, 6),
            Err(ConfirmError::Accepted)
        );
        assert_eq!(
            code(Purpose::Host, b"key", "1234567890", 0, 10).map(|code| code.digits()),
            Ok(10)
        );
    }
}
