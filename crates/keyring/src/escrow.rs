//! `key escrow`: the root key as a small text file for a safe outside the installation, and its recovery.
//!
//! A root key in an HSM cannot be written. Its escrow holds the data keys instead, under a root key made for the escrow alone; a key
//! made later is not in it.

use std::sync::Arc;

use countersign_oath::Secret;
use data_encoding::{BASE64_MIME_PERMISSIVE, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::data_key::WrappedKey;
use crate::keyring::{Keyring, KeyringError};
use crate::passphrase::{self, PassphraseError};
use crate::password::PasswordParams;
use crate::random::RandomError;
use crate::root::RootKey;
use crate::sealed_file::{Header, Opener, Reader, SealedFileError, Whom, Writer};

const BEGIN: &str = "-----BEGIN COUNTERSIGN ROOT KEY ESCROW-----";
const END: &str = "-----END COUNTERSIGN ROOT KEY ESCROW-----";
/// A root key in memory under a passphrase, as lines of text.
const HEADER: &str = "countersign root key escrow 1";
/// Everything else, as a sealed file in base64.
const KIND: &str = "countersign key escrow 2";
/// Characters of a line of base64.
const LINE: usize = 76;
/// Longest text that is searched for an escrow, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// Cost of an escrow's passphrase: 128 MiB, 4 passes. The file lies around for years.
const COST: Option<PasswordParams> = PasswordParams::new(128 * 1024, 4, 1);

/// An escrow cannot be written or recovered.
#[derive(Debug, Error)]
pub enum EscrowError {
    /// The text holds no escrow between its BEGIN and END lines.
    #[error("find a root key escrow in the text")]
    NotFound,
    /// It was opened and is damaged or of a newer format.
    #[error("read the escrow: it holds no keys of a known format")]
    Malformed,
    /// The passphrase is unusable or does not open the escrow, or the escrow was changed.
    #[error("wrap or open the escrow: {0}")]
    Passphrase(#[from] PassphraseError),
    /// It cannot be sealed, or opened with what was given.
    #[error("wrap or open the escrow: failed to {0}")]
    File(#[from] SealedFileError),
    /// The data keys cannot be wrapped for it.
    #[error("wrap the data keys: failed to {0}")]
    Keys(#[from] KeyringError),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// What an escrow gives back.
#[derive(Debug)]
pub struct Recovered {
    /// The root key.
    pub root: RootKey,
    /// Where the installation's own root key is in an HSM: its data keys, under that root key.
    pub keys: Vec<WrappedKey>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    root_key: String,
    keys: Vec<WrappedKey>,
}

/// The escrow of an installation: its root key, or where that is in an HSM, its data keys.
pub fn write(ring: &Keyring, whom: &Whom) -> Result<String, EscrowError> {
    if !ring.root_key().is_in_hsm() {
        return write_root(ring.root_key(), whom);
    }
    let root = Arc::new(RootKey::generate()?);
    let keys = ring.rewrap(Arc::clone(&root))?.rows;
    sealed(&root, keys, whom)
}

/// The escrow of a root key in memory; it names the key and holds it wrapped.
pub fn write_root(root: &RootKey, whom: &Whom) -> Result<String, EscrowError> {
    match whom {
        Whom::Passphrase(passphrase) => write_at(root, passphrase, COST.unwrap_or_default()),
        _ => sealed(root, Vec::new(), whom),
    }
}

fn write_at(
    root: &RootKey,
    passphrase: &Secret,
    cost: PasswordParams,
) -> Result<String, EscrowError> {
    let inner = passphrase::write(HEADER, root, passphrase, cost)?;
    Ok(format!("{BEGIN}\n{inner}{END}\n"))
}

fn sealed(root: &RootKey, keys: Vec<WrappedKey>, whom: &Whom) -> Result<String, EscrowError> {
    let bytes = root.exposed().ok_or(PassphraseError::InHsm)?;
    if matches!(whom, Whom::Anyone) {
        return Err(EscrowError::Malformed); // a key for anyone is no escrow
    }
    let content = Content {
        root_key: BASE64URL_NOPAD.encode(bytes),
        keys,
    };
    let text = serde_json::to_vec(&content).map(Zeroizing::new);
    let text = text.map_err(|_| EscrowError::Malformed)?;
    let mut file = Writer::begin(Vec::new(), KIND, whom)?;
    std::io::Write::write_all(&mut file, &text).map_err(SealedFileError::from)?;
    let file = file.finish().map_err(SealedFileError::from)?;
    let base64 = data_encoding::BASE64.encode(&file);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(LINE)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    Ok(format!(
        "{BEGIN}\n{KIND}\nid: {}\n\n{}\n{END}\n",
        root.id(),
        lines.join("\n")
    ))
}

/// The keys of an escrow; what stands before and after it is ignored, so it may come out of a letter.
pub fn recover(text: &str, opener: &Opener) -> Result<Recovered, EscrowError> {
    let text = Some(text)
        .filter(|text| text.len() <= MAX_TEXT)
        .ok_or(EscrowError::NotFound)?;
    let (_, rest) = text.split_once(BEGIN).ok_or(EscrowError::NotFound)?;
    let (inner, _) = rest.split_once(END).ok_or(EscrowError::NotFound)?;
    if let Some(sealed) = inner.trim_start().strip_prefix(KIND) {
        return open(sealed, opener);
    }
    let Opener::Passphrase(passphrase) = opener else {
        return Err(SealedFileError::Wrong("private key").into());
    };
    Ok(Recovered {
        root: passphrase::read(HEADER, inner, passphrase)?,
        keys: Vec::new(),
    })
}

fn open(text: &str, opener: &Opener) -> Result<Recovered, EscrowError> {
    let text = text.trim_start();
    let (id, base64) = text.split_once('\n').ok_or(EscrowError::Malformed)?;
    let file = BASE64_MIME_PERMISSIVE.decode(base64.trim().as_bytes());
    let file = file.map_err(|_| EscrowError::Malformed)?;
    let mut input = file.as_slice();
    let header = Header::read(KIND, &mut input)?;
    let mut content = Zeroizing::new(Vec::new());
    let mut reader = Reader::open(input, KIND, header, opener)?;
    std::io::Read::read_to_end(&mut reader, &mut content).map_err(SealedFileError::from)?;
    let content: Content = serde_json::from_slice(&content).map_err(|_| EscrowError::Malformed)?;
    let text = Zeroizing::new(content.root_key);
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map(Zeroizing::new);
    let root = bytes
        .ok()
        .and_then(RootKey::new)
        .ok_or(EscrowError::Malformed)?;
    if id.trim() != format!("id: {}", root.id()) {
        return Err(EscrowError::Malformed);
    }
    Ok(Recovered {
        root,
        keys: content.keys,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipient::RecipientKey;

    const CHEAP: PasswordParams = PasswordParams::new(64, 1, 1).unwrap();

    fn passphrase() -> Secret {
        Secret::new("kept in the safe of the bank")
    }

    fn by(passphrase: Secret) -> Opener {
        Opener::Passphrase(passphrase)
    }

    #[test]
    fn an_escrow_gives_the_root_key_back() {
        let root = RootKey::generate().unwrap();
        let text = write_root(&root, &Whom::Passphrase(passphrase())).unwrap();
        assert!(text.contains("kdf: argon2id m=131072 t=4 p=1"), "{text}");
        assert!(text.contains(&format!("id: {}", root.id())));
        let back = recover(&text, &by(passphrase())).unwrap();
        assert_eq!(back.root.exposed(), root.exposed());
    }

    #[test]
    fn an_escrow_is_found_in_a_letter() {
        let root = RootKey::generate().unwrap();
        let text = write_at(&root, &passphrase(), CHEAP)
            .unwrap()
            .replace('\n', "\r\n");
        let letter = format!("Dear successor,\r\n\r\n{text}\r\nYours");
        assert_eq!(
            recover(&letter, &by(passphrase())).unwrap().root.id(),
            root.id()
        );
    }

    #[test]
    fn a_recipient_opens_an_escrow_and_nobody_else() {
        let root = RootKey::generate().unwrap();
        let (holder, other) = (
            RecipientKey::generate().unwrap(),
            RecipientKey::generate().unwrap(),
        );
        let text = write_root(&root, &Whom::Recipient(holder.public().clone())).unwrap();
        let key = BASE64URL_NOPAD.encode(root.exposed().unwrap());
        assert!(
            !text.contains(&key) && text.contains(&root.id().to_string()),
            "{text}"
        );
        let letter = format!("Keep this:\r\n{}", text.replace('\n', "\r\n"));
        assert!(recover(&letter, &Opener::Recipient(other)).is_err());
        assert!(recover(&letter, &by(passphrase())).is_err());
        let back = recover(&letter, &Opener::Recipient(holder)).unwrap();
        assert_eq!(back.root.exposed(), root.exposed());
        assert!(back.keys.is_empty());
    }

    #[test]
    fn the_data_keys_of_an_escrow_open_what_they_sealed() {
        let ring = Keyring::first(Arc::new(RootKey::generate().unwrap()), 1)
            .unwrap()
            .keyring;
        let place = crate::Place {
            table: "user",
            id: 1,
            field: "pin",
            version: 1,
        };
        let value = ring.seal(place, b"1234").unwrap().into_bytes();
        let holder = RecipientKey::generate().unwrap();
        let root = Arc::new(RootKey::generate().unwrap());
        let rows = ring.rewrap(Arc::clone(&root)).unwrap().rows;
        let text = sealed(&root, rows, &Whom::Recipient(holder.public().clone())).unwrap();
        let back = recover(&text, &Opener::Recipient(holder)).unwrap();
        let ring = Keyring::load(Arc::new(back.root), back.keys).unwrap();
        assert_eq!(ring.open(place, &value).unwrap().expose(), b"1234");
    }

    #[test]
    fn what_is_not_an_escrow_is_refused() {
        let root = RootKey::generate().unwrap();
        let text = write_at(&root, &passphrase(), CHEAP).unwrap();
        let cut = text.replace(END, "");
        for bad in ["", "hello", cut.as_str()] {
            assert!(matches!(
                recover(bad, &by(passphrase())),
                Err(EscrowError::NotFound)
            ));
        }
        assert!(matches!(
            recover(&text, &by(Secret::new("another passphrase"))),
            Err(EscrowError::Passphrase(PassphraseError::Wrong))
        ));
        assert!(matches!(
            recover(&text.replace("id: ", "id: x"), &by(passphrase())),
            Err(EscrowError::Passphrase(PassphraseError::Malformed))
        ));
        assert!(recover(&"x".repeat(MAX_TEXT + 1), &by(passphrase())).is_err());
    }

    #[test]
    fn weak_passphrases_and_escrows_for_anyone_are_refused() {
        let root = RootKey::generate().unwrap();
        let short = Whom::Passphrase(Secret::new("short"));
        assert!(matches!(
            write_root(&root, &short),
            Err(EscrowError::Passphrase(PassphraseError::Length))
        ));
        assert!(matches!(
            write_root(&root, &Whom::Anyone),
            Err(EscrowError::Malformed)
        ));
    }
}
