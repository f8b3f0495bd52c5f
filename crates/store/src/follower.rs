//! Following what other nodes change: a look at the generation of the configuration several times a second, and a new
//! reading where it has risen.

use crate::database::{Access, Database};
use crate::ring;
use crate::rows::{challenge, key, setting};
use crate::shared::Shared;
use crate::{StoreError, postgres};
use countersign_engine::model::KeyRecord;
use countersign_keyring::Keyring;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two looks. A change works on all nodes in under a second.
const EVERY: Duration = Duration::from_millis(250);
/// Between two tries to open a data key that could not be opened.
const KEYS_AGAIN: Duration = Duration::from_secs(10);
/// Looks between two counts of the challenges of all nodes.
const COUNT_EVERY: u64 = 8;

/// The thread that follows; it ends when this is dropped.
pub(crate) struct Follower {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    pub(crate) fn start(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        let (stop, stopped) = channel();
        let database = shared.source.open(Access::Read)?;
        let shared = Arc::downgrade(shared);
        let thread = std::thread::Builder::new()
            .name("store-follower".to_owned())
            .spawn(move || follow(&shared, &database, &stopped))
            .map_err(|error| StoreError::Disk(error.to_string()))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // it holds nothing that a panic could spoil
        }
    }
}

fn follow(shared: &Weak<Shared>, database: &Database, stopped: &Receiver<()>) {
    let mut looks = 0_u64;
    let mut behind = None;
    let mut connection = None;
    let mut blind = false;
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        looks += 1;
        if let Err(error) = look(
            &shared,
            database,
            looks.is_multiple_of(COUNT_EVERY),
            &mut behind,
        ) {
            if !std::mem::replace(&mut blind, true) {
                tracing::warn!("failed to {error}: changes of other nodes are not seen meanwhile");
            }
        } else if std::mem::replace(&mut blind, false) {
            tracing::info!("changes of other nodes are seen again");
        }
        if let Some(now) = database.server().and_then(postgres::Database::connected)
            && connection.replace(now).is_some_and(|before| before != now)
        {
            have_compared(&shared);
        }
    }
}

/// Has the writer compare the store with what it has committed: after a reconnection it may be another one.
fn have_compared(shared: &Shared) {
    shared.send(Box::new(|writer| {
        if let Err(error) = writer.compare() {
            tracing::debug!("failed to {error}: it is tried again with the next commit");
        }
    }));
}

/// `behind` is when a data key of another node could last not be opened.
fn look(
    shared: &Shared,
    database: &Database,
    count: bool,
    behind: &mut Option<Instant>,
) -> Result<(), StoreError> {
    let known = shared.snapshot().generation;
    let (generation, outstanding) = database.reading(|tx| {
        let outstanding = count.then(|| challenge::count(tx)).transpose()?;
        Ok((setting::generation(tx)?, outstanding))
    })?;
    if let Some(outstanding) = outstanding {
        shared.outstanding.store(outstanding, Ordering::Relaxed);
    }
    let again = behind.is_some_and(|since| since.elapsed() >= KEYS_AGAIN);
    if generation == known && !again {
        return Ok(());
    }
    let (snapshot, rows) = database.reading(|tx| Ok((shared.read_snapshot(tx)?, key::all(tx)?)))?;
    // A key that another node made may want an HSM that is away: the configuration does not wait for it.
    let keyring = match follow_keys(shared, &rows) {
        Ok(keyring) => {
            *behind = None;
            Some(keyring)
        }
        Err(error) => {
            tracing::error!(
                code = "E-112001",
                "failed to {error}: what other nodes seal under their new key does not open here; tried again every {} s",
                KEYS_AGAIN.as_secs()
            );
            *behind = Some(Instant::now());
            None
        }
    };
    shared.set_configuration(snapshot, keyring);
    Ok(())
}

fn follow_keys(shared: &Shared, rows: &[KeyRecord]) -> Result<Keyring, StoreError> {
    let rows = rows
        .iter()
        .map(ring::from_record)
        .collect::<Result<_, _>>()?;
    shared
        .keyring()
        .follow(rows)
        .map_err(|error| StoreError::Sealing(error.to_string()))
}
