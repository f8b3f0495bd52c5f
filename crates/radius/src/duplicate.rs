//! Recognising retransmissions (RFC 5080 section 2.2.2).

mod source;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use source::Source;

/// How long an entry answers for, microseconds.
pub const VALID_FOR: u64 = 30_000_000;

/// What is known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'c> {
    /// Not seen within 30 seconds: handle it. It is now in progress.
    New,
    /// Being handled: ignore it.
    InProgress,
    /// Answered: send these octets again.
    Answered(&'c [u8]),
}

/// Requests of the last 30 seconds and their answers, per source address and port.
///
/// Times are monotonic microseconds. A request counts as the same only if its authenticator is, so a new request takes
/// over the identifier of an old one. Ask after [`crate::admit`]: whoever forges a source could otherwise push the
/// entries of the real one out.
#[derive(Debug)]
pub struct DuplicateCache {
    sources: HashMap<SocketAddr, Source>,
    /// Sources by age. The time is that of queueing; a source used since then is queued again instead of evicted.
    ages: VecDeque<(SocketAddr, u64)>,
    max_sources: usize,
}

impl DuplicateCache {
    /// An empty cache for at most this many sources (at least one).
    #[must_use]
    pub fn new(max_sources: usize) -> Self {
        Self {
            sources: HashMap::new(),
            ages: VecDeque::new(),
            max_sources: max_sources.max(1),
        }
    }

    /// Says whether a request has been seen, and marks a new one as being in progress.
    pub fn check(
        &mut self,
        source: SocketAddr,
        identifier: u8,
        authenticator: &[u8; 16],
        now: u64,
    ) -> Seen<'_> {
        if !self.sources.contains_key(&source) {
            self.make_room();
            self.ages.push_back((source, now));
        }
        self.sources
            .entry(source)
            .or_default()
            .check(identifier, authenticator, now)
    }

    /// Keeps the answer to a request; without effect if the request has been forgotten or its identifier taken over.
    pub fn answered(
        &mut self,
        source: SocketAddr,
        identifier: u8,
        authenticator: &[u8; 16],
        reply: &[u8],
        now: u64,
    ) {
        if let Some(source) = self.sources.get_mut(&source) {
            source.answered(identifier, authenticator, reply, now);
        }
    }

    /// Forgets a request that will not be answered, so that its retransmission is handled anew.
    pub fn forget(&mut self, source: SocketAddr, identifier: u8, authenticator: &[u8; 16]) {
        if let Some(source) = self.sources.get_mut(&source) {
            source.forget(identifier, authenticator);
        }
    }

    /// Frees the sources that have been silent for 30 seconds; to be called now and then.
    pub fn sweep(&mut self, now: u64) {
        self.sources
            .retain(|_, source| now.saturating_sub(source.last_used()) < VALID_FOR);
        self.ages
            .retain(|(source, _)| self.sources.contains_key(source));
    }

    /// How many sources are remembered.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.sources.len()
    }

    fn make_room(&mut self) {
        while self.sources.len() >= self.max_sources {
            let Some((oldest, queued)) = self.ages.pop_front() else {
                return;
            };
            match self.sources.get(&oldest).map(Source::last_used) {
                Some(used) if used > queued => self.ages.push_back((oldest, used)),
                _ => drop(self.sources.remove(&oldest)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
