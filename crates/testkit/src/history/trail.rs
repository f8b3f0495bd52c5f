//! Audit records as the program prints them.

use super::{COUNTED, Factor};
use serde_json::Value;
use std::fmt;

/// Codes of the main records of logons.
const MAIN: [&str; 12] = [
    "S-101001", "F-101001", "F-101002", "F-101003", "F-101004", "F-101005", "I-101001", "I-101002",
    "I-101006", "I-101008", "S-105001", "F-105001",
];
const ACCEPTS: [&str; 2] = ["S-101001", "S-105001"];

/// What matters of an audit record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Identity.
    pub amid: String,
    /// The node that wrote it (`source`).
    pub node: String,
    /// The chain it stands in.
    pub epoch: String,
    /// Its place there.
    pub seq: u64,
    /// Code, such as `S-101001`.
    pub code: String,
    /// The real status.
    pub status: Option<i16>,
    /// What the client got, if different.
    pub client_status: Option<i16>,
    /// Joins the records of a request.
    pub request_id: Option<String>,
    /// The actor.
    pub user: Option<String>,
    /// The user a command is about.
    pub target_user: Option<String>,
    /// Authenticator.
    pub serial: Option<String>,
    /// Its application.
    pub application: Option<String>,
    /// The accepted moving factor.
    pub factor: Option<Factor>,
}

impl Record {
    /// Whether it is the one main record of a logon.
    pub fn is_main(&self) -> bool {
        MAIN.contains(&self.code.as_str())
    }

    /// Whether it says that a logon was accepted.
    pub fn is_accept(&self) -> bool {
        ACCEPTS.contains(&self.code.as_str())
    }

    /// Whether it says that a failure was counted.
    pub(super) fn is_counted(&self) -> bool {
        self.is_main() && self.status.is_some_and(|status| COUNTED.contains(&status))
    }

    /// The status that the client got.
    pub(super) fn told(&self) -> Option<i16> {
        self.client_status.or(self.status)
    }

    /// Authenticator and application in words.
    pub(super) fn authenticator(&self) -> String {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        format!("{} {}", text(&self.serial), text(&self.application))
    }
}

/// A line that is no audit record.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} is no audit record: {}", self.line, self.why)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a trail printed as JSON lines (`countersign audit tail --json`, an export, a file sink). Empty lines are skipped.
///
/// # Errors
/// The first line that is no record.
pub fn read_lines(text: &str) -> Result<Vec<Record>, Unreadable> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(place, line)| {
            let why = |why| Unreadable {
                line: place + 1,
                why,
            };
            let value = serde_json::from_str(line).map_err(|error| why(error.to_string()))?;
            record(&value).map_err(why)
        })
        .collect()
}

/// Reads records as `audit/query` and `audit/view` return them.
///
/// # Errors
/// The first one that is no record.
pub fn read_records<'a>(
    values: impl IntoIterator<Item = &'a Value>,
) -> Result<Vec<Record>, Unreadable> {
    let values = values.into_iter().enumerate();
    values
        .map(|(place, value)| {
            record(value).map_err(|why| Unreadable {
                line: place + 1,
                why,
            })
        })
        .collect()
}

fn record(value: &Value) -> Result<Record, String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let needed = |name: &str| text(name).ok_or_else(|| format!("it has no `{name}`"));
    let status = |name: &str| -> Result<Option<i16>, String> {
        let Some(field) = value.get(name) else {
            return Ok(None);
        };
        let number = field.as_i64().and_then(|number| i16::try_from(number).ok());
        number
            .map(Some)
            .ok_or_else(|| format!("`{name}` is no status"))
    };
    Ok(Record {
        amid: needed("amid")?,
        node: text("source").unwrap_or_default(),
        epoch: text("epoch").unwrap_or_default(),
        seq: number(value.get("seq")).unwrap_or_default(),
        code: needed("code")?,
        status: status("status_code")?,
        client_status: status("client_status_code")?,
        request_id: text("request_id"),
        user: text("user"),
        target_user: text("target_user"),
        serial: text("serial"),
        application: text("application"),
        factor: factor(value)?,
    })
}

/// A whole number, also one that was written as text for its size.
fn number(field: Option<&Value>) -> Option<u64> {
    let field = field?;
    field.as_u64().or_else(|| field.as_str()?.parse().ok())
}

/// The accepted moving factor; a challenge stands for itself where nothing else moves.
fn factor(value: &Value) -> Result<Option<Factor>, String> {
    if let Some(counter) = value.get("verified_counter") {
        let counter = number(Some(counter)).ok_or("`verified_counter` is no number")?;
        return Ok(Some(Factor::Counter(counter)));
    }
    if let Some(time) = value.get("verified_time").and_then(Value::as_str) {
        let time = countersign_engine::time::Timestamp::parse(time)
            .ok_or("`verified_time` is no moment")?;
        return Ok(Some(Factor::Second(time.seconds())));
    }
    let is_accept = value.get("code").and_then(Value::as_str) == Some("S-101001");
    let key = value.get("challenge_key").and_then(Value::as_str);
    Ok(key
        .filter(|_| is_accept)
        .map(|key| Factor::Challenge(key.to_owned())))
}
