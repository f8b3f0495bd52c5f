//! Recipients of sealed files: a key pair whose private half stays away from the server (HPKE, RFC 9180, base mode,
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM).

use crate::random::RandomError;
use crate::secret_file::{self, FileError};
use crate::{lines, random};
use countersign_oath::Secret;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as HPKE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;
use zeroize::Zeroizing;

/// What a public key begins with, so that no other key is taken for one.
const PREFIX: &str = "csr1";
const HEADER: &str = "countersign recipient key 1";
const LEN: usize = 32;
/// Bytes of the check value after a public key.
const CHECK: usize = 4;

/// The public half: whoever has it can seal for the recipient, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient([u8; LEN]);

/// The private half; wiped on drop, never printed.
pub struct RecipientKey {
    secret: Secret,
    public: Recipient,
}

/// Something is no key of a recipient, or cannot be used as one.
#[derive(Debug, Error)]
pub enum RecipientError {
    /// The text is no public key: mistyped, cut, or something else.
    #[error(
        "read the public key of a recipient: it begins with {PREFIX} and has {} characters; `countersign key recipient` makes one",
        PREFIX.len() + 48
    )]
    NotPublic,
    /// The file holds no private key of a recipient.
    #[error("read a private key of a recipient from {}: it is not as `countersign key recipient` wrote it", .0.display())]
    NotPrivate(PathBuf),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// HPKE failed.
    #[error("use HPKE: {0}")]
    Hpke(#[from] rustls::Error),
}

impl Recipient {
    /// Its name in files: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        HEXLOWER.encode(Sha256::digest(self.0).get(..8).unwrap_or_default())
    }

    fn check(&self) -> [u8; CHECK] {
        let mut hash = Sha256::new();
        hash.update(HEADER.as_bytes());
        hash.update(self.0);
        let digest: [u8; LEN] = hash.finalize().into();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Seals a short value for the recipient; answers the encapsulated secret and the ciphertext.
    pub(crate) fn seal(
        &self,
        info: &[u8],
        plain: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), RecipientError> {
        let (secret, sealed) = HPKE.seal(info, b"", plain, &HpkePublicKey(self.0.to_vec()))?;
        Ok((secret.0, sealed))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.0.as_slice(), &self.check()].concat();
        write!(f, "{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes))
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(text: &str) -> Result<Self, RecipientError> {
        let read = || {
            let text = text.trim().strip_prefix(PREFIX)?;
            let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
            let (key, check) = bytes.split_first_chunk::<LEN>()?;
            let recipient = Self(*key);
            (check == recipient.check()).then_some(recipient)
        };
        read().ok_or(RecipientError::NotPublic)
    }
}

impl RecipientKey {
    /// A new key pair.
    pub fn generate() -> Result<Self, RecipientError> {
        let (public, secret) = HPKE.generate_key_pair()?;
        let secret = Zeroizing::new(secret.secret_bytes().to_vec());
        let public = public.0.try_into().map_err(|_| RecipientError::NotPublic)?;
        Ok(Self {
            secret: secret.into(),
            public: Recipient(public),
        })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &Recipient {
        &self.public
    }

    /// Reads the private half from a file that its owner alone can read.
    pub fn read(path: &Path) -> Result<Self, RecipientError> {
        let text = secret_file::read(path)?;
        let parse = || {
            let [public, key] = lines::read(&text, HEADER, ["public", "key"])?;
            let secret = Zeroizing::new(BASE64URL_NOPAD.decode(key.as_bytes()).ok()?);
            let key = Self {
                public: public.parse().ok()?,
                secret: secret.into(),
            };
            key.is_pair().then_some(key)
        };
        parse().ok_or_else(|| RecipientError::NotPrivate(path.to_owned()))
    }

    /// Writes the private half to a new file of mode 0600.
    pub fn create(&self, path: &Path) -> Result<(), RecipientError> {
        let key = Zeroizing::new(BASE64URL_NOPAD.encode(self.secret.expose()));
        let text = Zeroizing::new(format!(
            "{HEADER}\npublic: {}\nkey: {}\n",
            self.public,
            key.as_str()
        ));
        Ok(secret_file::create(path, &text)?)
    }

    /// Whether what is sealed for the public half opens with the private one.
    fn is_pair(&self) -> bool {
        let Ok(probe) = random::random::<16>() else {
            return false;
        };
        self.public
            .seal(b"probe", &probe)
            .ok()
            .and_then(|(secret, sealed)| self.open(b"probe", &secret, &sealed))
            .is_some_and(|opened| opened.as_slice() == probe)
    }

    /// Opens what [`Recipient::seal`] sealed under the same `info`.
    pub(crate) fn open(
        &self,
        info: &[u8],
        secret: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let key = HpkePrivateKey::from(self.secret.expose().to_vec());
        let secret = EncapsulatedSecret(secret.to_vec());
        let plain = HPKE.open(&secret, info, b"", sealed, &key).ok()?;
        Some(Zeroizing::new(plain))
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientKey({})", self.public.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_for_a_recipient_opens_for_him_alone() {
        let (one, other) = (
            RecipientKey::generate().unwrap(),
            RecipientKey::generate().unwrap(),
        );
        let (secret, sealed) = one.public().seal(b"a", b"hello").unwrap();
        assert_eq!(
            one.open(b"a", &secret, &sealed).unwrap().as_slice(),
            b"hello"
        );
        assert!(one.open(b"b", &secret, &sealed).is_none());
        assert!(other.open(b"a", &secret, &sealed).is_none());
        assert!(one.open(b"a", &[], &sealed).is_none());
    }

    #[test]
    fn a_public_key_reads_back_and_no_mistyped_one() {
        let key = RecipientKey::generate().unwrap();
        let text = key.public().to_string();
        assert_eq!(text.len(), PREFIX.len() + 48);
        assert_eq!(text.parse::<Recipient>().unwrap(), *key.public());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(changed.parse::<Recipient>().is_err(), "character {at}");
        }
        assert!("".parse::<Recipient>().is_err());
    }

    #[test]
    fn a_private_key_keeps_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipient.key");
        let key = RecipientKey::generate().unwrap();
        key.create(&path).unwrap();
        assert_eq!(RecipientKey::read(&path).unwrap().public(), key.public());
        assert!(matches!(
            key.create(&path),
            Err(RecipientError::File(FileError::Exists(_)))
        ));
        let other = RecipientKey::generate().unwrap();
        let mixed = std::fs::read_to_string(&path)
            .unwrap()
            .replace(&key.public().to_string(), &other.public().to_string());
        let path = folder.path().join("mixed");
        secret_file::create(&path, &mixed).unwrap();
        assert!(matches!(
            RecipientKey::read(&path),
            Err(RecipientError::NotPrivate(_))
        ));
    }
}
