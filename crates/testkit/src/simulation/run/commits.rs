//! From a decision to its answer: group commits, their conflicts, and what becomes of those whose outcome nobody hears.

use super::{Event, MILLI, Run, SECOND};
use crate::simulation::Sabotage;
use crate::simulation::node::{Job, Reply, Request};
use crate::simulation::store::{Conflict, Touch};

/// Commits that a node has in flight at a time.
const MOST_IN_FLIGHT: usize = 2;

/// A commit in flight.
#[derive(Debug)]
pub(super) struct Batch {
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
    /// Done when the node has long given up waiting for it.
    Late,
}

/// What a node hears of a decision.
#[derive(Debug)]
pub(super) enum Told {
    Committed(Vec<Touch>),
    Conflict,
    Failed,
    Unknown,
}

impl Run {
    pub(super) fn think(&mut self, node: usize, request: Request) {
        self.nodes[node].think(request, &self.store);
        let life = self.nodes[node].life;
        let soon = self.chance.below(2 * MILLI);
        self.at(soon, Event::Commit { node, life });
    }

    /// Everything that waits goes into one commit, unless enough of them are in flight.
    pub(super) fn commit(&mut self, node: usize, life: u32) {
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
        if fate == Fate::Late {
            let told = jobs.iter().cloned().map(|job| (job, Told::Unknown));
            let told = told.collect();
            self.at(5 * MILLI, Event::Told { node, life, told });
        }
        let slowest = match fate {
            Fate::Late => 3 * SECOND,
            _ if self.chance.percent(20) => 800 * MILLI,
            _ => 5 * MILLI,
        };
        let way = self.chance.below(slowest);
        let batch = Batch {
            node,
            life,
            epoch,
            jobs,
            fate,
        };
        self.at(way, Event::Apply(Box::new(batch)));
    }

    fn fate(&mut self) -> Fate {
        let faults = self.plan.faults;
        if self.chance.percent(faults.commit_failed) {
            Fate::Failed
        } else if self.chance.percent(faults.commit_unknown) {
            self.tally.unknown += 1;
            self.chance.pick(&[Fate::Lost, Fate::Unheard, Fate::Late])
        } else {
            Fate::Done
        }
    }

    pub(super) fn apply(&mut self, batch: Batch) {
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
                Fate::Done | Fate::Unheard | Fate::Late => {
                    match self.store.commit(&name, &epoch, &job.work) {
                        Ok(_) if fate == Fate::Unheard => Told::Unknown,
                        Ok(touched) => Told::Committed(touched),
                        Err(Conflict) if fate == Fate::Unheard => Told::Unknown,
                        Err(Conflict) => Told::Conflict,
                    }
                }
            };
            told.push((job, done));
        }
        if fate != Fate::Late {
            let way = self.chance.below(5 * MILLI);
            self.at(way, Event::Told { node, life, told });
        }
    }

    pub(super) fn told(&mut self, node: usize, life: u32, told: Vec<(Job, Told)>) {
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
}
