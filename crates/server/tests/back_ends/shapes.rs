//! Every shape of authentication.md 4.2 with a back-end: case 1, the stored password is sent along, and case 2, it is typed.

use super::{proof, records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::slapd::PASSWORD;
use countersign_testkit::{Proof, Slapd, World};
use serde_json::json;

const NEW: &str = "Changed-Passw0rd-2";
const PIN: &str = "1234";
const NEW_PIN: &str = "98765";

/// OTPs of a user, each once.
struct Otps(u64);

impl Otps {
    fn next(&mut self) -> String {
        self.0 += 1;
        hotp(KEY_HEX, self.0 - 1)
    }
}

/// A user with an authenticator with PIN, whose password the account knows.
fn with_pin(world: &mut World, user: &str, pin: Option<&str>) -> Otps {
    world.user(user, Some(PASSWORD));
    let fields = json!({"algorithm": "HOTP", "secret_hex": KEY_HEX, "pin_supported": true});
    let serial = world.authenticator(user, fields);
    let application = world.application(&serial)["application"].clone();
    world.done(
        "application/enable-pin",
        json!({"serial": serial, "application": application}),
    );
    if let Some(pin) = pin {
        world.done(
            "application/set-pin",
            json!({"serial": serial, "application": application, "pin": pin}),
        );
    }
    Otps(0)
}

fn proves(world: &mut World, proof: &Proof, code: i16, user: &str, parts: &[&str]) {
    world.proves_pap(proof, code, user, &parts.concat());
}

#[test]
fn shapes_where_the_password_is_typed() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("shapes_where_the_password_is_typed");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    let values = |proxy: &str, needed: &str| {
        json!({
            "back_end_auth": needed, "back_end_protocol": "ldap", "stored_password_proxy": proxy,
            "password_autolearn": "yes", "user_lock_threshold": 0,
        })
    };
    world.policy("local_only", values("no", "always"));

    // no PIN
    world.user("normal", Some(PASSWORD));
    world.hotp("normal");
    let mut otps = Otps(0);
    proves(&mut world, &proof, 0, "normal", &[PASSWORD, &otps.next()]);
    let otp = otps.next();
    proves(&mut world, &proof, 1023, "normal", &[&otp]);
    proves(&mut world, &proof, 0, "normal", &[PASSWORD, &otp]); // nothing was consumed
    let otp = otps.next();
    proves(
        &mut world,
        &proof,
        1023,
        "normal",
        &["Wrong-Passw0rd", &otp],
    );
    proves(&mut world, &proof, 1008, "normal", &[PASSWORD, &otp]); // consumed
    server.change_password("normal", PASSWORD, NEW);
    proves(&mut world, &proof, 0, "normal", &[NEW, &otps.next()]); // tells the changed password
    let fields = json!({"user": "normal", "static_password": NEW, "otp": otps.next()});
    world.proves_app(&proof, 0, fields);
    let otp = otps.next();
    world.proves_app(&proof, 1023, json!({"user": "normal", "otp": otp}));
    world.proves_app(
        &proof,
        0,
        json!({"user": "normal", "password": format!("{NEW}{otp}")}),
    );

    // a PIN that was set
    let mut otps = with_pin(&mut world, "learner", Some(PIN));
    proves(
        &mut world,
        &proof,
        0,
        "learner",
        &[PASSWORD, PIN, &otps.next()],
    );
    let otp = otps.next();
    proves(&mut world, &proof, 1023, "learner", &[PIN, &otp]);
    proves(
        &mut world,
        &proof,
        1012,
        "learner",
        &[PASSWORD, "4321", &otp],
    );
    proves(
        &mut world,
        &proof,
        0,
        "learner",
        &[PASSWORD, PIN, &otp, NEW_PIN, NEW_PIN],
    );
    proves(
        &mut world,
        &proof,
        0,
        "learner",
        &[PASSWORD, NEW_PIN, &otps.next()],
    );
    server.change_password("learner", PASSWORD, NEW);
    proves(
        &mut world,
        &proof,
        0,
        "learner",
        &[NEW, NEW_PIN, &otps.next(), PIN, PIN],
    );
    let fields = json!({"user": "learner", "static_password": NEW, "pin": PIN, "otp": otps.next()});
    world.proves_app(&proof, 0, fields);

    // the first PIN
    let mut otps = with_pin(&mut world, "newcomer", None);
    let otp = otps.next();
    proves(&mut world, &proof, 1020, "newcomer", &[PASSWORD, &otp]);
    proves(
        &mut world,
        &proof,
        0,
        "newcomer",
        &[PASSWORD, &otp, PIN, PIN],
    );
    proves(
        &mut world,
        &proof,
        0,
        "newcomer",
        &[PASSWORD, PIN, &otps.next()],
    );
    let mut otps = with_pin(&mut world, "outsider", None);
    server.change_password("outsider", PASSWORD, NEW);
    let fields = json!({
        "user": "outsider", "static_password": NEW, "otp": otps.next(), "new_pin": PIN, "confirm_new_pin": PIN,
    });
    world.proves_app(&proof, 0, fields);

    // where the back-end is needed for some only, too
    world.policy("local_only", values("no", "if_needed"));
    let otp = otps.next();
    proves(&mut world, &proof, 1023, "outsider", &[PIN, &otp]);
    proves(&mut world, &proof, 0, "outsider", &[NEW, PIN, &otp]);
}

#[test]
fn shapes_where_the_password_is_known() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let proof = proof("shapes_where_the_password_is_known");
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    records::replaying(&mut world, "ldap", json!({"password_autolearn": "yes"}));

    world.user("normal", Some(PASSWORD));
    world.hotp("normal");
    let mut otps = Otps(0);
    proves(&mut world, &proof, 0, "normal", &[&otps.next()]);
    proves(&mut world, &proof, 0, "normal", &[PASSWORD, &otps.next()]);
    server.change_password("normal", PASSWORD, NEW);
    proves(&mut world, &proof, 1022, "normal", &[&otps.next()]);
    proves(
        &mut world,
        &proof,
        1023,
        "normal",
        &["Wrong-Passw0rd", &otps.next()],
    );
    proves(&mut world, &proof, 0, "normal", &[NEW, &otps.next()]);
    proves(&mut world, &proof, 0, "normal", &[&otps.next()]);

    let mut otps = with_pin(&mut world, "learner", None);
    proves(&mut world, &proof, 0, "learner", &[&otps.next(), PIN, PIN]);
    proves(&mut world, &proof, 0, "learner", &[PIN, &otps.next()]);
    server.change_password("learner", PASSWORD, NEW);
    proves(&mut world, &proof, 1022, "learner", &[PIN, &otps.next()]);
    proves(
        &mut world,
        &proof,
        0,
        "learner",
        &[NEW, PIN, &otps.next(), NEW_PIN, NEW_PIN],
    );
    proves(&mut world, &proof, 0, "learner", &[NEW_PIN, &otps.next()]);

    // the password alone is no logon, and no directory is asked for it
    proves(&mut world, &proof, 1033, "learner", &[NEW]);
    world.proves_app(
        &proof,
        1033,
        json!({"user": "learner", "static_password": NEW}),
    );
    proves(&mut world, &proof, 1012, "learner", &["Wrong-Passw0rd"]);
    assert_eq!(server.bad_passwords("learner"), 0);
}
