//! PostgreSQL with a data directory of its own, every commit on disk.

use anyhow::{Context, Result, bail};
use countersign_bench_kit::process::{Folder, Process, Signal};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// Where Debian keeps a program for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// It refuses to run as root.
const AS_POSTGRES: [&str; 5] = [
    "setpriv",
    "--reuid=postgres",
    "--regid=postgres",
    "--init-groups",
    "--",
];
/// What a server of this size is given; commits stay as durable as by default.
const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "fsync=on",
    "synchronous_commit=on",
    "shared_buffers=512MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "max_connections=200",
];

/// A running server.
#[derive(Debug)]
pub(crate) struct Postgres {
    process: Process,
    port: u16,
}

impl Postgres {
    /// Starts a server in the folder; `None` where there is none.
    pub(crate) fn start(folder: &Folder, more: &[String]) -> Result<Option<Self>> {
        let Some(programs) = programs() else {
            return Ok(None);
        };
        let data = folder.path("postgres");
        if !data.join("PG_VERSION").exists() {
            make(&programs, &data)?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = std::fs::File::create(folder.path("postgres.log"))?;
        let mut command = as_postgres(&programs.join("postgres"));
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string()])
            .args(["-c", &format!("unix_socket_directories={}", data.display())]);
        for setting in SETTINGS
            .iter()
            .map(ToString::to_string)
            .chain(more.iter().cloned())
        {
            command.args(["-c", &setting]);
        }
        command.stdout(Stdio::null()).stderr(log);
        let process = Process::start_with(&mut command, Signal::INT)?;
        let mut server = Self { process, port };
        server.wait().context("start PostgreSQL")?;
        Ok(Some(server))
    }

    fn wait(&mut self) -> Result<()> {
        let port = self.port;
        let asked = || psql(port, "postgres", "SELECT 1").ok();
        self.process.wait_until(PATIENCE, asked).map(drop)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database, as `store` wants it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    /// Runs a script in a database and answers what its last statement says.
    pub(crate) fn run(&self, database: &str, script: &str) -> Result<String> {
        psql(self.port, database, script)
    }

    /// Whether it has a database of this name.
    pub(crate) fn has(&self, database: &str) -> Result<bool> {
        let sql = format!("SELECT 1 FROM pg_database WHERE datname = '{database}'");
        Ok(!self.run("postgres", &sql)?.is_empty())
    }

    pub(crate) fn create(&self, database: &str) -> Result<()> {
        self.run("postgres", &format!("CREATE DATABASE {database}"))
            .map(drop)
    }
}

fn psql(port: u16, database: &str, script: &str) -> Result<String> {
    let output = Command::new("psql")
        .args([
            "-X",
            "-q",
            "-At",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
        ])
        .args(["-p", &port.to_string(), "-U", "postgres", "-d", database])
        .args(["-c", script])
        .output()
        .context("run psql")?;
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The programs of the newest version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).ok()?.flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    versions
        .filter_map(|entry| Some((number(&entry.path())?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max()
        .map(|(_, bin)| bin)
}

fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let [first, rest @ ..] = AS_POSTGRES;
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn make(programs: &Path, data: &Path) -> Result<()> {
    std::fs::create_dir_all(data)?;
    if is_root() {
        let status = Command::new("chown").arg("postgres:").arg(data).status()?;
        anyhow::ensure!(status.success(), "give {} to postgres", data.display());
    }
    let output = as_postgres(&programs.join("initdb"))
        .arg("-D")
        .arg(data)
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"])
        .output()
        .context("run initdb")?;
    if !output.status.success() {
        bail!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
