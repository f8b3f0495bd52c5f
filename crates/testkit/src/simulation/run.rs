//! One run: events in the order of a virtual clock.

use super::chance::Chance;
use super::node::{Job, Node, Reply, Request};
use super::plan::Plan;
use super::store::{Broken, Conflict, Store, Touch};
use super::user::{Typed, User};
use super::{Outcome, Sabotage, Tally};
use crate::history::{AccountReading, Answer, Factor, History, Observation, Reading, Reset};
use countersign_engine::model::{Algorithm, LockReason};
use countersign_engine::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// The moment at which the virtual clock begins, in Unix seconds.
const BEGIN_S: i64 = 1_700_000_010;
const MILLI: u64 = 1_000;
const SECOND: u64 = 1_000_000;
/// How often a client that hears nothing sends a packet again.
const MOST_REPEATS: u32 = 2;
/// Commits that a node has in flight at a time.
const MOST_IN_FLIGHT: usize = 2;

#[derive(Debug)]
enum Event {
    Act,
    Arrive {
        observation: usize,
    },
    Repeat {
        packet: u64,
        sent: u32,
    },
    Commit {
        node: usize,
        life: u32,
    },
    Apply(Box<Batch>),
    Told {
        node: usize,
        life: u32,
        told: Vec<(Job, Told)>,
    },
    Reply {
        observation: usize,
        reply: Reply,
    },
    Crash,
    Start {
        node: usize,
    },
    Refresh {
        node: usize,
    },
    Command,
    Read,
}

/// A commit in flight.
#[derive(Debug)]
struct Batch {
    node: usize,
    life: u32,
    epoch: String,
    jobs: Vec<Job>,
    fate: Fate,
}

/// What becomes of a commit, and what its node hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    /// Not done, and the node knows.
    Failed,
    /// Not done, and the node does not know.
    Lost,
    /// Done, and the node does not know.
    Unheard,
}

/// What a node hears of a decision.
#[derive(Debug)]
enum Told {
    Committed(Vec<Touch>),
    Conflict,
    Failed,
    Unknown,
}

/// A packet of a client; sent again it is the same.
#[derive(Debug)]
struct Packet {
    user: usize,
    typed: Typed,
    answered: bool,
}

pub(super) struct Run {
    plan: Plan,
    chance: Chance,
    sabotage: Sabotage,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64)>>,
    queue: BTreeMap<(u64, u64), Event>,
    number: u64,
    acts: u32,
    store: Store,
    nodes: Vec<Node>,
    users: Vec<User>,
    packets: Vec<Packet>,
    /// Node of each observation.
    sent_to: Vec<usize>,
    history: History,
    tally: Tally,
}

impl Run {
    pub(super) fn new(seed: u64, sabotage: Sabotage) -> Self {
        let mut chance = Chance::new(seed);
        let plan = Plan::draw(&mut chance);
        let users: Vec<User> = (0..plan.users)
            .map(|number| User::draw(number, &plan, &mut chance))
            .collect();
        let accounts = users.iter().enumerate();
        let accounts = accounts
            .map(|(number, user)| user.account(number))
            .collect();
        let drift = plan.faults.node_drift_s;
        Self {
            now: 0,
            events: BinaryHeap::new(),
            queue: BTreeMap::new(),
            number: 0,
            acts: 0,
            store: Store::new(accounts, plan.rules, sabotage),
            nodes: (0..plan.nodes)
                .map(|number| Node::new(number, chance.between(-drift, drift), plan.rules))
                .collect(),
            users,
            packets: Vec::new(),
            sent_to: Vec::new(),
            history: History {
                complete: true,
                ..History::default()
            },
            tally: Tally::default(),
            plan,
            chance,
            sabotage,
        }
    }

    pub(super) fn finish(mut self, seed: u64) -> Outcome {
        self.begin();
        while let Some(Reverse((at, number))) = self.events.pop() {
            self.now = self.now.max(at) + 1; // no two things happen at one moment
            if let Some(event) = self.queue.remove(&(at, number)) {
                self.happen(event);
            }
        }
        self.end();
        Outcome {
            seed,
            violations: self.history.violations(),
            history: self.history,
            broken: self.store.broken,
            tally: self.tally,
        }
    }

    fn begin(&mut self) {
        self.at(0, Event::Read);
        self.at(SECOND, Event::Act);
        let length = u64::from(self.plan.acts) * 5 * SECOND;
        for _ in 0..self.plan.faults.crashes {
            let when = self.chance.below(length);
            self.at(when, Event::Crash);
        }
        for _ in 0..self.plan.faults.commands {
            let when = self.chance.below(length);
            self.at(when, Event::Command);
        }
        for _ in 0..2 {
            let when = self.chance.below(length);
            self.at(when, Event::Read);
        }
    }

    fn at(&mut self, after: u64, event: Event) {
        self.number += 1;
        let place = (self.now + after, self.number);
        self.events.push(Reverse(place));
        self.queue.insert(place, event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Act => self.act(),
            Event::Arrive { observation } => self.arrive(observation),
            Event::Repeat { packet, sent } => self.repeat(packet, sent),
            Event::Commit { node, life } => self.commit(node, life),
            Event::Apply(batch) => self.apply(*batch),
            Event::Told { node, life, told } => self.told(node, life, told),
            Event::Reply { observation, reply } => self.hear(observation, &reply),
            Event::Crash => self.crash(),
            Event::Start { node } => self.start(node),
            Event::Refresh { node } => self.nodes[node].refresh(self.store.rules),
            Event::Command => self.command(),
            Event::Read => self.read(),
        }
    }

    fn now_s(&self) -> i64 {
        BEGIN_S + i64::try_from(self.now / SECOND).unwrap_or(0)
    }

    /// A user types something and a client sends it, to one node or at once to several.
    fn act(&mut self) {
        let user = self.chance.index(self.users.len());
        let now_s = self.now_s();
        let typed = self.users[user].act(now_s, &mut self.chance);
        let clients = if self.chance.percent(15) {
            2 + self.chance.below(3)
        } else {
            1
        };
        for _ in 0..clients {
            let packet = self.packets.len() as u64;
            self.packets.push(Packet {
                user,
                typed: typed.clone(),
                answered: false,
            });
            let node = self.chance.index(self.nodes.len());
            self.send(packet, node);
            let patience = SECOND + self.chance.below(3 * SECOND);
            self.at(patience, Event::Repeat { packet, sent: 1 });
        }
        self.acts += 1;
        if self.acts < self.plan.acts {
            let pause = self
                .chance
                .pick(&[5 * MILLI, SECOND, 8 * SECOND, 15 * SECOND]);
            let pause = 1 + self.chance.below(pause);
            self.at(pause, Event::Act);
        }
    }

    fn send(&mut self, packet: u64, node: usize) {
        let Some(known) = usize::try_from(packet)
            .ok()
            .and_then(|at| self.packets.get(at))
        else {
            return;
        };
        let (user, typed) = (&self.users[known.user], &known.typed);
        let serial = &user.devices[typed.device].serial;
        let mut one = Observation::new(
            self.now,
            &self.nodes[node].name,
            &user.name,
            serial,
            typed.what.clone(),
        );
        one.packet = Some(packet);
        one.value.clone_from(&typed.value);
        let is_radius = user.is_radius;
        let observation = self.history.observations.len();
        self.history.observations.push(one);
        self.sent_to.push(node);
        self.carry(observation);
        // Only datagrams are doubled on their way.
        if is_radius && self.chance.percent(self.plan.faults.packet_doubled) {
            self.history.observations[observation].copies += 1;
            self.carry(observation);
        }
    }

    fn carry(&mut self, observation: usize) {
        if self.chance.percent(self.plan.faults.packet_lost) {
            return;
        }
        let late = self.chance.percent(self.plan.faults.packet_late);
        let way = self
            .chance
            .below(if late { 5 * SECOND } else { 20 * MILLI });
        self.at(way, Event::Arrive { observation });
    }

    /// Nothing was heard: the packet goes again, to the same node or to another one.
    fn repeat(&mut self, packet: u64, sent: u32) {
        let place = usize::try_from(packet).unwrap_or(usize::MAX);
        if self.packets.get(place).is_none_or(|known| known.answered) || sent > MOST_REPEATS {
            return;
        }
        self.tally.repeats += 1;
        let node = self.chance.index(self.nodes.len());
        self.send(packet, node);
        let patience = SECOND + self.chance.below(3 * SECOND);
        let sent = sent + 1;
        self.at(patience, Event::Repeat { packet, sent });
    }

    fn arrive(&mut self, observation: usize) {
        let node = self.sent_to[observation];
        if !self.nodes[node].is_up {
            return;
        }
        let packet = self.history.observations[observation].packet.unwrap_or(0);
        let Some(known) = usize::try_from(packet)
            .ok()
            .and_then(|at| self.packets.get(at))
        else {
            return;
        };
        let user = &self.users[known.user];
        let request = Request {
            id: self.chance.bytes(),
            seed: self.chance.bytes(),
            at: Timestamp(
                (BEGIN_S + self.nodes[node].drift_s) * 1_000_000
                    + i64::try_from(self.now).unwrap_or(0),
            ),
            packet,
            observation,
            user: known.user,
            name: user.name.clone(),
            value: known.typed.value.clone(),
            key: known.typed.key,
            is_radius: user.is_radius,
        };
        if request.is_radius {
            match self.nodes[node].remembered.get(&packet).cloned() {
                Some(Some(reply)) => return self.reply(observation, reply),
                Some(None) => return, // its answer is under way
                None => self.nodes[node].remembered.insert(packet, None),
            };
        }
        self.think(node, request);
    }

    fn think(&mut self, node: usize, request: Request) {
        self.nodes[node].think(request, &self.store);
        let life = self.nodes[node].life;
        let soon = self.chance.below(2 * MILLI);
        self.at(soon, Event::Commit { node, life });
    }

    /// Everything that waits goes into one commit, unless enough of them are in flight.
    fn commit(&mut self, node: usize, life: u32) {
        let one = &mut self.nodes[node];
        if one.life != life || one.waiting.is_empty() || one.in_flight >= MOST_IN_FLIGHT {
            return;
        }
        let jobs = std::mem::take(&mut one.waiting);
        one.in_flight += 1;
        let epoch = one.epoch();
        self.tally.commits += 1;
        self.tally.grouped += u64::from(jobs.len() > 1);
        if self.sabotage == Sabotage::AnswersBeforeCommit {
            for job in &jobs {
                self.reply(job.request.observation, job.reply.clone());
            }
        }
        let fate = self.fate();
        let batch = Batch {
            node,
            life,
            epoch,
            jobs,
            fate,
        };
        let slow = self.chance.percent(20);
        let way = self
            .chance
            .below(if slow { 800 * MILLI } else { 5 * MILLI });
        self.at(way, Event::Apply(Box::new(batch)));
    }

    fn fate(&mut self) -> Fate {
        let faults = self.plan.faults;
        if self.chance.percent(faults.commit_failed) {
            Fate::Failed
        } else if self.chance.percent(faults.commit_unknown) {
            self.tally.unknown += 1;
            self.chance.pick(&[Fate::Lost, Fate::Unheard])
        } else {
            Fate::Done
        }
    }

    fn apply(&mut self, batch: Batch) {
        let Batch {
            node,
            life,
            epoch,
            jobs,
            fate,
        } = batch;
        let name = self.nodes[node].name.clone();
        let mut told = Vec::with_capacity(jobs.len());
        for job in jobs {
            let done = match fate {
                Fate::Failed => Told::Failed,
                Fate::Lost => Told::Unknown,
                Fate::Done | Fate::Unheard => match self.store.commit(&name, &epoch, &job.work) {
                    Ok(touched) => Told::Committed(touched),
                    Err(Conflict) => Told::Conflict,
                },
            };
            let heard = if fate == Fate::Unheard {
                Told::Unknown
            } else {
                done
            };
            told.push((job, heard));
        }
        let way = self.chance.below(5 * MILLI);
        self.at(way, Event::Told { node, life, told });
    }

    fn told(&mut self, node: usize, life: u32, told: Vec<(Job, Told)>) {
        if self.nodes[node].life != life {
            return; // who waited for it is gone
        }
        self.nodes[node].in_flight -= 1;
        for (job, told) in told {
            match told {
                Told::Committed(touched) => {
                    if !self.chance.percent(self.plan.faults.cache_misses_update) {
                        self.nodes[node].follow(&touched);
                    }
                    self.answer(node, job);
                }
                Told::Conflict => {
                    self.tally.conflicts += 1;
                    self.nodes[node].forget(job.request.user);
                    self.think(node, job.request);
                }
                Told::Failed | Told::Unknown => self.fail(node, &job),
            }
        }
        self.at(0, Event::Commit { node, life });
    }

    fn answer(&mut self, node: usize, job: Job) {
        self.tally.count(job.reply.status);
        if job.request.is_radius {
            let remembered = &mut self.nodes[node].remembered;
            remembered.insert(job.request.packet, Some(job.reply.clone()));
        }
        if self.sabotage != Sabotage::AnswersBeforeCommit {
            self.reply(job.request.observation, job.reply);
        }
    }

    /// Nobody knows what the commit did: over RADIUS silence, over JSON -106, never an accept.
    fn fail(&mut self, node: usize, job: &Job) {
        self.nodes[node].forget(job.request.user);
        if job.request.is_radius {
            self.nodes[node].remembered.remove(&job.request.packet);
        } else if self.sabotage != Sabotage::AnswersBeforeCommit {
            let reply = Reply {
                status: -106,
                asked: None,
                ..job.reply.clone()
            };
            self.reply(job.request.observation, reply);
        }
    }

    fn reply(&mut self, observation: usize, reply: Reply) {
        let is_committed = || {
            let id = data_encoding::HEXLOWER.decode(reply.request_id.as_bytes());
            let id = id.ok().and_then(|id| <[u8; 16]>::try_from(id).ok());
            id.is_some_and(|id| self.store.committed.contains(&id))
        };
        if reply.status >= 0 && !is_committed() {
            self.store.broken.push(Broken::AnsweredUncommitted {
                user: self.history.observations[observation].user.clone(),
            });
        }
        if self.chance.percent(self.plan.faults.answer_lost) {
            return;
        }
        let way = self.chance.below(20 * MILLI);
        self.at(way, Event::Reply { observation, reply });
    }

    fn hear(&mut self, observation: usize, reply: &Reply) {
        let one = &mut self.history.observations[observation];
        if one.answered.is_some() {
            return; // the first answer counts
        }
        let packet = &mut self.packets[usize::try_from(one.packet.unwrap_or(0)).unwrap_or(0)];
        packet.answered |= reply.status >= 0;
        let user = &mut self.users[packet.user];
        one.answered = Some(self.now);
        one.answer = match reply.status {
            0 => Answer::Accepted,
            3001 => Answer::Challenged,
            status => Answer::Refused(status),
        };
        // A reject over RADIUS does not name its request.
        let named = !user.is_radius || reply.status == 0;
        one.request_id = Some(reply.request_id.clone()).filter(|_| named);
        if let Some(asked) = &reply.asked {
            user.asked = Some(asked.clone());
        }
    }

    fn crash(&mut self) {
        let node = self.chance.index(self.nodes.len());
        if !self.nodes[node].is_up {
            return;
        }
        self.tally.crashes += 1;
        self.nodes[node].crash();
        let down = SECOND / 10 + self.chance.below(10 * SECOND);
        self.at(down, Event::Start { node });
    }

    /// A start reads the configuration anew, and finds the clock as it is then.
    fn start(&mut self, node: usize) {
        let drift = self.plan.faults.node_drift_s;
        let one = &mut self.nodes[node];
        one.is_up = true;
        one.drift_s = self.chance.between(-drift, drift);
        one.refresh(self.store.rules);
    }

    /// An administrator does something through any node.
    fn command(&mut self) {
        self.tally.commands += 1;
        let user = self.chance.index(self.users.len());
        let node = self.chance.index(self.nodes.len());
        match self.chance.below(6) {
            0 => self.set_threshold(),
            1 => self
                .store
                .command(user, |account| account.user.disabled = true),
            2 => self.store.command(user, |account| {
                account.state.locked = Some(LockReason::Administrator);
            }),
            _ => self.restore(user),
        }
        self.nodes[node].forget(user);
    }

    fn set_threshold(&mut self) {
        self.store.rules.lock_threshold = self.chance.pick(&[0, 3, 10]);
        for node in 0..self.nodes.len() {
            let soon = self.chance.below(SECOND);
            self.at(soon, Event::Refresh { node });
        }
    }

    /// Enables and unlocks an account.
    fn restore(&mut self, user: usize) {
        self.store.command(user, |account| {
            account.user.disabled = false;
            account.state.locked = None;
            account.state.lock_count = 0;
            account.state.unlock_attempts_used = 0;
            account.state.lock_duration_min = 0;
        });
        self.history.resets.push(Reset {
            sent: self.now,
            done: Some(self.now),
            user: self.users[user].name.clone(),
        });
    }

    fn read(&mut self) {
        for user in 0..self.users.len() {
            let account = self.store.account(user);
            for one in &account.authenticators {
                for application in &one.applications {
                    let state = application.state;
                    let period = match &application.algorithm {
                        Algorithm::Totp { period, .. } => Some(*period),
                        Algorithm::Hotp { .. } | Algorithm::Ocra(_) => None,
                    };
                    let last =
                        state.last_step.zip(period).map(|(step, period)| {
                            match Factor::step(step, period) {
                                Factor::Second(second) => second,
                                Factor::Counter(_) | Factor::Challenge(_) => 0,
                            }
                        });
                    let counts = period.is_none();
                    // A bad value counts at every authenticator, but is observed as one of the one it was meant for;
                    // what answers no challenge counts at none, and at a locked one nothing counts any more.
                    let exact = account.authenticators.len() == 1
                        && self.plan.rules.application_threshold == 0
                        && !self.users[user].devices[0].answers_challenges();
                    self.history.readings.push(Reading {
                        at: self.now,
                        serial: one.serial.clone(),
                        next_counter: Some(state.counter).filter(|_| counts),
                        last_second: last,
                        errors: Some(state.errors.into()).filter(|_| exact),
                    });
                }
            }
        }
    }

    /// Nothing is under way any more: what is stored now is what everybody said.
    fn end(&mut self) {
        self.now += 60 * SECOND;
        for one in &mut self.history.observations {
            one.over = Some(self.now - 1);
        }
        self.read();
        for user in 0..self.users.len() {
            self.history.accounts.push(AccountReading {
                at: self.now,
                user: self.users[user].name.clone(),
                lock_count: self.store.account(user).state.lock_count.into(),
            });
        }
        self.tally.runs = 1;
        self.history.trail = Some(std::mem::take(&mut self.store.trail));
    }
}
