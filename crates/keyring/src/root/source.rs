//! Where the root key comes from: the configuration text `root_key`, and loading from there.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use countersign_oath::Secret;
use zeroize::Zeroizing;

use super::{RootError, RootKey, START_COST, WRAPPED_HEADER};
use crate::hsm::{self, Hsm, HsmUri};
use crate::passphrase::{self, PassphraseError};
use crate::password::PasswordParams;
use crate::secret_file::{self, FileError};

/// Environment variable that holds the passphrase of `passphrase-file:PATH` unless another place is named.
pub const PASSPHRASE_VARIABLE: &str = "COUNTERSIGN_ROOT_PASSPHRASE";

/// Where the root key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootSource {
    /// `file:PATH`: a file of mode 0600, made at the first start.
    File(PathBuf),
    /// `env:NAME`: an environment variable with the 32 bytes as base64url or hex; never made by the server.
    Env(String),
    /// `passphrase-file:PATH`, `passphrase-file:PATH?env=NAME`, `passphrase-file:PATH?file=PATH`: a file of mode 0600, made at the
    /// first start, with the key wrapped under a passphrase.
    Passphrase {
        /// File of the wrapped key.
        file: PathBuf,
        /// Where the passphrase comes from.
        from: PassphraseFrom,
    },
    /// `pkcs11:…`: a key in an HSM (RFC 7512), which never leaves it; several addresses of the same key, separated by blanks, stand
    /// in for each other. Made by `countersign key create`, never by the server.
    Pkcs11(Vec<HsmUri>),
}

/// Where the passphrase of a wrapped root key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseFrom {
    /// An environment variable.
    Env(String),
    /// A file of mode 0600, as a service's credential; a newline at its end does not count.
    File(PathBuf),
}

impl FromStr for RootSource {
    type Err = RootError;

    fn from_str(text: &str) -> Result<Self, RootError> {
        let unknown = || RootError::UnknownSource(text.chars().take(200).collect());
        let (kind, rest) = text.split_once(':').ok_or_else(unknown)?;
        if matches!(kind, "kms" | "command") {
            // The rest may hold a secret.
            return Err(RootError::NotOffered(format!("{kind}:…")));
        }
        match kind {
            _ if rest.is_empty() => Err(unknown()),
            "file" => Ok(Self::File(rest.into())),
            "env" if is_variable(rest) => Ok(Self::Env(rest.to_owned())),
            "pkcs11" => Ok(Self::Pkcs11(hsm::list(text)?)),
            "passphrase-file" => under_passphrase(rest).ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

fn under_passphrase(text: &str) -> Option<RootSource> {
    let (file, from) = match text.split_once('?') {
        None => (text, PassphraseFrom::Env(PASSPHRASE_VARIABLE.to_owned())),
        Some((file, from)) => (
            file,
            match from.split_once('=')? {
                ("env", name) if is_variable(name) => PassphraseFrom::Env(name.to_owned()),
                ("file", path) if !path.is_empty() => PassphraseFrom::File(path.into()),
                _ => return None,
            },
        ),
    };
    (!file.is_empty()).then(|| RootSource::Passphrase {
        file: file.into(),
        from,
    })
}

pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl fmt::Display for RootSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Pkcs11(all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                f.write_str(&all.join(" "))
            }
            Self::Passphrase {
                file,
                from: PassphraseFrom::Env(name),
            } => {
                write!(f, "passphrase-file:{}?env={name}", file.display())
            }
            Self::Passphrase {
                file,
                from: PassphraseFrom::File(path),
            } => {
                write!(
                    f,
                    "passphrase-file:{}?file={}",
                    file.display(),
                    path.display()
                )
            }
        }
    }
}

impl RootSource {
    /// The same source with relative paths taken from that folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            Self::Env(name) => Self::Env(name),
            Self::Passphrase { file, from } => Self::Passphrase {
                file: folder.join(file),
                from: from.within(folder),
            },
            Self::Pkcs11(all) => {
                Self::Pkcs11(all.into_iter().map(|uri| uri.within(folder)).collect())
            }
        }
    }

    /// Loads the root key; [`RootError::is_missing`] when there is none yet.
    pub fn load(&self) -> Result<RootKey, RootError> {
        match self {
            Self::File(path) => RootKey::from_text(path, &secret_file::read(path)?),
            Self::Env(name) => from_variable(name, std::env::var_os(name)),
            Self::Passphrase { file, from } => {
                let text = secret_file::read(file)?;
                passphrase::read(WRAPPED_HEADER, &text, &from.load()?)
                    .map_err(|error| at(file, error))
            }
            Self::Pkcs11(all) => Ok(RootKey::in_hsm(Hsm::open(all)?)),
        }
    }

    /// Whether the key stays in an HSM.
    #[must_use]
    pub fn is_hsm(&self) -> bool {
        matches!(self, Self::Pkcs11(_))
    }

    /// Loads each address of a key in an HSM by itself, for a check that all of them work and hold one key.
    #[must_use]
    pub fn each(&self) -> Vec<Self> {
        match self {
            Self::Pkcs11(all) => all
                .iter()
                .map(|uri| Self::Pkcs11(vec![uri.clone()]))
                .collect(),
            other => vec![other.clone()],
        }
    }

    /// Makes the root key of a first start and keeps it at the source; never where one is already. An environment variable cannot be
    /// made, so that is [`RootError::NotSet`].
    ///
    /// Only for a store without data keys: with a new root key an existing store does not open.
    pub fn create(&self) -> Result<RootKey, RootError> {
        self.create_at(START_COST.unwrap_or_default())
    }

    fn create_at(&self, cost: PasswordParams) -> Result<RootKey, RootError> {
        if let Self::Pkcs11(all) = self {
            Hsm::create(all)?;
            return Ok(RootKey::in_hsm(Hsm::open(all)?));
        }
        let root = RootKey::generate()?;
        self.keep_at(&root, cost)?;
        Ok(root)
    }

    /// Keeps a recovered root key at the source, in a new file; never where one is already.
    pub fn keep(&self, root: &RootKey) -> Result<(), RootError> {
        self.keep_at(root, START_COST.unwrap_or_default())
    }

    fn keep_at(&self, root: &RootKey, cost: PasswordParams) -> Result<(), RootError> {
        match self {
            Self::File(path) => root.create_file(path),
            Self::Env(name) => Err(RootError::NotSet(name.clone())),
            Self::Passphrase { file, from } => {
                let text = passphrase::write(WRAPPED_HEADER, root, &from.load()?, cost)
                    .map_err(|error| at(file, error))?;
                Ok(secret_file::create(file, &text)?)
            }
            Self::Pkcs11(_) => Err(RootError::InHsm),
        }
    }
}

fn at(file: &Path, source: PassphraseError) -> RootError {
    RootError::Passphrase {
        path: file.to_owned(),
        source,
    }
}

fn from_variable(name: &str, value: Option<OsString>) -> Result<RootKey, RootError> {
    let value = variable(name, value)?;
    let text = std::str::from_utf8(value.expose()).ok();
    text.and_then(RootKey::parse)
        .ok_or_else(|| RootError::Malformed(format!("the environment variable {name}")))
}

fn variable(name: &str, value: Option<OsString>) -> Result<Secret, RootError> {
    let value = Zeroizing::new(value.unwrap_or_default().into_vec());
    if value.is_empty() {
        Err(RootError::NotSet(name.to_owned()))
    } else {
        Ok(Secret::from(value))
    }
}

impl PassphraseFrom {
    fn within(self, folder: &Path) -> Self {
        match self {
            Self::Env(name) => Self::Env(name),
            Self::File(path) => Self::File(folder.join(path)),
        }
    }

    /// A missing passphrase is an error of its own and must not look like a missing key, or a first start would be assumed.
    fn load(&self) -> Result<Secret, RootError> {
        match self {
            Self::Env(name) => variable(name, std::env::var_os(name))
                .map_err(|_| RootError::NoPassphrase(self.to_string())),
            Self::File(path) => match secret_file::read(path) {
                Ok(text) => Ok(Secret::new(text.trim_end_matches(['\n', '\r']).as_bytes())),
                Err(FileError::Missing(_)) => Err(RootError::NoPassphrase(self.to_string())),
                Err(error) => Err(error.into()),
            },
        }
    }
}

impl fmt::Display for PassphraseFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn sources_are_read_and_written() {
        for text in [
            "file:/etc/countersign/root.key",
            "env:COUNTERSIGN_ROOT",
            "passphrase-file:root.key?env=PASS",
            "passphrase-file:root.key?file=/run/credentials/pass",
            "pkcs11:token=a;object=b?module-path=/m&pin-source=file:/p pkcs11:token=c;object=b?module-path=/m",
        ] {
            assert_eq!(text.parse::<RootSource>().unwrap().to_string(), text);
        }
        let short: RootSource = "passphrase-file:root.key".parse().unwrap();
        assert_eq!(
            short.to_string(),
            "passphrase-file:root.key?env=COUNTERSIGN_ROOT_PASSPHRASE"
        );
    }

    #[test]
    fn unknown_sources_are_refused_and_list_the_known_ones() {
        for text in [
            "",
            "file",
            "file:",
            "env:",
            "env:A B",
            "root.key",
            "vault:x",
            "passphrase-file:x?",
            "passphrase-file:x?tty=1",
            "passphrase-file:?env=A",
        ] {
            let error = text.parse::<RootSource>().unwrap_err();
            assert!(matches!(error, RootError::UnknownSource(_)), "{text}");
            assert!(error.to_string().contains("file:PATH"));
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        let error = "pkcs11:token=x;object=y?module-path=/m&pin-value=1234"
            .parse::<RootSource>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("pin-source"), "{error}");
        assert!(!error.contains("1234"), "{error}");
        assert!(matches!(
            "kms:aws".parse::<RootSource>(),
            Err(RootError::NotOffered(_))
        ));
    }

    #[test]
    fn a_key_file_is_made_once_and_loads() {
        let folder = tempfile::tempdir().unwrap();
        let source = RootSource::File("root.key".into()).within(folder.path());
        assert!(source.load().unwrap_err().is_missing());
        let made = source.create().unwrap();
        assert_eq!(source.load().unwrap().id(), made.id());
        assert_eq!(
            source.load().unwrap().exposed().unwrap(),
            made.exposed().unwrap()
        );
        assert!(matches!(
            source.create(),
            Err(RootError::File(FileError::Exists(_)))
        ));
        assert_eq!(source.load().unwrap().id(), made.id());
    }

    #[test]
    fn an_open_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let source = RootSource::File(path.clone());
        source.create().unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = source.load().unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        assert!(!error.is_missing());
    }

    #[test]
    fn a_cut_or_empty_key_file_is_malformed_and_not_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        secret_file::create(&path, "").unwrap();
        let error = RootSource::File(path).load().unwrap_err();
        assert!(matches!(error, RootError::Malformed(_)));
        assert!(!error.is_missing());
    }

    #[test]
    fn a_key_under_a_passphrase_opens_with_it_only() {
        let folder = tempfile::tempdir().unwrap();
        secret_file::create(&folder.path().join("pass"), "a passphrase of length\n").unwrap();
        let source = "passphrase-file:root.key?file=pass"
            .parse::<RootSource>()
            .unwrap()
            .within(folder.path());
        assert!(source.load().unwrap_err().is_missing());
        let made = source
            .create_at(PasswordParams::new(64, 1, 1).unwrap())
            .unwrap();
        assert_eq!(
            source.load().unwrap().exposed().unwrap(),
            made.exposed().unwrap()
        );

        secret_file::create(&folder.path().join("other"), "another passphrase").unwrap();
        let other = "passphrase-file:root.key?file=other"
            .parse::<RootSource>()
            .unwrap()
            .within(folder.path());
        assert!(matches!(
            other.load(),
            Err(RootError::Passphrase {
                source: PassphraseError::Wrong,
                ..
            })
        ));
        let plain = RootSource::File(folder.path().join("root.key"));
        assert!(matches!(plain.load(), Err(RootError::UnderPassphrase(_))));
    }

    #[test]
    fn a_missing_passphrase_is_no_missing_key() {
        let folder = tempfile::tempdir().unwrap();
        secret_file::create(&folder.path().join("root.key"), "x").unwrap();
        let source = "passphrase-file:root.key?file=pass"
            .parse::<RootSource>()
            .unwrap()
            .within(folder.path());
        let error = source.load().unwrap_err();
        assert!(matches!(error, RootError::NoPassphrase(_)));
        assert!(!error.is_missing());
    }

    #[test]
    fn a_variable_holds_a_key_or_is_refused() {
        let root = RootKey::generate().unwrap();
        let hex: OsString = data_encoding::HEXLOWER
            .encode(root.exposed().unwrap())
            .into();
        assert_eq!(from_variable("X", Some(hex)).unwrap().id(), root.id());
        assert!(from_variable("X", None).unwrap_err().is_missing());
        assert!(
            from_variable("X", Some("".into()))
                .unwrap_err()
                .is_missing()
        );
        assert!(matches!(
            from_variable("X", Some("abc".into())),
            Err(RootError::Malformed(_))
        ));
        assert!(matches!(
            RootSource::Env("X".into()).create(),
            Err(RootError::NotSet(_))
        ));
    }
}
