//! The policy of the server component: password rules and the grace of assignments by hand (policy.md 3).

use super::Refusal;
use crate::policy::Effective;
use crate::snapshot::Snapshot;
use std::sync::Arc;

/// The effective view of the policy of the server component.
///
/// # Errors
/// 1030.
pub(super) fn server_policy(snapshot: &Snapshot) -> Result<Arc<Effective>, Refusal> {
    let policy = snapshot.policies.effective(snapshot.server_policy());
    policy.map_err(|invalid| Refusal::new(invalid.status(), invalid.to_string()))
}
