//! A standby that streams from another server, and its promotion.

use super::process::{self, Process};
use super::programs::run;
use super::{Postgres, append, folder};
use std::sync::atomic::AtomicU32;

impl Postgres {
    /// A standby of this server, which it follows by a port: its own, or that of a proxy in front of it. It gets what this
    /// server has committed some time later, unless `synchronous_standby_names` names it.
    ///
    /// # Panics
    /// It does not come up.
    pub fn standby(&self, name: &str, port: u16) -> Self {
        let dir = folder();
        self.programs.own(dir.path());
        let data = dir.path().join("data");
        let from = format!("host=127.0.0.1 port={port} user=postgres application_name={name}");
        run(self
            .programs
            .as_owner("pg_basebackup")
            .args([
                "-d",
                &from,
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "--no-sync",
                "-D",
            ])
            .arg(&data));
        let settings = format!(
            "primary_conninfo = '{from}'\nsynchronous_standby_names = ''\nwal_retrieve_retry_interval = '200ms'\n"
        );
        append(&data.join("postgresql.auto.conf"), &settings);
        let own = process::free_port();
        let process = Process::start(&self.programs, dir.path(), own);
        Self {
            programs: self.programs.clone(),
            dir,
            port: own,
            process: Some(
                process.unwrap_or_else(|log| panic!("the standby does not start:\n{log}")),
            ),
            authority: None,
            databases: AtomicU32::new(0),
        }
    }

    /// Makes a standby take writes.
    ///
    /// # Panics
    /// It does not.
    pub fn promote(&self) {
        let done = self.access("postgres").run("SELECT pg_promote(true, 60)");
        assert_eq!(done.trim(), "t", "the standby was not promoted");
    }

    /// Whether a standby has replayed everything that the primary has committed so far.
    pub fn has_caught_up_with(&self, primary: &Self) -> bool {
        let position = primary
            .access("postgres")
            .run("SELECT pg_current_wal_lsn()");
        let query = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", position.trim());
        self.access("postgres").run(&query).trim() == "t"
    }
}
