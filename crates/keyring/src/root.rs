//! The root key: 32 random bytes that wrap every data key, the same on every node (administration.md 15, `root_key`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use countersign_oath::Secret;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::gcm::{self, KEY_LEN};
use crate::hsm::{Hsm, HsmError};
use crate::lines;
use crate::passphrase::PassphraseError;
use crate::password::PasswordParams;
use crate::random::{self, RandomError};
use crate::secret_file::{self, FileError};

mod source;

pub(crate) use source::is_variable;
pub use source::{PASSPHRASE_VARIABLE, PassphraseFrom, RootSource};

const PLAIN_HEADER: &str = "countersign root key 1";
const WRAPPED_HEADER: &str = "countersign root key 1 under passphrase";

/// Cost of opening a root key under a passphrase, paid once per start: 64 MiB, 3 passes.
const START_COST: Option<PasswordParams> = PasswordParams::new(64 * 1024, 3, 1);

/// Name of a root key: eight bytes derived from it, written as 16 hex digits. It tells nothing about the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RootId([u8; 8]);

impl RootId {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// The text is not 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown root key id (16 hex digits)")]
pub struct NotARootId;

impl FromStr for RootId {
    type Err = NotARootId;

    fn from_str(text: &str) -> Result<Self, NotARootId> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotARootId)?;
        bytes.try_into().map(Self).map_err(|_| NotARootId)
    }
}

impl TryFrom<String> for RootId {
    type Error = NotARootId;

    fn try_from(text: String) -> Result<Self, NotARootId> {
        text.parse()
    }
}

impl From<RootId> for String {
    fn from(id: RootId) -> Self {
        id.to_string()
    }
}

/// The root key, in memory or in an HSM; wiped on drop, never printed.
pub struct RootKey {
    held: Held,
    id: RootId,
}

/// Where a root key is.
enum Held {
    Memory(Secret),
    Hsm(Hsm),
}

/// Something cannot be wrapped under a root key or opened with it.
#[derive(Debug, Error)]
pub(crate) enum WrapError {
    /// It is not what was wrapped, or was wrapped as something else.
    #[error("open a wrapped key: it was changed or belongs to something else")]
    Shut,
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The HSM did not do it.
    #[error(transparent)]
    Hsm(#[from] HsmError),
}

impl RootKey {
    /// A new random root key.
    pub fn generate() -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new(vec![0; KEY_LEN]);
        random::fill(&mut bytes)?;
        let id = name(&bytes);
        Ok(Self {
            held: Held::Memory(bytes.into()),
            id,
        })
    }

    /// The root key in an HSM.
    pub(crate) fn in_hsm(hsm: Hsm) -> Self {
        Self {
            id: hsm.id(),
            held: Held::Hsm(hsm),
        }
    }

    /// The root key of these bytes; `None` unless there are 32.
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        let id = name(&bytes);
        (bytes.len() == KEY_LEN).then(|| Self {
            held: Held::Memory(bytes.into()),
            id,
        })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> RootId {
        self.id
    }

    /// Whether it stays in an HSM, so that it can be neither read nor put into escrow itself.
    #[must_use]
    pub fn is_in_hsm(&self) -> bool {
        matches!(self.held, Held::Hsm(_))
    }

    /// What was wrong with those addresses of a key in an HSM that did not work when it was loaded; one did.
    #[must_use]
    pub fn standby_faults(&self) -> &[String] {
        match &self.held {
            Held::Memory(_) => &[],
            Held::Hsm(hsm) => hsm.standby_faults(),
        }
    }

    /// Whether the key stands in these bytes, raw or as text; one that an HSM holds never does.
    #[must_use]
    pub fn stands_in(&self, bytes: &[u8]) -> bool {
        let Some(key) = self.exposed() else {
            return false;
        };
        if bytes.len() < key.len() {
            return false;
        }
        let forms: [Zeroizing<Vec<u8>>; 4] = [
            Zeroizing::new(key.to_vec()),
            Zeroizing::new(BASE64URL_NOPAD.encode(key).into_bytes()),
            Zeroizing::new(HEXLOWER.encode(key).into_bytes()),
            Zeroizing::new(HEXLOWER.encode(key).to_uppercase().into_bytes()),
        ];
        forms.iter().any(|form| {
            bytes
                .windows(form.len())
                .any(|part| part == form.as_slice())
        })
    }

    /// The bytes of a key in memory.
    pub(crate) fn exposed(&self) -> Option<&[u8]> {
        match &self.held {
            Held::Memory(bytes) => Some(bytes.expose()),
            Held::Hsm(_) => None,
        }
    }

    /// Wraps a key: AES-256-GCM, nonce ‖ ciphertext ‖ tag, bound to the context; the same wherever the root key is.
    pub(crate) fn wrap(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, WrapError> {
        match &self.held {
            Held::Memory(bytes) => gcm::encrypt(bytes.expose(), random::random()?, context, plain)
                .ok_or(WrapError::Shut),
            Held::Hsm(hsm) => Ok(hsm.wrap(context, plain)?),
        }
    }

    /// Opens what [`wrap`](Self::wrap) made.
    pub(crate) fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, WrapError> {
        let plain = match &self.held {
            Held::Memory(bytes) => gcm::decrypt(bytes.expose(), context, wrapped),
            Held::Hsm(hsm) => hsm.unwrap(context, wrapped)?,
        };
        plain.ok_or(WrapError::Shut)
    }

    /// Reads base64url (43 characters) or hex (64 digits).
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let decoding = if text.len() == 2 * KEY_LEN {
            HEXLOWER_PERMISSIVE
        } else {
            BASE64URL_NOPAD
        };
        Self::new(Zeroizing::new(
            decoding
                .decode(text.trim_end_matches('=').as_bytes())
                .ok()?,
        ))
    }

    /// The text of a key file: header, name, key.
    fn to_text(id: RootId, bytes: &[u8]) -> Zeroizing<String> {
        let key = Zeroizing::new(BASE64URL_NOPAD.encode(bytes));
        Zeroizing::new(format!("{PLAIN_HEADER}\nid: {id}\nkey: {}\n", key.as_str()))
    }

    fn from_text(path: &Path, text: &str) -> Result<Self, RootError> {
        if text.trim_start().starts_with(WRAPPED_HEADER) {
            return Err(RootError::UnderPassphrase(path.to_owned()));
        }
        let malformed = || RootError::Malformed(path.display().to_string());
        let [id, key] = lines::read(text, PLAIN_HEADER, ["id", "key"]).ok_or_else(malformed)?;
        let key = Self::parse(key).ok_or_else(malformed)?;
        if key.id.to_string() == id {
            Ok(key)
        } else {
            Err(malformed())
        }
    }

    /// Writes the key to a new file of mode 0600.
    pub(crate) fn create_file(&self, path: &Path) -> Result<(), RootError> {
        let bytes = self.exposed().ok_or(RootError::InHsm)?;
        Ok(secret_file::create(path, &Self::to_text(self.id, bytes))?)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.id)
    }
}

#[expect(
    clippy::expect_used,
    reason = "HKDF-SHA256 gives up to 8160 bytes; for 8 the error never occurs"
)]
fn name(bytes: &[u8]) -> RootId {
    let mut id = [0; 8];
    Hkdf::<Sha256>::new(None, bytes)
        .expand(b"countersign root id", &mut id)
        .expect("8 bytes are within HKDF's range");
    RootId(id)
}

/// The root key cannot be loaded; every text says where it was looked for and, where there is one, the remedy.
#[derive(Debug, Error)]
pub enum RootError {
    /// The configured text names no source that there is.
    #[error(
        "read root_key `{0}`: known are file:PATH, env:NAME, passphrase-file:PATH[?env=NAME|?file=PATH] and pkcs11:token=…;object=…?module-path=…&pin-source=file:PATH"
    )]
    UnknownSource(String),
    /// A source that exists, but not in this build.
    #[error(
        "read root_key `{0}`: a root key in a KMS is not offered by this build; use file:, env:, passphrase-file: or pkcs11:"
    )]
    NotOffered(String),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The environment variable is not set.
    #[error("read the environment variable {0}: it is not set")]
    NotSet(String),
    /// There is something, but not a root key, or its name does not belong to it (a typing error, a cut file).
    #[error(
        "read a root key from {0}: expected are 32 bytes as base64url or hex, in a file after header and id, unchanged"
    )]
    Malformed(String),
    /// A plain key was expected.
    #[error(
        "read a root key from {0}: it is under a passphrase; configure passphrase-file: instead of file:"
    )]
    UnderPassphrase(PathBuf),
    /// The passphrase does not open the key, or cannot be used.
    #[error("open the root key in {path}: {source}")]
    Passphrase {
        /// File of the wrapped key.
        path: PathBuf,
        /// What is wrong.
        source: PassphraseError,
    },
    /// There is no passphrase where it should be.
    #[error("read the passphrase of the root key from {0}: there is none")]
    NoPassphrase(String),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The master key in the HSM cannot be used.
    #[error(transparent)]
    Hsm(#[from] HsmError),
    /// The key was to be written, but it stays in its HSM.
    #[error("write the root key: it is in an HSM, which does not give it away")]
    InHsm,
}

impl RootError {
    /// Whether there simply is no root key yet: the file or variable is missing, nothing is wrong with it.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NotSet(_) | Self::File(FileError::Missing(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_key_prints_its_name_only() {
        let root = RootKey::generate().unwrap();
        assert_eq!(format!("{root:?}"), format!("RootKey({})", root.id()));
    }

    #[test]
    fn names_differ_with_the_key_and_read_back() {
        let (one, other) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
        assert_ne!(one.id(), other.id());
        assert_eq!(one.id().to_string().parse(), Ok(one.id()));
        for text in ["", "0123", "0123456789abcdeg", "0123456789ABCDEF"] {
            assert_eq!(text.parse::<RootId>(), Err(NotARootId), "{text}");
        }
    }

    #[test]
    fn a_key_reads_from_base64url_and_hex() {
        let root = RootKey::generate().unwrap();
        let hex = HEXLOWER.encode(root.exposed().unwrap());
        let base64 = BASE64URL_NOPAD.encode(root.exposed().unwrap());
        for text in [
            hex.clone(),
            hex.to_uppercase(),
            base64.clone(),
            format!("{base64}=\n"),
        ] {
            assert_eq!(RootKey::parse(&text).unwrap().id(), root.id());
        }
        for text in ["", "x", &hex[1..], &base64[1..], &base64[..42]] {
            assert!(RootKey::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_changed_key_text_is_refused() {
        let root = RootKey::generate().unwrap();
        let text = RootKey::to_text(root.id(), root.exposed().unwrap());
        let path = Path::new("root.key");
        assert_eq!(RootKey::from_text(path, &text).unwrap().id(), root.id());
        let key_starts = text.find("key: ").unwrap() + 5;
        for at in key_starts..text.trim_end().len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(
                matches!(
                    RootKey::from_text(path, &changed),
                    Err(RootError::Malformed(_))
                ),
                "character {at}"
            );
        }
        assert!(RootKey::from_text(path, "").is_err());
    }
}
