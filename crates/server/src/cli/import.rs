use super::admin::{Session, block_on, from_files, late, output};
use super::{FAILED, REFUSED};
use crate::client::{Connection, Envelope, Progress};
use crate::print;
use anyhow::{Context, Result};
use countersign_engine::Status;
use countersign_engine::admin::{Verb, body_of_text, table};
use countersign_engine::audit::escape::one_line;
use hyper::body::Bytes;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Files below this size travel within the JSON body, so that a key or passphrase beside them stands in no URL.
const SMALL: usize = 512 << 10;

/// Import authenticators from a file, with one status for each row
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "countersign import [OPTIONS] <pskc|authenticators|otpauth> FILE [--field VALUE]... [--json]",
    after_help = "Fields are those of `countersign admin import KIND --help`; secrets take @FILE.\n\nExamples:\n  countersign import pskc tokens.xml --passphrase @pass.txt\n  countersign import authenticators tokens.csv --dry-run\n  countersign import otpauth uris.txt\n\nExit codes: 0 all rows done, 1 a row refused, 2 not possible."
)]
pub(crate) struct Args {
    /// What the file is
    #[arg(value_parser = ["pskc", "authenticators", "otpauth"])]
    kind: String,
    /// The file
    file: PathBuf,
    /// Options of the import
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "--field VALUE"
    )]
    rest: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Some(verb) = table::find("import", &args.kind).filter(|verb| !verb.is_later()) else {
        eprintln!(
            "countersign: import/{} is not offered by this version (-108)",
            args.kind
        );
        return Ok(ExitCode::from(REFUSED));
    };
    let late = late(&mut args.connection.clone(), &args.rest, Some(verb))?;
    let options = match body_of_text(verb.object, verb.verb, &from_files(verb, late.words)?) {
        Ok(options) => options,
        Err(refusal) => {
            eprintln!("{}", output::refusal(&refusal));
            return Ok(ExitCode::from(REFUSED));
        }
    };
    let file =
        std::fs::read(&args.file).with_context(|| format!("read {}", args.file.display()))?;
    let envelope = block_on(async {
        let mut session = Session::open(&late.connection).await?;
        let envelope = send(&mut session, verb, options, file).await;
        session.close().await;
        envelope
    })?;
    if late.json {
        return Ok(output::show(&envelope, true));
    }
    Ok(show(&envelope))
}

/// Sends a file to be imported.
pub(crate) async fn send(
    session: &mut Session,
    verb: &Verb,
    mut options: Map<String, Value>,
    file: Vec<u8>,
) -> Result<Envelope> {
    let bar = upload_bar(file.len());
    let envelope = match String::from_utf8(file) {
        Ok(text) if text.len() < SMALL => {
            options.insert("data".to_owned(), text.into());
            session.run(verb, &options).await
        }
        file => {
            let file = file.map_or_else(std::string::FromUtf8Error::into_bytes, String::into_bytes);
            session
                .client
                .import(verb.verb, &options, Bytes::from(file), Some(watch(&bar)))
                .await
        }
    };
    bar.finish_and_clear();
    envelope
}

fn upload_bar(size: usize) -> ProgressBar {
    let bar = ProgressBar::new(size as u64);
    if let Ok(style) =
        ProgressStyle::with_template("{msg} [{bar:40}] {bytes}/{total_bytes} {elapsed}")
    {
        bar.set_style(style);
    }
    bar.set_message("upload");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn watch(bar: &ProgressBar) -> Progress {
    let bar = bar.clone();
    Box::new(move |bytes| {
        bar.inc(bytes);
        if bar.length().is_some_and(|all| bar.position() >= all) {
            bar.set_message("the server reads the file");
        }
    })
}

/// Prints one line for each row and a summary.
fn show(envelope: &Envelope) -> ExitCode {
    let rows = envelope
        .result
        .get("rows")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let bar = ProgressBar::new(rows.len() as u64);
    bar.set_message("rows");
    let mut refused = 0;
    for (number, row) in rows.iter().enumerate() {
        let status = row
            .get("status_code")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        refused += usize::from(status != 0);
        bar.suspend(|| print::line(&row_line(number + 1, status, row)));
        bar.inc(1);
    }
    bar.finish_and_clear();
    if !envelope.is_success() {
        return output::show(envelope, false);
    }
    eprintln!(
        "{} rows: {} done, {refused} refused",
        rows.len(),
        rows.len() - refused
    );
    match (rows.is_empty(), refused) {
        (true, _) => ExitCode::from(FAILED),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::from(REFUSED),
    }
}

fn row_line(number: usize, status: i64, row: &Value) -> String {
    let text = |name: &str| {
        row.get(name)
            .and_then(Value::as_str)
            .map(|text| one_line(text).into_owned())
    };
    let number = ["row", "line", "index"]
        .iter()
        .find_map(|name| row.get(*name).and_then(Value::as_u64))
        .unwrap_or(number as u64);
    let name = Status::from_number(status).map_or("", Status::name);
    let what = text("serial").or_else(|| text("user")).unwrap_or_default();
    let message = if status == 0 {
        text("warning")
    } else {
        text("message").or_else(|| text("detail"))
    };
    format!(
        "{number:>6}  {what:<20} {status:>5} {name} {}",
        message.unwrap_or_default()
    )
    .trim_end()
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_tells_its_place_serial_and_status() {
        let row = json!({"row": 7, "serial": "A1", "status_code": 5003, "message": "other type\n"});
        assert_eq!(
            row_line(1, 5003, &row)
                .split_whitespace()
                .take(3)
                .collect::<Vec<_>>(),
            ["7", "A1", "5003"]
        );
        assert!(row_line(1, 5003, &row).ends_with("other type\\n"));
        assert_eq!(
            row_line(3, 0, &json!({"serial": "B"}))
                .split_whitespace()
                .take(3)
                .collect::<Vec<_>>(),
            ["3", "B", "0"]
        );
    }
}
