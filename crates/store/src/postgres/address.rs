//! The URL of a PostgreSQL store: what libpq knows by the same names, with TLS that is verified or off.

use super::tls::{self, Tls};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};

/// How long one host may take to answer a connection before the next one is tried.
const CONNECT: Duration = Duration::from_secs(2);
/// Where PostgreSQL listens unless told otherwise.
const DEFAULT_PORT: u16 = 5432;

/// Server, database, account and TLS of a PostgreSQL store.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) tls: Option<Tls>,
    /// For each host its own password, where they come from a file.
    passwords: Vec<Option<String>>,
}

/// Parameters that this program reads itself; all others are those of the driver.
#[derive(Default)]
struct Own {
    sslmode: Option<String>,
    sslrootcert: Option<PathBuf>,
    sslcert: Option<PathBuf>,
    sslkey: Option<PathBuf>,
    passfile: Option<PathBuf>,
}

impl Address {
    /// Reads `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST…]/DATABASE[?…]`.
    ///
    /// # Errors
    /// What is wrong, without any password.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut own = Own::default();
        let rest: Vec<&str> = query
            .split('&')
            .filter(|part| !part.is_empty())
            .filter_map(|part| own.take(part).transpose())
            .collect::<Result<_, String>>()?;
        let separator = if rest.is_empty() { "" } else { "?" };
        let mut config: Config = format!("{base}{separator}{}", rest.join("&"))
            .parse()
            .map_err(|error| reason(&error))?;
        if config.get_dbname().is_none() {
            return Err("it names no database".to_owned());
        }
        if config.get_hosts().is_empty() {
            return Err("it names no host".to_owned());
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        // Of several hosts only the one that takes writes can serve; a single one says by itself when it does not.
        if config.get_target_session_attrs() == TargetSessionAttrs::Any
            && config.get_hosts().len() > 1
        {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let passwords = match (&own.passfile, config.get_password()) {
            (Some(path), None) => super::passfile::find(path, &config)?,
            _ => Vec::new(),
        };
        let tls = own.tls(&config)?;
        config.ssl_mode(if tls.is_some() {
            tokio_postgres::config::SslMode::Require
        } else {
            tokio_postgres::config::SslMode::Disable
        });
        Ok(Self {
            config,
            tls,
            passwords,
        })
    }

    /// How many hosts there are.
    pub(super) fn hosts(&self) -> usize {
        self.config.get_hosts().len()
    }

    /// Each host with all else that a connection to it needs.
    pub(super) fn each_host(&self) -> Vec<Config> {
        let addresses = self.config.get_hostaddrs();
        let hosts = self.config.get_hosts().iter().enumerate();
        hosts
            .map(|(place, host)| {
                let mut one = self.without_hosts();
                match host {
                    Host::Tcp(name) => one.host(name),
                    Host::Unix(path) => one.host_path(path),
                };
                if let Some(address) = addresses.get(place) {
                    one.hostaddr(*address);
                }
                one.port(self.port(place));
                if let Some(Some(password)) = self.passwords.get(place) {
                    one.password(password);
                }
                one
            })
            .collect()
    }

    /// The configuration but for the hosts: the driver can add some, but take none away.
    fn without_hosts(&self) -> Config {
        let all = &self.config;
        let mut one = Config::new();
        if let Some(user) = all.get_user() {
            one.user(user);
        }
        if let Some(password) = all.get_password() {
            one.password(password);
        }
        if let Some(name) = all.get_dbname() {
            one.dbname(name);
        }
        if let Some(options) = all.get_options() {
            one.options(options);
        }
        if let Some(timeout) = all.get_connect_timeout() {
            one.connect_timeout(*timeout);
        }
        if let Some(interval) = all.get_keepalives_interval() {
            one.keepalives_interval(interval);
        }
        if let Some(retries) = all.get_keepalives_retries() {
            one.keepalives_retries(retries);
        }
        one.ssl_mode(all.get_ssl_mode())
            .ssl_negotiation(all.get_ssl_negotiation())
            .keepalives(all.get_keepalives())
            .keepalives_idle(all.get_keepalives_idle())
            .target_session_attrs(all.get_target_session_attrs())
            .channel_binding(all.get_channel_binding());
        one
    }

    fn port(&self, place: usize) -> u16 {
        let ports = self.config.get_ports();
        ports
            .get(place)
            .or(ports.first())
            .copied()
            .unwrap_or(DEFAULT_PORT)
    }

    /// The addresses, as a person reads them.
    fn host_list(&self) -> String {
        let one = |(at, host): (usize, &Host)| match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{}", self.port(at)),
            Host::Tcp(name) => format!("{name}:{}", self.port(at)),
            Host::Unix(path) => path.display().to_string(),
        };
        let all: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .enumerate()
            .map(one)
            .collect();
        all.join(",")
    }
}

impl Own {
    /// Takes a parameter of its own; any other is given back.
    fn take<'p>(&mut self, part: &'p str) -> Result<Option<&'p str>, String> {
        let (name, value) = part
            .split_once('=')
            .ok_or("one of its parameters has no value; write ? in a password as %3F")?;
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| format!("its parameter {name} is no UTF-8"))?
            .into_owned();
        match name {
            "sslmode" => self.sslmode = Some(value),
            "sslrootcert" => self.sslrootcert = Some(value.into()),
            "sslcert" => self.sslcert = Some(value.into()),
            "sslkey" => self.sslkey = Some(value.into()),
            "passfile" => self.passfile = Some(value.into()),
            _ => return Ok(Some(part)),
        }
        Ok(None)
    }

    fn tls(&self, config: &Config) -> Result<Option<Tls>, String> {
        let verified = match self.sslmode.as_deref() {
            Some("verify-full") => true,
            Some("disable") => false,
            None => !config.get_hosts().iter().all(is_local),
            Some(other) => {
                return Err(format!(
                    "sslmode={other} would not verify the server; use verify-full (with sslrootcert=FILE for a private authority), or disable"
                ));
            }
        };
        let client = match (&self.sslcert, &self.sslkey) {
            (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
            (None, None) => None,
            _ => return Err("sslcert and sslkey must be given together".to_owned()),
        };
        verified
            .then(|| tls::new(self.sslrootcert.as_deref(), client))
            .transpose()
    }
}

/// Whether traffic to a host stays on this machine.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
    }
}

/// The last cause of an error of the driver, which names parameters but no values.
fn reason(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.config.get_dbname().unwrap_or_default();
        match self.config.get_user() {
            Some(user) => write!(f, "postgres://{user}@{}/{database}", self.host_list()),
            None => write!(f, "postgres://{}/{database}", self.host_list()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
