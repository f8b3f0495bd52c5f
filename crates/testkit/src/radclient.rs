//! Real RADIUS requests by `radclient`.

use crate::secrets;
use std::io::Write;
use std::process::{Command, Stdio};

/// An answer as `radclient -x` prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Such as `Access-Accept`; `None` if nobody answered.
    pub code: Option<String>,
    /// The attributes of the answer, as printed.
    pub attributes: Vec<(String, String)>,
    /// Everything printed.
    pub text: String,
}

impl Packet {
    /// The first value of an attribute, without quotes.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.trim_matches('"'))
    }

    /// Whether it is an Access-Accept.
    pub fn is_accept(&self) -> bool {
        self.code.as_deref() == Some("Access-Accept")
    }

    /// Whether it is an Access-Reject.
    pub fn is_reject(&self) -> bool {
        self.code.as_deref() == Some("Access-Reject")
    }

    /// Whether it is an Access-Challenge.
    pub fn is_challenge(&self) -> bool {
        self.code.as_deref() == Some("Access-Challenge")
    }

    /// Whether nobody answered.
    pub fn is_silent(&self) -> bool {
        self.code.is_none()
    }

    /// The number in brackets at the end of Reply-Message (`status_in_reply`).
    pub fn status(&self) -> Option<i32> {
        let text = self.get("Reply-Message")?;
        text.rsplit_once('(')?.1.trim_end_matches(')').parse().ok()
    }

    /// State as radclient prints it, for the next request.
    ///
    /// # Panics
    /// There is none.
    pub fn state(&self) -> String {
        self.get("State")
            .unwrap_or_else(|| panic!("no State: {}", self.text))
            .to_owned()
    }
}

/// Sends one request of `kind` (`auth`, `acct`, `status`) with attributes in radclient's form, one try of `timeout`
/// seconds. A Message-Authenticator is added to `auth` and `status` requests unless the attributes name one.
pub fn radclient(
    server: &str,
    kind: &str,
    secret: &str,
    attributes: &[(&str, &str)],
    timeout: f32,
) -> Packet {
    note(secret, attributes);
    let mut input = String::new();
    for (name, value) in attributes {
        input.push_str(&format!("{name} = {value}\n"));
    }
    if kind != "acct"
        && !attributes
            .iter()
            .any(|(name, _)| *name == "Message-Authenticator")
    {
        input.push_str("Message-Authenticator = 0x00\n");
    }
    let mut child = Command::new("radclient")
        .args(if server.starts_with('[') {
            ["-6"]
        } else {
            ["-4"]
        })
        .args([
            "-x",
            "-r",
            "1",
            "-t",
            &timeout.to_string(),
            server,
            kind,
            secret,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run radclient");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes())
        .expect("write to radclient");
    let output = child.wait_with_output().expect("wait for radclient");
    read(&format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn note(secret: &str, attributes: &[(&str, &str)]) {
    secrets::note(secrets::Kind::Key, secret);
    for (name, value) in attributes {
        match *name {
            "User-Password" | "CHAP-Password" | "MS-CHAP-Password" => {
                secrets::note(secrets::Kind::Typed, value.trim_matches('"'))
            }
            "State" => secrets::note(secrets::Kind::Challenge, value.trim_start_matches("0x")),
            _ => {}
        }
    }
}

fn read(text: &str) -> Packet {
    let mut packet = Packet {
        code: None,
        attributes: Vec::new(),
        text: text.to_owned(),
    };
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("Received ") {
            packet.code = rest.split_whitespace().next().map(str::to_owned);
            packet.attributes.clear();
        } else if packet.code.is_some()
            && line.starts_with('\t')
            && let Some((name, value)) = line.trim().split_once(" = ")
        {
            packet.attributes.push((name.to_owned(), value.to_owned()));
        }
    }
    packet
}

/// A value as radclient wants it in quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
