//! `countersign backup`: the whole store in one sealed file, and back onto an empty host.

mod create;
mod opener;
mod restore;
mod verify;

use super::job::Job;
use anyhow::{Context, Result};
use clap::Subcommand;
use countersign_keyring::sealed_file::{Header, Opener, Reader};
use countersign_store::backup::{About, KIND, Progress};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

/// Make, check and restore backups of the store
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The root key is in no backup: keep it elsewhere (`countersign key escrow`).\n\nExamples:\n  countersign backup create --out monday.backup --passphrase-file pass.txt\n  countersign backup verify monday.backup --passphrase-file pass.txt\n  countersign backup restore monday.backup --passphrase-file pass.txt --audit since-monday.jsonl --reason \"disk failure\""
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Create(create::Args),
    Verify(verify::Args),
    Restore(restore::Args),
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Verb::Create(args) => create::run(args),
        Verb::Verify(args) => verify::run(args),
        Verb::Restore(args) => restore::run(args),
    }
}

fn header(path: &Path) -> Result<(Header, BufReader<File>)> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut input = BufReader::new(file);
    let header = Header::read(KIND, &mut input)
        .with_context(|| format!("use {} as a backup", path.display()))?;
    Ok((header, input))
}

fn open(path: &Path, opener: &Opener) -> Result<Reader<BufReader<File>>> {
    let (header, input) = header(path)?;
    Reader::open(input, KIND, header, opener)
        .with_context(|| format!("use {} as a backup", path.display()))
}

/// Shows progress until the person has enough.
fn watch(job: &Job) -> impl FnMut(Progress) -> bool {
    |progress| job.at(progress.done, progress.all)
}

fn told(about: &About) -> String {
    let mut made = Vec::new();
    about.made.write_rfc3339(&mut made);
    let rows = |table: &str| about.rows.get(table).copied().unwrap_or(0);
    format!(
        "made {} on node {} by version {}: {} users, {} authenticators, {} rows in all",
        String::from_utf8_lossy(&made),
        about.node,
        about.version,
        rows("user"),
        rows("authenticator"),
        about.all_rows()
    )
}
