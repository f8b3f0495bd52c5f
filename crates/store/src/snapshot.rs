//! Reading the configuration as one value.

use crate::StoreError;
use crate::rows::{RowError, back_end, component, organisation, policy, setting, sync};
use crate::sql::{Row, Tx};
use countersign_engine::back_end::BackEnds;
use countersign_engine::model::Location;
use countersign_engine::policy::PolicySet;
use countersign_engine::snapshot::{Components, Domains, Snapshot};
use countersign_engine::text::fold;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Addresses of the host names that components are known by, as the shell resolved them.
pub type Hosts = HashMap<String, Vec<IpAddr>>;

/// Reads the configuration. A record of a newer format counts as absent (a policy: as invalid) and is logged.
///
/// Of the server components that of `node` counts, or the first.
pub(crate) fn read(tx: Tx<'_>, hosts: &Hosts, node: &str) -> Result<Snapshot, StoreError> {
    let stored = tx.all(policy::ALL, &[], policy::read)?;
    let policy_rows = stored
        .iter()
        .map(|stored| (fold(&stored.id), (stored.key, stored.meta)))
        .collect();
    let (policies, unreadable): (Vec<_>, Vec<_>) =
        stored.into_iter().partition(|stored| stored.policy.is_ok());
    let unreadable = unreadable
        .into_iter()
        .filter_map(|stored| Some((stored.id, stored.policy.err()?)));
    let components = readable(tx, component::ALL, component::read)?;
    let servers = || {
        components
            .iter()
            .filter(|component| component.kind == "server" && component.enabled)
    };
    let own = Location::Host(node.to_owned());
    let server = servers()
        .find(|component| component.location == own)
        .or_else(|| servers().next());
    Ok(Snapshot {
        server_policy: server.map_or_else(String::new, |component| component.policy.clone()),
        policy_rows,
        generation: setting::generation(tx)?,
        domains: Domains::new(readable(tx, organisation::DOMAINS, organisation::domain)?),
        units: readable(tx, organisation::UNITS, organisation::unit)?
            .into_iter()
            .map(|unit| (unit.key, unit))
            .collect(),
        policies: PolicySet::with_unreadable(
            policies.into_iter().filter_map(|stored| stored.policy.ok()),
            unreadable,
        ),
        components: Components::new(components, hosts),
        back_ends: BackEnds::new(
            readable(tx, back_end::ALL, back_end::read)?,
            readable(tx, back_end::GROUPS, back_end::group)?,
        ),
        sync_profiles: readable(tx, sync::ALL, sync::read)?
            .into_iter()
            .map(Arc::new)
            .collect(),
        types: readable(tx, organisation::TYPES, organisation::authenticator_type)?,
        settings: setting::read(tx)?,
    })
}

fn readable<T>(
    tx: Tx<'_>,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Result<T, RowError>,
) -> Result<Vec<T>, StoreError> {
    let all = tx.all(sql, &[], |row| match read(row) {
        Ok(record) => Ok(Some(record)),
        Err(RowError::Store(error)) => Err(error),
        Err(RowError::Unreadable(unreadable)) => {
            tracing::error!(
                code = "E-013004",
                "{} (1123); it counts as absent",
                unreadable.which
            );
            Ok(None)
        }
    })?;
    Ok(all.into_iter().flatten().collect())
}
