use anyhow::{Context, Result, bail};
use countersign_keyring::RecipientKey;
use countersign_keyring::sealed_file::{Header, Opener};
use countersign_oath::Secret;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Variable with the passphrase of a backup.
const PASSPHRASE: &str = "COUNTERSIGN_BACKUP_PASSPHRASE";

/// What opens a backup.
#[derive(Debug, clap::Args)]
pub(super) struct Opening {
    /// File with the passphrase, - for standard input; or set COUNTERSIGN_BACKUP_PASSPHRASE
    #[arg(long, value_name = "FILE", conflicts_with = "recipient_key")]
    passphrase_file: Option<PathBuf>,
    /// File with the recipient's private key
    #[arg(long, value_name = "FILE")]
    recipient_key: Option<PathBuf>,
}

impl Opening {
    pub(super) fn opener(&self, header: &Header) -> Result<Opener> {
        if header.is_plain() {
            return Ok(Opener::Nothing);
        }
        match &self.recipient_key {
            Some(path) => Ok(Opener::Recipient(RecipientKey::read(path)?)),
            None if header.wants_passphrase() => {
                passphrase(self.passphrase_file.as_deref()).map(Opener::Passphrase)
            }
            None => bail!(
                "open the backup: it takes {}; name it by --recipient-key",
                header.opened_by()
            ),
        }
    }
}

/// A passphrase from a file, standard input or the environment.
pub(super) fn passphrase(file: Option<&Path>) -> Result<Secret> {
    let text = match file {
        Some(path) if path == Path::new("-") => {
            let mut text = Zeroizing::new(String::new());
            std::io::stdin()
                .read_to_string(&mut text)
                .context("read the passphrase from standard input")?;
            text
        }
        Some(path) => Zeroizing::new(
            std::fs::read_to_string(path)
                .with_context(|| format!("read the passphrase file {}", path.display()))?,
        ),
        None => match std::env::var(PASSPHRASE) {
            Ok(text) => Zeroizing::new(text),
            Err(_) => {
                bail!("find a passphrase: name a file by --passphrase-file, or set {PASSPHRASE}")
            }
        },
    };
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
