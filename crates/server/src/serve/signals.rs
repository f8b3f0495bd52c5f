use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that a server listens to; caught from the moment it is made.
pub(crate) struct Signals {
    runtime: Runtime,
    stop: [Signal; 2],
    reload: Signal,
}

impl Signals {
    pub(crate) fn new() -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .context("listen to signals")?;
        let entered = runtime.enter();
        let catch = |kind| signal(kind).context("listen to signals");
        let (terminate, interrupt, reload) = (
            catch(SignalKind::terminate())?,
            catch(SignalKind::interrupt())?,
            catch(SignalKind::hangup())?,
        );
        drop(entered);
        Ok(Self {
            runtime,
            stop: [terminate, interrupt],
            reload,
        })
    }

    /// Waits for TERM or INT and calls `reload` at each HUP before.
    pub(crate) fn wait(self, mut reload: impl FnMut()) {
        let Self {
            runtime,
            stop: [mut terminate, mut interrupt],
            reload: mut hangup,
        } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => return,
                    _ = interrupt.recv() => return,
                    _ = hangup.recv() => reload(),
                }
            }
        });
    }
}
