//! Whether this node takes requests, which ones, and why not: what health, RADIUS and JSON ask before anything else.

use crate::clock::Trust;
use crate::reply::{Problem, Reply};
use countersign_engine::Status;
use countersign_engine::model::{NodeState, NodeWish, Scenario};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a look at the store may take before it counts as a sign that the store hangs.
const PATIENCE: Duration = Duration::from_secs(3);

/// The life of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Its listeners are being opened.
    Starting,
    /// It serves.
    Running,
    /// Its health says that it goes; it still serves.
    Leaving,
    /// It takes nothing new.
    Stopping,
    /// It has ended.
    Stopped,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The node stops.
    Stopping,
    /// The store lacks what the node has seen there.
    RolledBack,
    /// The node was taken out of service.
    Drained,
    /// The scenario is switched off on this node.
    Off(Scenario),
    /// The node's clock is not trusted.
    Clock,
}

/// What is known of the store's health.
#[derive(Debug, Default)]
struct StoreHealth {
    /// Why it does not serve, and whether it does not answer at all.
    failure: Option<(String, bool)>,
    /// When the look that is under way began.
    looking: Option<Instant>,
}

#[derive(Debug)]
struct Inner {
    phase: Phase,
    wish: NodeWish,
    trust: Trust,
    clock: String,
    store: StoreHealth,
    rolled_back: bool,
}

/// The gate that every request passes.
#[derive(Debug)]
pub(crate) struct Gate {
    configured: BTreeSet<Scenario>,
    /// A bit for each scenario that is taken now: all that the hot path reads.
    taken: AtomicU8,
    accepting: AtomicBool,
    under_way: AtomicI64,
    inner: Mutex<Inner>,
}

/// A request in work; the gate counts it until this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay<'a>(&'a Gate);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.ended();
    }
}

impl Gate {
    pub(crate) fn new(configured: BTreeSet<Scenario>) -> Self {
        let gate = Self {
            taken: AtomicU8::new(0),
            configured,
            accepting: AtomicBool::new(true),
            under_way: AtomicI64::new(0),
            inner: Mutex::new(Inner {
                phase: Phase::Starting,
                wish: NodeWish::default(),
                trust: Trust::default(),
                clock: String::new(),
                store: StoreHealth::default(),
                rolled_back: false,
            }),
        };
        gate.change(|_| {});
        gate
    }

    /// Whether requests of a scenario are taken now; one load.
    pub(crate) fn takes(&self, scenario: Scenario) -> bool {
        self.taken.load(Ordering::Acquire) & bit(scenario) != 0
    }

    /// Why requests of a scenario are not taken, if they are not.
    pub(crate) fn shut(&self, scenario: Scenario) -> Option<Shut> {
        if self.takes(scenario) {
            return None;
        }
        let inner = self.inner();
        self.why(&inner, scenario)
    }

    /// Whether long work may go on and new requests may come.
    pub(crate) fn is_accepting(&self) -> bool {
        self.accepting.load(Ordering::Acquire)
    }

    /// What the node offers.
    pub(crate) fn offered(&self) -> BTreeSet<Scenario> {
        self.offered_by(&self.inner())
    }

    /// Counts a request until it ends.
    pub(crate) fn enter(&self) -> UnderWay<'_> {
        self.began();
        UnderWay(self)
    }

    /// A request began; [`Gate::ended`] must follow.
    pub(crate) fn began(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    /// A request ended.
    pub(crate) fn ended(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Everything is open: health may say so.
    pub(crate) fn run(&self) {
        self.change(|inner| {
            if inner.phase == Phase::Starting {
                inner.phase = Phase::Running;
            }
        });
    }

    /// Health says that the node goes; requests are still taken.
    pub(crate) fn leave(&self) {
        self.change(|inner| inner.phase = inner.phase.max(Phase::Leaving));
    }

    /// Nothing new is taken.
    pub(crate) fn stop(&self) {
        self.accepting.store(false, Ordering::Release);
        self.change(|inner| inner.phase = inner.phase.max(Phase::Stopping));
    }

    /// The node has ended.
    pub(crate) fn end(&self) {
        self.change(|inner| inner.phase = Phase::Stopped);
    }

    /// Administrators want this of the node.
    pub(crate) fn set_wish(&self, wish: NodeWish) {
        self.change(|inner| inner.wish = wish);
    }

    /// The clock is to be trusted so far, and why.
    pub(crate) fn set_trust(&self, trust: Trust, why: String) {
        self.change(|inner| (inner.trust, inner.clock) = (trust, why));
    }

    /// The store lacks what this node has seen there: it does not serve until an administrator has accepted that and
    /// starts it again.
    pub(crate) fn roll_back(&self) {
        self.change(|inner| inner.rolled_back = true);
    }

    /// A look at the store begins.
    pub(crate) fn looking(&self, now: Instant) {
        self.inner().store.looking = Some(now);
    }

    /// What a look at the store, or a request, came to; with `silent` the store does not answer at all.
    pub(crate) fn store_failed(&self, why: String, silent: bool) {
        self.change(|inner| inner.store.failure = Some((why, silent)));
    }

    /// A look ended, whatever it came to.
    pub(crate) fn looked(&self, fine: bool) {
        self.change(|inner| {
            inner.store.looking = None;
            if fine {
                inner.store.failure = None;
            }
        });
    }

    /// Whether the store failed when it was last used.
    pub(crate) fn store_fails(&self) -> bool {
        self.inner().store.failure.is_some()
    }

    /// How the node is, and why it does not serve.
    pub(crate) fn state(&self, now: Instant) -> (NodeState, Vec<String>) {
        let inner = self.inner();
        let mut reasons = Vec::new();
        match inner.phase {
            Phase::Starting => reasons.push("the node is starting".to_owned()),
            Phase::Running => {}
            Phase::Leaving | Phase::Stopping => reasons.push("the node is stopping".to_owned()),
            Phase::Stopped => reasons.push("the node was stopped".to_owned()),
        }
        if inner.wish.drained {
            reasons
                .push("the node was taken out of service (node/undrain puts it back)".to_owned());
        }
        if inner.rolled_back {
            reasons.push(
                "the store lacks what this node has seen there (E-115003); after a wanted restore run `countersign audit accept-rollback`"
                    .to_owned(),
            );
        }
        if inner.trust == Trust::Untrusted {
            reasons.push(format!(
                "{}, by more than clock.max_skew_s (E-111001)",
                inner.clock
            ));
        }
        let waited = |since: Instant| now.saturating_duration_since(since);
        if let Some((why, _)) = &inner.store.failure {
            reasons.push(why.clone());
        } else if let Some(long) = inner
            .store
            .looking
            .map(waited)
            .filter(|long| *long > PATIENCE)
        {
            reasons.push(format!(
                "the store has not answered for {} s",
                long.as_secs()
            ));
        }
        let busy = self.under_way.load(Ordering::Relaxed) > 0;
        let state = match inner.phase {
            Phase::Starting => NodeState::Starting,
            Phase::Leaving | Phase::Stopping => NodeState::Stopping,
            Phase::Stopped => NodeState::Stopped,
            Phase::Running if inner.wish.drained && busy => NodeState::Draining,
            Phase::Running if inner.wish.drained => NodeState::Drained,
            Phase::Running if reasons.is_empty() => NodeState::Serving,
            Phase::Running => NodeState::NotReady,
        };
        (state, reasons)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something and works out anew what is taken.
    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner();
        change(&mut inner);
        let taken = Scenario::all()
            .into_iter()
            .filter(|scenario| self.is_taken(&inner, *scenario))
            .fold(0, |bits, scenario| bits | bit(scenario));
        self.taken.store(taken, Ordering::Release);
    }

    fn is_taken(&self, inner: &Inner, scenario: Scenario) -> bool {
        // Where the store does not answer, RADIUS keeps silent at once, so that the client asks the next node.
        let silent = inner
            .store
            .failure
            .as_ref()
            .is_some_and(|(_, silent)| *silent);
        self.why(inner, scenario).is_none() && !(silent && scenario == Scenario::Radius)
    }

    fn why(&self, inner: &Inner, scenario: Scenario) -> Option<Shut> {
        // Who took the node out of service must be able to put it back.
        let stays = matches!(scenario, Scenario::Admin | Scenario::Report);
        if inner.phase >= Phase::Stopping {
            Some(Shut::Stopping)
        } else if inner.rolled_back {
            Some(Shut::RolledBack)
        } else if inner.wish.drained && !stays {
            Some(Shut::Drained)
        } else if !self.offered_by(inner).contains(&scenario) {
            Some(Shut::Off(scenario))
        } else if inner.trust == Trust::Untrusted {
            Some(Shut::Clock)
        } else {
            None
        }
    }

    fn offered_by(&self, inner: &Inner) -> BTreeSet<Scenario> {
        match &inner.wish.scenarios {
            Some(wanted) => self.configured.intersection(wanted).copied().collect(),
            None => self.configured.clone(),
        }
    }
}

fn bit(scenario: Scenario) -> u8 {
    1 << (scenario as u8)
}

impl Shut {
    /// The answer to a request over JSON: the client is to ask another node.
    pub(crate) fn answer(self) -> Result<Reply, Problem> {
        let refused = |status: Status, message: String| {
            let id = crate::auth::id_text(&crate::Node::arrival().id);
            Ok(Reply::with(status, message, id))
        };
        match self {
            Self::Stopping => Err(Problem::stopping()),
            Self::Drained => Err(Problem::new(
                503,
                "Out of service",
                "This node was taken out of service; ask another one.",
            )),
            Self::RolledBack => refused(
                Status::STORAGE,
                "the store lacks what this node has seen there (E-115003); ask another node"
                    .to_owned(),
            ),
            Self::Off(scenario) => refused(
                Status::CONFIG,
                format!(
                    "{} is switched off on this node; ask another one",
                    scenario.word()
                ),
            ),
            Self::Clock => refused(
                Status::CONFIG,
                "the clock of this node is not trusted (E-111001); ask another node".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let gate = Gate::new(Scenario::all());
        gate.run();
        gate
    }

    fn word(gate: &Gate) -> &'static str {
        gate.state(Instant::now()).0.word()
    }

    #[test]
    fn health_goes_before_requests_do() {
        let gate = Gate::new(Scenario::all());
        assert!(gate.takes(Scenario::Auth) && word(&gate) == "starting");
        gate.run();
        assert_eq!(word(&gate), "serving");
        gate.leave();
        assert!(gate.takes(Scenario::Radius) && gate.is_accepting());
        assert_eq!(word(&gate), "stopping");
        gate.stop();
        assert!(!gate.is_accepting());
        for scenario in Scenario::all() {
            assert_eq!(gate.shut(scenario), Some(Shut::Stopping));
        }
        gate.leave();
        assert_eq!(
            gate.shut(Scenario::Admin),
            Some(Shut::Stopping),
            "no way back"
        );
    }

    #[test]
    fn a_drained_node_finishes_and_stays_reachable_for_administration() {
        let gate = gate();
        let request = gate.enter();
        let drained = |drained| NodeWish {
            drained,
            scenarios: None,
        };
        gate.set_wish(drained(true));
        assert_eq!(word(&gate), "draining");
        drop(request);
        assert_eq!(word(&gate), "drained");
        assert_eq!(gate.shut(Scenario::Radius), Some(Shut::Drained));
        assert_eq!(gate.shut(Scenario::Admin), None);
        gate.set_wish(drained(false));
        assert!(word(&gate) == "serving" && gate.takes(Scenario::Radius));
    }

    #[test]
    fn wishes_narrow_what_is_configured() {
        let gate = Gate::new(BTreeSet::from([Scenario::Auth, Scenario::Admin]));
        gate.set_wish(NodeWish {
            drained: false,
            scenarios: Some(BTreeSet::from([Scenario::Radius, Scenario::Admin])),
        });
        assert_eq!(gate.offered(), BTreeSet::from([Scenario::Admin]));
        assert_eq!(gate.shut(Scenario::Auth), Some(Shut::Off(Scenario::Auth)));
        assert_eq!(
            gate.shut(Scenario::Radius),
            Some(Shut::Off(Scenario::Radius))
        );
        let answer = Shut::Off(Scenario::Auth).answer();
        assert_eq!(answer.map(|reply| reply.status), Ok(Status::CONFIG));
    }

    #[test]
    fn a_silent_store_silences_radius_and_a_sick_one_does_not() {
        let gate = gate();
        gate.store_failed("the store takes no writes".to_owned(), false);
        assert!(gate.takes(Scenario::Radius) && word(&gate) == "not_ready");
        gate.store_failed("the store does not answer".to_owned(), true);
        assert!(!gate.takes(Scenario::Radius) && gate.takes(Scenario::Auth));
        gate.looked(true);
        assert!(gate.takes(Scenario::Radius) && word(&gate) == "serving");
        let begun = Instant::now();
        gate.looking(begun);
        let late = begun + PATIENCE + Duration::from_secs(1);
        assert_eq!(gate.state(begun).0, NodeState::Serving);
        assert_eq!(
            gate.state(late),
            (
                NodeState::NotReady,
                vec!["the store has not answered for 4 s".to_owned()]
            )
        );
    }

    #[test]
    fn an_untrusted_clock_shuts_everything() {
        let gate = gate();
        gate.set_trust(Trust::Untrusted, "the clock is 60.0 s behind".to_owned());
        for scenario in Scenario::all() {
            assert_eq!(gate.shut(scenario), Some(Shut::Clock));
        }
        let (state, reasons) = gate.state(Instant::now());
        assert_eq!(state, NodeState::NotReady);
        assert!(
            matches!(&reasons[..], [why] if why.contains("E-111001") && why.contains("60.0 s"))
        );
        gate.set_trust(Trust::Differs, String::new());
        assert_eq!(word(&gate), "serving");
    }
}
