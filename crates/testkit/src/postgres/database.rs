//! One database, for one store.

use super::programs::{Programs, run};
use super::session::Session;
use super::{ACCOUNT, shared};
use crate::proxy::Proxy;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

/// Separates columns in what `psql` prints.
const COLUMN: char = '\u{1f}';

/// How `psql` and its like reach a database, as superuser.
#[derive(Debug, Clone)]
pub(super) struct Access {
    programs: Programs,
    /// Of several servers the one that takes writes is meant.
    ports: Vec<u16>,
    database: String,
}

impl Access {
    pub(super) fn new(programs: &Programs, port: u16, database: &str) -> Self {
        Self::among(programs, &[port], database)
    }

    /// A database of whichever of these servers takes writes.
    pub(super) fn among(programs: &Programs, ports: &[u16], database: &str) -> Self {
        Self {
            programs: programs.clone(),
            ports: ports.to_vec(),
            database: database.to_owned(),
        }
    }

    fn client(&self, program: &str) -> Command {
        let mut command = self.programs.client(program);
        let hosts = vec!["127.0.0.1"; self.ports.len()].join(",");
        command
            .args(["-h", &hosts, "-p", &self.port_list().join(",")])
            .args(["-U", "postgres", "-d", &self.database]);
        if self.ports.len() > 1 {
            command.env("PGTARGETSESSIONATTRS", "read-write");
        }
        command
    }

    fn port_list(&self) -> Vec<String> {
        self.ports.iter().map(u16::to_string).collect()
    }

    pub(super) fn psql(&self) -> Command {
        let mut command = self.client("psql");
        let separator = format!("--field-separator={COLUMN}");
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .arg(separator);
        command
    }

    pub(super) fn run(&self, sql: &str) -> String {
        run(self.psql().args(["-c", sql]))
    }

    /// Makes a database that is a copy of another one.
    pub(super) fn create(&self, name: &str, template: &str) {
        self.run(&format!(
            "CREATE DATABASE {name} OWNER {ACCOUNT} TEMPLATE {template}"
        ));
    }

    fn at(&self, database: &str) -> Self {
        Self::among(&self.programs, &self.ports, database)
    }
}

/// A database of a server, with what a program needs to open it and what a test needs to look into it.
#[derive(Debug)]
pub struct Database {
    access: Access,
    trust: Option<PathBuf>,
    proxy: Option<Proxy>,
    /// Ports that the URL names instead of that of the server.
    ports: Vec<u16>,
    shared: Option<Arc<shared::Use>>,
}

impl Database {
    /// A new, empty database on the server of the test run, dropped with the value; `None` with a word where PostgreSQL
    /// is missing and may be.
    ///
    /// # Panics
    /// The server does not come up.
    pub fn fresh() -> Option<Self> {
        let programs = Programs::find()?;
        let (shared, port) = shared::enter(&programs);
        let name = shared.unique();
        let access = Access::new(&programs, port, "postgres");
        access.create(&name, "template0");
        Some(Self {
            access: access.at(&name),
            trust: None,
            proxy: None,
            ports: Vec::new(),
            shared: Some(shared),
        })
    }

    pub(super) fn on(access: Access, trust: Option<PathBuf>) -> Self {
        Self {
            access,
            trust,
            proxy: None,
            ports: Vec::new(),
            shared: None,
        }
    }

    /// Puts a proxy in front of it, which [`Database::url`] names from now on.
    pub fn behind(&mut self, proxy: Proxy) {
        self.proxy = Some(proxy);
    }

    /// The proxy in front of it.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.access.database
    }

    /// The port of the server itself.
    pub fn port(&self) -> u16 {
        self.access.ports.first().copied().unwrap_or_default()
    }

    /// Names another server that has it too: whichever takes writes is used from now on.
    pub fn also_at(&mut self, port: u16) {
        self.access.ports.push(port);
    }

    /// Its URL names another port, such as that of a proxy.
    pub fn reached_by(&mut self, port: u16) {
        self.ports = vec![port];
    }

    /// Its URL names one more port, for when the ones before lead to no server that takes writes.
    pub fn or_at(&mut self, port: u16) {
        self.ports.push(port);
    }

    /// Its URL names another authority than that of the server.
    pub fn trusting(&mut self, authority: PathBuf) {
        self.trust = Some(authority);
    }

    /// The URL of a store in it.
    pub fn url(&self) -> String {
        let ports = match &self.proxy {
            _ if !self.ports.is_empty() => self.ports.clone(),
            Some(proxy) => vec![proxy.port()],
            None => self.access.ports.clone(),
        };
        let (host, security) = match &self.trust {
            None => ("127.0.0.1", "sslmode=disable".to_owned()),
            Some(file) => (
                "localhost",
                format!("sslmode=verify-full&sslrootcert={}", file.display()),
            ),
        };
        let hosts: Vec<String> = ports.iter().map(|port| format!("{host}:{port}")).collect();
        let several = if hosts.len() > 1 {
            "&target_session_attrs=read-write"
        } else {
            ""
        };
        format!(
            "postgres://{ACCOUNT}@{}/{}?{security}{several}",
            hosts.join(","),
            self.name()
        )
    }

    /// Every transaction of the program is serializable from now on.
    pub fn serializable(&self) {
        self.run(&format!(
            "ALTER DATABASE {} SET default_transaction_isolation = 'serializable'",
            self.name()
        ));
    }

    /// Runs statements as superuser, past any proxy.
    ///
    /// # Panics
    /// One fails.
    pub fn run(&self, sql: &str) {
        self.access.run(sql);
    }

    /// The rows of a query.
    ///
    /// # Panics
    /// It fails.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let text = self.access.run(sql);
        let columns = |line: &str| line.split(COLUMN).map(str::to_owned).collect();
        text.lines().map(columns).collect()
    }

    /// The number in the only row and column of a query.
    ///
    /// # Panics
    /// It is none.
    pub fn number(&self, sql: &str) -> i64 {
        let text = self.access.run(sql);
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("{sql}: {text:?} is no number"))
    }

    /// Changes rows by one INSERT, UPDATE or DELETE; how many.
    ///
    /// # Panics
    /// It fails.
    pub fn change(&self, sql: &str) -> usize {
        let changed = self.number(&format!(
            "WITH c AS ({sql} RETURNING 1) SELECT COUNT(*) FROM c"
        ));
        usize::try_from(changed).unwrap_or_default()
    }

    /// A session that stays open.
    pub fn session(&self) -> Session {
        Session::open(&self.access)
    }

    /// Everything in it as SQL, its bytes as text where they are text.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn dump(&self) -> String {
        run(self
            .access
            .client("pg_dump")
            .env("PGOPTIONS", "-c bytea_output=escape"))
    }

    /// Everything in it as SQL, its bytes in hexadecimal.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn dump_hexadecimal(&self) -> String {
        run(self
            .access
            .client("pg_dump")
            .env("PGOPTIONS", "-c bytea_output=hex"))
    }

    /// Keeps a copy of what is in it now; nobody may be connected.
    pub fn keep_copy(&self) {
        let root = self.access.at("postgres");
        root.create(&format!("{}_copy", self.name()), self.name());
    }

    /// Puts the copy back.
    pub fn put_back(&self) {
        self.replace(&format!("{}_copy", self.name()));
    }

    /// Makes it empty again.
    pub fn clear(&self) {
        self.replace("template0");
    }

    fn replace(&self, template: &str) {
        let root = self.access.at("postgres");
        root.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name()));
        root.create(self.name(), template);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.proxy = None;
        if self.shared.is_some() {
            let root = self.access.at("postgres");
            for name in [self.name().to_owned(), format!("{}_copy", self.name())] {
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                let _ = root.psql().args(["-c", &drop]).output(); // it goes with the server at the latest
            }
        }
    }
}
