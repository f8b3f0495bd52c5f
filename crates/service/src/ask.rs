//! Answers to what only the shell can find out: slow work on bounded pools, never on the path of an OTP.

use countersign_engine::Secret;
use countersign_engine::decision::{Answer, Question};
use countersign_keyring::password::{self, Params};
use countersign_keyring::pool::PasswordPool;
use std::time::Duration;

/// How long a password check may wait and work before the request ends with -103.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// The bounded pool of threads that hash static passwords (Argon2id).
#[derive(Debug)]
pub(crate) struct Passwords {
    pool: PasswordPool,
}

impl Passwords {
    pub(crate) fn new(threads: usize, queue: usize) -> Self {
        Self { pool: PasswordPool::new(threads, queue) }
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
        // The job and its continuation are one closure; when the pool refuses, it gives the closure back unrun.
        let then = std::sync::Arc::new(std::sync::Mutex::new(Some(then)));
        let later = then.clone();
        let submitted = self.pool.submit(move || {
            let answer = job();
            if let Some(then) = take(&later) {
                then(answer);
            }
        });
        if submitted.is_err() && let Some(then) = take(&then) {
            then(Answer::Busy);
        }
    }
}

fn take<T>(slot: &std::sync::Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

fn verify(candidate: &Secret, verifier: &Secret) -> bool {
    std::str::from_utf8(verifier.expose()).is_ok_and(|phc| password::verify(candidate.expose(), phc))
}

fn hash(password: &Secret) -> Answer {
    match password::hash(password.expose(), &Params::default()) {
        Ok(phc) => Answer::Hashed(Secret::new(phc.into_bytes())),
        Err(_) => Answer::Busy,
    }
}
