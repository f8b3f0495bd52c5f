//! What operators see and do: crashes, starts, commands, and looks at what is stored.

use super::{Event, Run, SECOND};
use crate::history::{Factor, Reading, Reset};
use countersign_engine::model::{Algorithm, LockReason};

impl Run {
    pub(super) fn crash(&mut self) {
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
    pub(super) fn start(&mut self, node: usize) {
        let drift = self.plan.faults.node_drift_s;
        let one = &mut self.nodes[node];
        one.is_up = true;
        one.drift_s = self.chance.between(-drift, drift);
        one.refresh(self.store.rules);
    }

    /// An administrator does something through any node.
    pub(super) fn command(&mut self) {
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

    pub(super) fn read(&mut self) {
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
}
