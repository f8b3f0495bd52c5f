//! The secret shared with one client or one back-end server.

use std::fmt;

use hmac::{Hmac, KeyInit};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

/// A shared secret, with the two key schedules that every packet needs already computed.
///
/// RFC 2865 section 3 asks for at least 16 octets and forbids an empty secret; the configuration checks that,
/// not this type. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct SharedSecret {
    bytes: Zeroizing<Vec<u8>>,
    mac: Hmac<Md5>,
    prefix: Md5,
}

impl SharedSecret {
    /// Takes a copy of the secret's octets.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self {
            bytes: Zeroizing::new(secret.to_vec()),
            mac: keyed(secret),
            prefix: Md5::new_with_prefix(secret),
        }
    }

    /// HMAC-MD5 keyed with the secret, nothing fed yet.
    pub(crate) fn mac(&self) -> Hmac<Md5> {
        self.mac.clone()
    }

    /// MD5 that has already swallowed the secret, as PAP and salted attributes begin.
    pub(crate) fn prefix(&self) -> Md5 {
        self.prefix.clone()
    }

    /// The octets, for the authenticators that end with the secret.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
fn keyed(secret: &[u8]) -> Hmac<Md5> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of every length")
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_secret() {
        assert_eq!(
            format!("{:?}", SharedSecret::new(b"xyzzy5461")),
            "SharedSecret(..)"
        );
    }
}
