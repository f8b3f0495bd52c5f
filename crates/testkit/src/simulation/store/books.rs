//! What every commit should have brought, compared with what is stored.

use super::{Broken, Store, Work, place, seen};
use crate::history::Factor;
use countersign_engine::Status;
use countersign_engine::audit;
use countersign_engine::decision::Change;
use countersign_engine::facts::Account;
use countersign_engine::model::{ApplicationKey, LockReason, UserKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Failures by what was committed.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) accepted: BTreeSet<(String, Factor)>,
    pub(super) failures: BTreeMap<i64, u32>,
    pub(super) errors: BTreeMap<i64, u32>,
}

impl Store {
    /// Compares what is stored with what was committed.
    pub(super) fn keep_books(&mut self, before: &[Arc<Account>], work: &Work) {
        let Some((main, key)) = work.records.first().zip(self.user_of(work)) else {
            return;
        };
        let status = main.status.unwrap_or(Status::SUCCESS);
        let is_accept = status == Status::SUCCESS;
        let failures = self.books.failures.entry(key.0).or_default();
        if is_accept {
            *failures = 0;
        } else if status.counts() {
            *failures += 1;
        }
        let expected = *failures;
        let was = &before[place(key)];
        if is_accept {
            let attempts = u32::from(self.rules.unlock_attempts);
            let what = match was.state.locked {
                _ if was.user.disabled => Some("disabled"),
                Some(LockReason::Administrator) => Some("locked by an administrator"),
                Some(LockReason::Failures) if was.state.unlock_attempts_used >= attempts => {
                    Some("locked for good")
                }
                Some(LockReason::Failures) | None => None,
            };
            self.broken.extend(what.map(|what| Broken::AcceptedUnder {
                user: was.user.id.clone(),
                what,
            }));
            self.accept(main);
        }
        for change in &work.changes {
            if let Change::Application { key, to, .. } = change {
                let was = errors(&work.account, *key);
                let errors = self.books.errors.entry(key.0).or_default();
                if is_accept {
                    *errors = 0;
                } else {
                    *errors += to.errors.saturating_sub(was);
                }
            }
        }
        self.compare(key, expected);
    }

    fn accept(&mut self, main: &audit::Record) {
        let record = seen(main, "", "", 0);
        let (Some(serial), Some(factor)) = (record.serial, record.factor) else {
            return;
        };
        if !self.books.accepted.insert((serial.clone(), factor.clone())) {
            self.broken.push(Broken::AcceptedAgain { serial, factor });
        }
    }

    fn compare(&mut self, key: UserKey, expected: u32) {
        let account = &self.accounts[place(key)];
        let mut compare = |of: String, stored: u32, expected: u32| {
            if stored != expected {
                self.broken.push(Broken::Miscounted {
                    of,
                    stored,
                    expected,
                });
            }
        };
        compare(account.user.id.clone(), account.state.lock_count, expected);
        for one in &account.authenticators {
            for application in &one.applications {
                let expected = self.books.errors.get(&application.key.0);
                compare(
                    one.serial.clone(),
                    application.state.errors,
                    expected.copied().unwrap_or(0),
                );
            }
        }
    }

    /// Whose logon it was, by the records.
    fn user_of(&self, work: &Work) -> Option<UserKey> {
        let user = work.records.first()?.user.as_deref()?;
        let account = self.accounts.iter().find(|one| one.user.id == user)?;
        Some(account.user.key)
    }
}

fn errors(account: &Account, key: ApplicationKey) -> u32 {
    let mut applications = account
        .authenticators
        .iter()
        .flat_map(|one| &one.applications);
    let found = applications.find(|one| one.key == key);
    found.map_or(0, |one| one.state.errors)
}
