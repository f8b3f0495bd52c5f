//! What is signed: the canonical form of data fields (signatures.md 3).

use data_encoding::HEXLOWER;
use hmac::digest::Digest;
use sha2::Sha256;
use thiserror::Error;

/// Most fields of one signature.
pub const MAX_FIELDS: usize = 8;
/// Longest field in bytes of UTF-8.
pub const MAX_FIELD_LEN: usize = 255;

/// Why data cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldError {
    /// No field, or more than eight.
    #[error("a signature has 1 to {MAX_FIELDS} data fields")]
    Count,
    /// A field of more than 255 bytes.
    #[error("data field {0} is longer than {MAX_FIELD_LEN} bytes")]
    TooLong(usize),
    /// A field with a control or bidirectional control character, which would be shown otherwise than it is signed.
    #[error("data field {0} holds a control character")]
    Control(usize),
}

/// The canonical form: for each field its number (one byte, from 1), its length (two bytes, big endian), its bytes.
///
/// Fields are taken to be in NFC already; the error names the field, from 1.
pub fn canonical<T: AsRef<str>>(fields: &[T]) -> Result<Vec<u8>, FieldError> {
    if fields.is_empty() || fields.len() > MAX_FIELDS {
        return Err(FieldError::Count);
    }
    let mut out = Vec::new();
    for (number, field) in (1_u8..).zip(fields) {
        let bytes = checked(usize::from(number), field.as_ref())?.as_bytes();
        out.push(number);
        out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
        out.extend_from_slice(bytes);
    }
    Ok(out)
}

/// The question of a hashed signature: SHA-256 of the canonical form, as 64 hexadecimal digits.
#[must_use]
pub fn question(canonical: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(canonical))
}

fn checked(number: usize, field: &str) -> Result<&str, FieldError> {
    if field.len() > MAX_FIELD_LEN {
        return Err(FieldError::TooLong(number));
    }
    match field.chars().any(|c| c.is_control() || is_bidi_control(c)) {
        true => Err(FieldError::Control(number)),
        false => Ok(field),
    }
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_form_of_the_check_vector() {
        let canonical = canonical(&["DE89370400440532013000", "125.00"]).unwrap();
        let mut expected = vec![1, 0, 0x16];
        expected.extend_from_slice(b"DE89370400440532013000");
        expected.extend_from_slice(&[2, 0, 6]);
        expected.extend_from_slice(b"125.00");
        assert_eq!(canonical, expected);
        assert_eq!(
            question(&canonical),
            "6fbcf98604a48429488fafb0ca85e53107d74587081b9ffbf5061192158a1734"
        );
    }

    #[test]
    fn fields_that_would_be_shown_otherwise_are_refused() {
        assert_eq!(canonical::<&str>(&[]), Err(FieldError::Count));
        assert_eq!(canonical(&["x"; 9]), Err(FieldError::Count));
        assert_eq!(canonical(&["ok", "a\nb"]), Err(FieldError::Control(2)));
        assert_eq!(canonical(&["abc\u{202e}def"]), Err(FieldError::Control(1)));
        assert_eq!(canonical(&["x".repeat(256)]), Err(FieldError::TooLong(1)));
        assert!(canonical(&["x".repeat(255)]).is_ok());
    }

    #[test]
    fn field_borders_are_signed() {
        assert_ne!(canonical(&["1", "23"]), canonical(&["12", "3"]));
    }
}
