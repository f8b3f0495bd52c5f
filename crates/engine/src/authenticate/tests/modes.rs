//! authentication.md 5: what each mode makes of passwords and one-time passwords.

use super::world::{Ask, WRONG, World, codes, hotp_application, status, value};
use crate::time::Timestamp;
use serde_json::json;

fn either() -> World {
    World::new(json!({"local_auth": "authenticator_or_password"}))
}

fn grace() -> World {
    World::new(json!({"local_auth": "grace_period"}))
}

fn only() -> World {
    World::new(json!({"local_auth": "authenticator_only"}))
}

#[test]
fn the_expectations_that_tests_fix() {
    assert_eq!(either().with_password("Secret").try_value("wrong"), 1011);
    assert_eq!(
        either()
            .with_password("Secret")
            .with_hotp()
            .try_value(WRONG),
        1012
    );
    assert_eq!(
        either()
            .with_hotp()
            .with_pin(Some("1234"))
            .try_value(&format!("1235{}", value(2))),
        1012
    );
    assert_eq!(
        only()
            .with_password("Secret")
            .with_hotp()
            .try_value("Secret"),
        1033
    );
    assert_eq!(
        grace()
            .with_password("Secret")
            .with_hotp()
            .try_value("Secret"),
        1014
    );
    assert_eq!(
        either()
            .with_password("Secret")
            .with_hotp()
            .try_value("Secret"),
        0
    );
    assert_eq!(
        either()
            .with_password("Secret")
            .with_hotp()
            .with_pin(Some("1234"))
            .try_value(&format!("1234{}", value(2))),
        0
    );
}

#[test]
fn a_user_without_authenticator() {
    assert_eq!(only().with_password("Secret").try_value("Secret"), 1033);
    assert_eq!(only().try_value("anything"), 1033);
    assert_eq!(grace().with_password("Secret").try_value("Secret"), 0);
    assert_eq!(grace().with_password("Secret").try_value("wrong"), 1011);
    assert_eq!(grace().try_value("anything"), 1020);
    assert_eq!(either().try_value("anything"), 1020);
}

#[test]
fn grace_runs_until_its_day_or_the_first_otp() {
    let mut world = grace().with_password("Secret").with_hotp();
    let today = world.at.day();
    world.authenticator_mut().grace_end = Some(today.plus(1));
    assert_eq!(world.try_value("Secret"), 0);
    let decision = world.send(&Ask::combined(&value(2)));
    assert_eq!(codes(&decision), ["S-101001", "I-107001"]);
    assert_eq!(world.authenticator_mut().grace_end, Some(today));
    assert_eq!(world.try_value("Secret"), 1014);
    assert_eq!(
        codes(&world.send(&Ask::combined(&value(3)))),
        ["S-101001"],
        "it ends once"
    );
    world.authenticator_mut().grace_end = Some(today.plus(3));
    world.later(3 * 86_400);
    assert_eq!(
        world.try_value("Secret"),
        1014,
        "the end day counts as over"
    );
}

#[test]
fn one_authenticator_in_grace_is_enough() {
    let mut world = grace().with_password("Secret").with_hotp();
    let today = world.at.day();
    world.add(hotp_application(2)).grace_end = Some(today.plus(5));
    assert_eq!(world.try_value("Secret"), 0);
}

#[test]
fn expired_authenticators_are_owned_but_no_candidates() {
    let mut world = grace().with_password("Secret").with_hotp();
    let today = world.at.day();
    world.authenticator_mut().expires_at = Some(today);
    assert_eq!(world.try_value(&value(2)), 1025);
    assert_eq!(world.try_value("wrong"), 1025);
    assert_eq!(world.try_value("Secret"), 1014);
    assert_eq!(world.user().lock_count, 0, "1025 and 1014 do not count");
    world.policy(json!({"local_auth": "authenticator_only"}));
    assert_eq!(world.try_value("Secret"), 1033);
    world.authenticator_mut().expires_at = None;
    world.authenticator_mut().starts_at = Some(Timestamp(i64::MAX));
    world.policy(json!({"local_auth": "grace_period"}));
    assert_eq!(world.try_value("Secret"), 1014);
    assert_eq!(world.try_value("wrong"), 1011);
}

#[test]
fn the_separate_format_names_the_reading() {
    let mut world = either().with_password("Secret").with_hotp();
    let wrong = Ask {
        static_password: Some("Secret".to_owned()),
        ..Ask::otp(WRONG)
    };
    assert_eq!(world.try_ask(&wrong), 1012);
    let right = Ask {
        static_password: Some("Secret".to_owned()),
        ..Ask::otp(&value(2))
    };
    assert_eq!(world.try_ask(&right), 0);
    let other = Ask {
        static_password: Some("other".to_owned()),
        ..Ask::otp(&value(3))
    };
    assert_eq!(world.try_ask(&other), 1011);
    assert_eq!(world.state().counter, 3, "nothing consumed");
    assert_eq!(
        world.try_ask(&Ask {
            static_password: Some("Secret".to_owned()),
            ..Ask::default()
        }),
        0
    );
}

#[test]
fn restrictions_make_a_user_without_authenticator() {
    for restriction in [
        json!({"authenticator_types": ["other"]}),
        json!({"application_names": ["other"]}),
        json!({"application_type": "signature"}),
        json!({"secure_channel": "required"}),
    ] {
        let mut world = grace().with_password("Secret").with_hotp();
        let mut values = json!({"local_auth": "grace_period"});
        values
            .as_object_mut()
            .unwrap()
            .extend(restriction.as_object().unwrap().clone());
        world.policy(values);
        assert_eq!(world.try_value(&value(2)), 1011, "{restriction}");
        assert_eq!(world.try_value("Secret"), 0, "{restriction}");
    }
}

#[test]
fn several_applications() {
    let mut world = either().with_hotp();
    let mut second = hotp_application(2);
    second.state.counter = 900;
    world.add(second);
    assert_eq!(world.try_value(&value(905)), 0);
    assert_eq!(world.state().counter, 2, "others stay untouched");
    assert_eq!(world.try_value(WRONG), 1012);
    let errors: Vec<_> = world
        .account()
        .authenticators
        .iter()
        .map(|one| one.applications[0].state.errors)
        .collect();
    assert_eq!(
        (errors.as_slice(), world.user().lock_count),
        (&[1, 1][..], 1),
        "one failure of the account, one of each application"
    );
    world.policy(json!({"local_auth": "authenticator_or_password", "multiple_applications": "no"}));
    assert_eq!(world.try_value(&value(906)), 1020);
    let named = Ask {
        serial: Some("0097123457".to_owned()),
        ..Ask::otp(&value(906))
    };
    assert_eq!(world.try_ask(&named), 0);
}

#[test]
fn the_account_may_override_the_mode() {
    let mut world = either().with_password("Secret");
    let overrides = crate::model::Overrides {
        local_auth: Some(crate::policy::LocalAuth::AuthenticatorOnly),
        ..Default::default()
    };
    world.account_mut().user.overrides = Some(Box::new(overrides));
    assert_eq!(world.try_value("Secret"), 1033);
}

#[test]
fn an_otp_alone_never_asks_for_the_password() {
    let mut world = either().with_password("Secret").with_hotp();
    let decision = world.send(&Ask::combined(&value(2)));
    assert_eq!((status(&decision), world.asked.len()), (0, 0));
    assert_eq!(world.try_value(WRONG), 1012);
    assert_eq!(world.asked.len(), 1, "only after the OTP shapes failed");
}

#[test]
fn a_busy_pool_and_an_empty_value() {
    let mut world = either().with_password("Secret");
    assert_eq!(world.try_value(""), 1011);
    assert!(world.asked.is_empty());
    world.busy = true;
    assert_eq!(world.try_value("Secret"), -104);
    assert_eq!(world.user().lock_count, 1);
    assert_eq!(world.try_ask(&Ask::default()), -102);
}

#[test]
fn a_full_pool_is_no_way_to_guess_for_nothing() {
    let mut world = either().with_password("Secret").with_hotp();
    world.busy = true;
    assert_eq!(world.try_value(WRONG), 1012);
    assert_eq!((world.user().lock_count, world.state().errors), (1, 1));
    assert_eq!(world.try_value("Secret"), -104);
    assert_eq!(
        world.try_value(&format!("Secret{}", value(2))),
        -104,
        "right and wrong look alike where the password stands before"
    );
    assert_eq!(world.try_value(&format!("Secret{WRONG}")), -104);
    assert_eq!(world.try_value(&value(2)), 0);
}

#[test]
fn linked_accounts_note_their_own_success() {
    let mut world = either().with_hotp();
    world.account_mut().owner = crate::model::UserKey(9);
    assert_eq!(world.try_value(&value(2)), 0);
    assert_eq!(world.user().last_auth_at, Some(world.at));
    assert_eq!(world.state().counter, 3);
}
