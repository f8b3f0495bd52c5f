//! Secrets in base32 (RFC 4648 section 6), as `otpauth://` and people write them.

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use crate::Secret;

/// Longest secret in bytes that any format here carries.
pub const MAX_SECRET: usize = 512;

/// The bytes of a text in either case, with or without padding, spaces and hyphens; none when it is empty, too long or no base32.
#[must_use]
pub fn decode(text: &str) -> Option<Secret> {
    if text.len() > 4 * MAX_SECRET {
        return None;
    }
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(
        text.trim_end_matches('=')
            .bytes()
            .filter(|byte| !matches!(byte, b' ' | b'-'))
            .map(|byte| byte.to_ascii_uppercase()),
    );
    let bytes = BASE32_NOPAD.decode(&compact).ok().map(Zeroizing::new)?;
    (1..=MAX_SECRET)
        .contains(&bytes.len())
        .then(|| Secret::from(bytes))
}

/// Upper case, without padding.
#[must_use]
pub fn encode(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(BASE32_NOPAD.encode(secret.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_as_people_write_them() {
        for text in [
            "GEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq",
            "GEZD-GNBV-GY3T-QOJQ",
            "GEZDGNBVGY3TQOJQ====",
        ] {
            assert_eq!(decode(text).unwrap().expose(), b"1234567890", "{text}");
        }
        assert_eq!(*encode(&Secret::new("1234567890")), "GEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "====", "A", "GEZ1", "GEZD=GNB", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode(&"A".repeat(1000)), None);
    }
}
