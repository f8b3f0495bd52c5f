//! The configuration of a server: a file, the environment over it, the command line over both.
//!
//! ONE table of keys; reading, checking, the reference and the environment names follow from it.

mod file;
mod reference;
mod table;

pub(crate) use reference::reference;
pub(crate) use table::{KEYS, Key, Kind};

use anyhow::{Context, Result, bail};
use countersign_store::StoreUrl;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(i64),
    Addresses(Vec<SocketAddr>),
    Words(Vec<String>),
}

/// What one server runs with.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    values: BTreeMap<&'static str, Value>,
    explicit: BTreeMap<&'static str, String>,
}

/// What the command line of `serve` says.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Overrides {
    /// Configuration file (TOML); `countersign config reference` prints all keys
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Directory for database, keys and certificate
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Store, such as sqlite:PATH; default: a database in the data directory
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Address of the HTTPS API; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) http: Option<SocketAddr>,
    /// Address of RADIUS authentication; accounting takes the next port, or a free one with port 0
    #[arg(long, value_name = "ADDR")]
    pub(crate) radius: Option<SocketAddr>,
}

impl Config {
    /// Defaults, file, environment, command line: later ones win.
    pub(crate) fn load(overrides: &Overrides) -> Result<Self> {
        Self::load_with(overrides, |name| std::env::var(name).ok())
    }

    fn load_with(
        overrides: &Overrides,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut config = Self {
            values: BTreeMap::new(),
            explicit: BTreeMap::new(),
        };
        for key in KEYS {
            let value = key.read_text(key.default).map_err(|allowed| {
                anyhow::anyhow!("read the default of {}: it must be {allowed}", key.path())
            })?;
            config.values.insert(key.name, value);
        }
        if let Some(path) = &overrides.config {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("read the configuration file {}", path.display()))?;
            for (key, value) in file::read(&path.display().to_string(), &text)? {
                config.set(key, value, path.display().to_string());
            }
        }
        for key in KEYS {
            let name = key.environment();
            if let Some(text) = environment(&name) {
                let value = key.read_text(&text).map_err(|allowed| {
                    anyhow::anyhow!("environment variable {name} must be {allowed}")
                })?;
                config.set(key, value, name);
            }
        }
        config.apply(overrides)?;
        config.check()?;
        Ok(config)
    }

    fn set(&mut self, key: &'static Key, value: Value, origin: String) {
        self.values.insert(key.name, value);
        self.explicit.insert(key.name, origin);
    }

    fn apply(&mut self, overrides: &Overrides) -> Result<()> {
        let path = |path: &PathBuf| {
            path.to_str()
                .map(str::to_owned)
                .context("read --data-dir: the path is not UTF-8")
        };
        if let Some(dir) = &overrides.data_dir {
            self.put("data_dir", Value::Text(path(dir)?));
        }
        if let Some(store) = &overrides.store {
            self.put("store", Value::Text(store.clone()));
        }
        if let Some(address) = overrides.http {
            self.put("http.listen", Value::Addresses(vec![address]));
            if address.port() == 0 && !self.explicit.contains_key("health.listen") {
                self.put(
                    "health.listen",
                    Value::Addresses(vec![SocketAddr::from(([127, 0, 0, 1], 0))]),
                );
            }
        }
        if let Some(address) = overrides.radius {
            let accounting = match address.port() {
                0 => address,
                u16::MAX => bail!("--radius {address} leaves no next port for accounting"),
                port => SocketAddr::new(address.ip(), port + 1),
            };
            self.put("radius.listen", Value::Addresses(vec![address]));
            self.put("radius.accounting", Value::Addresses(vec![accounting]));
        }
        Ok(())
    }

    fn put(&mut self, name: &'static str, value: Value) {
        self.values.insert(name, value);
        self.explicit.insert(name, "the command line".to_owned());
    }

    fn check(&self) -> Result<()> {
        if self.text("http.certificate").is_empty() != self.text("http.key").is_empty() {
            bail!(
                "http.certificate and http.key must be set together; leave both out for a self-signed certificate"
            );
        }
        self.check_otlp()?;
        self.store_url().map(drop)
    }

    fn check_otlp(&self) -> Result<()> {
        let endpoint = self.text("otlp.endpoint");
        if endpoint.is_empty() {
            return Ok(());
        }
        if !cfg!(feature = "otlp") {
            bail!(
                "otlp.endpoint is set, but this build exports nothing; build with --features otlp, or leave it out"
            );
        }
        if !endpoint.starts_with("http://") {
            bail!(
                "otlp.endpoint must be http://HOST:PORT/v1/traces, not {endpoint:?}; for TLS let a collector beside the server pass the spans on"
            );
        }
        Ok(())
    }

    /// A text value; empty if it is not set.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.values.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> usize {
        match self.values.get(name) {
            Some(Value::Number(number)) => usize::try_from(*number).unwrap_or(0),
            _ => 0,
        }
    }

    /// A list of addresses.
    pub(crate) fn addresses(&self, name: &str) -> &[SocketAddr] {
        match self.values.get(name) {
            Some(Value::Addresses(addresses)) => addresses,
            _ => &[],
        }
    }

    /// A list of words.
    pub(crate) fn words(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(Value::Words(words)) => words,
            _ => &[],
        }
    }

    /// Whether a value was set by file, environment or command line.
    pub(crate) fn is_explicit(&self, name: &str) -> bool {
        self.explicit.contains_key(name)
    }

    /// The data directory.
    pub(crate) fn data_dir(&self) -> &Path {
        Path::new(self.text("data_dir"))
    }

    /// The store.
    ///
    /// # Errors
    /// What is wrong with its URL.
    pub(crate) fn store_url(&self) -> Result<StoreUrl> {
        match self.text("store") {
            "" => Ok(self.data_dir().join("countersign.db").into()),
            url => Ok(StoreUrl::parse(url, Path::new(""))?),
        }
    }

    /// Where the root key comes from, as `file:PATH` and so on.
    pub(crate) fn root_key(&self) -> String {
        match self.text("root_key") {
            "" => format!("file:{}", self.data_dir().join("root.key").display()),
            source => source.to_owned(),
        }
    }

    /// Where the next root key comes from, if one is named.
    pub(crate) fn next_root_key(&self) -> Option<&str> {
        Some(self.text("next_root_key")).filter(|source| !source.is_empty())
    }

    /// All values with their origins, for `config check`.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (&'static Key, &Value, &str)> {
        KEYS.iter().filter_map(|key| {
            Some((
                key,
                self.values.get(key.name)?,
                self.explicit
                    .get(key.name)
                    .map_or("default", String::as_str),
            ))
        })
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Addresses(all) => {
                let all: Vec<String> = all.iter().map(|address| format!("\"{address}\"")).collect();
                write!(f, "[{}]", all.join(", "))
            }
            Self::Words(words) => write!(f, "{words:?}"),
        }
    }
}

#[cfg(test)]
mod tests;
