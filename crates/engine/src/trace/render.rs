//! A trace as text for a help-desk.

use super::entry::{Entry, Origin, Place, Value};
use super::words::{Result, Word};
use std::fmt::Write;

/// One line for each entry, names padded to one column.
pub(super) fn text<'a>(entries: impl Iterator<Item = Entry<'a>>) -> String {
    let mut out = String::new();
    let mut chain: Vec<&str> = Vec::new();
    let mut entries = entries.peekable();
    while let Some(entry) = entries.next() {
        if let Entry::Policy { id } = entry {
            chain.push(id);
            if !matches!(entries.peek(), Some(Entry::Policy { .. })) {
                line(&mut out, "policy", &chain.join(" <- "));
            }
            continue;
        }
        let (name, said) = describe(&entry, &chain);
        line(&mut out, name, &said);
    }
    out
}

fn line(out: &mut String, name: &str, said: &str) {
    let _ = writeln!(out, "{name:<10} {said}");
}

fn describe(entry: &Entry<'_>, chain: &[&str]) -> (&'static str, String) {
    match *entry {
        Entry::Component {
            kind,
            place,
            nas_id,
        } => ("component", component(kind, place, nas_id)),
        Entry::Policy { id } => ("policy", id.to_owned()),
        Entry::InvalidPolicy { why } => ("policy", format!("invalid: {why}")),
        Entry::Setting {
            setting,
            value,
            origin,
        } => (
            "setting",
            format!(
                "{} = {} ({})",
                setting.text(),
                said(value),
                from(origin, chain)
            ),
        ),
        Entry::Resolved { rule, domain: "" } => ("user", rule.text().to_owned()),
        Entry::Resolved { rule, domain } => ("user", format!("domain {domain}: {}", rule.text())),
        Entry::Account {
            authenticators,
            linked,
        } => (
            "account",
            format!(
                "found, authenticators: {authenticators}{}",
                if linked {
                    " (of the linked account)"
                } else {
                    ""
                }
            ),
        ),
        Entry::Check {
            check,
            passed,
            seen,
            limit,
        } => ("check", checked(check.text(), passed, seen, limit)),
        Entry::Excluded {
            serial,
            application,
            why,
        } => (
            "left out",
            format!("{serial} {application}: {}", why.text()),
        ),
        Entry::Read {
            shape,
            front,
            pin,
            otp,
            new_pin,
        } => ("read as", read(shape.text(), [front, pin, otp, new_pin])),
        Entry::Candidate {
            serial,
            application,
            result,
            moving,
            distance,
        } => (
            "candidate",
            candidate(serial, application, result, moving, distance),
        ),
        Entry::Asked { what, yes } => (
            "asked",
            format!(
                "{}: {}",
                what.text(),
                yes.map_or("answered", |yes| if yes { "yes" } else { "no" })
            ),
        ),
        Entry::Heard {
            what,
            server: "",
            said,
        } => ("asked", format!("{}: {}", what.text(), said.text())),
        Entry::Heard { what, server, said } => (
            "asked",
            format!("{} ({server}): {}", what.text(), said.text()),
        ),
        Entry::Hashes { tried, cut } => (
            "hashes",
            format!(
                "{tried} values tried{}",
                if cut { ", cut at the limit" } else { "" }
            ),
        ),
        Entry::Ended { real, client } if real == client => (
            "status",
            format!("{} {}: {}", real.number(), real.name(), real.message()),
        ),
        Entry::Ended { real, client } => (
            "status",
            format!(
                "{} {}: {} The client got {}.",
                real.number(),
                real.name(),
                real.message(),
                client.number()
            ),
        ),
    }
}

fn component(kind: &str, place: Place<'_>, nas_id: &str) -> String {
    let place = match place {
        Place::Network(address, 32) if address.is_ipv4() => address.to_string(),
        Place::Network(address, 128) => address.to_string(),
        Place::Network(address, prefix) => format!("{address}/{prefix}"),
        Place::Host(name) => name.to_owned(),
        Place::Default => "default".to_owned(),
    };
    let nas = if nas_id.is_empty() {
        String::new()
    } else {
        format!(", NAS {nas_id}")
    };
    format!("{kind} at {place}{nas}")
}

fn said(value: Value<'_>) -> String {
    match value {
        Value::Word("") => "blank".to_owned(),
        Value::Word(word) => word.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Size(size) => format!("set, size {size}"),
    }
}

fn from(origin: Origin, chain: &[&str]) -> String {
    match origin {
        Origin::Policy(place) => {
            format!("policy {}", chain.get(usize::from(place)).unwrap_or(&"?"))
        }
        Origin::BuiltIn => "built in".to_owned(),
        Origin::Account => "set at the account".to_owned(),
        Origin::Authenticator => "set at the authenticator".to_owned(),
        Origin::Deployment => "setting of the deployment".to_owned(),
        Origin::GroupCheck => "forced by the group check".to_owned(),
        Origin::Server => "policy of the server component".to_owned(),
    }
}

fn checked(what: &str, passed: bool, seen: i64, limit: i64) -> String {
    let outcome = if passed { "yes" } else { "no" };
    if seen == 0 && limit == 0 {
        let (what, _) = what.split_once(" (").unwrap_or((what, ""));
        return format!("{what}: {outcome}");
    }
    match what.split_once(" (") {
        Some((what, units)) if units.contains(", ") => format!(
            "{what}: {outcome} ({}: {seen}, {limit})",
            units.trim_end_matches(')')
        ),
        Some((what, units)) => format!(
            "{what}: {outcome} ({}: {seen})",
            units.trim_end_matches(')')
        ),
        None => format!("{what}: {outcome}"),
    }
}

fn read(shape: &str, lengths: [u32; 4]) -> String {
    let mut out = shape.to_owned();
    let mut before = " (characters: ";
    for (name, length) in ["front", "PIN", "OTP", "new PIN"].iter().zip(lengths) {
        if length > 0 {
            let _ = write!(out, "{before}{name} {length}");
            before = ", ";
        }
    }
    if before == ", " {
        out.push(')');
    }
    out
}

fn candidate(
    serial: &str,
    application: &str,
    result: Result,
    moving: Option<u64>,
    distance: Option<i64>,
) -> String {
    let mut out = format!("{serial} {application}: {}", result.text());
    if let Some(moving) = moving {
        let _ = write!(out, ", counter or step {moving}");
    }
    match distance {
        Some(0) => out.push_str(", in the centre"),
        Some(steps) => {
            let (count, side) = (
                steps.unsigned_abs(),
                if steps < 0 { "ago" } else { "ahead" },
            );
            let _ = write!(
                out,
                ", valid {count} step{} {side}",
                if count == 1 { "" } else { "s" }
            );
        }
        None => {}
    }
    out
}
