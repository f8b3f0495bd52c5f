//! The server is killed again and again under load, and keeps every promise it gave.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use countersign_radius::{Code, Packet, kind};
use countersign_testkit::history::{
    AccountReading, Answer, Factor, History, Observation, Reading, Sent,
};
use countersign_testkit::oath::{KEY_HEX, fast_hotp};
use countersign_testkit::{Https, Raw, World, radius, until};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
    clock: Clock,
    seen: Vec<Observation>,
    readings: Vec<Reading>,
}

/// Microseconds since the test began.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).expect("a short test")
    }
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
    let clock = Clock(Instant::now());
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| furnish(&mut world, number, clock))
        .collect();
    for kill in 0..KILLS {
        load(&mut world, &mut clients, ACCEPTS[kill % ACCEPTS.len()]);
        world.up();
        for client in &mut clients {
            client.read(&mut world);
            client.refused_again(&world, 3);
        }
    }
    for client in &mut clients {
        client.refused_again(&world, usize::MAX);
        client.read(&mut world);
    }
    let said = world.run_ok(&["audit", "verify"]);
    assert!(said.contains("intact"), "{said}");
    world.run_ok(&["audit", "verify", "--moving-factors"]);
    history(&mut world, &clients).assert_kept();
}

fn furnish(world: &mut World, number: usize, clock: Clock) -> Client {
    let user = format!("user-{number}");
    let serial = world.hotp_user(&user);
    Client {
        user,
        serial,
        json: number % 2 == 1,
        next: 0,
        clock,
        seen: Vec::new(),
        readings: Vec::new(),
    }
}

/// What all clients saw, with what the trail says and the store holds in the end.
fn history(world: &mut World, clients: &[Client]) -> History {
    let accounts = clients.iter().map(|client| AccountReading {
        at: client.clock.now(),
        user: client.user.clone(),
        lock_count: world.seen(&client.user)["lock_count"]
            .as_u64()
            .expect("a count"),
    });
    let accounts = accounts.collect();
    let seen: Vec<Observation> = clients.iter().flat_map(|one| one.seen.clone()).collect();
    let accepts = seen.iter().filter(|one| one.answer == Answer::Accepted);
    let accepts = accepts.count();
    assert!(accepts >= KILLS * ACCEPTS[0], "{accepts} accepts");
    History {
        observations: seen,
        trail: Some(world.trail()),
        readings: clients
            .iter()
            .flat_map(|one| one.readings.clone())
            .collect(),
        accounts,
        resets: Vec::new(),
        complete: true,
    }
}

/// All clients log on as fast as they can until some accepts were seen; then the server is killed.
fn load(world: &mut World, clients: &mut [Client], accepts: usize) {
    let (seen, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (seen, over) = (&seen, &over);
        for client in &mut *clients {
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
    for client in clients {
        let now = client.clock.now(); // the dead do nothing more
        client.seen.iter_mut().for_each(|one| {
            one.over.get_or_insert(now);
        });
    }
}

impl Client {
    fn log_on(&mut self, mut line: Line, seen: &AtomicUsize, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            let otp = fast_hotp(KEY_HEX, self.next, 6);
            let one = self.request(self.next);
            let accepted = match &mut line {
                Line::Radius(raw) => over_radius(raw, &self.user, &otp),
                Line::Json(https) => over_json(https, &self.user, &otp),
            };
            self.next += 1; // without an answer nobody knows whether it is used
            let Some(request) = accepted else {
                return self.seen.push(one);
            };
            let at = self.clock.now();
            self.seen
                .push(one.answered(at, Answer::Accepted, Some(&request)));
            seen.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn request(&self, counter: u64) -> Observation {
        let sent = Sent::Value(Factor::Counter(counter));
        Observation::new(self.clock.now(), "node", &self.user, &self.serial, sent)
    }

    /// Reads the counter, and goes on behind it.
    fn read(&mut self, world: &mut World) {
        let at = self.clock.now();
        let application = world.application(&self.serial);
        let next = application["next_counter"].as_u64().expect("a counter");
        self.readings.push(Reading {
            at,
            serial: self.serial.clone(),
            next_counter: Some(next),
            last_second: None,
            errors: application["errors"].as_u64(),
        });
        self.next = self.next.max(next);
    }

    /// The newest accepted values are refused.
    fn refused_again(&mut self, world: &World, most: usize) {
        let accepted = |one: &&Observation| one.answer == Answer::Accepted;
        let counters = self.seen.iter().rev().filter(accepted).take(most);
        let counters: Vec<u64> = counters.filter_map(counter).collect();
        for counter in counters {
            let one = self.request(counter);
            let otp = fast_hotp(KEY_HEX, counter, 6);
            let body = json!({"component": "app", "user": self.user, "otp": otp});
            let answer = world.post("/v1/auth/authenticate", &[], &body);
            let status = i16::try_from(answer.status()).expect("a status");
            assert!(
                [1008, 1012].contains(&status),
                "{}, counter {counter} again: {}",
                self.user,
                answer.text
            );
            let id = answer.body["request_id"].as_str();
            self.seen
                .push(one.answered(self.clock.now(), Answer::Refused(status), id));
        }
    }
}

fn counter(one: &Observation) -> Option<u64> {
    match one.what {
        Sent::Value(Factor::Counter(counter)) => Some(counter),
        _ => None,
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
