//! The 24-octet response: the challenge encrypted with DES under three parts of the NT hash (RFC 2759 section 8.5).

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::hash::NtHash;

/// Whether `response` is what a holder of the hash answers to the challenge.
///
/// The third key holds only two octets of the hash, so its block is tried first and spares the other two DES runs for
/// 65535 of 65536 wrong candidates. What its timing could tell (two octets of the hash of a one-time value, one guess
/// per counted logon) the sender could compute from his own guess.
pub(super) fn matches(challenge: [u8; 8], hash: &NtHash, response: &[u8; 24]) -> bool {
    let Some((front, third)) = response.split_first_chunk::<16>() else {
        return false;
    };
    let [first_key, second_key, third_key] = keys(hash);
    if !bool::from(des(&third_key, challenge).ct_eq(third)) {
        return false;
    }
    let mut made = [0; 16];
    let (first, second) = made.split_at_mut(8);
    first.copy_from_slice(&des(&first_key, challenge));
    second.copy_from_slice(&des(&second_key, challenge));
    made.ct_eq(front).into()
}

/// What a holder of the hash answers.
pub(super) fn make(challenge: [u8; 8], hash: &NtHash) -> [u8; 24] {
    let mut response = [0; 24];
    for (block, key) in response.chunks_exact_mut(8).zip(&keys(hash)) {
        block.copy_from_slice(&des(key, challenge));
    }
    response
}

fn keys(hash: &NtHash) -> [Zeroizing<[u8; 7]>; 3] {
    let mut keys = [(); 3].map(|()| Zeroizing::new([0; 7]));
    for (key, part) in keys.iter_mut().zip(hash.0.chunks(7)) {
        for (slot, octet) in key.iter_mut().zip(part) {
            *slot = *octet;
        }
    }
    keys
}

/// One DES block under a key of 56 bits.
pub(super) fn des(key: &[u8; 7], block: [u8; 8]) -> [u8; 8] {
    let mut block = block.into();
    Des::new(&(*with_parity_room(key)).into()).encrypt_block(&mut block);
    block.into()
}

/// Spreads 56 bits over eight octets; DES ignores the lowest bit of each.
fn with_parity_room(key: &[u8; 7]) -> Zeroizing<[u8; 8]> {
    let bits = key
        .iter()
        .fold(0u64, |bits, octet| bits << 8 | u64::from(*octet));
    let mut spread = 0u64;
    for part in (0..8).rev() {
        spread = spread << 8 | ((bits >> (7 * part)) & 0x7f) << 1;
    }
    Zeroizing::new(spread.to_be_bytes())
}
