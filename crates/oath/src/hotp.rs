//! HOTP: one-time passwords from a counter (RFC 4226).

use std::fmt;

use subtle::ConstantTimeEq;

use crate::Hash;
use crate::keyed::{Keyed, Tag};

/// The value of `key` at `counter`; `digits` beyond 10 count as 10.
#[must_use]
pub fn hotp(key: &[u8], counter: u64, hash: Hash, digits: u8) -> Otp {
    HotpKey::new(key, hash, digits).at(counter)
}

/// A HOTP key with its HMAC schedule kept: each further value costs two hash blocks and allocates nothing.
#[derive(Clone)]
pub struct HotpKey {
    keyed: Keyed,
    digits: u8,
}

impl HotpKey {
    /// Prepares `key`; `digits` beyond 10 count as 10.
    #[must_use]
    pub fn new(key: &[u8], hash: Hash, digits: u8) -> Self {
        Self {
            keyed: Keyed::new(key, hash),
            digits,
        }
    }

    /// The value at a counter or time step.
    #[must_use]
    pub fn at(&self, counter: u64) -> Otp {
        Otp::truncate(&self.keyed.mac(&[&counter.to_be_bytes()]), self.digits)
    }
}

impl fmt::Debug for HotpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HotpKey(..)")
    }
}

/// A one-time password: up to ten decimal digits, leading zeros kept.
#[derive(Clone, Copy)]
pub struct Otp {
    text: [u8; Otp::MAX_DIGITS as usize],
    len: u8,
}

impl Otp {
    /// Longest value: RFC 6287 allows 10 digits.
    pub const MAX_DIGITS: u8 = 10;

    pub(crate) fn truncate(tag: &Tag, digits: u8) -> Self {
        Self::from_number(tag.truncated(), digits)
    }

    fn from_number(mut number: u32, digits: u8) -> Self {
        let len = digits.min(Self::MAX_DIGITS);
        let mut text = [b'0'; Self::MAX_DIGITS as usize];
        for place in text.iter_mut().take(usize::from(len)).rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
        Self { text, len }
    }

    /// The digits as text, to be shown or delivered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The digits as ASCII bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Number of digits.
    #[must_use]
    pub fn digits(&self) -> u8 {
        self.len
    }

    /// Whether the typed text is this value; takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, typed: &str) -> bool {
        self.as_bytes().ct_eq(typed.as_bytes()).into()
    }
}

impl PartialEq for Otp {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for Otp {}

impl fmt::Debug for Otp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Otp({} digits)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"12345678901234567890";

    #[test]
    fn rfc_4226_values() {
        let rows = include_str!("../vectors/rfc4226.txt")
            .lines()
            .filter(|row| !row.starts_with('#'));
        let mut count = 0;
        for row in rows {
            let [counter, otp] = row.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("bad row {row}")
            };
            let computed = hotp(KEY, counter.parse().unwrap(), Hash::Sha1, 6);
            assert_eq!(computed.as_str(), otp, "counter {counter}");
            assert!(computed.matches(otp));
            count += 1;
        }
        assert_eq!(count, 10);
    }

    #[test]
    fn leading_zeros_are_kept_and_ten_digits_fit() {
        assert_eq!(Otp::from_number(7, 6).as_str(), "000007");
        assert_eq!(Otp::from_number(0x7fff_ffff, 10).as_str(), "2147483647");
        assert_eq!(Otp::from_number(0x7fff_ffff, 6).as_str(), "483647");
        assert_eq!(Otp::from_number(1, 200).digits(), 10);
        assert_eq!(Otp::from_number(1, 0).as_str(), "");
    }

    #[test]
    fn a_value_matches_only_itself() {
        let otp = hotp(KEY, 0, Hash::Sha1, 6);
        assert!(otp.matches("755224"));
        for typed in ["", "755225", "75522", "7552244", "0755224", "７５５２２４"] {
            assert!(!otp.matches(typed), "{typed}");
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(
            format!("{:?}", hotp(KEY, 0, Hash::Sha1, 6)),
            "Otp(6 digits)"
        );
        assert_eq!(
            format!("{:?}", HotpKey::new(KEY, Hash::Sha256, 8)),
            "HotpKey(..)"
        );
    }

    #[test]
    fn the_kept_schedule_gives_the_same_values() {
        for hash in Hash::ALL {
            let key = HotpKey::new(KEY, hash, 8);
            for counter in [0, 1, 77, u64::MAX] {
                assert_eq!(key.at(counter), hotp(KEY, counter, hash, 8));
            }
        }
    }
}
