//! The setting `log.level`, followed while the server runs.

use super::log::Log;
use countersign_service::Node;
use std::sync::Arc;
use std::time::Duration;

/// A change is in force on each node within a second of its commit.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Sets the log to what the setting says until `stop`.
pub(super) async fn follow(node: Arc<Node>, log: Log, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let mut known = String::new();
    loop {
        let snapshot = node.snapshot();
        let wanted = snapshot.settings.text("log.level");
        if wanted != known {
            wanted.clone_into(&mut known);
            log.set_setting(wanted);
            tracing::info!(level = wanted, "the setting log.level is in force");
        }
        drop(snapshot);
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = &mut stop => return,
        }
    }
}
