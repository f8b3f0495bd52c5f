//! authentication.md 6 and 7: request methods, challenges and responses.

use super::world::{Ask, World, asked, codes, status, value};
use crate::attempt::{AuthType, Via};
use crate::decision::Decision;
use crate::model::ChallengeKey;
use serde_json::{Value as Json, json};

const PLAIN: &str = "OCRA-1:HOTP-SHA256-6:QN08";
const TIMED: &str = "OCRA-1:HOTP-SHA256-6:QN08-T30S";

fn policy(more: Json) -> Json {
    let mut values = json!({"local_auth": "authenticator_only", "challenge_request_keyword": "ask", "user_lock_threshold": 0});
    values.as_object_mut().unwrap().extend(match more {
        Json::Object(more) => more,
        other => panic!("no values: {other}"),
    });
    values
}

fn world(more: Json, suite: &str) -> World {
    World::new(policy(more))
        .with_password("Secret")
        .with_suite(suite)
}

fn challenge(world: &mut World) -> (ChallengeKey, String) {
    let decision = world.send(&Ask::combined("ask"));
    let asked = asked(&decision);
    let digits = asked.challenge.unwrap();
    (asked.key, world.response(&digits))
}

#[test]
fn a_two_step_challenge() {
    let mut world = world(json!({}), PLAIN);
    let decision = world.send(&Ask::combined("ask").radius());
    assert_eq!(
        (status(&decision), codes(&decision)),
        (3001, vec!["I-101001".to_owned()])
    );
    let asked = asked(&decision);
    let digits = asked.challenge.clone().unwrap();
    assert_eq!(digits.len(), 8);
    assert_eq!(
        asked.message,
        format!("Please enter your one-time password {digits}")
    );
    assert_eq!(
        (
            asked.serial.as_deref(),
            asked.user.as_str(),
            asked.max_age_s
        ),
        (Some("0097123456"), "Alice", 60)
    );
    let wrong = Ask {
        key: Some(asked.key),
        ..Ask::combined("000000").radius()
    };
    assert_eq!(world.try_ask(&wrong), 1012);
    let answer = Ask {
        key: Some(asked.key),
        ..Ask::combined(&world.response(&digits)).radius()
    };
    assert_eq!(world.try_ask(&answer), 0);
    assert_eq!(world.try_ask(&answer), 3002, "consumed");
}

#[test]
fn every_request_method() {
    // method, value, status of the first step
    let rows = [
        ("none", "ask", 1012),
        ("keyword", "ask", 3001),
        ("keyword", "askSecret", 3001),
        ("keyword", "askwrong", 1012),
        ("keyword_only", "ask", 3001),
        ("keyword_only", "askSecret", 1012),
        ("password", "Secret", 3001),
        ("password", "wrong", 1012),
        ("keyword_password", "askSecret", 3001),
        ("keyword_password", "ask", 1012),
        ("password_keyword", "Secretask", 3001),
        ("password_keyword", "askSecret", 1012),
        ("keyword_pin", "ask1234", 3001),
        ("keyword_pin", "ask1235", 1012),
    ];
    for (method, typed, expected) in rows {
        let mut world =
            world(json!({"challenge_request_method": method}), PLAIN).with_pin(Some("1234"));
        assert_eq!(world.try_value(typed), expected, "{method} {typed}");
        let fields = Ask {
            static_password: Some(typed.to_owned()),
            ..Ask::default()
        };
        assert_eq!(
            world.try_ask(&fields),
            expected,
            "{method} {typed} in its own field"
        );
    }
    let mut blank = world(json!({"challenge_request_keyword": ""}), PLAIN);
    assert_eq!(blank.try_value(""), 3001);
    assert_eq!(blank.try_value("Secret"), 1033);
    let mut incapable = World::new(policy(json!({}))).with_hotp();
    assert_eq!(incapable.try_value("ask"), 1012);
}

#[test]
fn the_response_needs_the_pin_unless_the_request_held_it() {
    let mut world =
        world(json!({"challenge_request_method": "keyword_pin"}), PLAIN).with_pin(Some("1234"));
    let asked_by_word = Ask {
        auth_type: AuthType::Challenge,
        ..Ask::default()
    };
    for (ask, without_pin) in [(Ask::combined("ask1234"), 0), (asked_by_word, 1012)] {
        let asked = asked(&world.send(&ask));
        let response = world.response(&asked.challenge.unwrap());
        let answer = Ask::answer(asked.key, &response);
        assert_eq!(world.try_ask(&answer), without_pin);
        if without_pin == 1012 {
            let whole = Ask::answer(asked.key, &format!("1234{response}"));
            assert_eq!(world.try_ask(&whole), 0);
        }
    }
}

#[test]
fn the_password_method_is_a_logon_while_grace_runs() {
    let mut world = world(
        json!({"local_auth": "grace_period", "challenge_request_method": "password"}),
        PLAIN,
    );
    let today = world.at.day();
    world.authenticator_mut().grace_end = Some(today.plus(1));
    assert_eq!(world.try_value("Secret"), 0);
    world.later(86_400);
    assert_eq!(world.try_value("Secret"), 3001);
}

#[test]
fn the_second_step_wants_the_password_in_case_two() {
    let mut world = world(json!({"back_end_auth": "if_needed"}), PLAIN);
    let (key, response) = challenge(&mut world);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 1023);
    assert_eq!(
        world.try_ask(&Ask::answer(key, &format!("Secret{response}"))),
        0
    );
    world.policy(policy(
        json!({"back_end_auth": "if_needed", "challenge_request_method": "keyword_only"}),
    ));
    let (key, response) = challenge(&mut world);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 0);
}

#[test]
fn a_challenge_belongs_to_somebody() {
    let mut world = world(json!({}), PLAIN);
    let (key, response) = challenge(&mut world);
    let answer = Ask::answer(key, &response);
    let mut other = world.clone();
    other.component.kind = "portal".to_owned();
    assert_eq!(other.try_ask(&answer), 3002);
    let mut other = world.clone();
    other.account_mut().user.key = crate::model::UserKey(2);
    assert_eq!(other.try_ask(&answer), 3002);
    assert_eq!(
        world.try_ask(&Ask::answer(ChallengeKey([9; 16]), &response)),
        3002
    );
    assert_eq!(
        world.try_ask(&Ask {
            bad_key: true,
            ..answer.clone()
        }),
        3002
    );
    assert_eq!(
        world.try_ask(&Ask {
            key: None,
            ..answer.clone()
        }),
        3002
    );
    assert_eq!(
        world.try_ask(&Ask {
            auth_type: AuthType::Response,
            ..Ask::combined(&response)
        }),
        3002
    );
    assert_eq!(world.user().lock_count, 0);
    assert_eq!(world.try_ask(&answer), 0);
}

#[test]
fn a_challenge_ages() {
    for (seconds, status) in [(60, 0), (61, 1004), (360, 1004), (361, 3002)] {
        let mut world = world(json!({}), PLAIN);
        let (key, response) = challenge(&mut world);
        world.later(seconds);
        assert_eq!(
            world.try_ask(&Ask::answer(key, &response)),
            status,
            "after {seconds} s"
        );
    }
    let mut short = world(json!({}), PLAIN).with_settings(&[
        ("challenge.max_age_s", "2"),
        ("challenge.keep_expired_s", "5"),
    ]);
    let (key, response) = challenge(&mut short);
    assert_eq!(short.later(3).try_ask(&Ask::answer(key, &response)), 1004);
    assert_eq!(short.later(5).try_ask(&Ask::answer(key, &response)), 3002);
}

#[test]
fn five_wrong_answers_remove_it() {
    let mut world = world(json!({}), PLAIN);
    let (key, response) = challenge(&mut world);
    for _ in 0..4 {
        assert_eq!(world.try_ask(&Ask::answer(key, "000000")), 1012);
    }
    assert_eq!(world.clone().try_ask(&Ask::answer(key, &response)), 0);
    assert_eq!(world.try_ask(&Ask::answer(key, "000000")), 1012);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 3002);
    assert_eq!(world.user().lock_count, 5);
}

#[test]
fn the_newest_challenge_counts_unless_the_mode_says_otherwise() {
    for (mode, first, second) in [(0, 0, 0), (1, 1013, 0), (2, 1012, 0)] {
        let mut world = world(json!({"challenge_check_mode": mode}), PLAIN);
        let old = challenge(&mut world);
        world.later(1);
        let new = challenge(&mut world);
        assert_eq!(
            world.try_ask(&Ask::answer(old.0, &old.1)),
            first,
            "mode {mode}"
        );
        assert_eq!(
            world.try_ask(&Ask::answer(new.0, &new.1)),
            second,
            "mode {mode}"
        );
    }
    let mut world = world(json!({"challenge_check_mode": 2}), PLAIN);
    assert_eq!(
        world.try_ask(&Ask::answer(ChallengeKey([9; 16]), "123456")),
        3002,
        "none was issued"
    );
    let (_, response) = challenge(&mut world);
    assert_eq!(
        world.try_ask(&Ask::answer(ChallengeKey([9; 16]), &response)),
        0,
        "the supplied challenge is ignored"
    );
}

#[test]
fn mode_three_verifies_once_in_a_step() {
    let mut world = world(json!({"challenge_check_mode": 3}), TIMED);
    world.at = crate::time::Timestamp::from_seconds(1_700_000_010);
    let (key, response) = challenge(&mut world);
    assert_eq!(world.try_ask(&Ask::answer(key, "000000")), 1012);
    assert_eq!(
        world.try_ask(&Ask::answer(key, &response)),
        1012,
        "a second one in the step after a failure"
    );
    world.later(30);
    let (key, response) = challenge(&mut world);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 0);
    let (key, response) = challenge(&mut world);
    assert_eq!(
        world.try_ask(&Ask::answer(key, &response)),
        1008,
        "and after a success"
    );
    world.later(30);
    let (key, response) = challenge(&mut world);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 0);
}

#[test]
fn mode_four_remembers_the_answer_of_a_step() {
    let mut world = world(json!({"challenge_check_mode": 4}), TIMED);
    let (key, response) = challenge(&mut world);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 0);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 1008);
    assert_eq!(world.try_ask(&Ask::answer(key, "000000")), 3002);
    world.later(30);
    assert_eq!(
        world.try_ask(&Ask::answer(key, &response)),
        3002,
        "in another step"
    );
}

#[test]
fn limits_and_clients_that_carry_no_challenge() {
    let mut world = world(json!({}), PLAIN);
    world.outstanding = 100_000;
    assert_eq!(world.try_value("ask"), -104);
    assert!(world.challenges.is_empty());
    world.outstanding = 99_999;
    assert_eq!(world.try_value("ask"), 3001);
    world.component.challenges = false;
    assert_eq!(world.try_value("ask"), 1035);
}

fn one_step() -> Ask {
    Ask {
        via: Some(Via::Challenge),
        ..Ask::default()
    }
}

fn given(decision: &Decision) -> (ChallengeKey, String) {
    assert_eq!(
        (status(decision), codes(decision)),
        (0, vec!["I-101001".to_owned()])
    );
    let asked = asked(decision);
    (asked.key, asked.challenge.unwrap())
}

#[test]
fn one_step_challenges() {
    let mut world = world(json!({}), PLAIN);
    assert_eq!(world.try_ask(&one_step()), 1036);
    world.policy(policy(json!({"one_step_challenge": "server_challenge"})));
    assert_eq!(world.try_ask(&one_step()), 1036, "the length is blank");
    let on = json!({"one_step_challenge": "server_challenge", "one_step_challenge_length": 7, "one_step_check_digit": "yes", "challenge_check_mode": 0});
    world.policy(policy(on.clone()));
    let (key, shown) = given(&world.send(&one_step()));
    assert_eq!(shown.len(), 8);
    let response = world.response(shown.get(..7).unwrap());
    let mut strict = world.clone();
    let mut stricter = on;
    stricter["challenge_check_mode"] = json!(1);
    strict.policy(policy(stricter));
    assert_eq!(strict.try_ask(&Ask::answer(key, &response)), 1013);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 0);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 3002);
    let any = Ask {
        challenge: Some("1234567".to_owned()),
        response: Some(world.response("1234567")),
        ..Ask::default()
    };
    assert_eq!(world.try_ask(&any), 3002, "the server's challenges only");
}

#[test]
fn any_challenge_is_accepted_once() {
    let values = policy(
        json!({"one_step_challenge": "any_challenge", "one_step_challenge_length": 8, "challenge_check_mode": 0}),
    );
    let mut world = World::new(values).with_suite(PLAIN);
    let any = |world: &World, digits: &str| Ask {
        challenge: Some(digits.to_owned()),
        response: Some(world.response(digits)),
        ..Ask::default()
    };
    let first = any(&world, "12345678");
    assert_eq!(world.try_ask(&first), 0);
    assert_eq!(world.try_ask(&first), 1008);
    let second = any(&world, "87654321");
    assert_eq!(world.try_ask(&second), 0);
    assert_eq!(
        world.try_ask(&Ask {
            response: Some("000000".to_owned()),
            ..any(&world, "11112222")
        }),
        1012
    );
    assert_eq!(world.try_ask(&any(&world, "11112222").clone()), 0);
    world.later(361);
    assert_eq!(world.try_ask(&first), 0, "forgotten");
}

#[test]
fn a_named_workflow() {
    let named = |auth_type| Ask {
        auth_type,
        ..Ask::default()
    };
    let mut world = world(json!({"challenge_request_method": "none"}), PLAIN);
    assert_eq!(world.try_ask(&named(AuthType::Challenge)), 3001);
    assert_eq!(world.try_ask(&named(AuthType::Push)), 1108);
    assert_eq!(world.try_ask(&named(AuthType::Virtual)), 1108);
    world.policy(policy(json!({"secure_channel": "permitted"})));
    world.application_mut().secure_channel = true;
    assert_eq!(world.try_ask(&named(AuthType::Push)), -108);
}

#[test]
fn messages_are_asked_for_where_somebody_could_send_them() {
    let values = policy(
        json!({"backup_virtual": "time_limited", "local_auth": "authenticator_or_password"}),
    );
    let mut world = World::new(values).with_password("Secret").with_hotp();
    assert_eq!(world.try_value("otpSecret"), 1017, "no address");
    world.account_mut().user.contact = Some(Box::new(crate::model::Contact {
        mobile: "+41790000000".to_owned(),
        ..Default::default()
    }));
    assert_eq!(world.try_value("otpSecret"), -108);
    let today = world.at.day();
    world.authenticator_mut().backup_until = Some(today);
    assert_eq!(world.try_value("otpSecret"), 1015);
    world.authenticator_mut().backup_until = None;
    world.authenticator_mut().backup_uses_left = Some(0);
    assert_eq!(world.try_value("otpSecret"), 1015);
    assert_eq!(world.try_value("otpwrong"), 1012);
    assert_eq!(
        world.try_value(&value(2)),
        0,
        "the ordinary value still counts"
    );
}

#[test]
fn a_response_with_a_counter_moves_it() {
    let mut world = world(json!({}), "OCRA-1:HOTP-SHA256-6:C-QN08");
    let (key, response) = challenge(&mut world);
    assert_eq!(world.try_ask(&Ask::answer(key, &response)), 0);
    assert_eq!(world.state().counter, 3);
}

#[test]
fn check_mode_one_keeps_the_number_of_the_newest() {
    let mut world = world(json!({}), PLAIN);
    challenge(&mut world);
    challenge(&mut world);
    assert_eq!(world.state().challenges, 2);
    assert_eq!(
        world
            .challenges
            .iter()
            .map(|one| one.number)
            .collect::<Vec<_>>(),
        [1, 2]
    );
}
