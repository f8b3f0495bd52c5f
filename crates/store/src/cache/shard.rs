//! One part of the cache: entries found by the hash of their name, and a clock hand that frees the ones least used.

use super::packed::{pack, unpack};
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
    kept: Kept,
}

/// Accounts of a shard that are kept unpacked: with few accounts there is room enough.
const UNPACKED: usize = 64;

enum Kept {
    Whole(Arc<Account>),
    Packed(Box<[u8]>),
}

impl Kept {
    fn account(&self) -> Option<Arc<Account>> {
        match self {
            Self::Whole(account) => Some(Arc::clone(account)),
            Self::Packed(bytes) => unpack(bytes).map(Arc::new),
        }
    }
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
        let at = self.place(hash)?;
        let slot = self.slots.get_mut(at)?.as_mut()?;
        let account = slot.kept.account().filter(|account| is(account))?;
        slot.used = true;
        Some(account)
    }

    /// Adds an account that is not here yet; gives back what had to go for it.
    pub(super) fn insert(&mut self, hash: u64, account: Arc<Account>) -> Option<Arc<Account>> {
        if self.bound == 0 || self.place(hash).is_some() {
            return Some(account);
        }
        let packed = (self.names.len() >= UNPACKED).then(|| pack(&account));
        let kept = packed.flatten().map_or(Kept::Whole(account), Kept::Packed);
        let gone = if self.names.len() >= self.bound {
            self.free_one()
        } else {
            None
        };
        let slot = Some(Slot {
            hash,
            used: false,
            kept,
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
        let at = self.place(hash)?;
        match &mut self.slots.get_mut(at)?.as_mut()?.kept {
            Kept::Whole(account) if !is(account) => return None,
            Kept::Whole(account) => {
                if apply(Arc::make_mut(account)) {
                    return None;
                }
            }
            Kept::Packed(bytes) => {
                let mut account = unpack(bytes).filter(|account| is(account))?;
                if apply(&mut account)
                    && let Some(changed) = pack(&account)
                {
                    *bytes = changed;
                    return None;
                }
            }
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
            .filter_map(|slot| slot.kept.account())
            .collect()
    }

    /// The place of an entry with this hash of a name: of two names with one hash only the first is kept.
    fn place(&self, hash: u64) -> Option<usize> {
        let slot = |at: &usize| self.slots.get(*at).and_then(Option::as_ref);
        self.names
            .find(hash, |at| slot(at).is_some_and(|slot| slot.hash == hash))
            .copied()
    }

    fn remove(&mut self, at: usize) -> Option<Arc<Account>> {
        let slot = self.slots.get_mut(at)?.take()?;
        if let Ok(entry) = self.names.find_entry(slot.hash, |other| *other == at) {
            entry.remove();
        }
        self.free.push(at);
        slot.kept.account()
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
