use super::{records, world};
use countersign_testkit::oath::{KEY_HEX, hotp, wrong};
use countersign_testkit::slapd::PASSWORD;
use countersign_testkit::{Mode, Proxy, SambaAd, Slapd, World, curl, samba, until};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::Duration;

/// The longest that an answer may take where one server is tried once for two seconds.
const DEADLINE: f64 = 8.0;

/// A request through `app`: -10 in time, with a record that names server and step; and somebody who needs no directory is
/// served meanwhile.
fn is_away(world: &mut World, what: &str, user: &str, counter: &mut u64) {
    let other = json!({"user": "otto", "otp": hotp(KEY_HEX, *counter), "component": "local"});
    *counter += 1;
    let url = world.url("/v1/auth/authenticate");
    let asking = json!({"component": "app", "user": user, "password": PASSWORD});
    let away = thread::spawn(move || curl::post(&url, &asking, &[]));
    let served = world.auth("authenticate", &other);
    let away = away.join().expect("an answer");
    assert_eq!(served.status(), 0, "{what}: {}", served.text);
    assert!(
        served.seconds < 1.5,
        "{what}: {} s for a user without a directory",
        served.seconds
    );
    assert_eq!(away.status(), -10, "{what}: {}", away.text);
    assert!(away.seconds < DEADLINE, "{what}: {} s", away.seconds);
    let record = world.last_record(user).to_string();
    assert!(
        record.contains("slapd"),
        "{what}: the server is named: {record}"
    );
}

fn comes_back(world: &World, what: &str, user: &str) {
    until(&format!("{what}: served again"), || {
        let answer = world.app(json!({"user": user, "password": PASSWORD}));
        (answer.status() == 0).then_some(())
    });
}

#[test]
fn directories_that_are_away() {
    let Some(mut server) = Slapd::start() else {
        return;
    };
    let proxy = Proxy::to(server.tls_port());
    let mut world = world();
    let id = world.policy("local_only", json!({"user_lock_threshold": 0}));
    world.component("local", json!({"policy": id}));
    world.hotp_user("otto");
    records::add(
        &mut world,
        records::ldap(&server),
        json!({"port": proxy.port(), "timeout_s": 2}),
    );
    records::alone(&mut world, "ldap", json!({}));
    let counter = &mut 0;
    comes_back(&world, "at first", "normal");

    proxy.set(Mode::Freeze);
    is_away(&mut world, "a cut network", "normal", counter);
    proxy.set(Mode::Pass);
    comes_back(&world, "a cut network", "normal");
    proxy.set(Mode::Delay(Duration::from_millis(300)));
    let slow = world.app(json!({"user": "normal", "password": PASSWORD}));
    assert!(
        [0, -10].contains(&slow.status()) && slow.seconds < DEADLINE,
        "{}",
        slow.text
    );
    proxy.set(Mode::Delay(Duration::from_secs(5)));
    is_away(&mut world, "a slow network", "normal", counter);
    proxy.set(Mode::Pass);
    comes_back(&world, "a slow network", "normal");
    proxy.refuse();
    is_away(&mut world, "nobody listens", "normal", counter);
    proxy.set(Mode::Pass);
    comes_back(&world, "nobody listens", "normal");
    proxy.reset();
    let answer = world.app(json!({"user": "normal", "password": PASSWORD}));
    assert_eq!(
        answer.status(),
        0,
        "broken connections are made anew: {}",
        answer.text
    );

    server.freeze();
    is_away(&mut world, "a stopped directory", "normal", counter);
    server.thaw();
    comes_back(&world, "a stopped directory", "normal");
    server.kill();
    is_away(&mut world, "a killed directory", "normal", counter);
    server.up();
    comes_back(&world, "a killed directory", "normal");
}

/// A server that answers every connection by a function.
fn answering(answer: impl Fn(&mut dyn Write) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("listen on a free port");
    let port = listener.local_addr().expect("an address").port();
    let answer = std::sync::Arc::new(answer);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = std::sync::Arc::clone(&answer);
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 1024]); // whatever comes
                answer(&mut stream);
            });
        }
    });
    port
}

#[test]
fn directories_that_talk_nonsense() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let mut world = world();
    records::add(
        &mut world,
        records::ldap(&server),
        json!({"tls": "none", "timeout_s": 2}),
    );
    records::alone(&mut world, "ldap", json!({}));
    let noise = answering(|to| {
        let _ = to.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"); // it may hang up
    });
    let huge = answering(|to| {
        // a message of 2 GiB, and as much of it as is taken
        let _ = to.write_all(&[0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);
        while to.write_all(&[0x04; 65_536]).is_ok() {}
    });
    let deep = answering(|to| while to.write_all(&[0x30, 0x80]).is_ok() {});
    let ended = answering(|_| {});
    for (what, port) in [
        ("noise", noise),
        ("a huge message", huge),
        ("nested without end", deep),
        ("the end", ended),
    ] {
        world.done("backend/update", json!({"name": "slapd", "port": port}));
        let answer = world.app(json!({"user": "normal", "password": PASSWORD}));
        assert_eq!(answer.status(), -10, "{what}: {}", answer.text);
        assert!(answer.seconds < DEADLINE, "{what}: {}", answer.seconds);
    }
    world.done(
        "backend/update",
        json!({"name": "slapd", "port": server.port()}),
    );
    comes_back(&world, "nonsense", "normal");
}

#[test]
fn referrals_and_limits_of_searches() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    records::alone(&mut world, "ldap", json!({}));
    // below `ou=elsewhere` is another server, at a port where nobody listens: it is never asked
    let answer = world.app(json!({"user": "normal", "password": PASSWORD}));
    assert_eq!(
        answer.status(),
        0,
        "a referral among the results: {}",
        answer.text
    );
    world.done(
        "backend/update",
        json!({"name": "slapd", "base_dn": "ou=elsewhere,dc=example,dc=test"}),
    );
    let answer = world.app(json!({"user": "normal", "password": PASSWORD}));
    assert!(
        [-10, 1023].contains(&answer.status()),
        "the base is a referral: {}",
        answer.text
    );
    // several entries of one name are nobody
    world.done(
        "backend/update",
        json!({"name": "slapd", "base_dn": "dc=example,dc=test", "user_id_attribute": "sn"}),
    );
    let answer = world.app(json!({"user": "User", "password": PASSWORD}));
    assert!(
        [-10, 1023].contains(&answer.status()),
        "an ambiguous name: {}",
        answer.text
    );
}

#[test]
fn wrong_one_time_passwords_lock_nobody_in_the_domain() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let mut world = world();
    records::add(
        &mut world,
        records::active_directory(&controller),
        json!({}),
    );
    for parent in ["local", "local_or_password", "local_only"] {
        for proxy in ["yes", "no"] {
            world.policy(
                parent,
                json!({
                    "back_end_auth": "if_needed", "back_end_protocol": "active_directory", "stored_password_proxy": proxy,
                    "password_autolearn": "yes", "user_lock_threshold": 0,
                }),
            );
            if parent == "local" && proxy == "yes" {
                world.user("normal", Some(samba::PASSWORD));
                world.hotp("normal");
            }
            for number in 0..20 {
                let otp = wrong(KEY_HEX, 6);
                let typed = if number % 2 == 0 {
                    otp
                } else {
                    format!("{}{otp}", samba::PASSWORD)
                };
                let answer = world.app(json!({"user": "normal", "password": typed}));
                assert_eq!(answer.status(), 1012, "{parent} {proxy}: {}", answer.text);
            }
            assert_eq!(controller.bad_passwords("normal"), 0, "{parent} {proxy}");
        }
    }
}
