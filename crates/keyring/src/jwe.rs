//! Messages encrypted to the installation: the compact form of RFC 7516 with `ECDH-ES+A256KW` on P-256 or X25519 and
//! `A256GCM` (RFC 7518, RFC 8037), and nothing else.
//!
//! The key pairs are derived from the data keys of class transport, so they are sealed as these are, the same on every
//! node, and rotated with them: the pairs of an older key open until it is retired.

mod agreement;
mod compact;
mod pair;

pub use compact::{Compact, MOST};
pub use pair::{Curve, PublicJwk};

use countersign_oath::Secret;
use thiserror::Error;

use crate::data_key::{KeyClass, KeyState};
use crate::gcm;
use crate::keyring::Keyring;
use pair::Pair;

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JweError {
    /// Longer than [`MOST`].
    #[error("the message is longer than 16 KiB")]
    TooLong,
    /// Not the compact form, or a part of it is not what it must be.
    #[error("the message is no JWE in compact form")]
    Malformed,
    /// Another algorithm than the two that are read.
    #[error("the message is not encrypted with ECDH-ES+A256KW and A256GCM")]
    Algorithm,
    /// Compressed (`zip`), or with extensions that must be understood (`crit`).
    #[error("the message is compressed or uses extensions")]
    Extension,
    /// `kid` names no key pair of this installation that may open.
    #[error("the message names no key of this server")]
    UnknownKey,
    /// The ephemeral key is of another curve or no point of it.
    #[error("the ephemeral key of the message does not fit")]
    EphemeralKey,
    /// It was encrypted for another key, or changed.
    #[error("the message does not open")]
    Shut,
}

impl Keyring {
    /// The public keys that messages may be encrypted to, those to be used from now on first.
    #[must_use]
    pub fn public_jwks(&self) -> Vec<PublicJwk> {
        let pairs = self
            .readers(KeyClass::Transport)
            .into_iter()
            .flat_map(|key| Curve::ALL.iter().map(move |curve| (key, *curve)));
        pairs
            .filter_map(|(key, curve)| Pair::of(key, curve)?.public())
            .collect()
    }

    /// The plain content of a message.
    ///
    /// # Errors
    /// One variant for each cause; whoever sent it is told none of them.
    pub fn open_jwe(&self, message: &str) -> Result<Secret, JweError> {
        let message = Compact::parse(message)?;
        let pair = self.pair(message.kid()).ok_or(JweError::UnknownKey)?;
        open(&message, &pair)
    }

    fn pair(&self, kid: &str) -> Option<Pair> {
        let (id, curve) = pair::named(kid)?;
        let key = self.find(id)?;
        let opens = key.row.class == KeyClass::Transport && key.row.state != KeyState::Retired;
        Pair::of(key, curve).filter(|_| opens)
    }
}

fn open(message: &Compact<'_>, pair: &Pair) -> Result<Secret, JweError> {
    let wrapping = agreement::wrapping_key(message, pair)?;
    let content_key = agreement::unwrapped(&wrapping, message.encrypted_key())?;
    gcm::decrypt(
        content_key.as_slice(),
        message.protected().as_bytes(),
        message.sealed(),
    )
    .map(Secret::from)
    .ok_or(JweError::Shut)
}

#[cfg(test)]
mod tests;
