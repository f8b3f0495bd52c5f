//! authentication.md 3.3 and 9: accounts made at a logon, and authenticators given at one.

use super::world::{
    Ask, Directory, SERIAL, WRONG, World, accepted, authenticator, codes, grant, hotp_application,
    seal, status, value,
};
use crate::back_end::{Question, Said, UserInfo};
use crate::decision::{Answer, Answers, Step};
use crate::model::{BackEndKey, Contact, UnitKey};
use crate::time::Timestamp;
use serde_json::{Value as Json, json};

fn policy(more: Json) -> Json {
    let mut policy = json!({
        "local_auth": "grace_period", "back_end_auth": "if_needed", "dynamic_user_registration": "yes",
        "serial_separator": "|", "grace_period_days": 7,
    });
    if let Json::Object(more) = more {
        policy.as_object_mut().unwrap().extend(more);
    }
    policy
}

/// Nobody has an account; the directory takes `Secret`; one authenticator is free.
fn nobody(more: Json) -> World {
    let mut world = World::new(policy(more)).behind(Directory::of("Secret"));
    world.account = None;
    world.pool.push(free(1));
    world
}

/// Alice has an account without authenticator; the directory takes `Secret`; one authenticator is free.
fn alice(more: Json) -> World {
    let mut world = World::new(policy(more)).behind(Directory::of("Secret"));
    world.pool.push(free(1));
    world
}

fn free(key: i64) -> crate::model::Authenticator {
    let mut one = authenticator(key, hotp_application(key));
    one.user = None;
    one
}

fn with_pin(mut world: World, pin: Option<&str>) -> World {
    let application = &mut world.pool[0].applications[0];
    application.pin = crate::model::PinSettings {
        supported: true,
        enabled: true,
        change_allowed: true,
        ..Default::default()
    };
    application.sealed_pin = pin.map(|pin| seal("application", 1, "pin", pin.as_bytes()));
    world
}

#[test]
fn a_password_proven_at_the_back_end_makes_an_account() {
    for mode in ["grace_period", "authenticator_or_password"] {
        let mut world = nobody(json!({"local_auth": mode}));
        assert_eq!(world.try_value("wrong"), 1023, "{mode}");
        assert!(world.account.is_none(), "{mode}");
        let decision = world.send(&Ask::combined("Secret"));
        assert_eq!(
            codes(&decision),
            ["S-101001", "S-109001", "I-107002"],
            "{mode}"
        );
        assert_eq!(decision.records[0].user.as_deref(), Some("alice"));
        assert_eq!(grant(decision).user, "alice");
        let user = &world.account().user;
        assert_eq!((user.id.as_str(), user.org_unit), ("alice", None));
        assert!(user.password.is_none(), "nothing is learned unasked");
        assert_eq!(world.try_value("Secret"), 0, "{mode}");
    }
}

#[test]
fn what_the_back_end_says_of_a_newcomer() {
    let question = Said::Challenge(Box::new(Question {
        server: BackEndKey(1),
        state: vec![1],
        message: String::new(),
    }));
    for (said, status) in [
        (Said::Expired, 1021),
        (Said::Disabled, 1009),
        (Said::Locked, 1023),
        (Said::Unreachable, -10),
        (question, 1040),
    ] {
        let mut world = nobody(json!({}));
        world.directory = Some(Directory::of("x").says("Secret", said.clone()));
        assert_eq!(world.try_value("Secret"), status, "{said:?}");
        assert!(world.account.is_none(), "{said:?}");
    }
    let mut world = nobody(json!({}));
    assert_eq!(world.try_value(""), 1023);
    assert!(world.asked.is_empty());
}

#[test]
fn who_may_not_be_registered() {
    for more in [
        json!({"dynamic_user_registration": "no"}),
        json!({"back_end_auth": "none"}),
    ] {
        let mut world = nobody(more.clone());
        assert_eq!(world.try_value("Secret"), 1010, "{more}");
        assert!(world.asked.is_empty(), "{more}");
    }
    let mut world = nobody(json!({}));
    let logon = Ask {
        via: Some(crate::attempt::Via::AdminLogon),
        ..Ask::combined("Secret")
    };
    assert_eq!(world.try_ask(&logon), 1010, "no administrator is made so");
    let mut world = nobody(json!({"local_auth": "authenticator_only"}));
    assert_eq!(world.try_value("Secret"), 1033);
    assert!(world.asked.is_empty(), "the back-end is not asked");
    assert!(world.account.is_none());
    let mut world = nobody(json!({}));
    let answer = Ask {
        bad_key: true,
        ..Ask::combined("Secret").radius()
    };
    assert_eq!(world.try_ask(&answer), 3002);
}

#[test]
fn the_password_is_learned_and_the_person_taken_over() {
    let mut world = nobody(json!({
        "password_autolearn": "yes", "user_info_sync": "yes", "stored_password_proxy": "yes",
    }))
    .with_settings(&[("user_id_case", "upper")]);
    world.directory.as_mut().unwrap().info = Said::Info(Box::new(UserInfo {
        contact: Contact {
            email: "alice@example.com".to_owned(),
            ..Contact::default()
        },
    }));
    let decision = world.send(&Ask::combined("Secret"));
    assert_eq!(
        codes(&decision),
        ["S-101001", "S-109001", "I-109001", "I-107002"]
    );
    assert_eq!(grant(decision).user, "ALICE");
    let user = &world.account().user;
    assert_eq!((user.id.as_str(), user.folded.as_str()), ("ALICE", "alice"));
    assert_eq!(user.contact.as_ref().unwrap().email, "alice@example.com");
    assert!(user.password.as_ref().unwrap().copy.is_some());
    assert_eq!(world.try_value("Secret"), 0);
    assert!(world.shown().is_empty(), "the stored one is compared");
}

#[test]
fn a_hash_registers_where_a_radius_server_checks_it() {
    let mut world = nobody(json!({"password_autolearn": "yes"}));
    assert_eq!(world.try_ask(&Ask::hashed("Secret")), 1032);
    world.directory.as_mut().unwrap().to_hash = accepted();
    assert_eq!(world.try_ask(&Ask::hashed("Secret")), 0);
    assert!(world.account().user.password.is_none(), "nobody knows it");
}

#[test]
fn the_nearest_free_authenticator_is_assigned() {
    let mut world = nobody(json!({"assignment_mode": "auto", "password_autolearn": "yes"}));
    let decision = world.send(&Ask::combined("Secret"));
    assert_eq!(
        codes(&decision),
        ["S-101001", "S-109001", "I-109001", "I-107002", "S-107002"]
    );
    assert_eq!(decision.records[4].serial.as_deref(), Some(SERIAL));
    let (today, at) = (world.at.day(), world.at);
    let one = world.authenticator_mut();
    assert_eq!(
        (one.grace_end, one.assigned_at),
        (Some(today.plus(7)), Some(at))
    );
    assert_eq!(world.try_value("Secret"), 0, "grace runs");
    assert_eq!(world.try_value(&format!("Secret{}", value(2))), 0);
    assert_eq!(world.try_value("Secret"), 1014, "and ends");
}

#[test]
fn nothing_free_leaves_the_account() {
    let mut limited = nobody(json!({"assignment_mode": "auto", "type_limits": ["soft:0"]}));
    let mut filtered = nobody(json!({"assignment_mode": "auto", "authenticator_types": ["hard"]}));
    let mut reserved = nobody(json!({"assignment_mode": "auto"}));
    reserved.pool[0].reserved = true;
    let mut elsewhere = nobody(json!({"assignment_mode": "auto", "search_up_org_units": "yes"}));
    elsewhere.pool[0].org_unit = Some(UnitKey(7));
    for world in [&mut limited, &mut filtered, &mut reserved, &mut elsewhere] {
        let decision = world.send(&Ask::combined("Secret"));
        assert_eq!(
            codes(&decision),
            ["S-101001", "S-109001", "W-107001", "I-107002"]
        );
        assert!(world.account().authenticators.is_empty());
    }
}

#[test]
fn a_pin_is_cleared_where_the_mode_says_so() {
    for (mode, cleared) in [("auto", false), ("auto_pin_reset", true)] {
        let mut world = with_pin(nobody(json!({"assignment_mode": mode})), Some("1234"));
        assert_eq!(world.try_value("Secret"), 0);
        let pin = &world.account().authenticators[0].applications[0].sealed_pin;
        assert_eq!(pin.is_none(), cleared, "{mode}");
    }
}

#[test]
fn an_account_that_came_between_is_used() {
    let mut world = nobody(json!({"assignment_mode": "auto", "password_autolearn": "yes"}));
    let ask = Ask::combined("Secret");
    let mut first = Answers::default();
    let decision = loop {
        match world.step(&ask, &first) {
            Step::Done(decision) => break decision,
            Step::Ask(question) => {
                let answer = world.answer(&question);
                first.add(question, answer);
            }
        }
    };
    world.commit(&decision);
    // The other request, decided on the same facts, conflicts and is decided again.
    let mut second = first;
    second.forget_facts();
    let decision = loop {
        match world.step(&ask, &second) {
            Step::Done(decision) => break decision,
            Step::Ask(question) => {
                let answer = world.answer(&question);
                assert!(!matches!(answer, Answer::Authenticator(_)), "{question:?}");
                second.add(question, answer);
            }
        }
    };
    assert_eq!(codes(&decision), ["S-101001"]);
    world.commit(&decision);
    assert_eq!(world.account().authenticators.len(), 1);
}

fn wish(rest: &str) -> String {
    format!("{SERIAL}|{rest}")
}

#[test]
fn a_user_assigns_himself_an_authenticator() {
    let mut world = alice(json!({"assignment_mode": "self"}));
    let decision = world.send(&Ask::combined(&wish(&format!("Secret{}", value(2)))));
    assert_eq!(codes(&decision), ["S-101001", "S-109001", "S-107003"]);
    assert_eq!(decision.records[0].serial.as_deref(), Some(SERIAL));
    assert_eq!(decision.records[0].verified_counter, Some(2));
    let one = world.authenticator_mut();
    assert_eq!((one.user.is_some(), one.grace_end), (true, None));
    assert_eq!(world.state().counter, 3, "the OTP is used");
    assert!(world.pool.is_empty());
    assert_eq!(world.try_value(&format!("Secret{}", value(2))), 1008);
    assert_eq!(world.try_value(&format!("Secret{}", value(3))), 0);
}

#[test]
fn the_first_failure_answers() {
    let right = format!("Secret{}", value(2));
    let set = |more: Json| alice(more);
    let mode = json!({"assignment_mode": "self"});
    let taken = |change: fn(&mut crate::model::Authenticator)| {
        let mut world = alice(json!({"assignment_mode": "self"}));
        change(&mut world.pool[0]);
        world
    };
    let rows: Vec<(&str, World, String, i16)> = vec![
        (
            "the mode",
            set(json!({"assignment_mode": "neither"})),
            wish(&right),
            1031,
        ),
        (
            "the mode",
            set(json!({"assignment_mode": "auto"})),
            wish(&right),
            1031,
        ),
        (
            "no such serial",
            set(mode.clone()),
            format!("0099999999|{right}"),
            1041,
        ),
        (
            "no such serial before no back-end",
            set(json!({"assignment_mode": "self", "back_end_auth": "none"})),
            format!("0099999999|{right}"),
            1041,
        ),
        (
            "in another domain",
            taken(|one| one.domain = crate::model::DomainKey(2)),
            wish(&right),
            1041,
        ),
        (
            "assigned",
            taken(|one| one.user = Some(crate::model::UserKey(9))),
            wish(&right),
            1016,
        ),
        (
            "reserved",
            taken(|one| one.reserved = true),
            wish(&right),
            1016,
        ),
        (
            "in a unit",
            taken(|one| one.org_unit = Some(UnitKey(7))),
            wish(&right),
            1016,
        ),
        (
            "disabled",
            taken(|one| one.disabled_at = Some(Timestamp(0))),
            wish(&right),
            1016,
        ),
        (
            "a type left out",
            set(json!({"assignment_mode": "self", "authenticator_types": ["hard"]})),
            wish(&right),
            1016,
        ),
        (
            "a full type",
            set(json!({"assignment_mode": "self", "type_limits": ["soft:0"]})),
            wish(&right),
            1016,
        ),
        (
            "no back-end",
            set(json!({"assignment_mode": "self", "back_end_auth": "none"})),
            wish(&right),
            1042,
        ),
        (
            "a wrong password",
            set(mode.clone()),
            wish(&format!("Wrong{}", value(2))),
            1023,
        ),
        (
            "all wrong",
            set(mode.clone()),
            wish(&format!("Wrong{WRONG}")),
            1023,
        ),
        ("no password", set(mode.clone()), wish(&value(2)), 1023),
        (
            "a wrong OTP",
            set(mode.clone()),
            wish(&format!("Secret{WRONG}")),
            1012,
        ),
        (
            "a used OTP",
            set(mode.clone()),
            wish(&format!("Secret{}", value(1))),
            1008,
        ),
        ("no OTP", set(mode.clone()), wish("Secret"), 1012),
    ];
    for (what, mut world, typed, wanted) in rows {
        assert_eq!(world.try_value(&typed), wanted, "{what}");
        assert_eq!(world.pool.len(), 1, "{what}: still free");
        assert_eq!(
            world.pool[0].applications[0].state.counter, 2,
            "{what}: nothing consumed"
        );
        let counted = u32::from([1008, 1012, 1023].contains(&wanted));
        assert_eq!(world.user().lock_count, counted, "{what}");
    }
    let mut world = alice(mode).behind(Directory::of("x").says("Secret", Said::Expired));
    assert_eq!(world.try_value(&wish(&right)), 1021);
    assert_eq!(world.pool[0].applications[0].state.counter, 2);
    world.directory.as_mut().unwrap().down = true;
    assert_eq!(world.try_value(&wish(&right)), -10);
    assert_eq!(world.pool[0].applications[0].state.counter, 2);
}

#[test]
fn the_password_is_shown_once_and_without_the_otp() {
    let mut world = alice(json!({"assignment_mode": "self"}));
    world.try_value(&wish(&format!("Secret{WRONG}")));
    assert_eq!(world.shown(), ["Secret"]);
    world.try_value(&wish(&format!("Wrong{}", value(2))));
    assert_eq!(world.shown(), ["Wrong"]);
    world.try_value(&wish("Secret"));
    assert!(world.shown().is_empty(), "a yes could change nothing");
}

#[test]
fn serials_with_and_without_separator() {
    let typed = format!("{SERIAL}Secret{}", value(2));
    let mut world = alice(json!({"assignment_mode": "self", "serial_separator": ""}));
    assert_eq!(world.try_value(&typed), 0);
    let mut world = alice(json!({"assignment_mode": "self", "serial_separator": ""}));
    world.pool[0].serial = "97123456".to_owned();
    assert_eq!(world.try_value(&typed), 0, "digits are padded");
    let mut world = alice(json!({"assignment_mode": "self", "serial_separator": "::"}));
    world.pool[0].serial = "VDS-97-1".to_owned();
    assert_eq!(world.try_value(&format!("vds-97-1::Secret{}", value(2))), 0);
    let mut world = alice(json!({"assignment_mode": "self"}));
    let typed = format!("97-12345-6|Secret{}", value(2));
    assert_eq!(world.try_value(&typed), 0);
}

#[test]
fn pins_at_self_assignment() {
    let (old, new) = (Some("1234"), None);
    let otp = value(2);
    let rows = [
        ("self", old, format!("Secret1234{otp}"), 0),
        ("self", old, format!("Secret1235{otp}"), 1012),
        ("self", old, format!("Secret1234{otp}56785678"), 0),
        ("self", new, format!("Secret{otp}56785678"), 0),
        ("self", new, format!("Secret{otp}"), 1020),
        ("self", new, format!("Wrong{otp}"), 1023),
        ("self_pin_reset", old, format!("Secret{otp}56785678"), 0),
        ("self_pin_reset", old, format!("Secret{otp}"), 1020),
        ("self_pin_reset", old, format!("Secret1234{otp}"), 1023),
    ];
    for (mode, pin, typed, wanted) in rows {
        let more = json!({"assignment_mode": mode, "pin_change_allowed": "yes"});
        let mut world = with_pin(alice(more), pin);
        assert_eq!(
            world.try_value(&wish(&typed)),
            wanted,
            "{mode} {pin:?} {typed}"
        );
        if wanted != 0 {
            assert_eq!(world.pool.len(), 1, "{mode} {pin:?} {typed}");
            continue;
        }
        let pin = if typed.ends_with("56785678") {
            "5678"
        } else {
            "1234"
        };
        let next = format!("Secret{pin}{}", value(3));
        assert_eq!(world.try_value(&next), 0, "{mode} {typed}");
    }
}

#[test]
fn self_assignment_in_separate_fields() {
    let fields = |password: &str, otp: &str| Ask {
        serial: Some(SERIAL.to_owned()),
        static_password: Some(password.to_owned()),
        ..Ask::otp(otp)
    };
    let mut world = alice(json!({"assignment_mode": "self"}));
    assert_eq!(world.try_ask(&fields("Wrong", &value(2))), 1023);
    assert_eq!(world.try_ask(&fields("Secret", WRONG)), 1012);
    assert_eq!(world.try_ask(&fields("Secret", &value(2))), 0);
    let mut world = with_pin(alice(json!({"assignment_mode": "self"})), None);
    let with_new = |again: &str| Ask {
        new_pin: Some(("5678".to_owned(), again.to_owned())),
        ..fields("Secret", &value(2))
    };
    assert_eq!(world.try_ask(&with_new("5679")), 1019);
    assert_eq!(world.try_ask(&fields("Secret", &value(2))), 1020);
    assert_eq!(world.try_ask(&with_new("5678")), 0);
}

#[test]
fn only_without_applicable_authenticator() {
    let mut world = alice(json!({"assignment_mode": "self"}));
    world.add(hotp_application(2));
    world.application_mut().state.counter = 900;
    assert_eq!(world.try_value(&wish(&format!("Secret{}", value(2)))), 1012);
    let today = world.at.day();
    world.authenticator_mut().expires_at = Some(today);
    assert_eq!(world.try_value(&wish(&format!("Secret{}", value(2)))), 0);
}

#[test]
fn a_newcomer_assigns_himself_an_authenticator() {
    for mode in ["authenticator_only", "grace_period"] {
        let more =
            json!({"assignment_mode": "self", "local_auth": mode, "password_autolearn": "yes"});
        let mut world = nobody(more);
        assert_eq!(
            world.try_value(&wish(&format!("Secret{WRONG}"))),
            1012,
            "{mode}"
        );
        assert!(world.account.is_none(), "{mode}");
        let decision = world.send(&Ask::combined(&wish(&format!("Secret{}", value(2)))));
        assert_eq!(
            codes(&decision),
            ["S-101001", "S-109001", "I-109001", "I-107002", "S-107003"],
            "{mode}"
        );
        assert_eq!(status(&decision), 0);
        assert_eq!(world.account().authenticators.len(), 1, "{mode}");
        assert_eq!(world.try_value(&format!("Secret{}", value(3))), 0, "{mode}");
    }
}

#[test]
fn self_assignment_in_two_steps() {
    for known in [true, false] {
        let mut world = if known { alice } else { nobody }(json!({"assignment_mode": "self"}));
        let suite: countersign_oath::ocra::Suite = "OCRA-1:HOTP-SHA1-6:QN08".parse().unwrap();
        let application = &mut world.pool[0].applications[0];
        application.kind = crate::model::ApplicationKind::ChallengeResponse;
        application.algorithm = crate::model::Algorithm::Ocra(Box::new(suite.clone()));
        let first = |password: &str| Ask {
            serial: Some(SERIAL.to_owned()),
            static_password: Some(password.to_owned()),
            ..Ask::default()
        };
        assert_eq!(world.try_ask(&first("Wrong")), 1023);
        let decision = world.send(&first("Secret"));
        assert_eq!(
            (status(&decision), codes(&decision)[0].as_str()),
            (3001, "I-101001")
        );
        assert_eq!(world.account.is_some(), known, "nothing is made yet");
        let asked = super::world::asked(&decision);
        let digits = asked.challenge.unwrap();
        let response = super::world::respond(&suite, &digits, 0, world.at);
        let other = Ask {
            user: Some("bob".to_owned()),
            ..Ask::answer(asked.key, &response)
        };
        assert_eq!(world.try_ask(&other), 3002);
        assert_eq!(world.try_ask(&Ask::answer(asked.key, WRONG)), 1012);
        let decision = world.send(&Ask::answer(asked.key, &response));
        assert_eq!(status(&decision), 0, "{known}");
        assert!(codes(&decision).contains(&"S-107003".to_owned()));
        assert!(world.shown().is_empty(), "proven by the first step");
        assert_eq!(world.account().authenticators.len(), 1);
        assert_eq!(world.try_ask(&Ask::answer(asked.key, &response)), 3002);
    }
    let mut world = alice(json!({"assignment_mode": "self"}));
    let without = Ask {
        serial: Some(SERIAL.to_owned()),
        static_password: Some("Secret".to_owned()),
        ..Ask::default()
    };
    assert_eq!(world.try_ask(&without), 1012, "it answers no challenges");
    assert!(world.shown().is_empty());
}
