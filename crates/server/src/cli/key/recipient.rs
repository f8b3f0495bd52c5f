use crate::print;
use anyhow::{Context, Result};
use countersign_keyring::RecipientKey;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make a key pair for backups: whoever has the public key can make them, whoever has the file can open them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Keep the file away from the servers; they need the public key only.\n\nExample:\n  countersign key recipient --out recipient.key"
)]
pub(super) struct Args {
    /// New file for the private key; an existing one is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let key = RecipientKey::generate()?;
    key.create(&args.out)
        .with_context(|| format!("make {}", args.out.display()))?;
    print::line(&key.public().to_string());
    Ok(ExitCode::SUCCESS)
}
