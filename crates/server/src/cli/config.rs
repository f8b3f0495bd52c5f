use super::REFUSED;
use crate::config::{Config, Overrides, reference};
use crate::print;
use anyhow::Result;
use clap::Subcommand;
use std::fmt::Write;
use std::process::ExitCode;

/// Check a configuration, or print the reference of all keys
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  countersign config check --config /etc/countersign.toml\n  countersign config reference > countersign.toml"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Read the configuration as `serve` would and print every value with its origin
    #[command(
        after_help = "Example:\n  countersign config check --config /etc/countersign.toml\n\nExit codes: 0 usable, 1 not."
    )]
    Check(Box<Overrides>),
    /// Print all keys with their meaning, values and defaults, as a file to start from
    #[command(after_help = "Example:\n  countersign config reference > countersign.toml")]
    Reference,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Verb::Check(overrides) => Ok(check(overrides)),
        Verb::Reference => {
            print::out(&reference());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(overrides: &Overrides) -> ExitCode {
    match Config::load(overrides) {
        Ok(config) => {
            print::out(&values(&config));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("countersign: {error:#}");
            ExitCode::from(REFUSED)
        }
    }
}

fn values(config: &Config) -> String {
    let mut out = String::new();
    for (key, value, origin) in config.origins() {
        let _ = writeln!(out, "{:<24} {value}  ({origin})", key.path()); // a String takes everything
    }
    out
}
