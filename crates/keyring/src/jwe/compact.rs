//! The compact form taken apart; nothing is decrypted here.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::JweError;
use super::pair::Curve;
use crate::gcm::{NONCE_LEN, TAG_LEN};

/// Longest message in bytes.
pub const MOST: usize = 16 * 1024;
/// Length of a wrapped 256-bit key (RFC 3394).
pub(super) const WRAPPED_LEN: usize = 40;
/// Longest `apu` and `apv`, encoded.
const MOST_PARTY: usize = 512;

/// A message whose form and algorithms are right.
#[derive(Debug)]
pub struct Compact<'a> {
    protected: &'a str,
    header: Header,
    point: Vec<u8>,
    parties: [Vec<u8>; 2],
    encrypted_key: [u8; WRAPPED_LEN],
    /// Nonce, ciphertext and tag.
    sealed: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    enc: String,
    kid: String,
    epk: Ephemeral,
    #[serde(default)]
    apu: String,
    #[serde(default)]
    apv: String,
    #[serde(default)]
    zip: Stated,
    #[serde(default)]
    crit: Stated,
}

#[derive(Debug, Deserialize)]
struct Ephemeral {
    kty: String,
    crv: String,
    x: String,
    y: Option<String>,
}

/// Whether a member is there, whatever it holds.
#[derive(Debug, Default)]
struct Stated(bool);

impl<'de> Deserialize<'de> for Stated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

impl<'a> Compact<'a> {
    /// Reads the compact form of RFC 7516 section 3.1.
    ///
    /// # Errors
    /// The form, the algorithms or the ephemeral key are not right.
    pub fn parse(message: &'a str) -> Result<Self, JweError> {
        if message.len() > MOST {
            return Err(JweError::TooLong);
        }
        let mut parts = message.split('.');
        let mut next = || parts.next().ok_or(JweError::Malformed);
        let (protected, key, nonce, ciphertext, tag) =
            (next()?, next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(JweError::Malformed);
        }
        let header: Header =
            serde_json::from_slice(&decoded(protected)?).map_err(|_| JweError::Malformed)?;
        header.is_offered()?;
        let point = header.epk.point()?;
        let parties = [party(&header.apu)?, party(&header.apv)?];
        let encrypted_key = fixed::<WRAPPED_LEN>(key)?;
        let (nonce, tag) = (fixed::<NONCE_LEN>(nonce)?, fixed::<TAG_LEN>(tag)?);
        Ok(Self {
            protected,
            header,
            point,
            parties,
            encrypted_key,
            sealed: [&nonce[..], &decoded(ciphertext)?, &tag].concat(),
        })
    }

    /// The key it names.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.header.kid
    }

    /// The header as it was sent: what is authenticated besides the content.
    pub(super) fn protected(&self) -> &str {
        self.protected
    }

    /// The curve of its ephemeral key.
    pub(super) fn curve(&self) -> Option<Curve> {
        Curve::of_jwk(&self.header.epk.kty, &self.header.epk.crv)
    }

    /// The ephemeral public key.
    pub(super) fn point(&self) -> &[u8] {
        &self.point
    }

    /// What it says of its maker and its reader.
    pub(super) fn parties(&self) -> &[Vec<u8>; 2] {
        &self.parties
    }

    pub(super) fn encrypted_key(&self) -> &[u8; WRAPPED_LEN] {
        &self.encrypted_key
    }

    pub(super) fn sealed(&self) -> &[u8] {
        &self.sealed
    }
}

impl Header {
    fn is_offered(&self) -> Result<(), JweError> {
        if self.zip.0 || self.crit.0 {
            return Err(JweError::Extension);
        }
        if (self.alg.as_str(), self.enc.as_str()) != ("ECDH-ES+A256KW", "A256GCM") {
            return Err(JweError::Algorithm);
        }
        Ok(())
    }
}

impl Ephemeral {
    /// The point as the curve's arithmetic takes it; whether it lies on the curve is for that to say.
    fn point(&self) -> Result<Vec<u8>, JweError> {
        let curve = Curve::of_jwk(&self.kty, &self.crv).ok_or(JweError::EphemeralKey)?;
        let coordinate = |text: &str| fixed::<32>(text).map_err(|_| JweError::EphemeralKey);
        match (curve, self.y.as_deref()) {
            (Curve::P256, Some(y)) => {
                Ok([&[4][..], &coordinate(&self.x)?, &coordinate(y)?].concat())
            }
            (Curve::X25519, None) => coordinate(&self.x).map(|x| x.to_vec()),
            _ => Err(JweError::EphemeralKey),
        }
    }
}

fn party(text: &str) -> Result<Vec<u8>, JweError> {
    if text.len() > MOST_PARTY {
        return Err(JweError::Malformed);
    }
    decoded(text)
}

fn decoded(part: &str) -> Result<Vec<u8>, JweError> {
    BASE64URL_NOPAD
        .decode(part.as_bytes())
        .map_err(|_| JweError::Malformed)
}

fn fixed<const N: usize>(part: &str) -> Result<[u8; N], JweError> {
    decoded(part)?.try_into().map_err(|_| JweError::Malformed)
}
