//! Answers to what only the shell can find out: slow work on bounded pools, never on the path of an OTP.

use countersign_engine::Secret;
use countersign_engine::decision::{Answer, Question};
use countersign_keyring::{PasswordParams, PasswordPool, password};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a password check may wait and work before the request ends with -103.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// The bounded pool of threads that hash static passwords (Argon2id).
#[derive(Debug)]
pub(crate) struct Passwords {
    pool: PasswordPool,
}

impl Passwords {
    pub(crate) fn new(threads: usize, queue: usize) -> std::io::Result<Self> {
        Ok(Self { pool: PasswordPool::new(threads, queue)? })
    }

    /// Finds the answer to `question` and passes it to `then`, on another thread if it takes long.
    pub(crate) fn answer(&self, question: &Question, then: impl FnOnce(Answer) + Send + 'static) {
        match question.clone() {
            Question::Verify { verifier, candidate } => self.work(move || Answer::Is(verify(&candidate, &verifier)), then),
            Question::Hash { password } => self.work(move || hash(&password), then),
            Question::BackEnd { .. } | Question::Groups | Question::Deliver | Question::Push | Question::SelfAssign => then(Answer::NotOffered),
        }
    }

    fn work(&self, job: impl FnOnce() -> Answer + Send + 'static, then: impl FnOnce(Answer) + Send + 'static) {
        // A pool that is full drops what it was given, so the continuation is kept where both ends reach it.
        let slot = Arc::new(Mutex::new(Some(then)));
        let later = slot.clone();
        let call = move |answer| {
            if let Some(then) = take(&later) {
                then(answer);
            }
        };
        if self.pool.submit(job, call).is_err()
            && let Some(then) = take(&slot)
        {
            then(Answer::Busy);
        }
    }
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn verify(candidate: &Secret, verifier: &Secret) -> bool {
    let Ok(phc) = std::str::from_utf8(verifier.expose()) else { return false };
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
