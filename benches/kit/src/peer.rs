//! FreeRADIUS with rlm_totp as a peer: it checks one-time passwords as we do. It keeps no state, so that it accepts
//! replays; with rlm_sql it writes a row for each request.

use crate::process::{Folder, Process};
use crate::shape::{Shape, Target, free_port};
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
const PROGRAM: &str = "/usr/sbin/freeradius";

/// Where a post-auth row of each request goes.
#[derive(Clone, Debug)]
pub struct Sql {
    /// Port of PostgreSQL on loopback.
    pub port: u16,
    /// Name of the database.
    pub database: String,
}

/// The table of its own schema for PostgreSQL that post-auth writes.
pub const POST_AUTH: &str = "CREATE TABLE radpostauth (id BIGSERIAL PRIMARY KEY, username TEXT NOT NULL, pass TEXT, reply TEXT, CalledStationId TEXT, CallingStationId TEXT, authdate TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(), Class TEXT); CREATE INDEX radpostauth_username_idx ON radpostauth (username); CREATE INDEX radpostauth_class_idx ON radpostauth (Class);";

/// A running FreeRADIUS.
#[derive(Debug)]
pub struct FreeRadius {
    process: Process,
    address: SocketAddr,
    users: PathBuf,
    /// The last time step in which it was asked.
    used: Cell<u64>,
}

impl FreeRadius {
    /// Starts it with a configuration of its own and so many users; `None` where it is not installed. A user can log on
    /// once in a time step: there must be enough for a saturating run.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(
        folder: &Folder,
        shape: &Shape,
        users: usize,
        sql: Option<&Sql>,
    ) -> Result<Option<Self>> {
        if !Path::new(PROGRAM).exists() {
            eprintln!("no figures for FreeRADIUS: {PROGRAM} is not installed");
            return Ok(None);
        }
        let users = shape.users(folder, "peer", users, "totp")?;
        let raddb = folder.path("raddb");
        std::fs::create_dir_all(&raddb)?;
        let address = free_port()?;
        std::fs::write(raddb.join("users"), accounts(&users)?)?;
        std::fs::write(
            raddb.join("radiusd.conf"),
            configuration(&raddb, address.port(), sql),
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

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// One run, in a time step that none of its users has used; beside it `pids` are measured, too.
    ///
    /// # Errors
    /// The load failed.
    pub fn load_beside(&self, shape: &Shape, rate: Option<u32>, pids: &[u32]) -> Result<Value> {
        while step()? <= self.used.get() {
            std::thread::sleep(Duration::from_millis(100));
        }
        let target = Target {
            servers: vec![self.address],
            secret: SECRET,
            pids: std::iter::once(self.pid())
                .chain(pids.iter().copied())
                .collect(),
            roam: false,
        };
        let row = shape.load(&target, &self.users, rate);
        self.used.set(step()?);
        row
    }

    /// One run, in a time step that none of its users has used.
    ///
    /// # Errors
    /// The load failed.
    pub fn load(&self, shape: &Shape, rate: Option<u32>) -> Result<Value> {
        self.load_beside(shape, rate, &[])
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
fn configuration(raddb: &Path, port: u16, sql: Option<&Sql>) -> String {
    let dir = raddb.display();
    let module = sql.map(module).unwrap_or_default();
    let post_auth = sql.map_or("", |_| "  post-auth {\n    sql\n  }\n");
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
{module}}}
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
{post_auth}}}
"#
    )
}

/// rlm_sql with Debian's pool and its row for each request.
fn module(sql: &Sql) -> String {
    let Sql { port, database } = sql;
    format!(
        r#"  sql {{
    dialect = "postgresql"
    driver = "rlm_sql_postgresql"
    server = "127.0.0.1"
    port = {port}
    login = "postgres"
    radius_db = "{database}"
    read_clients = no
    sql_user_name = "%{{User-Name}}"
    pool {{
      start = 5
      min = 3
      max = 32
      spare = 10
      uses = 0
      retry_delay = 30
      lifetime = 0
      idle_timeout = 60
    }}
    post-auth {{
      query = "INSERT INTO radpostauth (username, pass, reply, authdate) VALUES ('%{{User-Name}}', '%{{%{{User-Password}}:-%{{Chap-Password}}}}', '%{{reply:Packet-Type}}', '%S.%M')"
    }}
  }}
"#
    )
}
