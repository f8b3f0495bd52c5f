use super::passphrase;
use crate::cli::{Place, REFUSED};
use crate::config::Config;
use crate::print;
use crate::serve::{Lock, files, root, store_options};
use anyhow::{Context, Result, bail};
use countersign_keyring::escrow::{self, Recovered};
use countersign_keyring::sealed_file::Opener;
use countersign_keyring::{Keyring, RecipientKey, RootSource};
use countersign_store::recover_keys;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Bring the root key back from its escrow, while the server is stopped
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An escrow of the root key is written to where root_key says, which must not be there yet. An escrow of data keys (the root key was in an HSM) is wrapped anew under the root key that root_key names, which must be there: make it with `countersign key create`.\n\nExamples:\n  countersign key recover --escrow root-key-escrow.txt --passphrase-file pass.txt\n  countersign key recover --escrow escrow.txt --recipient-key recipient.key --root-key file:/etc/countersign/root.key"
)]
pub(super) struct Args {
    /// The escrow, as `countersign key escrow` wrote it
    #[arg(long, value_name = "FILE")]
    escrow: PathBuf,
    /// File with its passphrase, - for standard input; or set COUNTERSIGN_ESCROW_PASSPHRASE
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with the private key of its recipient
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    recipient_key: Option<PathBuf>,
    /// The root key to use, as root_key is written; without it, root_key of the configuration
    #[arg(long, value_name = "SOURCE")]
    root_key: Option<String>,
    /// Forget data keys that were made after the escrow; what they sealed never opens again
    #[arg(long)]
    forget_newer: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    crate::serve::keep_private();
    let config = args.place.load()?;
    files::make_folder(config.data_dir())?;
    let _lock = Lock::take(config.data_dir())?;
    let text = std::fs::read_to_string(&args.escrow)
        .with_context(|| format!("read the escrow {}", args.escrow.display()))?;
    let recovered = escrow::recover(&text, &args.opener()?)?;
    let source = args.root_key.clone().unwrap_or_else(|| config.root_key());
    if recovered.keys.is_empty() {
        let to: RootSource = source.parse()?;
        to.keep(&recovered.root)
            .with_context(|| format!("keep the root key at {to}"))?;
        print::line(&format!(
            "Root key {} is back at {to}.",
            recovered.root.id()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    args.data_keys(&config, &source, recovered)
}

impl Args {
    fn opener(&self) -> Result<Opener> {
        match &self.recipient_key {
            Some(path) => Ok(Opener::Recipient(RecipientKey::read(path)?)),
            None => passphrase(self.passphrase_file.as_deref()).map(Opener::Passphrase),
        }
    }

    fn data_keys(&self, config: &Config, source: &str, recovered: Recovered) -> Result<ExitCode> {
        let ring = Keyring::load(Arc::new(recovered.root), recovered.keys)
            .context("open the data keys of the escrow")?;
        let root = Arc::new(root::load(source)?);
        let rows = ring
            .rewrap(Arc::clone(&root))
            .context("wrap the data keys under the root key")?
            .rows;
        let done = recover_keys(&store_options(config)?, &rows, self.forget_newer)?;
        if !done.done {
            eprintln!(
                "countersign: the escrow lacks data keys {}, which were made after it; take a newer escrow, or give --forget-newer: what they sealed never opens again. Nothing was changed.",
                done.lacking.join(", ")
            );
            return Ok(ExitCode::from(REFUSED));
        }
        if done.replaced == 0 {
            bail!("find a data key of the escrow in the store: it belongs to another installation");
        }
        print::line(&format!(
            "{} data keys are under root key {}. Set root_key = \"{source}\" before the server starts.",
            done.replaced,
            root.id()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
