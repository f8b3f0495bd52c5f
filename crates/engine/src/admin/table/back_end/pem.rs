//! Certificates and private keys in PEM (RFC 7468).

use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{PemObject, SectionKind};

/// Longest text of certificates.
pub(super) const MOST_BYTES: usize = 65_536;
/// Most certificates in it.
const MOST: usize = 100;

/// At least one certificate, and nothing else.
pub(super) fn are_certificates(text: &str) -> bool {
    let mut count = 0;
    let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes());
    for section in sections {
        match section {
            Ok((SectionKind::Certificate, der)) if is_sequence(&der) && count < MOST => count += 1,
            _ => return false,
        }
    }
    count > 0
}

/// One private key of PKCS#8, PKCS#1 or SEC1, not encrypted.
pub(super) fn is_private_key(text: &[u8]) -> bool {
    PrivateKeyDer::from_pem_slice(text).is_ok_and(|key| is_sequence(key.secret_der()))
}

/// One whole DER sequence, as the outermost value of both is.
fn is_sequence(der: &[u8]) -> bool {
    let Some((0x30, rest)) = der.split_first().map(|(tag, rest)| (*tag, rest)) else {
        return false;
    };
    let Some((first, rest)) = rest.split_first() else {
        return false;
    };
    if *first < 0x80 {
        return rest.len() == usize::from(*first);
    }
    let size = usize::from(*first & 0x7f);
    if !(1..=4).contains(&size) || rest.len() < size {
        return false;
    }
    let (length, content) = rest.split_at(size);
    let length = length
        .iter()
        .fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
    content.len() == length
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";

    #[test]
    fn certificates_are_told_from_other_texts() {
        assert!(are_certificates(GOOD) && are_certificates(&GOOD.repeat(3)));
        let key = GOOD.replace("CERTIFICATE", "PRIVATE KEY");
        assert!(is_private_key(key.as_bytes()) && !is_private_key(GOOD.as_bytes()));
        for text in [
            String::new(),
            "x".to_owned(),
            GOOD.replace("MAMCAQE=", "MAMCAQ=="),
            GOOD.replace("MAMCAQE=", "AAAA"),
            GOOD.replace("MAMCAQE=", "%%%"),
            GOOD.replace("-----END CERTIFICATE-----", ""),
            format!("{GOOD}{key}"),
            GOOD.repeat(MOST + 1),
        ] {
            assert!(!are_certificates(&text), "{text}");
        }
        assert!(!is_private_key(b"") && !is_private_key(&[0xff; 64]));
    }
}
