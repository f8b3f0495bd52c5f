//! Lines to paste, each of which works exactly as printed.

use super::samples::{PIN, Samples};
use crate::serve::files::{self, FirstRun, Ready};
use anyhow::{Context, Result};
use std::fmt::Write;
use std::path::Path;

/// One line with what it shows.
pub(super) struct Line {
    pub(super) title: &'static str,
    pub(super) command: String,
    /// What the output holds when it worked.
    pub(super) expect: &'static str,
}

/// What the lines are made of.
struct Words<'a> {
    samples: &'a Samples,
    ready: &'a Ready,
    secret: &'a str,
    folder: String,
    certificate: String,
    program: String,
}

/// All lines, in an order in which each succeeds.
pub(super) fn all(
    samples: &Samples,
    ready: &Ready,
    secret: &str,
    folder: &Path,
) -> Result<Vec<Line>> {
    let program = std::env::current_exe().context("find the path of this program")?;
    let words = Words {
        samples,
        ready,
        secret,
        folder: quoted(folder)?,
        certificate: quoted(&folder.join(files::CERTIFICATE))?,
        program: quoted(&program)?,
    };
    Ok(words.lines())
}

impl Words<'_> {
    fn lines(&self) -> Vec<Line> {
        let line = |title, expect, command| Line {
            title,
            command,
            expect,
        };
        vec![
            line(
                "alice, HOTP, over RADIUS (the value of counter 0)",
                "Received Access-Accept",
                self.radius("alice", &self.hotp("alice", 0)),
            ),
            line(
                "alice, HOTP, over JSON (the value of counter 1)",
                "\"status_code\":0,",
                self.json("alice", &self.hotp("alice", 1)),
            ),
            line(
                "bob, TOTP, over RADIUS",
                "Received Access-Accept",
                self.radius(
                    "bob",
                    &format!("$(oathtool --totp {})", self.samples.hex("bob")),
                ),
            ),
            line(
                "carol, her PIN before the HOTP value",
                "Received Access-Accept",
                self.radius("carol", &format!("{PIN}{}", self.hotp("carol", 0))),
            ),
            line(
                "dave asks for a challenge by typing the keyword",
                "Received Access-Challenge",
                self.radius_expecting(
                    "dave",
                    "challenge",
                    ", Response-Packet-Type = Access-Challenge",
                ),
            ),
            line(
                "dave asks for a challenge and answers it",
                "\"status_code\":0,",
                self.challenge(),
            ),
            line(
                "a wrong value, and why it was refused",
                "1012 STAT_",
                self.explain(),
            ),
            line(
                "what the administration knows of alice",
                "alice",
                format!(
                    "{} admin --data-dir {} user view --user alice",
                    self.program, self.folder
                ),
            ),
            line(
                "the audit trail is complete and unchanged",
                "intact",
                format!("{} audit verify --data-dir {}", self.program, self.folder),
            ),
            line(
                "what a status code means",
                "STAT_",
                format!("{} status 1008", self.program),
            ),
            line(
                "health",
                "ready",
                format!("curl -s {}/health", self.ready.health),
            ),
        ]
    }

    fn hotp(&self, user: &str, counter: u32) -> String {
        format!("$(oathtool --hotp -c {counter} {})", self.samples.hex(user))
    }

    fn radius(&self, user: &str, password: &str) -> String {
        self.radius_expecting(user, password, "")
    }

    /// `expected` names another answer than Access-Accept, which radclient would take for a failure.
    fn radius_expecting(&self, user: &str, password: &str, expected: &str) -> String {
        format!(
            "echo \"User-Name = {user}, User-Password = {password}, Message-Authenticator = 0x00{expected}\" | radclient -x {} auth {}",
            self.ready.radius_auth, self.secret
        )
    }

    /// `body` stands between double quotes for the shell.
    fn post(&self, body: &str) -> String {
        format!(
            "curl -s --cacert {} -H 'Content-Type: application/json' {}/v1/auth/authenticate -d \"{}\"",
            self.certificate,
            self.ready.http,
            body.replace('"', "\\\"")
        )
    }

    fn json(&self, user: &str, password: &str) -> String {
        self.post(&format!(
            r#"{{"component":"web_module","user":"{user}","password":"{password}"}}"#
        ))
    }

    fn challenge(&self) -> String {
        let field = |name: &str| {
            format!("$(echo \"$asked\" | sed 's/.*\"{name}\":\"\\([^\"]*\\)\".*/\\1/')")
        };
        let answer = format!(
            "$({} demo --data-dir {} --answer $challenge)",
            self.program, self.folder
        );
        let body = r#"{"component":"web_module","user":"dave","challenge_key":"$key","response":"$answer"}"#;
        format!(
            "asked=$({}); key={}; challenge={}; answer={answer}; {}",
            self.json("dave", "challenge"),
            field("challenge_key"),
            field("challenge"),
            self.post(body)
        )
    }

    fn explain(&self) -> String {
        let wrong = self.json("alice", "000000");
        format!(
            "{} explain --data-dir {} $({wrong} | sed 's/.*\"request_id\":\"\\([^\"]*\\)\".*/\\1/')",
            self.program, self.folder
        )
    }
}

/// Everything the demo says about itself.
pub(super) fn page(lines: &[Line], first: &FirstRun, ready: &Ready, folder: &Path) -> String {
    let mut out = format!(
        "Countersign demo\n\n  API            {}   (documents: {}/docs)\n  RADIUS         {}, secret {}\n  administrator  {}, password {}\n  data           {}\n\nPaste these in another terminal. A one-time password works once: a HOTP line that is pasted again is refused (1008) until you\nraise the counter after -c; bob's next value comes within 30 seconds.\n",
        ready.http,
        ready.http,
        ready.radius_auth,
        first.radius.secret,
        first.admin.user,
        first.admin.password,
        folder.display()
    );
    for line in lines {
        let _ = write!(out, "\n# {}\n{}\n", line.title, line.command); // a String takes everything
    }
    out.push('\n');
    out
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> Result<String> {
    let text = path
        .to_str()
        .with_context(|| format!("print {}: the path is not UTF-8", path.display()))?;
    let plain = text
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "/._-+=:@".contains(letter));
    Ok(if plain {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    })
}
