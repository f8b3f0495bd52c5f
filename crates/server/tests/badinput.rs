//! What no client should send, and what no disk should do: refused, counted, named, and never the end of the server.

#![expect(clippy::expect_used, reason = "a test may fail")]

use countersign_radius::{Code, Packet, kind};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{Options, Raw, Server, Store, World, curl, radius, until};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

fn world() -> World {
    let mut world = World::new(PROGRAM);
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    world
}

/// Sends bytes that must be dropped for a reason, and sees them counted.
fn dropped(world: &World, raw: &Raw, reason: &str, bytes: &[u8]) {
    let label = format!("reason=\"{reason}\"");
    let before = world.metric("countersign_radius_dropped_total", &label);
    raw.send(bytes);
    until(reason, || {
        (world.metric("countersign_radius_dropped_total", &label) == before + 1).then_some(())
    });
}

/// Nothing came back for all that was dropped, and the next good request is answered.
fn still_serves(world: &World, raw: &mut Raw, user: &str, counter: u64) {
    let request = raw.pap(user, &hotp(KEY_HEX, counter));
    raw.send(&request.bytes);
    let answer = raw.receive().expect("an answer");
    assert!(
        raw.verify(&request, &answer),
        "the first answer is to the good request"
    );
    assert_eq!(radius::code(&answer), Code::AccessAccept);
    assert!(world.pid() > 0);
}

#[test]
fn malformed_packets_are_dropped_and_counted() {
    let mut world = world();
    world.hotp_user("otto");
    let mut raw = world.raw();
    let good = raw.pap("otto", "755224").bytes;
    let with_length = |length: u16| {
        let mut bytes = good.clone();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    let with_attribute = |attribute: &[u8]| {
        let mut bytes = [good.as_slice(), attribute].concat();
        let length = u16::try_from(bytes.len()).expect("a short packet");
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    dropped(&world, &raw, "too_short", &good[..19]);
    dropped(&world, &raw, "too_short", b"");
    dropped(&world, &raw, "length_below_header", &with_length(19));
    dropped(&world, &raw, "length_above_maximum", &with_length(4097));
    dropped(
        &world,
        &raw,
        "length_beyond_datagram",
        &with_length(u16::try_from(good.len() + 1).expect("a short packet")),
    );
    dropped(&world, &raw, "attribute_cut", &with_attribute(&[1]));
    dropped(
        &world,
        &raw,
        "attribute_length_zero",
        &with_attribute(&[1, 0]),
    );
    dropped(
        &world,
        &raw,
        "attribute_length_one",
        &with_attribute(&[1, 1]),
    );
    dropped(
        &world,
        &raw,
        "attribute_overruns",
        &with_attribute(&[1, 9, b'x']),
    );
    let with_only = |kind: u8, size: u8| {
        let mut bytes = vec![1, 77, 0, 22 + size];
        bytes.extend([9; 16]);
        bytes.extend([kind, 2 + size]);
        bytes.extend(vec![7; usize::from(size)]);
        bytes
    };
    dropped(
        &world,
        &raw,
        "user_password_too_long",
        &with_only(kind::USER_PASSWORD, 144),
    );
    dropped(
        &world,
        &raw,
        "user_password_uneven",
        &with_only(kind::USER_PASSWORD, 3),
    );
    dropped(
        &world,
        &raw,
        "message_authenticator_length",
        &with_only(kind::MESSAGE_AUTHENTICATOR, 2),
    );
    dropped(
        &world,
        &raw,
        "several_user_passwords",
        &with_attribute(&[&[2, 18][..], &[0; 16]].concat()),
    );
    dropped(
        &world,
        &raw,
        "several_message_authenticators",
        &with_attribute(&[&[80, 18][..], &[0; 16]].concat()),
    );
    still_serves(&world, &mut raw, "otto", 0);
    assert_eq!(world.seen("otto")["lock_count"], 0);
}

#[test]
fn packets_without_proof_are_dropped_and_counted() {
    let mut world = world();
    world.hotp_user("otto");
    let mut raw = world.raw();
    let mut tampered = raw.pap("otto", &hotp(KEY_HEX, 0)).bytes;
    tampered[30] ^= 1;
    dropped(&world, &raw, "message_authenticator_wrong", &tampered);
    let mut request = |proxied: bool| {
        raw.request(Code::AccessRequest, false, |request, secret| {
            let named = request
                .add(kind::USER_NAME, b"otto")
                .expect("room")
                .pap(hotp(KEY_HEX, 0).as_bytes(), secret)
                .expect("short");
            if proxied {
                named.add(kind::PROXY_STATE, b"proxy").expect("room")
            } else {
                named
            }
        })
    };
    let (plain, proxied) = (request(false), request(true));
    dropped(&world, &raw, "message_authenticator_absent", &plain.bytes);
    // once a minute and source, and written after the drop was counted
    until("the warning", || {
        (world.audit(json!({"code": "W-101002"})).len() == 1).then_some(())
    });

    world.component(
        "radius_client",
        json!({"require_message_authenticator": false}),
    );
    dropped(
        &world,
        &raw,
        "proxy_state_without_message_authenticator",
        &proxied.bytes,
    );
    dropped(&world, &raw, "message_authenticator_wrong", &tampered);
    let answer = raw.ask(&plain).expect("an answer");
    assert_eq!(radius::code(&answer), Code::AccessAccept, "the opt-out");
    let shown = world.done(
        "component/query",
        json!({"filter": {"type": "radius_client", "location": "127.0.0.1"}}),
    );
    assert!(
        shown.text.contains("without Message-Authenticator"),
        "{}",
        shown.text
    );
    let wide = world.admin("component/create", json!({"type": "radius_client", "location": "10.0.0.0/8", "policy": "local", "generate_secret": true, "require_message_authenticator": false}));
    assert_eq!(wide.status(), -2, "{}", wide.text);

    let mut stranger = Raw::to(
        &world.ready("radius_auth"),
        "another-shared-secret",
        Duration::from_millis(200),
    );
    let packet = stranger.pap("otto", &hotp(KEY_HEX, 1));
    dropped(
        &world,
        &stranger,
        "message_authenticator_wrong",
        &packet.bytes,
    );
    assert_eq!(stranger.receive(), None);
}

#[test]
fn odd_packets_of_known_clients() {
    let mut world = world();
    world.hotp_user("otto");
    let mut raw = world.raw();
    let nameless = raw.request(Code::AccessRequest, true, |request, secret| {
        request.pap(b"755224", secret).expect("short")
    });
    dropped(&world, &raw, "user_name_missing", &nameless.bytes);
    let twofold = raw.request(Code::AccessRequest, true, |request, secret| {
        let named = request
            .add(kind::USER_NAME, b"otto")
            .expect("room")
            .pap(b"755224", secret)
            .expect("short");
        named.chap(1, b"755224", &[7; 16]).expect("room")
    });
    dropped(&world, &raw, "several_credentials", &twofold.bytes);
    let cut = raw.request(Code::AccessRequest, true, |request, _| {
        request
            .add(kind::USER_NAME, b"otto")
            .expect("room")
            .add(kind::CHAP_PASSWORD, &[1; 5])
            .expect("room")
    });
    dropped(&world, &raw, "chap_length", &cut.bytes);

    // an empty name can be read, and is nobody's: 1000
    let empty = raw.request(Code::AccessRequest, true, |request, secret| {
        request
            .add(kind::USER_NAME, b"")
            .expect("room")
            .pap(b"755224", secret)
            .expect("short")
    });
    let answer = raw.ask(&empty).expect("an answer");
    assert_eq!(status(&answer), Some(1000));
    // a name with NUL, a State of another length
    let nul = raw.request(Code::AccessRequest, true, |request, secret| {
        request
            .add(kind::USER_NAME, b"ot\0to")
            .expect("room")
            .pap(b"755224", secret)
            .expect("short")
    });
    assert_eq!(status(&raw.ask(&nul).expect("an answer")), Some(1000));
    let state = raw.request(Code::AccessRequest, true, |request, secret| {
        let named = request
            .add(kind::USER_NAME, b"otto")
            .expect("room")
            .pap(b"755224", secret)
            .expect("short");
        named.add(kind::STATE, b"x").expect("room")
    });
    assert_eq!(status(&raw.ask(&state).expect("an answer")), Some(3002));
    still_serves(&world, &mut raw, "otto", 0);
}

/// The number at the end of Reply-Message.
fn status(bytes: &[u8]) -> Option<i32> {
    let packet = Packet::read(bytes).expect("a packet");
    let text = String::from_utf8_lossy(packet.first(kind::REPLY_MESSAGE)?).into_owned();
    text.rsplit_once('(')?.1.trim_end_matches(')').parse().ok()
}

#[test]
fn bad_fields_are_named_and_store_nothing() {
    let mut world = world();
    let long = |size: usize| "x".repeat(size);
    let cases = [
        ("otp", json!({"user": "otto", "otp": long(17)})),
        ("password", json!({"user": "otto", "password": long(256)})),
        (
            "pin",
            json!({"user": "otto", "pin": "12ab", "otp": "755224"}),
        ),
        (
            "serial",
            json!({"user": "otto", "serial": "no serial", "otp": "755224"}),
        ),
        (
            "auth_type",
            json!({"user": "otto", "auth_type": "telepathy"}),
        ),
        (
            "host_code",
            json!({"user": "otto", "otp": "755224", "host_code": true}),
        ),
        ("otp", json!({"user": "otto", "otp": "755\u{0}224"})),
        (
            "domain",
            json!({"user": "otto", "otp": "755224", "domain": "a\u{0}b"}),
        ),
        ("user", json!({"user": 7, "otp": "755224"})),
        (
            "attribute_group",
            json!({"user": "otto", "otp": "755224", "attribute_group": "vpn"}),
        ),
        ("pasword", json!({"user": "otto", "pasword": "755224"})),
    ];
    for (field, body) in cases {
        let answer = world.app(body.clone());
        assert_eq!(answer.status(), -101, "{body}: {}", answer.text);
        assert!(
            answer.body["message"]
                .as_str()
                .is_some_and(|message| message.contains(field)),
            "{field}: {}",
            answer.text
        );
    }
    let cases = [
        ("user", "user/create", json!({"user": long(256)})),
        (
            "password",
            "user/create",
            json!({"user": "fresh", "password": long(129)}),
        ),
        ("user", "user/create", json!({"user": "a\u{0}b"})),
        (
            "disabled",
            "user/create",
            json!({"user": "fresh", "disabled": "perhaps"}),
        ),
        (
            "colour",
            "user/create",
            json!({"user": "fresh", "colour": "red"}),
        ),
        (
            "digits",
            "authenticator/create",
            json!({"serial": "X1", "algorithm": "HOTP", "digits": 99}),
        ),
        (
            "secret_hex",
            "authenticator/create",
            json!({"serial": "X1", "algorithm": "HOTP", "secret_hex": "not hex at all!"}),
        ),
        (
            "suite",
            "authenticator/create",
            json!({"serial": "X1", "suite": "OCRA-9:NOTHING"}),
        ),
        (
            "event_window",
            "policy/create",
            json!({"policy_id": "p", "parent": "local", "event_window": 5}),
        ),
        (
            "local_auth",
            "policy/create",
            json!({"policy_id": "p", "parent": "local", "local_auth": "never"}),
        ),
        (
            "location",
            "component/create",
            json!({"type": "radius_client", "location": "300.1.1.1/99", "policy": "local"}),
        ),
        (
            "value",
            "setting/update",
            json!({"name": "session.idle_s", "value": "soon"}),
        ),
    ];
    for (field, command, body) in cases {
        let answer = world.curl_admin(command, body.clone());
        assert_eq!(answer.status(), -101, "{command} {body}: {}", answer.text);
        assert!(
            answer.body["message"]
                .as_str()
                .is_some_and(|message| message.contains(field)),
            "{field}: {}",
            answer.text
        );
    }
    for (command, filter) in [
        ("user/query", json!({"user": "fresh"})),
        ("authenticator/query", json!({"serial": "X1"})),
        ("policy/query", json!({"policy_id": "p"})),
    ] {
        let found = world.done(command, json!({"filter": filter}));
        assert_eq!(
            countersign_testkit::world::rows(&found),
            Vec::<Value>::new(),
            "{command}"
        );
    }
}

#[test]
fn transport_problems_have_their_http_status() {
    let mut world = world();
    world.hotp_user("otto");
    let auth = world.url("/v1/auth/authenticate");
    let json_type = "application/json";
    let post = |url: &str, body: &[u8]| curl::post_bytes(url, json_type, body, &[]);
    for body in [
        &b"{\"user\": "[..],
        b"",
        b"[1, 2]",
        b"null",
        b"{\"user\": \"a\xff\"}",
        b"{\"a\": 1} {}",
        "[".repeat(100_000).as_bytes(),
    ] {
        assert_eq!(
            post(&auth, body).http,
            400,
            "{}",
            String::from_utf8_lossy(&body[..body.len().min(40)])
        );
    }
    let doubled = br#"{"component": "app", "user": "otto", "user": "anna", "otp": "755224"}"#;
    assert_eq!(post(&auth, doubled).http, 400, "a name that stands twice");
    let large = format!(
        "{{\"component\": \"app\", \"user\": \"otto\", \"otp\": \"{}\"}}",
        "7".repeat(1 << 20)
    );
    let answer = post(&auth, large.as_bytes());
    assert_eq!(answer.http, 413, "{}", answer.text);
    let unknown = post(
        &auth,
        br#"{"component": "nothing_like_it", "user": "otto", "otp": "755224"}"#,
    );
    assert_eq!(unknown.http, 403, "{}", unknown.text);
    let elsewhere = curl::post(
        &auth,
        &json!({"component": "app", "user": "otto", "otp": "755224"}),
        &["--interface", "127.0.0.3"],
    );
    assert_eq!(elsewhere.http, 403, "{}", elsewhere.text);
    assert_eq!(post(&world.url("/v1/auth/levitate"), b"{}").http, 404);
    assert_eq!(post(&world.url("/v1/admin/user/query"), b"{}").http, 401);
    assert_eq!(post(&world.url("/v9/admin"), b"{}").http, 404);
    assert_eq!(curl::get(&auth).http, 405);

    let made = world.done("component/create", json!({"type": "keyed", "location": "127.0.0.1", "policy": "local_only", "generate_api_key": true}));
    let key = made.text("api_key");
    let body = json!({"component": "keyed", "user": "otto", "otp": hotp(KEY_HEX, 0)});
    assert_eq!(curl::post(&auth, &body, &[]).http, 401, "no key");
    assert_eq!(
        curl::post(
            &auth,
            &body,
            &["--header", "Countersign-Component-Key: wrong"]
        )
        .http,
        401
    );
    let shown = curl::post(
        &auth,
        &body,
        &["--header", &format!("Countersign-Component-Key: {key}")],
    );
    assert_eq!(shown.status(), 0, "{}", shown.text);
    let problem = post(&auth, b"{");
    assert!(
        problem.body["title"].is_string() && problem.body["status"] == 400,
        "problem+json: {}",
        problem.text
    );
}

/// A file system of a few megabytes that is gone with this.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where mounting is not permitted.
    fn mount(at: &'a Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"])
            .arg(at)
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_accepts_nothing_and_service_goes_on_afterwards() {
    if !Store::only_file() {
        return;
    }
    let mount = tempfile::tempdir().expect("make a directory");
    let Some(_disk) = SmallDisk::mount(mount.path()) else {
        eprintln!("SKIPPED: mounting a small disk is not permitted");
        return;
    };
    let data = mount.path().join("data");
    let server = Server::start(
        PROGRAM,
        Options {
            data_dir: Some(data.clone()),
            ..Options::default()
        },
    );
    let mut world = World::on(server);
    world.policy("local_only", json!({"user_lock_threshold": 0}));
    let serial = world.hotp_user("otto");
    let ballast = data.join("ballast");
    fill(&ballast);
    let mut refused = 0;
    for counter in 0..2000 {
        let answer = world.post(
            "/v1/auth/authenticate",
            &[],
            &json!({"component": "app", "user": "otto", "otp": hotp_of(counter)}),
        );
        match answer.status() {
            0 => {} // the log of the database still had room
            -106 => refused += 1,
            _ => panic!("{}", answer.text),
        }
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3, "the disk never got full");
    let next = world.post(
        "/v1/auth/authenticate",
        &[],
        &json!({"component": "app", "user": "otto", "otp": "000000"}),
    );
    assert_eq!(
        next.status(),
        -106,
        "refusals cannot be audited either: {}",
        next.text
    );
    std::fs::remove_file(&ballast).expect("make room");
    let counter = world.application(&serial)["next_counter"]
        .as_u64()
        .expect("a counter");
    until("service goes on", || {
        let answer = world.post(
            "/v1/auth/authenticate",
            &[],
            &json!({"component": "app", "user": "otto", "otp": hotp_of(counter)}),
        );
        (answer.status() == 0).then_some(())
    });
    world.run_ok(&["audit", "verify"]);
    world.stop();
}

fn hotp_of(counter: u64) -> String {
    countersign_testkit::oath::fast_hotp(KEY_HEX, counter, 6)
}

/// Writes until there is no more room.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::create(path).expect("make a file");
    for size in [65_536, 4096, 1] {
        while file.write_all(&vec![0x55; size]).is_ok() {}
    }
}

#[test]
fn a_database_that_takes_no_writes_accepts_nothing() {
    let mut world = world();
    world.hotp_user("otto");
    // whoever runs as root writes past the permissions of files; this refuses whoever it is
    world.refuse_writes();
    let answer = world.app(json!({"user": "otto", "otp": hotp(KEY_HEX, 0)}));
    assert_eq!(answer.status(), -106, "{}", answer.text);
    world.set_radius_timeout(1.0);
    assert!(world.pap("otto", &hotp(KEY_HEX, 0)).is_silent());
    world.take_writes();
    world.set_radius_timeout(5.0);
    assert!(
        world.pap("otto", &hotp(KEY_HEX, 0)).is_accept(),
        "nothing was consumed"
    );
    let mode = std::fs::metadata(world.data_dir())
        .expect("the data directory")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "the data directory is its owner's");
}
