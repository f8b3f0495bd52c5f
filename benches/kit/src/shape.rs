//! The shape of the load, the same for every server of a run.

use crate::process::{Folder, Process};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The shape of the load.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The load generator.
    pub radload: PathBuf,
    /// Times that every saturating run is repeated.
    pub rounds: usize,
    /// Measured seconds of a run.
    pub seconds: u64,
    /// Sockets of the load.
    pub sockets: usize,
    /// Requests in flight on each.
    pub in_flight: usize,
}

/// Where a load goes.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// Servers, between which the sockets take turns.
    pub servers: Vec<SocketAddr>,
    /// The secret that all of them share with the load.
    pub secret: &'a str,
    /// Processes whose trees are measured.
    pub pids: Vec<u32>,
    /// Whether users move between the sockets, and so the servers, from run to run.
    pub roam: bool,
}

/// Secret of the no-op answerer.
const SINK: &str = "sink";

impl Shape {
    /// Requests in flight in all.
    pub fn in_flight(&self) -> usize {
        self.sockets * self.in_flight
    }

    /// A list of users of a kind (`hotp`, `totp`), made anew under a name of its own.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn users(&self, folder: &Folder, name: &str, count: usize, kind: &str) -> Result<PathBuf> {
        self.users_of(folder, name, count, count, kind)
    }

    /// The same with fewer users than authenticators.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn users_of(
        &self,
        folder: &Folder,
        name: &str,
        count: usize,
        users: usize,
        kind: &str,
    ) -> Result<PathBuf> {
        let path = folder.path(&format!("{name}-{count}.csv"));
        let status = Command::new(&self.radload)
            .args(["gen", "--type", kind, "--count", &count.to_string()])
            .args(["--users", &users.to_string()])
            .arg(&path)
            .status();
        match status.with_context(|| format!("start {}", self.radload.display()))? {
            status if status.success() => Ok(path),
            status => bail!("make a list of users: {status}"),
        }
    }

    /// One run: what radload says.
    ///
    /// # Errors
    /// It failed.
    pub fn load(&self, target: &Target<'_>, users: &Path, rate: Option<u32>) -> Result<Value> {
        let mut command = self.command(target, self.sockets, self.in_flight);
        command.args(["--warmup", "1", "--duration", &self.seconds.to_string()]);
        command.arg("--users").arg(users);
        if let Some(rate) = rate {
            command.args(["--rate", &rate.to_string()]);
        }
        let output = command.output().context("run radload")?;
        if !output.status.success() {
            bail!(
                "radload failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let row: Value =
            serde_json::from_slice(&output.stdout).context("read what radload says")?;
        note_wrong(&row);
        Ok(row)
    }

    fn command(&self, target: &Target<'_>, sockets: usize, in_flight: usize) -> Command {
        let mut command = Command::new(&self.radload);
        let listed = |all: &[String]| all.join(",");
        let servers: Vec<String> = target.servers.iter().map(ToString::to_string).collect();
        command.args([
            "run",
            "--server",
            &listed(&servers),
            "--secret",
            target.secret,
        ]);
        let pids: Vec<String> = target.pids.iter().map(ToString::to_string).collect();
        if !pids.is_empty() {
            command.args(["--server-pid", &listed(&pids)]);
        }
        if target.roam {
            command.arg("--roam");
        }
        command.args(["--workers", &sockets.to_string()]);
        command.args(["--outstanding", &in_flight.to_string()]);
        command
    }

    /// Lets every user log on once, so that a server's memory is as it is after some days.
    ///
    /// # Errors
    /// The load failed.
    pub fn warm(&self, target: &Target<'_>, users: &Path, count: usize) -> Result<()> {
        let mut command = self.command(target, 2, 128);
        command
            .args([
                "--warmup",
                "0",
                "--duration",
                "600",
                "--requests",
                &count.to_string(),
            ])
            .arg("--users")
            .arg(users);
        let status = command
            .stdout(Stdio::null())
            .status()
            .context("run radload")?;
        if status.success() {
            Ok(())
        } else {
            bail!("radload failed: {status}")
        }
    }

    /// A run against an answerer that checks and signs and does nothing else.
    ///
    /// # Errors
    /// The load failed.
    pub fn sink(&self, folder: &Folder) -> Result<Value> {
        let users = self.users(folder, "sink", 10_000, "hotp")?;
        let address = free_port()?;
        let seconds = (self.seconds + 30).to_string();
        let sink = Process::start(Command::new(&self.radload).args([
            "sink",
            "--listen",
            &address.to_string(),
            "--secret",
            SINK,
            "--duration",
            &seconds,
        ]))?;
        std::thread::sleep(Duration::from_millis(200));
        let target = Target {
            servers: vec![address],
            secret: SINK,
            pids: vec![sink.pid()],
            roam: false,
        };
        let row = self.load(&target, &users, None)?;
        sink.stop()?;
        Ok(row)
    }
}

/// Says what a run met besides accepts.
pub fn note_wrong(row: &Value) {
    let wrong = ["reject", "challenge", "lost", "bad_replies", "starved"]
        .into_iter()
        .filter(|name| row.get(name).and_then(Value::as_u64) != Some(0));
    for name in wrong {
        eprintln!(
            "note: {name} {} beside {} accepted",
            row.get(name).unwrap_or(&Value::Null),
            row.get("accept").unwrap_or(&Value::Null)
        );
    }
}

/// A loopback address that nobody listens at now.
///
/// # Errors
/// The machine has none left.
pub fn free_port() -> Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}
