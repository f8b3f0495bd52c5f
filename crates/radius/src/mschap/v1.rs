//! MS-CHAPv1 (RFC 2433, RFC 2548 section 2.1).

use zeroize::Zeroizing;

use super::{NtHash, RESPONSE_VALUE, answer, hash, keys};
use crate::SharedSecret;
use crate::password::hide_blocks;

/// An MS-CHAP-Response and the challenge it answers. The LM response is not looked at.
#[derive(Clone, Copy)]
pub struct MsChap<'a> {
    /// The identifier to be repeated in MS-CHAP-Error.
    pub identifier: u8,
    /// The NT response.
    pub response: &'a [u8; 24],
    /// MS-CHAP-Challenge.
    pub challenge: &'a [u8; 8],
}

/// Shows no response: a password could be guessed from it.
impl std::fmt::Debug for MsChap<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MsChap(..)")
    }
}

impl<'a> MsChap<'a> {
    /// Takes the values of MS-CHAP-Response and MS-CHAP-Challenge apart.
    #[must_use]
    pub fn read(response: &'a [u8], challenge: &'a [u8]) -> Option<Self> {
        if response.len() != RESPONSE_VALUE {
            return None;
        }
        Some(Self {
            identifier: *response.first()?,
            response: response.last_chunk()?,
            challenge: challenge.try_into().ok()?,
        })
    }

    /// Whether the client knew this password (UTF-8); compares in constant time.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        std::str::from_utf8(candidate)
            .is_ok_and(|password| self.matches_hash(&NtHash::of(password)))
    }

    /// Whether the client knew the password with this hash.
    #[must_use]
    pub fn matches_hash(&self, hash: &NtHash) -> bool {
        answer::matches(*self.challenge, hash, self.response)
    }
}

/// The NT response of a client with this password.
#[must_use]
pub(crate) fn respond(challenge: &[u8; 8], password: &str) -> [u8; 24] {
    answer::make(*challenge, &NtHash::of(password))
}

/// The value of MS-CHAP-MPPE-Keys for the password that matched (RFC 2548 section 2.4.1): first half of the LM hash,
/// hash of the NT hash, padding, hidden like a User-Password.
#[must_use]
pub fn mppe_keys(
    password: &str,
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Vec<u8> {
    let mut clear = Zeroizing::new([0; 32]);
    let (lm, nt) = (hash::lm_hash_half(password), keys::master_key_v1(password));
    clear
        .iter_mut()
        .zip(lm.iter().chain(nt.iter()))
        .for_each(|(slot, octet)| *slot = *octet);
    hide_blocks(&*clear, request_authenticator, secret)
}
