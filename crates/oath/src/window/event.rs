//! The window of counters at and after the next expected one.

use std::ops::Range;

use super::RESYNC_FACTOR;

/// How many counters before the next one are recognised as used (authentication.md 8.4).
pub const LOOK_BACK_COUNTERS: u64 = 100;

/// Accepted counters `next … next + width − 1`; the highest counter of all is never accepted, so that `accepted + 1` always exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventWindow {
    next: u64,
    width: u32,
}

/// A counter whose value was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterHit {
    /// The counter.
    pub counter: u64,
    /// Counters from the next expected one; negative is the past.
    pub offset: i64,
    /// Whether it is the last counter of the window (`otp_warning`); never true of a window of one counter.
    pub outermost: bool,
}

impl CounterHit {
    /// The next counter to be stored after this one was accepted.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.counter.saturating_add(1)
    }
}

impl EventWindow {
    /// A window of `width` counters from `next` on.
    #[must_use]
    pub fn new(next: u64, width: u32) -> Self {
        Self { next, width }
    }

    /// The accepted counters, lowest first; their number is n of authentication.md 8.8.
    #[must_use]
    pub fn counters(&self) -> Range<u64> {
        self.next..self.after(u64::from(self.width))
    }

    /// The accepted counter that has the value.
    pub fn search(&self, mut matches: impl FnMut(u64) -> bool) -> Option<CounterHit> {
        self.counters()
            .find(|counter| matches(*counter))
            .map(|counter| self.hit(counter))
    }

    /// The counters that a replay is recognised by, newest first.
    pub fn used_counters(&self) -> impl Iterator<Item = u64> + use<> {
        (self.next.saturating_sub(LOOK_BACK_COUNTERS)..self.next).rev()
    }

    /// The used counter that has the value: a replay (1008).
    pub fn search_used(&self, mut matches: impl FnMut(u64) -> bool) -> Option<CounterHit> {
        self.used_counters()
            .find(|counter| matches(*counter))
            .map(|counter| self.hit(counter))
    }

    /// The counters `next + width … next + 10 · width − 1`; a match asks for the value after it ([`super::follows`]).
    #[must_use]
    pub fn resync_counters(&self) -> Range<u64> {
        self.after(u64::from(self.width))
            ..self.after(u64::from(self.width) * u64::from(RESYNC_FACTOR))
    }

    /// The counter beyond the window from which the authenticator can be resynchronised.
    pub fn search_resync(&self, mut matches: impl FnMut(u64) -> bool) -> Option<CounterHit> {
        self.resync_counters()
            .find(|counter| matches(*counter))
            .map(|counter| self.hit(counter))
    }

    /// Distance from the next counter at which the value is valid, used or not, for an explanation; looks no further than the
    /// resynchronisation and the look-back.
    pub fn distance(&self, mut matches: impl FnMut(u64) -> bool) -> Option<i64> {
        let ahead = self.counters().chain(self.resync_counters());
        ahead
            .chain(self.used_counters())
            .find(|counter| matches(*counter))
            .map(|counter| super::drift(counter, self.next))
    }

    fn after(&self, count: u64) -> u64 {
        self.next.saturating_add(count)
    }

    fn hit(&self, counter: u64) -> CounterHit {
        let offset = super::drift(counter, self.next);
        let outermost = self.width > 1 && offset == i64::from(self.width) - 1;
        CounterHit {
            counter,
            offset,
            outermost,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Hash, HotpKey};

    #[test]
    fn the_worked_example_of_the_event_window() {
        let key = HotpKey::new(b"12345678901234567890", Hash::Sha1, 6);
        let hit = EventWindow::new(2, 20)
            .search(|counter| key.at(counter).matches("969429"))
            .unwrap();
        assert_eq!((hit.counter, hit.next()), (3, 4));
        let window = EventWindow::new(hit.next(), 20);
        assert_eq!(
            window.search(|counter| key.at(counter).matches("359152")),
            None
        );
        assert_eq!(
            window
                .search_used(|counter| key.at(counter).matches("359152"))
                .map(|hit| hit.counter),
            Some(2)
        );
    }

    #[test]
    fn the_window_ends_before_next_plus_width() {
        let window = EventWindow::new(50, 20);
        assert_eq!(window.counters(), 50..70);
        assert!(window.search(|counter| counter == 69).unwrap().outermost);
        assert!(!window.search(|counter| counter == 68).unwrap().outermost);
        assert_eq!(window.search(|counter| counter == 70), None);
        assert!(!EventWindow::new(50, 1).search(|_| true).unwrap().outermost);
    }

    #[test]
    fn the_look_back_covers_a_hundred_counters() {
        let used: Vec<u64> = EventWindow::new(250, 20).used_counters().collect();
        assert_eq!(
            (used.first(), used.last(), used.len()),
            (Some(&249), Some(&150), 100)
        );
        assert_eq!(
            EventWindow::new(3, 20).used_counters().collect::<Vec<_>>(),
            [2, 1, 0]
        );
        assert_eq!(EventWindow::new(0, 20).used_counters().count(), 0);
    }

    #[test]
    fn resynchronisation_looks_beyond_the_window() {
        let window = EventWindow::new(2, 20);
        assert_eq!(window.resync_counters(), 22..202);
        let first = window.search_resync(|counter| counter == 201).unwrap();
        assert_eq!(
            super::super::follows(first.counter, |next| next == 202),
            Some(202)
        );
        assert_eq!(
            super::super::follows(first.counter, |next| next == 203),
            None
        );
        assert_eq!(super::super::follows(u64::MAX, |_| true), None);
    }

    #[test]
    fn an_explanation_names_the_distance() {
        let window = EventWindow::new(200, 20);
        assert_eq!(window.distance(|counter| counter == 230), Some(30));
        assert_eq!(window.distance(|counter| counter == 186), Some(-14));
        assert_eq!(window.distance(|counter| counter == 99), None);
        assert_eq!(window.distance(|counter| counter == 400), None);
    }

    #[test]
    fn the_end_of_the_number_line_accepts_nothing_twice() {
        let window = EventWindow::new(u64::MAX - 1, 20);
        let hit = window.search(|_| true).unwrap();
        assert_eq!(EventWindow::new(hit.next(), 20).search(|_| true), None);
        assert_eq!(EventWindow::new(u64::MAX, 20).resync_counters().count(), 0);
    }

    proptest! {
        #[test]
        fn counters_never_go_back(next in prop_oneof![0_u64..500, (u64::MAX - 300)..=u64::MAX], width in 0_u32..200, pick in any::<u64>()) {
            let window = EventWindow::new(next, width);
            let wanted = next.saturating_add(pick % 200);
            if let Some(hit) = window.search(|counter| counter == wanted) {
                prop_assert!(hit.next() > next);
                prop_assert_eq!(EventWindow::new(hit.next(), width).search(|counter| counter <= hit.counter), None);
                prop_assert!(EventWindow::new(hit.next(), width).search_used(|counter| counter == hit.counter).is_some());
            }
            prop_assert!(window.used_counters().all(|counter| counter < next));
            prop_assert!(window.resync_counters().all(|counter| counter >= window.counters().end));
        }
    }
}
