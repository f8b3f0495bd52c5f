//! Real HTTPS requests by `curl`.

use crate::secrets;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status; 0 if there was none.
    pub http: u16,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// The body as text.
    pub text: String,
    /// Seconds it took.
    pub seconds: f64,
}

impl Answer {
    /// `status_code` of the envelope.
    ///
    /// # Panics
    /// The body is no envelope.
    pub fn status(&self) -> i64 {
        self.body["status_code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no envelope: HTTP {} {}", self.http, self.text))
    }

    /// A field of `result`.
    pub fn result(&self, name: &str) -> &Value {
        &self.body["result"][name]
    }

    /// A text field of `result`.
    ///
    /// # Panics
    /// It is not there.
    pub fn text(&self, name: &str) -> String {
        self.result(name)
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.text))
            .to_owned()
    }
}

/// A POST of raw bytes.
pub fn post_bytes(url: &str, content_type: &str, body: &[u8], extra: &[&str]) -> Answer {
    request(url, Some((content_type, body)), extra)
}

fn request(url: &str, content: Option<(&str, &[u8])>, extra: &[&str]) -> Answer {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--insecure",
        "--max-time",
        "60",
        "--noproxy",
        "*",
    ]);
    if let Some((content_type, _)) = content {
        command.args([
            "--header",
            &format!("Content-Type: {content_type}"),
            "--data-binary",
            "@-",
        ]);
    }
    let mut child = command
        .args(["--write-out", "\n%{http_code} %{time_total}"])
        .args(extra)
        .arg(url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run curl");
    let mut pipe = child.stdin.take().expect("a pipe");
    if let Some((_, body)) = content {
        let _ = pipe.write_all(body); // a server that refuses early closes the pipe
    }
    drop(pipe);
    let output = child.wait_with_output().expect("wait for curl");
    let all = String::from_utf8_lossy(&output.stdout).into_owned();
    let (text, last) = all.rsplit_once('\n').unwrap_or(("", &all));
    let (http, seconds) = last.split_once(' ').unwrap_or(("0", "0"));
    Answer {
        http: http.parse().unwrap_or(0),
        body: serde_json::from_str(text).unwrap_or(Value::Null),
        text: text.to_owned(),
        seconds: seconds.parse().unwrap_or(0.0),
    }
}

/// A POST of JSON; the secrets in body and answer are remembered.
pub fn post(url: &str, body: &Value, extra: &[&str]) -> Answer {
    secrets::note_json(body);
    let answer = post_bytes(url, "application/json", body.to_string().as_bytes(), extra);
    secrets::note_answer(url, &answer.body);
    answer
}

/// A GET.
pub fn get(url: &str) -> Answer {
    request(url, None, &[])
}
