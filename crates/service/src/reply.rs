//! What goes back over JSON: a completed command, or a transport problem.

use countersign_engine::Status;
use serde_json::{Map, Value};

/// A completed command, refusals included; the envelope of status-codes.md 3 is made from it.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status the client gets.
    pub status: Status,
    /// The sentence that goes with it.
    pub message: String,
    /// The fields of the answer.
    pub result: Map<String, Value>,
    /// What went wrong without stopping the command.
    pub warnings: Vec<(Status, String)>,
    /// Causes, outermost first: code, name, message.
    pub errors: Vec<(i64, String, String)>,
    /// Identity of the request, as `explain` and the audit know it.
    pub request_id: String,
}

impl Reply {
    /// A reply that says no more than its status.
    pub fn bare(status: Status, request_id: impl Into<String>) -> Self {
        Self::with(status, status.message(), request_id)
    }

    /// A reply with a sentence of its own.
    pub fn with(status: Status, message: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            result: Map::new(),
            warnings: Vec::new(),
            errors: Vec::new(),
            request_id: request_id.into(),
        }
    }

    /// Adds a field unless it is absent.
    pub fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.result.insert(name.to_owned(), value.into());
        }
    }
}

/// A transport problem (RFC 9457): the command was not carried out at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub http: u16,
    /// Short title.
    pub title: &'static str,
    /// What happened and what to do.
    pub detail: String,
    /// Seconds after which it makes sense to try again.
    pub retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem without retry.
    pub fn new(http: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            http,
            title,
            detail: detail.into(),
            retry_after_s: None,
        }
    }

    /// The node is stopping (503).
    pub fn stopping() -> Self {
        Self::new(
            503,
            "Stopping",
            "This node is stopping and takes no new requests; ask another one.",
        )
    }
}
