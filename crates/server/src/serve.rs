//! `countersign serve`: from a configuration to a running server and back.

mod bind;
mod certificate;
pub(crate) mod files;
mod first_run;
mod hosts;
mod lock;
pub(crate) mod log;
mod log_level;
#[cfg(feature = "otlp")]
mod otlp;
mod reminders;
pub(crate) mod root;
mod run;
mod signals;

pub(crate) use lock::Lock;
pub(crate) use run::{Running, start, store_options};
pub(crate) use signals::Signals;

use crate::config::{Config, Overrides};
use anyhow::Result;
use std::path::PathBuf;
use std::process::ExitCode;

/// Run a server
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without any configuration everything lies in ./countersign-data, which the first start fills: database, keys, certificate, a first administrator and a RADIUS client at 127.0.0.1. Their passwords stand in first-run.json there until you delete it.\n\nSignals: TERM and INT stop gracefully, HUP reads certificate and log level again.\n\nExamples:\n  countersign serve\n  countersign serve --config /etc/countersign.toml\n  countersign serve --data-dir /var/lib/countersign --http 127.0.0.1:8888 --radius 0.0.0.0:1812"
)]
pub(crate) struct Args {
    #[command(flatten)]
    overrides: Overrides,
    /// File that tells where the server listens (JSON), written once it serves
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Serves until a signal says stop.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    keep_private();
    let config = Config::load(&args.overrides)?;
    let log = log::start(config.text("log.level"), config.text("log.format"));
    let ended = serve(args, &config, &log);
    if let Err(error) = &ended {
        // the log is what an operator reads; standard error may go nowhere
        tracing::error!(code = "E-001003", "the server does not run: {error:#}");
        return Ok(ExitCode::from(1));
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(args: &Args, config: &Config, log: &log::Log) -> Result<()> {
    let signals = Signals::new()?;
    let running = start(config)?;
    running.follow_next_root(&args.overrides);
    if let Some(first) = running.first_run() {
        first_run::announce(first, config.data_dir());
    }
    if let Some(path) = &args.ready_file {
        running.ready().write(path)?;
    }
    running.follow_log_level(log);
    #[cfg(feature = "otlp")]
    running.export_timings(config)?;
    notify(&[sd_notify::NotifyState::Ready]);
    signals.wait(|| running.reload(&args.overrides, log));
    notify(&[sd_notify::NotifyState::Stopping]);
    running.stop();
    if let Some(path) = &args.ready_file {
        let _ = std::fs::remove_file(path); // gone already is as good
    }
    Ok(())
}

/// Secrets in memory must not land in a file when the program dies, and no file is for other accounts.
pub(crate) fn keep_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        eprintln!("countersign: core dumps could not be switched off: {error}");
    }
}

/// Tells systemd; without it nothing happens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
