//! CHAP (RFC 1994, RFC 2865 section 5.3).

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// A CHAP response and the challenge it answers.
#[derive(Clone, Copy)]
pub struct Chap<'a> {
    /// The CHAP identifier.
    pub identifier: u8,
    /// MD5 of identifier, password and challenge.
    pub response: &'a [u8; 16],
    /// CHAP-Challenge, or the request authenticator where the client sent none.
    pub challenge: &'a [u8],
}

/// Shows no response: a password could be guessed from it.
impl std::fmt::Debug for Chap<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chap(..)")
    }
}

impl Chap<'_> {
    /// Whether the client knew this password; compares in constant time.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        response(self.identifier, candidate, self.challenge)
            .ct_eq(self.response)
            .into()
    }
}

/// The response a client with this password gives; EAP-MD5 uses the same sum.
#[must_use]
pub fn response(identifier: u8, password: &[u8], challenge: &[u8]) -> [u8; 16] {
    Md5::new()
        .chain_update([identifier])
        .chain_update(password)
        .chain_update(challenge)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_password_matches() {
        let made = response(22, b"one time", b"challenge");
        let chap = Chap {
            identifier: 22,
            response: &made,
            challenge: b"challenge",
        };
        assert!(chap.matches(b"one time"));
        assert!(!chap.matches(b"one timf"));
        assert!(
            !Chap {
                identifier: 23,
                ..chap
            }
            .matches(b"one time")
        );
    }
}
