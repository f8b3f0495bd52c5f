//! FreeRADIUS with rlm_totp as a peer: it checks one-time passwords as we do, and writes nothing, so that it accepts replays.

use crate::process::{Folder, Process};
use crate::shape::{Shape, free_port};
use anyhow::{Context, Result, bail};
use data_encoding::{BASE32, HEXLOWER};
use serde_json::Value;
use std::cell::Cell;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

const SECRET: &str = "testing123";
/// A TOTP user can log on once in a time step: there must be enough for a saturating run.
const USERS: usize = 400_000;
const PROGRAM: &str = "/usr/sbin/freeradius";

pub(crate) struct FreeRadius {
    process: Process,
    address: SocketAddr,
    users: PathBuf,
    /// The last time step in which it was asked.
    used: Cell<u64>,
}

impl FreeRadius {
    /// Starts it with a configuration of its own; `None` where it is not installed.
    pub(crate) fn start(folder: &Folder, shape: &Shape) -> Result<Option<Self>> {
        if !Path::new(PROGRAM).exists() {
            eprintln!("no figures for FreeRADIUS: {PROGRAM} is not installed");
            return Ok(None);
        }
        let users = shape.users(folder, "peer", USERS, "totp")?;
        let raddb = folder.path("raddb");
        std::fs::create_dir_all(&raddb)?;
        let address = free_port()?;
        std::fs::write(raddb.join("users"), accounts(&users)?)?;
        std::fs::write(
            raddb.join("radiusd.conf"),
            configuration(&raddb, address.port()),
        )?;
        // it refuses a configuration that others may write
        let log = std::fs::File::create(raddb.join("start.log"))?;
        let mut command = Command::new(PROGRAM);
        command
            .arg("-f")
            .arg("-d")
            .arg(&raddb)
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut process = Process::start(&mut command)?;
        let log = raddb.join("radius.log");
        let ready = || {
            std::fs::read_to_string(&log)
                .ok()?
                .contains("Ready to process requests")
                .then_some(())
        };
        process
            .wait_until(Duration::from_secs(60), ready)
            .context("start FreeRADIUS")?;
        Ok(Some(Self {
            process,
            address,
            users,
            used: Cell::new(0),
        }))
    }

    /// One run, in a time step that none of its users has used.
    pub(crate) fn load(&self, shape: &Shape, rate: Option<u32>) -> Result<Value> {
        while step()? <= self.used.get() {
            std::thread::sleep(Duration::from_millis(100));
        }
        let row = shape.load(self.address, SECRET, &self.users, self.process.pid(), rate);
        self.used.set(step()?);
        row
    }
}

/// The time step of RFC 6238 with its default of 30 seconds.
fn step() -> Result<u64> {
    Ok(SystemTime::UNIX_EPOCH.elapsed()?.as_secs() / 30)
}

fn accounts(users: &Path) -> Result<String> {
    let mut out = String::new();
    for line in std::fs::read_to_string(users)?.lines() {
        let mut fields = line.split(',');
        let (Some(name), Some(secret)) = (fields.next(), fields.next()) else {
            bail!("a line is no user: {line}")
        };
        writeln!(
            out,
            "{name} TOTP-Secret := \"{}\"",
            BASE32.encode(&HEXLOWER.decode(secret.as_bytes())?)
        )?;
    }
    Ok(out)
}

/// Debian's default values, one virtual server, no delay of refusals.
fn configuration(raddb: &Path, port: u16) -> String {
    let dir = raddb.display();
    format!(
        r#"prefix = /usr
exec_prefix = /usr
logdir = {dir}
raddbdir = {dir}
libdir = /usr/lib/freeradius
pidfile = {dir}/radiusd.pid
max_request_time = 30
cleanup_delay = 5
max_requests = 65536
hostname_lookups = no
log {{
  destination = files
  file = {dir}/radius.log
  auth = no
}}
security {{
  max_attributes = 200
  reject_delay = 0
  status_server = yes
  allow_vulnerable_openssl = yes
}}
client loopback {{
  ipaddr = 127.0.0.1
  secret = {SECRET}
  require_message_authenticator = yes
}}
thread pool {{
  start_servers = 5
  max_servers = 32
  min_spare_servers = 3
  max_spare_servers = 10
  max_requests_per_server = 0
  auto_limit_acct = no
}}
modules {{
  files {{
    filename = {dir}/users
  }}
  totp {{
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {port}
  }}
  authorize {{
    files
    update control {{
      Auth-Type := TOTP
    }}
    update request {{
      TOTP-Password := "%{{User-Password}}"
    }}
  }}
  authenticate {{
    Auth-Type TOTP {{
      totp
    }}
  }}
}}
"#
    )
}
