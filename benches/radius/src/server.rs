//! A data directory of ours, served by the release program.

use crate::Options;
use crate::process::{Folder, Process};
use anyhow::{Context, Result, ensure};
use countersign_keyring::{RootKey, RootSource};
use countersign_store::Store;
use rusqlite::Connection;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Name of the node, whose audit chain goes on when the store is opened without a server.
const NODE: &str = "bench";
const PATIENCE: Duration = Duration::from_secs(120);

/// A data directory made by a first start.
pub(crate) struct DataDir {
    path: PathBuf,
    program: PathBuf,
}

/// A running server.
pub(crate) struct Server {
    process: Process,
    address: SocketAddr,
    secret: String,
}

impl DataDir {
    /// Lets the program make the directory, as it does at its first start.
    pub(crate) fn new(options: &Options, path: &Path) -> Result<Self> {
        let data = Self {
            path: path.to_owned(),
            program: options.programs.join("countersign"),
        };
        data.serve_with(&path.with_extension("ready"))?.stop()?;
        Ok(data)
    }

    pub(crate) fn serve(&self, folder: &Folder) -> Result<Server> {
        self.serve_with(&folder.path("ready.json"))
    }

    fn serve_with(&self, ready_file: &Path) -> Result<Server> {
        let _ = std::fs::remove_file(ready_file); // none there is as good
        let log = std::fs::File::create(self.path.with_extension("log"))
            .context("make the log of the server")?;
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(&self.path)
            .arg("--ready-file")
            .arg(ready_file);
        command.args(["--http", "127.0.0.1:0", "--radius", "127.0.0.1:0"]);
        command
            .env("COUNTERSIGN_HEALTH_LISTEN", "127.0.0.1:0")
            .env("COUNTERSIGN_NODE", NODE)
            .env("COUNTERSIGN_RADIUS_ACCOUNTING", "127.0.0.1:0");
        let mut process = Process::start(command.stdout(Stdio::null()).stderr(log))?;
        let ready = process
            .wait_until(PATIENCE, || read(ready_file).ok())
            .context("start countersign")?;
        let address = text(&ready, "/radius_auth")?
            .parse()
            .context("read the address of the server")?;
        let first = read(&self.path.join("first-run.json")).context("read first-run.json")?;
        Ok(Server {
            process,
            address,
            secret: text(&first, "/radius/secret")?.to_owned(),
        })
    }

    /// Reads one state of the database for as long as the connection lives: no checkpoint can go past it, so that a run
    /// beside it shows what checkpoints cost.
    pub(crate) fn hold_log(&self) -> Result<Connection> {
        let reader = Connection::open(self.path.join("countersign.db"))?;
        reader.execute_batch("BEGIN; SELECT COUNT(*) FROM node;")?;
        Ok(reader)
    }

    /// The store, opened without a server.
    pub(crate) fn store(&self) -> Result<Store> {
        let source = RootSource::File(self.path.join("root.key"));
        let root: RootKey = source.load().context("load the root key")?;
        let mut options = countersign_store::Options::new(
            self.path.join("countersign.db"),
            self.path.join("node-state.json"),
            NODE,
            "bench",
        );
        options.cache_accounts = Some(0);
        Store::open(&options, Arc::new(root)).context("open the store")
    }
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn stop(self) -> Result<()> {
        let status = self.process.stop()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

fn read(path: &Path) -> Result<Value> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("{pointer} is missing"))
}
