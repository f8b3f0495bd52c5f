//! A root key that stays in a hardware security module: what it wraps and unwraps goes there over PKCS#11 and comes back.
//!
//! Every address of the key has a thread of its own, and whoever asks waits a bounded time: a module that hangs holds
//! up one thread, never a node. A session that is lost is opened again; where an address stays silent, the next one that
//! holds the same key is asked.

mod connection;
mod module;
mod uri;
mod worker;

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_oath::Secret;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::gcm::{self, NONCE_LEN};
use crate::random::{self, RandomError};
use crate::root::RootId;
use crate::secret_file::FileError;
pub use uri::HsmUri;
pub(crate) use uri::list;
use worker::{Job, Reply, Worker};

/// How long an operation waits for one address before the next one is asked.
const WAIT: Duration = Duration::from_secs(5);
/// How long a start waits for one address: loading a module and logging on may take a while.
const START_WAIT: Duration = Duration::from_secs(20);
/// Unwrapped keys remembered, so that what was wrapped or unwrapped once never waits for the HSM again.
const REMEMBERED: usize = 256;

/// The master key in an HSM cannot be used; every text says which address it is about and, where there is one, the remedy.
#[derive(Debug, Error)]
pub enum HsmError {
    /// The address cannot be read.
    #[error("read the PKCS#11 address: {0}")]
    Address(String),
    /// The library of the HSM cannot be loaded.
    #[error("load the PKCS#11 module {path}: {reason}")]
    Module {
        /// The library.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No slot holds the token, or more than one does.
    #[error("find the token {token}: {found} slots hold one like it; {}", if *.found == 0 { "check that it is plugged in and initialised" } else { "name its serial too" })]
    Token {
        /// How it is described.
        token: String,
        /// In how many slots there is one.
        found: usize,
    },
    /// There is no PIN where it should be.
    #[error("read the PIN of the token from {0}: there is none")]
    NoPin(String),
    /// The file of the PIN cannot be used.
    #[error(transparent)]
    PinFile(#[from] FileError),
    /// The token refused the PIN; it is not tried again until its source changes, so that the token does not lock.
    #[error(
        "log on to the token {token}: {reason}; put the right PIN into {source_of_pin}, it is tried again when that changes"
    )]
    Pin {
        /// The token.
        token: String,
        /// What the token said.
        reason: String,
        /// Where the PIN came from.
        source_of_pin: String,
    },
    /// The token holds no such key, or more than one.
    #[error("find the key {key} on the token {token}: it has {found} like it; {}", if *.found == 0 { "make it with `countersign key create`" } else { "name its id too" })]
    Key {
        /// How it is described.
        key: String,
        /// The token.
        token: String,
        /// How many there are.
        found: usize,
    },
    /// The token has the key already.
    #[error("make the key {key} on the token {token}: there is one like it already")]
    Exists {
        /// How it is described.
        key: String,
        /// The token.
        token: String,
    },
    /// The key is not what a master key must be.
    #[error(
        "use the key {key} on the token {token}: it is {fault}, but a master key is an AES key of 256 bits, sensitive and not extractable, that encrypts and decrypts"
    )]
    Unfit {
        /// How it is described.
        key: String,
        /// The token.
        token: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Another key than the one that is in use.
    #[error(
        "use the key {key} on the token {token}: it is root key {present}, not {expected}; copy the key with the means of the HSM"
    )]
    Other {
        /// How it is described.
        key: String,
        /// The token.
        token: String,
        /// The root key it is.
        present: RootId,
        /// The root key it should be.
        expected: RootId,
    },
    /// The HSM gave no answer in time.
    #[error("hear from the HSM ({address}) within {} s", .wait.as_secs())]
    Timeout {
        /// Which one.
        address: String,
        /// How long was waited.
        wait: Duration,
    },
    /// The HSM answered with an error.
    #[error("{what} on the HSM ({address}): {reason}")]
    Call {
        /// What was asked for.
        what: &'static str,
        /// Which one.
        address: String,
        /// What it said.
        reason: String,
    },
    /// None of several addresses worked.
    #[error("use any of the {} addresses of the master key: {}", .0.len(), joined(.0))]
    All(Vec<HsmError>),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

fn joined(errors: &[HsmError]) -> String {
    let texts: Vec<String> = errors
        .iter()
        .map(|error| format!("failed to {error}"))
        .collect();
    texts.join("; ")
}

impl HsmError {
    /// Whether a bounded wait ran out, rather than something being wrong.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::All(errors) => errors.iter().all(Self::is_timeout),
            _ => false,
        }
    }
}

/// A master key in one or more tokens.
pub(crate) struct Hsm {
    workers: Vec<Worker>,
    /// The address that worked last is asked first.
    preferred: AtomicUsize,
    id: RootId,
    standby: Vec<String>,
    known: Mutex<Vec<Known>>,
    wait: Duration,
}

/// A wrapped key and what is in it.
struct Known {
    digest: [u8; 32],
    plain: Secret,
}

impl Hsm {
    /// Connects to every address; one that works is enough, and the others must hold the same key when they do.
    pub(crate) fn open(addresses: &[HsmUri]) -> Result<Self, HsmError> {
        Self::open_within(addresses, START_WAIT, WAIT)
    }

    fn open_within(
        addresses: &[HsmUri],
        start: Duration,
        wait: Duration,
    ) -> Result<Self, HsmError> {
        let workers = addresses
            .iter()
            .map(|uri| Worker::start(uri.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut id, mut preferred, mut failed) = (None, 0, Vec::new());
        for (place, worker) in workers.iter().enumerate() {
            match worker.ask(Job::Identify { expected: id }, start) {
                Ok(Reply::Id(found)) if id.is_none() => (id, preferred) = (Some(found), place),
                Ok(_) => {}
                Err(error) => failed.push(error),
            }
        }
        let Some(id) = id else {
            return Err(one_of(failed));
        };
        Ok(Self {
            workers,
            preferred: AtomicUsize::new(preferred),
            id,
            standby: failed.iter().map(ToString::to_string).collect(),
            known: Mutex::default(),
            wait,
        })
    }

    /// Makes the master key in the first token.
    pub(crate) fn create(addresses: &[HsmUri]) -> Result<(), HsmError> {
        let first = addresses
            .first()
            .ok_or_else(|| HsmError::Address("there is none".to_owned()))?;
        Worker::start(first.clone())?
            .ask(Job::Create, START_WAIT)
            .map(|_| ())
    }

    /// The name of the key.
    pub(crate) fn id(&self) -> RootId {
        self.id
    }

    /// What was wrong with addresses that did not work when the key was opened.
    pub(crate) fn standby_faults(&self) -> &[String] {
        &self.standby
    }

    /// Encrypts a key with AES-256-GCM in the HSM: nonce ‖ ciphertext ‖ tag, opened again before it is answered.
    pub(crate) fn wrap(&self, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, HsmError> {
        let nonce: [u8; NONCE_LEN] = random::random()?;
        let reply = self.ask(|| Job::Wrap {
            expected: self.id,
            nonce,
            context: context.to_vec(),
            plain: Zeroizing::new(plain.to_vec()),
        })?;
        let Reply::Wrapped(wrapped) = reply else {
            return Err(self.odd());
        };
        self.remember(context, &wrapped, plain);
        Ok(wrapped)
    }

    /// Opens what [`wrap`](Self::wrap) made, from memory where it was wrapped or opened before; `None` where it is not what was wrapped.
    pub(crate) fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, HsmError> {
        if let Some(plain) = self.recall(context, wrapped) {
            return Ok(Some(plain));
        }
        let Some((nonce, ciphertext)) = wrapped.split_first_chunk::<NONCE_LEN>() else {
            return Ok(None);
        };
        let reply = self.ask(|| Job::Unwrap {
            expected: self.id,
            nonce: *nonce,
            context: context.to_vec(),
            ciphertext: ciphertext.to_vec(),
        })?;
        match reply {
            Reply::Opened(Some(plain)) => {
                self.remember(context, wrapped, &plain);
                Ok(Some(plain))
            }
            Reply::Opened(None) => Ok(None),
            _ => Err(self.odd()),
        }
    }

    /// Asks the address that worked last, then the others.
    fn ask(&self, job: impl Fn() -> Job) -> Result<Reply, HsmError> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut failed = Vec::new();
        for step in 0..self.workers.len() {
            let place = (first + step) % self.workers.len();
            let Some(worker) = self.workers.get(place) else {
                continue;
            };
            match worker.ask(job(), self.wait) {
                Ok(reply) => {
                    self.preferred.store(place, Ordering::Relaxed);
                    return Ok(reply);
                }
                Err(error) => failed.push(error),
            }
        }
        Err(one_of(failed))
    }

    fn odd(&self) -> HsmError {
        HsmError::Call {
            what: "use the master key",
            address: self.id.to_string(),
            reason: "the answer does not belong to the question".to_owned(),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Vec<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, context: &[u8], wrapped: &[u8], plain: &[u8]) {
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.remove(0);
        }
        known.push(Known {
            digest: digest(context, wrapped),
            plain: Secret::new(plain),
        });
    }

    fn recall(&self, context: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let digest = digest(context, wrapped);
        let known = self.known();
        let found = known.iter().find(|known| known.digest == digest)?;
        Some(Zeroizing::new(found.plain.expose().to_vec()))
    }
}

impl fmt::Debug for Hsm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hsm({})", self.id)
    }
}

/// What a module said: the name of its answer, which its documents explain, rather than a text of ours.
fn reason(error: &cryptoki::error::Error) -> String {
    match error {
        cryptoki::error::Error::Pkcs11(answer, function) => {
            format!("{function:?} answered {answer:?}")
        }
        other => other.to_string(),
    }
}

fn one_of(mut failed: Vec<HsmError>) -> HsmError {
    match failed.pop() {
        Some(only) if failed.is_empty() => only,
        Some(last) => {
            failed.push(last);
            HsmError::All(failed)
        }
        None => HsmError::Address("there is none".to_owned()),
    }
}

fn digest(context: &[u8], wrapped: &[u8]) -> [u8; 32] {
    Sha256::digest(gcm::associated(&[context, wrapped])).into()
}

#[cfg(test)]
mod tests;
