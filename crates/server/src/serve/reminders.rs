//! What a start says about open ends.

use super::{files, root};
use countersign_engine::admin::view;
use countersign_engine::audit::{Code, Record};
use countersign_engine::model::Component;
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
    note(store, &open);
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

/// Audits the clients without Message-Authenticator.
fn note(store: &Store, open: &[&Component]) {
    let record = |component: &&Component| {
        let mut record = Record::new(
            Code::UNAUTHENTICATED_COMPONENT,
            random::random::<16>().ok()?,
            system_time(),
        );
        record.target = Some(format!("{RADIUS_CLIENT} {}", name(component)).into());
        Some(record)
    };
    let records: Vec<Record> = open.iter().filter_map(record).collect();
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
