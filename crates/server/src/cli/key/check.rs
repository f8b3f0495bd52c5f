use crate::cli::{Place, REFUSED};
use crate::print;
use anyhow::Result;
use countersign_keyring::{RootKey, RootSource};
use std::process::ExitCode;

/// Check that the root key can be used: every address of it, one by one
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Loads the key from each address and tells its id; all must have the same one. The running server is not asked and not disturbed.\n\nExample:\n  countersign key check --config /etc/countersign.toml"
)]
pub(super) struct Args {
    /// The root key to check, as root_key is written; without it, root_key and next_root_key of the configuration
    #[arg(long, value_name = "SOURCE")]
    root_key: Option<String>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    crate::serve::keep_private();
    let sources = match &args.root_key {
        Some(source) => vec![source.clone()],
        None => {
            let config = args.place.load()?;
            let next = config.next_root_key().map(str::to_owned);
            std::iter::once(config.root_key()).chain(next).collect()
        }
    };
    let mut whole = true;
    for source in sources {
        whole &= one(&source.parse()?);
    }
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

/// Checks one root key; whether each of its addresses works and all have the same key.
fn one(source: &RootSource) -> bool {
    let mut ids = Vec::new();
    let mut whole = true;
    for address in source.each() {
        match address.load() {
            Ok(root) => {
                print::line(&format!("{}  {}  {address}", root.id(), place(&root)));
                ids.push(root.id());
            }
            Err(error) => {
                print::line(&format!("failed to {error}\n  at {address}"));
                whole = false;
            }
        }
    }
    ids.dedup();
    if ids.len() > 1 {
        print::line(
            "The addresses hold different keys: copy one of them with the means of the HSM.",
        );
    }
    whole && ids.len() == 1
}

fn place(root: &RootKey) -> &'static str {
    if root.is_in_hsm() {
        "in an HSM"
    } else {
        "in memory"
    }
}
