//! PAP: the hidden User-Password (RFC 2865 section 5.2).

use std::fmt;

use md5::Digest;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::SharedSecret;
use crate::packet::MAX_PASSWORD;

const BLOCK: usize = 16;

/// A revealed password: a fixed buffer, wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password {
    octets: [u8; MAX_PASSWORD],
    length: usize,
}

impl Password {
    /// The password's octets, in whatever character set the client uses.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Reveals a User-Password and cuts the padding NULs off.
///
/// `None` unless the value is made of one to eight blocks of 16 octets. A wrong secret yields other octets, not `None`.
#[must_use]
pub fn reveal(
    value: &[u8],
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Option<Password> {
    if value.is_empty() || !value.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut password = Password {
        octets: [0; MAX_PASSWORD],
        length: 0,
    };
    let clear = password.octets.get_mut(..value.len())?;
    let mut key: &[u8] = request_authenticator;
    for (clear, hidden) in clear.chunks_exact_mut(BLOCK).zip(value.chunks_exact(BLOCK)) {
        let pad: [u8; BLOCK] = secret.prefix().chain_update(key).finalize().into();
        for ((clear, hidden), pad) in clear.iter_mut().zip(hidden).zip(pad) {
            *clear = hidden ^ pad;
        }
        key = hidden;
    }
    password.length = clear
        .iter()
        .rposition(|octet| *octet != 0)
        .map_or(0, |last| last + 1);
    Some(password)
}

/// Hides a password; `None` if it exceeds 128 octets. An empty one becomes one block.
#[must_use]
pub fn hide(
    password: &[u8],
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Option<Vec<u8>> {
    if password.len() > MAX_PASSWORD {
        return None;
    }
    Some(hide_blocks(password, request_authenticator, secret))
}

/// The same cipher over any number of blocks; MS-CHAP-MPPE-Keys uses it as well (RFC 2548 section 2.4.1).
pub(crate) fn hide_blocks(
    clear: &[u8],
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Vec<u8> {
    let size = clear.len().next_multiple_of(BLOCK).max(BLOCK);
    let mut value = Vec::with_capacity(size);
    value.extend_from_slice(clear);
    value.resize(size, 0);
    let mut key = *request_authenticator;
    for block in value.chunks_exact_mut(BLOCK) {
        let pad: [u8; BLOCK] = secret.prefix().chain_update(key).finalize().into();
        for ((octet, pad), key) in block.iter_mut().zip(pad).zip(&mut key) {
            *octet ^= pad;
            *key = *octet;
        }
    }
    value
}

/// What [`hide_blocks`] hid, padding included; `None` unless the value is made of whole blocks.
pub(crate) fn unhide_blocks(
    value: &[u8],
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Option<Zeroizing<Vec<u8>>> {
    if value.is_empty() || !value.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut clear = Zeroizing::new(value.to_vec());
    let mut key: &[u8] = request_authenticator;
    for (clear, hidden) in clear.chunks_exact_mut(BLOCK).zip(value.chunks_exact(BLOCK)) {
        let pad: [u8; BLOCK] = secret.prefix().chain_update(key).finalize().into();
        for (clear, pad) in clear.iter_mut().zip(pad) {
            *clear ^= pad;
        }
        key = hidden;
    }
    Some(clear)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_hidden_is_revealed(password in proptest::collection::vec(1u8.., 0..=128), authenticator: [u8; 16], secret: Vec<u8>) {
            let secret = SharedSecret::new(&secret);
            let value = hide(&password, &authenticator, &secret).unwrap();
            prop_assert!(value.len().is_multiple_of(16) && (16..=128).contains(&value.len()));
            let revealed = reveal(&value, &authenticator, &secret).unwrap();
            prop_assert_eq!(revealed.as_bytes(), &password[..]);
        }

        #[test]
        fn revealing_anything_does_not_panic(value in proptest::collection::vec(any::<u8>(), 0..300)) {
            let fits = (1..=8).any(|blocks| value.len() == blocks * 16);
            prop_assert_eq!(reveal(&value, &[0; 16], &SharedSecret::new(b"s")).is_some(), fits);
        }
    }

    #[test]
    fn a_password_of_129_octets_is_not_hidden() {
        assert!(hide(&[b'x'; 129], &[0; 16], &SharedSecret::new(b"s")).is_none());
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let secret = SharedSecret::new(b"s");
        let value = hide(b"arctangent", &[0; 16], &secret).unwrap();
        assert_eq!(
            format!("{:?}", reveal(&value, &[0; 16], &secret).unwrap()),
            "Password(..)"
        );
    }
}
