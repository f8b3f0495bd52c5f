//! HMAC as a MAC and as the PRF of PBKDF2, over every hash function that RFC 8018 names.

use hmac::digest::block_api::EagerHash;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

/// Which HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prf {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512T224,
    Sha512T256,
}

/// Ends of the URIs, and the object identifiers of RFC 8018 appendix B.1.
const NAMES: [(Prf, &str, &str); 7] = [
    (Prf::Sha1, "hmac-sha1", "1.2.840.113549.2.7"),
    (Prf::Sha224, "hmac-sha224", "1.2.840.113549.2.8"),
    (Prf::Sha256, "hmac-sha256", "1.2.840.113549.2.9"),
    (Prf::Sha384, "hmac-sha384", "1.2.840.113549.2.10"),
    (Prf::Sha512, "hmac-sha512", "1.2.840.113549.2.11"),
    (Prf::Sha512T224, "hmac-sha512-224", "1.2.840.113549.2.12"),
    (Prf::Sha512T256, "hmac-sha512-256", "1.2.840.113549.2.13"),
];

impl Prf {
    /// The function of an algorithm URI or object identifier.
    pub(super) fn named(uri: &str) -> Option<Self> {
        let name = uri
            .trim()
            .rsplit(['#', ':'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
            .replace('/', "-");
        NAMES
            .iter()
            .find(|(_, end, oid)| *end == name || *oid == name)
            .map(|(prf, _, _)| *prf)
    }

    /// Whether the MAC of the message under the key is this one; constant time.
    pub(super) fn verify(self, key: &[u8], message: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha1 => {
                keyed::<Hmac<Sha1>>(key, message).is_some_and(|mac| mac.verify_slice(tag).is_ok())
            }
            Self::Sha224 => {
                keyed::<Hmac<Sha224>>(key, message).is_some_and(|mac| mac.verify_slice(tag).is_ok())
            }
            Self::Sha256 => {
                keyed::<Hmac<Sha256>>(key, message).is_some_and(|mac| mac.verify_slice(tag).is_ok())
            }
            Self::Sha384 => {
                keyed::<Hmac<Sha384>>(key, message).is_some_and(|mac| mac.verify_slice(tag).is_ok())
            }
            Self::Sha512 => {
                keyed::<Hmac<Sha512>>(key, message).is_some_and(|mac| mac.verify_slice(tag).is_ok())
            }
            Self::Sha512T224 => keyed::<Hmac<Sha512_224>>(key, message)
                .is_some_and(|mac| mac.verify_slice(tag).is_ok()),
            Self::Sha512T256 => keyed::<Hmac<Sha512_256>>(key, message)
                .is_some_and(|mac| mac.verify_slice(tag).is_ok()),
        }
    }

    /// PBKDF2 (RFC 8018 section 5.2) into `out`.
    pub(super) fn pbkdf2(self, passphrase: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
        match self {
            Self::Sha1 => derive::<Sha1>(passphrase, salt, iterations, out),
            Self::Sha224 => derive::<Sha224>(passphrase, salt, iterations, out),
            Self::Sha256 => derive::<Sha256>(passphrase, salt, iterations, out),
            Self::Sha384 => derive::<Sha384>(passphrase, salt, iterations, out),
            Self::Sha512 => derive::<Sha512>(passphrase, salt, iterations, out),
            Self::Sha512T224 => derive::<Sha512_224>(passphrase, salt, iterations, out),
            Self::Sha512T256 => derive::<Sha512_256>(passphrase, salt, iterations, out),
        }
    }
}

/// HMAC-SHA256, the MAC of the files that we write.
pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    keyed::<Hmac<Sha256>>(key, message).map(|mac| mac.finalize().into_bytes().to_vec())
}

fn keyed<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Option<M> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(message);
    Some(mac)
}

fn derive<D: EagerHash>(passphrase: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    pbkdf2::pbkdf2_hmac::<D>(passphrase, salt, iterations, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_known_by_uri_and_by_object_identifier() {
        for (uri, prf) in [
            ("http://www.w3.org/2000/09/xmldsig#hmac-sha1", Prf::Sha1),
            (
                "http://www.w3.org/2001/04/xmldsig-more#hmac-sha224",
                Prf::Sha224,
            ),
            (
                "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
                Prf::Sha256,
            ),
            (
                "http://www.w3.org/2001/04/xmldsig-more#hmac-sha384",
                Prf::Sha384,
            ),
            (
                "http://www.w3.org/2001/04/xmldsig-more#HMAC-SHA512",
                Prf::Sha512,
            ),
            ("urn:oid:1.2.840.113549.2.13", Prf::Sha512T256),
            ("hmac-sha512/224", Prf::Sha512T224),
        ] {
            assert_eq!(Prf::named(uri), Some(prf), "{uri}");
        }
        assert_eq!(
            Prf::named("http://www.w3.org/2001/04/xmldsig-more#hmac-md5"),
            None
        );
    }

    #[test]
    fn rfc_6070_value() {
        let mut out = [0; 20];
        Prf::Sha1.pbkdf2(b"password", b"salt", 4096, &mut out);
        assert_eq!(
            data_encoding::HEXLOWER.encode(&out),
            "4b007901b765489abead49d926f721d065a429c1"
        );
    }

    #[test]
    fn a_mac_verifies_only_unchanged() {
        let tag = hmac_sha256(b"key", b"message").unwrap();
        assert!(Prf::Sha256.verify(b"key", b"message", &tag));
        assert!(!Prf::Sha256.verify(b"key", b"massage", &tag));
        assert!(!Prf::Sha256.verify(b"key", b"message", &tag[..16]));
        assert!(!Prf::Sha256.verify(b"key", b"message", b""));
    }
}
