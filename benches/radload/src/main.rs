//! radload: measures RADIUS servers that check one-time passwords, on loopback only.

mod load;
mod measure;
mod otp;
mod packet;
mod pool;
mod sink;
mod users;
mod worker;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use users::Kind;

#[derive(Parser)]
#[command(
    version,
    about = "Load generator for RADIUS servers that check one-time passwords (loopback only)"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send Access-Requests, each with a fresh one-time password, and print what came of them as JSON
    Run(load::Load),
    /// Write a deterministic user list
    Gen {
        #[arg(long)]
        count: usize,
        /// Users among whom the authenticators are dealt out; one each if left out
        #[arg(long)]
        users: Option<usize>,
        #[arg(long = "type", value_enum, default_value = "hotp")]
        kind: Kind,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        out: PathBuf,
    },
    /// Answer every well-signed request with Access-Accept, to find the generator's own limit
    Sink {
        #[arg(long, default_value = "127.0.0.1:1812")]
        listen: SocketAddr,
        #[arg(long, default_value = "testing123")]
        secret: String,
        /// Seconds to run
        #[arg(long, default_value_t = 60)]
        duration: u64,
    },
}

fn only_loopback(ip: IpAddr) -> Result<()> {
    ensure!(
        ip.is_loopback(),
        "{ip} is not a loopback address: load goes to this machine only"
    );
    Ok(())
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Run(load) => load.run(),
        Command::Gen {
            count,
            users,
            kind,
            seed,
            out,
        } => users::save(
            &out,
            users::generate(count, users.unwrap_or(count).max(1), kind, seed).iter(),
        ),
        Command::Sink {
            listen,
            secret,
            duration,
        } => sink::run(listen, secret.as_bytes(), duration),
    }
}
