//! The hashes under both versions.

use std::fmt;

use md4::{Digest, Md4};
use sha1::Sha1;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The NT hash of a password: as good as the password itself, so wiped when dropped and never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct NtHash(pub(super) [u8; 16]);

impl NtHash {
    /// MD4 of the password in UTF-16LE (RFC 2759 section 8.3).
    #[must_use]
    pub fn of(password: &str) -> Self {
        let mut digest = Md4::new();
        let mut block = Zeroizing::new([0u8; 64]);
        let mut units = password.encode_utf16();
        loop {
            let mut filled = 0;
            for (slot, unit) in block.chunks_exact_mut(2).zip(units.by_ref().take(32)) {
                slot.copy_from_slice(&unit.to_le_bytes());
                filled += 2;
            }
            digest.update(block.get(..filled).unwrap_or_default());
            if filled < 64 {
                return Self(digest.finalize().into());
            }
        }
    }

    /// MD4 of the hash: the seed of authenticator response and MPPE keys (RFC 2759 section 8.4).
    #[must_use]
    pub fn again(&self) -> Self {
        Self(Md4::digest(self.0).into())
    }

    /// The hash's octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for NtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NtHash(..)")
    }
}

/// The first eight octets of the LM hash, which only 40-bit and 56-bit keys of MS-CHAPv1 need (RFC 3079 section 2).
///
/// Zero where the password has none: it is longer than 14 characters or not ASCII.
pub(super) fn lm_hash_half(password: &str) -> Zeroizing<[u8; 8]> {
    const TEXT: [u8; 8] = *b"KGS!@#$%";
    let mut key = Zeroizing::new([0u8; 7]);
    if !password.is_ascii() || password.len() > 14 {
        return Zeroizing::new([0; 8]);
    }
    for (slot, octet) in key.iter_mut().zip(password.bytes()) {
        *slot = octet.to_ascii_uppercase();
    }
    Zeroizing::new(super::answer::des(&key, TEXT))
}

/// The challenge both sides of MS-CHAPv2 sign (RFC 2759 section 8.2); `user` without its domain.
#[must_use]
pub fn challenge_hash(
    peer_challenge: &[u8; 16],
    authenticator_challenge: &[u8; 16],
    user: &[u8],
) -> [u8; 8] {
    let digest: [u8; 20] = Sha1::new()
        .chain_update(peer_challenge)
        .chain_update(authenticator_challenge)
        .chain_update(user)
        .finalize()
        .into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

/// The user name as MS-CHAPv2 hashes it: without `DOMAIN\` in front (RFC 2759 section 4).
#[must_use]
pub fn without_domain(user: &[u8]) -> &[u8] {
    match user.iter().position(|octet| *octet == b'\\') {
        Some(at) => user.get(at + 1..).unwrap_or_default(),
        None => user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_same_over_block_borders() {
        for length in [0, 1, 31, 32, 33, 64, 65, 200] {
            let password = "ä".repeat(length);
            let mut wide = Vec::new();
            password
                .encode_utf16()
                .for_each(|unit| wide.extend(unit.to_le_bytes()));
            assert_eq!(
                NtHash::of(&password).0,
                <[u8; 16]>::from(Md4::digest(&wide)),
                "{length}"
            );
        }
    }

    #[test]
    fn the_domain_is_cut_off() {
        assert_eq!(without_domain(b"example\\john"), b"john");
        assert_eq!(without_domain(b"john"), b"john");
        assert_eq!(without_domain(b"\\"), b"");
    }

    #[test]
    fn debug_does_not_show_the_hash() {
        assert_eq!(format!("{:?}", NtHash::of("secret")), "NtHash(..)");
    }
}
