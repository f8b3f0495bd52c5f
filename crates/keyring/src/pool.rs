//! A bounded pool of threads for password hashing, so that a storm of passwords costs nobody else a logon: when its queue is full,
//! new work is refused at once (status -104).

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use countersign_oath::Secret;
use thiserror::Error;

use crate::password::{self, PasswordError, PasswordParams};

/// The pool does not take the work; the reply is dropped uncalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// The queue is full (status -104).
    #[error("hash a password: the pool is busy")]
    Busy,
    /// The pool is shut down, or the work died.
    #[error("hash a password: the pool is closed")]
    Closed,
}

type Work = Box<dyn FnOnce() + Send>;

struct Queue {
    waiting: VecDeque<Work>,
    /// Threads that are at work.
    busy: usize,
    open: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Work that may be accepted at once: one piece for each thread and what may wait.
    bound: usize,
}

impl Shared {
    /// Work runs outside the lock, so a panic cannot leave the queue half changed.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Option<Work> {
        let mut queue = self.lock();
        loop {
            if let Some(work) = queue.waiting.pop_front() {
                queue.busy += 1;
                return Some(work);
            }
            if !queue.open {
                return None;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The pool; dropping it finishes the accepted work and ends its threads.
pub struct PasswordPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl PasswordPool {
    /// Starts that many threads (at least one) before a queue of that length (0: nothing waits, work is taken only by a free thread).
    pub fn new(threads: usize, queue: usize) -> io::Result<Self> {
        Self::named("password", threads, queue)
    }

    /// The same for other slow work, under another name of its threads.
    pub fn named(name: &str, threads: usize, queue: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let bound = threads.saturating_add(queue);
        let queue = Mutex::new(Queue {
            waiting: VecDeque::new(),
            busy: 0,
            open: true,
        });
        let shared = Shared {
            queue,
            changed: Condvar::new(),
            bound,
        };
        let mut pool = Self {
            shared: Arc::new(shared),
            threads: Vec::with_capacity(threads),
        };
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let name = format!("{name}-{number}");
            pool.threads.push(
                thread::Builder::new()
                    .name(name)
                    .spawn(move || work(&shared))?,
            );
        }
        Ok(pool)
    }

    /// Does `work` on a thread of the pool and hands what it gave to `reply` there; refused at once when the queue is full. Work that
    /// panics drops its reply uncalled.
    pub fn submit<T: 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        reply: impl FnOnce(T) + Send + 'static,
    ) -> Result<(), Refused> {
        let mut queue = self.shared.lock();
        if !queue.open {
            return Err(Refused::Closed);
        }
        if queue.waiting.len() + queue.busy >= self.shared.bound {
            return Err(Refused::Busy);
        }
        queue.waiting.push_back(Box::new(move || reply(work())));
        drop(queue);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Does `work` on a thread of the pool and waits for it; not to be called from async code.
    pub fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (sender, receiver) = sync_channel(1);
        self.submit(work, move |value| {
            // Nobody waits only if the caller's thread died.
            let _ = sender.send(value);
        })?;
        receiver.recv().map_err(|_| Refused::Closed)
    }

    /// [`password::verify`] on the pool.
    pub fn verify(
        &self,
        password: Secret,
        verifier: String,
        reply: impl FnOnce(Result<bool, PasswordError>) + Send + 'static,
    ) -> Result<(), Refused> {
        self.submit(
            move || password::verify(password.expose(), &verifier),
            reply,
        )
    }

    /// [`password::hash`] on the pool.
    pub fn hash(
        &self,
        password: Secret,
        params: PasswordParams,
        reply: impl FnOnce(Result<String, PasswordError>) + Send + 'static,
    ) -> Result<(), Refused> {
        self.submit(move || password::hash(password.expose(), params), reply)
    }

    /// Work that waits for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    /// Threads that are at work.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.shared.lock().busy
    }

    /// Takes no more work; what was accepted is still done.
    pub fn close(&self) {
        self.shared.lock().open = false;
        self.shared.changed.notify_all();
    }
}

impl Drop for PasswordPool {
    fn drop(&mut self) {
        self.close();
        let own = thread::current().id();
        // A reply may hold the last handle of the pool: a thread cannot wait for itself.
        for thread in self
            .threads
            .drain(..)
            .filter(|thread| thread.thread().id() != own)
        {
            // Work is caught when it panics, so there is nothing to learn here.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for PasswordPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PasswordPool({} threads, {} at once)",
            self.threads.len(),
            self.shared.bound
        )
    }
}

fn work(shared: &Shared) {
    while let Some(work) = shared.next() {
        // One broken piece of work must not cost the pool a thread; its reply is dropped, which its caller sees.
        let _ = catch_unwind(AssertUnwindSafe(work));
        shared.lock().busy -= 1;
    }
}

#[cfg(test)]
mod tests;
