use super::{View, view, with_meta};
use crate::policy::{Policy, predefined};
use crate::snapshot::Snapshot;
use crate::text::fold;
use serde_json::Value as Json;

/// A policy with every attribute, `inherit` or null where it sets none, and whether it can be used.
pub fn policy(policy: &Policy, snapshot: &Snapshot) -> View {
    let invalid = snapshot.policies.effective(&policy.id).err();
    let mut fields = view(policy.to_full_json());
    fields.insert("valid".to_owned(), Json::from(invalid.is_none()));
    fields.insert(
        "invalid_reason".to_owned(),
        invalid.map_or(Json::Null, |reason| Json::from(reason.to_string())),
    );
    fields.insert(
        "predefined".to_owned(),
        Json::from(is_predefined(&policy.id)),
    );
    match snapshot.policy_rows.get(&fold(&policy.id)) {
        Some((_, meta)) => with_meta(fields, meta),
        None => fields,
    }
}

/// Whether a policy is shipped with the server.
pub(in crate::admin) fn is_predefined(id: &str) -> bool {
    predefined::all()
        .iter()
        .any(|shipped| fold(&shipped.id) == fold(id))
}
