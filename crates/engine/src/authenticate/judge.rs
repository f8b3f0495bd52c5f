//! Is a typed value one of the window's, a used one, or one that wants its successor (authentication.md 8)?

use super::case::Case;
use crate::model::{Algorithm, Application, ApplicationState};
use crate::policy::OtpWarning;
use crate::time::Timestamp;
use crate::trace;
use countersign_oath::ocra::MovingFactor;
use countersign_oath::totp;
use countersign_oath::window::{
    EventWindow, TimeWindow, drift, dynamic_side, follows, initial_side, normal_side,
};

/// More acceptable values than this for one request cut every window to its ordinary width (authentication.md 8.8).
const MOST_VALUES: u64 = 2000;

/// The window of an application at a moment.
pub(super) enum Window {
    /// HOTP and OCRA with a counter.
    Event(EventWindow),
    /// TOTP and OCRA with a time step.
    Time {
        window: TimeWindow,
        /// The server's own step.
        server: u64,
        /// Steps per side of the ordinary window.
        ordinary: u64,
        /// Total width of the ordinary window.
        width: u32,
    },
    /// OCRA over the question alone.
    Plain,
}

/// What the policy says about values at and beyond the edge.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules {
    /// A value outside the window may be followed by the next one.
    pub(super) resynchronises: bool,
    /// Outside the ordinary window the next value is wanted too.
    pub(super) proves: bool,
    /// The next value is always wanted too: this one may have been used before the store was restored.
    pub(super) doubts: bool,
    /// The outermost value is refused.
    pub(super) rejects_outermost: bool,
    /// Only the value after this one counts (the second of two).
    pub(super) only_after: Option<u64>,
    /// The value after this one counts too: the second of two, at a client that shows no challenges.
    pub(super) also_after: Option<u64>,
    /// Wrong values are looked for further away, for the trace.
    pub(super) explains: bool,
}

/// The outcome for one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Right.
    Accepted(Hit),
    /// Right, but at the outermost offset, which is refused.
    Outermost(Hit),
    /// A used value.
    Used(Hit),
    /// Not accepted, but the value after it would be.
    WantsNext(Hit),
    /// Wrong; where it would have been right, if that is known.
    Wrong(Option<i64>),
}

/// A moving factor whose value was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) moving: u64,
    pub(super) distance: i64,
    pub(super) outermost: bool,
    pub(super) resynchronised: bool,
}

impl Window {
    /// The window of an application; `wide` allows the initial and the dynamic width.
    pub(super) fn of(case: &Case<'_>, application: &Application, wide: bool) -> Self {
        let (period, state) = match &application.algorithm {
            Algorithm::Hotp { .. } => return Self::event(case, &application.state),
            Algorithm::Totp { period, .. } => (*period, &application.state),
            Algorithm::Ocra(suite) => match (suite.moving_factor(), suite.time()) {
                (MovingFactor::Counter, _) => return Self::event(case, &application.state),
                (MovingFactor::Time, Some(step)) => (step.seconds(), &application.state),
                (MovingFactor::None | MovingFactor::Time, _) => return Self::Plain,
            },
        };
        let width = u32::from(case.policy.identification_time_window);
        let server = totp::step(case.at().unix(), period);
        let ordinary = normal_side(width);
        let side = if wide {
            side(case, state, width, period)
        } else {
            ordinary
        };
        Self::Time {
            window: TimeWindow::new(server, state.drift, side, state.last_step),
            server,
            ordinary,
            width,
        }
    }

    fn event(case: &Case<'_>, state: &ApplicationState) -> Self {
        Self::Event(EventWindow::new(
            state.counter,
            case.policy.event_window.into(),
        ))
    }

    /// How many values it would accept.
    fn acceptable(&self) -> u64 {
        match self {
            Self::Event(window) => window.counters().end - window.counters().start,
            Self::Time { window, .. } => window.acceptable(),
            Self::Plain => 1,
        }
    }

    /// Judges a value given by its test, which is asked for one moving factor after the other.
    pub(super) fn judge(&self, rules: &Rules, mut matches: impl FnMut(u64) -> bool) -> Judgement {
        if let Some(first) = rules.only_after {
            return follows(first, matches).map_or(Judgement::Wrong(None), |moving| {
                Judgement::Accepted(self.second(moving))
            });
        }
        if let Some(moving) = rules
            .also_after
            .and_then(|first| follows(first, &mut matches))
        {
            return Judgement::Accepted(self.second(moving));
        }
        if let Some(hit) = self.search(&mut matches) {
            return match self {
                Self::Event(_) | Self::Time { .. } if rules.doubts => Judgement::WantsNext(hit),
                Self::Time { ordinary, .. }
                    if rules.proves && hit.distance.unsigned_abs() > *ordinary =>
                {
                    Judgement::WantsNext(hit)
                }
                _ if rules.rejects_outermost && hit.outermost => Judgement::Outermost(hit),
                _ => Judgement::Accepted(hit),
            };
        }
        if let Some(hit) = self.search_used(&mut matches) {
            return Judgement::Used(hit);
        }
        if !rules.resynchronises && !rules.explains {
            return Judgement::Wrong(None);
        }
        match self.search_beyond(&mut matches) {
            Some(hit) if rules.resynchronises => Judgement::WantsNext(hit),
            beyond => Judgement::Wrong(beyond.map(|hit| hit.distance)),
        }
    }

    /// The state after the value of `hit` was accepted.
    pub(super) fn accept(
        &self,
        state: &ApplicationState,
        hit: &Hit,
        at: Timestamp,
    ) -> ApplicationState {
        let mut to = ApplicationState {
            version: state.version + 1,
            errors: 0,
            initial: false,
            restored: false,
            last_success: Some(at),
            resync: None,
            ..*state
        };
        match self {
            Self::Event(_) => to.counter = hit.moving.saturating_add(1),
            Self::Time { server, .. } => {
                to.drift = drift(hit.moving, *server);
                to.last_step = to.last_step.max(Some(hit.moving));
            }
            Self::Plain => {}
        }
        to
    }

    fn second(&self, moving: u64) -> Hit {
        let distance = match self {
            Self::Event(window) => drift(moving, window.counters().start),
            Self::Time { window, .. } => drift(moving, window.centre()),
            Self::Plain => 0,
        };
        Hit {
            moving,
            distance,
            outermost: false,
            resynchronised: true,
        }
    }

    fn search(&self, mut matches: impl FnMut(u64) -> bool) -> Option<Hit> {
        match self {
            Self::Event(window) => window.search(matches).map(Hit::from),
            Self::Time { window, .. } => window.search(matches).map(Hit::from),
            Self::Plain => matches(0).then_some(Hit {
                moving: 0,
                distance: 0,
                outermost: false,
                resynchronised: false,
            }),
        }
    }

    fn search_used(&self, matches: impl FnMut(u64) -> bool) -> Option<Hit> {
        match self {
            Self::Event(window) => window.search_used(matches).map(Hit::from),
            Self::Time { window, .. } => window.search_used(matches).map(Hit::from),
            Self::Plain => None,
        }
    }

    fn search_beyond(&self, matches: impl FnMut(u64) -> bool) -> Option<Hit> {
        match self {
            Self::Event(window) => window.search_resync(matches).map(Hit::from),
            Self::Time { window, width, .. } => {
                window.search_resync(*width, matches).map(Hit::from)
            }
            Self::Plain => None,
        }
    }
}

impl From<countersign_oath::window::CounterHit> for Hit {
    fn from(hit: countersign_oath::window::CounterHit) -> Self {
        Self {
            moving: hit.counter,
            distance: hit.offset,
            outermost: hit.outermost,
            resynchronised: false,
        }
    }
}

impl From<countersign_oath::window::StepHit> for Hit {
    fn from(hit: countersign_oath::window::StepHit) -> Self {
        Self {
            moving: hit.step,
            distance: hit.offset,
            outermost: hit.outermost,
            resynchronised: false,
        }
    }
}

fn side(case: &Case<'_>, state: &ApplicationState, width: u32, period: u32) -> u64 {
    let policy = case.policy;
    let hours = policy.initial_time_window_h.into();
    if state.initial && !policy.skip_initial_sync {
        return initial_side(hours, width, period);
    }
    match state.last_success {
        Some(last) if policy.dynamic_time_window => {
            let idle =
                u64::try_from(case.at().seconds().saturating_sub(last.seconds())).unwrap_or(0);
            dynamic_side(idle, hours, width, period)
        }
        _ => normal_side(width),
    }
}

/// Whether the candidates together may use their initial and dynamic windows.
pub(super) fn may_be_wide<'a>(
    case: &Case<'_>,
    applications: impl Iterator<Item = &'a Application>,
) -> bool {
    let mut sum = 0_u64;
    for application in applications {
        sum = sum.saturating_add(Window::of(case, application, true).acceptable());
    }
    sum <= MOST_VALUES
}

/// What the policy says about values of an application; `pairs`: whether the client can be asked for the next value.
pub(super) fn rules(case: &Case<'_>, application: &Application, pairs: bool) -> Rules {
    let policy = case.policy;
    let max_age = case.facts.snapshot.settings.challenge_max_age_s;
    let fresh = application
        .state
        .resync
        .filter(|(_, when)| case.at() <= when.plus_seconds(max_age));
    let doubts = application.state.restored;
    Rules {
        resynchronises: pairs && (policy.second_otp_sync || doubts),
        proves: pairs && policy.initial_window_proof,
        doubts,
        rejects_outermost: policy.otp_warning == OtpWarning::Reject,
        only_after: None,
        also_after: fresh
            .filter(|_| pairs && !case.attempt.component.challenges)
            .map(|(first, _)| first),
        explains: true,
    }
}

/// A reason of its own for which an application answers 1012 whatever is typed (authentication.md 8.3).
pub(super) fn barred(case: &Case<'_>, application: &Application) -> Option<trace::Result> {
    let (policy, state) = (case.policy, &application.state);
    let threshold = u32::from(policy.identification_threshold);
    if threshold > 0 && state.errors >= threshold {
        return Some(trace::Result::Threshold);
    }
    let limit = i64::from(policy.check_inactive_days);
    let last = state.last_success.filter(|_| limit > 0 && !state.initial)?;
    let days = i64::from(case.at().day().0) - i64::from(last.day().0);
    (days > limit).then_some(trace::Result::Inactive)
}
