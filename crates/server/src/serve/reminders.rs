//! What a start says about open ends.

use super::{files, root};
use countersign_engine::admin::view;
use countersign_engine::audit::{Code, Record};
use countersign_engine::model::{BackEnd, Component, Protocol};
use countersign_engine::snapshot::{RADIUS_CLIENT, Snapshot};
use countersign_keyring::random;
use countersign_store::{Outcome, Store, Work, system_time};
use std::path::Path;
use std::sync::Arc;

/// Logs everything that still wants attention.
pub(super) fn say(store: &Store, data_dir: &Path) {
    let first_run = data_dir.join(files::FIRST_RUN);
    if first_run.exists() {
        tracing::warn!(
            "{} holds the first password and RADIUS secret; delete it once you have noted them",
            first_run.display()
        );
    }
    let ring = store.keyring();
    if !ring.root_key().is_in_hsm() && !root::is_escrowed(data_dir, &ring.root().to_string()) {
        tracing::warn!(
            "the root key must be kept elsewhere too: without it nothing sealed opens again, in no backup either; run `countersign key escrow --out FILE`"
        );
    }
    let snapshot = store.snapshot();
    let clients: Vec<&Arc<Component>> = snapshot
        .components
        .all()
        .iter()
        .filter(|one| one.kind == RADIUS_CLIENT && one.enabled)
        .collect();
    let open: Vec<&Component> = clients
        .iter()
        .filter(|one| !one.require_message_authenticator)
        .map(|one| &***one)
        .collect();
    for component in &open {
        tracing::warn!(
            code = "W-111001",
            "RADIUS client {} need not send Message-Authenticator: answers to it can be forged (CVE-2024-3596)",
            name(component)
        );
    }
    let servers: Vec<&BackEnd> = snapshot
        .back_ends
        .records()
        .iter()
        .filter(|one| one.enabled && takes_unsigned(one))
        .map(|one| &**one)
        .collect();
    for server in &servers {
        tracing::warn!(
            code = "W-111001",
            "back-end {} need not send Message-Authenticator: its answers can be forged (CVE-2024-3596)",
            server.name
        );
    }
    let clients_named = open
        .iter()
        .map(|one| format!("{RADIUS_CLIENT} {}", name(one)));
    let servers_named = servers.iter().map(|one| format!("back-end {}", one.name));
    note(store, clients_named.chain(servers_named));
    for component in clients.iter().filter(|one| allows_hashes(&snapshot, one)) {
        tracing::warn!(
            "RADIUS client {} may use CHAP or MS-CHAP outside TLS (policy {}): whoever records an exchange can try all one-time passwords at leisure",
            name(component),
            component.policy
        );
    }
}

fn name(component: &Component) -> String {
    let location = view::location(&component.location);
    if component.nas_id.is_empty() {
        location
    } else {
        format!("{location}, NAS {}", component.nas_id)
    }
}

fn allows_hashes(snapshot: &Snapshot, component: &Component) -> bool {
    snapshot
        .policies
        .effective(&component.policy)
        .is_ok_and(|policy| policy.allows_hash_protocol())
}

fn takes_unsigned(server: &BackEnd) -> bool {
    matches!(&server.protocol, Protocol::Radius(own) if !own.require_message_authenticator)
}

/// Audits the clients and servers without Message-Authenticator.
fn note(store: &Store, targets: impl Iterator<Item = String>) {
    let record = |target: String| {
        let mut record = Record::new(
            Code::UNAUTHENTICATED_COMPONENT,
            random::random::<16>().ok()?,
            system_time(),
        );
        record.target = Some(target.into());
        Some(record)
    };
    let records: Vec<Record> = targets.filter_map(record).collect();
    if records.is_empty() {
        return;
    }
    if let Outcome::Failed(error) = store.commit(Work {
        token: 0,
        changes: Vec::new(),
        records,
        trace: Vec::new(),
    }) {
        tracing::error!("the start could not be audited: {error}");
    }
}
