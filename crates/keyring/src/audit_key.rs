//! Keys that sign the audit trail (audit.md 5): Ed25519 (RFC 8032), one per node, each introduced by the one before.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use countersign_oath::Secret;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ed25519_dalek::{SECRET_KEY_LENGTH, Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::lines;
use crate::random::{self, RandomError};
use crate::secret_file::{self, FileError};

const HEADER: &str = "countersign audit key 1";

/// An audit key cannot be loaded or made.
#[derive(Debug, Error)]
pub enum AuditKeyError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is stored is no audit key, or its id does not belong to it.
    #[error("read an audit key: it is not one, or its id does not belong to it")]
    Malformed,
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A public audit key and who vouches for it, as it is exported and given to the verifier by `--keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAuditKey {
    /// First 8 bytes of SHA-256 of the key, as hex.
    pub id: String,
    /// The 32 bytes of the key, as base64url.
    pub key: String,
    /// Id of the key before, which introduced it; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// That key's signature, as base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl PublicAuditKey {
    fn first(key: &VerifyingKey) -> Self {
        let key = key.as_bytes();
        Self {
            id: id_of(key),
            key: BASE64URL_NOPAD.encode(key),
            signed_by: None,
            signature: None,
        }
    }

    /// The key's bytes; `None` when they are not 32 or the id does not belong to them.
    #[must_use]
    pub fn bytes(&self) -> Option<[u8; 32]> {
        let bytes: [u8; 32] = BASE64URL_NOPAD
            .decode(self.key.as_bytes())
            .ok()?
            .try_into()
            .ok()?;
        (id_of(&bytes) == self.id).then_some(bytes)
    }

    /// Whether the signature over the bytes is this key's.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], signature: &[u8]) -> bool {
        self.bytes()
            .is_some_and(|key| verify(&key, bytes, signature))
    }

    /// Whether `before` vouches for this key.
    #[must_use]
    pub fn is_introduced_by(&self, before: &Self) -> bool {
        let signature = self
            .signature
            .as_ref()
            .and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
        let (Some(key), Some(signature)) = (self.bytes(), signature) else {
            return false;
        };
        self.signed_by.as_deref() == Some(before.id.as_str())
            && before.verify(&introduction(&key), &signature)
    }
}

/// The keys that follow from the trusted ids: those themselves and every key that one of them introduced, directly or through others.
#[must_use]
pub fn trusted<'a>(keys: &'a [PublicAuditKey], anchors: &[&str]) -> Vec<&'a PublicAuditKey> {
    let is_anchor =
        |key: &&PublicAuditKey| anchors.contains(&key.id.as_str()) && key.bytes().is_some();
    let mut trusted: Vec<&PublicAuditKey> = keys.iter().filter(is_anchor).collect();
    let mut known: BTreeSet<&str> = trusted.iter().map(|key| key.id.as_str()).collect();
    let mut next = 0;
    while let Some(before) = trusted.get(next).copied() {
        let introduced = keys.iter().filter(|key| key.is_introduced_by(before));
        trusted.extend(introduced.filter(|key| known.insert(key.id.as_str())));
        next += 1;
    }
    trusted
}

/// Whether the signature over the bytes is that public key's, by the strict rules (no small-order keys, RFC 8032 section 8.4).
#[must_use]
pub fn verify(public: &[u8; 32], bytes: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (
        VerifyingKey::from_bytes(public),
        Signature::from_slice(signature),
    ) else {
        return false;
    };
    key.verify_strict(bytes, &signature).is_ok()
}

fn id_of(public: &[u8; 32]) -> String {
    let digest = Sha256::digest(public);
    HEXLOWER.encode(digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}

/// What an introduction signs; checkpoints start with other words, so neither can stand for the other.
fn introduction(public: &[u8; 32]) -> Vec<u8> {
    [b"countersign audit key 1\0".as_slice(), public].concat()
}

/// The private audit key of a node; wiped on drop, never printed.
pub struct AuditKey {
    signing: SigningKey,
    id: String,
}

impl AuditKey {
    /// A new random key.
    pub fn generate() -> Result<Self, RandomError> {
        let seed = Zeroizing::new(random::random::<SECRET_KEY_LENGTH>()?);
        Ok(Self::from_seed(&seed))
    }

    fn from_seed(seed: &[u8; SECRET_KEY_LENGTH]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let id = id_of(signing.verifying_key().as_bytes());
        Self { signing, id }
    }

    /// The key of a secret that [`secret`](Self::secret) gave, for instance out of a field sealed under class `audit`.
    pub fn from_secret(secret: &Secret) -> Result<Self, AuditKeyError> {
        let seed = secret
            .expose()
            .try_into()
            .map_err(|_| AuditKeyError::Malformed)?;
        Ok(Self::from_seed(seed))
    }

    /// The 32 bytes to seal into the store.
    #[must_use]
    pub fn secret(&self) -> Secret {
        Secret::new(self.signing.as_bytes().as_slice())
    }

    /// Reads a key file; it must be the owner's alone.
    pub fn load(path: &Path) -> Result<Self, AuditKeyError> {
        let text = secret_file::read(path)?;
        let [id, key] =
            lines::read(&text, HEADER, ["id", "key"]).ok_or(AuditKeyError::Malformed)?;
        let seed = Zeroizing::new(
            BASE64URL_NOPAD
                .decode(key.as_bytes())
                .map_err(|_| AuditKeyError::Malformed)?,
        );
        let key = Self::from_secret(&Secret::from(seed))?;
        if key.id == id {
            Ok(key)
        } else {
            Err(AuditKeyError::Malformed)
        }
    }

    /// Writes the key to a new file of mode 0600.
    pub fn create_file(&self, path: &Path) -> Result<(), AuditKeyError> {
        let key = Zeroizing::new(BASE64URL_NOPAD.encode(self.signing.as_bytes()));
        let text = Zeroizing::new(format!(
            "{HEADER}\nid: {}\nkey: {}\n",
            self.id,
            key.as_str()
        ));
        Ok(secret_file::create(path, &text)?)
    }

    /// First 8 bytes of SHA-256 of the public key, as hex.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public key of a node's first audit key: nobody introduces it.
    #[must_use]
    pub fn public(&self) -> PublicAuditKey {
        PublicAuditKey::first(&self.signing.verifying_key())
    }

    /// The signature over the bytes. Each kind of message starts with words of its own, so that none can stand for another.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.signing.sign(bytes).to_bytes()
    }

    /// The public key of the next audit key, vouched for by this one.
    #[must_use]
    pub fn introduce(&self, next: &Self) -> PublicAuditKey {
        let public = next.signing.verifying_key();
        let signature = self.sign(&introduction(public.as_bytes()));
        PublicAuditKey {
            signed_by: Some(self.id.clone()),
            signature: Some(BASE64URL_NOPAD.encode(&signature)),
            ..PublicAuditKey::first(&public)
        }
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditKey({})", self.id)
    }
}

#[cfg(test)]
mod tests;
