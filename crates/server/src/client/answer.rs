use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What came back over HTTP.
pub(crate) struct Answer {
    pub(crate) http: u16,
    pub(crate) body: Vec<u8>,
}

/// The envelope of a completed command (status-codes.md 3).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) status_code: i64,
    pub(crate) status: String,
    pub(crate) message: String,
    pub(crate) result: Map<String, Value>,
    #[serde(default)]
    pub(crate) warnings: Vec<Value>,
    #[serde(default)]
    pub(crate) errors: Vec<Value>,
    /// The answer as it came.
    #[serde(skip)]
    pub(crate) text: String,
}

#[derive(Deserialize)]
struct Problem {
    title: String,
    #[serde(default)]
    detail: String,
}

impl Answer {
    /// The envelope; a transport problem (RFC 9457) or anything else is an error.
    pub(crate) fn envelope(self) -> Result<Envelope> {
        if self.http == 200 {
            let mut envelope: Envelope = serde_json::from_slice(&self.body)
                .context("read the answer: it is no envelope of Countersign; is --server right?")?;
            envelope.text = String::from_utf8_lossy(&self.body).into_owned();
            return Ok(envelope);
        }
        match serde_json::from_slice::<Problem>(&self.body) {
            Ok(problem) => bail!(
                "the server answered {} {}: {}",
                self.http,
                problem.title,
                problem.detail
            ),
            Err(_) => bail!(
                "the server answered HTTP {} without a reason; is --server right?",
                self.http
            ),
        }
    }
}

impl Envelope {
    pub(crate) fn is_success(&self) -> bool {
        self.status_code == 0
    }

    /// The envelope, or an error that names what was asked.
    pub(crate) fn expect_success(self, what: &str) -> Result<Self> {
        if self.is_success() {
            return Ok(self);
        }
        bail!(
            "{what}: {} {}: {}",
            self.status_code,
            self.status,
            self.message
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(http: u16, body: &str) -> String {
        Answer {
            http,
            body: body.into(),
        }
        .envelope()
        .unwrap_err()
        .to_string()
    }

    #[test]
    fn a_problem_says_what_the_server_said() {
        let problem = r#"{"type":"about:blank","title":"Not found","status":404,"detail":"There is no command a/b."}"#;
        assert_eq!(
            error(404, problem),
            "the server answered 404 Not found: There is no command a/b."
        );
        assert_eq!(
            error(502, "<html>"),
            "the server answered HTTP 502 without a reason; is --server right?"
        );
        assert!(error(200, "<html>").starts_with("read the answer"));
    }
}
