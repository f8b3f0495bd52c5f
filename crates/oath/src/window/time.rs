//! The window of time steps around where the authenticator's clock is believed to be.

use std::iter;

use super::{RESYNC_FACTOR, normal_side};

/// How many steps before and including the last accepted one are recognised as used, however far the server's clock went back.
pub const LOOK_BACK_STEPS: u64 = 4096;

/// Difference between an accepted step and the server's, to be stored as the drift; saturates.
#[must_use]
pub fn drift(accepted: u64, server_step: u64) -> i64 {
    let size = i64::try_from(accepted.abs_diff(server_step)).unwrap_or(i64::MAX);
    if accepted >= server_step { size } else { -size }
}

/// Steps from `centre − side` to `centre + side`, of which only those after `last` are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    centre: u64,
    side: u64,
    last: Option<u64>,
}

/// A step whose value was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepHit {
    /// The step.
    pub step: u64,
    /// Steps from the centre of the window; negative is the past.
    pub offset: i64,
    /// Whether no step nearer than the outermost one of the window has this value (`otp_warning`); never true of a window of one step.
    pub outermost: bool,
}

impl TimeWindow {
    /// A window around `server_step + drift`; `side` comes from [`normal_side`], [`super::initial_side`] or [`super::dynamic_side`],
    /// `last` is the last accepted step.
    #[must_use]
    pub fn new(server_step: u64, drift: i64, side: u64, last: Option<u64>) -> Self {
        Self {
            centre: server_step.saturating_add_signed(drift),
            side,
            last,
        }
    }

    /// The step at which the authenticator's clock is believed to be.
    #[must_use]
    pub fn centre(&self) -> u64 {
        self.centre
    }

    /// First and last step of the window, accepted or not.
    #[must_use]
    pub fn bounds(&self) -> (u64, u64) {
        (
            self.centre.saturating_sub(self.side),
            self.centre.saturating_add(self.side),
        )
    }

    /// How many steps are accepted at the moment (n of authentication.md 8.8).
    #[must_use]
    pub fn acceptable(&self) -> u64 {
        let (low, high) = self.bounds();
        let first = self.last.map_or(Some(low), |last| {
            last.checked_add(1).map(|next| next.max(low))
        });
        first
            .and_then(|first| high.checked_sub(first))
            .map_or(0, |span| span.saturating_add(1))
    }

    /// The accepted steps, nearest to the centre first.
    pub fn steps(&self) -> impl Iterator<Item = u64> + use<> {
        self.fresh(around(self.centre, 0, self.side))
    }

    /// The accepted step that has the value.
    pub fn search(&self, mut matches: impl FnMut(u64) -> bool) -> Option<StepHit> {
        self.steps()
            .find(|step| matches(*step))
            .map(|step| self.hit(step))
    }

    /// Used steps that a replay is recognised by, newest first: from the start of the window to the last accepted one.
    pub fn used_steps(&self) -> impl Iterator<Item = u64> + use<> {
        let (low, _) = self.bounds();
        let range = self
            .last
            .map(|last| low.max(last.saturating_sub(LOOK_BACK_STEPS - 1))..=last);
        range.into_iter().flatten().rev()
    }

    /// The used step that has the value: a replay (1008).
    pub fn search_used(&self, mut matches: impl FnMut(u64) -> bool) -> Option<StepHit> {
        self.used_steps()
            .find(|step| matches(*step))
            .map(|step| self.hit(step))
    }

    /// Steps outside the window but within ⌊10 · width / 2⌋ of the centre and after the last accepted one, nearest first; a match
    /// asks for the value after it ([`super::follows`]).
    pub fn resync_steps(&self, width: u32) -> impl Iterator<Item = u64> + use<> {
        self.fresh(around(
            self.centre,
            self.side.saturating_add(1),
            resync_side(width),
        ))
    }

    /// The step outside the window from which the authenticator can be resynchronised.
    pub fn search_resync(
        &self,
        width: u32,
        mut matches: impl FnMut(u64) -> bool,
    ) -> Option<StepHit> {
        self.resync_steps(width)
            .find(|step| matches(*step))
            .map(|step| self.hit(step))
    }

    /// Distance from the centre at which the value is valid, used or not, for an explanation; looks no further than 10 × `width`
    /// (or the window, where that is wider) and the used steps.
    pub fn distance(&self, width: u32, mut matches: impl FnMut(u64) -> bool) -> Option<i64> {
        let near = around(self.centre, 0, self.side.max(resync_side(width)));
        near.chain(self.used_steps())
            .find(|step| matches(*step))
            .map(|step| drift(step, self.centre))
    }

    fn fresh<I: Iterator<Item = u64>>(&self, steps: I) -> impl Iterator<Item = u64> + use<I> {
        let last = self.last;
        steps.filter(move |step| last.is_none_or(|last| *step > last))
    }

    fn hit(&self, step: u64) -> StepHit {
        let outermost = self.side > 0 && step.abs_diff(self.centre) == self.side;
        StepHit {
            step,
            offset: drift(step, self.centre),
            outermost,
        }
    }
}

fn resync_side(width: u32) -> u64 {
    normal_side(width.saturating_mul(RESYNC_FACTOR))
}

/// Steps at distance `from` to `to` of the centre, nearest first and the past one before the future one: a value is typed after
/// it was shown.
fn around(centre: u64, from: u64, to: u64) -> impl Iterator<Item = u64> + use<> {
    (from..=to).flat_map(move |distance| {
        let past = centre.checked_sub(distance);
        let future = centre.checked_add(distance).filter(|_| distance > 0);
        iter::chain(past, future)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::totp;

    fn worked(width: u32) -> TimeWindow {
        TimeWindow::new(totp::step(1_700_000_010, 30), -2, normal_side(width), None)
    }

    #[test]
    fn the_worked_example_of_the_time_window() {
        let window = worked(20);
        assert_eq!(window.centre(), 56_666_665);
        assert_eq!(window.bounds(), (56_666_655, 56_666_675));
        assert_eq!(window.acceptable(), 21);
        for step in 56_666_640..56_666_690_u64 {
            let inside = (56_666_655..=56_666_675).contains(&step);
            assert_eq!(
                window.search(|tried| tried == step).is_some(),
                inside,
                "step {step}"
            );
        }
        assert_eq!(worked(10).steps().count(), 11);
        assert_eq!(worked(10).acceptable(), 11);
    }

    #[test]
    fn the_nearest_step_comes_first() {
        let order: Vec<u64> = TimeWindow::new(100, 0, 2, None).steps().collect();
        assert_eq!(order, [100, 99, 101, 98, 102]);
        let hit = TimeWindow::new(100, 0, 2, None)
            .search(|step| step == 98 || step == 101)
            .unwrap();
        assert_eq!(
            hit,
            StepHit {
                step: 101,
                offset: 1,
                outermost: false
            }
        );
    }

    #[test]
    fn success_teaches_the_drift() {
        assert_eq!(drift(56_666_660, 56_666_667), -7);
        assert_eq!(drift(9, 4), 5);
        assert_eq!(drift(u64::MAX, 0), i64::MAX);
        assert_eq!(drift(0, u64::MAX), -i64::MAX);
    }

    #[test]
    fn only_steps_after_the_last_accepted_one() {
        let window = TimeWindow::new(100, 0, 5, Some(101));
        assert_eq!(window.steps().collect::<Vec<_>>(), [102, 103, 104, 105]);
        assert_eq!(window.acceptable(), 4);
        assert_eq!(
            window.used_steps().collect::<Vec<_>>(),
            [101, 100, 99, 98, 97, 96, 95]
        );
        assert_eq!(
            window.search_used(|step| step == 101).map(|hit| hit.offset),
            Some(1)
        );
        assert_eq!(
            window.search_used(|step| step == 94),
            None,
            "older than the window"
        );
        assert_eq!(TimeWindow::new(100, 0, 5, Some(94)).used_steps().count(), 0);
        assert_eq!(TimeWindow::new(100, 0, 5, Some(u64::MAX)).acceptable(), 0);
        assert_eq!(TimeWindow::new(100, 0, 5, None).used_steps().count(), 0);
    }

    #[test]
    fn the_look_back_is_bounded_when_the_clock_went_back() {
        let window = TimeWindow::new(1_000, 0, 10, Some(1_000_000));
        assert_eq!(window.used_steps().count() as u64, LOOK_BACK_STEPS);
        assert!(window.search_used(|step| step == 1_000_000).is_some());
        assert_eq!(window.acceptable(), 0);
    }

    #[test]
    fn the_outermost_offset_is_told() {
        let window = TimeWindow::new(100, 0, 5, None);
        assert!(window.search(|step| step == 95).unwrap().outermost);
        assert!(window.search(|step| step == 105).unwrap().outermost);
        assert!(!window.search(|step| step == 104).unwrap().outermost);
        assert!(
            !window
                .search(|step| step == 95 || step == 99)
                .unwrap()
                .outermost,
            "right also nearer"
        );
        assert!(
            !TimeWindow::new(100, 0, 0, None)
                .search(|_| true)
                .unwrap()
                .outermost
        );
    }

    #[test]
    fn resynchronisation_looks_outside_the_window_only() {
        let window = TimeWindow::new(10_000, 0, normal_side(20), Some(9_950));
        let steps: Vec<u64> = window.resync_steps(20).collect();
        assert_eq!(steps.first(), Some(&9_989));
        assert_eq!(steps.last(), Some(&10_100));
        assert!(
            steps
                .iter()
                .all(|step| step.abs_diff(10_000) > 10 && *step > 9_950)
        );
        assert_eq!(steps.len(), 90 + 39);
        assert_eq!(window.search_resync(20, |step| step == 10_101), None);
    }

    #[test]
    fn an_explanation_names_the_distance() {
        let window = TimeWindow::new(10_000, 0, 5, Some(10_003));
        assert_eq!(window.distance(10, |step| step == 9_986), Some(-14));
        assert_eq!(window.distance(10, |step| step == 10_003), Some(3));
        assert_eq!(window.distance(10, |step| step == 9_949), None);
    }

    #[test]
    fn the_ends_of_the_number_line_are_safe() {
        assert_eq!(
            TimeWindow::new(1, -5, 3, None).steps().collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        assert_eq!(
            TimeWindow::new(u64::MAX, 5, 1, None)
                .steps()
                .collect::<Vec<_>>(),
            [u64::MAX, u64::MAX - 1]
        );
        assert_eq!(TimeWindow::new(0, i64::MIN, 0, None).acceptable(), 1);
    }

    proptest! {
        #[test]
        fn no_step_is_accepted_and_used(server in 0_u64..200, drift in -150_i64..150, side in 0_u64..60, last in proptest::option::of(0_u64..300), width in 0_u32..100) {
            let window = TimeWindow::new(server, drift, side, last);
            let (low, high) = window.bounds();
            let steps: Vec<u64> = window.steps().collect();
            prop_assert_eq!(steps.len() as u64, window.acceptable());
            prop_assert!(steps.iter().all(|step| (low..=high).contains(step) && last.is_none_or(|last| *step > last)));
            prop_assert!(steps.is_sorted_by_key(|step| step.abs_diff(window.centre())));
            prop_assert!(window.used_steps().all(|step| last.is_some_and(|last| step <= last) && step >= low && !steps.contains(&step)));
            prop_assert!(window.resync_steps(width).all(|step| !(low..=high).contains(&step) && last.is_none_or(|last| step > last)));
            if let Some(hit) = window.search(|_| true) {
                let after = TimeWindow::new(server, super::drift(hit.step, server), side, Some(hit.step));
                prop_assert_eq!(after.centre(), hit.step, "the drift leads to the accepted step");
                prop_assert_eq!(after.search(|step| step <= hit.step), None, "never twice, never back");
            }
        }
    }
}
