//! AES-256-GCM with the random nonce in front of the ciphertext, and associated data whose parts cannot run into each other.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use zeroize::Zeroizing;

/// Length of the nonce in bytes.
pub(crate) const NONCE_LEN: usize = 12;
/// Length of the tag in bytes.
pub(crate) const TAG_LEN: usize = 16;
/// Length of a key in bytes.
pub(crate) const KEY_LEN: usize = 32;

/// Appends nonce ‖ ciphertext ‖ tag to `out`; `None` when the key is not 32 bytes long or the plaintext exceeds what GCM can take.
pub(crate) fn encrypt_to(
    out: &mut Vec<u8>,
    key: &[u8],
    nonce: [u8; NONCE_LEN],
    associated: &[u8],
    plain: &[u8],
) -> Option<()> {
    let cipher = Aes256Gcm::new_from_slice(key).ok()?;
    // One allocation: growing afterwards would leave a copy of the plaintext behind.
    out.reserve_exact(NONCE_LEN + plain.len() + TAG_LEN);
    out.extend_from_slice(&nonce);
    let start = out.len();
    out.extend_from_slice(plain);
    let buffer = out.get_mut(start..)?;
    let tag = cipher
        .encrypt_inout_detached(&nonce.into(), associated, buffer.into())
        .ok()?;
    out.extend_from_slice(&tag);
    Some(())
}

/// As [`encrypt_to`], into bytes of its own.
pub(crate) fn encrypt(
    key: &[u8],
    nonce: [u8; NONCE_LEN],
    associated: &[u8],
    plain: &[u8],
) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    encrypt_to(&mut out, key, nonce, associated, plain)?;
    Some(out)
}

/// Opens nonce ‖ ciphertext ‖ tag; `None` when anything is not as it was sealed.
pub(crate) fn decrypt(key: &[u8], associated: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = Aes256Gcm::new_from_slice(key).ok()?;
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>()?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    cipher
        .decrypt_inout_detached(
            &(*nonce).into(),
            associated,
            plain.as_mut_slice().into(),
            &(*tag).into(),
        )
        .ok()?;
    Some(plain)
}

/// The parts one after the other, each after its length as u32 big-endian.
pub(crate) fn associated(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        // A longer part would need 4 GiB; were there one, the same number would stand for it on both sides.
        joined.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16: AES-256 with associated data.
    #[test]
    fn the_cipher_is_aes_256_gcm() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let nonce = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        let data = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = hex(concat!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        ));
        let sealed = encrypt(&key, nonce, &data, &plain).unwrap();
        let expected = hex(concat!(
            "cafebabefacedbaddecaf888",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b"
        ));
        assert_eq!(sealed, expected);
        assert_eq!(decrypt(&key, &data, &sealed).unwrap().as_slice(), plain);
    }

    #[test]
    fn short_input_and_short_keys_do_not_open() {
        assert_eq!(decrypt(&[0; 32], b"", &[0; 27]), None);
        assert_eq!(decrypt(&[0; 31], b"", &[0; 64]), None);
        assert_eq!(encrypt(&[0; 31], [0; 12], b"", b"x"), None);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(associated(&[b"ab", b"c"]), associated(&[b"a", b"bc"]));
        assert_eq!(associated(&[b"ab", b""]), b"\0\0\0\x02ab\0\0\0\0");
    }
}
