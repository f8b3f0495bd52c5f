//! The server is killed again and again under load, and keeps every promise it gave.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use countersign_radius::{Code, Packet, kind};
use countersign_testkit::oath::{KEY_HEX, fast_hotp};
use countersign_testkit::{Https, Raw, World, radius, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const KILLS: usize = 20;
const CLIENTS: usize = 6;
/// Accepts that are seen before the server is killed; differs from kill to kill.
const ACCEPTS: [usize; 4] = [7, 23, 41, 64];

/// One user and the client that logs him on, over one interface or the other.
struct Client {
    user: String,
    serial: String,
    json: bool,
    next: u64,
    accepted: Vec<(u64, String)>,
}

enum Line {
    Radius(Box<Raw>),
    Json(Box<Https>),
}

#[test]
fn a_server_killed_twenty_times_keeps_its_promises() {
    let mut world = World::new(PROGRAM);
    world.policy(
        "local_only",
        json!({"user_lock_threshold": 0, "event_window": 40}),
    );
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| furnish(&mut world, number))
        .collect();
    for kill in 0..KILLS {
        load(&mut world, &mut clients, ACCEPTS[kill % ACCEPTS.len()]);
        world.up();
        for client in &mut clients {
            kept(&mut world, client);
        }
    }
    every_accept_has_its_record(&mut world, &clients);
    let said = world.run_ok(&["audit", "verify"]);
    assert!(said.contains("intact"), "{said}");
    world.run_ok(&["audit", "verify", "--moving-factors"]);
    nothing_is_accepted_twice(&world, &clients);
}

fn furnish(world: &mut World, number: usize) -> Client {
    let user = format!("user-{number}");
    let serial = world.hotp_user(&user);
    Client {
        user,
        serial,
        json: number % 2 == 1,
        next: 0,
        accepted: Vec::new(),
    }
}

/// All clients log on as fast as they can until some accepts were seen; then the server is killed.
fn load(world: &mut World, clients: &mut [Client], accepts: usize) {
    let (seen, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (seen, over) = (&seen, &over);
        for client in clients {
            let line = if client.json {
                Line::Json(Box::new(world.https()))
            } else {
                Line::Radius(Box::new(Raw::to(
                    &world.ready("radius_auth"),
                    &world.radius_secret(),
                    Duration::from_millis(500),
                )))
            };
            scope.spawn(move || client.log_on(line, seen, over));
        }
        until("accepts under load", || {
            (seen.load(Ordering::Relaxed) >= accepts).then_some(())
        });
        world.kill();
        over.store(true, Ordering::Relaxed);
    });
}

impl Client {
    fn log_on(&mut self, mut line: Line, seen: &AtomicUsize, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            let otp = fast_hotp(KEY_HEX, self.next, 6);
            let accepted = match &mut line {
                Line::Radius(raw) => over_radius(raw, &self.user, &otp),
                Line::Json(https) => over_json(https, &self.user, &otp),
            };
            self.next += 1; // without an answer nobody knows whether it is used
            let Some(request) = accepted else { return };
            self.accepted.push((self.next - 1, request));
            seen.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The identity of the request if it was accepted, as the Class attribute tells it.
fn over_radius(raw: &mut Raw, user: &str, otp: &str) -> Option<String> {
    let request = raw.pap(user, otp);
    raw.send(&request.bytes);
    let answer = raw.receive()?;
    if !raw.verify(&request, &answer) {
        return None;
    }
    assert_eq!(
        radius::code(&answer),
        Code::AccessAccept,
        "a fresh value is accepted"
    );
    let packet = Packet::read(&answer).expect("a packet");
    Some(hexadecimal(packet.first(kind::CLASS).expect("a Class")))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn over_json(https: &mut Https, user: &str, otp: &str) -> Option<String> {
    let answer = https
        .post(
            "/v1/auth/authenticate",
            &[],
            &json!({"component": "app", "user": user, "otp": otp}),
        )
        .ok()?;
    assert_eq!(
        answer.status(),
        0,
        "a fresh value is accepted: {}",
        answer.text
    );
    Some(
        answer.body["request_id"]
            .as_str()
            .expect("a request id")
            .to_owned(),
    )
}

/// The counter stands behind the last accepted value, and the newest accepted values are refused.
fn kept(world: &mut World, client: &mut Client) {
    let next = world.application(&client.serial)["next_counter"]
        .as_u64()
        .expect("a counter");
    let last = client.accepted.last().map_or(0, |(counter, _)| counter + 1);
    assert!(
        next >= last,
        "{}: counter {last} was promised, {next} is kept",
        client.user
    );
    assert!(
        next <= client.next,
        "{}: {next} was never sent",
        client.user
    );
    for (counter, _) in client.accepted.iter().rev().take(3) {
        refuses(world, &client.user, *counter);
    }
    client.next = client.next.max(next);
}

fn refuses(world: &World, user: &str, counter: u64) {
    let body = json!({"component": "app", "user": user, "otp": fast_hotp(KEY_HEX, counter, 6)});
    let answer = world.post("/v1/auth/authenticate", &[], &body);
    assert!(
        [1008, 1012].contains(&answer.status()),
        "{user}, counter {counter} again: {}",
        answer.text
    );
}

fn every_accept_has_its_record(world: &mut World, clients: &[Client]) {
    let promised: BTreeSet<&str> = clients
        .iter()
        .flat_map(|client| &client.accepted)
        .map(|(_, request)| request.as_str())
        .collect();
    assert!(
        promised.len() >= KILLS * ACCEPTS[0],
        "{} accepts",
        promised.len()
    );
    let recorded: BTreeSet<String> = accepts(world)
        .iter()
        .filter_map(|record| Some(record["request_id"].as_str()?.to_owned()))
        .collect();
    let missing: Vec<&&str> = promised
        .iter()
        .filter(|request| !recorded.contains(**request))
        .collect();
    assert!(
        missing.is_empty(),
        "{} accepts without a record: {missing:?}",
        missing.len()
    );
}

fn accepts(world: &mut World) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let page = json!({"filter": {"code": "S-101001"}, "fields": ["time", "amid", "request_id"], "limit": 1000, "offset": all.len()});
        let rows = countersign_testkit::world::rows(&world.done("audit/query", page));
        if rows.is_empty() {
            return all;
        }
        all.extend(rows);
    }
}

fn nothing_is_accepted_twice(world: &World, clients: &[Client]) {
    for client in clients {
        for (counter, _) in &client.accepted {
            refuses(world, &client.user, *counter);
        }
    }
}
