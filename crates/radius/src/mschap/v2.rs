//! MS-CHAPv2 (RFC 2759, RFC 2548 section 2.3).

use sha1::{Digest, Sha1};

use super::{MppeKeys, NtHash, RESPONSE_VALUE, answer, challenge_hash, without_domain};

const SIGNING: &[u8] = b"Magic server to client signing constant";
const PADDING: &[u8] = b"Pad to make it do more than one iteration";

/// An MS-CHAP2-Response with the challenge hash it signs already computed, so that each candidate costs no SHA-1.
#[derive(Clone, Copy)]
pub struct MsChapV2<'a> {
    /// The identifier to be repeated in MS-CHAP2-Success and MS-CHAP-Error.
    pub identifier: u8,
    /// The NT response.
    pub response: &'a [u8; 24],
    challenge_hash: [u8; 8],
}

/// Shows no response: a password could be guessed from it.
impl std::fmt::Debug for MsChapV2<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MsChapV2(..)")
    }
}

impl<'a> MsChapV2<'a> {
    /// Takes the value of MS-CHAP2-Response apart; `user` is the name as the client sent it, `authenticator_challenge`
    /// the value of MS-CHAP-Challenge.
    #[must_use]
    pub fn read(response: &'a [u8], authenticator_challenge: &[u8], user: &[u8]) -> Option<Self> {
        let response: &[u8; RESPONSE_VALUE] = response.try_into().ok()?;
        let peer_challenge = response.get(2..18)?.try_into().ok()?;
        let authenticator_challenge = authenticator_challenge.try_into().ok()?;
        Some(Self {
            identifier: *response.first()?,
            response: response.last_chunk()?,
            challenge_hash: challenge_hash(
                peer_challenge,
                authenticator_challenge,
                without_domain(user),
            ),
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
        answer::matches(self.challenge_hash, hash, self.response)
    }

    /// The proof that the server knew the password too: `S=` and 40 hexadecimal digits (RFC 2759 section 8.7).
    #[must_use]
    pub fn authenticator_response(&self, hash: &NtHash) -> [u8; 42] {
        let digest = Sha1::new()
            .chain_update(hash.again().as_bytes())
            .chain_update(self.response)
            .chain_update(SIGNING)
            .finalize();
        let digest = Sha1::new()
            .chain_update(digest)
            .chain_update(self.challenge_hash)
            .chain_update(PADDING)
            .finalize();
        signed(&digest.into())
    }

    /// The value of MS-CHAP2-Success: identifier, then the authenticator response.
    #[must_use]
    pub fn success_value(&self, hash: &NtHash) -> [u8; 43] {
        let mut value = [self.identifier; 43];
        if let Some(rest) = value.get_mut(1..) {
            rest.copy_from_slice(&self.authenticator_response(hash));
        }
        value
    }

    /// The session keys as the server holds them (RFC 3079 section 3).
    #[must_use]
    pub fn keys(&self, hash: &NtHash) -> MppeKeys {
        MppeKeys::derive(hash, self.response)
    }
}

fn signed(digest: &[u8; 20]) -> [u8; 42] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = [0; 42];
    let digits = digest.iter().flat_map(|octet| [octet >> 4, octet & 15]);
    let digits = digits.map(|nibble| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default());
    text.iter_mut()
        .zip(b"S=".iter().copied().chain(digits))
        .for_each(|(slot, octet)| *slot = octet);
    text
}

/// The NT response of a client with this password.
#[must_use]
pub(crate) fn respond(
    authenticator_challenge: &[u8; 16],
    peer_challenge: &[u8; 16],
    user: &[u8],
    password: &str,
) -> [u8; 24] {
    answer::make(
        challenge_hash(
            peer_challenge,
            authenticator_challenge,
            without_domain(user),
        ),
        &NtHash::of(password),
    )
}
