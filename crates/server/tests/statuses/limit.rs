use super::{proof, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::radclient::{quoted, radclient};
use countersign_testkit::{Answer, Packet, World, curl, until};
use serde_json::json;
use std::sync::Barrier;

const CLIENTS: usize = 8;
/// Checks of passwords that keep one thread busy for longer than a request may take.
const CROWD: u64 = 200;

#[test]
fn a_slow_password_pool() {
    let proof = proof("a_slow_password_pool");
    let mut world = world();
    world.policy("local_or_password", json!({"user_lock_threshold": 0}));
    world.user("paul", Some("Correct-Horse-71"));
    world.setting("password.threads", json!(1));
    world.setting("password.queue", json!(1000));
    world.setting("request.deadline_s", json!(1));
    world.stop();
    world.up(); // the pool is made at the start
    let mut crowd = world.raw();
    let mut fill = || {
        for _ in 0..CROWD {
            let request = crowd.pap("paul", "Correct-Horse-71");
            crowd.send(&request.bytes);
        }
    };
    fill();
    let waits = |world: &World| world.metric("countersign_password_waiting", "");
    until("the pool has work for seconds", || {
        (waits(&world) > CROWD / 2).then_some(())
    });
    let answer = world.app(json!({"user": "paul", "password": "Correct-Horse-71"}));
    proof.auth(-103, &answer);
    world.real(-103, &answer);
    fill();
    until("the pool has work for seconds", || {
        (waits(&world) > CROWD / 2).then_some(())
    });
    proof.silent(-103, &world.pap("paul", "Correct-Horse-71"));
    assert_eq!(
        world.seen("paul")["lock_count"],
        0,
        "what was not looked at counts no failure"
    );
}

#[test]
fn a_full_password_pool() {
    let proof = proof("a_full_password_pool");
    let mut world = world();
    world.policy("local_or_password", json!({"user_lock_threshold": 0}));
    world.user("paul", Some("Correct-Horse-71"));
    world.hotp_user("otto");
    world.setting("password.threads", json!(1));
    world.setting("password.queue", json!(1));
    world.stop();
    world.up(); // the pool is made at the start
    let (url, radius, secret) = (
        world.url("/v1/auth/authenticate"),
        world.ready("radius_auth"),
        world.radius_secret(),
    );

    let (mut busy_json, mut busy_radius) = (None, None);
    for round in 0..10 {
        let (answers, packets) = crowd(&url, &radius, &secret);
        busy_json =
            busy_json.or_else(|| answers.into_iter().find(|answer| answer.status() == -104));
        busy_radius = busy_radius.or_else(|| {
            packets
                .into_iter()
                .find(|packet| packet.status() == Some(-104))
        });
        if round == 0 {
            proof.radius(0, &world.pap("otto", &hotp(KEY_HEX, 0)));
            proof.auth(
                0,
                &world.app(json!({"user": "otto", "otp": hotp(KEY_HEX, 1)})),
            );
        }
        if busy_json.is_some() && busy_radius.is_some() {
            break;
        }
    }
    let answer = busy_json.expect("a JSON request that met a full pool");
    proof.auth(-104, &answer);
    world.real(-104, &answer);
    proof.radius(
        -104,
        &busy_radius.expect("a RADIUS request that met a full pool"),
    );
    assert_eq!(
        world.seen("paul")["lock_count"],
        0,
        "a full pool counts no failure"
    );
}

/// Many password logons at once over both interfaces.
fn crowd(url: &str, radius: &str, secret: &str) -> (Vec<Answer>, Vec<Packet>) {
    let start = Barrier::new(2 * CLIENTS);
    std::thread::scope(|scope| {
        let start = &start;
        let over_json: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(move || {
                    start.wait();
                    curl::post(url, &json!({"component": "app", "user": "paul", "static_password": "Correct-Horse-71"}), &[])
                })
            })
            .collect();
        let over_radius: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(move || {
                    start.wait();
                    let attributes = [
                        ("User-Name", "\"paul\""),
                        ("User-Password", "\"Correct-Horse-71\""),
                    ];
                    radclient(radius, "auth", secret, &attributes, 10.0)
                })
            })
            .collect();
        let answers = over_json
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect();
        (
            answers,
            over_radius
                .into_iter()
                .map(|thread| thread.join().expect("a packet"))
                .collect(),
        )
    })
}

#[test]
fn outstanding_challenges() {
    let proof = proof("outstanding_challenges");
    let mut world = world();
    world.policy("challenge_response", json!({"user_lock_threshold": 0}));
    world.setting("challenge.max_outstanding", json!(2));
    for user in ["cara", "carl", "cora"] {
        world.user(user, None);
        world.ocra(user);
    }
    world.proves_pap(&proof, 3001, "cara", "challenge");
    world.proves_app(
        &proof,
        3001,
        json!({"user": "carl", "password": "challenge"}),
    );
    world.proves_pap(&proof, -104, "cora", "challenge");
    world.proves_app(
        &proof,
        -104,
        json!({"user": "cora", "password": "challenge"}),
    );
}

#[test]
fn a_locked_store() {
    let proof = proof("a_locked_store");
    let mut world = world();
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    world.hotp_user("otto");
    world.set_radius_timeout(20.0);
    let lock = world.lock_store();
    proof.auth(
        -106,
        &world.app(json!({"user": "otto", "otp": hotp(KEY_HEX, 0)})),
    );
    proof.admin(
        -106,
        &world.curl_admin("user/create", json!({"user": "never"})),
    );
    world.set_radius_timeout(8.0);
    proof.radius(
        -106,
        &world.radius(&[
            ("User-Name", "\"otto\""),
            ("User-Password", &quoted(&hotp(KEY_HEX, 0))),
        ]),
    );
    drop(lock);
    // nothing was consumed, and service goes on
    proof.auth(
        0,
        &world.app(json!({"user": "otto", "otp": hotp(KEY_HEX, 0)})),
    );
    world.set_radius_timeout(5.0);
    proof.radius(0, &world.pap("otto", &hotp(KEY_HEX, 1)));
    proof.admin(
        0,
        &world.curl_admin("user/create", json!({"user": "afterwards"})),
    );
}
