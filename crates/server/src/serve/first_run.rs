//! The first start: everything a server needs to be administered and asked, in one commit.

use super::files::{self, FirstAdministrator, FirstClient, FirstRun};
use crate::print;
use anyhow::{Context, Result};
use countersign_engine::admin::{LOGON, Put, Write};
use countersign_engine::audit::{Code, Record};
use countersign_engine::decision::Change;
use countersign_engine::model::{
    Charset, Component, ComponentKey, Domain, DomainKey, Location, Meta, NotHandled, PolicyKey,
    User, UserKey,
};
use countersign_engine::policy::predefined;
use countersign_engine::text::fold;
use countersign_engine::{Secret, Status};
use countersign_keyring::{PasswordParams, password, random};
use countersign_store::{Hosts, Outcome, Store, Work, system_time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

const THIS_NODE: &str = "This node: password rules, grace of manual assignments";
const MASTER: &str = "master";
const ADMINISTRATOR: &str = "admin";
/// 24 characters of 55: 138 bits.
const PASSWORD_LENGTH: usize = 24;
const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Component types of the first start with their policies.
const COMPONENTS: [(&str, &str, &str); 3] = [
    ("radius_client", "local", "RADIUS clients on this host"),
    (
        "admin_program",
        "admin_logon",
        "Administrators on this host",
    ),
    ("web_module", "local", "JSON clients on this host"),
];

/// Fills an empty store. What was made up is on disk before it counts, so that a crash in between loses no password.
///
/// Answers what it made up, or nothing where the store was filled before.
pub(super) fn fill(store: &Store, data_dir: &Path, node: &str) -> Result<Option<FirstRun>> {
    if store.snapshot().domains.master().is_some() {
        join(store, node)?;
        return Ok(None);
    }
    let first = made_up(data_dir)?;
    let work = Work {
        token: 0,
        changes: changes(&first, node)?
            .into_iter()
            .map(Change::Write)
            .collect(),
        records: vec![record(
            "first start: domain, policies, first administrator and components",
        )?],
        trace: Vec::new(),
    };
    match store.commit(work) {
        Outcome::Committed => Ok(Some(first)),
        Outcome::Conflict => {
            // Another node did at the same time; what was made up here was never used.
            std::fs::remove_file(data_dir.join(files::FIRST_RUN))
                .context("remove the unused first-run file")?;
            store
                .set_hosts(Hosts::new())
                .context("read what another node filled in")?;
            join(store, node)?;
            Ok(None)
        }
        Outcome::Failed(error) => Err(error).context("fill the new store"),
    }
}

/// Gives a node that is new to the store a server component of its own, with the policy of the others.
fn join(store: &Store, node: &str) -> Result<()> {
    let snapshot = store.snapshot();
    let own = Location::Host(node.to_owned());
    let known = snapshot
        .components
        .all()
        .iter()
        .any(|component| component.kind == "server" && component.location == own);
    if known {
        return Ok(());
    }
    let component = component("server", own, snapshot.server_policy(), THIS_NODE);
    let work = Work {
        token: 0,
        changes: vec![Change::Write(Write::Component(Box::new(Put::new(
            component,
        ))))],
        records: vec![record("first start of this node: its server component")?],
        trace: Vec::new(),
    };
    match store.commit(work) {
        // Made by another process of the same name in this moment.
        Outcome::Committed | Outcome::Conflict => Ok(()),
        Outcome::Failed(error) => Err(error).context("add this node to the store"),
    }
}

/// The names and secrets of a first start that did not come to its end, or new ones.
fn made_up(data_dir: &Path) -> Result<FirstRun> {
    if data_dir.join(files::FIRST_RUN).exists() {
        return FirstRun::read(data_dir);
    }
    let word = || random::password(PASSWORD_LENGTH).map(|word| word.as_str().to_owned());
    let first = FirstRun {
        admin: FirstAdministrator {
            user: ADMINISTRATOR.to_owned(),
            password: word()?,
        },
        radius: FirstClient { secret: word()? },
    };
    first.write(data_dir)?;
    Ok(first)
}

/// Every record of the first start; negative keys stand for rows that the store numbers.
fn changes(first: &FirstRun, node: &str) -> Result<Vec<Write>> {
    let mut changes = vec![Write::Domain(Put::new(master()))];
    changes.extend(
        (1..)
            .zip(predefined::all())
            .map(|(row, policy)| Write::Policy(PolicyKey(-row), Put::new(policy))),
    );
    let verifier = password::hash(first.admin.password.as_bytes(), PasswordParams::default())
        .context("hash the first password")?;
    let administrator =
        Put::new(administrator(&first.admin.user)).with("password", Some(Secret::new(verifier)));
    changes.push(Write::User(Box::new(administrator)));
    for (kind, policy, description) in COMPONENTS {
        for address in LOOPBACK {
            let component = component(kind, network(address), policy, description);
            let secret =
                (kind == "radius_client").then(|| Secret::new(first.radius.secret.as_str()));
            changes.push(Write::Component(Box::new(Put {
                guard: None,
                record: component,
                secrets: secret
                    .map(|secret| ("shared_secret", Some(secret)))
                    .into_iter()
                    .collect(),
            })));
        }
    }
    let server = component(
        "server",
        Location::Host(node.to_owned()),
        "server",
        THIS_NODE,
    );
    changes.push(Write::Component(Box::new(Put::new(server))));
    number(&mut changes);
    Ok(changes)
}

/// Gives each component a place holder of its own.
fn number(changes: &mut [Write]) {
    let components = changes.iter_mut().filter_map(|change| match change {
        Write::Component(put) => Some(put),
        _ => None,
    });
    for (row, put) in (1..).zip(components) {
        put.record.key = ComponentKey(-row);
    }
}

fn master() -> Domain {
    Domain {
        key: DomainKey(-1),
        name: MASTER.to_owned(),
        folded: fold(MASTER),
        description: "The domain of whoever names none".to_owned(),
        master: true,
        meta: Meta::default(),
    }
}

fn administrator(id: &str) -> User {
    User {
        key: UserKey(-1),
        domain: DomainKey(-1),
        id: id.to_owned(),
        folded: fold(id),
        org_unit: None,
        contact: None,
        password: None,
        overrides: None,
        linked: None,
        disabled: false,
        expires_at: None,
        privileges: BTreeSet::from([LOGON.to_owned()]),
        last_logon: None,
        max_sessions: None,
        ldap_owner: None,
        meta: Meta::default(),
    }
}

fn network(address: IpAddr) -> Location {
    Location::Network {
        address,
        prefix: if address.is_ipv4() { 32 } else { 128 },
    }
}

fn component(kind: &str, location: Location, policy: &str, description: &str) -> Component {
    Component {
        key: ComponentKey(-1),
        kind: kind.to_owned(),
        location,
        nas_id: String::new(),
        policy: policy.to_owned(),
        enabled: true,
        description: description.to_owned(),
        shared_secret: None,
        charset: Charset::default(),
        require_message_authenticator: true,
        not_handled: NotHandled::default(),
        status_in_reply: false,
        reply_texts: BTreeMap::new(),
        challenges: true,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: None,
        client_certificate: None,
        address_only: false,
        rate_per_s: None,
        meta: Meta::default(),
    }
}

/// The record of the first start: it is a change like any other.
fn record(reason: &'static str) -> Result<Record> {
    let mut record = Record::new(Code::COMMAND_DONE, random::random::<16>()?, system_time());
    record.status = Status::from_number(0);
    record.command = Some("server.first_run".into());
    record.reason = Some(reason.into());
    Ok(record)
}

/// Says, this once, what was made up.
pub(super) fn announce(first: &FirstRun, data_dir: &Path) {
    print::out(&format!(
        "\nThis is the first start. It made up:\n  administrator  {}\n  password       {}\n  RADIUS secret  {}   (clients at 127.0.0.1 and ::1)\nBoth are kept in {}; delete that file once you have noted them.\n\n",
        first.admin.user,
        first.admin.password,
        first.radius.secret,
        data_dir.join(files::FIRST_RUN).display()
    ));
}
