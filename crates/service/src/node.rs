use crate::ask::{LookUps, Passwords};
use crate::back_end::BackEnds;
use crate::clock::ClockWatch;
use crate::gate::Gate;
use crate::metrics::{Levels, Metrics};
use crate::outbound::Listening;
use crate::presence::{Memory, Presence};
use crate::timing::{Timing, Timings};
use crate::turns::Turns;
use crate::watch::Watch;
use countersign_engine::dice::Dice;
use countersign_engine::model::{ComponentKey, NodeState, Scenario};
use countersign_engine::snapshot::Snapshot;
use countersign_engine::time::Timestamp;
use countersign_keyring::{Keyring, RootKey};
use countersign_radius::SharedSecret;
use countersign_store::{RingVault, Store};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What a node is started with.
#[derive(Debug)]
pub struct NodeOptions {
    /// The opened store.
    pub store: Store,
    /// Name of the node, `source` of its audit records.
    pub name: String,
    /// What it offers.
    pub scenarios: BTreeSet<Scenario>,
    /// The node state file, compared with the store while the node runs.
    pub state_file: Option<PathBuf>,
}

impl NodeOptions {
    /// A node that offers everything and remembers nothing.
    pub fn new(store: Store, name: impl Into<String>) -> Self {
        Self {
            store,
            name: name.into(),
            scenarios: Scenario::all(),
            state_file: None,
        }
    }
}

/// One serving node: the store, the configuration and the bounded pools, shared by all listeners.
pub struct Node {
    store: Store,
    name: String,
    passwords: Passwords,
    look_ups: LookUps,
    back_ends: BackEnds,
    metrics: Arc<Metrics>,
    timings: Timings,
    turns: Turns,
    watch: Watch,
    secrets: Mutex<Secrets>,
    sessions: crate::session::Uses,
    radius: crate::radius::Shared,
    listeners: Mutex<HashMap<std::net::SocketAddr, Arc<str>>>,
    gate: Gate,
    migrating: AtomicBool,
    clock: ClockWatch,
    presence: Presence,
    rotating: crate::admin::Rotating,
    syncing: crate::admin::Syncing,
    next_root: OnceLock<NextRoot>,
    listening: OnceLock<Vec<Listening>>,
}

/// Loads the root key that the configuration names as the next one; `None` where it names none.
pub type NextRoot = Box<dyn Fn() -> Result<Option<RootKey>, String> + Send + Sync>;

/// RADIUS secrets made ready for use, by component; made anew when the configuration changed.
#[derive(Debug, Default)]
struct Secrets {
    generation: i64,
    by_component: Arc<HashMap<ComponentKey, Arc<SharedSecret>>>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Whether the node can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// It can.
    pub ready: bool,
    /// How it is.
    pub state: NodeState,
    /// Why it cannot.
    pub reasons: Vec<String>,
}

impl Node {
    /// Starts a node on an opened store. It takes requests from now on; [`Node::set_running`] lets its health say so.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(options: NodeOptions) -> std::io::Result<Arc<Self>> {
        let size = password_pool_size(&options.store.snapshot());
        let metrics = Arc::new(Metrics::default());
        options.store.observe(metrics.clone());
        let node = Arc::new(Self {
            passwords: Passwords::new(size, metrics.clone())?,
            look_ups: LookUps::new()?,
            back_ends: BackEnds::new()?,
            store: options.store,
            name: options.name,
            metrics,
            timings: Timings::default(),
            turns: Turns::default(),
            watch: Watch::default(),
            secrets: Mutex::default(),
            sessions: crate::session::Uses::default(),
            radius: crate::radius::Shared::default(),
            listeners: Mutex::default(),
            gate: Gate::new(options.scenarios),
            migrating: AtomicBool::default(),
            clock: ClockWatch::default(),
            presence: Presence::new(options.state_file),
            rotating: AtomicBool::new(false),
            syncing: crate::admin::Syncing::default(),
            next_root: OnceLock::new(),
            listening: OnceLock::new(),
        });
        let mut memory = Memory::default();
        node.look(&mut memory); // a node with a wrong clock, or drained, is so from its first request on
        node.presence.start(&node, memory)?;
        crate::admin::follow_rotation(&node);
        Ok(node)
    }

    /// All listeners are open: health may say that the node serves.
    pub fn set_running(&self) {
        self.gate.run();
        self.look_soon();
    }

    /// Where this node listens, so that it never asks itself; to be said once.
    pub fn set_listening(&self, listening: Vec<Listening>) {
        let _ = self.listening.set(listening); // the first one counts
    }

    /// Where this node listens.
    pub(crate) fn listening(&self) -> &[Listening] {
        self.listening.get().map_or(&[], Vec::as_slice)
    }

    /// How the next root key is loaded, for a move to it; to be said once.
    pub fn set_next_root(&self, load: NextRoot) {
        let _ = self.next_root.set(load); // the first one counts
    }

    /// How the next root key is loaded.
    pub(crate) fn next_root(&self) -> Option<&NextRoot> {
        self.next_root.get()
    }

    /// Whether this node works on a rotation of data keys.
    pub(crate) fn rotating(&self) -> &crate::admin::Rotating {
        &self.rotating
    }

    pub(crate) fn syncing(&self) -> &crate::admin::Syncing {
        &self.syncing
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The name of the node.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.store.snapshot()
    }

    /// The key ring in force, as the engine opens sealed fields with it.
    pub fn ring(&self) -> RingVault {
        RingVault(self.store.keyring())
    }

    /// The key ring in force.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.store.keyring()
    }

    /// Whether this node converts old records.
    pub(crate) fn migrating(&self) -> &AtomicBool {
        &self.migrating
    }

    /// Counters of the node.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// All figures of the node as Prometheus text.
    pub fn figures(&self) -> String {
        let (password_waiting, password_busy) = self.passwords.load();
        let (_, offset) = self.clock.state();
        self.metrics.set_clock_offset(offset.and_then(seconds));
        self.metrics.set_ready(self.readiness().ready);
        self.metrics.encode(&Levels {
            store: self.store.readings(),
            password_waiting,
            password_busy,
            back_ends: self.back_ends.health(&self.snapshot()),
        })
    }

    /// The lines before accounts that several attempts contend for.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Timings of requests.
    pub(crate) fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Lets somebody have the timing of each request that is kept; `follower` must return at once. The first one stays.
    pub fn follow_timings(&self, follower: impl Fn(&Arc<Timing>) + Send + Sync + 'static) {
        self.timings.follow(Box::new(follower));
    }

    /// The watch over guessing (authentication.md 14).
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Who is asked beyond this server.
    pub(crate) fn back_ends(&self) -> &BackEnds {
        &self.back_ends
    }

    /// The bounded pool of threads that look something up in the store for requests.
    pub(crate) fn look_ups(&self) -> &LookUps {
        &self.look_ups
    }

    /// The bounded pool of password checks.
    pub(crate) fn passwords(&self) -> &Passwords {
        self.passwords.resize(password_pool_size(&self.snapshot()));
        &self.passwords
    }

    /// What the RADIUS fronts share.
    pub(crate) fn radius(&self) -> &crate::radius::Shared {
        &self.radius
    }

    /// The name of a listener as the audit writes it; made once.
    pub(crate) fn listener_name(&self, local: std::net::SocketAddr) -> Arc<str> {
        let mut listeners = self
            .listeners
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        listeners
            .entry(local)
            .or_insert_with(|| local.to_string().into())
            .clone()
    }

    /// Uses of sessions not yet written.
    pub(crate) fn session_uses(&self) -> &crate::session::Uses {
        &self.sessions
    }

    /// The shared secret of a RADIUS component, ready for use; `None` if it has none or it does not open.
    pub(crate) fn shared_secret(
        &self,
        snapshot: &Snapshot,
        component: ComponentKey,
    ) -> Option<Arc<SharedSecret>> {
        let mut secrets = self
            .secrets
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if secrets.generation != snapshot.generation {
            *secrets = Secrets {
                generation: snapshot.generation,
                by_component: Arc::new(self.open_secrets(snapshot)),
            };
        }
        secrets.by_component.get(&component).cloned()
    }

    fn open_secrets(&self, snapshot: &Snapshot) -> HashMap<ComponentKey, Arc<SharedSecret>> {
        let ring = self.ring();
        let ready = snapshot.components.all().iter().filter_map(|component| {
            let secret = crate::radius::open_shared_secret(&ring, component)?;
            Some((component.key, Arc::new(SharedSecret::new(secret.expose()))))
        });
        ready.collect()
    }

    /// Whether the node can serve, and why not; costs nothing.
    pub fn readiness(&self) -> Readiness {
        let (state, reasons) = self.gate.state(Instant::now());
        Readiness {
            ready: state == NodeState::Serving,
            state,
            reasons,
        }
    }

    /// What every request passes.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The watch over the clock.
    pub(crate) fn clock_watch(&self) -> &ClockWatch {
        &self.clock
    }

    /// This node among the others.
    pub(crate) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Whether new requests are taken.
    pub fn is_accepting(&self) -> bool {
        self.gate.is_accepting()
    }

    /// Health says that the node goes, so that load balancers turn away; requests are still taken.
    pub fn leave(&self) {
        self.gate.leave();
        self.look_soon();
    }

    /// Takes no new requests from now on; those under way finish.
    pub fn stop_accepting(&self) {
        self.gate.stop();
        self.look_soon();
    }

    /// Says that the node has stopped, ends the pools and closes the store; the last checkpoint is written.
    pub fn close(&self) {
        self.gate.stop();
        self.back_ends.close();
        self.take_leave();
        self.store.close();
    }

    /// Now.
    pub(crate) fn now() -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// A request begins now: its time, its identity (time-ordered, so that its record is found by it) and its dice.
    pub(crate) fn arrival() -> Arrival {
        let at = Self::now();
        let mut random = [0; 42];
        crate::secrets::fill(&mut random);
        let mut seed = [0; 32];
        let mut id = [0; 16];
        let millis = u64::try_from(at.0 / 1000).unwrap_or(0).to_be_bytes();
        for (to, from) in id.iter_mut().zip(millis.iter().skip(2).chain(&random)) {
            *to = *from;
        }
        for (to, from) in seed.iter_mut().zip(random.iter().skip(10)) {
            *to = *from;
        }
        let [.., version, _, variant, _, _, _, _, _, _, _] = &mut id;
        *version = (*version & 0x0f) | 0x70; // UUID version 7, RFC 9562
        *variant = (*variant & 0x3f) | 0x80;
        Arrival {
            at,
            instant: Instant::now(),
            id,
            dice: Dice::new(seed),
        }
    }
}

/// Microseconds as seconds, to a millisecond.
fn seconds(micros: i64) -> Option<f64> {
    let millis = i32::try_from(micros / 1000).ok()?;
    Some(f64::from(millis) / 1000.0)
}

fn password_pool_size(snapshot: &Snapshot) -> crate::ask::Size {
    let size = |name| usize::try_from(snapshot.settings.number(name)).unwrap_or(1);
    (size("password.threads"), size("password.queue"))
}

/// When and as what a request arrived.
pub(crate) struct Arrival {
    pub(crate) at: Timestamp,
    pub(crate) instant: Instant,
    pub(crate) id: [u8; 16],
    pub(crate) dice: Dice,
}
