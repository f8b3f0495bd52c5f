//! Measures OTP logons whose stored password is sent to a back-end, and in the same run the back-end alone.

mod directory;
mod logon;
mod measure;
mod radius;

use anyhow::{Context, Result};
use clap::Parser;
use countersign_testkit::world::merge;
use countersign_testkit::{Certificate, FreeRadius, Slapd, World, freeradius, slapd};
use measure::{Client, Figures, Load, Making};
use serde_json::{Value, json};
use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures OTP logons whose stored password is sent to a back-end, and in the same run the back-end alone
#[derive(Debug, Parser)]
struct Options {
    /// The program countersign
    #[arg(long)]
    program: PathBuf,
    /// Few users and short runs, once each
    #[arg(long)]
    quick: bool,
    /// Times that every run is repeated, in turn; the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measured seconds of a run
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Logons in flight
    #[arg(long, default_value_t = 64)]
    in_flight: usize,
    /// Users for each logon in flight
    #[arg(long, default_value_t = 4)]
    users: usize,
    /// Where the figures go as JSON
    #[arg(long, default_value = "bench-backend.json")]
    json: PathBuf,
}

fn main() -> Result<()> {
    let mut options = Options::parse();
    if options.quick {
        (options.rounds, options.seconds, options.users) = (1, 2, 1);
    }
    let load = Load {
        rounds: options.rounds.max(1),
        seconds: options.seconds.max(1),
        in_flight: options.in_flight.max(1),
    };
    let users: Vec<String> = (0..load.in_flight * options.users.max(1))
        .map(|number| format!("bench-{number}"))
        .collect();
    let mut figures = Vec::new();
    figures.extend(with_slapd(&options, &load, &users).context("measure slapd")?);
    figures.extend(with_freeradius(&options, &load, &users).context("measure FreeRADIUS")?);
    for one in &figures {
        one.print();
    }
    let all: Vec<Value> = figures.iter().map(Figures::json).collect();
    let all = json!({"in_flight": load.in_flight, "seconds": load.seconds, "figures": all});
    std::fs::write(&options.json, format!("{all:#}\n"))
        .with_context(|| format!("write {}", options.json.display()))
}

fn with_slapd(options: &Options, load: &Load, users: &[String]) -> Result<Option<Figures>> {
    let entries: String = users
        .iter()
        .map(|user| slapd::user_entry(user, ""))
        .collect();
    let Some(server) = Slapd::with(Certificate::Good, &entries) else {
        return Ok(None);
    };
    let record = json!({
        "protocol": "ldap", "address": "127.0.0.1", "port": server.tls_port(), "base_dn": slapd::BASE,
        "bind_dn": slapd::SERVICE, "bind_password": slapd::SERVICE_PASSWORD, "ca": server.ca(),
    });
    let mut world = furnished(options, &record, users, slapd::PASSWORD);
    let mut bare = |users: &[String]| -> Result<Box<dyn Client>> {
        let client = directory::Directory::connect(server.tls_port(), server.ca(), users)?;
        Ok(Box::new(client))
    };
    measured("slapd", &mut world, load, users, &mut bare).map(Some)
}

fn with_freeradius(options: &Options, load: &Load, users: &[String]) -> Result<Option<Figures>> {
    let Some(mut server) = FreeRadius::quick() else {
        return Ok(None);
    };
    server.kill();
    let known: Vec<(&str, &str)> = users
        .iter()
        .map(|user| (user.as_str(), freeradius::PASSWORD))
        .collect();
    server.write_users(&known);
    server.up();
    let record = json!({
        "protocol": "radius", "address": "127.0.0.1", "port": server.auth_port(),
        "shared_secret": freeradius::SECRET,
    });
    let mut world = furnished(options, &record, users, freeradius::PASSWORD);
    let address = format!("127.0.0.1:{}", server.auth_port());
    let mut bare = |users: &[String]| -> Result<Box<dyn Client>> {
        let client = radius::Passwords::new(&address, freeradius::SECRET, users);
        Ok(Box::new(client))
    };
    measured("FreeRADIUS", &mut world, load, users, &mut bare).map(Some)
}

/// A server with these users, each with an authenticator and the password that the back-end knows.
fn furnished(options: &Options, record: &Value, users: &[String], password: &str) -> World {
    let mut world = World::new(&options.program.display().to_string());
    let mut fields = json!({"name": "back-end", "timeout_s": 5, "retries": 0});
    merge(&mut fields, record);
    world.done("backend/create", fields);
    world.policy(
        "local_only",
        json!({
            "back_end_auth": "always", "back_end_protocol": record["protocol"], "stored_password_proxy": "yes",
            "user_lock_threshold": 0, "initial_window_proof": "no",
        }),
    );
    for user in users {
        world.user(user, Some(password)); // the policy asks for a copy of it by now
        world.hotp(user);
    }
    world
}

fn measured(
    name: &'static str,
    world: &mut World,
    load: &Load,
    users: &[String],
    bare: Making<'_>,
) -> Result<Figures> {
    let (address, secret) = (world.ready("radius_auth"), world.radius_secret());
    let mut logons = logon::Logons::new(&address, &secret, users);
    let mut figures = Figures::new(name);
    for round in 1..=load.rounds {
        eprintln!("{name}, round {round} of {}", load.rounds);
        figures.bare.add(load, bare, users)?;
        figures
            .ours
            .add(load, &mut |part| logons.clients(part), users)?;
    }
    Ok(figures)
}
