use super::REFUSED;
use crate::print;
use countersign_engine::Status;
use countersign_engine::status::{Interface, Packet};
use countersign_engine::text::closest;
use std::fmt::Write;
use std::process::ExitCode;

/// Explain a status code: meaning, what to do next, RADIUS packet, lock
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  countersign status 1008\n  countersign status -106\n  countersign status STAT_CHALLENGE_INVALID\n  countersign status               lists all codes"
)]
pub(crate) struct Args {
    /// Number or name; left out, all codes are listed
    #[arg(allow_negative_numbers = true)]
    code: Option<String>,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let Some(code) = &args.code else {
        print::out(&list());
        return ExitCode::SUCCESS;
    };
    let found = code
        .parse()
        .ok()
        .and_then(Status::from_number)
        .or_else(|| Status::from_name(code));
    let Some(status) = found else {
        eprintln!(
            "countersign: there is no status code {code}{}; `countersign status` lists all",
            hint(code)
        );
        return ExitCode::from(REFUSED);
    };
    print::out(&explain(status));
    ExitCode::SUCCESS
}

fn hint(code: &str) -> String {
    closest(&code.to_ascii_uppercase(), Status::all().map(Status::name))
        .map_or(String::new(), |name| format!("; did you mean {name}?"))
}

fn list() -> String {
    let mut out = String::new();
    for status in Status::all() {
        let _ = writeln!(
            out,
            "{:>5}  {}  {}",
            status.number(),
            status.name(),
            status.message()
        ); // a String takes everything
    }
    out
}

/// Everything known of a status, one line for each point.
pub(crate) fn explain(status: Status) -> String {
    let mut out = format!("{status}\n");
    if let [_, others @ ..] = status.names()
        && !others.is_empty()
    {
        line(&mut out, "also", &others.join(", "));
    }
    line(&mut out, "meaning", status.message());
    line(&mut out, "next", status.advice());
    line(
        &mut out,
        "class",
        &format!(
            "{} ({})",
            status.return_code().name(),
            status.return_code().number()
        ),
    );
    line(&mut out, "RADIUS", packet(status.packet()));
    line(
        &mut out,
        "lock",
        if status.counts() {
            "counts one failure of the user"
        } else {
            "does not count"
        },
    );
    if status.is_generic() {
        line(
            &mut out,
            "generic",
            &format!(
                "clients get {} while generic_status_codes = yes",
                status.hidden()
            ),
        );
    }
    let interfaces: Vec<&str> = status
        .interfaces()
        .iter()
        .map(|interface| interface_name(*interface))
        .collect();
    line(&mut out, "answered", &interfaces.join(", "));
    out
}

fn line(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "  {name:<9} {text}"); // a String takes everything
}

fn packet(packet: Packet) -> &'static str {
    match packet {
        Packet::Accept => "Access-Accept",
        Packet::Challenge => {
            "Access-Challenge; Access-Reject where the client cannot carry challenges"
        }
        Packet::Reject => "Access-Reject",
        Packet::RejectUnlessSilent => {
            "Access-Reject, or no answer where the component says not_handled = silent"
        }
        Packet::RejectOnceIdentified => "Access-Reject once the user is identified, else no answer",
        Packet::Silence => "no answer, so that the client asks its next server",
    }
}

fn interface_name(interface: Interface) -> &'static str {
    match interface {
        Interface::Radius => "RADIUS",
        Interface::Auth => "/v1/auth",
        Interface::Sign => "/v1/sign",
        Interface::Provision => "/v1/prov",
        Interface::Admin => "/v1/admin",
    }
}
