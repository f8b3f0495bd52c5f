//! When a certificate ends: the one field of X.509 that a server reads of its own chain (RFC 5280 4.1.2.5).

use countersign_engine::time::Timestamp;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The moment after which a certificate in DER is no longer valid; none for bytes that are no certificate.
pub(super) fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = inside(der, SEQUENCE)?;
    let (mut fields, _) = inside(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        (_, fields) = any(fields)?;
    }
    for _serial_algorithm_issuer in 0..3 {
        (_, fields) = any(fields)?;
    }
    let (validity, _) = inside(fields, SEQUENCE)?;
    let (_, end) = any(validity)?;
    let ((tag, text), _) = any(end)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// The content of an element with this tag, and what follows it.
fn inside(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let ((tag, content), rest) = any(bytes)?;
    (tag == wanted).then_some((content, rest))
}

/// An element: its tag and its content.
type Element<'a> = (u8, &'a [u8]);

/// An element, and what follows it.
fn any(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81..=0x84 => {
            let (octets, bytes) = bytes.split_at_checked(usize::from(first & 0x7f))?;
            let length = octets
                .iter()
                .fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
            (length, bytes)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some(((tag, content), rest))
}

fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let digits = match tag {
        // two digits stand for 1950 to 2049
        UTC_TIME if digits.get(..2)?.parse::<u8>().ok()? < 50 => format!("20{digits}"),
        UTC_TIME => format!("19{digits}"),
        GENERALIZED_TIME => digits.to_owned(),
        _ => return None,
    };
    if digits.len() != 14 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Timestamp::parse(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 14)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::self_signed;
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn a_certificate_made_now_ends_in_ten_years() {
        let made = self_signed(&["localhost".to_owned()]).unwrap();
        let der = CertificateDer::from_pem_slice(made.certificate_pem.as_bytes()).unwrap();
        let end = not_after(&der).unwrap().0 / 1_000_000;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let left = end - i64::try_from(now.as_secs()).unwrap();
        assert!((3649 * 86_400..=3650 * 86_400).contains(&left), "{left}");
        for cut in 0..der.len() / 2 {
            not_after(&der[..cut]); // must not panic
        }
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let seconds = |tag, text| time(tag, text).map(|time| time.0 / 1_000_000);
        assert_eq!(seconds(UTC_TIME, "700101000001Z"), Some(1));
        assert_eq!(seconds(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(
            seconds(GENERALIZED_TIME, "20500101000000Z"),
            Some(2_524_608_000)
        );
        for (tag, text) in [
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "700101000001+0000"),
            (GENERALIZED_TIME, "20501301000000Z"),
            (SEQUENCE, "700101000001Z"),
        ] {
            assert_eq!(seconds(tag, text), None, "{text}");
        }
    }
}
