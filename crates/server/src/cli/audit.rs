//! `countersign audit`: the trail of a store, read and proven on the host.

mod accept;
mod export;
mod tail;
mod verify;

use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

/// Verify and read the audit trail
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  countersign audit verify\n  countersign audit tail -n 20 --follow"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Verify(verify::Args),
    Tail(tail::Args),
    Export(export::Args),
    AcceptRollback(accept::Args),
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Verb::Verify(args) => verify::run(args),
        Verb::Tail(args) => tail::run(args),
        Verb::Export(args) => export::run(args),
        Verb::AcceptRollback(args) => accept::run(args),
    }
}
