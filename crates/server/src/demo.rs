//! `countersign demo`: a server with sample users, and lines to try it with.

mod answer;
mod check;
mod home;
mod lines;
mod phone;
mod samples;

use crate::cli::{FAILED, Place, REFUSED};
use crate::client::{Client, Connection};
use crate::config::{Config, Overrides};
use crate::print;
use crate::serve::{self, Running, Signals, files, log};
use anyhow::{Context, Result};
use home::Home;
use lines::Line;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::ExitCode;

/// Ports of the demo, taken where they are free.
const HTTP: u16 = 8888;
const RADIUS: u16 = 1812;

/// Run a server with sample users, and print lines to try it with
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The server listens on loopback only and its data goes when it ends, unless --data-dir keeps it.\n\nExamples:\n  countersign demo\n  countersign demo --check          tries every line itself"
)]
pub(crate) struct Args {
    /// New or empty directory for the data; default: a temporary one
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Run every printed line and report, instead of waiting
    #[arg(long)]
    check: bool,
    /// Act as dave's device in the demo that runs on --data-dir: print the response to a challenge
    #[arg(long, value_name = "CHALLENGE", requires = "data_dir")]
    answer: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if let (Some(challenge), Some(folder)) = (&args.answer, &args.data_dir) {
        print::line(&answer::respond(folder, challenge)?);
        return Ok(ExitCode::SUCCESS);
    }
    serve::keep_private();
    let home = Home::new(args.data_dir.as_deref())?;
    let _log = log::start("error", "text");
    let signals = Signals::new()?;
    let running = serve::start(&config(&home)?)?;
    let furnished = furnish(&home, &running);
    let code = match furnished {
        Ok(lines) if args.check => check::all(&lines),
        Ok(_) => {
            print::line("Press Ctrl-C to end the demo.");
            signals.wait(|| {});
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("countersign: {error:#}");
            ExitCode::from(FAILED)
        }
    };
    running.stop();
    Ok(code)
}

/// Loopback only; the usual ports where they are free.
fn config(home: &Home) -> Result<Config> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let free = |port| TcpListener::bind(local(port)).is_ok();
    let http = if free(HTTP) && free(HTTP + 1) {
        HTTP
    } else {
        0
    };
    let radius =
        if UdpSocket::bind(local(RADIUS)).is_ok() && UdpSocket::bind(local(RADIUS + 1)).is_ok() {
            RADIUS
        } else {
            0
        };
    let overrides = Overrides {
        data_dir: Some(home.path().to_owned()),
        http: Some(local(http)),
        radius: Some(local(radius)),
        ..Overrides::default()
    };
    Config::load(&overrides)
}

/// Makes the sample users through the API and prints what can be done with them.
fn furnish(home: &Home, running: &Running) -> Result<Vec<Line>> {
    let samples = samples::Samples::new()?;
    let file = home.path().join(samples::FILE);
    files::write_bytes(&file, samples.pskc()?.as_bytes())?;
    let connection = Connection {
        place: Place {
            data_dir: Some(home.path().to_owned()),
            ..Place::default()
        },
        ..Connection::default()
    };
    let phone = crate::cli::admin::block_on(async {
        let mut client = Client::new(&connection.endpoint()?)?;
        client
            .log_on(&connection.login()?)
            .await?
            .expect_success("log on as the first administrator")?;
        samples.import(&mut client, &file).await?;
        let phone = phone::enrol(&mut client).await?;
        client.log_off().await;
        Ok(phone)
    })
    .context("make the sample users")?;
    let first = running
        .first_run()
        .context("read what the first start made up")?;
    let lines = lines::all(&samples, running.ready(), &first.radius.secret, home.path())?;
    print::out(&lines::page(&lines, first, running.ready(), home.path()));
    print::out(&phone.page()?);
    Ok(lines)
}

/// The exit code of a check.
fn code(passed: bool) -> ExitCode {
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    }
}
