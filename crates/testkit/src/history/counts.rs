//! Failures: each counted once, none invented, forgotten after a success only.

use super::records::in_order;
use super::{AccountReading, History, Observation, Record, Sent, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// Statuses for which an authenticator counts a bad value.
const BAD_VALUES: [i16; 2] = [1008, 1012];

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    for account in &history.accounts {
        by_clients(history, account, found);
        if is_last(history, account) {
            by_trail(history, account, found);
        }
    }
    for reading in &history.readings {
        let Some(errors) = reading.errors else {
            continue;
        };
        let of_serial = |one: &&Observation| {
            one.serial.as_deref() == Some(&reading.serial) && one.what != Sent::Other
        };
        let mut bounds = Bounds::of(history.observations.iter().filter(of_serial), reading.at);
        bounds.fail(|one| match one.answer {
            super::Answer::Refused(status) if status > 0 => BAD_VALUES.contains(&status),
            _ => true,
        });
        judge(
            &reading.serial,
            errors,
            bounds.least,
            bounds.most.filter(|_| history.complete),
            "clients",
            found,
        );
    }
}

/// Whether the account was at rest after everything that is known of it, as the trail is.
fn is_last(history: &History, account: &AccountReading) -> bool {
    let later = |one: &Observation| one.user == account.user && one.sent >= account.at;
    let newer = |other: &AccountReading| other.user == account.user && other.at > account.at;
    !history.observations.iter().any(later) && !history.accounts.iter().any(newer)
}

fn by_clients(history: &History, account: &AccountReading, found: &mut Vec<Violation>) {
    let of_user = |one: &&Observation| one.user == account.user;
    let mut bounds = Bounds::of(history.observations.iter().filter(of_user), account.at);
    let resets = history.resets.iter();
    for reset in resets.filter(|reset| reset.user == account.user && reset.sent < account.at) {
        bounds.forgotten_by(
            reset.sent,
            reset.done.unwrap_or(u64::MAX),
            reset.done.is_some(),
        );
    }
    bounds.fail(|_| true);
    judge(
        &account.user,
        account.lock_count,
        bounds.least,
        bounds.most.filter(|_| history.complete),
        "clients",
        found,
    );
}

/// What a counter may show at a moment.
struct Bounds<'a> {
    sent: Vec<&'a Observation>,
    at: u64,
    /// Failures that ended before this are forgotten for certain.
    forgotten: u64,
    /// Failures sent after this are remembered for certain.
    remembered: u64,
    least: u64,
    most: Option<u64>,
}

impl<'a> Bounds<'a> {
    fn of(sent: impl Iterator<Item = &'a Observation>, at: u64) -> Self {
        let mut bounds = Self {
            sent: sent.filter(|one| one.sent < at).collect(),
            at,
            forgotten: 0,
            remembered: 0,
            least: 0,
            most: None,
        };
        for place in 0..bounds.sent.len() {
            let one = bounds.sent[place];
            if one.may_be_accepted() {
                bounds.forgotten_by(one.sent, one.end(), one.is_accepted() && one.end() <= at);
            }
        }
        bounds
    }

    /// A success, or what may be one, between these moments.
    fn forgotten_by(&mut self, sent: u64, end: u64, certain: bool) {
        if certain {
            self.forgotten = self.forgotten.max(sent);
        }
        self.remembered = self.remembered.max(end);
    }

    fn fail(&mut self, may_count: impl Fn(&Observation) -> bool) {
        let (mut least, mut most) = (0, 0);
        // A refusal that is sent again from memory was counted once.
        let mut decided = BTreeSet::new();
        for one in self.sent.iter().filter(|one| may_count(one)) {
            let certain = one.is_counted() && one.sent >= self.remembered && one.end() <= self.at;
            if certain
                && one
                    .packet
                    .is_none_or(|packet| decided.insert((packet, &one.node)))
            {
                least += 1;
            }
            if one.end() >= self.forgotten {
                most += one.most_failures();
            }
        }
        self.least = least;
        self.most = Some(most);
    }
}

/// Records of different nodes have no common order, so the last success of all is one of the last ones of each.
fn by_trail(history: &History, account: &AccountReading, found: &mut Vec<Violation>) {
    let Some(trail) = &history.trail else { return };
    let is_reset = history
        .resets
        .iter()
        .any(|reset| reset.user == account.user);
    if is_reset {
        return; // when, no chain tells
    }
    let mut chains: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    let own = |record: &&Record| record.user.as_deref() == Some(&account.user);
    for record in in_order(trail).into_iter().filter(own) {
        if record.is_counted() || record.is_accept() {
            chains.entry(&record.node).or_default().push(record);
        }
    }
    let (mut most, mut least, mut all) = (0, None::<u64>, 0);
    for chain in chains.values() {
        let after = chain.iter().rev().take_while(|record| !record.is_accept());
        let after = u64::try_from(after.count()).unwrap_or(u64::MAX);
        most += after;
        all += chain.iter().filter(|record| record.is_counted()).count() as u64;
        if chain.iter().any(|record| record.is_accept()) {
            least = Some(least.map_or(after, |least| least.min(after)));
        }
    }
    let least = least.unwrap_or(all);
    judge(
        &account.user,
        account.lock_count,
        least,
        Some(most),
        "trail",
        found,
    );
}

fn judge(
    of: &str,
    stored: u64,
    least: u64,
    most: Option<u64>,
    by: &'static str,
    found: &mut Vec<Violation>,
) {
    let of = of.to_owned();
    if stored < least {
        found.push(Violation::CountedTooFew {
            of,
            stored,
            least,
            by,
        });
    } else if let Some(most) = most.filter(|most| stored > *most) {
        found.push(Violation::CountedTooMany {
            of,
            stored,
            most,
            by,
        });
    }
}
