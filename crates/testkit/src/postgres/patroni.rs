//! Three PostgreSQL servers that choose their leader themselves: Patroni, with one etcd that they agree by.

mod kept;
mod member;

use super::database::{Access, Database};
use super::programs::Programs;
use super::{account, folder, process};
use crate::peer;
use crate::wait::until;
use kept::Kept;
use member::Member;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Members of the cluster.
const MEMBERS: usize = 3;
/// How long the cluster may take to come up on a busy machine.
const START: Duration = Duration::from_secs(120);

/// Seconds after which a leader that says nothing is replaced, between two looks of a member at the cluster, and for
/// which etcd or PostgreSQL may fail. Small, so that tests are fast, and large enough for a machine that is busy.
pub(super) const TTL: u32 = 10;
pub(super) const LOOP_WAIT: u32 = 1;
pub(super) const RETRY: u32 = 3;

/// A running cluster with synchronous replication; it ends with the value, and with this process.
#[derive(Debug)]
pub struct Patroni {
    // The members end before what they agree by.
    members: Vec<Member>,
    _etcd: Kept,
    programs: Programs,
    dir: TempDir,
}

impl Patroni {
    /// A cluster whose leader has a synchronous standby; `None` with a word where a program is missing and may be.
    ///
    /// # Panics
    /// It does not come up.
    pub fn start() -> Option<Self> {
        let programs = Programs::find()?;
        let etcd = peer::find("etcd")?;
        let patroni = peer::find("patroni")?;
        let dir = folder();
        programs.own(dir.path());
        let agreed = process::free_port();
        let cluster = Self {
            _etcd: start_etcd(&programs, &etcd, dir.path(), agreed),
            members: (1..=MEMBERS)
                .map(|number| Member::start(&programs, &patroni, dir.path(), number, agreed))
                .collect(),
            programs,
            dir,
        };
        cluster.wait_until_safe(START);
        cluster.access("postgres").run(&account());
        Some(cluster)
    }

    /// A new, empty database, which lives as long as the cluster.
    pub fn database(&self) -> Database {
        let name = "store";
        self.access("postgres").create(name, "template0");
        Database::on(self.access(name), None)
    }

    fn access(&self, database: &str) -> Access {
        let ports: Vec<u16> = self.members.iter().map(Member::port).collect();
        Access::among(&self.programs, &ports, database)
    }

    /// The number of the leader, if there is one.
    pub fn leader(&self) -> Option<usize> {
        self.members.iter().position(Member::leads)
    }

    /// Waits until every member runs and a synchronous standby stands ready to take over.
    ///
    /// # Panics
    /// That takes longer than `most`.
    pub fn wait_until_safe(&self, most: Duration) {
        let begun = Instant::now();
        while !self.is_safe() {
            assert!(
                begun.elapsed() < most,
                "the cluster is not whole: {:?}",
                self.roles()
            );
            std::thread::sleep(Duration::from_millis(50)); // it tells nobody by itself
        }
    }

    fn is_safe(&self) -> bool {
        let roles = self.roles();
        let number = |wanted: &str| {
            let of = roles.iter().filter(|(role, _)| role == wanted);
            of.count()
        };
        let running = |state: &str| ["running", "streaming"].contains(&state);
        roles.len() == self.members.len()
            && roles.iter().all(|(_, state)| running(state))
            && number("leader") == 1
            && number("sync_standby") >= 1
    }

    /// Role and state of each member, as the cluster tells.
    fn roles(&self) -> Vec<(String, String)> {
        let Some((200, told)) = self
            .members
            .iter()
            .find_map(|member| member.ask("GET", "/cluster", ""))
        else {
            return Vec::new();
        };
        let told: Value = serde_json::from_str(&told).unwrap_or_default();
        let text = |member: &Value, name: &str| member[name].as_str().unwrap_or("").to_owned();
        let members = told["members"].as_array().cloned().unwrap_or_default();
        members
            .iter()
            .map(|member| (text(member, "role"), text(member, "state")))
            .collect()
    }

    /// Kills the leader, Patroni and PostgreSQL, as the loss of its host would; its number.
    ///
    /// # Panics
    /// There is none.
    pub fn kill_leader(&mut self) -> usize {
        let leader = self.leader().expect("a leader");
        self.members[leader].kill();
        leader
    }

    /// Starts a killed member again.
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self, number: usize) {
        self.members[number].start_again();
    }

    /// Hands the lead over to the synchronous standby, as an administrator would.
    ///
    /// # Panics
    /// Patroni refuses.
    pub fn switch_over(&self) {
        let leader = until("a leader", || self.leader());
        let leader = &self.members[leader];
        let order = json!({"leader": leader.name()}).to_string();
        let answer = leader.ask("POST", "/switchover", &order);
        assert!(
            matches!(answer, Some((200, _))),
            "the switchover was refused: {answer:?}"
        );
    }

    /// What the members logged.
    pub fn log(&self) -> String {
        let logs = self.members.iter().map(|member| {
            let text = member.log();
            format!("--- log of {} ---\n{text}", member.name())
        });
        logs.collect()
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Patroni {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn start_etcd(programs: &Programs, etcd: &str, dir: &Path, port: u16) -> Kept {
    let (client, peer) = (url(port), url(process::free_port()));
    let mut words = programs.owner_words(etcd);
    let data = dir.join("etcd");
    words.extend(
        [
            "--name",
            "e1",
            "--data-dir",
            &data.display().to_string(),
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
            "--initial-cluster",
            &format!("e1={peer}"),
            "--unsafe-no-fsync",
        ]
        .map(str::to_owned),
    );
    let kept = Kept::start(&words, &dir.join("etcd.log"), None);
    until("etcd answers", || {
        let answer = member::ask(port, "GET", "/health", "");
        matches!(answer, Some((200, _))).then_some(())
    });
    kept
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
