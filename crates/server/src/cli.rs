//! The command line: which commands there are, and how each ends.

pub(crate) mod admin;
mod audit;
mod backup;
mod completion;
mod config;
mod explain;
mod import;
mod job;
mod key;
mod node;
mod place;
mod status;
mod store;

pub(crate) use place::Place;

use crate::{demo, serve};
use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Refused: the server (or the check) said no, and the reason is printed.
pub(crate) const REFUSED: u8 = 1;
/// It could not be done at all: no connection, unreadable files.
pub(crate) const FAILED: u8 = 2;

#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    about = "Strong-authentication server: one-time passwords over RADIUS and JSON",
    after_help = "Examples:\n  countersign demo                 a server with sample users, for a first look\n  countersign serve                a server in ./countersign-data\n  countersign status 1008          what a status code means and what to do next\n\nExit codes: 0 done, 1 refused, 2 not possible (no connection, unreadable file)."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Admin(admin::Args),
    Import(import::Args),
    Audit(audit::Args),
    Backup(backup::Args),
    Store(store::Args),
    Status(status::Args),
    Explain(explain::Args),
    Key(key::Args),
    Node(node::Args),
    Config(config::Args),
    Completion(completion::Args),
}

/// Reads the command line and carries it out.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("countersign: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

impl Command {
    fn run(self) -> Result<ExitCode> {
        match self {
            Self::Serve(args) => serve::run(&args),
            Self::Demo(args) => demo::run(&args),
            Self::Admin(args) => admin::run(&args),
            Self::Import(args) => import::run(&args),
            Self::Audit(args) => audit::run(&args),
            Self::Backup(args) => backup::run(&args),
            Self::Store(args) => store::run(&args),
            Self::Status(args) => Ok(status::run(&args)),
            Self::Explain(args) => explain::run(&args),
            Self::Key(args) => key::run(&args),
            Self::Node(args) => node::run(&args),
            Self::Config(args) => config::run(&args),
            Self::Completion(args) => Ok(completion::run(&args)),
        }
    }
}
