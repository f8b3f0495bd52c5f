//! Authenticators and their applications.

use super::world::{KEY, NOW, World, device, hotp, totp};
use crate::admin::Write;
use crate::audit::Code;
use crate::decision::Change;
use crate::model::{ApplicationKey, AuthenticatorKey, UnitKey, UserKey};
use crate::policy::{Policy, PolicySet, predefined};
use crate::{Secret, Status};
use countersign_oath::{Hash, otpauth, pskc};
use serde_json::{Value as Json, json};

fn serial(serial: &str) -> Json {
    json!({"serial": serial})
}

fn app(serial: &str) -> Json {
    json!({"serial": serial, "application": "RO"})
}

fn with(mut body: Json, more: Json) -> Json {
    let (Json::Object(fields), Json::Object(more)) = (&mut body, more) else {
        panic!()
    };
    fields.extend(more);
    body
}

#[test]
fn an_authenticator_is_made_and_told_once() {
    let world = World::new();
    let decision = world.decide(
        "authenticator",
        "create",
        json!({"type": "fob", "algorithm": "HOTP", "hash": "SHA256", "digits": 8, "counter": 3}),
    );
    let made = decision.result["serial"].as_str().unwrap();
    assert!(made.len() == 10 && made.bytes().all(|byte| byte.is_ascii_digit()));
    let uri = otpauth::parse(decision.result["otpauth_uri"].as_str().unwrap()).unwrap();
    assert_eq!(
        (uri.kind, uri.hash, uri.secret.len()),
        (otpauth::Kind::Hotp { counter: 3 }, Hash::Sha256, 32)
    );
    let [
        Change::Write(Write::Authenticator(_)),
        Change::Write(Write::Application(AuthenticatorKey(-1), put)),
    ] = &decision.changes[..]
    else {
        panic!()
    };
    assert!(
        put.record.state.counter == 3
            && put.record.state.initial
            && put.secrets[0].1 == Some(uri.secret)
    );
    let ocra = world.decide("authenticator", "create", json!({"serial": "c-1", "type": "new", "suite": "OCRA-1:HOTP-SHA1-6:QN08", "secret_hex": "31323334"}));
    assert_eq!(
        (
            ocra.result["serial"].as_str(),
            ocra.changes.len(),
            ocra.warnings.len()
        ),
        (Some("C-1"), 3, 1)
    );
    let options = pskc::Options {
        allow_plain: true,
        ..pskc::Options::default()
    };
    let container = pskc::read(ocra.result["pskc"].as_str().unwrap().as_bytes(), &options).unwrap();
    assert_eq!(
        container.packages[0].as_ref().unwrap().secret,
        Secret::new("1234")
    );
    let base32 = world.decide(
        "authenticator",
        "create",
        json!({"secret_base32": "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"}),
    );
    assert_eq!(
        otpauth::parse(base32.result["otpauth_uri"].as_str().unwrap())
            .unwrap()
            .secret,
        Secret::new(KEY)
    );
    for (body, status) in [
        (serial("0001"), -14),
        (json!({"suite": "OCRA-1:nonsense"}), -101),
        (json!({"algorithm": "OCRA"}), -102),
        (json!({"algorithm": "HOTP", "period": 30}), -2),
        (json!({"algorithm": "TOTP", "counter": 1}), -2),
        (
            json!({"algorithm": "HOTP", "suite": "OCRA-1:HOTP-SHA1-6:QN08"}),
            -2,
        ),
        (json!({"digits": 6, "suite": "OCRA-1:HOTP-SHA1-6:QN08"}), -2),
        (json!({"secret_hex": "00", "secret_base32": "AA"}), -2),
        (json!({"secret_hex": "xx"}), -101),
        (json!({"secret_base32": "1"}), -101),
        (json!({"domain": "nowhere"}), -13),
    ] {
        assert_eq!(
            world.status("authenticator", "create", body.clone()),
            status,
            "{body}"
        );
    }
}

#[test]
fn assignment() {
    let mut world = World::new();
    let assign = |serial: &str, user: &str| json!({"serial": serial, "user": user});
    let decision = world.decide("authenticator", "assign", assign("0001", "bob"));
    assert_eq!(
        (decision.records.len(), decision.records[0].code),
        (1, Code::ASSIGNED_BY_ADMIN)
    );
    assert_eq!(
        (&decision.result["user"], &decision.result["grace_end"]),
        (&json!("bob"), &json!("2027-01-22"))
    );
    let [Change::Write(Write::Authenticator(put))] = &decision.changes[..] else {
        panic!()
    };
    assert_eq!(
        (put.record.user, put.record.assigned_at),
        (Some(UserKey(3)), Some(NOW))
    );
    assert_eq!(
        world
            .decide(
                "authenticator",
                "assign",
                with(assign("0001", "bob"), json!({"grace_period_days": 0}))
            )
            .result["grace_end"],
        "2027-01-15"
    );
    assert_eq!(
        world
            .decide(
                "authenticator",
                "assign",
                with(assign("0001", "bob"), json!({"grace_period_days": null}))
            )
            .result["grace_end"],
        Json::Null
    );
    assert_eq!(
        world.status("authenticator", "assign", assign("0002", "bob")),
        1016
    );
    assert_eq!(
        world.status("authenticator", "assign", assign("9999", "bob")),
        -13
    );
    assert_eq!(
        world.status("authenticator", "assign", assign("0001", "nobody")),
        -13
    );
    world.device("0001").org_unit = Some(UnitKey(1));
    assert_eq!(
        world.status("authenticator", "assign", assign("0001", "bob")),
        1016
    );
    world.account("bob").user.org_unit = Some(UnitKey(2));
    assert_eq!(
        world.status("authenticator", "assign", assign("0001", "bob")),
        1016,
        "a unit above"
    );
    world.account("bob").user.org_unit = Some(UnitKey(1));
    assert_eq!(
        world.status("authenticator", "assign", assign("0001", "bob")),
        0
    );
    world.account("bob").user.linked = Some(UserKey(2));
    world.settle();
    assert_eq!(
        world.status("authenticator", "assign", assign("0001", "bob")),
        -2
    );
}

#[test]
fn the_server_policy_limits_assignment() {
    let mut world = World::new();
    let mut policies = |fields: Json| {
        let mut server = predefined::restore_default("server").unwrap();
        server.apply(fields.as_object().unwrap()).unwrap();
        let others: Vec<Policy> = predefined::all()
            .into_iter()
            .filter(|policy| policy.id != "server")
            .collect();
        world.snapshot.policies = PolicySet::new(others.into_iter().chain([server]));
        world.account("bob").user.org_unit = Some(UnitKey(2));
        world.device("0001").org_unit = Some(UnitKey(1));
        (
            world.status(
                "authenticator",
                "assign",
                json!({"serial": "0001", "user": "bob"}),
            ),
            world.status(
                "authenticator",
                "assign",
                json!({"serial": "0003", "user": "alice"}),
            ),
        )
    };
    assert_eq!(policies(json!({"search_up_org_units": "yes"})), (0, 0));
    assert_eq!(
        policies(json!({"search_up_org_units": "yes", "authenticator_types": ["card"]})),
        (1016, 1016)
    );
    assert_eq!(
        policies(json!({"search_up_org_units": "yes", "type_limits": ["fob:1"]})),
        (0, 1016)
    );
}

#[test]
fn the_last_use_stays_with_the_user() {
    let mut world = World::new();
    world.device("0002").applications[0].state.last_success = Some(NOW);
    world.settle();
    let decision = world.decide("authenticator", "unassign", serial("0002"));
    assert_eq!(decision.records[0].code, Code::UNASSIGNED);
    let [
        Change::Write(Write::UserState(UserKey(2), 4, state)),
        Change::Write(Write::Authenticator(put)),
    ] = &decision.changes[..]
    else {
        panic!()
    };
    assert!(state.last_auth_at == Some(NOW) && put.record.user.is_none());
    assert!(matches!(
        &world.writes("authenticator", "delete", serial("0002"))[..],
        [
            Write::UserState(..),
            Write::RemoveAuthenticator(AuthenticatorKey(2), 7)
        ]
    ));
    assert_eq!(
        world.status("authenticator", "unassign", serial("0001")),
        -2
    );
}

#[test]
fn authenticators_change() {
    let world = World::new();
    assert_eq!(
        world.decide("authenticator", "view", serial("0002")).result["user"],
        "Alice"
    );
    let changed = world.decide("authenticator", "update", json!({"serial": "0002", "description": "d", "reserved": true, "grace_end": "2030-01-01", "backup_virtual": "permitted", "backup_uses_left": 3}));
    assert_eq!(
        (
            &changed.result["grace_end"],
            &changed.result["backup_virtual"]
        ),
        (&json!("2030-01-01"), &json!("permitted"))
    );
    assert_eq!(
        world.status(
            "authenticator",
            "update",
            json!({"serial": "0001", "grace_end": "2030-01-01"})
        ),
        -2
    );
    assert_eq!(
        world
            .decide("authenticator", "disable", serial("0001"))
            .result["disabled"],
        true
    );
    assert_eq!(
        world
            .decide("authenticator", "enable", serial("0001"))
            .result["disabled"],
        false
    );
    assert_eq!(
        world
            .decide(
                "authenticator",
                "set-expiration",
                json!({"serial": "0001", "expires_at": "2030-01-01"})
            )
            .result["expires_at"],
        "2030-01-01"
    );
    assert_eq!(
        world
            .decide(
                "authenticator",
                "set-start",
                json!({"serial": "0001", "starts_at": null})
            )
            .result["starts_at"],
        Json::Null
    );
    assert_eq!(
        world
            .decide(
                "authenticator",
                "move",
                json!({"serial": "0001", "to_domain": "example.org"})
            )
            .result["domain"],
        "Example.org"
    );
    assert_eq!(
        world.status(
            "authenticator",
            "move",
            json!({"serial": "0002", "to_domain": "example.org"})
        ),
        -2
    );
    for (verb, more) in [
        ("view", json!({})),
        ("update", json!({})),
        ("delete", json!({})),
        ("move", json!({})),
        ("unassign", json!({})),
        ("enable", json!({})),
        ("disable", json!({})),
        ("set-expiration", json!({"expires_at": null})),
        ("set-start", json!({"starts_at": null})),
    ] {
        assert_eq!(
            world.status("authenticator", verb, with(serial("9999"), more)),
            -13,
            "{verb}"
        );
    }
}

#[test]
fn applications_are_added_changed_and_removed() {
    let mut world = World::new();
    let second = json!({"serial": "0001", "application": "CR", "suite": "OCRA-1:HOTP-SHA1-6:QN08"});
    let decision = world.decide("application", "create", second);
    assert_eq!(
        (
            decision.result["index"].as_i64(),
            decision.result["type"].as_str()
        ),
        (Some(1), Some("CR"))
    );
    assert_eq!(world.status("application", "create", app("0001")), -14);
    assert_eq!(
        world.decide("application", "view", app("0001")).result["next_counter"],
        5
    );
    assert_eq!(
        world
            .decide(
                "application",
                "update",
                with(
                    app("0001"),
                    json!({"host_code": true, "pin_supported": true})
                )
            )
            .result["host_code"],
        true
    );
    assert_eq!(
        world
            .decide("application", "deactivate", app("0001"))
            .result["active"],
        false
    );
    assert_eq!(
        world.decide("application", "activate", app("0001")).result["active"],
        true
    );
    assert_eq!(world.status("application", "delete", app("0001")), -2);
    let mut other = device(7, "x", None, hotp()).applications.remove(0);
    other.name = "B".into();
    world.device("0001").applications.push(other);
    assert!(matches!(
        &world.writes("application", "delete", app("0001"))[..],
        [Write::RemoveApplication(ApplicationKey(10), 7)]
    ));
    for verb in [
        "view",
        "update",
        "delete",
        "activate",
        "deactivate",
        "enable-pin",
        "disable-pin",
        "reset-pin",
        "force-pin-change",
        "reset",
        "reset-error-count",
        "unlock",
    ] {
        assert_eq!(
            world.status(
                "application",
                verb,
                json!({"serial": "0001", "application": "none"})
            ),
            -13,
            "{verb}"
        );
    }
}

#[test]
fn pins() {
    let mut world = World::new();
    for (verb, more) in [
        ("enable-pin", json!({})),
        ("force-pin-change", json!({})),
        ("set-pin", json!({"pin": "1234"})),
    ] {
        assert_eq!(
            world.status("application", verb, with(app("0001"), more)),
            -2,
            "{verb} needs pin_supported"
        );
    }
    world.device("0001").applications[0].pin.supported = true;
    assert_eq!(
        world
            .decide("application", "enable-pin", app("0001"))
            .result["pin_enabled"],
        true
    );
    assert_eq!(
        world
            .decide("application", "disable-pin", app("0001"))
            .result["pin_enabled"],
        false
    );
    let decision = world.decide(
        "application",
        "set-pin",
        with(app("0001"), json!({"pin": "4711", "confirm": "4711"})),
    );
    assert!(
        matches!(&decision.changes[..], [Change::Pin { key: ApplicationKey(10), pin }] if *pin == Secret::new("4711"))
    );
    assert!(!format!("{decision:?}").contains("4711"));
    assert_eq!(
        world.status(
            "application",
            "set-pin",
            with(app("0001"), json!({"pin": "471"}))
        ),
        -101
    );
    assert_eq!(
        world.status(
            "application",
            "set-pin",
            with(app("0001"), json!({"pin": "abcd"}))
        ),
        -101
    );
    assert_eq!(
        world.status(
            "application",
            "set-pin",
            with(app("0001"), json!({"pin": "4711", "confirm": "4712"}))
        ),
        1019
    );
    assert!(
        matches!(&world.writes("application", "reset-pin", app("0001"))[..], [Write::Application(_, put)] if put.secrets == [("pin", None)])
    );
    assert_eq!(
        world
            .decide("application", "force-pin-change", app("0001"))
            .result["pin_change_forced"],
        true
    );
    world.device("0001").applications[0].pin.enabled = true;
    assert_eq!(
        world.status(
            "application",
            "update",
            with(app("0001"), json!({"pin_supported": false}))
        ),
        -2
    );
}

#[test]
fn a_reset_never_forgets_the_last_accepted_value() {
    let mut world = World::new();
    let state = &mut world.device("0003").applications[0].state;
    (
        state.drift,
        state.last_step,
        state.errors,
        state.signature_errors,
    ) = (4, Some(77), 9, 2);
    let [Write::ApplicationState(ApplicationKey(30), 11, after)] =
        world.writes("application", "reset", app("0003"))[..]
    else {
        panic!()
    };
    assert_eq!(
        (
            after.drift,
            after.last_step,
            after.errors,
            after.counter,
            after.initial,
            after.version
        ),
        (0, Some(77), 0, 5, true, 12)
    );
    for verb in ["reset-error-count", "unlock"] {
        let [Write::ApplicationState(_, _, after)] =
            world.writes("application", verb, app("0003"))[..]
        else {
            panic!()
        };
        assert_eq!(
            (after.errors, after.signature_errors, after.drift),
            (0, 0, 4)
        );
    }
}

#[test]
fn counters_never_go_back() {
    let world = World::new();
    let set = |serial: &str, counter: i64| {
        world.status(
            "application",
            "set-event-counter",
            with(app(serial), json!({"counter": counter})),
        )
    };
    assert_eq!(
        (
            set("0001", 4),
            set("0001", 5),
            set("0001", 100),
            set("0003", 9)
        ),
        (-2, 0, 0, -2)
    );
}

#[test]
fn a_tested_value_is_consumed_or_counted() {
    let world = World::new();
    let otp = |counter: u64| {
        countersign_oath::hotp(KEY, counter, Hash::Sha1, 6)
            .as_str()
            .to_owned()
    };
    let test = |serial: &str, otp: &str| {
        world.decide(
            "application",
            "test-otp",
            with(app(serial), json!({"otp": otp})),
        )
    };
    let right = test("0002", &otp(6));
    assert_eq!(
        (right.status, &right.result["verdict"]["valid"]),
        (Status::SUCCESS, &json!(true))
    );
    assert!(right.changes.iter().any(|change| matches!(change, Change::Application { key: ApplicationKey(20), to, .. } if to.counter == 7)));
    let used = test("0002", &otp(4));
    assert_eq!(used.result["verdict"]["status_code"], 1008);
    let wrong = test("0002", "000000");
    assert_eq!(
        (wrong.status, &wrong.result["verdict"]["status_code"]),
        (Status::SUCCESS, &json!(1012))
    );
    assert!(wrong.changes.iter().any(
        |change| matches!(change, Change::User { key: UserKey(2), to, .. } if to.lock_count == 1)
    ));
    assert!(
        wrong
            .changes
            .iter()
            .any(|change| matches!(change, Change::Application { to, .. } if to.errors == 1))
    );
    let free = test("0001", &otp(5));
    assert_eq!(free.result["verdict"]["valid"], true);
    assert!(free.changes.iter().all(|change| matches!(
        change,
        Change::Application {
            key: ApplicationKey(10),
            ..
        }
    )));
    assert_eq!(
        world.status(
            "application",
            "test-otp",
            with(app("9999"), json!({"otp": "1"}))
        ),
        -13
    );
    let _ = totp();
}
