use crate::model::{Component, Location};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The client components, indexed for the look-up of authentication.md 2.
#[derive(Debug, Default)]
pub struct Components {
    all: Vec<Arc<Component>>,
    by_address: HashMap<(String, IpAddr), Vec<Arc<Component>>>,
    ranges: Vec<(IpAddr, u8, Arc<Component>)>, // longest prefix first
    defaults: Vec<Arc<Component>>,
}

/// The component of a RADIUS request: the record chosen by source address, whose secret counts, and the record
/// that a NAS-Identifier or NAS-IP-Address narrowed the choice to (the same if none did).
#[derive(Clone, Debug)]
pub struct RadiusClient {
    /// The record chosen by source address; its shared secret is the one used.
    pub by_source: Arc<Component>,
    /// The record whose policy and options count.
    pub narrowed: Arc<Component>,
}

/// Component type of RADIUS clients.
pub const RADIUS_CLIENT: &str = "radius_client";
/// Type of the components whose requests come from somebody's machine.
pub const LOGON_AGENT: &str = "logon_agent";

impl Components {
    /// Indexes `all`; disabled records count as absent. `hosts` holds the addresses of host-name locations as the
    /// shell resolved them.
    pub fn new(all: Vec<Component>, hosts: &HashMap<String, Vec<IpAddr>>) -> Self {
        let mut index = Self {
            all: all.into_iter().map(Arc::new).collect(),
            ..Self::default()
        };
        for component in index.all.iter().filter(|component| component.enabled) {
            match &component.location {
                Location::Network { address, prefix } if *prefix == full(*address) => {
                    index
                        .by_address
                        .entry((component.kind.clone(), *address))
                        .or_default()
                        .push(component.clone());
                }
                Location::Network { address, prefix } => {
                    index.ranges.push((*address, *prefix, component.clone()));
                }
                Location::Host(name) => {
                    for address in hosts.get(name).into_iter().flatten() {
                        index
                            .by_address
                            .entry((component.kind.clone(), *address))
                            .or_default()
                            .push(component.clone());
                    }
                }
                Location::Default => index.defaults.push(component.clone()),
            }
        }
        index
            .ranges
            .sort_by_key(|(_, prefix, _)| std::cmp::Reverse(*prefix));
        index
    }

    /// All records, disabled ones too.
    pub fn all(&self) -> &[Arc<Component>] {
        &self.all
    }

    /// The admitted JSON component of a type and source. `default` locations serve log-on agents only.
    pub fn admitted<'a>(&'a self, kind: &'a str, source: IpAddr) -> Option<&'a Arc<Component>> {
        let plain = |component: &&Arc<Component>| component.nas_id.is_empty();
        self.matching(kind, source.to_canonical())
            .find(plain)
            .or_else(|| {
                let defaults = self
                    .defaults
                    .iter()
                    .filter(|component| kind == LOGON_AGENT && component.kind == kind);
                defaults.into_iter().find(plain)
            })
    }

    /// The RADIUS client of a packet: by source address, longest prefix, then narrowed by NAS-Identifier, then by
    /// NAS-IP-Address, to a record of that `nas_id` whose location holds the same source.
    pub fn radius(
        &self,
        source: IpAddr,
        nas_identifier: Option<&str>,
        nas_ip: Option<IpAddr>,
    ) -> Option<RadiusClient> {
        let source = source.to_canonical();
        let candidates = || {
            self.matching(RADIUS_CLIENT, source)
                .chain(self.defaults.iter().filter(|c| c.kind == RADIUS_CLIENT))
        };
        let by_source = candidates().find(|component| component.nas_id.is_empty())?;
        let with_id = |id: &str| {
            candidates().find(|component| !component.nas_id.is_empty() && component.nas_id == id)
        };
        let narrowed = nas_identifier
            .and_then(with_id)
            .or_else(|| nas_ip.and_then(|ip| with_id(&ip.to_string())));
        Some(RadiusClient {
            by_source: by_source.clone(),
            narrowed: narrowed.unwrap_or(by_source).clone(),
        })
    }

    fn matching<'a>(
        &'a self,
        kind: &'a str,
        source: IpAddr,
    ) -> impl Iterator<Item = &'a Arc<Component>> {
        let exact = self
            .by_address
            .get(&(kind.to_owned(), source))
            .into_iter()
            .flatten();
        let ranges = self
            .ranges
            .iter()
            .filter(move |(network, prefix, c)| c.kind == kind && holds(*network, *prefix, source));
        exact.chain(ranges.map(|(.., component)| component))
    }
}

fn full(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether a network holds an address of the same family.
pub(crate) fn holds(network: IpAddr, prefix: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            prefix == 0
                || (network.to_bits() ^ address.to_bits())
                    .checked_shr(32_u32.saturating_sub(prefix.into()))
                    .unwrap_or(0)
                    == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            prefix == 0
                || (network.to_bits() ^ address.to_bits())
                    .checked_shr(128_u32.saturating_sub(prefix.into()))
                    .unwrap_or(0)
                    == 0
        }
        _ => false,
    }
}
