//! RADIUS: from datagrams to attempts, and from decisions to signed answers (radius.md).

mod accounting;
mod answer;
mod front;
mod rate;
mod request;

pub use front::{Datagram, Front, Port};

use crate::node::Node;
use countersign_engine::Secret;
use countersign_engine::facts::{Place, Vault};
use countersign_engine::model::{Component, Scenario};
use countersign_radius::duplicate::DuplicateCache;
use countersign_store::RingVault;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Sources (address and port) remembered per shard of the duplicate cache.
const SOURCES_PER_SHARD: usize = 4096;
const SHARDS: usize = 16;

/// What all front threads share: the duplicate cache and the rate limits.
#[derive(Debug)]
pub(crate) struct Shared {
    duplicates: [Mutex<DuplicateCache>; SHARDS],
    rates: Mutex<rate::Rates>,
    warned: Mutex<std::collections::HashMap<std::net::IpAddr, Instant>>,
    started: Instant,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            duplicates: std::array::from_fn(|_| Mutex::new(DuplicateCache::new(SOURCES_PER_SHARD))),
            rates: Mutex::default(),
            warned: Mutex::default(),
            started: Instant::now(),
        }
    }
}

impl Shared {
    fn duplicates(&self, source: SocketAddr) -> Option<MutexGuard<'_, DuplicateCache>> {
        let shard = self.duplicates.get(usize::from(source.port()) % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Frees what the duplicate cache holds of sources that have been silent.
    pub(crate) fn sweep(&self) {
        self.sweep_at(self.clock());
    }

    fn sweep_at(&self, now: u64) {
        for shard in &self.duplicates {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.sweep(now);
        }
    }

    /// Monotonic microseconds.
    fn clock(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether something of this source that needs no credentials is to be audited: at most once a minute.
    pub(crate) fn may_warn(&self, source: std::net::IpAddr) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Instant| at.elapsed().as_secs() < 60;
        if warned.get(&source).is_some_and(recent) {
            return false;
        }
        if warned.len() >= SOURCES_PER_SHARD {
            warned.retain(|_, at| recent(at));
        }
        if warned.len() < SOURCES_PER_SHARD {
            warned.insert(source, Instant::now());
            return true;
        }
        false
    }
}

/// The plain shared secret of a component; `None` if it has none or it does not open.
pub(crate) fn open_shared_secret(ring: &RingVault, component: &Component) -> Option<Secret> {
    let place = Place {
        table: "component",
        id: component.key.0,
        field: "shared_secret",
        version: component.meta.record_version,
    };
    match ring.open(place, component.shared_secret.as_ref()?) {
        Ok(secret) => Some(secret),
        Err(_) => {
            tracing::error!(
                component = component.key.0,
                "the shared secret of a component does not open; its packets are dropped (E-112001)"
            );
            None
        }
    }
}

/// Whether a node may take a request now.
fn takes_requests(node: &Node) -> bool {
    node.gate().takes(Scenario::Radius)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_radius::duplicate::VALID_FOR;

    #[test]
    fn silent_sources_are_forgotten() {
        let shared = Shared::default();
        let count = || {
            let held = |shard: &Mutex<DuplicateCache>| shard.lock().unwrap().sources();
            shared.duplicates.iter().map(held).sum::<usize>()
        };
        for port in 1..=40 {
            let source = SocketAddr::from(([192, 0, 2, 1], port));
            let mut duplicates = shared.duplicates(source).unwrap();
            duplicates.check(source, 1, &[7; 16], 0);
        }
        shared.sweep_at(VALID_FOR - 1);
        assert_eq!(count(), 40);
        shared.sweep_at(VALID_FOR);
        assert_eq!(count(), 0);
    }
}
