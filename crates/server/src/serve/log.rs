use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// The running log, whose level can change.
pub(crate) struct Log {
    handle: Handle<Targets, Registry>,
}

/// Starts logging to standard error.
pub(crate) fn start(level: &str, format: &str) -> Log {
    let (filter, handle) = reload::Layer::new(targets(level));
    let lines: Box<dyn Layer<_> + Send + Sync> = match format {
        "json" => Box::new(
            fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(std::io::stderr),
        ),
        _ => Box::new(
            fmt::layer()
                .with_target(false)
                .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
                .with_writer(std::io::stderr),
        ),
    };
    // a second server in one process (tests, demo) goes on with the log there is
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
    Log { handle }
}

impl Log {
    /// Changes the level.
    pub(crate) fn set_level(&self, level: &str) {
        if let Err(error) = self.handle.reload(targets(level)) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

/// Our own events at the level, those of libraries only when they matter.
fn targets(level: &str) -> Targets {
    let level: LevelFilter = level.parse().unwrap_or(LevelFilter::INFO);
    Targets::new()
        .with_target("countersign", level)
        .with_default(level.min(LevelFilter::from_level(Level::WARN)))
}
