use super::opener::passphrase;
use super::{told, watch};
use crate::cli::Place;
use crate::cli::job::Job;
use crate::print;
use crate::serve::store_options;
use anyhow::{Context, Result, bail};
use countersign_keyring::Recipient;
use countersign_keyring::sealed_file::{Whom, Writer};
use countersign_store::Options;
use countersign_store::backup::{self, About, KIND};
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write the store as it is now into one sealed file, while the server serves
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Give one of --passphrase-file (or COUNTERSIGN_BACKUP_PASSPHRASE), --recipient and --plain. A recipient's key pair is made by `countersign key recipient`; its private half need not be on this host.\nThe root key is not in the file; `--plain` leaves everything readable that the root key does not seal.\n\nExamples:\n  countersign backup create --out monday.backup --passphrase-file pass.txt\n  countersign backup create --out monday.backup --recipient csr1..."
)]
pub(super) struct Args {
    /// New file, readable by its owner alone; an existing one is not overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// File with the passphrase (12 bytes at least), - for standard input
    #[arg(long, value_name = "FILE", group = "whom")]
    passphrase_file: Option<PathBuf>,
    /// Public key of the recipient
    #[arg(long, value_name = "KEY", group = "whom")]
    recipient: Option<Recipient>,
    /// Encrypt nothing
    #[arg(long, group = "whom")]
    plain: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let options = store_options(&args.place.load()?)?;
    let whom = match &args.recipient {
        Some(recipient) => Whom::Recipient(recipient.clone()),
        None if args.plain => Whom::Anyone,
        None => Whom::Passphrase(passphrase(args.passphrase_file.as_deref())?),
    };
    if args.out.exists() {
        bail!(
            "make {}: it exists already, and is not overwritten",
            args.out.display()
        );
    }
    let job = Job::begin("backup")?;
    let partial = partial(&args.out)?;
    let made = write(&partial, &args.out, &whom, &options, &job);
    if made.is_err() {
        let _ = std::fs::remove_file(&partial); // half a backup helps nobody; the first error is the one to tell
    }
    let about = made.with_context(|| format!("make the backup {}", args.out.display()))?;
    job.finish();
    print::line(&format!("{}: {}", args.out.display(), told(&about)));
    Ok(ExitCode::SUCCESS)
}

/// A name beside the file, so that the rename stays on one file system.
fn partial(out: &Path) -> Result<PathBuf> {
    let name = out.file_name().context("read --out: it names no file")?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.partial", std::process::id()));
    Ok(out.with_file_name(hidden))
}

fn write(partial: &Path, out: &Path, whom: &Whom, options: &Options, job: &Job) -> Result<About> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(partial)
        .with_context(|| format!("make {}", partial.display()))?;
    let mut writer = Writer::begin(BufWriter::new(file), KIND, whom)?;
    let about = backup::create(options, &mut writer, &mut watch(job))?;
    let file = writer.finish()?.into_inner()?;
    file.sync_all()?;
    std::fs::rename(partial, out)?;
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(about)
}
