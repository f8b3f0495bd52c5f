//! What goes wrong at random, by a seed.

use std::sync::atomic::AtomicU64;

/// The states of errors after which a transaction is to be tried again: not serializable, deadlock.
const STATES: [&str; 2] = ["40001", "40P01"];

/// How much goes wrong.
#[derive(Debug, Clone, Copy)]
pub struct Chaos {
    /// Where chance begins; each connection has its own chance.
    pub seed: u64,
    /// Of a thousand commits, and of a thousand statements that are a transaction of their own, so many fail with 40001 or
    /// 40P01; of two hundred thousand statements within a longer one, which may hold thousands of them.
    pub errors: u32,
    /// After so many of ten thousand messages of the client the connection breaks when nobody uses it.
    pub resets: u32,
    /// After so many of ten thousand statements and commits the connection breaks before their answer.
    pub lost_answers: u32,
}

/// What went wrong so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) errors: AtomicU64,
    pub(super) resets: AtomicU64,
}

/// What happens to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Pass,
    /// The server fails with this state.
    Fail(&'static str),
    /// The connection breaks when it is idle.
    Break,
    /// The connection breaks after it, before its answer.
    LoseAnswer,
}

/// The chance of one connection.
#[derive(Debug)]
pub(super) struct Chance {
    state: u64,
}

impl Chance {
    pub(super) fn new(seed: u64, connection: u64) -> Self {
        let mut chance = Self {
            state: seed ^ connection.wrapping_mul(0xd129_0d3a_95f2_4c6b),
        };
        chance.next();
        chance
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn happens(&mut self, times: u32, of: u64) -> bool {
        self.next() % of < u64::from(times)
    }

    /// What happens to the next message; only one that runs something can fail.
    pub(super) fn fate(&mut self, chaos: &Chaos, runs: Runs) -> Fate {
        let of = if runs == Runs::Within { 200_000 } else { 1000 };
        let (breaks, fails, loses) = (
            self.happens(chaos.resets, 10_000),
            self.happens(chaos.errors, of),
            self.happens(chaos.lost_answers, 10_000),
        );
        let state = STATES[(self.next() % 2) as usize];
        match (breaks, runs) {
            (true, _) => Fate::Break,
            (false, Runs::Nothing) => Fate::Pass,
            (false, _) if fails => Fate::Fail(state),
            (false, _) if loses => Fate::LoseAnswer,
            _ => Fate::Pass,
        }
    }
}

/// What a message has the server do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// Nothing that could fail for other transactions.
    Nothing,
    /// A statement within a transaction.
    Within,
    /// A commit, or a statement that is a transaction of its own.
    Whole,
}
