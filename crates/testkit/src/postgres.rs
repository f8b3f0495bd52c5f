//! PostgreSQL as a local process: one server shared by a whole test run, with a database for each test, and private
//! servers for tests that kill, freeze or promote one.

mod database;
mod patroni;
mod process;
mod programs;
mod session;
mod shared;
mod standby;
mod template;
mod tls;

pub use database::Database;
pub use patroni::Patroni;
pub(crate) use process::free_port;
pub use session::Session;

use database::Access;
use process::Process;
use programs::Programs;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use tls::Authority;

/// The account that programs under test log on with; it owns the databases made for it and is no superuser.
pub(crate) const ACCOUNT: &str = "countersign";

/// Settings of every server: durable as far as a process may die, but not the machine.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "400"),
    ("shared_buffers", "64MB"),
    ("synchronous_commit", "on"),
    ("fsync", "off"),
    ("wal_level", "replica"),
    ("max_wal_senders", "10"),
    ("wal_keep_size", "64MB"),
    ("max_wal_size", "512MB"),
    ("log_min_messages", "warning"),
    ("timezone", "UTC"),
];

/// A private server: its own data directory and port, gone with the value.
#[derive(Debug)]
pub struct Postgres {
    programs: Programs,
    dir: TempDir,
    port: u16,
    process: Option<Process>,
    authority: Option<Authority>,
    databases: AtomicU32,
}

impl Postgres {
    /// A running server; `None` with a word where PostgreSQL is missing and may be.
    ///
    /// # Panics
    /// It does not come up.
    pub fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// A running server with further settings.
    ///
    /// # Panics
    /// It does not come up.
    pub fn with(settings: &[(&str, &str)]) -> Option<Self> {
        Self::prepare(settings, false)
    }

    /// A running server that takes connections over TLS only, under a certificate for `localhost`.
    ///
    /// # Panics
    /// It does not come up.
    pub fn with_tls() -> Option<Self> {
        Self::prepare(&[], true)
    }

    fn prepare(settings: &[(&str, &str)], secure: bool) -> Option<Self> {
        let programs = Programs::find()?;
        let dir = folder();
        let authority = secure.then(Authority::new);
        let data = dir.path().join("data");
        template::copy(&programs, &data);
        let mut lines = text(settings);
        if let Some(authority) = &authority {
            lines.push_str(&authority.install(&programs, dir.path(), &data));
        }
        append(&data.join("postgresql.conf"), &lines);
        let mut server = Self {
            programs,
            dir,
            port: 0,
            process: None,
            authority,
            databases: AtomicU32::new(0),
        };
        server.first_up();
        server.access("postgres").run(&account());
        Some(server)
    }

    /// Starts it on a port that is free, which it keeps.
    fn first_up(&mut self) {
        let mut last = String::new();
        for _ in 0..5 {
            self.port = process::free_port();
            match Process::start(&self.programs, self.dir.path(), self.port) {
                Ok(process) => {
                    self.process = Some(process);
                    return;
                }
                Err(log) => last = log,
            }
        }
        panic!("PostgreSQL does not start:\n{last}");
    }

    /// Starts it again after a crash, on the same data and port.
    ///
    /// # Panics
    /// It does not come up.
    pub fn up(&mut self) {
        let process = Process::start(&self.programs, self.dir.path(), self.port);
        self.process =
            Some(process.unwrap_or_else(|log| panic!("PostgreSQL does not start again:\n{log}")));
    }

    /// Kills all its processes at once, as a power failure would.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops all its processes in the middle of whatever they do, until [`Postgres::thaw`]: connections stay open.
    pub fn freeze(&self) {
        if let Some(process) = &self.process {
            process.freeze();
        }
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        if let Some(process) = &self.process {
            process.thaw();
        }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its directory, for files of the test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The certificate of the authority that a client must trust, if it speaks TLS only.
    pub fn trust(&self) -> Option<PathBuf> {
        self.authority
            .as_ref()
            .map(|authority| authority.file(self.dir.path()))
    }

    /// A new, empty database on it, which lives as long as the server.
    pub fn database(&self) -> Database {
        let name = format!("store_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.access("postgres").create(&name, "template0");
        self.open(&name)
    }

    /// A database that is there already, such as the copy on a standby.
    pub fn open(&self, name: &str) -> Database {
        Database::on(self.access(name), self.trust())
    }

    fn access(&self, database: &str) -> Access {
        Access::new(&self.programs, self.port, database)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- log of PostgreSQL ---\n{}", self.log());
        }
    }
}

/// The statement that makes the account of the programs under test.
fn account() -> String {
    format!("CREATE ROLE {ACCOUNT} LOGIN")
}

/// A directory that the server's account may enter.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().expect("make a directory");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755))
        .expect("open the directory");
    dir
}

fn text(settings: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in SETTINGS.iter().chain(settings) {
        let _ = writeln!(text, "{name} = '{value}'"); // writing to a string cannot fail
    }
    text
}

fn append(file: &Path, lines: &str) {
    let mut text = std::fs::read_to_string(file).unwrap_or_default();
    text.push('\n');
    text.push_str(lines);
    std::fs::write(file, text).expect("write a configuration of PostgreSQL");
}

#[cfg(test)]
mod tests;
