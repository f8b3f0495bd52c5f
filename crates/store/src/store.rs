//! The store as its users see it.

use crate::admin::{counts, facts};
use crate::follower::Follower;
use crate::open::{self, Opened, Opening};
use crate::pulse::{Observer, Readings};
use crate::ring::RingVault;
use crate::rows::{authenticator, challenge, key, policy, session, user, version};
use crate::shared::Shared;
use crate::snapshot::Hosts;
use crate::work::{Callback, Completion, Full, Outcome, Waiter, Work};
use crate::writer::Writer;
use crate::{OpenError, Options, StoreError, account, apply, ring};
use countersign_engine::admin::{AdminFacts, Needs};
use countersign_engine::decision::KeptAnswer;
use countersign_engine::facts::{Found, Place, Wanted};
use countersign_engine::model::{
    Authenticator, Challenge, DomainKey, KeyRecord, Meta, PolicyKey, Sealed, Session, SessionKey,
    UserKey,
};
use countersign_engine::policy::Policy;
use countersign_engine::snapshot::Snapshot;
use countersign_engine::time::Timestamp;
use countersign_keyring::{Keyring, RootKey};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// An open store: one database, one writer thread, a cache. Clones share it; [`Store::close`] or the last drop ends it.
#[derive(Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    running: Arc<Running>,
}

struct Running {
    shared: Arc<Shared>,
    follower: Mutex<Option<Follower>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Rows by number, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// User accounts.
    pub users: i64,
    /// Authenticators.
    pub authenticators: i64,
    /// Applications of authenticators.
    pub applications: i64,
    /// Challenges kept.
    pub challenges: i64,
    /// Administrative sessions.
    pub sessions: i64,
    /// Accounts in memory.
    pub cached: i64,
    /// Works that wait for the writer.
    pub waiting: i64,
}

impl Store {
    /// Opens a store, making it if the file does not exist: schema, keys, start record of an audit epoch (I-115001).
    ///
    /// # Errors
    /// One variant for each cause; [`OpenError::RolledBack`] is E-115003.
    pub fn open(options: &Options, root: Arc<RootKey>) -> Result<Self, OpenError> {
        Self::start(open::open(&Opening {
            options,
            root,
            accepted: None,
        })?)
    }

    /// Opens a store that lacks what the node remembers, on an administrator's word: the new epoch names both ends and
    /// his reason. Does the same as [`Store::open`] where nothing is lacking.
    ///
    /// # Errors
    /// As [`Store::open`], but never [`OpenError::RolledBack`].
    pub fn accept_rollback(
        options: &Options,
        root: Arc<RootKey>,
        reason: &str,
    ) -> Result<Self, OpenError> {
        Self::start(open::open(&Opening {
            options,
            root,
            accepted: Some(reason),
        })?)
    }

    fn start(opened: Opened) -> Result<Self, OpenError> {
        let Opened { shared, writer } = opened;
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let _whole = Whole;
                writer.run();
            });
        let thread = thread.map_err(|error| StoreError::Disk(error.to_string()))?;
        let follower = shared
            .source
            .is_shared()
            .then(|| Follower::start(&shared))
            .transpose()?;
        let running = Running {
            shared: Arc::clone(&shared),
            follower: Mutex::new(follower),
            writer: Mutex::new(Some(thread)),
        };
        Ok(Self {
            shared,
            running: Arc::new(running),
        })
    }

    /// Commits what waits, signs and closes the audit epoch, and ends the threads. Later works and reads fail.
    pub fn close(&self) {
        self.running.end();
    }

    /// The configuration.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// Sets the addresses of components known by host name, and reads the configuration anew.
    ///
    /// # Errors
    /// The configuration could not be read; the old one stays in force.
    pub fn set_hosts(&self, hosts: Hosts) -> Result<(), StoreError> {
        *self
            .shared
            .hosts
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(hosts);
        let snapshot = self.shared.read(|tx| self.shared.read_snapshot(tx))?;
        self.shared.set_snapshot(snapshot);
        Ok(())
    }

    /// The key ring.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.shared.keyring()
    }

    /// The key ring as the engine opens sealed fields.
    pub fn vault(&self) -> RingVault {
        RingVault(self.shared.keyring())
    }

    /// The keys of the key ring as stored.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.shared.read(key::all)
    }

    /// The account of a folded user ID, from memory where it is there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn account(&self, domain: DomainKey, folded: &str) -> Result<Found, StoreError> {
        self.shared.account(domain, folded)
    }

    /// The account of a folded user ID as the database has it now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn account_now(&self, domain: DomainKey, folded: &str) -> Result<Found, StoreError> {
        let found = self
            .shared
            .read(|tx| account::by_name(tx, domain, folded))?;
        Ok(self.shared.checked(found))
    }

    /// The account of a row as the database has it now.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn account_by_key(&self, key: UserKey) -> Result<Found, StoreError> {
        let found = self.shared.read(|tx| account::by_key(tx, key))?;
        Ok(self.shared.checked(found))
    }

    /// An authenticator by serial number as the database has it now, with its owner.
    ///
    /// # Errors
    /// The database cannot be read, or the record is of an unknown format.
    pub fn authenticator(
        &self,
        serial: &str,
    ) -> Result<Option<(Authenticator, Option<UserKey>)>, StoreError> {
        let found = self
            .shared
            .read(|tx| Ok(authenticator::by_serial(tx, serial)?))?;
        Ok(found.map(|authenticator| {
            let owner = authenticator.user;
            (authenticator, owner)
        }))
    }

    /// The challenges an attempt wants: the one that is answered first, then the user's others, newest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn challenges(
        &self,
        wanted: &Wanted,
        user: Option<UserKey>,
    ) -> Result<Vec<Challenge>, StoreError> {
        let user = user.filter(|_| wanted.challenges_of_user);
        if wanted.challenge.is_none() && user.is_none() {
            return Ok(Vec::new());
        }
        self.shared.read(|tx| {
            let mut all: Vec<Challenge> = wanted
                .challenge
                .map_or(Ok(None), |key| challenge::one(tx, key))?
                .into_iter()
                .collect();
            let others =
                user.map_or_else(|| Ok(Vec::new()), |user| challenge::of_user(tx, user))?;
            all.extend(
                others
                    .into_iter()
                    .filter(|other| Some(other.key) != wanted.challenge),
            );
            Ok(all)
        })
    }

    /// Challenges outstanding in the deployment.
    pub fn outstanding(&self) -> i64 {
        self.shared.outstanding()
    }

    /// The answer kept for a request of this component type and id; it may have expired.
    ///
    /// # Errors
    /// The database cannot be read, or the answer does not open.
    pub fn kept_answer(
        &self,
        component_type: &str,
        request_id: &str,
    ) -> Result<Option<KeptAnswer>, StoreError> {
        let Some(kept) = self
            .shared
            .read(|tx| challenge::kept(tx, component_type, request_id))?
        else {
            return Ok(None);
        };
        let place = Place {
            table: apply::KEPT_ANSWER,
            id: kept.key,
            field: "answer",
            version: version::KEPT_ANSWER,
        };
        let answer = ring::open(&self.shared.keyring(), place, &Sealed(kept.answer))?;
        let (component_type, request_id) = (component_type.to_owned(), request_id.to_owned());
        Ok(Some(KeptAnswer {
            component_type,
            request_id,
            body: kept.body,
            answer,
            expires: kept.expires,
        }))
    }

    /// A session.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn session(&self, key: SessionKey) -> Result<Option<Session>, StoreError> {
        self.shared.read(|tx| session::one(tx, key))
    }

    /// All sessions, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        self.shared.read(session::all)
    }

    /// The readable policies with their rows and bookkeeping.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn policies(&self) -> Result<Vec<(PolicyKey, Meta, Policy)>, StoreError> {
        let stored = self
            .shared
            .read(|tx| tx.all(policy::ALL, &[], policy::read))?;
        Ok(stored
            .into_iter()
            .filter_map(|stored| Some((stored.key, stored.meta, stored.policy.ok()?)))
            .collect())
    }

    /// User ID and domain of an account, without its authenticators.
    ///
    /// # Errors
    /// The database cannot be read, or the record is of an unknown format.
    pub fn user_name(&self, key: UserKey) -> Result<Option<(DomainKey, String)>, StoreError> {
        self.shared
            .read(|tx| Ok(user::by_key(tx, key)?.map(|(user, _)| (user.domain, user.id))))
    }

    /// What a command is decided on.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn admin_facts(&self, needs: &Needs) -> Result<AdminFacts, StoreError> {
        self.shared.read(|tx| facts(tx, needs))
    }

    /// Hands works to the writer; `to` hears of each of them. All are taken or none.
    ///
    /// # Errors
    /// The queue has no room for all of them; they come back.
    pub fn submit(
        &self,
        works: Vec<Work>,
        to: &Arc<dyn Completion>,
    ) -> Result<(), (Full, Vec<Work>)> {
        self.shared.submit(works, to)
    }

    /// Commits one work and waits for it.
    pub fn commit(&self, work: Work) -> Outcome {
        let waiter = Arc::new(Waiter::default());
        let to: Arc<dyn Completion> = Arc::clone(&waiter) as Arc<dyn Completion>;
        match self.submit(vec![work], &to) {
            Ok(()) => waiter.wait(),
            Err(_) => Outcome::Failed(self.shared.refusal()),
        }
    }

    /// Commits one work and calls `then` from the writer thread, which must return fast.
    ///
    /// # Errors
    /// The queue is full; the work comes back and `then` is not called.
    pub fn commit_then(
        &self,
        work: Work,
        then: impl FnOnce(Work, Outcome) + Send + 'static,
    ) -> Result<(), (Full, Vec<Work>)> {
        self.submit(vec![work], &Callback::target(then))
    }

    /// Lets an observer hear of commits and reads from now on; the first one stays.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.shared.pulse.observe(observer);
    }

    /// Numbers that are known without asking the database.
    pub fn readings(&self) -> Readings {
        self.shared.readings()
    }

    /// Numbers of rows, for metrics.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        let cached = i64::try_from(self.shared.cache.len()).unwrap_or(i64::MAX);
        let waiting = i64::try_from(self.shared.waiting()).unwrap_or(i64::MAX);
        Ok(Counts {
            cached,
            waiting,
            ..self.shared.read(counts)?
        })
    }

    /// Bytes on disk: the database and, of a file, its write-ahead log.
    pub fn size(&self) -> u64 {
        let Some(path) = self.shared.source.file() else {
            return self.shared.server_size();
        };
        let of = |suffix: &str| {
            let mut name = path.to_owned().into_os_string();
            name.push(suffix);
            std::fs::metadata(name).map_or(0, |file| file.len())
        };
        of("") + of("-wal")
    }

    /// Whether other nodes may use the same store.
    pub fn is_shared(&self) -> bool {
        self.shared.source.is_shared()
    }

    /// The clock of the store, to compare one's own with; none for an embedded store.
    ///
    /// # Errors
    /// The store cannot be reached.
    pub fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        self.shared.clock()
    }

    /// Whether the store takes writes now.
    ///
    /// # Errors
    /// Why it does not.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        self.errand(|writer| {
            writer.transaction(|writer, now| {
                let author = writer.ledger.author();
                key::seen(writer.database.tx(), &author.node, &author.version, now)
            })
        })
    }

    /// Makes a new audit key for this node, vouched for by the present one, and begins an epoch under it.
    ///
    /// # Errors
    /// The database cannot be written; the present key stays.
    pub fn rotate_audit_key(&self) -> Result<(), StoreError> {
        self.errand(Writer::rotate_audit_key)
    }

    /// Forgets all accounts in memory, for tools that change the database behind the store's back.
    pub fn clear_cache(&self) {
        self.shared.cache.clear();
    }

    /// Runs something on the writer thread between two batches and waits for it.
    pub(crate) fn errand<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = sync_channel(1);
        let sent = self.shared.send(Box::new(move |writer| {
            let _ = tell.send(run(writer)); // whoever asked may have gone
        }));
        if !sent {
            return Err(StoreError::Closed);
        }
        told.recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl Running {
    fn end(&self) {
        drop(
            self.follower
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        self.shared.close();
        let thread = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writer of the store ended in a panic");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("url", &self.shared.source.url)
            .finish_non_exhaustive()
    }
}

/// Ends the process when the writer panics: without its one writer a node can serve nothing, and whoever waits for a
/// commit would wait for ever. What was acknowledged is on disk; a supervisor starts the node again.
struct Whole;

impl Drop for Whole {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                "the thread that writes the store has failed (E-000001); the node ends"
            );
            std::process::abort();
        }
    }
}
