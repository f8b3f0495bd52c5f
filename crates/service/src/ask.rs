//! Answers to what only the shell can find out: slow work on bounded pools, never on the path of an OTP.

use crate::back_end::Asking;
use crate::metrics::Metrics;
use crate::node::Node;
use arc_swap::ArcSwap;
use countersign_engine::Secret;
use countersign_engine::decision::{Answer, Question};
use countersign_keyring::{PasswordParams, PasswordPool, password};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Finds the answer to `question` of the request `asking` and passes it to `then`, on another thread if it takes long,
/// with the time it waited for a thread. Back-ends are given up at `until`.
pub(crate) fn answer(
    node: &Arc<Node>,
    question: &Question,
    asking: Asking,
    until: Instant,
    then: impl FnOnce(Answer, Duration) + Send + 'static,
) {
    match question {
        Question::BackEnd(ask) => {
            let then = |heard| then(Answer::BackEnd(Box::new(heard)), Duration::ZERO);
            node.back_ends()
                .answer(node, ask.as_ref().clone(), asking, until, then);
        }
        Question::Free(_) | Question::Serial { .. } => look_up(node, question.clone(), then),
        _ => node.passwords().answer(question, then),
    }
}

/// Threads that look something up in the store for requests, and look-ups that may wait for one.
const LOOK_UPS: Size = (4, 4096);

/// The bounded pool of threads that read the store for requests: nobody else waits for its disk or network.
#[derive(Debug)]
pub(crate) struct LookUps(PasswordPool);

impl LookUps {
    pub(crate) fn new() -> std::io::Result<Self> {
        PasswordPool::named("look-up", LOOK_UPS.0, LOOK_UPS.1).map(Self)
    }
}

fn look_up(
    node: &Arc<Node>,
    question: Question,
    then: impl FnOnce(Answer, Duration) + Send + 'static,
) {
    let own = Arc::clone(node);
    let job = move || {
        let found = match &question {
            Question::Free(wanted) => own.store().free(wanted),
            Question::Serial { domain, serial } => own.store().with_serial(*domain, serial),
            _ => return Answer::NotOffered,
        };
        match found {
            Ok(found) => Answer::Authenticator(found.map(Arc::new)),
            Err(error) => Answer::Failed(crate::logon::failed(&own, &error)),
        }
    };
    work(&node.look_ups().0, Instant::now(), job, then);
}

/// How long an answer may take in a request that has `whole` in all: what is left is for the commit of what came of it,
/// -103 where nothing did.
pub(crate) fn patience(whole: Duration) -> Duration {
    whole - whole / 5
}

/// When a back-end is given up for a request that waits until then: a little earlier, so that the answer is -10 and names
/// the server.
pub(crate) fn given_up(until: Instant) -> Instant {
    let left = until.saturating_duration_since(Instant::now());
    until.checked_sub(left / 20).unwrap_or(until)
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
            Question::BackEnd(_)
            | Question::Free(_)
            | Question::Serial { .. }
            | Question::Deliver
            | Question::Push => then(Answer::NotOffered, Duration::ZERO),
        }
    }

    fn work(
        &self,
        asked: Instant,
        job: impl FnOnce() -> Answer + Send + 'static,
        then: impl FnOnce(Answer, Duration) + Send + 'static,
    ) {
        work(&self.pool.load().1, asked, job, then);
    }
}

fn work(
    pool: &PasswordPool,
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
    if pool.submit(job, call).is_err()
        && let Some(then) = take(&slot)
    {
        then(Answer::Busy, Duration::ZERO);
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
