//! Measures durable RADIUS logons of a release server, and in the same run what the machine and a peer can do.

mod log;
mod report;

use anyhow::{Context, Result};
use clap::Parser;
use countersign_bench_kit::peer::FreeRadius;
use countersign_bench_kit::process::Folder;
use countersign_bench_kit::server::DataDir;
use countersign_bench_kit::shape::Shape;
use countersign_bench_kit::{commit, fill};
use report::{Report, Row};
use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures durable RADIUS logons of a release server, and in the same run what the machine and a peer can do
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Folder of the programs countersign, radload and limits
    #[arg(long)]
    programs: PathBuf,
    /// Folder for data; a temporary one that goes away if left out
    #[arg(long)]
    work: Option<PathBuf>,
    /// Short runs, once each
    #[arg(long)]
    quick: bool,
    /// Only with this number of authenticators
    #[arg(long, value_name = "COUNT")]
    only: Option<usize>,
    /// Times that every saturating run is repeated, in turn; the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measured seconds of a run
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Sockets of the load
    #[arg(long, default_value_t = 2)]
    sockets: usize,
    /// Requests in flight on each socket
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
    /// Accounts the server keeps in memory (setting cache.accounts); as by default if left out
    #[arg(long, value_name = "COUNT")]
    cache: Option<usize>,
    /// Where the figures go as JSON
    #[arg(long, default_value = "bench-radius.json")]
    json: PathBuf,
    /// Only fill a data directory with the users of a list, for other measurements: DATA_DIR LIST
    #[arg(long, num_args = 2, value_names = ["DATA_DIR", "LIST"])]
    fill: Option<Vec<PathBuf>>,
}

/// Numbers of authenticators measured.
const COUNTS: [usize; 2] = [10_000, 1_000_000];
/// Users of FreeRADIUS.
const PEER_USERS: usize = 400_000;
/// The fixed rate, requests a second.
const RATE: u32 = 1_000;

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some([data, list]) = options.fill.as_deref() {
        return DataDir::new(&options.programs, data)
            .and_then(|data| fill::fill(&data, list, options.cache));
    }
    let folder = Folder::new(options.work.as_deref(), "bench-radius")?;
    let shape = shape(&options);
    let peer = FreeRadius::start(&folder, &shape, PEER_USERS, None).unwrap_or_else(|error| {
        eprintln!("no figures for FreeRADIUS: {error:#}");
        None
    });
    let mut report = Report::default();
    for count in COUNTS
        .into_iter()
        .filter(|count| options.only.is_none_or(|only| only == *count))
    {
        measure(&options, &folder, &shape, count, peer.as_ref(), &mut report)
            .with_context(|| format!("measure {count} authenticators"))?;
    }
    report.print();
    std::fs::write(&options.json, report.json(&options))
        .with_context(|| format!("write {}", options.json.display()))
}

fn shape(options: &Options) -> Shape {
    let (rounds, seconds) = if options.quick {
        (1, 2)
    } else {
        (options.rounds.max(1), options.seconds.max(1))
    };
    Shape {
        radload: options.programs.join("radload"),
        rounds,
        seconds,
        sockets: options.sockets,
        in_flight: options.in_flight,
    }
}

/// All rows for one number of authenticators. The saturating runs take turns, so that a bad minute of the host hits all.
fn measure(
    options: &Options,
    folder: &Folder,
    shape: &Shape,
    count: usize,
    peer: Option<&FreeRadius>,
    report: &mut Report,
) -> Result<()> {
    let users = shape.users(folder, "users", count, "hotp")?;
    let data = DataDir::new(&options.programs, &folder.path(&format!("data-{count}")))?;
    fill::fill(&data, &users, options.cache)?;
    let section = report.section(count);
    for round in 0..shape.rounds {
        eprintln!(
            "{count} authenticators, round {} of {}",
            round + 1,
            shape.rounds
        );
        section.add(Row::Sink, shape.sink(folder)?);
        if let Some(peer) = peer {
            section.add(Row::Peer, peer.load(shape, None)?);
        }
        let server = data.serve(folder)?;
        shape.warm(&server.target(), &users, count)?;
        section.add(Row::Server, shape.load(&server.target(), &users, None)?);
        if round == 0 {
            let row = shape.load(&server.target(), &users, Some(RATE))?;
            section.add(Row::ServerAtRate, row);
            let held = log::hold(data.path())?;
            let row = shape.load(&server.target(), &users, None)?;
            section.add(Row::NoCheckpoint, row);
            drop(held);
        }
        server.stop()?;
        let store = data.store()?;
        let mut accounts = commit::sample(&store, &users)?;
        section.add(
            Row::Group,
            commit::run(
                &store,
                &mut accounts,
                shape.in_flight(),
                shape.seconds,
                None,
            )?,
        );
        section.add(
            Row::Single,
            commit::run(&store, &mut accounts, 1, shape.seconds, None)?,
        );
        store.close();
    }
    if let Some(peer) = peer {
        section.add(Row::PeerAtRate, peer.load(shape, Some(RATE))?);
    }
    Ok(())
}
