//! One run: events in the order of a virtual clock.

mod commits;
mod network;
mod operation;

use super::chance::Chance;
use super::node::{Job, Node, Reply};
use super::plan::Plan;
use super::store::Store;
use super::user::{Typed, User};
use super::{Outcome, Sabotage, Tally};
use crate::history::{AccountReading, History};
use commits::{Batch, Told};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// The moment at which the virtual clock begins, in Unix seconds.
const BEGIN_S: i64 = 1_700_000_010;
const MILLI: u64 = 1_000;
const SECOND: u64 = 1_000_000;

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
