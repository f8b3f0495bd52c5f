//! An answer as a person reads it, or as it came.

use crate::cli::REFUSED;
use crate::client::Envelope;
use crate::print;
use countersign_engine::Status;
use countersign_engine::admin::Refusal;
use countersign_engine::audit::escape::one_line;
use serde_json::{Map, Value};
use std::fmt::Write;
use std::process::ExitCode;

/// Prints an answer; the exit code that goes with it.
pub(crate) fn show(envelope: &Envelope, json: bool) -> ExitCode {
    if json {
        print::line(&envelope.text);
    } else {
        print::out(&plain(&envelope.result));
        for warning in envelope.warnings.iter().chain(&envelope.errors) {
            eprintln!(
                "warning: {}",
                cell(warning.get("message").unwrap_or(warning))
            );
        }
        if !envelope.is_success() {
            eprintln!(
                "{}",
                status_line(envelope.status_code, &envelope.status, &envelope.message)
            );
        } else if envelope.result.is_empty() {
            print::line("done");
        }
    }
    if envelope.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    }
}

/// A refusal before anything was sent.
pub(crate) fn refusal(refusal: &Refusal) -> String {
    status_line(
        refusal.status.number().into(),
        refusal.status.name(),
        &refusal.detail,
    )
}

fn status_line(number: i64, name: &str, message: &str) -> String {
    let advice = Status::from_number(number).map_or("", Status::advice);
    format!(
        "refused: {number} {name}: {}\n  next: {advice}",
        one_line(message)
    )
}

/// Fields that hold nothing are left out.
fn plain(result: &Map<String, Value>) -> String {
    let mut out = String::new();
    let shown = || {
        result
            .iter()
            .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
    };
    let width = shown()
        .filter(|(_, value)| !is_table(value))
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    for (name, value) in shown() {
        match value {
            Value::Array(rows) if is_table(value) => out.push_str(&table(rows)),
            _ => {
                let _ = writeln!(out, "{name:<width$}  {}", cell(value)); // a String takes everything
            }
        }
    }
    out
}

fn is_table(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|rows| !rows.is_empty() && rows.iter().all(Value::is_object))
}

/// Columns that name the object of a row; they come first.
const NAMES: [&str; 9] = [
    "name",
    "user",
    "serial",
    "application",
    "policy_id",
    "type",
    "location",
    "nas_id",
    "domain",
];

/// Columns that a list leaves to `view` and `--json`.
const BOOKKEEPING: [&str; 4] = ["created", "modified", "record_version", "revision"];

/// Longest cell of a list in characters; the whole value is in `view` and `--json`.
const CELL_MAX: usize = 40;

/// Rows as columns; a column that is empty everywhere is left out.
fn table(rows: &[Value]) -> String {
    let rows: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let names = columns(&rows);
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            names
                .iter()
                .map(|name| row.get(*name).map(short).unwrap_or_default())
                .collect()
        })
        .collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|at| {
            cells
                .iter()
                .filter_map(|row| row.get(at))
                .chain([&names.get(at).copied().unwrap_or_default().to_owned()])
                .map(|text| text.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = line(names.iter().copied(), &widths);
    for row in &cells {
        out.push_str(&line(row.iter().map(String::as_str), &widths));
    }
    out
}

fn columns<'a>(rows: &[&'a Map<String, Value>]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for (name, value) in rows.iter().flat_map(|row| row.iter()) {
        let name = name.as_str();
        if !names.contains(&name) && !BOOKKEEPING.contains(&name) && !short(value).is_empty() {
            names.push(name);
        }
    }
    let place = |name: &&str| NAMES.iter().position(|own| own == name);
    names.sort_by_key(|name| place(name).unwrap_or(NAMES.len()));
    names
}

/// A cell of a list; what a policy inherits is left blank.
fn short(value: &Value) -> String {
    let whole = match value.as_str() {
        Some("inherit") => String::new(),
        _ => cell(value),
    };
    match whole.char_indices().nth(CELL_MAX) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

fn line<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
    let padded: Vec<String> = cells
        .zip(widths)
        .map(|(text, width)| format!("{text:<width$}"))
        .collect();
    format!("{}\n", padded.join("  ").trim_end())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text).to_string(),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(result: &Value) -> String {
        plain(result.as_object().unwrap())
    }

    #[test]
    fn fields_are_aligned_and_rows_are_columns() {
        assert_eq!(
            shown(&json!({"user": "alice", "locked": false, "tags": ["a", "b"]})),
            "locked  false\ntags    a, b\nuser    alice\n"
        );
        assert_eq!(
            shown(&json!({"rows": [{"a": "x", "b": null}, {"a": "longer", "b": null}]})),
            "a\nx\nlonger\n"
        );
        assert_eq!(
            shown(&json!({"rows": [], "email": null, "name": ""})),
            "rows  \n"
        );
    }

    #[test]
    fn a_list_begins_with_the_name_and_stays_narrow() {
        let long = "x".repeat(50);
        let rows =
            json!({"rows": [{"a": long, "local_auth": "inherit", "name": "n", "revision": 3}]});
        let cut = "x".repeat(40);
        assert_eq!(shown(&rows), format!("name  a\nn     {cut}…\n"));
    }

    #[test]
    fn a_value_cannot_drive_the_terminal() {
        assert!(
            !shown(&json!({"user": "a\u{1b}[2J\nb"}))
                .trim_end()
                .contains(['\u{1b}', '\n'])
        );
    }
}
