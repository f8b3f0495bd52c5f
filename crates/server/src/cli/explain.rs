use super::{Place, REFUSED};
use crate::print;
use anyhow::Result;
use countersign_engine::audit::Entry;
use countersign_engine::audit::escape::one_line;
use countersign_engine::trace::Trace;
use countersign_store::Reader;
use countersign_store::audit::{Line, Trail};
use serde_json::Value;
use std::fmt::Write;
use std::process::ExitCode;

/// Explain one decision: which rules were consulted, what they saw, what they said
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The trace is kept for trace.keep_days (30). It holds no password, value, key or State. The store is only read; a server may be running.\n\nExamples:\n  countersign explain 0197f3c2a4b87e0f9b1d2c3e4f506172\n  countersign explain my-request-4711 --data-dir /var/lib/countersign"
)]
pub(crate) struct Args {
    /// request_id of the answer, the client's own, or the amid of an audit record
    request_id: String,
    /// Print records and trace as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let reader = Reader::open(&args.place.load()?.store_url()?)?;
    let entries: Vec<Entry> = reader
        .of_request(&args.request_id)?
        .iter()
        .filter_map(Line::entry)
        .collect();
    if entries.is_empty() {
        eprintln!(
            "countersign: there is no record of request {}; look for its id in the answer or by `countersign audit tail`",
            one_line(&args.request_id)
        );
        return Ok(ExitCode::from(REFUSED));
    }
    let explained = explain(&reader, &entries)?;
    print::out(&if args.json {
        as_json(&entries, &explained)
    } else {
        as_text(&entries, &explained)
    });
    Ok(ExitCode::SUCCESS)
}

/// The trace of each record that has one.
fn explain(reader: &Reader, entries: &[Entry]) -> Result<Vec<Option<String>>> {
    let one = |entry: &Entry| -> Result<Option<String>> {
        let Some(amid) = entry.amid() else {
            return Ok(None);
        };
        Ok(reader
            .trace(&amid)?
            .and_then(|stored| Trace::decode(&stored))
            .map(|trace| trace.render()))
    };
    entries.iter().map(one).collect()
}

/// Fields of a record in the order in which a help-desk asks for them.
const SHOWN: [&str; 21] = [
    "time",
    "user",
    "domain",
    "target_user",
    "target",
    "command",
    "component_type",
    "client_location",
    "nas",
    "policy",
    "local_auth",
    "credential_type",
    "serial",
    "application",
    "status_code",
    "client_status_code",
    "reason",
    "verified_counter",
    "verified_time",
    "elapsed_ms",
    "request_id",
];

fn as_text(entries: &[Entry], traces: &[Option<String>]) -> String {
    let mut out = String::new();
    for (entry, trace) in entries.iter().zip(traces) {
        let text = |name| entry.text(name).unwrap_or_default();
        let _ = writeln!(out, "{} {}", text("code"), one_line(text("description"))); // a String takes everything
        for name in SHOWN {
            if let Some(value) = entry.fields().get(name) {
                let _ = writeln!(out, "  {:<18} {}", name, value_text(entry, name, value));
            }
        }
        match trace {
            Some(trace) => {
                let _ = writeln!(out, "  how it was decided:");
                trace.lines().for_each(|line| {
                    let _ = writeln!(out, "    {line}");
                });
            }
            None if traces.iter().all(Option::is_none) => {
                out.push_str("  no trace is kept of this decision (any more)\n");
            }
            None => {}
        }
    }
    out
}

fn value_text(entry: &Entry, name: &str, value: &Value) -> String {
    let status = match name {
        "status_code" => entry.status(),
        "client_status_code" => entry.client_status(),
        _ => None,
    };
    match (status, value) {
        (Some(status), _) => status.to_string(),
        (None, Value::String(text)) => one_line(text).into_owned(),
        (None, other) => other.to_string(),
    }
}

fn as_json(entries: &[Entry], traces: &[Option<String>]) -> String {
    let rows: Vec<Value> = entries
        .iter()
        .zip(traces)
        .map(|(entry, trace)| serde_json::json!({"record": entry.fields(), "trace": trace}))
        .collect();
    format!("{}\n", Value::Array(rows))
}
