use super::opener::Opening;
use super::{header, open, told, watch};
use crate::cli::job::Job;
use crate::print;
use crate::serve::root;
use anyhow::{Context, Result};
use countersign_store::backup;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Prove that a backup is whole and opens
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --root-key it also proves that the keys of the store open under that root key.\n\nExample:\n  countersign backup verify monday.backup --passphrase-file pass.txt --root-key file:/media/safe/root.key"
)]
pub(super) struct Args {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// Where the root key is, such as file:PATH
    #[arg(long, value_name = "SOURCE")]
    root_key: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let root = args
        .root_key
        .as_deref()
        .map(|source| root::load(source).map(Arc::new))
        .transpose()?;
    let opener = args.opening.opener(&header(&args.file)?.0)?;
    let job = Job::begin("verify")?;
    let checked = backup::verify(open(&args.file, &opener)?, root.as_ref(), &mut watch(&job))
        .with_context(|| format!("verify {}", args.file.display()))?;
    job.finish();
    let keys = if root.is_some() {
        "whole, and its keys open"
    } else {
        "whole; whether its keys open shows with --root-key"
    };
    print::line(&format!("{keys}: {}", told(&checked.about)));
    Ok(ExitCode::SUCCESS)
}
