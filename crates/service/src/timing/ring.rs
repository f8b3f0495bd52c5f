use super::Timing;
use countersign_engine::settings::Settings;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

type Sink = Box<dyn Fn(&Arc<Timing>) + Send + Sync>;

/// The timings a node keeps: the newest ones.
#[derive(Default)]
pub(crate) struct Timings {
    kept: Mutex<VecDeque<Arc<Timing>>>,
    sink: OnceLock<Sink>,
}

impl Timings {
    /// Keeps a timing if it took long enough, and forgets what is too old for the ring.
    pub(crate) fn keep(&self, settings: &Settings, timing: Option<Timing>) {
        let (Some(timing), Some(least)) = (timing, settings.timed_from_us) else {
            return;
        };
        if i64::try_from(timing.took.as_micros()).is_ok_and(|took| took < least) {
            return;
        }
        let timing = Arc::new(timing);
        if let Some(sink) = self.sink.get() {
            sink(&timing);
        }
        let most = usize::try_from(settings.number("timing.max_kept")).unwrap_or(1);
        let mut kept = self.lock();
        kept.push_back(timing);
        let surplus = kept.len().saturating_sub(most);
        kept.drain(..surplus);
    }

    /// The timings kept, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Timing>> {
        self.lock().iter().cloned().collect()
    }

    /// The newest timing of a request, by its name or by the id of its record.
    pub(crate) fn find(&self, request: &str) -> Option<Arc<Timing>> {
        let is = |timing: &&Arc<Timing>| {
            timing.request_id.as_deref() == Some(request)
                || crate::auth::id_text(&timing.id) == request
        };
        self.lock().iter().rev().find(is).cloned()
    }

    /// Lets somebody have each timing that is kept; must return at once. The first one stays.
    pub(crate) fn follow(&self, sink: Sink) {
        let _ = self.sink.set(sink);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Timing>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Timings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timings")
            .field("kept", &self.lock().len())
            .finish_non_exhaustive()
    }
}
