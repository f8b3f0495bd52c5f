//! `countersign store`: the store as a whole.

use super::Place;
use super::job::Job;
use crate::print;
use crate::serve::{Lock, store_options};
use anyhow::{Context, Result};
use clap::Subcommand;
use countersign_store::StoreUrl;
use countersign_store::transfer::Transfer;
use std::path::Path;
use std::process::ExitCode;

/// Move the store to another place
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  countersign store move --from sqlite:/var/lib/countersign/countersign.db --to postgres://countersign@db.example.com/countersign"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Move(Move),
}

/// Move the store, such as from a file to PostgreSQL, and prove that every row arrived
#[derive(Debug, clap::Args)]
#[command(
    after_help = "All servers must be stopped. A move that was interrupted goes on when the same command is given again; until it has ended, no server starts on either place. Afterwards the old place is as it was, but no server starts on it any more.\n\nExamples:\n  countersign store move --from sqlite:/var/lib/countersign/countersign.db --to postgres://countersign@db.example.com/countersign\n  countersign store move --from postgres://countersign@db.example.com/countersign --to sqlite:/var/lib/countersign/new.db"
)]
struct Move {
    /// Where the store lies
    #[arg(long, value_name = "URL")]
    from: String,
    /// Where it is to lie: an empty database, or a file that is not there
    #[arg(long, value_name = "URL")]
    to: String,
    /// Give up a move that was interrupted: the store serves from its old place again
    #[arg(long)]
    abort: bool,
    /// Data directory of the server
    #[arg(long, value_name = "DIR")]
    data_dir: Option<std::path::PathBuf>,
    /// Configuration file of the server
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<std::path::PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Verb::Move(args) = &args.command;
    crate::serve::keep_private();
    let place = Place {
        config: args.config.clone(),
        data_dir: args.data_dir.clone(),
        store: Some(args.from.clone()),
    };
    let config = place.load()?;
    let options = store_options(&config)?;
    let to = StoreUrl::parse(&args.to, Path::new(""))?;
    let _lock = config
        .data_dir()
        .is_dir()
        .then(|| Lock::take(config.data_dir()))
        .transpose()?;
    let transfer = Transfer {
        from: &options,
        to: &to,
    };
    if args.abort {
        transfer.abort().context("give the move up")?;
        print::line(
            "The move is given up; the store serves from its old place. Empty the new one before another try.",
        );
        return Ok(ExitCode::SUCCESS);
    }
    let job = Job::begin("move")?;
    let done = transfer
        .run(&mut |progress| job.at(progress.done, progress.all))
        .with_context(|| format!("move the store to {to}"))?;
    job.finish();
    print::line(&format!(
        "{} rows of {} tables are in {to}, each compared with the old one. Start the servers with --store and that place, or set `store`.",
        done.rows, done.tables
    ));
    Ok(ExitCode::SUCCESS)
}
