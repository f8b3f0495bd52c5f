//! A one-time password is accepted once, however often and over whatever it comes, and no failure is lost in a crowd.

#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail")]

use countersign_radius::Code;
use countersign_testkit::oath::{KEY_HEX, fast_hotp, wrong};
use countersign_testkit::{Https, Raw, World, radius};
use serde_json::json;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const OTPS: usize = 1000;
const CLIENTS: usize = 8;

/// A client over one interface or the other.
enum Client {
    Radius(Box<Raw>),
    Json(Box<Https>),
}

impl Client {
    /// Half of them speak RADIUS, half of them JSON.
    fn all(world: &World) -> Vec<Self> {
        let one = |number: usize| {
            if number.is_multiple_of(2) {
                Self::Radius(Box::new(world.raw()))
            } else {
                Self::Json(Box::new(world.https()))
            }
        };
        (0..CLIENTS).map(one).collect()
    }

    /// Whether the OTP was accepted; anything but a decision fails the test.
    fn accepts(&mut self, user: &str, otp: &str) -> bool {
        match self {
            Self::Radius(raw) => {
                let request = raw.pap(user, otp);
                let answer = raw.ask(&request).expect("an answer over RADIUS");
                match radius::code(&answer) {
                    Code::AccessAccept => true,
                    Code::AccessReject => false,
                    other => panic!("{other:?}"),
                }
            }
            Self::Json(https) => {
                let body = json!({"component": "app", "user": user, "otp": otp});
                let answer = https
                    .post("/v1/auth/authenticate", &[], &body)
                    .expect("an answer over HTTPS");
                match answer.status() {
                    0 => true,
                    1008 | 1012 => false,
                    _ => panic!("{}", answer.text),
                }
            }
        }
    }
}

#[test]
fn each_of_a_thousand_passwords_sent_eight_times_at_once_is_accepted_once() {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    let serial = world.hotp_user("otto");
    let accepted: Vec<AtomicUsize> = (0..OTPS).map(|_| AtomicUsize::new(0)).collect();
    let start = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        for mut client in Client::all(&world) {
            let (accepted, start) = (&accepted, &start);
            scope.spawn(move || {
                for (counter, accepted) in (0..).zip(accepted) {
                    let otp = fast_hotp(KEY_HEX, counter, 6);
                    start.wait();
                    if client.accepts("otto", &otp) {
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let wrong: Vec<(usize, usize)> = accepted
        .iter()
        .map(|count| count.load(Ordering::Relaxed))
        .enumerate()
        .filter(|(_, count)| *count != 1)
        .collect();
    assert_eq!(wrong, [], "counters and how often they were accepted");
    assert_eq!(world.application(&serial)["next_counter"], OTPS);
    let decided = |status: &str| {
        ["radius", "authenticate"]
            .iter()
            .map(|via| {
                world.metric(
                    "countersign_logons_total",
                    &format!("via=\"{via}\",status=\"{status}\""),
                )
            })
            .sum::<u64>()
    };
    assert_eq!(decided("0"), OTPS as u64);
    assert_eq!(
        decided("1008"),
        (OTPS * (CLIENTS - 1)) as u64,
        "each copy but one is a replay"
    );
}

#[test]
fn a_thousand_wrong_passwords_from_eight_clients_count_a_thousand_failures() {
    let mut world = World::new(PROGRAM);
    world.policy(
        "local_only",
        json!({"user_lock_threshold": 0, "identification_threshold": 0}),
    );
    let serial = world.hotp_user("otto");
    let bad = wrong(KEY_HEX, 6);
    std::thread::scope(|scope| {
        for mut client in Client::all(&world) {
            let bad = &bad;
            scope.spawn(move || {
                for _ in 0..OTPS / CLIENTS {
                    assert!(!client.accepts("otto", bad));
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
    assert!(
        world.pap("otto", &fast_hotp(KEY_HEX, 0, 6)).is_accept(),
        "nobody is locked at threshold 0"
    );
    assert_eq!(
        world.seen("otto")["lock_count"],
        0,
        "a success forgets the failures"
    );
}
