//! `countersign node srv`: the DNS records by which clients find all nodes.

use super::admin::{Session, block_on};
use crate::client::Connection;
use crate::print;
use anyhow::{Context, Result};
use clap::Subcommand;
use countersign_engine::admin::table;
use countersign_engine::audit::escape::one_line;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt::Write;
use std::process::ExitCode;

/// Help clients find the nodes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  countersign node srv --domain example.com")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print DNS SRV records (RFC 2782) for all registered nodes
    #[command(
        after_help = "The records name each node by `host` of its configuration. Clients ask the target with the lowest priority number first, share load among equal ones by weight, and go to the next one when a target is silent or answers HTTP 503. Nodes that are stopped, lost or drained stand in comments. Put the output into the zone of the domain; see the nodes themselves by `countersign admin node list`.\n\nExamples:\n  countersign node srv --domain example.com\n  countersign node srv --domain example.com --node node1 --priority 5"
    )]
    Srv(Srv),
}

#[derive(Debug, clap::Args)]
struct Srv {
    /// Domain in which clients look
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    domain: String,
    /// Only this node
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Priority: lower numbers are asked first
    #[arg(long, default_value_t = 10)]
    priority: u16,
    /// Weight among equal priorities
    #[arg(long, default_value_t = 10)]
    weight: u16,
    /// Seconds for which resolvers keep the records
    #[arg(long, default_value_t = 300)]
    ttl: u32,
    #[command(flatten)]
    connection: Connection,
}

/// Longest name in DNS and longest part of one.
const MOST_NAME: usize = 253;
const MOST_LABEL: usize = 63;

/// A domain as a zone file can hold it.
fn domain(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if !name.is_ascii() {
        return Err("write it as DNS knows it, such as xn--bcher-kva.example".to_owned());
    }
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| {
        (1..=MOST_LABEL).contains(&label.len())
            && label.bytes().all(letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > MOST_NAME || !name.split('.').all(label) {
        return Err(format!(
            "a domain is made of labels of 1 to {MOST_LABEL} letters, digits and hyphens, such as example.com"
        ));
    }
    Ok(name.to_owned())
}

/// A service: its name in DNS, the listener that serves it, and the scenarios of which one must be on.
struct Service {
    label: &'static str,
    listener: &'static str,
    scenarios: &'static [&'static str],
}

/// Names as registered with IANA for 1812 and 1813; the API has one of its own.
const SERVICES: [Service; 3] = [
    Service {
        label: "_countersign._tcp",
        listener: "http",
        scenarios: &["auth", "sign", "prov", "admin", "report"],
    },
    Service {
        label: "_radius._udp",
        listener: "radius_auth",
        scenarios: &["radius"],
    },
    Service {
        label: "_radius-acct._udp",
        listener: "radius_acct",
        scenarios: &["radius"],
    },
];

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let Verb::Srv(srv) = &args.command;
    let nodes = nodes(srv)?;
    print::out(&zone(srv, &nodes));
    Ok(ExitCode::SUCCESS)
}

fn nodes(srv: &Srv) -> Result<Vec<Value>> {
    let verb = table::find("node", "list").context("find node/list")?;
    let mut body = Map::new();
    body.insert("limit".to_owned(), 1000.into());
    if let Some(name) = &srv.node {
        body.insert("filter".to_owned(), serde_json::json!({"name": name}));
    }
    let envelope = block_on(async {
        let mut session = Session::open(&srv.connection).await?;
        let envelope = session.run(verb, &body).await;
        session.close().await;
        envelope?.expect_success("list the nodes")
    })?;
    match envelope.result.get("rows") {
        Some(Value::Array(rows)) => Ok(rows.clone()),
        _ => Ok(Vec::new()),
    }
}

fn zone(srv: &Srv, nodes: &[Value]) -> String {
    let mut out = String::new();
    for service in &SERVICES {
        for node in nodes {
            if let Some(line) = record(srv, service, node) {
                let _ = writeln!(out, "{line}"); // writing to a String cannot fail
            }
        }
    }
    out
}

/// The record of one service of one node; a comment where the node does not serve now.
fn record(srv: &Srv, service: &Service, node: &Value) -> Option<String> {
    fn text(value: &Value) -> Option<Cow<'_, str>> {
        value.as_str().map(one_line)
    }
    let scenarios = node.get("scenarios")?.as_array()?;
    let offers = |word: &Value| {
        word.as_str()
            .is_some_and(|word| service.scenarios.contains(&word))
    };
    if !scenarios.iter().any(offers) {
        return None;
    }
    let address = node.get("addresses")?.get(service.listener)?.as_str()?;
    let port: u16 = address.rsplit(':').next()?.parse().ok()?;
    let host = text(node.get("host")?)?;
    let line = format!(
        "{}.{}. {} IN SRV {} {} {port} {}.",
        service.label,
        one_line(srv.domain.trim_end_matches('.')),
        srv.ttl,
        srv.priority,
        srv.weight,
        host.trim_end_matches('.')
    );
    match node.get("state")?.as_str()? {
        "stopped" | "stopping" | "lost" | "drained" | "draining" => Some(format!(
            "; {} is {}: {line}",
            node.get("name").and_then(text)?,
            node.get("state").and_then(text)?
        )),
        _ => Some(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn srv() -> Srv {
        Srv {
            domain: "example.com.".to_owned(),
            node: None,
            priority: 10,
            weight: 20,
            ttl: 300,
            connection: Connection::default(),
        }
    }

    fn node(name: &str, state: &str, scenarios: &[&str]) -> Value {
        json!({
            "name": name, "state": state, "host": format!("{name}.example.com"), "scenarios": scenarios,
            "addresses": {"http": "https://[::1]:8888", "radius_auth": "127.0.0.1:1812", "radius_acct": "127.0.0.1:1813"},
        })
    }

    #[test]
    fn each_service_of_each_node_has_its_record() {
        let nodes = [
            node("one", "serving", &["auth", "radius"]),
            node("two", "lost", &["admin"]),
        ];
        assert_eq!(
            zone(&srv(), &nodes),
            "_countersign._tcp.example.com. 300 IN SRV 10 20 8888 one.example.com.\n\
             ; two is lost: _countersign._tcp.example.com. 300 IN SRV 10 20 8888 two.example.com.\n\
             _radius._udp.example.com. 300 IN SRV 10 20 1812 one.example.com.\n\
             _radius-acct._udp.example.com. 300 IN SRV 10 20 1813 one.example.com.\n"
        );
    }

    #[test]
    fn a_domain_is_one_that_a_zone_can_hold() {
        for good in [
            "example.com",
            "example.com.",
            "a",
            "xn--bcher-kva.example",
            "_x.1",
        ] {
            assert_eq!(domain(good).unwrap(), good.trim_end_matches('.'));
        }
        let (long, deep) = ("a".repeat(64), "a.".repeat(127) + "a");
        for bad in [
            "",
            ".",
            "a..b",
            "-a",
            "a-",
            "a b",
            "a\nb",
            "bücher.example",
            &long,
            &deep,
        ] {
            assert!(domain(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_node_that_never_reported_has_none() {
        let silent = json!({"name": "old", "state": "unknown", "scenarios": null, "addresses": null, "host": null});
        assert_eq!(zone(&srv(), &[silent]), "");
    }
}
