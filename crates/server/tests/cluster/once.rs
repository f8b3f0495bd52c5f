//! A one-time password is accepted once whichever node it is sent to, and no failure is lost between nodes.

use super::client::{Line, Said};
use super::pair;
use countersign_testkit::oath::{KEY_HEX, fast_hotp, wrong};
use countersign_testkit::{Server, World};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

const OTPS: usize = 2000;
const CLIENTS: usize = 8;
const TRIES: usize = 5;
/// Users whose values are sent side by side.
const USERS: usize = 4;
/// A client that hears nothing asks again: no request takes longer than 5 s, and one that ends in silence counted nothing.
const PATIENCE: Duration = Duration::from_secs(6);

/// Four lines to each node, half of them RADIUS and half of them JSON.
fn lines(world: &World, other: &Server) -> Vec<Line> {
    (0..CLIENTS)
        .map(|number| {
            let node: &Server = if number < CLIENTS / 2 { world } else { other };
            if number % 2 == 0 {
                Line::radius(node, PATIENCE)
            } else {
                Line::json(node)
            }
        })
        .collect()
}

/// What a client hears in the end: one that hears nothing, or that the nodes are too busy, asks again.
fn answer(line: &mut Line, user: &str, otp: &str) -> Said {
    (0..TRIES)
        .map(|_| line.log_on(user, otp))
        .find(|said| !matches!(said, Said::Nothing | Said::Refused(-103 | -106)))
        .unwrap_or(Said::Nothing)
}

/// How often each value of a user is accepted when eight clients send it at once.
fn race(lines: Vec<Line>, user: &str, odd: &Mutex<Vec<(u64, Said)>>) -> Vec<usize> {
    let accepted: Vec<AtomicUsize> = (0..OTPS / USERS).map(|_| AtomicUsize::new(0)).collect();
    let start = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        for mut line in lines {
            let (accepted, start) = (&accepted, &start);
            scope.spawn(move || {
                for (counter, accepted) in (0..).zip(accepted) {
                    let otp = fast_hotp(KEY_HEX, counter, 6);
                    start.wait();
                    match answer(&mut line, user, &otp) {
                        Said::Accepted(_) => {
                            accepted.fetch_add(1, Ordering::Relaxed);
                        }
                        Said::Refused(1008 | 1012) => {}
                        // a panic would leave the others waiting
                        other => odd.lock().expect("a list").push((counter, other)),
                    }
                }
            });
        }
    });
    accepted.into_iter().map(AtomicUsize::into_inner).collect()
}

#[test]
fn each_of_two_thousand_passwords_sent_eight_times_at_once_to_two_nodes_is_accepted_once() {
    let users: Vec<String> = (0..USERS).map(|number| format!("user-{number}")).collect();
    let mut serials = Vec::new();
    let Some((mut world, other)) = pair(|world| {
        world.policy("local_only", json!({"user_lock_threshold": 0}));
        serials.extend(users.iter().map(|user| world.hotp_user(user)));
    }) else {
        return;
    };
    let odd = Mutex::new(Vec::new());
    let accepted: Vec<Vec<usize>> = std::thread::scope(|scope| {
        let odd = &odd;
        let races: Vec<_> = users
            .iter()
            .map(|user| {
                let lines = lines(&world, &other);
                scope.spawn(move || race(lines, user, odd))
            })
            .collect();
        races
            .into_iter()
            .map(|race| race.join().expect("a race"))
            .collect()
    });
    assert_eq!(odd.into_inner().expect("a list"), []);
    let wrong: Vec<usize> = accepted
        .into_iter()
        .flatten()
        .filter(|count| *count != 1)
        .collect();
    assert!(
        wrong.is_empty(),
        "how often values were accepted: {wrong:?}"
    );
    for serial in serials {
        assert_eq!(world.application(&serial)["next_counter"], OTPS / USERS);
    }
    world.run_ok(&["audit", "verify", "--moving-factors"]);
}

#[test]
fn two_thousand_wrong_passwords_to_two_nodes_count_two_thousand_failures() {
    let mut serial = String::new();
    let Some((mut world, other)) = pair(|world| {
        world.policy(
            "local_only",
            json!({"user_lock_threshold": 0, "identification_threshold": 0}),
        );
        serial = world.hotp_user("otto");
    }) else {
        return;
    };
    let bad = wrong(KEY_HEX, 6);
    std::thread::scope(|scope| {
        for mut line in lines(&world, &other) {
            let bad = &bad;
            scope.spawn(move || {
                for _ in 0..OTPS / CLIENTS {
                    assert_eq!(answer(&mut line, "otto", bad), Said::Refused(1012));
                }
            });
        }
    });
    assert_eq!(world.seen("otto")["lock_count"], OTPS);
    let application = world.application(&serial);
    assert_eq!(
        (&application["errors"], &application["next_counter"]),
        (&json!(OTPS), &json!(0))
    );
    world.run_ok(&["audit", "verify"]);
}
