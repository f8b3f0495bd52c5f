use crate::cli::Place;
use crate::print;
use anyhow::Result;
use countersign_engine::audit::Entry;
use countersign_engine::audit::escape::one_line;
use countersign_store::Reader;
use countersign_store::audit::{Line, Position, Range, Trail};
use serde_json::Value;
use std::process::ExitCode;
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Records read at a time while following.
const PIECE: usize = 1000;

/// Print the newest audit records
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  countersign audit tail -n 20 --follow")]
pub(super) struct Args {
    /// How many records
    #[arg(short, default_value_t = 10)]
    n: usize,
    /// Go on with new records until interrupted
    #[arg(long)]
    follow: bool,
    /// Print the records as they are stored
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let reader = Reader::open(&args.place.load()?.store_url()?)?;
    let position = reader.position()?;
    let mut newest = Vec::new();
    if args.n > 0 {
        reader.scan(Range::all(true), &mut |line, _| {
            if position.covers(line) {
                newest.push(line.clone());
            }
            newest.len() < args.n
        })?;
    }
    newest.iter().rev().for_each(|line| show(line, args.json));
    if args.follow {
        follow(&reader, position, args.json)
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints new records until the program is interrupted.
fn follow(reader: &Reader, mut position: Position, json: bool) -> Result<ExitCode> {
    loop {
        let new = reader.after(&mut position, PIECE)?;
        new.iter().for_each(|line| show(line, json));
        if new.is_empty() {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn show(line: &Line, json: bool) {
    match line.entry().filter(|_| !json) {
        Some(entry) => print::line(&sentence(&entry)),
        None => print::line(&String::from_utf8_lossy(&line.json)),
    }
}

/// One record in one line: time, code, who, what, status.
fn sentence(entry: &Entry) -> String {
    let mut words = vec![
        entry.text("time").unwrap_or_default().to_owned(),
        entry.text("code").unwrap_or_default().to_owned(),
    ];
    words.extend(entry.text("description").map(str::to_owned));
    for name in [
        "user",
        "domain",
        "command",
        "target_user",
        "target",
        "serial",
        "component_type",
        "client_location",
        "status_code",
        "reason",
        "request_id",
    ] {
        match entry.fields().get(name) {
            Some(Value::String(text)) => words.push(format!("{name}={text:?}")),
            Some(Value::Number(number)) => words.push(format!("{name}={number}")),
            _ => {}
        }
    }
    one_line(&words.join(" ")).into_owned()
}
