//! One member of the cluster: Patroni and the PostgreSQL that it runs.

use super::kept::Kept;
use super::{LOOP_WAIT, RETRY, TTL};
use crate::postgres::process::free_port;
use crate::postgres::programs::Programs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a member may take to answer; a switchover is answered when it is done.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Member {
    name: String,
    port: u16,
    rest: u16,
    dir: PathBuf,
    words: Vec<String>,
    kept: Option<Kept>,
}

impl Member {
    pub(super) fn start(
        programs: &Programs,
        patroni: &str,
        dir: &Path,
        number: usize,
        agreed: u16,
    ) -> Self {
        let name = format!("n{number}");
        let own = dir.join(&name);
        std::fs::create_dir(&own).expect("make a directory");
        let (port, rest) = (free_port(), free_port());
        let file = own.join("patroni.yml");
        let text = configuration(programs, &name, &own, port, rest, agreed);
        std::fs::write(&file, text).expect("write a configuration of Patroni");
        programs.own(&own);
        let mut words = programs.owner_words(patroni);
        words.push(file.display().to_string());
        let mut member = Self {
            name,
            port,
            rest,
            dir: own,
            words,
            kept: None,
        };
        member.start_again();
        member
    }

    pub(super) fn start_again(&mut self) {
        let (log, data) = (self.dir.join("log"), self.dir.join("data"));
        // What was killed has left it behind, with a number that may be somebody else's by now.
        let _ = std::fs::remove_file(data.join("postmaster.pid"));
        self.kept = Some(Kept::start(&self.words, &log, Some(&data)));
    }

    pub(super) fn kill(&mut self) {
        self.kept = None;
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where its PostgreSQL listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn leads(&self) -> bool {
        matches!(self.ask("GET", "/primary", ""), Some((200, _)))
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Status and body of what Patroni answers, if it does.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        ask(self.rest, method, path, body)
    }
}

/// Status and body of what a local server answers, if it does.
pub(super) fn ask(port: u16, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let size = body.len();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

fn configuration(
    programs: &Programs,
    name: &str,
    dir: &Path,
    port: u16,
    rest: u16,
    agreed: u16,
) -> String {
    let (dir, programs) = (dir.display(), programs.folder().display());
    format!(
        r#"scope: countersign
name: {name}
restapi: {{ listen: "127.0.0.1:{rest}", connect_address: "127.0.0.1:{rest}" }}
etcd3: {{ host: "127.0.0.1:{agreed}" }}
bootstrap:
  dcs:
    ttl: {TTL}
    loop_wait: {LOOP_WAIT}
    retry_timeout: {RETRY}
    maximum_lag_on_failover: 1048576
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters:
        wal_log_hints: 'on'
        synchronous_commit: 'on'
        fsync: 'off'
        max_connections: 100
        shared_buffers: 32MB
        max_wal_size: 256MB
        log_min_messages: fatal
  initdb: [ {{ encoding: UTF8 }}, no-locale, no-sync ]
  pg_hba: [ "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust" ]
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {dir}/data
  bin_dir: {programs}
  pgpass: {dir}/pgpass
  authentication:
    superuser: {{ username: postgres, password: test }}
    replication: {{ username: replicator, password: test }}
    rewind: {{ username: rewinder, password: test }}
  parameters: {{ unix_socket_directories: '{dir}' }}
"#
    )
}
