//! Clients that log on without a pause, each with an authenticator of its own, now at one node and now at the other, and
//! write down what they saw.

use crate::client::{Line, Said};
use countersign_testkit::history::{Answer, Factor, Observation, Sent};
use countersign_testkit::oath::{KEY_HEX, fast_hotp};
use countersign_testkit::{Server, World};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a client waits for an answer over RADIUS before it asks the other node.
const PATIENCE: Duration = Duration::from_secs(1);
/// After this a request that got no answer has no effect any more: each one has a deadline.
const OVER: Duration = Duration::from_secs(10);
/// Between two logons of a client: the load is not what is measured.
const PAUSE: Duration = Duration::from_millis(2);
/// Each of so many accepted values is sent once more, to the other node.
const REPLAY_EVERY: u64 = 5;

/// Who logs on.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) user: String,
    pub(crate) serial: String,
}

/// What all clients saw.
#[derive(Debug)]
pub(crate) struct Log {
    begun: Instant,
    seen: Mutex<Vec<Observation>>,
    stop: AtomicBool,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            seen: Mutex::default(),
            stop: AtomicBool::new(false),
        }
    }

    /// Microseconds since it was begun.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).expect("a short test")
    }

    /// Ends the clients after what they are at.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn ends(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn observations(&self) -> Vec<Observation> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// When a node accepted something, in order.
    fn accepts(&self, node: &str) -> Vec<u64> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<u64> = seen
            .iter()
            .filter(|one| one.node == node && one.answer == Answer::Accepted)
            .filter_map(|one| one.answered)
            .collect();
        all.sort_unstable();
        all
    }

    /// Whether each node has accepted something that was sent after a moment.
    pub(crate) fn flows_since(&self, moment: u64) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        ["node-a", "node-b"].iter().all(|node| {
            seen.iter()
                .rev()
                .any(|one| one.node == *node && one.answer == Answer::Accepted && one.sent > moment)
        })
    }

    /// The longest time without an accept by a node, from a moment on.
    pub(crate) fn gap(&self, node: &str, since: u64) -> Duration {
        let accepts = self.accepts(node);
        let gaps = accepts
            .windows(2)
            .filter(|pair| pair[1] > since)
            .map(|pair| pair[1] - pair[0].max(since));
        Duration::from_micros(gaps.max().unwrap_or_default())
    }

    /// The longest time in which neither node accepted anything, from a moment on.
    pub(crate) fn whole_gap(&self, since: u64) -> Duration {
        let mut all = self.accepts("node-a");
        all.extend(self.accepts("node-b"));
        all.sort_unstable();
        let gaps = all
            .windows(2)
            .filter(|pair| pair[1] > since)
            .map(|pair| pair[1] - pair[0].max(since));
        Duration::from_micros(gaps.max().unwrap_or_default())
    }

    /// The longest wait for an answer.
    pub(crate) fn longest_wait(&self) -> Duration {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = seen.iter().filter_map(|one| Some(one.answered? - one.sent));
        Duration::from_micros(waits.max().unwrap_or_default())
    }

    fn note(&self, one: Observation) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(one);
    }
}

/// A line to each node.
pub(crate) struct Client {
    person: Person,
    lines: [(&'static str, Line); 2],
    counter: u64,
    /// Whether the present value may have been used up by a request that got no answer.
    open: bool,
}

impl Client {
    pub(crate) fn new(world: &World, other: &Server, person: Person, json: bool) -> Self {
        let line = |node: &Server| {
            if json {
                Line::json(node)
            } else {
                Line::radius(node, PATIENCE)
            }
        };
        Self {
            person,
            lines: [("node-a", line(world)), ("node-b", line(other))],
            counter: 0,
            open: false,
        }
    }

    /// Logs on until the log ends.
    pub(crate) fn run(mut self, log: &Log) {
        let mut turn = 0;
        while !log.ends() {
            turn += 1;
            self.log_on(log, turn % 2);
            std::thread::sleep(PAUSE);
        }
    }

    fn log_on(&mut self, log: &Log, node: usize) {
        match self.send(log, node) {
            Said::Accepted(_) => {
                if self.counter.is_multiple_of(REPLAY_EVERY) {
                    let again = self.send(log, 1 - node);
                    assert!(
                        !matches!(again, Said::Accepted(_)),
                        "{}: counter {} was accepted again",
                        self.person.user,
                        self.counter
                    );
                }
                self.next();
            }
            Said::Refused(status) if status > 0 => {
                assert!(
                    self.open,
                    "{}: counter {} was refused with {status}, although nobody had sent it",
                    self.person.user, self.counter
                );
                self.next();
            }
            Said::Refused(_) | Said::Nothing => self.open = true,
        }
    }

    fn next(&mut self) {
        self.counter += 1;
        self.open = false;
    }

    fn send(&mut self, log: &Log, node: usize) -> Said {
        let (name, line) = &mut self.lines[node];
        let value = fast_hotp(KEY_HEX, self.counter, 6);
        let Person { user, serial } = &self.person;
        let what = Sent::Value(Factor::Counter(self.counter));
        let mut one = Observation::new(log.now(), name, user, serial, what);
        let said = line.log_on(user, &value);
        one.value = value;
        let now = log.now();
        log.note(match &said {
            Said::Accepted(id) => one.answered(now, Answer::Accepted, Some(id)),
            Said::Refused(status) => one.answered(now, Answer::Refused(*status), None),
            Said::Nothing => {
                let over = u64::try_from(OVER.as_micros()).expect("a short time");
                one.over = Some(one.sent + over);
                one
            }
        });
        said
    }
}
