use crate::cli::{Place, REFUSED};
use crate::config::Config;
use crate::print;
use crate::serve::store_options;
use anyhow::{Context, Result, bail};
use countersign_engine::audit::Entry;
use countersign_engine::audit::chain::{Head, import_line};
use countersign_engine::audit::verify::{Anchor, Origin, Outcome, Verifier};
use countersign_engine::time::Timestamp;
use countersign_keyring::{PublicAuditKey, audit_key};
use countersign_store::Reader;
use countersign_store::audit::{Accepted, MovedBack, Range, Trail, moved_back};
use serde_json::Value;
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Prove that the audit trail is complete and unchanged
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --keys the trail's own keys are taken: that proves order, not origin. The store is only read; a server may be running.\n\nExamples:\n  countersign audit verify\n  countersign audit verify --keys audit-keys.json --moving-factors\n  countersign audit verify --file export.jsonl --keys audit-keys.json\n\nExit codes: 0 intact, 1 broken (the first place is named), 2 unreadable."
)]
pub(super) struct Args {
    /// Export to verify instead of the store (JSON lines with chain fields)
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Public audit keys to trust (JSON)
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Only records from this time on (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Only records up to this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<Timestamp>,
    /// Also name every authenticator whose counter or step was set back
    #[arg(long)]
    moving_factors: bool,
    /// Points of the chains that were published elsewhere (JSON lines: node, epoch, seq, hash)
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .ok_or_else(|| "it is no time in RFC 3339, such as 2026-01-31T12:00:00Z".to_owned())
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let trail = Source::open(args)?;
    let outcome = verify(args, &trail)?;
    print::out(&report(&outcome));
    let mut intact = outcome.is_intact();
    if args.moving_factors {
        let back = factors(args, &trail)?;
        print::out(&report_factors(&back));
        intact &= back.is_empty();
    }
    Ok(if intact {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

/// What is verified.
enum Source {
    Store(Reader, Option<Anchor>),
    File(PathBuf),
}

impl Source {
    fn open(args: &Args) -> Result<Self> {
        if let Some(file) = &args.file {
            return Ok(Self::File(file.clone()));
        }
        let config = args.place.load()?;
        let reader = Reader::open(&config.store_url()?)?;
        Ok(Self::Store(reader, remembered(&config)?))
    }

    fn feed(&self, args: &Args, each: &mut dyn FnMut(&[u8], &[u8; 32])) -> Result<()> {
        match self {
            Self::Store(reader, _) if args.is_whole() => reader.entries(each)?,
            Self::Store(reader, _) => reader.scan(args.range(), &mut |line, _| {
                each(&line.json, &line.hash);
                true
            })?,
            Self::File(path) => lines(path, &mut |line| {
                let (json, hash) = import_line(line).unwrap_or_else(|| (line.to_vec(), [0; 32]));
                let at = Entry::read(&json).ok().and_then(|entry| entry.time());
                if at.is_none_or(|at| args.includes(at)) {
                    each(&json, &hash);
                }
                Ok(())
            })?,
        }
        Ok(())
    }
}

impl Args {
    fn is_whole(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    fn range(&self) -> Range {
        let all = Range::all(false);
        Range {
            from: self.from.unwrap_or(all.from),
            to: self.to.unwrap_or(all.to),
            ..all
        }
    }

    fn includes(&self, at: Timestamp) -> bool {
        let range = self.range();
        range.from <= at && at <= range.to
    }
}

/// The point that the node itself remembers of its store: a store that was put back lacks it.
fn remembered(config: &Config) -> Result<Option<Anchor>> {
    let options = store_options(config)?;
    let Ok(text) = std::fs::read(&options.state_file) else {
        return Ok(None);
    };
    let json: Value = serde_json::from_slice(&text)
        .with_context(|| format!("read {}", options.state_file.display()))?;
    let head =
        Head::from_json(&json).with_context(|| format!("read {}", options.state_file.display()))?;
    Ok(Some(Anchor {
        node: options.node,
        head,
    }))
}

fn verify(args: &Args, trail: &Source) -> Result<Outcome> {
    let check = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        audit_key::verify(key, message, signature)
    };
    let mut verifier = Verifier::new(&check);
    if let Some(path) = &args.keys {
        verifier = verifier.trusting(keys(path)?);
    }
    let mut anchors = args
        .anchors
        .as_deref()
        .map(anchors)
        .transpose()?
        .unwrap_or_default();
    if let Source::Store(_, Some(anchor)) = trail
        && args.is_whole()
    {
        anchors.push(anchor.clone());
    }
    verifier = verifier.anchored(anchors);
    if !args.is_whole() {
        verifier = verifier.partial();
    }
    trail.feed(args, &mut |json, hash| verifier.take(json, hash))?;
    Ok(verifier.finish())
}

/// Public audit keys: a JSON array, or one object or key a line.
fn keys(path: &Path) -> Result<Vec<[u8; 32]>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let all: Vec<PublicAuditKey> = match serde_json::from_str(&text) {
        Ok(all) => all,
        Err(_) => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .with_context(|| format!("read the audit keys in {}", path.display()))?,
    };
    let bytes: Option<Vec<_>> = all.iter().map(PublicAuditKey::bytes).collect();
    match bytes {
        Some(bytes) if !bytes.is_empty() => Ok(bytes),
        _ => bail!(
            "read the audit keys in {}: a key is damaged, or there is none",
            path.display()
        ),
    }
}

fn anchors(path: &Path) -> Result<Vec<Anchor>> {
    let mut all = Vec::new();
    lines(path, &mut |line| {
        let json: Value = serde_json::from_slice(line)
            .with_context(|| format!("read the anchors in {}", path.display()))?;
        let node = json.get("node").and_then(Value::as_str).with_context(|| {
            format!(
                "read the anchors in {}: a line names no node",
                path.display()
            )
        })?;
        let head = Head::from_json(&json).with_context(|| {
            format!(
                "read the anchors in {}: a line lacks epoch, seq or hash",
                path.display()
            )
        })?;
        all.push(Anchor {
            node: node.to_owned(),
            head,
        });
        Ok(())
    })?;
    Ok(all)
}

fn lines(path: &Path, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let file = File::open(path).with_context(|| format!("read {}", path.display()))?;
    for line in BufReader::new(file).split(b'\n') {
        let line = line.with_context(|| format!("read {}", path.display()))?;
        if !line.trim_ascii().is_empty() {
            each(&line)?;
        }
    }
    Ok(())
}

fn report(outcome: &Outcome) -> String {
    let mut out = String::new();
    match outcome.first_problem() {
        None => out.push_str("intact\n"),
        Some(problem) => {
            let _ = writeln!(out, "BROKEN: {problem}"); // a String takes everything
            for problem in outcome.problems.iter().skip(1) {
                let _ = writeln!(out, "  also: {problem}");
            }
            let more = outcome
                .problem_count
                .saturating_sub(outcome.problems.len() as u64);
            if more > 0 {
                let _ = writeln!(out, "  and {more} more");
            }
        }
    }
    let _ = writeln!(
        out,
        "  {} records, {} epochs, {} nodes, {} signed checkpoints",
        outcome.records, outcome.epochs, outcome.nodes, outcome.checkpoints
    );
    out.push_str(match outcome.origin {
        Origin::Proven => "  order and origin proven\n",
        Origin::OrderOnly => "  order proven, origin not: name trusted keys by --keys\n",
    });
    for note in &outcome.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    out
}

/// Compares the moving factors in the store with the newest accepted ones of the trail.
fn factors(args: &Args, trail: &Source) -> Result<Vec<MovedBack>> {
    let mut accepted = Accepted::default();
    let mut take = |json: &[u8]| {
        if let Ok(entry) = Entry::read(json) {
            accepted.take(&entry);
        }
    };
    let stored = match trail {
        Source::Store(reader, _) => {
            reader.scan(Range::all(false), &mut |line, _| {
                take(&line.json);
                true
            })?;
            reader.factors()?
        }
        // a whole store put back cannot reach an export, so the export is held against the store
        Source::File(_) => {
            trail.feed(args, &mut |json, _| take(json))?;
            Reader::open(&args.place.load()?.store_url()?)?.factors()?
        }
    };
    Ok(moved_back(&accepted, &stored))
}

fn report_factors(back: &[MovedBack]) -> String {
    if back.is_empty() {
        return "  moving factors: none was set back\n".to_owned();
    }
    let mut out = String::new();
    for MovedBack {
        serial,
        application,
        accepted,
        stored,
    } in back
    {
        let _ = writeln!(
            out,
            "SET BACK: {serial} {application}: accepted was {accepted}, stored is {stored}"
        );
    }
    out
}
