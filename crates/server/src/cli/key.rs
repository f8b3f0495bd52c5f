mod check;
mod create;
mod move_to_hsm;
mod recipient;
mod recover;

use super::Place;
use crate::config::Config;
use crate::print;
use crate::serve::{files, root};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use countersign_keyring::RootKey;
use countersign_keyring::escrow;
use countersign_keyring::sealed_file::Whom;
use countersign_oath::Secret;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// Variable with the passphrase of the escrow.
const PASSPHRASE: &str = "COUNTERSIGN_ESCROW_PASSPHRASE";

/// Make the root key, check it, move it into an HSM, keep it safe, and make keys for backups
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  countersign key escrow --out root-key-escrow.txt --passphrase-file pass.txt"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the root key, wrapped under a passphrase, into a file that is to be kept elsewhere
    #[command(
        after_help = "Without the root key nothing sealed opens again, in no backup either. Keep the file and the passphrase in two places, both outside this host.\n\nExample:\n  countersign key escrow --out root-key-escrow.txt --passphrase-file pass.txt"
    )]
    Escrow(Escrow),
    Recipient(recipient::Args),
    Create(create::Args),
    Check(check::Args),
    MoveToHsm(move_to_hsm::Args),
    Recover(recover::Args),
}

#[derive(Debug, clap::Args)]
struct Escrow {
    /// New file for the wrapped key; an existing one is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// File with the passphrase (12 bytes at least), - for standard input; or set COUNTERSIGN_ESCROW_PASSPHRASE
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Instead of a passphrase: the public key of whoever is to open it, as `countersign key recipient` prints it
    #[arg(long, value_name = "KEY", conflicts_with = "passphrase_file")]
    recipient: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Verb::Escrow(escrow) => write_escrow(escrow),
        Verb::Recipient(args) => recipient::run(args),
        Verb::Create(args) => create::run(args),
        Verb::Check(args) => check::run(args),
        Verb::MoveToHsm(args) => move_to_hsm::run(args),
        Verb::Recover(args) => recover::run(args),
    }
}

fn write_escrow(escrow: &Escrow) -> Result<ExitCode> {
    let config = escrow.place.load()?;
    let root = root::load(&config.root_key())?;
    if root.is_in_hsm() {
        bail!(
            "put the root key into escrow: it is in an HSM, which does not give it away; `countersign admin key escrow` asks the running server for an escrow of the data keys"
        );
    }
    let text =
        escrow::write_root(&root, &escrow.whom()?).context("put the root key into escrow")?;
    create(&escrow.out, &text)?;
    note(&config, &root)?;
    print::line(&format!(
        "Root key {} written to {}. Keep that file and its passphrase apart, both outside this host.",
        root.id(),
        escrow.out.display()
    ));
    Ok(ExitCode::SUCCESS)
}

impl Escrow {
    fn whom(&self) -> Result<Whom> {
        match &self.recipient {
            Some(recipient) => Ok(Whom::Recipient(recipient.parse()?)),
            None => passphrase(self.passphrase_file.as_deref()).map(Whom::Passphrase),
        }
    }
}

/// The passphrase of an escrow, from a file, standard input or the environment.
fn passphrase(file: Option<&Path>) -> Result<Secret> {
    let text = match file.map(|path| (path, path.to_str())) {
        Some((_, Some("-"))) => {
            let mut text = Zeroizing::new(String::new());
            std::io::stdin()
                .read_to_string(&mut text)
                .context("read the passphrase from standard input")?;
            text
        }
        Some((path, _)) => Zeroizing::new(
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

fn create(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let mut file = file.with_context(|| {
        format!(
            "make {} (an existing file is not overwritten)",
            path.display()
        )
    })?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("write {}", path.display()))
}

/// Start-up reminds of the escrow until it finds this note about the very root key in use.
fn note(config: &Config, root: &RootKey) -> Result<()> {
    files::write(&config.data_dir().join(files::ESCROWED), &root.id())
}
