//! A seeded simulation of a cluster: the real engine decides for several nodes on one simulated store, while packets,
//! answers, commits and nodes are lost as a seed wills it. The clock is virtual, so a run takes milliseconds, and the same
//! seed gives the same run.
//!
//! Two judges look at each run: the store compares after every commit what is stored with what was committed
//! ([`Broken`]), and the history checker sees what clients saw and what the trail says ([`crate::history`]).

mod chance;
mod device;
mod node;
mod plan;
mod run;
mod store;
mod user;

pub use store::Broken;

use crate::history::{History, Violation};
use run::Run;
use std::fmt;

/// What is broken on purpose, to prove that a run can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// The store takes every change, whatever version it was decided on.
    IgnoresGuards,
    /// Nodes answer before they commit.
    AnswersBeforeCommit,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// What clients saw and what is recorded and stored.
    pub history: History,
    /// What the history checker found.
    pub violations: Vec<Violation>,
    /// What the store found.
    pub broken: Vec<Broken>,
    /// What happened.
    pub tally: Tally,
}

impl Outcome {
    /// Whether every promise was kept.
    pub fn is_kept(&self) -> bool {
        self.violations.is_empty() && self.broken.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {} breaks promises; run it alone: SIMULATION_SEED={} cargo nextest run -p countersign-testkit --test simulation one_seed --no-capture",
            self.seed, self.seed
        )?;
        for broken in self.broken.iter().take(20) {
            writeln!(f, "  store: {broken}")?;
        }
        for violation in self.violations.iter().take(20) {
            writeln!(f, "  history: {violation}")?;
        }
        write!(f, "  {}", self.tally)
    }
}

/// What happened in runs, so that a test can see that they were no idle ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Committed accepts.
    pub accepts: u64,
    /// Refused as replays (1008).
    pub replays: u64,
    /// Refused as wrong (1012).
    pub wrong: u64,
    /// Refused as locked or disabled (1007, 1009).
    pub locked: u64,
    /// Challenges issued (3001).
    pub challenges: u64,
    /// Other refusals.
    pub others: u64,
    /// Decisions made again because a guard did not hold.
    pub conflicts: u64,
    /// Commits.
    pub commits: u64,
    /// Commits of more than one decision.
    pub grouped: u64,
    /// Commits whose outcome their node never heard.
    pub unknown: u64,
    /// Crashes of nodes.
    pub crashes: u64,
    /// Packets sent again.
    pub repeats: u64,
    /// Commands of administrators.
    pub commands: u64,
}

impl Tally {
    fn count(&mut self, status: i16) {
        let place = match status {
            0 => &mut self.accepts,
            1008 => &mut self.replays,
            1012 => &mut self.wrong,
            1007 | 1009 => &mut self.locked,
            3001 => &mut self.challenges,
            _ => &mut self.others,
        };
        *place += 1;
    }

    /// The numbers with their names.
    pub fn numbers(&self) -> [(&'static str, u64); 14] {
        [
            ("runs", self.runs),
            ("accepts", self.accepts),
            ("replays", self.replays),
            ("wrong", self.wrong),
            ("locked", self.locked),
            ("challenges", self.challenges),
            ("others", self.others),
            ("conflicts", self.conflicts),
            ("commits", self.commits),
            ("grouped", self.grouped),
            ("unknown", self.unknown),
            ("crashes", self.crashes),
            ("repeats", self.repeats),
            ("commands", self.commands),
        ]
    }

    /// Adds the numbers of another run.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.accepts += other.accepts;
        self.replays += other.replays;
        self.wrong += other.wrong;
        self.locked += other.locked;
        self.challenges += other.challenges;
        self.others += other.others;
        self.conflicts += other.conflicts;
        self.commits += other.commits;
        self.grouped += other.grouped;
        self.unknown += other.unknown;
        self.crashes += other.crashes;
        self.repeats += other.repeats;
        self.commands += other.commands;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self
            .numbers()
            .iter()
            .map(|(name, number)| format!("{number} {name}"))
            .collect();
        f.write_str(&words.join(", "))
    }
}

/// Runs one seed.
pub fn run(seed: u64, sabotage: Sabotage) -> Outcome {
    Run::new(seed, sabotage).finish(seed)
}

/// Runs seeds until one breaks a promise; what happened in all of them.
///
/// # Errors
/// The first run that broke a promise.
pub fn run_all(seeds: impl IntoIterator<Item = u64>) -> Result<Tally, Box<Outcome>> {
    let mut tally = Tally::default();
    for seed in seeds {
        let outcome = run(seed, Sabotage::None);
        if !outcome.is_kept() {
            return Err(Box::new(outcome));
        }
        tally.add(&outcome.tally);
    }
    Ok(tally)
}
