//! The root key wrapped under a passphrase: AES-256-GCM under Argon2id(passphrase), as four lines of text.

use countersign_oath::Secret;
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::gcm::{self, KEY_LEN};
use crate::lines;
use crate::password::{PasswordError, PasswordParams};
use crate::random::{self, RandomError};
use crate::root::{RootId, RootKey};

/// Fewest bytes of a passphrase that something is wrapped under.
pub(crate) const MIN_PASSPHRASE: usize = 12;
/// Most bytes of a passphrase.
pub(crate) const MAX_PASSPHRASE: usize = 1024;

/// A root key cannot be wrapped under a passphrase, or does not come out again.
#[derive(Debug, Error)]
pub enum PassphraseError {
    /// The text is not what was written, or was written by a newer version.
    #[error("it is not a wrapped root key of a known format")]
    Malformed,
    /// Another passphrase, or a changed text.
    #[error("the passphrase does not open it")]
    Wrong,
    /// The passphrase is not of a usable length.
    #[error("the passphrase must have between {MIN_PASSPHRASE} and {MAX_PASSPHRASE} bytes")]
    Length,
    /// A key in an HSM cannot be written.
    #[error("the root key is in an HSM, which does not give it away")]
    InHsm,
    /// The key derivation failed.
    #[error(transparent)]
    Argon2(#[from] PasswordError),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Writes the header and the root key under the passphrase; only a reader with the same header opens it.
pub(crate) fn write(
    header: &str,
    root: &RootKey,
    passphrase: &Secret,
    cost: PasswordParams,
) -> Result<String, PassphraseError> {
    if !(MIN_PASSPHRASE..=MAX_PASSPHRASE).contains(&passphrase.len()) {
        return Err(PassphraseError::Length);
    }
    let salt: [u8; 16] = random::random()?;
    let kdf = kdf_text(cost);
    let key = derive(passphrase, &salt, cost)?;
    let wrapped = gcm::encrypt(
        key.as_slice(),
        random::random()?,
        &context(header, root.id(), &kdf, &salt),
        root.exposed().ok_or(PassphraseError::InHsm)?,
    );
    let wrapped = wrapped.ok_or(PassphraseError::Malformed)?;
    let (id, salt, wrapped) = (
        root.id(),
        BASE64URL_NOPAD.encode(&salt),
        BASE64URL_NOPAD.encode(&wrapped),
    );
    Ok(format!(
        "{header}\nid: {id}\nkdf: {kdf}\nsalt: {salt}\nkey: {wrapped}\n"
    ))
}

/// Reads what [`write`] wrote.
pub(crate) fn read(
    header: &str,
    text: &str,
    passphrase: &Secret,
) -> Result<RootKey, PassphraseError> {
    let [id, kdf, salt, wrapped] = lines::read(text, header, ["id", "kdf", "salt", "key"])
        .ok_or(PassphraseError::Malformed)?;
    let id: RootId = id.parse().map_err(|_| PassphraseError::Malformed)?;
    let cost = parse_kdf(kdf).ok_or(PassphraseError::Malformed)?;
    let decode = |text: &str| {
        BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| PassphraseError::Malformed)
    };
    let (salt, wrapped) = (decode(salt)?, decode(wrapped)?);
    if salt.len() != 16 || passphrase.len() > MAX_PASSPHRASE {
        return Err(PassphraseError::Malformed);
    }
    let key = derive(passphrase, &salt, cost)?;
    let plain = gcm::decrypt(key.as_slice(), &context(header, id, kdf, &salt), &wrapped)
        .ok_or(PassphraseError::Wrong)?;
    RootKey::new(plain)
        .filter(|root| root.id() == id)
        .ok_or(PassphraseError::Malformed)
}

pub(crate) fn derive(
    passphrase: &Secret,
    salt: &[u8],
    cost: PasswordParams,
) -> Result<Zeroizing<[u8; KEY_LEN]>, PassphraseError> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    let argon2 = cost.argon2(KEY_LEN)?;
    argon2
        .hash_password_into(passphrase.expose(), salt, key.as_mut_slice())
        .map_err(PasswordError::Argon2)?;
    Ok(key)
}

fn context(header: &str, id: RootId, kdf: &str, salt: &[u8]) -> Vec<u8> {
    gcm::associated(&[header.as_bytes(), id.as_bytes(), kdf.as_bytes(), salt])
}

pub(crate) fn kdf_text(cost: PasswordParams) -> String {
    format!(
        "argon2id m={} t={} p={}",
        cost.memory_kib(),
        cost.passes(),
        cost.lanes()
    )
}

/// Only costs within the bounds of [`PasswordParams`]: a planted file must not take the memory of the machine.
pub(crate) fn parse_kdf(text: &str) -> Option<PasswordParams> {
    let mut words = text.strip_prefix("argon2id ")?.split(' ');
    let mut number = |name: &str| words.next()?.strip_prefix(name)?.parse().ok();
    let cost = PasswordParams::new(number("m=")?, number("t=")?, number("p=")?)?;
    (kdf_text(cost) == text).then_some(cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordParams = PasswordParams::new(64, 1, 1).unwrap();

    fn passphrase() -> Secret {
        Secret::new("twelve bytes and more")
    }

    #[test]
    fn the_key_comes_back_under_its_passphrase_only() {
        let root = RootKey::generate().unwrap();
        let text = write("test 1", &root, &passphrase(), CHEAP).unwrap();
        assert_eq!(
            read("test 1", &text, &passphrase()).unwrap().exposed(),
            root.exposed()
        );
        assert!(matches!(
            read("test 1", &text, &Secret::new("twelve bytes and mor")),
            Err(PassphraseError::Wrong)
        ));
        assert!(matches!(
            read("test 1", &text, &Secret::default()),
            Err(PassphraseError::Wrong)
        ));
        assert!(matches!(
            read("test 2", &text, &passphrase()),
            Err(PassphraseError::Malformed)
        ));
        let moved = text.replacen("test 1", "test 2", 1);
        assert!(matches!(
            read("test 2", &moved, &passphrase()),
            Err(PassphraseError::Wrong)
        ));
    }

    #[test]
    fn no_changed_character_opens() {
        let text = write(
            "test 1",
            &RootKey::generate().unwrap(),
            &passphrase(),
            CHEAP,
        )
        .unwrap();
        for at in 0..text.trim_end().len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            // Blanks around a value mean nothing; every other character does.
            if text.as_bytes()[at] != b' ' {
                assert!(
                    read("test 1", &changed, &passphrase()).is_err(),
                    "character {at}"
                );
            }
        }
    }

    #[test]
    fn short_and_endless_passphrases_wrap_nothing() {
        let root = RootKey::generate().unwrap();
        for length in [0, 11, 1025] {
            let passphrase = Secret::new(vec![b'x'; length]);
            assert!(matches!(
                write("test 1", &root, &passphrase, CHEAP),
                Err(PassphraseError::Length)
            ));
        }
    }

    #[test]
    fn costs_are_read_as_written_and_bounded() {
        assert_eq!(parse_kdf("argon2id m=64 t=1 p=1"), Some(CHEAP));
        for text in [
            "",
            "argon2id",
            "argon2id m=64 t=1",
            "argon2id m=64 t=1 p=1 x",
            "argon2id m=4294967295 t=1 p=1",
            "argon2id m=+64 t=1 p=1",
        ] {
            assert_eq!(parse_kdf(text), None, "{text}");
        }
    }
}
