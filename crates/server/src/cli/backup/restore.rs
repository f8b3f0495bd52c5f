use super::opener::Opening;
use super::{header, open, told, watch};
use crate::cli::job::Job;
use crate::cli::{Place, REFUSED};
use crate::print;
use crate::serve::{Lock, files, root, store_options};
use anyhow::{Context, Result};
use countersign_store::backup::{self, Checked, Restore, Restored, Since};
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Longest line of an audit export in bytes.
const MAX_LINE: u64 = 1 << 20;

/// Put a backup back, onto an empty host or in place of a store
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Everything is checked before anything is replaced. One-time passwords used since the backup would be valid again: --audit names the exports of the time since (`countersign audit export`), and counters, steps and deletions are raised to them. Without, time-based devices are refused values up to now, event-based ones must give two values in a row once, and API keys end.\nThe server must be stopped, and on a store of several nodes all of them.\n\nExample:\n  countersign backup restore monday.backup --passphrase-file pass.txt --root-key file:/media/safe/root.key --audit since-monday.jsonl --reason \"disk failure\""
)]
pub(super) struct Args {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Where the root key is, such as file:PATH; default: as configured
    #[arg(long, value_name = "SOURCE")]
    root_key: Option<String>,
    /// Audit export of the time since the backup; several in the order of time
    #[arg(long, value_name = "FILE")]
    audit: Vec<PathBuf>,
    /// Replace a store that is there
    #[arg(long)]
    force: bool,
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
    let source = args.root_key.clone().unwrap_or_else(|| config.root_key());
    let root = Arc::new(root::load(&source)?);
    let opener = args.opening.opener(&header(&args.file)?.0)?;
    let job = Job::begin("check")?;
    let checked = backup::verify(open(&args.file, &opener)?, Some(&root), &mut watch(&job))
        .with_context(|| format!("check {}", args.file.display()))?;
    let since = since(&args.audit, &checked)?;
    files::make_folder(config.data_dir())?;
    let _lock = Lock::take(config.data_dir())?;
    let options = store_options(&config)?;
    job.part("restore");
    let restore = Restore {
        options: &options,
        root,
        force: args.force,
        reason,
        since,
    };
    let restored = restore
        .run(open(&args.file, &opener)?, &mut watch(&job))
        .with_context(|| format!("restore {}", args.file.display()))?;
    job.finish();
    print::out(&report(&restored));
    if source != config.root_key() {
        print::line(&format!(
            "The server looks for the root key at {}: bring it there, or set root_key.",
            config.root_key()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn since(files: &[PathBuf], checked: &Checked) -> Result<Option<Since>> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut since = Since::new(&checked.about, &checked.audit_keys);
    for path in files {
        read(path, &mut since).with_context(|| format!("read {}", path.display()))?;
    }
    Ok(Some(since))
}

fn read(path: &Path, since: &mut Since) -> Result<()> {
    let mut input = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        std::io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        if !line.trim_ascii().is_empty() {
            since.take(line.trim_ascii())?;
        }
    }
}

fn report(restored: &Restored) -> String {
    let Restored {
        about,
        raised,
        doubted,
        deleted,
        api_keys,
        lost,
        newest,
    } = restored;
    let mut out = format!("Restored from the backup {}\n", told(about));
    let mut say = |text: String| {
        let _ = writeln!(out, "  {text}"); // a String takes everything
    };
    say(format!(
        "{raised} counters or steps raised, {doubted} event-based applications want two values in a row once, {deleted} records deleted again"
    ));
    say(format!(
        "all sessions, challenges and kept answers ended, {api_keys} API keys of components ended"
    ));
    match lost {
        Some(lost) => {
            let mut until = Vec::new();
            newest.unwrap_or(about.made).write_rfc3339(&mut until);
            say(format!(
                "the exports reach to {}; the effects of {lost} other commands done since the backup are lost: they stand in the exports",
                String::from_utf8_lossy(&until)
            ));
        }
        None => say("what was done since the backup is not known: passwords, PINs, locks and assignments are those of the backup".to_owned()),
    }
    out
}
