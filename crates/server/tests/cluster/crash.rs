//! Nodes and PostgreSQL are killed at random moments under load. Whatever was promised is kept; an independent judge reads
//! what clients saw, what the trail says and what the store holds.

use super::client::{Line, Said};
use super::first;
use countersign_testkit::history::{
    Answer, Factor, History, Observation, Reading, Sent, read_lines,
};
use countersign_testkit::oath::{KEY_HEX, fast_hotp};
use countersign_testkit::{Options, Postgres, Server, Store, World, until};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ROUNDS: usize = 30;
const CLIENTS: usize = 6;
/// Accepts that are seen before something is killed; differs from round to round.
const ACCEPTS: [usize; 5] = [5, 13, 29, 8, 40];
/// A RADIUS client that hears nothing asks the next node.
const PATIENCE: Duration = Duration::from_millis(400);

/// Numbers of packets, and the one clock of all clients.
struct Clock {
    begun: Instant,
    packets: AtomicU64,
}

impl Clock {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// A user and who logs him on.
struct Client {
    user: String,
    serial: String,
    json: bool,
    next: u64,
    seen: Vec<Observation>,
}

#[test]
fn whoever_is_killed_every_promise_is_kept() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let store = Store::Postgres(Arc::new(postgres.database()));
    let mut world = first(&store);
    world.policy(
        "local_only",
        json!({"user_lock_threshold": 0, "event_window": 60}),
    );
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| furnish(&mut world, number))
        .collect();
    let mut other = world.node("node-b", Options::default());
    let clock = Clock {
        begun: Instant::now(),
        packets: AtomicU64::new(1),
    };
    let mut readings = Vec::new();
    for round in 0..ROUNDS {
        let accepts = ACCEPTS[round % ACCEPTS.len()];
        let killed = load(
            &mut world,
            &mut other,
            &mut postgres,
            &mut clients,
            &clock,
            accepts,
            round,
        );
        match killed {
            Killed::First => world.up(),
            Killed::Other => other.up(),
            Killed::Postgres => postgres.up(),
        }
        serves(&world);
        serves(&other);
        for client in &mut clients {
            readings.push(client.read(&mut world, &clock));
        }
    }
    nothing_is_accepted_again(&world, &other, &mut clients, &clock);
    world.run_ok(&["audit", "verify", "--moving-factors"]);
    let trail = world.run_ok(&["audit", "tail", "--json", "-n", "10000000"]);
    let history = History {
        observations: clients.into_iter().flat_map(|client| client.seen).collect(),
        trail: Some(read_lines(&trail).expect("a trail")),
        readings,
        ..History::default()
    };
    let accepted = history
        .observations
        .iter()
        .filter(|seen| seen.answer == Answer::Accepted)
        .count();
    assert!(accepted >= ROUNDS * ACCEPTS[0], "{accepted} accepts");
    history.assert_kept();
}

enum Killed {
    First,
    Other,
    Postgres,
}

fn furnish(world: &mut World, number: usize) -> Client {
    let user = format!("user-{number}");
    let serial = world.hotp_user(&user);
    Client {
        user,
        serial,
        json: number % 2 == 1,
        next: 0,
        seen: Vec::new(),
    }
}

/// All clients log on at both nodes as fast as they can until some accepts were seen; then somebody is killed.
fn load(
    world: &mut World,
    other: &mut Server,
    postgres: &mut Postgres,
    clients: &mut [Client],
    clock: &Clock,
    accepts: usize,
    round: usize,
) -> Killed {
    let (seen, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (seen, over) = (&seen, &over);
        for client in clients {
            let lines = [client.line(world), client.line(other)];
            scope.spawn(move || client.log_on(lines, clock, seen, over));
        }
        until("accepts under load", || {
            (seen.load(Ordering::Relaxed) >= accepts).then_some(())
        });
        let killed = match round % 3 {
            0 => {
                postgres.kill();
                Killed::Postgres
            }
            1 => {
                world.kill();
                Killed::First
            }
            _ => {
                other.kill();
                Killed::Other
            }
        };
        over.store(true, Ordering::Relaxed);
        killed
    })
}

impl Client {
    fn line(&self, node: &Server) -> Line {
        if self.json {
            Line::json(node)
        } else {
            Line::radius(node, PATIENCE)
        }
    }

    /// Logs on again and again: at one node, at the other one, and now and then with the same value at both.
    fn log_on(
        &mut self,
        mut lines: [Line; 2],
        clock: &Clock,
        seen: &AtomicUsize,
        over: &AtomicBool,
    ) {
        let mut at = 0;
        while !over.load(Ordering::Relaxed) {
            let accepted = self.try_value(&mut lines, at, self.next, clock);
            if accepted {
                seen.fetch_add(1, Ordering::Relaxed);
            }
            if self.next.is_multiple_of(3) || !accepted {
                self.try_value(&mut lines, 1 - at, self.next, clock);
            }
            self.next += 1; // without an answer nobody knows whether it is used
            at = 1 - at;
        }
    }

    /// Sends a value to a node and notes what came back; whether it was accepted.
    fn try_value(&mut self, lines: &mut [Line; 2], at: usize, counter: u64, clock: &Clock) -> bool {
        let otp = fast_hotp(KEY_HEX, counter, 6);
        let what = Sent::Value(Factor::Counter(counter));
        let node = ["node-a", "node-b"][at];
        let mut seen = Observation::new(clock.now(), node, &self.user, &self.serial, what);
        seen.packet = Some(clock.packets.fetch_add(1, Ordering::Relaxed));
        seen.value.clone_from(&otp);
        let said = lines[at].log_on(&self.user, &otp);
        let accepted = matches!(said, Said::Accepted(_));
        self.seen.push(match said {
            Said::Accepted(id) => seen.answered(clock.now(), Answer::Accepted, Some(&id)),
            Said::Refused(status) => seen.answered(clock.now(), Answer::Refused(status), None),
            Said::Nothing => seen,
        });
        accepted
    }

    /// The counter as the store has it.
    fn read(&mut self, world: &mut World, clock: &Clock) -> Reading {
        let at = clock.now();
        let next = world.application(&self.serial)["next_counter"]
            .as_u64()
            .expect("a counter");
        self.next = self.next.max(next);
        Reading {
            at,
            serial: self.serial.clone(),
            next_counter: Some(next),
            last_second: None,
            errors: None,
        }
    }
}

/// Waits until a node serves again, with a hand of nobody.
fn serves(node: &Server) {
    until("the node serves again", || {
        let body = json!({"component": "app", "user": "nobody", "otp": "000000"});
        let mut https = countersign_testkit::Https::connect(
            &node.ready("http"),
            &node.data_dir().join("certificate.pem"),
        )
        .ok()?;
        let answer = https.post("/v1/auth/authenticate", &[], &body).ok()?;
        (answer.body["status_code"].as_i64()? == 1010).then_some(())
    });
}

/// Every value that was ever accepted is sent once more, to the node that did not accept it.
fn nothing_is_accepted_again(world: &World, other: &Server, clients: &mut [Client], clock: &Clock) {
    for client in clients {
        let mut lines = [Line::json(world), Line::json(other)];
        let accepted: Vec<(u64, usize)> = client
            .seen
            .iter()
            .filter(|seen| seen.answer == Answer::Accepted)
            .filter_map(|seen| match &seen.what {
                Sent::Value(Factor::Counter(counter)) => {
                    Some((*counter, usize::from(seen.node == "node-a")))
                }
                _ => None,
            })
            .collect();
        for (counter, at) in accepted {
            let again = client.try_value(&mut lines, at, counter, clock);
            assert!(!again, "{}, counter {counter} again", client.user);
        }
    }
}
