//! Measures durable RADIUS logons of nodes on PostgreSQL, and in the same run what PostgreSQL and a peer can do.

mod long;
mod nodes;
mod postgres;
mod raw;
mod report;

use anyhow::{Context, Result};
use clap::Parser;
use countersign_bench_kit::commit::{self, round};
use countersign_bench_kit::fill;
use countersign_bench_kit::peer::{FreeRadius, POST_AUTH, Sql};
use countersign_bench_kit::process::Folder;
use countersign_bench_kit::shape::{Shape, Target};
use nodes::Nodes;
use postgres::Postgres;
use report::{Row, Section};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures durable RADIUS logons of nodes on PostgreSQL, and in the same run what PostgreSQL and a peer can do
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Folder of the programs countersign and radload
    #[arg(long)]
    programs: PathBuf,
    /// Folder for data, where filled stores are found again; a temporary one that goes away if left out
    #[arg(long)]
    work: Option<PathBuf>,
    /// Few accounts and short runs, once each
    #[arg(long)]
    quick: bool,
    /// Only with this number of authenticators, two thirds as many users
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
    /// Only one node
    #[arg(long)]
    one: bool,
    /// No references
    #[arg(long)]
    alone: bool,
    /// Long jobs beside logons instead: import, audit export, key rotation; of so many authenticators
    #[arg(long, value_name = "COUNT")]
    long: Option<usize>,
    /// Logons a second beside long jobs
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// More settings for PostgreSQL, NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Where the figures go as JSON
    #[arg(long, default_value = "bench-cluster.json")]
    json: PathBuf,
}

/// Numbers of authenticators measured, and with `--quick`.
const COUNTS: [usize; 2] = [12_000, 1_200_000];
const QUICK: [usize; 1] = [1_200];
/// Users of FreeRADIUS, each of whom can log on once in 30 seconds.
const PEER_USERS: usize = 200_000;
const PEER: &str = "freeradius";

fn main() -> Result<()> {
    let mut options = Options::parse();
    if options.quick {
        (options.rounds, options.seconds) = (1, 2);
    }
    let folder = Folder::new(options.work.as_deref(), "bench-cluster")?;
    let Some(server) = Postgres::start(&folder, &options.set)? else {
        eprintln!("no figures: PostgreSQL is not installed (apt-get install postgresql)");
        return Ok(());
    };
    let shape = shape(&options);
    let figures = match options.long {
        Some(count) => long::measure(&options, &folder, &shape, &server, count)?,
        None => logons(&options, &folder, &shape, &server)?,
    };
    let all =
        json!({"sockets": options.sockets, "in_flight": options.in_flight, "figures": figures});
    std::fs::write(&options.json, format!("{all:#}\n"))
        .with_context(|| format!("write {}", options.json.display()))
}

fn shape(options: &Options) -> Shape {
    Shape {
        radload: options.programs.join("radload"),
        rounds: options.rounds.max(1),
        seconds: options.seconds.max(1),
        sockets: options.sockets,
        in_flight: options.in_flight,
    }
}

fn logons(options: &Options, folder: &Folder, shape: &Shape, server: &Postgres) -> Result<Value> {
    let peer = if options.alone {
        None
    } else {
        peer(folder, shape, server).unwrap_or_else(|error| {
            eprintln!("no figures for FreeRADIUS: {error:#}");
            None
        })
    };
    let counts: &[usize] = if options.quick { &QUICK } else { &COUNTS };
    let only = options.only.as_slice();
    let counts = if only.is_empty() { counts } else { only };
    let mut sections = Vec::new();
    for count in counts {
        let section = measure(options, folder, shape, server, *count, peer.as_ref())
            .with_context(|| format!("measure {count} authenticators"))?;
        sections.push(section);
    }
    sections.iter().for_each(Section::print);
    Ok(sections.iter().map(Section::json).collect())
}

fn peer(folder: &Folder, shape: &Shape, server: &Postgres) -> Result<Option<FreeRadius>> {
    if !server.has(PEER)? {
        server.create(PEER)?;
        server.run(PEER, POST_AUTH)?;
    }
    let sql = Sql {
        port: server.port(),
        database: PEER.to_owned(),
    };
    FreeRadius::start(folder, shape, PEER_USERS, Some(&sql))
}

/// All rows for one number of authenticators. The saturating runs take turns, so that a bad minute of the host hits all.
fn measure(
    options: &Options,
    folder: &Folder,
    shape: &Shape,
    server: &Postgres,
    count: usize,
    peer: Option<&FreeRadius>,
) -> Result<Section> {
    let users = count * 2 / 3;
    let database = format!("logons_{count}");
    let nodes = Nodes::make(
        options,
        folder,
        server,
        &database,
        if options.one { 1 } else { 2 },
    )?;
    let list = folder.path(&format!("users-{count}.csv"));
    let mut section = Section::new(count, users);
    if !list.exists() {
        let made = shape.users_of(folder, "making", count, users, "hotp")?;
        let start = Instant::now();
        fill::fill(nodes.first()?, &made, None)?;
        section
            .once
            .insert("fill_s".to_owned(), start.elapsed().as_secs().into());
        std::fs::rename(made, &list)?;
    }
    server.run(&database, "VACUUM ANALYZE")?;
    for turn in 0..shape.rounds {
        eprintln!(
            "{count} authenticators, round {} of {}",
            turn + 1,
            shape.rounds
        );
        if let Some(peer) = peer {
            server.run("postgres", "CHECKPOINT")?;
            let mut row = peer.load_beside(shape, None, &[server.pid()])?;
            name_postgres(&mut row);
            section.runs.add(Row::Peer, row);
        }
        loaded(
            options,
            folder,
            shape,
            server,
            &nodes,
            &list,
            turn,
            &mut section,
        )?;
        if !options.alone {
            let mut row = raw::run(server, &database, shape.in_flight(), shape.seconds)?;
            name_postgres(&mut row);
            section.runs.add(Row::Raw, row);
            server.run("postgres", "CHECKPOINT")?;
            let store = nodes.first()?.store()?;
            let mut accounts = commit::sample(&store, &list)?;
            let pid = Some(server.pid());
            let mut row =
                commit::run(&store, &mut accounts, shape.in_flight(), shape.seconds, pid)?;
            name_postgres(&mut row);
            section.runs.add(Row::Store, row);
            store.close();
        }
    }
    Ok(section)
}

/// The rows of the nodes themselves.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one measurement, used once"
)]
fn loaded(
    options: &Options,
    folder: &Folder,
    shape: &Shape,
    server: &Postgres,
    nodes: &Nodes,
    list: &Path,
    turn: usize,
    section: &mut Section,
) -> Result<()> {
    let numbers = [(1, Row::One, Row::OneHalf), (2, Row::Two, Row::TwoHalf)];
    for (number, full, half) in numbers {
        if number > nodes.len() {
            continue;
        }
        let running = nodes.serve(folder, number)?;
        let pids = running.pids(server.pid());
        let target = running.target(&pids);
        shape.warm(&target, list, section.authenticators)?;
        server.run("postgres", "CHECKPOINT")?;
        let mut row = shape.load(&target, list, None)?;
        let rate = row.get("per_second").and_then(Value::as_f64).unwrap_or(0.0);
        name_postgres(&mut row);
        section.runs.add(full, row);
        if turn == 0 || !options.quick {
            let mut row = shape.load(&target, list, Some((rate / 2.0) as u32))?;
            name_postgres(&mut row);
            section.runs.add(half, row);
        }
        if number > 1 {
            let target = Target {
                roam: true,
                ..running.target(&pids)
            };
            let mut row = shape.load(&target, list, None)?;
            name_postgres(&mut row);
            section.runs.add(Row::TwoRoaming, row);
        }
        running.stop()?;
    }
    Ok(())
}

/// The last process measured is PostgreSQL, those before it are nodes: their figures under names of their own.
fn name_postgres(row: &mut Value) {
    let processes = row.get("processes").and_then(Value::as_array);
    let Some((server, nodes)) = processes.and_then(|all| all.split_last()) else {
        return;
    };
    let figures = |name: &str| {
        let name = name.to_owned();
        nodes
            .iter()
            .filter_map(move |node| node.get(&name)?.as_f64())
    };
    let nodes = json!({
        "cpu_us_per_request": round(figures("cpu_us_per_request").sum()),
        "rss_mib": figures("rss_mib").reduce(f64::max),
    });
    let server = server.clone();
    if let Some(row) = row.as_object_mut() {
        row.insert("postgres".to_owned(), server);
        row.insert("nodes".to_owned(), nodes);
    }
}
