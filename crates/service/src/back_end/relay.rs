//! Accounting-Requests passed on to RADIUS servers (radius.md 7): to the first that takes them, of the user's domain, or of
//! every domain where a NAS tells that it has started or stops.

use super::health::Server;
use super::servers::{limits, note};
use super::{BackEnds, Connectors, open};
use crate::node::Node;
use countersign_engine::model::{BackEnd, DomainKey, Protocol};
use countersign_engine::snapshot::Snapshot;
use countersign_radius::Packet;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// An Accounting-Request to be passed on.
#[derive(Debug)]
pub(crate) struct Relay {
    /// The packet; its authenticity was checked.
    pub(crate) packet: Box<[u8]>,
    /// The user ID without its domain part, for the realm rule; `None` = the name goes as it came.
    pub(crate) user: Option<String>,
    /// Whose servers take it; `None` = those of every domain.
    pub(crate) domain: Option<DomainKey>,
}

/// Whether some server takes accounting of this domain, or of any.
pub(crate) fn is_relayed(snapshot: &Snapshot, domain: Option<DomainKey>) -> bool {
    snapshot
        .back_ends
        .records()
        .iter()
        .any(|record| takes(record) && domain.is_none_or(|domain| serves(record, domain)))
}

fn takes(record: &BackEnd) -> bool {
    match &record.protocol {
        Protocol::Radius(own) => record.enabled && own.accounting_address.is_some(),
        _ => false,
    }
}

fn serves(record: &BackEnd, domain: DomainKey) -> bool {
    record.domain.is_none_or(|own| own == domain)
}

impl BackEnds {
    /// Passes an Accounting-Request on, and tells `then` before `until` whether all who should have it took it.
    pub(crate) fn relay(
        &self,
        node: &Arc<Node>,
        relay: Relay,
        until: Instant,
        then: impl FnOnce(bool) + Send + 'static,
    ) {
        let (connectors, node) = (self.connectors.clone(), node.clone());
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        match &*runtime {
            Some(runtime) => {
                runtime.spawn(async move { then(connectors.relay(&node, &relay, until).await) });
            }
            None => {
                drop(runtime);
                then(false);
            }
        }
    }
}

impl Connectors {
    async fn relay(&self, node: &Node, relay: &Relay, until: Instant) -> bool {
        for servers in receivers(&node.snapshot(), relay) {
            if !self.one_takes(node, relay, servers, until).await {
                return false;
            }
        }
        true
    }

    /// Whether one of these servers took it; those that rest are asked last.
    async fn one_takes(
        &self,
        node: &Node,
        relay: &Relay,
        servers: Vec<Arc<BackEnd>>,
        until: Instant,
    ) -> bool {
        let (limits, now) = (limits(&node.snapshot()), Instant::now());
        let known = servers.into_iter().map(|record| {
            let server = self.accounting.of(&record, limits);
            (record, server)
        });
        let (first, last): (Vec<_>, Vec<_>) =
            known.partition(|(_, server)| !server.is_skipped(now));
        for (record, server) in first.iter().chain(&last) {
            if self.takes(node, relay, record, server, until).await {
                return true;
            }
        }
        false
    }

    async fn takes(
        &self,
        node: &Node,
        relay: &Relay,
        record: &Arc<BackEnd>,
        server: &Server,
        until: Instant,
    ) -> bool {
        let Ok(Some(_place)) = timeout_at(until.into(), server.place()).await else {
            return false;
        };
        let began = Instant::now();
        server.takes_turn(began);
        let taken = self.account_at(node, relay, record, until).await;
        let (now, took) = (Instant::now(), began.elapsed());
        let (turned, why) = match &taken {
            Ok(()) => (server.answered(took), String::new()),
            Err(why) => (
                server.failed(now, Node::now(), why),
                format!("accounting: {why}"),
            ),
        };
        let answer = if taken.is_ok() { "accounted" } else { "failed" };
        node.metrics().back_end(&record.name, answer, took);
        note(node, record, turned, &why);
        taken.is_ok()
    }

    async fn account_at(
        &self,
        node: &Node,
        relay: &Relay,
        record: &Arc<BackEnd>,
        until: Instant,
    ) -> Result<(), String> {
        let Protocol::Radius(own) = &record.protocol else {
            return Err("it is no RADIUS server".to_owned());
        };
        let packet = Packet::read(&relay.packet).map_err(|error| format!("failed to {error}"))?;
        let master = node.snapshot().domains.master().map(|master| master.key);
        let domain = relay.domain.or(record.domain).or(master);
        let mut target = open(node, record.clone(), domain.unwrap_or_default())?;
        let whole = Duration::from_secs(record.timeout_s.into()) * (u32::from(record.retries) + 1);
        target.until = until.min(Instant::now() + whole);
        self.radius
            .account(&target, own, relay.user.as_deref(), &packet)
            .await
    }
}

/// The servers of each domain that must have it; of each, one is enough.
fn receivers(snapshot: &Snapshot, relay: &Relay) -> Vec<Vec<Arc<BackEnd>>> {
    if let Some(domain) = relay.domain {
        let servers = snapshot.back_ends.servers("radius", domain);
        return vec![servers.into_iter().filter(|one| takes(one)).collect()];
    }
    let mut all: Vec<(Option<DomainKey>, Vec<Arc<BackEnd>>)> = Vec::new();
    let everywhere = snapshot.back_ends.everywhere("radius");
    for record in everywhere.into_iter().filter(|one| takes(one)) {
        match all.iter_mut().find(|(domain, _)| *domain == record.domain) {
            Some((_, servers)) => servers.push(record),
            None => all.push((record.domain, vec![record])),
        }
    }
    all.into_iter().map(|(_, servers)| servers).collect()
}

#[cfg(test)]
mod tests {
    use super::super::radius::tests::own;
    use super::super::servers::tests::record;
    use super::*;
    use countersign_engine::back_end::BackEnds;

    fn snapshot() -> Snapshot {
        let radius = |key, domain, priority, accounting: bool| {
            let mut fields = own();
            fields.accounting_address = accounting.then(|| "127.0.0.1".to_owned());
            BackEnd {
                protocol: Protocol::Radius(fields),
                ..record(key, domain, priority)
            }
        };
        let records = [
            radius(1, Some(7), 10, true),
            radius(2, Some(7), 20, true),
            radius(3, Some(7), 30, false),
            radius(4, Some(8), 10, true),
            radius(5, None, 10, true),
            record(6, Some(9), 10),
        ];
        Snapshot {
            back_ends: BackEnds::new(records, Vec::new()),
            ..Snapshot::default()
        }
    }

    fn keys(domain: Option<i64>) -> Vec<Vec<i64>> {
        let relay = Relay {
            packet: Box::default(),
            user: None,
            domain: domain.map(DomainKey),
        };
        let found = receivers(&snapshot(), &relay);
        let keys = |servers: &Vec<Arc<BackEnd>>| servers.iter().map(|one| one.key.0).collect();
        found.iter().map(keys).collect()
    }

    #[test]
    fn a_session_is_told_to_the_domain_of_its_user_and_a_restart_to_all() {
        assert_eq!(keys(Some(7)), [vec![2, 1, 5]]);
        assert_eq!(keys(Some(9)), [vec![5]]);
        assert_eq!(keys(None), [vec![2, 1], vec![4], vec![5]]);
    }

    #[test]
    fn what_nobody_takes_is_not_relayed() {
        assert!(is_relayed(&snapshot(), Some(DomainKey(9))));
        let mut less = snapshot();
        let kept = less.back_ends.records().iter().filter(|one| one.key.0 != 5);
        let kept: Vec<_> = kept.map(|one| one.as_ref().clone()).collect();
        less.back_ends = BackEnds::new(kept, Vec::new());
        assert!(!is_relayed(&less, Some(DomainKey(9))));
        assert!(is_relayed(&less, None));
        assert!(!is_relayed(&Snapshot::default(), None));
    }
}
