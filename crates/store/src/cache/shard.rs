//! One part of the cache: entries found by the hash of their name, and a clock hand that frees the ones least used.

use countersign_engine::facts::Account;
use hashbrown::HashTable;
use std::sync::Arc;

pub(super) struct Shard {
    bound: usize,
    names: HashTable<usize>,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    hand: usize,
}

struct Slot {
    hash: u64,
    used: bool,
    account: Arc<Account>,
}

impl Shard {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            bound,
            names: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            hand: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn find(
        &mut self,
        hash: u64,
        is: impl Fn(&Account) -> bool,
    ) -> Option<Arc<Account>> {
        let at = self.place(hash, is)?;
        let slot = self.slots.get_mut(at)?.as_mut()?;
        slot.used = true;
        Some(Arc::clone(&slot.account))
    }

    /// Adds an account that is not here yet; gives back what had to go for it.
    pub(super) fn insert(&mut self, hash: u64, account: Arc<Account>) -> Option<Arc<Account>> {
        if self.bound == 0 {
            return Some(account);
        }
        let gone = if self.names.len() >= self.bound {
            self.free_one()
        } else {
            None
        };
        let slot = Some(Slot {
            hash,
            used: false,
            account,
        });
        let at = match self.free.pop() {
            Some(at) => at,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        if let Some(place) = self.slots.get_mut(at) {
            *place = slot;
        }
        let slots = &self.slots;
        self.names.insert_unique(hash, at, |other| {
            slots
                .get(*other)
                .and_then(Option::as_ref)
                .map_or(0, |slot| slot.hash)
        });
        gone
    }

    /// Changes an account in place; where `apply` says no, the account goes and is given back.
    pub(super) fn change(
        &mut self,
        hash: u64,
        is: impl Fn(&Account) -> bool,
        apply: impl FnOnce(&mut Account) -> bool,
    ) -> Option<Arc<Account>> {
        let at = self.place(hash, is)?;
        let slot = self.slots.get_mut(at)?.as_mut()?;
        if apply(Arc::make_mut(&mut slot.account)) {
            return None;
        }
        self.remove(at)
    }

    pub(super) fn clear(&mut self) -> Vec<Arc<Account>> {
        self.names.clear();
        self.free.clear();
        self.hand = 0;
        std::mem::take(&mut self.slots)
            .into_iter()
            .flatten()
            .map(|slot| slot.account)
            .collect()
    }

    fn place(&self, hash: u64, is: impl Fn(&Account) -> bool) -> Option<usize> {
        let account = |at: &usize| {
            self.slots
                .get(*at)
                .and_then(Option::as_ref)
                .is_some_and(|slot| is(&slot.account))
        };
        self.names.find(hash, account).copied()
    }

    fn remove(&mut self, at: usize) -> Option<Arc<Account>> {
        let slot = self.slots.get_mut(at)?.take()?;
        if let Ok(entry) = self.names.find_entry(slot.hash, |other| *other == at) {
            entry.remove();
        }
        self.free.push(at);
        Some(slot.account)
    }

    /// Second chance: the hand passes by what was used since it came last.
    fn free_one(&mut self) -> Option<Arc<Account>> {
        for _ in 0..=2 * self.slots.len() {
            let at = self.hand;
            self.hand = if at + 1 < self.slots.len() { at + 1 } else { 0 };
            match self.slots.get_mut(at) {
                Some(Some(slot)) if slot.used => slot.used = false,
                Some(Some(_)) => return self.remove(at),
                _ => {}
            }
        }
        None
    }
}
