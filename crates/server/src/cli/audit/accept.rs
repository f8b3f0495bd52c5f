use crate::cli::{Place, REFUSED};
use crate::print;
use crate::serve::{Lock, root, store_options};
use anyhow::{Context, Result};
use countersign_store::Store;
use std::process::ExitCode;

/// Accept a store that is older than this node remembers (E-115003), after a wanted restore
#[derive(Debug, clap::Args)]
#[command(
    after_help = "One-time passwords used since the copy was made become valid again; the audit keeps the reason and both ends. The server must be stopped.\n\nExample:\n  countersign audit accept-rollback --reason \"restored the backup of Monday after a disk failure\""
)]
pub(super) struct Args {
    /// Why the store was put back
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let reason = args.reason.trim();
    if reason.is_empty() || reason.chars().count() > 500 {
        eprintln!("countersign: --reason must be 1 to 500 characters");
        return Ok(ExitCode::from(REFUSED));
    }
    crate::serve::keep_private();
    let config = args.place.load()?;
    let _lock = Lock::take(config.data_dir())?;
    let options = store_options(&config)?;
    let store = root::with_keys(&config, root::load, |root| {
        Store::accept_rollback(&options, root, reason)
    })
    .context("accept the store as it is")?;
    store.close();
    print::line("The store is accepted as it is; `countersign serve` starts again.");
    Ok(ExitCode::SUCCESS)
}
