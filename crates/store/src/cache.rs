//! Accounts in memory: bounded, filled on first use, updated by every commit before its callers hear of it.
//!
//! Staleness is never dangerous, since every write is guarded by the version it was decided on; it only costs a
//! conflict. Accounts that use another account's authenticators are not kept, so each application has one place.

mod packed;
mod shard;

use countersign_engine::facts::Account;
use countersign_engine::model::{ApplicationKey, ApplicationState, DomainKey, UserKey, UserState};
use hashbrown::DefaultHashBuilder;
use shard::Shard;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;
const STAMPS: usize = 4096;

/// What an entry is found by besides its name: a row of one of two tables, told apart by the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key(i64);

impl Key {
    fn user(key: UserKey) -> Self {
        Self(key.0 << 1)
    }

    fn application(key: ApplicationKey) -> Self {
        Self(key.0 << 1 | 1)
    }
}

pub(crate) struct Cache {
    hasher: DefaultHashBuilder,
    shards: Vec<Mutex<Shard>>,
    /// The hash of the name under which the account of a key stands.
    index: Vec<Mutex<HashMap<Key, u64, DefaultHashBuilder>>>,
    /// Counts changes.
    clock: AtomicU64,
    /// For each class of keys the clock at its newest change: what was read before is too old to be kept.
    stamps: Vec<AtomicU64>,
}

/// The clock before a read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading(u64);

impl Cache {
    /// A cache of at most `accounts` accounts.
    pub(crate) fn new(accounts: usize) -> Self {
        let each = accounts.div_ceil(SHARDS);
        Self {
            hasher: DefaultHashBuilder::default(),
            shards: (0..SHARDS).map(|_| Mutex::new(Shard::new(each))).collect(),
            index: (0..SHARDS).map(|_| Mutex::default()).collect(),
            clock: AtomicU64::new(0),
            stamps: (0..STAMPS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The account of this name, if it is here.
    pub(crate) fn find(&self, domain: DomainKey, folded: &str) -> Option<Arc<Account>> {
        let hash = self.hash_name(domain, folded);
        self.shard(hash).find(hash, |account| {
            account.user.domain == domain && account.user.folded == folded
        })
    }

    /// To be called before an account is read from the database.
    pub(crate) fn reading(&self) -> Reading {
        Reading(self.clock.load(Ordering::SeqCst))
    }

    /// Keeps what was read, unless it may have changed since.
    pub(crate) fn insert(&self, read: Reading, account: &Arc<Account>) {
        if account.is_linked() {
            return;
        }
        let hash = self.hash_name(account.user.domain, &account.user.folded);
        let mut shard = self.shard(hash);
        if shard
            .find(hash, |other| other.user.key == account.user.key)
            .is_some()
        {
            return;
        }
        // A change stamps first and looks into the index then; an insertion goes the other way round. So a change
        // that does not find the entry here is seen there.
        for key in keys(account) {
            self.slot(key).insert(key, hash);
        }
        if keys(account).any(|key| self.stamp(key).load(Ordering::SeqCst) > read.0) {
            return self.unlink(account);
        }
        if let Some(gone) = shard.insert(hash, Arc::clone(account)) {
            self.unlink(&gone);
        }
    }

    /// Takes over the new state of an application that was at `guard`.
    pub(crate) fn set_application(&self, key: ApplicationKey, guard: i64, to: &ApplicationState) {
        self.change(Key::application(key), |account| {
            let mut all = account
                .authenticators
                .iter_mut()
                .flat_map(|authenticator| &mut authenticator.applications);
            let application = all.find(|application| application.key == key);
            application.is_some_and(|application| {
                advance(&mut application.state, |state| state.version, guard, to)
            })
        });
    }

    /// Takes over the new state of an account that was at `guard`.
    pub(crate) fn set_user(&self, key: UserKey, guard: i64, to: &UserState) {
        self.change(Key::user(key), |account| {
            advance(&mut account.state, |state| state.version, guard, to)
        });
    }

    /// Forgets an account.
    pub(crate) fn evict_user(&self, key: UserKey) {
        self.change(Key::user(key), |_| false);
    }

    /// Forgets the account that uses an application.
    pub(crate) fn evict_application(&self, key: ApplicationKey) {
        self.change(Key::application(key), |_| false);
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        let now = self.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.stamps
            .iter()
            .for_each(|stamp| stamp.store(now, Ordering::SeqCst));
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard
                .clear()
                .iter()
                .for_each(|account| self.unlink(account));
        }
    }

    /// How many accounts are here.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Changes an entry in place; where `apply` says that it cannot, the entry goes.
    fn change(&self, key: Key, apply: impl FnOnce(&mut Account) -> bool) {
        let now = self.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.stamp(key).fetch_max(now, Ordering::SeqCst);
        let Some(hash) = self.slot(key).get(&key).copied() else {
            return;
        };
        let mut shard = self.shard(hash);
        if let Some(gone) = shard.change(hash, |account| keys(account).any(|own| own == key), apply)
        {
            self.unlink(&gone);
        }
    }

    /// Takes the keys of an account out of the index. The lock of its shard must be held, or an entry that is put back
    /// at the same moment would lose its keys.
    fn unlink(&self, account: &Account) {
        let hash = self.hash_name(account.user.domain, &account.user.folded);
        for key in keys(account) {
            if let Entry::Occupied(entry) = self.slot(key).entry(key)
                && *entry.get() == hash
            {
                entry.remove();
            }
        }
    }

    fn hash_name(&self, domain: DomainKey, folded: &str) -> u64 {
        self.hasher.hash_one((domain, folded))
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        lock(part(&self.shards, hash.rotate_right(48)))
    }

    fn slot(&self, key: Key) -> MutexGuard<'_, HashMap<Key, u64, DefaultHashBuilder>> {
        lock(part(
            &self.index,
            self.hasher.hash_one(key).rotate_right(48),
        ))
    }

    fn stamp(&self, key: Key) -> &AtomicU64 {
        part(&self.stamps, self.hasher.hash_one(key))
    }
}

fn advance<S: Copy>(state: &mut S, version: impl Fn(&S) -> i64, guard: i64, to: &S) -> bool {
    let at = version(state);
    if at == guard {
        *state = *to;
    }
    at == guard || at == version(to)
}

fn keys(account: &Account) -> impl Iterator<Item = Key> + '_ {
    let applications = account
        .authenticators
        .iter()
        .flat_map(|authenticator| &authenticator.applications);
    std::iter::once(Key::user(account.user.key))
        .chain(applications.map(|application| Key::application(application.key)))
}

#[expect(
    clippy::indexing_slicing,
    reason = "the remainder by the length is within a slice that is never empty"
)]
fn part<T>(all: &[T], hash: u64) -> &T {
    &all[usize::try_from(hash % all.len() as u64).unwrap_or_default()]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
