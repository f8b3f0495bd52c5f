//! The policy of the server component: password rules and the grace of assignments by hand (policy.md 3).

use super::Refusal;
use super::table::SERVER;
use crate::policy::Effective;
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// The id of the policy of the server component; the shipped policy `server` where there is no such component.
pub(super) fn server_policy_id(snapshot: &Snapshot) -> &str {
    let component = snapshot.components.all().iter().find(|component| component.kind == SERVER && component.enabled);
    component.map_or("server", |component| component.policy.as_str())
}

/// Its effective view.
///
/// # Errors
/// 1030.
pub(super) fn server_policy(snapshot: &Snapshot) -> Result<Arc<Effective>, Refusal> {
    let policy = snapshot.policies.effective(server_policy_id(snapshot));
    policy.map_err(|invalid| Refusal::new(invalid.status(), invalid.to_string()))
}
