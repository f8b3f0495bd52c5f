//! Key pairs derived from data keys, and their public halves as JWKs (RFC 7517, RFC 8037).

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, PrivateKey, X25519};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::data_key::{DataKey, KeyId};

/// What stands before the parts of a derivation.
const LABEL: &[u8] = b"countersign jwe\0";

/// The curve of a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// Curve25519 (RFC 7748).
    X25519,
}

impl Curve {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::P256, Self::X25519];

    /// `kty` and `crv` of its JWKs.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::P256 => ("EC", "P-256"),
            Self::X25519 => ("OKP", "X25519"),
        }
    }

    /// The end of the names of its keys.
    fn suffix(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::X25519 => "x25519",
        }
    }

    pub(super) fn of_jwk(kty: &str, crv: &str) -> Option<Self> {
        let is = |curve: &&Self| curve.words() == (kty, crv);
        Self::ALL.iter().find(is).copied()
    }

    pub(super) fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::X25519 => &X25519,
        }
    }
}

/// A public key of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicJwk {
    /// Its name: the data key and the curve.
    pub kid: String,
    /// Its curve.
    pub curve: Curve,
    /// The first coordinate.
    pub x: [u8; 32],
    /// The second coordinate; P-256 alone has one.
    pub y: Option<[u8; 32]>,
}

impl PublicJwk {
    /// As a member of a JWK set.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (kty, crv) = self.curve.words();
        let mut jwk = json!({
            "kty": kty,
            "crv": crv,
            "kid": self.kid,
            "use": "enc",
            "alg": "ECDH-ES+A256KW",
            "x": BASE64URL_NOPAD.encode(&self.x),
        });
        if let (Some(y), Some(jwk)) = (&self.y, jwk.as_object_mut()) {
            jwk.insert("y".to_owned(), BASE64URL_NOPAD.encode(y).into());
        }
        jwk
    }
}

/// A key pair.
pub(super) struct Pair {
    kid: String,
    pub(super) curve: Curve,
    pub(super) private: PrivateKey,
}

impl Pair {
    /// The pair of a data key: HKDF gives the private key, the next counter where the curve does not take it (once in
    /// 2³² for P-256).
    pub(super) fn of(key: &DataKey, curve: Curve) -> Option<Self> {
        let private = (0..=u8::MAX).find_map(|counter| {
            let bytes = key.derive(&[LABEL, curve.suffix().as_bytes(), &[0, counter]]);
            PrivateKey::from_private_key(curve.algorithm(), bytes.as_slice()).ok()
        })?;
        Some(Self {
            kid: format!("{}-{}", key.row.id, curve.suffix()),
            curve,
            private,
        })
    }

    /// A pair of a known private key, for vectors.
    #[cfg(test)]
    pub(super) fn fixed(kid: &str, curve: Curve, private: &[u8]) -> Self {
        Self {
            kid: kid.to_owned(),
            curve,
            private: PrivateKey::from_private_key(curve.algorithm(), private).unwrap(),
        }
    }

    pub(super) fn public(&self) -> Option<PublicJwk> {
        let public = self.private.compute_public_key().ok()?;
        let (x, y) = match self.curve {
            Curve::X25519 => (public.as_ref(), None),
            Curve::P256 => {
                let (x, y) = public.as_ref().strip_prefix(&[4])?.split_at_checked(32)?;
                (x, Some(y))
            }
        };
        Some(PublicJwk {
            kid: self.kid.clone(),
            curve: self.curve,
            x: x.try_into().ok()?,
            y: y.map(<[u8; 32]>::try_from).transpose().ok()?,
        })
    }
}

/// The data key and the curve that a `kid` names.
pub(super) fn named(kid: &str) -> Option<(KeyId, Curve)> {
    let (id, suffix) = kid.split_once('-')?;
    let curve = Curve::ALL.iter().find(|curve| curve.suffix() == suffix)?;
    Some((id.parse().ok()?, *curve))
}
