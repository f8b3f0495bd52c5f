//! Values of directories: text forms of identities, flags and moments.

use crate::text::has_control;
use crate::time::Timestamp;
use data_encoding::HEXLOWER;

/// Seconds from 1601, where Windows begins to count, to 1970.
const WINDOWS_EPOCH_S: i64 = 11_644_473_600;
/// Bit of `userAccountControl`: the account is disabled.
const ACCOUNT_DISABLE: i64 = 2;

/// Text without control characters; blanks around it do not count.
pub(super) fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    (!has_control(text)).then(|| text.to_owned())
}

/// A unique identity in its usual text form; 16 bytes are a GUID, whose first three groups Active Directory stores
/// with the low byte first.
pub(super) fn identity(attribute: &str, value: &[u8]) -> Option<String> {
    if value.len() != 16 || value.iter().all(u8::is_ascii_graphic) {
        return text(value)
            .filter(|id| !id.is_empty() && id.len() <= 255)
            .map(|id| id.to_ascii_lowercase());
    }
    let mut bytes: [u8; 16] = value.try_into().ok()?;
    if attribute.eq_ignore_ascii_case("objectGUID") {
        let (first, rest) = bytes.split_at_mut(4);
        let (second, rest) = rest.split_at_mut(2);
        let (third, _) = rest.split_at_mut(2);
        first.reverse();
        second.reverse();
        third.reverse();
    }
    let hex = HEXLOWER.encode(&bytes);
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or(""));
    Some(groups.join("-"))
}

/// Whether an account is disabled; none for a value that does not say.
pub(super) fn disabled(attribute: &str, value: &str) -> Option<bool> {
    if attribute.eq_ignore_ascii_case("userAccountControl") {
        return value
            .parse::<i64>()
            .ok()
            .map(|bits| bits & ACCOUNT_DISABLE != 0);
    }
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// When an account ends (`Some(None)`: never); none for a value that does not say.
pub(super) fn expires(attribute: &str, value: &str) -> Option<Option<Timestamp>> {
    if attribute.eq_ignore_ascii_case("accountExpires") {
        return windows_time(value.parse().ok()?);
    }
    if attribute.eq_ignore_ascii_case("shadowExpire") {
        let days: i64 = value.parse().ok()?;
        return match days {
            ..0 => Some(None),
            days => Some(Some(Timestamp::from_seconds(days.checked_mul(86_400)?))),
        };
    }
    generalized_time(value).map(Some)
}

/// 100 ns since 1601; 0 and the greatest number are never.
fn windows_time(ticks: i64) -> Option<Option<Timestamp>> {
    match ticks {
        ..0 => None,
        0 | i64::MAX => Some(None),
        ticks => {
            let micros = (ticks / 10).checked_sub(WINDOWS_EPOCH_S * 1_000_000)?;
            Some(Some(Timestamp(micros)))
        }
    }
}

/// RFC 4517 3.3.13, with minutes and in UTC or with an offset: local time says nothing here.
fn generalized_time(value: &str) -> Option<Timestamp> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let part = |from: usize, to: usize| {
        if to <= digits {
            value.get(from..to)
        } else {
            None
        }
    };
    if !matches!(digits, 10 | 12 | 14) {
        return None;
    }
    let mut rest = value.get(digits..)?;
    let mut fraction = String::new();
    if let Some(after) = rest.strip_prefix(['.', ',']) {
        let size = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits != 14 || size == 0 {
            return None;
        }
        fraction = format!(".{}", after.get(..size.min(9))?);
        rest = after.get(size..)?;
    }
    let zone = match (rest, rest.len()) {
        ("Z", _) => "Z".to_owned(),
        (offset, 3) => format!("{offset}:00"),
        (offset, 5) => format!("{}:{}", offset.get(..3)?, offset.get(3..)?),
        _ => return None,
    };
    Timestamp::parse(&format!(
        "{}-{}-{}T{}:{}:{}{fraction}{zone}",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12).unwrap_or("00"),
        part(12, 14).unwrap_or("00"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Option<Timestamp>> {
        Some(Some(Timestamp::parse(text).unwrap()))
    }

    #[test]
    fn moments_of_every_kind_are_read() {
        let rows = [
            ("krbEnd", "20271231235959Z", at("2027-12-31T23:59:59Z")),
            ("krbEnd", "202712312359Z", at("2027-12-31T23:59:00Z")),
            ("krbEnd", "2027123123Z", at("2027-12-31T23:00:00Z")),
            (
                "krbEnd",
                "20271231235959.25+0130",
                at("2027-12-31T22:29:59.25Z"),
            ),
            (
                "krbEnd",
                "20271231235959,5-01",
                at("2028-01-01T00:59:59.5Z"),
            ),
            ("krbEnd", "20271231235959", None),
            ("krbEnd", "20271331235959Z", None),
            ("krbEnd", "2027123123.5Z", None),
            ("krbEnd", "", None),
            ("krbEnd", "never", None),
            ("accountExpires", "0", Some(None)),
            ("AccountExpires", "9223372036854775807", Some(None)),
            (
                "accountExpires",
                "133480000000000000",
                at("2023-12-25T17:46:40Z"),
            ),
            ("accountExpires", "-9223372036854775808", None),
            ("accountExpires", "soon", None),
            ("shadowExpire", "-1", Some(None)),
            ("shadowExpire", "20000", at("2024-10-04T00:00:00Z")),
            ("shadowExpire", "9223372036854775807", None),
        ];
        for (attribute, value, wanted) in rows {
            assert_eq!(expires(attribute, value), wanted, "{attribute} {value}");
        }
    }

    #[test]
    fn flags_of_every_kind_are_read() {
        let rows = [
            ("userAccountControl", "512", Some(false)),
            ("useraccountcontrol", "514", Some(true)),
            ("userAccountControl", "TRUE", None),
            ("nsAccountLock", "TRUE", Some(true)),
            ("loginDisabled", "false", Some(false)),
            ("flag", "1", Some(true)),
            ("flag", "maybe", None),
        ];
        for (attribute, value, wanted) in rows {
            assert_eq!(disabled(attribute, value), wanted, "{attribute} {value}");
        }
    }

    #[test]
    fn identities_have_one_text_form() {
        let guid: Vec<u8> = (0..16).collect();
        assert_eq!(
            identity("objectGUID", &guid).unwrap(),
            "03020100-0504-0706-0809-0a0b0c0d0e0f"
        );
        assert_eq!(
            identity("GUID", &guid).unwrap(),
            "00010203-0405-0607-0809-0a0b0c0d0e0f"
        );
        assert_eq!(
            identity("entryUUID", b"4C1DB5FC-0000-103E-8000-000000000001").unwrap(),
            "4c1db5fc-0000-103e-8000-000000000001"
        );
        assert_eq!(identity("entryUUID", b""), None);
        assert_eq!(identity("entryUUID", &[0xff; 3]), None);
    }

    #[test]
    fn text_is_trimmed_and_has_no_controls() {
        assert_eq!(text(b" Alice "), Some("Alice".to_owned()));
        assert_eq!(text(b"a\nb"), None);
        assert_eq!(text(&[0xc3]), None);
    }

    proptest::proptest! {
        #[test]
        fn no_value_makes_it_stumble(attribute in "(accountExpires|shadowExpire|userAccountControl|other)", value in "\\PC{0,40}", bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            let _ = (expires(&attribute, &value), disabled(&attribute, &value), identity("objectGUID", &bytes), text(&bytes));
        }
    }
}
