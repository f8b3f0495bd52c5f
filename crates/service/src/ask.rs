//! Answers to what only the shell can find out: slow work on bounded pools, never on the path of an OTP.

use crate::metrics::Metrics;
use arc_swap::ArcSwap;
use countersign_engine::Secret;
use countersign_engine::decision::{Answer, Question};
use countersign_keyring::{PasswordParams, PasswordPool, password};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer may take in a request that has `whole` in all: what is left is for the commit of what came of it,
/// -103 where nothing did.
pub(crate) fn patience(whole: Duration) -> Duration {
    whole - whole / 5
}

/// The bounded pool of threads that hash static passwords (Argon2id). Its size follows the settings.
#[derive(Debug)]
pub(crate) struct Passwords {
    pool: ArcSwap<(Size, PasswordPool)>,
    metrics: Arc<Metrics>,
}

/// Threads, and checks that may wait for one.
pub(crate) type Size = (usize, usize);

impl Passwords {
    pub(crate) fn new(size: Size, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        Ok(Self {
            pool: ArcSwap::from_pointee((size, PasswordPool::new(size.0, size.1)?)),
            metrics,
        })
    }

    /// Work that waits for a thread, and threads at work.
    pub(crate) fn load(&self) -> (usize, usize) {
        let pool = self.pool.load();
        (pool.1.waiting(), pool.1.busy())
    }

    /// Makes a pool of another size if the settings want one; the old one finishes what it has.
    pub(crate) fn resize(&self, size: Size) {
        if self.pool.load().0 == size {
            return;
        }
        match PasswordPool::new(size.0, size.1) {
            Ok(pool) => self.pool.store(Arc::new((size, pool))),
            Err(error) => {
                tracing::error!(%error, "the pool of password threads keeps its size: new threads cannot be started");
            }
        }
    }

    /// Finds the answer to `question` and passes it to `then`, on another thread if it takes long, with the time it
    /// waited for that thread.
    pub(crate) fn answer(
        &self,
        question: &Question,
        then: impl FnOnce(Answer, Duration) + Send + 'static,
    ) {
        let asked = Instant::now();
        match question.clone() {
            Question::Verify {
                verifier,
                candidate,
            } => {
                let metrics = self.metrics.clone();
                let then = move |answer, waited| {
                    metrics.verified(asked.elapsed());
                    then(answer, waited);
                };
                let job = move || Answer::Is(verify(&candidate, &verifier));
                self.work(asked, job, then);
            }
            Question::Hash { password } => {
                let metrics = self.metrics.clone();
                let then = move |answer, waited| {
                    metrics.hashed(asked.elapsed());
                    then(answer, waited);
                };
                self.work(asked, move || hash(&password), then);
            }
            Question::BackEnd { .. }
            | Question::Groups
            | Question::Deliver
            | Question::Push
            | Question::SelfAssign => then(Answer::NotOffered, Duration::ZERO),
        }
    }

    fn work(
        &self,
        asked: Instant,
        job: impl FnOnce() -> Answer + Send + 'static,
        then: impl FnOnce(Answer, Duration) + Send + 'static,
    ) {
        // A pool that is full drops what it was given, so the continuation is kept where both ends reach it.
        let slot = Arc::new(Mutex::new(Some(then)));
        let later = slot.clone();
        let job = move || {
            let waited = asked.elapsed();
            (job(), waited)
        };
        let call = move |(answer, waited)| {
            if let Some(then) = take(&later) {
                then(answer, waited);
            }
        };
        if self.pool.load().1.submit(job, call).is_err()
            && let Some(then) = take(&slot)
        {
            then(Answer::Busy, Duration::ZERO);
        }
    }
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn verify(candidate: &Secret, verifier: &Secret) -> bool {
    let Ok(phc) = std::str::from_utf8(verifier.expose()) else {
        return false;
    };
    password::verify(candidate.expose(), phc).unwrap_or(false) // a verifier that cannot be read matches nothing
}

fn hash(password: &Secret) -> Answer {
    match password::hash(password.expose(), PasswordParams::default()) {
        Ok(phc) => Answer::Hashed(Secret::new(phc.into_bytes())),
        Err(error) => {
            tracing::error!(%error, "a new password cannot be hashed");
            Answer::TimedOut
        }
    }
}
