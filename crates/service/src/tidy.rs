//! What is removed when its time is over: traces of decisions, sessions that fell idle, and the answers kept for
//! retransmissions.

use crate::node::Node;
use countersign_engine::admin::Write;
use countersign_engine::decision::Change;
use countersign_store::Work;
use std::sync::Arc;

const DAY_S: i64 = 86_400;
/// Segments of traces removed in one transaction.
const STEP: u32 = 500;

impl Node {
    /// Removes what is over; to be called now and then. What fails is tried again at the next call.
    pub fn tidy(self: &Arc<Self>) {
        self.radius().sweep();
        crate::admin::follow_root(self);
        crate::admin::follow_rotation(self);
        crate::admin::migrate::follow(self);
        if let Err(error) = self.erase_traces().and_then(|()| self.end_dead_sessions()) {
            tracing::warn!(%error, "old traces and sessions are not removed yet");
        }
    }

    fn erase_traces(&self) -> Result<(), countersign_store::StoreError> {
        let days = self.snapshot().settings.number("trace.keep_days");
        let before = Self::now().plus_seconds(-days.saturating_mul(DAY_S));
        while self.is_accepting() && self.store().erase_traces(before, STEP)? > 0 {}
        Ok(())
    }

    fn end_dead_sessions(&self) -> Result<(), countersign_store::StoreError> {
        let dead = crate::session::dead(self)?;
        if dead.is_empty() {
            return Ok(());
        }
        let changes = dead
            .into_iter()
            .map(|key| Change::Write(Write::RemoveSession(key)))
            .collect();
        self.store().commit(Work {
            token: 0,
            changes,
            records: Vec::new(),
            trace: Vec::new(),
        });
        Ok(())
    }
}
