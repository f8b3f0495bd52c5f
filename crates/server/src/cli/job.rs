//! A long job on a terminal: progress, and an end by Ctrl-C that leaves nothing half done.

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A job under way.
pub(crate) struct Job {
    bar: ProgressBar,
    ended: Arc<AtomicBool>,
}

impl Job {
    /// Begins a job; from now on INT and TERM end it and not the program.
    pub(crate) fn begin(name: &'static str) -> Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        listen(Arc::clone(&ended))?;
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} rows {eta}") {
            bar.set_style(style);
        }
        bar.set_message(name);
        Ok(Self { bar, ended })
    }

    /// The next part of the job.
    pub(crate) fn part(&self, name: &'static str) {
        self.bar.set_message(name);
        self.bar.set_position(0);
    }

    /// Tells how far it is; false when it is to end.
    pub(crate) fn at(&self, done: u64, all: u64) -> bool {
        self.bar.set_length(all);
        self.bar.set_position(done);
        !self.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.finish();
    }
}

fn listen(ended: Arc<AtomicBool>) -> Result<()> {
    let signals = crate::serve::Signals::new()?;
    let waiter = std::thread::Builder::new().name("signals".to_owned());
    waiter
        .spawn(move || {
            signals.wait(|| {});
            ended.store(true, Ordering::Relaxed);
        })
        .map(drop)
        .context("listen to signals")
}
