//! What the writer and the callers share: the queue, the cache, the configuration and the key ring.

use crate::cache::Cache;
use crate::database::{Access, Database, Source};
use crate::places::Places;
use crate::pulse::{Pulse, Readings};
use crate::rows::{challenge, convert};
use crate::snapshot::{self, Hosts};
use crate::work::{Completion, Full, Work};
use crate::writer::Writer;
use crate::{Clock, StoreError, account, postgres};
use countersign_engine::facts::Found;
use countersign_engine::model::DomainKey;
use countersign_engine::snapshot::Snapshot;
use countersign_engine::time::Timestamp;
use countersign_keyring::{KeyState, Keyring};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Reading connections kept open.
const READERS: usize = 4;
/// Reading connections at a time, kept or not: a server has room for so many, and each node takes its share.
const MOST_READERS: usize = 24;
/// How often reads are repeated after a lost connection or a conflict.
const READ_TRIES: usize = 4;
/// Microseconds for which a count of live challenges is good enough.
const COUNT_LASTS: i64 = 100_000;

/// Something the writer does between two batches, on its own connection.
pub(crate) type Errand = Box<dyn FnOnce(&mut Writer) + Send>;

/// A work and who waits for it.
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) to: Arc<dyn Completion>,
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    errands: Vec<Errand>,
    closed: bool,
}

/// What the writer takes from the queue.
pub(crate) enum Taken {
    Errands(Vec<Errand>),
    Jobs(Vec<Job>),
    /// The time is up.
    Nothing,
    /// The store is closed and the queue is empty.
    End,
}

pub(crate) struct Shared {
    pub(crate) source: Source,
    pub(crate) clock: Clock,
    pub(crate) cache: Cache,
    queue: Mutex<Queue>,
    wake: Condvar,
    bound: usize,
    snapshot: RwLock<Arc<Snapshot>>,
    keyring: RwLock<Arc<Keyring>>,
    pub(crate) hosts: RwLock<Arc<Hosts>>,
    readers: Mutex<Vec<Database>>,
    places: Places,
    ended: AtomicBool,
    /// Whether the store lacks what this node has committed.
    pub(crate) lost: AtomicBool,
    pub(crate) outstanding: AtomicI64,
    live: Mutex<(Timestamp, i64)>,
    pub(crate) pulse: Pulse,
}

impl Shared {
    pub(crate) fn new(
        source: Source,
        clock: Clock,
        accounts: usize,
        bound: usize,
        snapshot: Snapshot,
        keyring: Keyring,
        outstanding: i64,
    ) -> Self {
        Self {
            source,
            clock,
            cache: Cache::new(accounts),
            queue: Mutex::default(),
            wake: Condvar::new(),
            bound,
            snapshot: RwLock::new(Arc::new(snapshot)),
            keyring: RwLock::new(Arc::new(keyring)),
            hosts: RwLock::default(),
            readers: Mutex::default(),
            places: Places::new(MOST_READERS),
            ended: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            outstanding: AtomicI64::new(outstanding),
            live: Mutex::new((Timestamp(i64::MIN), 0)),
            pulse: Pulse::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Uses another configuration from now on, unless a newer one is in force.
    pub(crate) fn set_snapshot(&self, new: Snapshot) {
        let mut now = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if now.generation <= new.generation {
            *now = Arc::new(new);
        }
    }

    /// As [`Shared::set_snapshot`], with the key ring of the same state of the database: the writer and whoever follows
    /// other nodes must not put an older one into the place of a newer one.
    pub(crate) fn set_configuration(&self, new: Snapshot, keyring: Option<Keyring>) {
        let mut now = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if now.generation <= new.generation {
            if let Some(keyring) = keyring {
                self.set_keyring(keyring);
            }
            *now = Arc::new(new);
        }
    }

    pub(crate) fn hosts(&self) -> Arc<Hosts> {
        Arc::clone(&self.hosts.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_keyring(&self, new: Keyring) {
        let usable = |ring: &Keyring, id| {
            ring.about(id)
                .is_some_and(|(_, state)| state != KeyState::Retired)
        };
        let old = self.keyring();
        let goes = old
            .rows()
            .iter()
            .any(|row| usable(&old, row.id) && !usable(&new, row.id));
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        // Accounts in memory may still hold what stood under a key that no longer opens.
        if goes {
            self.cache.clear();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn submit(
        &self,
        works: Vec<Work>,
        to: &Arc<dyn Completion>,
    ) -> Result<(), (Full, Vec<Work>)> {
        let mut queue = self.queue();
        if queue.closed || queue.jobs.len() + works.len() > self.bound {
            return Err((Full, works));
        }
        let sleeping = queue.jobs.is_empty();
        queue.jobs.extend(works.into_iter().map(|work| Job {
            work,
            to: Arc::clone(to),
        }));
        drop(queue);
        if sleeping {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Hands the writer an errand; false when the store is closed.
    pub(crate) fn send(&self, errand: Errand) -> bool {
        let mut queue = self.queue();
        if queue.closed {
            return false;
        }
        queue.errands.push(errand);
        drop(queue);
        self.wake.notify_one();
        true
    }

    /// Works that wait for the writer.
    pub(crate) fn waiting(&self) -> usize {
        self.queue().jobs.len()
    }

    /// Why a work was not taken.
    pub(crate) fn refusal(&self) -> StoreError {
        if self.queue().closed {
            StoreError::Closed
        } else {
            StoreError::Crowded
        }
    }

    /// Takes no more works; the writer ends after what waits.
    pub(crate) fn close(&self) {
        // The readers go before the writer hears of it: its connection is to be the last one, so that it leaves a
        // database without a log.
        self.ended.store(true, Ordering::SeqCst);
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.queue().closed = true;
        self.wake.notify_one();
    }

    /// Takes everything that waits, at most `most` works; waits for it at most `patience`.
    pub(crate) fn take(&self, most: usize, patience: Duration) -> Taken {
        let mut queue = self.queue();
        if queue.jobs.is_empty() && queue.errands.is_empty() && !queue.closed {
            (queue, _) = self
                .wake
                .wait_timeout(queue, patience)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if !queue.errands.is_empty() {
            return Taken::Errands(std::mem::take(&mut queue.errands));
        }
        if queue.jobs.is_empty() {
            return if queue.closed {
                Taken::End
            } else {
                Taken::Nothing
            };
        }
        if queue.jobs.len() <= most {
            return Taken::Jobs(std::mem::take(&mut queue.jobs));
        }
        Taken::Jobs(queue.jobs.drain(..most).collect())
    }

    /// Runs reads on one state of the database, on a connection of the pool; again where the connection was lost.
    pub(crate) fn read<T>(
        &self,
        run: impl Fn(crate::sql::Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let until = Instant::now() + 2 * self.source.wait;
        for _ in 0..READ_TRIES {
            match self.read_once(&run) {
                Err(error) if error.is_passing() && Instant::now() < until => {}
                ended => return ended,
            }
        }
        self.read_once(run)
    }

    /// As [`Shared::read`], on a connection made for it.
    pub(crate) fn read_anew<T>(
        &self,
        run: impl Fn(crate::sql::Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.read(run)
    }

    /// As [`Shared::read`], for reads that must not be repeated.
    pub(crate) fn read_once<T>(
        &self,
        run: impl FnOnce(crate::sql::Tx<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(StoreError::Closed);
        }
        // Opening a file costs nothing that others could lack.
        let place = self
            .source
            .is_shared()
            .then(|| self.places.take(self.source.wait).ok_or(StoreError::Busy));
        let _place = place.transpose()?;
        let pooled = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let database = match pooled {
            Some(database) => database,
            None => self.source.open(Access::Read)?,
        };
        let result = database.reading(run);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            Ok(_) if readers.len() < READERS && !self.ended.load(Ordering::SeqCst) => {
                readers.push(database);
            }
            // Where one connection is lost, the others of the same server are, too.
            Err(StoreError::Unreachable(_) | StoreError::ReadOnly) => readers.clear(),
            _ => {}
        }
        result
    }

    /// Bytes of the database on a server; 0 where it does not tell.
    pub(crate) fn server_size(&self) -> u64 {
        let database = self.source.open(Access::Read);
        database.map_or(0, |database| {
            database.server().map_or(0, postgres::Database::size)
        })
    }

    pub(crate) fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        if !self.source.is_shared() {
            return Ok(None);
        }
        self.source.open(Access::Read)?.clock()
    }

    /// The account of a name, from memory or from the database.
    pub(crate) fn account(&self, domain: DomainKey, folded: &str) -> Result<Found, StoreError> {
        let cached = self.cache.find(domain, folded);
        self.pulse.looked_up(cached.is_some());
        if let Some(account) = cached {
            return Ok(Found::Account(account));
        }
        let (reading, began) = (self.cache.reading(), Instant::now());
        let found = self.checked(self.read(|tx| account::by_name(tx, domain, folded))?);
        self.pulse.read(began);
        if let Found::Account(account) = &found {
            self.cache.insert(reading, account);
        }
        Ok(found)
    }

    /// Numbers that are known without asking the database.
    pub(crate) fn readings(&self) -> Readings {
        Readings {
            waiting: self.waiting(),
            cached: self.cache.len(),
            challenges: self.outstanding.load(Ordering::Relaxed),
            ..self.pulse.readings(self.now())
        }
    }

    /// 1124 instead of an account with records of an older format that cannot be converted.
    pub(crate) fn checked(&self, found: Found) -> Found {
        let Found::Account(account) = &found else {
            return found;
        };
        match convert::check(&self.keyring(), account) {
            Ok(()) => found,
            Err(unreadable) => Found::Unreadable(unreadable.status, unreadable.which),
        }
    }

    /// Reads the configuration anew.
    pub(crate) fn read_snapshot(&self, tx: crate::sql::Tx<'_>) -> Result<Snapshot, StoreError> {
        snapshot::read(tx, &self.hosts(), &self.source.node)
    }

    /// Challenges outstanding: all that are kept while they are few, the live ones at the limit, where expired ones
    /// must not be counted.
    pub(crate) fn outstanding(&self) -> i64 {
        let kept = self.outstanding.load(Ordering::Relaxed);
        let settings = &self.snapshot().settings;
        if kept < settings.challenge_max_outstanding {
            return kept;
        }
        let now = self.now();
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if now.micros_since(live.0).abs() > COUNT_LASTS {
            let since = now.plus_seconds(-settings.challenge_max_age_s);
            match self.read(|tx| challenge::count_live(tx, since)) {
                Ok(count) => *live = (now, count),
                Err(_) => return kept,
            }
        }
        live.1
    }
}
