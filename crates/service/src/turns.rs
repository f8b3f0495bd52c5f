//! Whose turn it is: attempts that got into each other's way at one account go one after the other from then on, in the
//! order of arrival. Each would else decide again and again on what another is about to change, and the one that reads
//! slowest would lose every time. Where nobody contends, a look at a number is all it costs.

use countersign_engine::model::DomainKey;
use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Takes the turn for an attempt that waits, and gives it back where that attempt has ended.
pub(crate) type Waiter = Box<dyn FnOnce(Turn) -> Option<Turn> + Send>;

/// The lines before the accounts of a node.
#[derive(Debug, Default)]
pub(crate) struct Turns(Arc<Lines>);

#[derive(Default)]
struct Lines {
    hasher: RandomState,
    /// Who waits behind the one whose turn it is. Two names of one hash would share a line, and no more.
    by_account: Mutex<HashMap<u64, VecDeque<Waiter>>>,
    count: AtomicUsize,
}

/// The right to go on; the next one has it when this is dropped.
pub(crate) struct Turn {
    lines: Option<Arc<Lines>>,
    account: u64,
}

/// What becomes of one who wants to go on.
#[derive(Debug)]
pub(crate) enum Entered {
    /// There is no line.
    Free,
    /// It is the first in the line.
    Turn(Turn),
    /// Its waiter hears of its turn.
    Waits,
}

impl Turns {
    /// Whether there is no line at all.
    pub(crate) fn are_free(&self) -> bool {
        self.0.count.load(Ordering::Relaxed) == 0
    }

    /// Joins the line of an account. One that `contends` begins it where there is none.
    pub(crate) fn enter(
        &self,
        account: (DomainKey, &str),
        contends: bool,
        waiter: impl FnOnce() -> Waiter,
    ) -> Entered {
        let account = self.0.hasher.hash_one(account);
        let mut lines = self.0.lock();
        match lines.entry(account) {
            Entry::Occupied(mut line) => {
                line.get_mut().push_back(waiter());
                Entered::Waits
            }
            Entry::Vacant(_) if !contends => Entered::Free,
            Entry::Vacant(place) => {
                place.insert(VecDeque::new());
                self.0.count.fetch_add(1, Ordering::Relaxed);
                Entered::Turn(Turn {
                    lines: Some(Arc::clone(&self.0)),
                    account,
                })
            }
        }
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, VecDeque<Waiter>>> {
        self.by_account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The next one of a line, which ends with its last.
    fn next(&self, account: u64) -> Option<Waiter> {
        let mut lines = self.lock();
        let next = lines.get_mut(&account)?.pop_front();
        if next.is_none() {
            lines.remove(&account);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        next
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut lines) = self.lines.take() else {
            return;
        };
        // One after the other here, not each in the drop of the one before: a line may be long.
        while let Some(waiter) = lines.next(self.account) {
            let turn = Self {
                lines: Some(lines),
                account: self.account,
            };
            let Some(back) = waiter(turn).and_then(|mut turn| turn.lines.take()) else {
                return;
            };
            lines = back;
        }
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    const OTTO: (DomainKey, &str) = (DomainKey(1), "otto");

    fn waits(turns: &Turns) -> Receiver<Turn> {
        let (sender, receiver) = channel();
        let waiter =
            move || -> Waiter { Box::new(move |turn| sender.send(turn).err().map(|e| e.0)) };
        assert!(matches!(turns.enter(OTTO, false, waiter), Entered::Waits));
        receiver
    }

    fn nobody() -> Waiter {
        unreachable!("nobody waits")
    }

    fn first(turns: &Turns) -> Turn {
        let Entered::Turn(turn) = turns.enter(OTTO, true, nobody) else {
            unreachable!("the line is new")
        };
        turn
    }

    #[test]
    fn without_a_contest_there_is_no_line() {
        let turns = Turns::default();
        assert!(matches!(turns.enter(OTTO, false, nobody), Entered::Free));
        assert!(turns.are_free());
        drop(first(&turns));
        assert!(turns.are_free(), "the line has ended");
    }

    #[test]
    fn those_who_contend_go_in_the_order_of_arrival() {
        let turns = Turns::default();
        let turn = first(&turns);
        let (second, third) = (waits(&turns), waits(&turns));
        assert!(matches!(
            turns.enter((DomainKey(1), "anna"), false, nobody),
            Entered::Free
        ));
        assert!(second.try_recv().is_err() && third.try_recv().is_err());
        drop(turn);
        assert!(third.try_recv().is_err());
        drop(second.try_recv().unwrap());
        drop(third.try_recv().unwrap());
        assert!(turns.are_free());
    }

    #[test]
    fn those_who_have_gone_are_passed_over_however_many_they_are() {
        let turns = Turns::default();
        let turn = first(&turns);
        (0..100_000).for_each(|_| drop(waits(&turns)));
        let last = waits(&turns);
        drop(turn);
        drop(last.try_recv().unwrap());
        assert!(turns.are_free());
    }
}
