//! Salted encryption of keys and tunnel passwords (RFC 2548 section 2.4.2, RFC 2868 section 3.5).

use md5::Digest;
use zeroize::Zeroizing;

use crate::SharedSecret;

const BLOCK: usize = 16;
/// Longest key: with salt and length octet it must fit into one vendor attribute.
const MAX_KEY: usize = 239;

/// Encrypts a key: salt, then the encrypted length, key and padding.
///
/// The salt's highest bit is set here, as the RFC demands; within one packet no two salts may be alike, which is
/// the caller's matter. `None` if the key exceeds 239 octets.
#[must_use]
pub fn encrypt(
    key: &[u8],
    salt: [u8; 2],
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Option<Vec<u8>> {
    let length = u8::try_from(key.len())
        .ok()
        .filter(|_| key.len() <= MAX_KEY)?;
    let [high, low] = salt;
    let salt = [high | 0x80, low];
    let size = (key.len() + 1).next_multiple_of(BLOCK);
    let mut value = Vec::with_capacity(2 + size);
    value.extend_from_slice(&salt);
    value.push(length);
    value.extend_from_slice(key);
    value.resize(2 + size, 0);

    let mut pad = first_pad(salt, request_authenticator, secret);
    for block in value.get_mut(2..)?.chunks_exact_mut(BLOCK) {
        mask(block, &pad);
        pad = next_pad(block, secret);
    }
    Some(value)
}

/// Decrypts what [`encrypt`] made; `None` if the form or the inner length is wrong.
#[must_use]
pub fn decrypt(
    value: &[u8],
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> Option<Zeroizing<Vec<u8>>> {
    let (salt, hidden) = value.split_first_chunk::<2>()?;
    if hidden.is_empty() || !hidden.len().is_multiple_of(BLOCK) {
        return None;
    }
    let mut clear = Zeroizing::new(hidden.to_vec());
    let mut pad = first_pad(*salt, request_authenticator, secret);
    for (block, hidden) in clear
        .chunks_exact_mut(BLOCK)
        .zip(hidden.chunks_exact(BLOCK))
    {
        mask(block, &pad);
        pad = next_pad(hidden, secret);
    }
    let (length, rest) = clear.split_first()?;
    rest.get(..usize::from(*length))
        .map(|key| Zeroizing::new(key.to_vec()))
}

fn first_pad(
    salt: [u8; 2],
    request_authenticator: &[u8; 16],
    secret: &SharedSecret,
) -> [u8; BLOCK] {
    secret
        .prefix()
        .chain_update(request_authenticator)
        .chain_update(salt)
        .finalize()
        .into()
}

fn next_pad(hidden: &[u8], secret: &SharedSecret) -> [u8; BLOCK] {
    secret.prefix().chain_update(hidden).finalize().into()
}

fn mask(block: &mut [u8], pad: &[u8; BLOCK]) {
    for (octet, pad) in block.iter_mut().zip(pad) {
        *octet ^= pad;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encrypted_decrypts(key: Vec<u8>, salt: [u8; 2], authenticator: [u8; 16], secret: Vec<u8>) {
            let secret = SharedSecret::new(&secret);
            if let Some(value) = encrypt(&key, salt, &authenticator, &secret) {
                prop_assert!(value[0] & 0x80 != 0);
                let clear = decrypt(&value, &authenticator, &secret);
                prop_assert_eq!(clear.as_deref(), Some(&key));
            } else {
                prop_assert!(key.len() > MAX_KEY);
            }
        }

        #[test]
        fn decrypting_anything_does_not_panic(value: Vec<u8>, authenticator: [u8; 16]) {
            let _ = decrypt(&value, &authenticator, &SharedSecret::new(b"s"));
        }
    }
}
