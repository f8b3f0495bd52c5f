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
/// A client waits as long as it takes: silence would hide an answer.
const PATIENCE: Duration = Duration::from_secs(60);

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

#[test]
fn each_of_two_thousand_passwords_sent_eight_times_at_once_to_two_nodes_is_accepted_once() {
    let mut serial = String::new();
    let Some((mut world, other)) = pair(|world| {
        world.policy("local_only", json!({"user_lock_threshold": 0}));
        serial = world.hotp_user("otto");
    }) else {
        return;
    };
    let accepted: Vec<AtomicUsize> = (0..OTPS).map(|_| AtomicUsize::new(0)).collect();
    let (start, odd) = (Barrier::new(CLIENTS), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for mut line in lines(&world, &other) {
            let (accepted, start, odd) = (&accepted, &start, &odd);
            scope.spawn(move || {
                for (counter, accepted) in (0..).zip(accepted) {
                    let otp = fast_hotp(KEY_HEX, counter, 6);
                    start.wait();
                    match line.log_on("otto", &otp) {
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
    assert_eq!(odd.into_inner().expect("a list"), []);
    let wrong: Vec<(usize, usize)> = accepted
        .iter()
        .map(|count| count.load(Ordering::Relaxed))
        .enumerate()
        .filter(|(_, count)| *count != 1)
        .collect();
    assert_eq!(wrong, [], "counters and how often they were accepted");
    assert_eq!(world.application(&serial)["next_counter"], OTPS);
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
                    assert_eq!(line.log_on("otto", bad), Said::Refused(1012));
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
