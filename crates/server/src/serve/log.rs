use countersign_engine::levels;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// The running log, whose level can change: by the configuration, read again on SIGHUP, and over it by the setting
/// `log.level` of the store.
#[derive(Clone)]
pub(crate) struct Log {
    handle: Handle<Targets, Registry>,
    said: Arc<Mutex<Said>>,
}

/// The levels as they were given.
#[derive(Clone, Debug, Default)]
struct Said {
    configuration: String,
    setting: String,
}

/// Starts logging to standard error.
pub(crate) fn start(level: &str, format: &str) -> Log {
    let said = Said {
        configuration: level.to_owned(),
        setting: String::new(),
    };
    let (filter, handle) = reload::Layer::new(targets(&said));
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
    Log {
        handle,
        said: Arc::new(Mutex::new(said)),
    }
}

impl Log {
    /// Takes over the level of the configuration.
    pub(crate) fn set_level(&self, level: &str) {
        self.change(|said| level.clone_into(&mut said.configuration));
    }

    /// Takes over the setting `log.level`; empty: the configuration counts.
    pub(crate) fn set_setting(&self, levels: &str) {
        self.change(|said| levels.clone_into(&mut said.setting));
    }

    fn change(&self, change: impl FnOnce(&mut Said)) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut said);
        if let Err(error) = self.handle.reload(targets(&said)) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

/// Our own events at the level, those of libraries only when they matter. A module named is heard at its own level.
fn targets(said: &Said) -> Targets {
    let levels = levels::read(&said.setting).unwrap_or_default();
    let level = |word: &str| word.parse().unwrap_or(LevelFilter::INFO);
    let general: LevelFilter = level(levels.general.unwrap_or(&said.configuration));
    let base = Targets::new()
        .with_target("countersign", general)
        .with_default(general.min(LevelFilter::from_level(Level::WARN)));
    // the program itself has the name of no crate of ours
    let target = |module: &str| match module {
        "server" => "countersign::".to_owned(),
        module => format!("countersign_{module}"),
    };
    levels.modules.iter().fold(base, |targets, (module, word)| {
        targets.with_target(target(module), level(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(configuration: &str, setting: &str, target: &str, level: Level) -> bool {
        let said = Said {
            configuration: configuration.to_owned(),
            setting: setting.to_owned(),
        };
        targets(&said).would_enable(target, &level)
    }

    #[test]
    fn the_setting_stands_over_the_configuration() {
        let store = "countersign_store::writer";
        assert!(heard("info", "", store, Level::INFO) && !heard("info", "", store, Level::DEBUG));
        assert!(heard("info", "debug", store, Level::DEBUG));
        assert!(!heard("debug", "error", store, Level::WARN));
    }

    #[test]
    fn a_module_has_a_level_of_its_own() {
        let (store, web, server) = (
            "countersign_store",
            "countersign_web::api",
            "countersign::serve",
        );
        let setting = "warn,store=debug,server=trace";
        assert!(heard("info", setting, store, Level::DEBUG));
        assert!(
            !heard("info", setting, web, Level::INFO) && heard("info", setting, web, Level::WARN)
        );
        assert!(heard("info", setting, server, Level::TRACE));
        assert!(heard("info", "store=error", web, Level::INFO));
        assert!(!heard("info", "store=error", store, Level::WARN));
        assert!(
            !heard("trace", "", "hyper", Level::INFO),
            "libraries stay quiet"
        );
    }
}
