use crate::cli::Place;
use crate::print;
use anyhow::{Context, Result};
use countersign_keyring::RootSource;
use std::process::ExitCode;

/// Make a root key: in an HSM (AES-256, sensitive, not extractable), or in a new file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Makes the key only; nothing uses it until root_key or next_root_key names it. Of several pkcs11: addresses the first one gets the key: copy it to the others with the means of the HSM, then run `countersign key check`.\n\nExample:\n  countersign key create --root-key 'pkcs11:token=Countersign;object=root?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/countersign/pin'"
)]
pub(super) struct Args {
    /// Where to make it, as root_key is written; without it, where root_key of the configuration says
    #[arg(long, value_name = "SOURCE")]
    root_key: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    crate::serve::keep_private();
    let source = match &args.root_key {
        Some(source) => source.clone(),
        None => args.place.load()?.root_key(),
    };
    let source: RootSource = source.parse()?;
    let root = source
        .create()
        .with_context(|| format!("make a root key at {source}"))?;
    print::line(&format!("Root key {} made at {source}.", root.id()));
    for fault in root.standby_faults() {
        print::line(&format!("Not yet in every address: failed to {fault}"));
    }
    Ok(ExitCode::SUCCESS)
}
