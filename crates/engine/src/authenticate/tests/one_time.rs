//! authentication.md 8: windows, limits, replay, resynchronisation.

use super::world::{Ask, WRONG, World, asked, codes, grant, status, value};
use crate::attempt::HostCode;
use crate::time::Timestamp;
use serde_json::{Value as Json, json};

fn policy(more: Json) -> Json {
    let mut values = json!({"local_auth": "authenticator_only", "user_lock_threshold": 0});
    values.as_object_mut().unwrap().extend(match more {
        Json::Object(more) => more,
        other => panic!("no values: {other}"),
    });
    values
}

#[test]
fn the_worked_example_of_the_event_window() {
    let mut world = World::new(policy(json!({}))).with_hotp();
    assert_eq!(world.try_value("969429"), 0);
    assert_eq!(world.state().counter, 4);
    let decision = world.send(&Ask::combined("359152"));
    assert_eq!(
        (status(&decision), codes(&decision)),
        (1008, vec!["F-101003".to_owned()])
    );
    assert_eq!(world.try_value("969429"), 1008);
    assert_eq!(
        world.try_value(&value(4 + 20)),
        1012,
        "the first one after the window"
    );
    assert_eq!(
        world.try_value(&value(4 + 19)),
        0,
        "the last one of the window"
    );
}

#[test]
fn the_look_back_covers_a_hundred_counters() {
    let mut world = World::new(policy(json!({}))).with_hotp();
    world.application_mut().state.counter = 300;
    assert_eq!(world.try_value(&value(200)), 1008);
    assert_eq!(world.try_value(&value(199)), 1012);
}

#[test]
fn the_worked_example_of_the_time_window() {
    for (offset, status) in [(-13, 1012), (-12, 0), (-2, 0), (8, 0), (9, 1012)] {
        let mut world = World::new(policy(json!({}))).with_totp();
        world.application_mut().state.drift = -2;
        assert_eq!(
            world.try_value(&world.totp(offset)),
            status,
            "offset {offset}"
        );
        if status == 0 {
            let step = 56_666_667_u64.checked_add_signed(offset).unwrap();
            assert_eq!(
                (world.state().drift, world.state().last_step),
                (offset, Some(step))
            );
        }
    }
}

#[test]
fn only_steps_after_the_last_one() {
    let mut world = World::new(policy(json!({}))).with_totp();
    let first = world.totp(3);
    assert_eq!(world.try_value(&first), 0);
    assert_eq!(world.try_value(&first), 1008);
    assert_eq!(
        world.try_value(&world.totp(2)),
        1008,
        "older than the last accepted one"
    );
    assert_eq!(world.try_value(&world.totp(4)), 0);
}

#[test]
fn the_initial_window_is_wide_once() {
    for (more, offset, status) in [
        (json!({}), 360, 0),
        (json!({}), -360, 0),
        (json!({}), 361, 1012),
        (json!({"skip_initial_sync": "yes"}), 11, 1012),
        (json!({"initial_time_window_h": 1}), 61, 1012),
    ] {
        let mut world = World::new(policy(more.clone())).with_totp();
        world.application_mut().state.initial = true;
        assert_eq!(
            world.try_value(&world.totp(offset)),
            status,
            "{more} {offset}"
        );
        assert_eq!(world.state().initial, status != 0);
    }
}

#[test]
fn more_than_two_thousand_values_cut_the_windows() {
    let mut world = World::new(policy(json!({"initial_time_window_h": 60}))).with_totp();
    world.application_mut().state.initial = true;
    assert_eq!(world.try_value(&world.totp(11)), 1012);
    assert_eq!(world.try_value(&world.totp(10)), 0);
}

#[test]
fn the_dynamic_window_grows_with_disuse() {
    for (days, dynamic, offset, status) in [
        (365, "yes", 49, 0),
        (365, "yes", 50, 1012),
        (365, "no", 11, 1012),
        (10, "yes", 11, 1012),
    ] {
        let mut world = World::new(policy(json!({"dynamic_time_window": dynamic}))).with_totp();
        world.application_mut().state.last_success = Some(world.at.plus_seconds(-days * 86_400));
        assert_eq!(
            world.try_value(&world.totp(offset)),
            status,
            "{days} {offset}"
        );
    }
}

#[test]
fn application_limits() {
    let mut world = World::new(policy(json!({"identification_threshold": 2}))).with_hotp();
    assert_eq!(world.try_value(WRONG), 1012);
    let decision = world.send(&Ask::combined(WRONG));
    assert_eq!(codes(&decision), ["F-101001", "W-106003"]);
    let decision = world.send(&Ask::combined(&value(2)));
    assert_eq!(status(&decision), 1012);
    assert_eq!(
        decision.records[0].reason.as_deref(),
        Some("locked by its own threshold")
    );
    assert_eq!(world.state().errors, 2);

    let mut world = World::new(policy(json!({"check_inactive_days": 30}))).with_hotp();
    world.application_mut().state.last_success = Some(world.at.plus_seconds(-31 * 86_400));
    assert_eq!(world.try_value(&value(2)), 1012);
    world.application_mut().state.last_success = Some(world.at.plus_seconds(-30 * 86_400));
    assert_eq!(world.try_value(&value(2)), 0);
}

#[test]
fn a_value_at_the_edge() {
    let mut world = World::new(policy(json!({"otp_warning": "reject"}))).with_hotp();
    assert_eq!(world.try_value(&value(21)), 1012);
    assert_eq!(world.state().counter, 2);
    assert_eq!(world.try_value(&value(20)), 0);
    world.policy(policy(json!({})));
    assert_eq!(
        codes(&world.send(&Ask::combined(&value(21 + 19)))),
        ["S-101001", "W-101001"]
    );
    let mut world = World::new(policy(json!({"otp_warning": "reject"}))).with_totp();
    assert_eq!(world.try_value(&world.totp(-10)), 1012);
    assert_eq!(world.try_value(&world.totp(-9)), 0);
}

#[test]
fn two_values_in_a_row_resynchronise() {
    let mut world = World::new(policy(
        json!({"second_otp_sync": "yes", "identification_threshold": 3}),
    ))
    .with_hotp();
    let decision = world.send(&Ask::combined(&value(100)).radius());
    assert_eq!(
        (status(&decision), codes(&decision)),
        (3001, vec!["I-101006".to_owned()])
    );
    assert_eq!(
        (
            world.state().counter,
            world.state().errors,
            world.user().lock_count
        ),
        (2, 0, 0)
    );
    let key = asked(&decision).key;
    assert_eq!(
        world.try_ask(&Ask::answer(key, &value(102))),
        1012,
        "not exactly the next one"
    );
    assert_eq!(world.user().lock_count, 1);
    let over_radius = Ask {
        key: Some(key),
        ..Ask::combined(&value(101)).radius()
    };
    let decision = world.send(&over_radius);
    assert_eq!(codes(&decision), ["S-101001", "I-101007"]);
    assert_eq!((world.state().counter, world.state().resync), (102, None));
    assert_eq!(
        world.try_ask(&Ask::answer(key, &value(102))),
        3002,
        "consumed"
    );
    assert_eq!(
        world.try_value(&value(102 + 200)),
        1012,
        "beyond ten windows"
    );
    assert_eq!(world.try_value(&value(102 + 199)), 3001);
}

#[test]
fn after_a_restore_two_values_in_a_row_are_wanted_once() {
    let mut world = World::new(policy(json!({}))).with_hotp();
    world.application_mut().state.restored = true;
    let decision = world.send(&Ask::combined(&value(3)));
    assert_eq!(
        status(&decision),
        3001,
        "3 may have been used since the backup"
    );
    world.later(3600);
    assert_eq!(
        world.try_value(&value(3)),
        3001,
        "waiting makes it no better"
    );
    let decision = world.send(&Ask::combined(&value(150)));
    assert_eq!(status(&decision), 3001, "the token may be far ahead");
    let key = asked(&decision).key;
    assert_eq!(world.try_ask(&Ask::answer(key, &value(151))), 0);
    assert!(!world.state().restored);
    assert_eq!(world.try_value(&value(152)), 0, "only once");
    let mut world = World::new(policy(json!({"initial_time_window_h": 6}))).with_totp();
    world.application_mut().state.restored = true;
    assert_eq!(world.try_value(&world.totp(0)), 3001);
}

#[test]
fn resynchronisation_is_off_unless_the_policy_says_so() {
    let mut world = World::new(policy(json!({}))).with_hotp();
    assert_eq!(world.try_value(&value(100)), 1012);
}

#[test]
fn a_time_based_application_resynchronises_too() {
    let mut world = World::new(policy(json!({"second_otp_sync": "yes"}))).with_totp();
    let decision = world.send(&Ask::combined(&world.totp(90)));
    assert_eq!(status(&decision), 3001);
    world.later(30);
    assert_eq!(
        world.try_ask(&Ask::answer(asked(&decision).key, &world.totp(90))),
        0
    );
    assert_eq!(world.state().drift, 90);
    let mut world = World::new(policy(json!({"second_otp_sync": "yes"}))).with_totp();
    assert_eq!(world.try_value(&world.totp(101)), 1012);
}

#[test]
fn where_challenges_cannot_be_shown_the_next_logon_completes_it() {
    let mut world = World::new(policy(json!({"second_otp_sync": "yes"}))).with_hotp();
    world.component.challenges = false;
    assert_eq!(world.try_value(&value(100)), 3001);
    assert!(world.challenges.is_empty());
    assert_eq!(
        world.clone().try_value(&value(102)),
        3001,
        "another first one"
    );
    let mut late = world.clone();
    late.later(61);
    assert_eq!(late.try_value(&value(101)), 3001, "forgotten");
    assert_eq!(
        codes(&world.send(&Ask::combined(&value(101)))),
        ["S-101001", "I-101007"]
    );
    assert_eq!(world.state().counter, 102);
}

#[test]
fn the_first_use_outside_the_ordinary_window_needs_proof() {
    let values = policy(json!({"initial_window_proof": "yes"}));
    let mut world = World::new(values).with_totp();
    world.application_mut().state.initial = true;
    assert_eq!(
        world.clone().try_value(&world.totp(10)),
        0,
        "within the ordinary window"
    );
    let decision = world.send(&Ask::combined(&world.totp(11)));
    assert_eq!(status(&decision), 3001);
    assert_eq!(world.state().last_step, None);
    assert_eq!(
        world.try_ask(&Ask::answer(asked(&decision).key, &world.totp(12))),
        0
    );
    assert!(!world.state().initial);
}

#[test]
fn the_second_value_needs_no_pin_again() {
    let mut world = World::new(policy(json!({"second_otp_sync": "yes"})))
        .with_hotp()
        .with_pin(Some("1234"));
    assert_eq!(world.try_value(&value(100)), 1012, "the first one needs it");
    let decision = world.send(&Ask::combined(&format!("1234{}", value(100))));
    let key = asked(&decision).key;
    assert_eq!(
        world
            .clone()
            .try_ask(&Ask::answer(key, &format!("1234{}", value(101)))),
        0
    );
    assert_eq!(world.try_ask(&Ask::answer(key, &value(101))), 0);
}

#[test]
fn host_codes() {
    let values = policy(json!({}));
    let ask = |host_code, counter| Ask {
        host_code,
        ..Ask::combined(&value(counter))
    };
    let mut world = World::new(values).with_hotp();
    assert_eq!(world.try_ask(&ask(HostCode::Required, 2)), 1062);
    assert_eq!(world.state().counter, 3, "the OTP is consumed");
    assert_eq!(
        grant(world.send(&ask(HostCode::Optional, 3))).host_code,
        None
    );
    world.application_mut().host_code = true;
    world.application_mut().state.counter = 3;
    assert_eq!(
        grant(world.send(&ask(HostCode::Required, 3)))
            .host_code
            .as_deref(),
        Some("581481")
    );
}

#[test]
fn what_the_record_says_of_the_value() {
    let mut world = World::new(policy(json!({}))).with_hotp();
    let decision = world.send(&Ask::combined(&value(5)));
    let main = &decision.records[0];
    assert_eq!((main.verified_counter, main.verified_time), (Some(5), None));
    assert_eq!(
        (
            main.serial.as_deref(),
            main.application.as_deref(),
            main.user.as_deref()
        ),
        (Some("0097123456"), Some("response"), Some("Alice"))
    );
    let mut world = World::new(policy(json!({}))).with_totp();
    let decision = world.send(&Ask::combined(&world.totp(0)));
    assert_eq!(
        decision.records[0].verified_time,
        Some(Timestamp::from_seconds(1_700_000_010))
    );
}

#[test]
fn a_key_that_does_not_open() {
    let mut world = World::new(policy(json!({}))).with_hotp();
    world.application_mut().secret = crate::model::Sealed(b"spoilt".to_vec().into());
    let decision = world.send(&Ask::combined(&value(2)));
    assert_eq!(
        (status(&decision), codes(&decision)),
        (-105, vec!["F-101005".to_owned(), "E-112001".to_owned()])
    );
    assert!(decision.changes.is_empty());
}

#[test]
fn a_backup_that_is_required_replaces_the_ordinary_value() {
    let mut world = World::new(policy(json!({"backup_virtual": "required"}))).with_hotp();
    assert_eq!(world.try_value(&value(2)), 1012);
    assert_eq!(world.state().counter, 2);
}
