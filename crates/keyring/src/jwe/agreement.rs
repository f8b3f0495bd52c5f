//! `ECDH-ES+A256KW` (RFC 7518 section 4.6): the shared secret, the key made of it, the content key unwrapped with that.

use aws_lc_rs::agreement::{UnparsedPublicKey, agree};
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use zeroize::Zeroizing;

use super::JweError;
use super::compact::{Compact, WRAPPED_LEN};
use super::pair::Pair;
use crate::gcm::KEY_LEN;

/// The key that wraps the content key.
pub(super) fn wrapping_key(
    message: &Compact<'_>,
    pair: &Pair,
) -> Result<Zeroizing<[u8; KEY_LEN]>, JweError> {
    if message.curve() != Some(pair.curve) {
        return Err(JweError::EphemeralKey);
    }
    let peer = UnparsedPublicKey::new(pair.curve.algorithm(), message.point());
    let [maker, reader] = message.parties();
    agree(&pair.private, peer, JweError::EphemeralKey, |shared| {
        concat_kdf(shared, b"ECDH-ES+A256KW", maker, reader).ok_or(JweError::Shut)
    })
}

/// The Concat KDF of NIST SP 800-56A with SHA-256, as RFC 7518 section 4.6.2 feeds it, for `N` bytes.
pub(super) fn concat_kdf<const N: usize>(
    shared: &[u8],
    algorithm: &[u8],
    maker: &[u8],
    reader: &[u8],
) -> Option<Zeroizing<[u8; N]>> {
    let mut info = Vec::with_capacity(algorithm.len() + maker.len() + reader.len() + 16);
    for part in [algorithm, maker, reader] {
        info.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
        info.extend_from_slice(part);
    }
    info.extend_from_slice(&u32::try_from(N * 8).ok()?.to_be_bytes());
    let sha256 = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256)?;
    let mut key = Zeroizing::new([0; N]);
    sskdf_digest(sha256, shared, &info, key.as_mut_slice()).ok()?;
    Some(key)
}

/// The content key; the wrapping proves that it is the one that was wrapped.
pub(super) fn unwrapped(
    wrapping: &[u8; KEY_LEN],
    wrapped: &[u8; WRAPPED_LEN],
) -> Result<Zeroizing<[u8; KEY_LEN]>, JweError> {
    let mut room = Zeroizing::new([0; KEY_LEN]);
    let kek = AesKek::new(&AES_256, wrapping).map_err(|_| JweError::Shut)?;
    let length = kek
        .unwrap(wrapped, room.as_mut_slice())
        .map_err(|_| JweError::Shut)?
        .len();
    if length == KEY_LEN {
        Ok(room)
    } else {
        Err(JweError::Shut)
    }
}
