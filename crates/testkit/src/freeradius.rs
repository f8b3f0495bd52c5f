//! FreeRADIUS as a back-end: users who are accepted with attributes, refused in every way, challenged, or not answered.

use crate::postgres::free_port;
use crate::process::{Process, words};
use crate::radclient::radclient;
use crate::{peer, until};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The secret that it shares with everybody on this host.
pub const SECRET: &str = "testing123-of-the-back-end";
/// The password of every user.
pub const PASSWORD: &str = "Passw0rd-1";
/// What user `chal` is to answer to the challenge that follows the password.
pub const CHALLENGE_ANSWER: &str = "123456";

const SERVER: &str = "/usr/sbin/freeradius";
const CONFIGURATION: &str = include_str!("freeradius/radiusd.conf");
const USERS: &str = include_str!("freeradius/users");

/// A FreeRADIUS: `bob` and `dup` are accepted with attributes, `normal`, `learner`, `wrong` and `legacy` (whose answers
/// carry no Message-Authenticator) without, `reject` is refused with a text, `silent` gets no answer, `chal` a challenge;
/// MS-CHAP errors: `hours` 646, `disabled` 647, `expired` 648, `dialin` 649.
#[derive(Debug)]
pub struct FreeRadius {
    dir: TempDir,
    ports: (u16, u16),
    records: bool,
    process: Option<Process>,
}

impl FreeRadius {
    /// A running server that records what comes; `None` with a word on standard error where FreeRADIUS is missing and may
    /// be.
    ///
    /// # Panics
    /// It is missing although it must not be, or does not start.
    pub fn start() -> Option<Self> {
        Self::new(true)
    }

    /// A running server that records nothing, for measurements.
    ///
    /// # Panics
    /// It is missing although it must not be, or does not start.
    pub fn quick() -> Option<Self> {
        Self::new(false)
    }

    fn new(records: bool) -> Option<Self> {
        for program in [SERVER, "radclient"] {
            peer::find(program)?;
        }
        let mut server = Self {
            dir: tempfile::tempdir().expect("make a directory"),
            ports: (free_port(), free_port()),
            records,
            process: None,
        };
        let names = [
            "normal", "learner", "wrong", "legacy", "hours", "disabled", "expired", "dialin",
            "newcomer",
        ];
        server.write_users(&names.map(|name| (name, PASSWORD)));
        server.write_configuration();
        server.up();
        Some(server)
    }

    /// Where it takes authentications, on 127.0.0.1.
    pub fn auth_port(&self) -> u16 {
        self.ports.0
    }

    /// Where it takes accounting, on 127.0.0.1.
    pub fn acct_port(&self) -> u16 {
        self.ports.1
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Knows these users with these passwords besides its own from the next start on.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn write_users(&self, users: &[(&str, &str)]) {
        let mut text = String::new();
        for (name, password) in users {
            let _ = writeln!(text, "{name} Cleartext-Password := \"{password}\""); // into a string
        }
        text += &USERS.replace("@PASSWORD@", PASSWORD);
        std::fs::write(self.path("users"), text).expect("write a file");
    }

    fn write_configuration(&self) {
        let text = CONFIGURATION
            .replace("@DIR@", &self.dir.path().display().to_string())
            .replace("@AUTH@", &self.auth_port().to_string())
            .replace("@ACCT@", &self.acct_port().to_string())
            .replace("@SECRET@", SECRET)
            .replace("@PASSWORD@", PASSWORD)
            .replace("@STATE@", &"5a".repeat(253))
            .replace("@SEEN@", if self.records { "seen" } else { "ok" });
        crate::process::write_private(self.path("radiusd.conf"), &text);
    }

    /// Starts it, again after [`FreeRadius::kill`].
    ///
    /// # Panics
    /// It does not come up.
    pub fn up(&mut self) {
        let mut line = words([SERVER, "-n", "radiusd", "-f", "-d"]);
        line.push(self.dir.path().into());
        self.process = Some(Process::start(&line, &self.path("out")));
        let address = format!("127.0.0.1:{}", self.auth_port());
        until("FreeRADIUS answers", || {
            let running = self.process.as_ref().is_some_and(Process::runs);
            assert!(running, "freeradius ended: {}", self.log());
            let answer = radclient(&address, "status", SECRET, &[], 0.2);
            answer.is_accept().then_some(())
        });
    }

    /// The requests that came so far, one a line: kind, User-Name, User-Password, CHAP-Password, MS-CHAP-Response,
    /// MS-CHAP2-Response, MS-CHAP2-CPW, State, Message-Authenticator, Acct-Status-Type and Acct-Session-Id, with `|` between.
    pub fn seen(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("seen")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What it printed and logged.
    pub fn log(&self) -> String {
        let read = |name| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        read("out") + &read("log")
    }

    /// Kills it.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it where it is.
    pub fn freeze(&self) {
        self.process.iter().for_each(Process::freeze);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.iter().for_each(Process::thaw);
    }

    /// The directory around it, for files of the test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

#[cfg(test)]
mod tests;
