use crate::cli::Place;
use crate::print;
use anyhow::{Context, Result};
use countersign_engine::audit::chain::export_line;
use countersign_engine::time::Timestamp;
use countersign_store::Reader;
use countersign_store::audit::{Range, Trail};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write audit records with their chain into a file, for `audit verify --file` and `backup restore --audit`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The store is only read; a server may be running.\n\nExample:\n  countersign audit export --out since-monday.jsonl --from 2026-03-02T00:00:00Z"
)]
pub(super) struct Args {
    /// New file, readable by its owner alone; an existing one is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Only records from this time on (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = super::verify::time)]
    from: Option<Timestamp>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let reader = Reader::open(&args.place.load()?.store_url()?)?;
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&args.out)
        .with_context(|| {
            format!(
                "make {} (an existing file is not overwritten)",
                args.out.display()
            )
        })?;
    let mut out = BufWriter::new(file);
    let (mut count, mut failed) = (0_u64, None);
    let mut write = |json: &[u8], hash: &[u8; 32]| {
        let mut line = export_line(json, hash);
        line.push(b'\n');
        count += 1;
        if failed.is_none() {
            failed = out.write_all(&line).err();
        }
        failed.is_none()
    };
    match args.from {
        None => reader.entries(&mut |json, hash| {
            write(json, hash);
        })?,
        Some(from) => {
            let range = Range {
                from,
                ..Range::all(false)
            };
            reader.scan(range, &mut |line, _| write(&line.json, &line.hash))?;
        }
    }
    if let Some(error) = failed {
        return Err(error).with_context(|| format!("write {}", args.out.display()));
    }
    out.into_inner()
        .map_err(std::io::IntoInnerError::into_error)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("write {}", args.out.display()))?;
    print::line(&format!(
        "{count} records written to {}",
        args.out.display()
    ));
    Ok(ExitCode::SUCCESS)
}
