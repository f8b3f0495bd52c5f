//! Components known by host name: their addresses, looked up again and again.

use countersign_engine::model::Location;
use countersign_service::Node;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const LOOK_UP_EVERY: Duration = Duration::from_secs(30);
/// A new name is looked up soon.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);

/// Keeps the addresses of host names current until the node stops.
pub(super) async fn follow(node: Arc<Node>) {
    let mut known: HashMap<String, Vec<IpAddr>> = HashMap::new();
    let mut age = LOOK_UP_EVERY;
    while node.is_accepting() {
        let names = names(&node);
        let new = names.iter().any(|name| !known.contains_key(name));
        if new || (age >= LOOK_UP_EVERY && !names.is_empty()) {
            let found = look_up(names, &known).await;
            if found != known
                && let Err(error) = node.store().set_hosts(found.clone())
            {
                tracing::warn!(%error, "addresses of components could not be taken over");
            } else {
                known = found;
            }
            age = Duration::ZERO;
        }
        sleep(LOOK_EVERY).await;
        age += LOOK_EVERY;
    }
}

fn names(node: &Node) -> BTreeSet<String> {
    let snapshot = node.snapshot();
    let host = |location: &Location| match location {
        Location::Host(name) => Some(name.clone()),
        _ => None,
    };
    snapshot
        .components
        .all()
        .iter()
        .filter(|one| one.enabled && one.kind != "server")
        .filter_map(|one| host(&one.location))
        .collect()
}

/// A name that cannot be looked up keeps the addresses it had: a name server that fails must lock nobody out.
async fn look_up(
    names: BTreeSet<String>,
    known: &HashMap<String, Vec<IpAddr>>,
) -> HashMap<String, Vec<IpAddr>> {
    let mut found = HashMap::new();
    for name in names {
        let addresses =
            match timeout(LOOK_UP_WITHIN, tokio::net::lookup_host((name.as_str(), 0))).await {
                Ok(Ok(addresses)) => addresses
                    .map(|address| address.ip().to_canonical())
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect(),
                _ => known.get(&name).cloned().unwrap_or_default(),
            };
        found.insert(name, addresses);
    }
    found
}
