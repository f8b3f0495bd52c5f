//! A data directory of ours, served by the release program.

use crate::process::{Folder, Process};
use crate::shape::Target;
use anyhow::{Context, Result, ensure};
use countersign_keyring::{RootKey, RootSource};
use countersign_store::{Store, StoreUrl};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Name of a node that is alone, whose audit chain goes on when the store is opened without a server.
const NODE: &str = "bench";
const PATIENCE: Duration = Duration::from_secs(120);

/// A data directory made by a first start.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
    program: PathBuf,
    node: String,
    shared: Option<Shared>,
}

/// What several nodes have in common.
#[derive(Clone, Debug)]
pub struct Shared {
    /// URL of the store.
    pub store: String,
    /// File of the root key.
    pub root_key: PathBuf,
    /// The RADIUS secret, which the node of the first start made up; none: this is that node.
    pub secret: Option<String>,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    http: String,
    secret: String,
}

impl DataDir {
    /// Lets the program make the directory, as it does at its first start.
    ///
    /// # Errors
    /// The program does not start.
    pub fn new(programs: &Path, path: &Path) -> Result<Self> {
        Self::make(Self {
            path: path.to_owned(),
            program: programs.join("countersign"),
            node: NODE.to_owned(),
            shared: None,
        })
    }

    /// The same for one of several nodes.
    ///
    /// # Errors
    /// The program does not start.
    pub fn of_cluster(programs: &Path, path: &Path, node: &str, shared: Shared) -> Result<Self> {
        Self::make(Self {
            path: path.to_owned(),
            program: programs.join("countersign"),
            node: node.to_owned(),
            shared: Some(shared),
        })
    }

    fn make(data: Self) -> Result<Self> {
        data.serve_with(&data.path.with_extension("ready"))?
            .stop()?;
        Ok(data)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Starts the program.
    ///
    /// # Errors
    /// It does not start.
    pub fn serve(&self, folder: &Folder) -> Result<Server> {
        self.serve_with(&folder.path(&format!("{}-ready.json", self.node)))
    }

    fn serve_with(&self, ready_file: &Path) -> Result<Server> {
        let _ = std::fs::remove_file(ready_file); // none there is as good
        let log = std::fs::File::create(self.path.with_extension("log"))
            .context("make the log of the server")?;
        let mut command = self.command(&["serve"]);
        command
            .arg("--data-dir")
            .arg(&self.path)
            .arg("--ready-file")
            .arg(ready_file);
        command.args(["--http", "127.0.0.1:0", "--radius", "127.0.0.1:0"]);
        command
            .env("COUNTERSIGN_HEALTH_LISTEN", "127.0.0.1:0")
            .env("COUNTERSIGN_NODE", &self.node)
            .env("COUNTERSIGN_RADIUS_ACCOUNTING", "127.0.0.1:0");
        let mut process = Process::start(command.stdout(Stdio::null()).stderr(log))?;
        let ready = process
            .wait_until(PATIENCE, || read(ready_file).ok())
            .context("start countersign")?;
        let address = text(&ready, "/radius_auth")?
            .parse()
            .context("read the address of the server")?;
        Ok(Server {
            process,
            address,
            http: text(&ready, "/http")?.to_owned(),
            secret: self.secret()?,
        })
    }

    /// A command of the program on this store; where the directory is, is still to be said.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words);
        if let Some(shared) = &self.shared {
            let key = format!("file:{}", shared.root_key.display());
            command
                .env("COUNTERSIGN_STORE", &shared.store)
                .env("COUNTERSIGN_ROOT_KEY", key);
        }
        command
    }

    /// The RADIUS secret of the load.
    ///
    /// # Errors
    /// The first start left none.
    pub fn secret(&self) -> Result<String> {
        let known = self
            .shared
            .as_ref()
            .and_then(|shared| shared.secret.clone());
        known.map_or_else(|| self.first("/radius/secret"), Ok)
    }

    /// Something that the first start made up.
    ///
    /// # Errors
    /// There is no such thing.
    pub fn first(&self, pointer: &str) -> Result<String> {
        let first = read(&self.path.join("first-run.json")).context("read first-run.json")?;
        Ok(text(&first, pointer)?.to_owned())
    }

    /// The store, opened without a server.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn store(&self) -> Result<Store> {
        let key = self.shared.as_ref().map_or_else(
            || self.path.join("root.key"),
            |shared| shared.root_key.clone(),
        );
        let root: RootKey = RootSource::File(key).load().context("load the root key")?;
        let url = match &self.shared {
            Some(shared) => StoreUrl::parse(&shared.store, &self.path)?,
            None => StoreUrl::File(self.path.join("countersign.db")),
        };
        let state = self.path.join("node-state.json");
        let mut options = countersign_store::Options::new(url, state, &self.node, "bench");
        options.cache_accounts = Some(0);
        Store::open(&options, Arc::new(root)).context("open the store")
    }
}

impl Server {
    /// Where it takes RADIUS requests.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of its API.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// The load's aim at this server alone.
    pub fn target(&self) -> Target<'_> {
        Target {
            servers: vec![self.address],
            secret: &self.secret,
            pids: vec![self.pid()],
            roam: false,
        }
    }

    /// The RADIUS secret.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Stops it.
    ///
    /// # Errors
    /// It did not end well.
    pub fn stop(self) -> Result<()> {
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
