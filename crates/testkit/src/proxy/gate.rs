//! What happens to traffic, and waiting for it to change.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a proxy does with traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Everything passes.
    #[default]
    Pass,
    /// Everything passes so much later.
    Delay(Duration),
    /// Connections are taken and nothing passes, as when the network is cut: what is under way passes afterwards.
    Freeze,
    /// What the client sends passes, what the server answers does not.
    CutAnswers,
    /// What the client sends does not pass, what the server answers does.
    CutRequests,
    /// Nobody listens.
    Refuse,
    /// The proxy is gone.
    Ended,
}

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToServer,
    ToClient,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    mode: Mutex<Mode>,
    changed: Condvar,
}

impl Gate {
    pub(super) fn mode(&self) -> Mode {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
        self.changed.notify_all();
    }

    pub(super) fn wait_while(&self, waits: impl Fn(Mode) -> bool) {
        let held = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.changed
                .wait_while(held, |mode| waits(*mode))
                .unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Waits until data that came at a moment may pass.
    pub(super) fn pass(&self, way: Way, came: Instant) {
        let mut held = self.mode.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = match *held {
                Mode::Freeze => None,
                Mode::CutAnswers if way == Way::ToClient => None,
                Mode::CutRequests if way == Way::ToServer => None,
                Mode::Delay(by) => match (came + by).checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => return,
                },
                _ => return,
            };
            held = match left {
                None => self
                    .changed
                    .wait(held)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(left) => {
                    self.changed
                        .wait_timeout(held, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}
