//! The readings of one value (authentication.md 4.2).

use subtle::ConstantTimeEq;

/// Shortest and longest server PIN.
pub(super) const PIN_LENGTHS: std::ops::RangeInclusive<usize> = 4..=8;

/// A value taken apart: what stands before the OTP, the OTP, a new PIN.
#[derive(Clone, Copy)]
pub(super) struct Reading<'p> {
    /// Static password and PIN, not yet told apart.
    pub(super) front: &'p [u8],
    /// Decimal digits.
    pub(super) otp: &'p str,
    /// New PIN, typed twice.
    pub(super) new_pin: Option<&'p [u8]>,
}

/// The readings of a combined value for a response of `digits`: the plain one, then for a PIN application those with a
/// new PIN, the longest first.
pub(super) fn readings(
    value: &[u8],
    digits: usize,
    has_pin: bool,
) -> impl Iterator<Item = Reading<'_>> {
    let changes = PIN_LENGTHS
        .rev()
        .filter(move |_| has_pin)
        .filter_map(move |length| with_new_pin(value, digits, length));
    plain(value, digits, None).into_iter().chain(changes)
}

fn plain<'p>(value: &'p [u8], digits: usize, new_pin: Option<&'p [u8]>) -> Option<Reading<'p>> {
    let (front, otp) = value.split_at_checked(value.len().checked_sub(digits)?)?;
    Some(Reading {
        front,
        otp: decimal(otp)?,
        new_pin,
    })
}

fn with_new_pin(value: &[u8], digits: usize, length: usize) -> Option<Reading<'_>> {
    let (rest, again) = value.split_at_checked(value.len().checked_sub(length)?)?;
    let (rest, new_pin) = rest.split_at_checked(rest.len().checked_sub(length)?)?;
    (decimal(new_pin).is_some() && bool::from(new_pin.ct_eq(again)))
        .then(|| plain(rest, digits, Some(new_pin)))?
}

/// The text of ASCII decimal digits, if there are only such and at least one.
pub(super) fn decimal(bytes: &[u8]) -> Option<&str> {
    let only = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    only.then(|| std::str::from_utf8(bytes).ok())?
}

/// Takes the PIN off the end of what stands before the OTP.
pub(super) fn without_pin<'p>(front: &'p [u8], pin: &[u8]) -> Option<&'p [u8]> {
    let (rest, typed) = front.split_at_checked(front.len().checked_sub(pin.len())?)?;
    bool::from(typed.ct_eq(pin)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str, digits: usize, has_pin: bool) -> Vec<(String, String, Option<String>)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        readings(value.as_bytes(), digits, has_pin)
            .map(|one| (text(one.front), one.otp.to_owned(), one.new_pin.map(text)))
            .collect()
    }

    #[test]
    fn a_value_is_read_plainly_first() {
        assert_eq!(
            parts("755224", 6, false),
            [(String::new(), "755224".to_owned(), None)]
        );
        assert_eq!(
            parts("Secret755224", 6, false),
            [("Secret".to_owned(), "755224".to_owned(), None)]
        );
        assert_eq!(parts("Secret", 6, true), []);
        assert_eq!(parts("75522", 6, true), []);
    }

    #[test]
    fn a_new_pin_is_typed_twice_and_the_longest_comes_first() {
        let read = parts("75522412341234", 6, true);
        assert_eq!(
            read,
            [
                ("75522412".to_owned(), "341234".to_owned(), None),
                (String::new(), "755224".to_owned(), Some("1234".to_owned()))
            ]
        );
        let long = parts(
            "1234755224 1111111111111111".replace(' ', "").as_str(),
            6,
            true,
        );
        let lengths: Vec<_> = long
            .iter()
            .filter_map(|one| one.2.as_ref().map(String::len))
            .collect();
        assert_eq!(lengths, [8, 7, 6, 5, 4]);
        assert_eq!(parts("75522412341235", 6, true).len(), 1, "halves differ");
        assert_eq!(
            parts("75522412341234", 6, false).len(),
            1,
            "no PIN, no change"
        );
    }

    #[test]
    fn digits_are_ascii_digits() {
        assert_eq!(parts("７５５２２４", 6, false), []);
        assert_eq!(parts("75522a", 6, false), []);
        assert_eq!(decimal(b""), None);
    }

    #[test]
    fn the_pin_stands_before_the_otp() {
        assert_eq!(without_pin(b"1234", b"1234"), Some(&b""[..]));
        assert_eq!(without_pin(b"Secret1234", b"1234"), Some(&b"Secret"[..]));
        assert_eq!(without_pin(b"Secret1235", b"1234"), None);
        assert_eq!(without_pin(b"234", b"1234"), None);
    }
}
