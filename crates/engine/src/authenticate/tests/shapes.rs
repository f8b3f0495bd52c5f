//! authentication.md 4.2: the shapes of a value, in both cases.

use super::world::{Ask, World, codes, value};
use serde_json::{Value as Json, json};

fn case_1() -> Json {
    json!({"local_auth": "authenticator_only"})
}

fn case_2() -> Json {
    json!({"local_auth": "authenticator_only", "back_end_auth": "if_needed"})
}

fn proxied() -> Json {
    json!({"local_auth": "authenticator_only", "back_end_auth": "if_needed", "stored_password_proxy": "yes"})
}

/// What was typed, with `otp` for the next value, `S` for the stored password and `X` for another one.
fn typed(shape: &str, next: u64) -> String {
    let part = |word: &str| match word {
        "otp" => value(next),
        "S" => "Secret".to_owned(),
        "X" => "Changed".to_owned(),
        pin => pin.to_owned(),
    };
    shape.split(' ').map(part).collect()
}

fn world(policy: Json, pin: Option<Option<&str>>) -> World {
    let world = World::new(policy).with_password("Secret").with_hotp();
    match pin {
        Some(pin) => world.with_pin(pin),
        None => world,
    }
}

#[test]
fn every_row_of_the_table() {
    // policy, PIN, shape, status, consumed
    let rows = [
        (case_1(), None, "otp", 0, true),
        (case_1(), None, "S otp", 0, true),
        (case_1(), None, "X otp", 1011, false),
        (case_1(), Some(Some("1234")), "1234 otp", 0, true),
        (case_1(), Some(Some("1234")), "S 1234 otp", 0, true),
        (case_1(), Some(Some("1234")), "X 1234 otp", 1011, false),
        (case_1(), Some(Some("1234")), "otp", 1012, false),
        (case_1(), Some(Some("1234")), "4321 otp", 1012, false),
        (case_1(), Some(Some("1234")), "1234 otp 5678 5678", 0, true),
        (
            case_1(),
            Some(Some("1234")),
            "S 1234 otp 5678 5678",
            0,
            true,
        ),
        (
            case_1(),
            Some(Some("1234")),
            "1234 otp 56789012 56789012",
            0,
            true,
        ),
        (case_1(), Some(None), "otp 5678 5678", 0, true),
        (case_1(), Some(None), "S otp 5678 5678", 0, true),
        (case_1(), Some(None), "otp", 1020, false),
        (case_1(), Some(None), "S otp", 1020, false),
        (case_2(), None, "S otp", 0, true),
        (case_2(), None, "otp", 1023, false),
        (case_2(), Some(Some("1234")), "S 1234 otp", 0, true),
        (case_2(), Some(Some("1234")), "1234 otp", 1023, false),
        (
            case_2(),
            Some(Some("1234")),
            "S 1234 otp 5678 5678",
            0,
            true,
        ),
        (case_2(), Some(None), "S otp 5678 5678", 0, true),
        (case_2(), Some(None), "otp 5678 5678", 1023, false),
        // A changed password goes to a back-end, which this build cannot ask; the OTP is consumed before.
        (case_2(), None, "X otp", -108, true),
        (case_2(), Some(Some("1234")), "X 1234 otp", -108, true),
        (proxied(), None, "otp", 0, true),
        (proxied(), None, "S otp", 0, true),
        (proxied(), None, "X otp", -108, true),
    ];
    for (policy, pin, shape, status, consumed) in rows {
        let mut world = world(policy.clone(), pin);
        assert_eq!(
            world.try_value(&typed(shape, 2)),
            status,
            "{shape} under {policy}, PIN {pin:?}"
        );
        assert_eq!(
            world.state().counter,
            if consumed { 3 } else { 2 },
            "{shape} under {policy}, PIN {pin:?}"
        );
        assert_eq!(
            world.user().lock_count,
            u32::from([1011, 1012, 1023].contains(&status)),
            "{shape} under {policy}"
        );
    }
}

#[test]
fn separate_fields_carry_the_same_parts() {
    let ask = |next: u64| Ask {
        pin: Some("1234".to_owned()),
        ..Ask::otp(&value(next))
    };
    let mut world = world(case_1(), Some(Some("1234")));
    assert_eq!(world.try_ask(&ask(2)), 0);
    assert_eq!(
        world.try_ask(&Ask {
            pin: None,
            ..ask(3)
        }),
        1012
    );
    assert_eq!(
        world.try_ask(&Ask {
            pin: Some("1235".to_owned()),
            ..ask(3)
        }),
        1012
    );
    let changed = |new: &str, again: &str| Ask {
        new_pin: Some((new.to_owned(), again.to_owned())),
        ..ask(3)
    };
    assert_eq!(world.try_ask(&changed("5678", "5679")), 1019);
    for new in ["123", "123456789", "12a4"] {
        assert_eq!(world.try_ask(&changed(new, new)), 1020, "{new}");
    }
    assert_eq!(world.state().counter, 3);
    let decision = world.send(&changed("5678", "5678"));
    assert_eq!(codes(&decision), ["S-101001", "I-101003"]);
    assert_eq!(world.try_value(&format!("5678{}", value(4))), 0);
    assert_eq!(
        world.try_ask(&Ask {
            pin: Some("5678".to_owned()),
            static_password: Some("other".to_owned()),
            ..ask(5)
        }),
        1011
    );
}

#[test]
fn a_pin_where_there_is_none_is_wrong() {
    let mut world = world(case_1(), None);
    assert_eq!(
        world.try_ask(&Ask {
            pin: Some("1234".to_owned()),
            ..Ask::otp(&value(2))
        }),
        1012
    );
    assert_eq!(world.try_value(&format!("{}56785678", value(2))), 1012);
}

#[test]
fn a_pin_change_must_be_allowed_twice() {
    for (by_policy, by_application, status) in
        [("yes", true, 0), ("no", true, 1020), ("yes", false, 1020)]
    {
        let mut world = world(
            json!({"local_auth": "authenticator_only", "pin_change_allowed": by_policy}),
            Some(Some("1234")),
        );
        world.application_mut().pin.change_allowed = by_application;
        assert_eq!(world.try_value(&typed("1234 otp 5678 5678", 2)), status);
        assert_eq!(world.state().counter, if status == 0 { 3 } else { 2 });
        assert_eq!(
            world.try_value(&typed("1234 otp", 3)),
            if status == 0 { 1012 } else { 0 },
            "the old PIN"
        );
    }
}

#[test]
fn a_short_new_pin_and_a_forced_change() {
    let mut world = world(case_1(), Some(Some("1234")));
    world.application_mut().pin.min_length = 6;
    assert_eq!(world.try_value(&typed("1234 otp 5678 5678", 2)), 1020);
    world.application_mut().state.pin_change_forced = true;
    assert_eq!(world.try_value(&typed("1234 otp", 2)), 1020);
    assert_eq!(world.try_value(&typed("1234 otp 567890 567890", 2)), 0);
    assert_eq!(world.try_value(&typed("567890 otp", 3)), 0);
}

#[test]
fn the_whole_value_is_never_longer_than_a_password_can_be() {
    let mut world = world(json!({"local_auth": "authenticator_or_password"}), None);
    assert_eq!(world.try_value(&"é".repeat(129)), 1012);
    assert!(world.asked.is_empty());
}

#[test]
fn self_assignment_is_recognised_for_users_without_authenticator() {
    let policy = |mode: &str, back_end: &str| json!({"local_auth": "grace_period", "serial_separator": "|", "assignment_mode": mode, "back_end_auth": back_end});
    let mut world = World::new(policy("neither", "none")).with_password("Secret");
    assert_eq!(world.try_value("0097123456|Secret1755224"), 1031);
    world.policy(policy("self", "none"));
    assert_eq!(world.try_value("0097123456|Secret1755224"), 1041);
    let fields = Ask {
        serial: Some("0097123456".to_owned()),
        static_password: Some("Secret".to_owned()),
        ..Ask::otp("755224")
    };
    assert_eq!(world.try_ask(&fields), 1041);
    let mut owner = World::new(policy("self", "none"))
        .with_password("Secret")
        .with_hotp();
    assert_eq!(owner.try_value("0097123456|Secret1000000"), 1012);
}
