use super::SealedFileError;
use crate::gcm::{self, KEY_LEN};
use crate::passphrase::{self, MAX_PASSPHRASE, MIN_PASSPHRASE, PassphraseError};
use crate::password::PasswordParams;
use crate::random;
use crate::recipient::{Recipient, RecipientKey};
use countersign_oath::Secret;
use data_encoding::BASE64URL_NOPAD;
use std::io::Read;
use zeroize::Zeroizing;

/// Cost of a passphrase: 128 MiB, 4 passes. The file lies around for years.
const COST: Option<PasswordParams> = PasswordParams::new(128 * 1024, 4, 1);
/// Longest header in bytes.
const MAX_HEADER: usize = 1024;

/// Whom a file is sealed for.
#[derive(Debug, Clone)]
pub enum Whom {
    /// Whoever knows the passphrase.
    Passphrase(Secret),
    /// The holder of the private key.
    Recipient(Recipient),
    /// Anyone: the chunks are not encrypted, and their tags find accidents only.
    Anyone,
}

/// What opens a file.
#[derive(Debug)]
pub enum Opener {
    /// A passphrase.
    Passphrase(Secret),
    /// A private key.
    Recipient(RecipientKey),
    /// Nothing.
    Nothing,
}

impl Opener {
    fn name(&self) -> String {
        match self {
            Self::Passphrase(_) => "a passphrase".to_owned(),
            Self::Recipient(key) => format!("the private key of recipient {}", key.public().id()),
            Self::Nothing => "nothing".to_owned(),
        }
    }
}

/// The header of a sealed file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    text: String,
    wrapped: Wrapped,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wrapped {
    Passphrase {
        cost: PasswordParams,
        salt: Vec<u8>,
        key: Vec<u8>,
    },
    Recipient {
        id: String,
        secret: Vec<u8>,
        key: Vec<u8>,
    },
    Plain,
}

/// The key of one file; none where the chunks are not encrypted.
pub(super) type FileKey = Option<Zeroizing<Vec<u8>>>;

impl Header {
    /// A new header with the key of its file.
    pub(super) fn new(kind: &str, whom: &Whom) -> Result<(Self, FileKey), SealedFileError> {
        Self::at_cost(kind, whom, COST.unwrap_or_default())
    }

    pub(super) fn at_cost(
        kind: &str,
        whom: &Whom,
        cost: PasswordParams,
    ) -> Result<(Self, FileKey), SealedFileError> {
        let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let key = Zeroizing::new(random::random::<KEY_LEN>()?.to_vec());
        let (lines, key) = match whom {
            Whom::Anyone => ("for: anyone\n".to_owned(), None),
            Whom::Passphrase(passphrase) => {
                if !(MIN_PASSPHRASE..=MAX_PASSPHRASE).contains(&passphrase.len()) {
                    return Err(PassphraseError::Length.into());
                }
                let salt: [u8; 16] = random::random()?;
                let derived = passphrase::derive(passphrase, &salt, cost)?;
                let start = format!(
                    "for: passphrase\nkdf: {}\nsalt: {}\n",
                    passphrase::kdf_text(cost),
                    encode(&salt)
                );
                let context = gcm::associated(&[kind.as_bytes(), start.as_bytes()]);
                let wrapped = gcm::encrypt(derived.as_slice(), random::random()?, &context, &key)
                    .ok_or(SealedFileError::Malformed)?;
                (format!("{start}key: {}\n", encode(&wrapped)), Some(key))
            }
            Whom::Recipient(recipient) => {
                let start = format!("for: recipient {}\n", recipient.id());
                let context = gcm::associated(&[kind.as_bytes(), start.as_bytes()]);
                let (secret, wrapped) = recipient.seal(&context, &key)?;
                let (secret, wrapped) = (encode(&secret), encode(&wrapped));
                (format!("{start}enc: {secret}\nkey: {wrapped}\n"), Some(key))
            }
        };
        let text = format!("{kind}\n{lines}\n");
        let header = Self::parse(kind, &text).ok_or(SealedFileError::Malformed)?;
        Ok((header, key))
    }

    /// Reads a header of this kind to its empty line, and nothing beyond it.
    ///
    /// # Errors
    /// It is something else, or cannot be read.
    pub fn read(kind: &str, input: &mut impl Read) -> Result<Self, SealedFileError> {
        let mut bytes = Vec::with_capacity(MAX_HEADER);
        let mut one = [0];
        while !bytes.ends_with(b"\n\n") {
            if bytes.len() >= MAX_HEADER || input.read(&mut one)? == 0 {
                return Err(SealedFileError::Malformed);
            }
            bytes.extend_from_slice(&one);
        }
        let text = String::from_utf8(bytes).map_err(|_| SealedFileError::Malformed)?;
        Self::parse(kind, &text).ok_or(SealedFileError::Malformed)
    }

    fn parse(kind: &str, text: &str) -> Option<Self> {
        let body = text
            .strip_prefix(kind)?
            .strip_prefix('\n')?
            .strip_suffix("\n\n")?;
        let lines: Vec<(&str, &str)> = body
            .split('\n')
            .map(|line| line.split_once(": "))
            .collect::<Option<_>>()?;
        let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let wrapped = match lines.as_slice() {
            [("for", "anyone")] => Wrapped::Plain,
            [
                ("for", "passphrase"),
                ("kdf", kdf),
                ("salt", salt),
                ("key", key),
            ] => Wrapped::Passphrase {
                cost: passphrase::parse_kdf(kdf)?,
                salt: decode(salt).filter(|salt| salt.len() == 16)?,
                key: decode(key)?,
            },
            [("for", whom), ("enc", secret), ("key", key)] => Wrapped::Recipient {
                id: whom.strip_prefix("recipient ")?.to_owned(),
                secret: decode(secret)?,
                key: decode(key)?,
            },
            _ => return None,
        };
        Some(Self {
            text: text.to_owned(),
            wrapped,
        })
    }

    /// Whether it takes a passphrase.
    #[must_use]
    pub fn wants_passphrase(&self) -> bool {
        matches!(self.wrapped, Wrapped::Passphrase { .. })
    }

    /// Whether anyone can read it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.wrapped == Wrapped::Plain
    }

    /// What opens it, in words.
    #[must_use]
    pub fn opened_by(&self) -> String {
        match &self.wrapped {
            Wrapped::Passphrase { .. } => "a passphrase".to_owned(),
            Wrapped::Recipient { id, .. } => format!("the private key of recipient {id}"),
            Wrapped::Plain => "nothing".to_owned(),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The key of the file.
    pub(super) fn open(&self, kind: &str, opener: &Opener) -> Result<FileKey, SealedFileError> {
        let start = |lines: usize| {
            let body = self.text.strip_prefix(kind).unwrap_or_default();
            let lines: Vec<&str> = body
                .trim_start()
                .split_inclusive('\n')
                .take(lines)
                .collect();
            gcm::associated(&[kind.as_bytes(), lines.concat().as_bytes()])
        };
        match (&self.wrapped, opener) {
            (Wrapped::Plain, _) => Ok(None),
            (Wrapped::Passphrase { cost, salt, key }, Opener::Passphrase(passphrase)) => {
                if passphrase.len() > MAX_PASSPHRASE {
                    return Err(PassphraseError::Length.into());
                }
                let derived = passphrase::derive(passphrase, salt, *cost)?;
                gcm::decrypt(derived.as_slice(), &start(3), key)
                    .map(Some)
                    .ok_or(SealedFileError::Wrong("passphrase"))
            }
            (Wrapped::Recipient { id, secret, key }, Opener::Recipient(own))
                if own.public().id() == *id =>
            {
                own.open(&start(1), secret, key)
                    .map(Some)
                    .ok_or(SealedFileError::Wrong("private key"))
            }
            _ => Err(SealedFileError::Other {
                wanted: self.opened_by(),
                given: opener.name(),
            }),
        }
    }
}
