//! One store for all nodes: changes take effect together or not at all, each under the version it was decided on.
//!
//! It also keeps the books: what every commit should have brought, so that what is stored can be compared after each.

mod books;
mod broken;

pub use broken::Broken;

use super::Sabotage;
use super::plan::Rules;
use crate::history::{Factor, Record};
use books::Books;
use countersign_engine::Status;
use countersign_engine::audit;
use countersign_engine::decision::Change;
use countersign_engine::facts::Account;
use countersign_engine::model::{
    Application, ApplicationKey, ApplicationState, Challenge, ChallengeKey, ChallengeKind, UserKey,
    UserState,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Challenges of one user beyond which the oldest gives way.
const MOST_CHALLENGES: usize = 20;
/// Applications of one user have keys between his own key times this and the next.
pub(super) const KEYS_PER_USER: i64 = 100;

#[derive(Debug)]
pub(super) struct Store {
    accounts: Vec<Arc<Account>>,
    challenges: BTreeMap<[u8; 16], Challenge>,
    pub(super) rules: Rules,
    pub(super) trail: Vec<Record>,
    /// Attempts whose decision is committed.
    pub(super) committed: BTreeSet<[u8; 16]>,
    pub(super) broken: Vec<Broken>,
    places: BTreeMap<String, u64>,
    books: Books,
    sabotage: Sabotage,
}

/// A decision on its way into the store.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) attempt: [u8; 16],
    /// The account as it was when it was decided on.
    pub(super) account: Arc<Account>,
    pub(super) changes: Vec<Change>,
    pub(super) records: Vec<audit::Record>,
}

/// What a node's memory takes over from a commit.
#[derive(Debug, Clone)]
pub(super) enum Touch {
    Application(ApplicationKey, i64, ApplicationState),
    User(UserKey, i64, UserState),
    Evict(UserKey),
}

/// A guard did not hold.
#[derive(Debug)]
pub(super) struct Conflict;

impl Store {
    pub(super) fn new(accounts: Vec<Account>, rules: Rules, sabotage: Sabotage) -> Self {
        Self {
            accounts: accounts.into_iter().map(Arc::new).collect(),
            challenges: BTreeMap::new(),
            rules,
            trail: Vec::new(),
            committed: BTreeSet::new(),
            broken: Vec::new(),
            places: BTreeMap::new(),
            books: Books::default(),
            sabotage,
        }
    }

    pub(super) fn account(&self, user: usize) -> Arc<Account> {
        Arc::clone(&self.accounts[user])
    }

    /// The challenge of a key, and all of a user if they are wanted too.
    pub(super) fn challenges(
        &self,
        key: Option<ChallengeKey>,
        user: Option<UserKey>,
    ) -> Vec<Challenge> {
        self.challenges
            .values()
            .filter(|one| Some(one.key) == key || user.is_some() && one.user == user)
            .cloned()
            .collect()
    }

    pub(super) fn outstanding(&self) -> i64 {
        i64::try_from(self.challenges.len()).unwrap_or(i64::MAX)
    }

    /// Does one work whole, or nothing of it.
    pub(super) fn commit(
        &mut self,
        node: &str,
        epoch: &str,
        work: &Work,
    ) -> Result<Vec<Touch>, Conflict> {
        let before = (self.accounts.clone(), self.challenges.clone());
        let done = self.apply(&work.changes);
        if done.is_err() {
            (self.accounts, self.challenges) = before;
        } else {
            self.committed.insert(work.attempt);
            self.record(node, epoch, &work.records);
            self.keep_books(&before.0, work);
        }
        done
    }

    /// States first, as production does: records written later raise the versions that were decided on.
    fn apply(&mut self, changes: &[Change]) -> Result<Vec<Touch>, Conflict> {
        let mut touched = Vec::new();
        let is_state =
            |change: &&Change| matches!(change, Change::Application { .. } | Change::User { .. });
        for change in changes.iter().filter(is_state) {
            self.state(change, &mut touched)?;
        }
        for change in changes.iter().filter(|change| !is_state(change)) {
            self.challenge(change)?;
        }
        let locked = changes.iter().filter_map(|change| match change {
            Change::User { key, to, .. } if to.locked.is_some() => Some(*key),
            _ => None,
        });
        for key in locked {
            self.raise(key); // a plain logon guards only its application, so a lock must be seen there too
            touched.push(Touch::Evict(key));
        }
        Ok(touched)
    }

    fn state(&mut self, change: &Change, touched: &mut Vec<Touch>) -> Result<(), Conflict> {
        match change {
            Change::Application { key, guard, to } => {
                let held = self.held();
                let state = &mut application(&mut self.accounts, *key).state;
                if held && state.version != *guard {
                    return Err(Conflict);
                }
                let forward = to.counter >= state.counter
                    && to.last_step >= state.last_step
                    && to.version > state.version;
                if !forward {
                    self.broken.push(Broken::WentBack {
                        application: key.0,
                        from: format!("{:?}", *state),
                        to: format!("{to:?}"),
                    });
                }
                *state = *to;
                touched.push(Touch::Application(*key, *guard, *to));
            }
            Change::User { key, guard, to } => {
                let held = self.held();
                let state = &mut account(&mut self.accounts, *key).state;
                if held && state.version != *guard {
                    return Err(Conflict);
                }
                *state = *to;
                touched.push(Touch::User(*key, *guard, *to));
            }
            _ => {}
        }
        Ok(())
    }

    fn challenge(&mut self, change: &Change) -> Result<(), Conflict> {
        match change {
            Change::PutChallenge(new) => {
                if self.challenges.contains_key(&new.key.0) {
                    return Err(Conflict);
                }
                self.challenges.insert(new.key.0, new.as_ref().clone());
                self.give_way(new.user);
            }
            Change::TakeChallenge { key, guard } => {
                let there = self.challenges.get(&key.0);
                if self.held() && there.is_none_or(|one| one.version != *guard) {
                    return Err(Conflict);
                }
                self.challenges.remove(&key.0);
            }
            Change::WrongAnswer { key, guard } => {
                let held = self.held();
                match self.challenges.get_mut(&key.0) {
                    Some(one) if one.version == *guard || !held => {
                        one.wrong += 1;
                        one.version += 1;
                    }
                    _ if held => return Err(Conflict),
                    _ => {}
                }
            }
            other => unreachable!("no logon here changes {other:?}"),
        }
        Ok(())
    }

    /// Of more than twenty challenges of one user the oldest gives way; memories of accepted ones stay.
    fn give_way(&mut self, user: Option<UserKey>) {
        let mut own: Vec<_> = self
            .challenges
            .values()
            .filter(|one| one.user == user && one.kind != ChallengeKind::Accepted)
            .map(|one| (one.issued, one.number, one.key.0))
            .collect();
        own.sort_unstable();
        for (.., key) in own.iter().rev().skip(MOST_CHALLENGES) {
            self.challenges.remove(key);
        }
    }

    fn held(&self) -> bool {
        self.sabotage != Sabotage::IgnoresGuards
    }

    fn raise(&mut self, key: UserKey) {
        let account = account(&mut self.accounts, key);
        account.state.version += 1;
        let applications = account
            .authenticators
            .iter_mut()
            .flat_map(|one| &mut one.applications);
        applications.for_each(|application| application.state.version += 1);
    }

    /// What a command changes on an account, with every version that logons guard.
    pub(super) fn command(&mut self, user: usize, change: impl FnOnce(&mut Account)) {
        let key = self.accounts[user].user.key;
        let account = account(&mut self.accounts, key);
        change(account);
        self.books.failures.insert(key.0, account.state.lock_count);
        self.raise(key);
    }

    fn record(&mut self, node: &str, epoch: &str, records: &[audit::Record]) {
        for record in records {
            let place = self.places.entry(epoch.to_owned()).or_default();
            self.trail.push(seen(record, node, epoch, *place));
            *place += 1;
        }
    }
}

fn place(key: UserKey) -> usize {
    usize::try_from(key.0 - 1).expect("users are numbered from 1")
}

fn account(accounts: &mut [Arc<Account>], key: UserKey) -> &mut Account {
    Arc::make_mut(&mut accounts[place(key)])
}

fn application(accounts: &mut [Arc<Account>], key: ApplicationKey) -> &mut Application {
    let owner = UserKey(key.0 / KEYS_PER_USER);
    find(account(accounts, owner), key).expect("applications stay")
}

/// An application of an account.
pub(super) fn find(account: &mut Account, key: ApplicationKey) -> Option<&mut Application> {
    let applications = account
        .authenticators
        .iter_mut()
        .flat_map(|one| &mut one.applications);
    applications.into_iter().find(|one| one.key == key)
}

/// A record as a reader of the trail sees it.
pub(super) fn seen(record: &audit::Record, node: &str, epoch: &str, seq: u64) -> Record {
    let text = |text: &Option<audit::Text>| text.as_deref().map(str::to_owned);
    let code = record.code.to_string();
    let counter = record.verified_counter.map(Factor::Counter);
    let time = || {
        let start = record.verified_time?;
        Some(Factor::Second(start.seconds()))
    };
    let challenge = || {
        let key = record.challenge_key.filter(|_| code == "S-101001")?;
        Some(Factor::Challenge(key.as_str().to_owned()))
    };
    Record {
        amid: data_encoding::HEXLOWER.encode(&record.amid),
        node: node.to_owned(),
        epoch: epoch.to_owned(),
        seq,
        status: record.status.map(Status::number),
        client_status: record.client_status.map(Status::number),
        request_id: text(&record.request_id),
        user: text(&record.user),
        target_user: text(&record.target_user),
        serial: text(&record.serial),
        application: text(&record.application),
        factor: counter.or_else(time).or_else(challenge),
        code,
    }
}
