//! The shape of the load, the same for every server of a run.

use crate::Options;
use crate::process::{Folder, Process};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Shape {
    radload: PathBuf,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    sockets: usize,
    in_flight: usize,
}

/// Secret of the no-op answerer.
const SINK: &str = "sink";

impl Shape {
    pub(crate) fn of(options: &Options) -> Self {
        let (rounds, seconds) = if options.quick {
            (1, 2)
        } else {
            (options.rounds.max(1), options.seconds.max(1))
        };
        Self {
            radload: options.programs.join("radload"),
            rounds,
            seconds,
            sockets: options.sockets,
            in_flight: options.in_flight,
        }
    }

    /// Requests in flight in all.
    pub(crate) fn in_flight(&self) -> usize {
        self.sockets * self.in_flight
    }

    /// A list of users of a kind (`hotp`, `totp`), made anew under a name of its own.
    pub(crate) fn users(
        &self,
        folder: &Folder,
        name: &str,
        count: usize,
        kind: &str,
    ) -> Result<PathBuf> {
        let path = folder.path(&format!("{name}-{count}.csv"));
        let status = Command::new(&self.radload)
            .args(["gen", "--type", kind, "--count", &count.to_string()])
            .arg(&path)
            .status();
        match status.with_context(|| format!("start {}", self.radload.display()))? {
            status if status.success() => Ok(path),
            status => bail!("make a list of users: {status}"),
        }
    }

    /// One run against a server: what radload says.
    pub(crate) fn load(
        &self,
        server: SocketAddr,
        secret: &str,
        users: &Path,
        pid: u32,
        rate: Option<u32>,
    ) -> Result<Value> {
        let mut command = Command::new(&self.radload);
        command.args([
            "run",
            "--server",
            &server.to_string(),
            "--secret",
            secret,
            "--server-pid",
            &pid.to_string(),
            "--warmup",
            "1",
        ]);
        command.args([
            "--workers",
            &self.sockets.to_string(),
            "--outstanding",
            &self.in_flight.to_string(),
            "--duration",
            &self.seconds.to_string(),
        ]);
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
        Ok(row)
    }

    /// Lets every user log on once, so that a server's memory is as it is after some days.
    pub(crate) fn warm(
        &self,
        server: SocketAddr,
        secret: &str,
        users: &Path,
        count: usize,
    ) -> Result<()> {
        let mut command = Command::new(&self.radload);
        command.args([
            "run",
            "--server",
            &server.to_string(),
            "--secret",
            secret,
            "--workers",
            "2",
            "--outstanding",
            "128",
        ]);
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
    pub(crate) fn sink(&self, folder: &Folder) -> Result<Value> {
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
        let row = self.load(address, SINK, &users, sink.pid(), None)?;
        sink.stop()?;
        Ok(row)
    }
}

/// A loopback address that nobody listens at now.
pub(crate) fn free_port() -> Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}
