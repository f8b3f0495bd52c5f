//! `key escrow`: the root key as a small text file under a passphrase, for a safe outside the installation, and its recovery.

use countersign_oath::Secret;
use thiserror::Error;

use crate::passphrase::{self, PassphraseError};
use crate::password::PasswordParams;
use crate::root::RootKey;

const BEGIN: &str = "-----BEGIN COUNTERSIGN ROOT KEY ESCROW-----";
const END: &str = "-----END COUNTERSIGN ROOT KEY ESCROW-----";
const HEADER: &str = "countersign root key escrow 1";
/// Longest text that is searched for an escrow, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Cost of an escrow's passphrase: 128 MiB, 4 passes. The file lies around for years.
const COST: Option<PasswordParams> = PasswordParams::new(128 * 1024, 4, 1);

/// Whom an escrow is written for.
#[derive(Debug, Clone)]
pub enum EscrowFor {
    /// Whoever knows the passphrase.
    Passphrase(Secret),
    /// The holder of the private key to this public key.
    Recipient(String),
}

/// An escrow cannot be written or recovered.
#[derive(Debug, Error)]
pub enum EscrowError {
    /// Public keys of recipients are not supported by this build.
    #[error(
        "write the escrow: a recipient's public key is not supported by this build; use a passphrase"
    )]
    Unsupported,
    /// The text holds no escrow between its BEGIN and END lines.
    #[error("find a root key escrow in the text")]
    NotFound,
    /// The passphrase is unusable or does not open the escrow, or the escrow was changed.
    #[error("wrap or open the escrow: {0}")]
    Passphrase(#[from] PassphraseError),
}

/// The escrow as text; it names the root key and holds it wrapped.
pub fn write(root: &RootKey, whom: &EscrowFor) -> Result<String, EscrowError> {
    match whom {
        EscrowFor::Passphrase(passphrase) => write_at(root, passphrase, COST.unwrap_or_default()),
        EscrowFor::Recipient(_) => Err(EscrowError::Unsupported),
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

/// The root key of an escrow; what stands before and after it is ignored, so it may come out of a letter.
pub fn recover(text: &str, passphrase: &Secret) -> Result<RootKey, EscrowError> {
    let text = Some(text)
        .filter(|text| text.len() <= MAX_TEXT)
        .ok_or(EscrowError::NotFound)?;
    let (_, rest) = text.split_once(BEGIN).ok_or(EscrowError::NotFound)?;
    let (inner, _) = rest.split_once(END).ok_or(EscrowError::NotFound)?;
    Ok(passphrase::read(HEADER, inner, passphrase)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordParams = PasswordParams::new(64, 1, 1).unwrap();

    fn passphrase() -> Secret {
        Secret::new("kept in the safe of the bank")
    }

    #[test]
    fn an_escrow_gives_the_root_key_back() {
        let root = RootKey::generate().unwrap();
        let text = write(&root, &EscrowFor::Passphrase(passphrase())).unwrap();
        assert!(text.contains("kdf: argon2id m=131072 t=4 p=1"), "{text}");
        assert!(text.contains(&format!("id: {}", root.id())));
        assert_eq!(
            recover(&text, &passphrase()).unwrap().exposed(),
            root.exposed()
        );
    }

    #[test]
    fn an_escrow_is_found_in_a_letter() {
        let root = RootKey::generate().unwrap();
        let text = write_at(&root, &passphrase(), CHEAP)
            .unwrap()
            .replace('\n', "\r\n");
        let letter = format!("Dear successor,\r\n\r\n{text}\r\nYours");
        assert_eq!(recover(&letter, &passphrase()).unwrap().id(), root.id());
    }

    #[test]
    fn what_is_not_an_escrow_is_refused() {
        let root = RootKey::generate().unwrap();
        let text = write_at(&root, &passphrase(), CHEAP).unwrap();
        let cut = text.replace(END, "");
        for bad in ["", "hello", cut.as_str()] {
            assert!(matches!(
                recover(bad, &passphrase()),
                Err(EscrowError::NotFound)
            ));
        }
        assert!(matches!(
            recover(&text, &Secret::new("another passphrase")),
            Err(EscrowError::Passphrase(PassphraseError::Wrong))
        ));
        assert!(matches!(
            recover(&text.replace("id: ", "id: x"), &passphrase()),
            Err(EscrowError::Passphrase(PassphraseError::Malformed))
        ));
        assert!(recover(&"x".repeat(MAX_TEXT + 1), &passphrase()).is_err());
    }

    #[test]
    fn weak_passphrases_and_recipients_are_refused() {
        let root = RootKey::generate().unwrap();
        let short = EscrowFor::Passphrase(Secret::new("short"));
        assert!(matches!(
            write(&root, &short),
            Err(EscrowError::Passphrase(PassphraseError::Length))
        ));
        assert!(matches!(
            write(&root, &EscrowFor::Recipient("age1…".into())),
            Err(EscrowError::Unsupported)
        ));
    }
}
