//! OpenSSH's server that logs its users on by pam_radius.

use crate::expect::converse;
use crate::pam::PamRadius;
use crate::postgres::free_port;
use crate::process::{Process, run};
use crate::{peer, until};
use std::net::TcpStream;
use std::process::Command;

const SERVER: &str = "/usr/sbin/sshd";

/// A running sshd that asks for what its RADIUS server wants to know.
#[derive(Debug)]
pub struct OpenSsh {
    pam: PamRadius,
    port: u16,
    _process: Process,
}

impl OpenSsh {
    /// A server that asks the RADIUS server at `host:port`; these users exist. `None` with a word on standard error where
    /// it is missing and may be.
    ///
    /// # Panics
    /// It is missing although it must not be, or does not start.
    pub fn start(radius: &str, secret: &str, users: &[&str]) -> Option<Self> {
        for program in [SERVER, "ssh", "ssh-keygen", "expect"] {
            peer::find(program)?;
        }
        let pam = PamRadius::new("sshd", radius, secret, users)?;
        let port = free_port();
        let key = pam.path("host_key");
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key));
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM yes\n\
             KbdInteractiveAuthentication yes\nPasswordAuthentication no\nPubkeyAuthentication no\nStrictModes no\n",
            key.display()
        );
        let configuration = pam.path("sshd_config");
        std::fs::write(&configuration, text).expect("write a file");
        let mut line = pam.before();
        line.extend([SERVER.into(), "-D".into(), "-e".into(), "-f".into()]);
        line.push(configuration.into());
        let log = pam.path("log");
        let process = Process::start(&line, &log);
        until("sshd listens", || {
            let printed = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(process.runs(), "sshd ended: {}", printed());
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Some(Self {
            pam,
            port,
            _process: process,
        })
    }

    /// Logs on, answering prompts by expression, and runs `id -un`; everything that was printed.
    pub fn log_on(&self, user: &str, prompts: &[(&str, &str)]) -> String {
        let port = self.port.to_string();
        let target = format!("{user}@127.0.0.1");
        let line = [
            "ssh",
            "-F",
            "none",
            "-p",
            &port,
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "PreferredAuthentications=keyboard-interactive",
            "-o",
            "NumberOfPasswordPrompts=1",
            &target,
            "echo logged on as $(id -un)",
        ];
        converse(&line.map(str::to_owned), prompts, &[])
    }

    /// What the server printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.pam.path("log")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freeradius::{CHALLENGE_ANSWER, FreeRadius, PASSWORD, SECRET};

    #[test]
    fn users_log_on_with_a_challenge() {
        let Some(radius) = FreeRadius::start() else {
            return;
        };
        let address = format!("127.0.0.1:{}", radius.auth_port());
        let Some(server) = OpenSsh::start(&address, SECRET, &["bob", "chal"]) else {
            return;
        };
        let one = server.log_on("bob", &[("assword:", PASSWORD)]);
        assert!(one.contains("logged on as bob"), "{one}{}", server.log());
        let two = [
            ("assword:", PASSWORD),
            ("one-time password:", CHALLENGE_ANSWER),
        ];
        let two = server.log_on("chal", &two);
        assert!(two.contains("logged on as chal"), "{two}{}", server.log());
        let wrong = [("assword:", PASSWORD), ("one-time password:", "000000")];
        let wrong = server.log_on("chal", &wrong);
        assert!(!wrong.contains("logged on as"), "{wrong}");
    }
}
