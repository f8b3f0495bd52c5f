//! Programs of others that ask this server by RADIUS while it asks a back-end.

use super::{records, world};
use countersign_testkit::freeradius::{CHALLENGE_ANSWER, PASSWORD};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{FreeRadius, OpenSsh, OpenVpn, World};
use serde_json::json;

const QUESTION: &str = "one-time password";

/// `chal` is challenged by FreeRADIUS; `bob` types the password of FreeRADIUS and an OTP of this server.
fn furnished(server: &FreeRadius) -> World {
    let mut world = world();
    records::add(&mut world, records::radius(server), json!({}));
    // pam_radius 2.0 sends none
    world.component(
        "radius_client",
        json!({"require_message_authenticator": false, "status_in_reply": false}),
    );
    world
}

fn challenged(world: &mut World) {
    records::alone(world, "radius", json!({}));
}

fn one_time(world: &mut World) {
    world.policy(
        "local_only",
        json!({"back_end_auth": "always", "back_end_protocol": "radius", "user_lock_threshold": 0}),
    );
    world.hotp_user("bob");
}

#[test]
fn openssh_asks_both_questions() {
    let Some(back_end) = FreeRadius::start() else {
        return;
    };
    let mut world = furnished(&back_end);
    let (address, secret) = (world.ready("radius_auth"), world.radius_secret());
    let Some(ssh) = OpenSsh::start(&address, &secret, &["chal", "bob"]) else {
        return;
    };
    challenged(&mut world);
    let right = ssh.log_on(
        "chal",
        &[("assword:", PASSWORD), (QUESTION, CHALLENGE_ANSWER)],
    );
    assert!(right.contains("logged on as chal"), "{right}{}", ssh.log());
    let wrong = ssh.log_on("chal", &[("assword:", PASSWORD), (QUESTION, "000000")]);
    assert!(!wrong.contains("logged on as"), "{wrong}");
    one_time(&mut world);
    let both = format!("{PASSWORD}{}", hotp(KEY_HEX, 0));
    let right = ssh.log_on("bob", &[("assword:", &both)]);
    assert!(right.contains("logged on as bob"), "{right}{}", ssh.log());
    let again = ssh.log_on("bob", &[("assword:", &both)]);
    assert!(!again.contains("logged on as"), "{again}");
}

#[test]
fn openvpn_sends_both_answers() {
    let Some(back_end) = FreeRadius::start() else {
        return;
    };
    let mut world = furnished(&back_end);
    let (address, secret) = (world.ready("radius_auth"), world.radius_secret());
    let Some(vpn) = OpenVpn::start(&address, &secret, "Enter") else {
        return;
    };
    challenged(&mut world);
    assert!(
        vpn.connect("chal", PASSWORD, Some(CHALLENGE_ANSWER)),
        "{}",
        vpn.log()
    );
    assert!(!vpn.connect("chal", PASSWORD, Some("000000")));
    world.hotp_user("normal");
    one_time(&mut world);
    let both = format!("{PASSWORD}{}", hotp(KEY_HEX, 0));
    assert!(vpn.connect("normal", &both, None), "{}", vpn.log());
    assert!(!vpn.connect("normal", &both, None));
}
