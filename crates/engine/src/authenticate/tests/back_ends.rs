//! authentication.md 10, radius.md 2 and 6: what a back-end is asked, and what its answers come to.

use super::world::{
    Ask, Directory, WRONG, World, accepted, asked, codes, grant, radius, status, value, webhook,
};
use crate::back_end::{Given, Question, Said, UserInfo};
use crate::decision::{Answer, Answers, Decision, Question as Asked, Step, Verdict};
use crate::model::{BackEndKey, Contact};
use crate::trace::{Entry, Saying, What};
use serde_json::{Value as Json, json};

fn policy(more: Json) -> Json {
    let mut policy = json!({"local_auth": "authenticator_or_password", "back_end_auth": "always"});
    if let Json::Object(more) = more {
        policy.as_object_mut().unwrap().extend(more);
    }
    policy
}

fn proxy(more: Json) -> Json {
    let mut policy = policy(more);
    policy["stored_password_proxy"] = json!("yes");
    policy
}

/// A user with an authenticator, the stored password `Secret` and a directory that takes `Secret` and `New`.
fn world(policy: Json) -> World {
    let directory = Directory::of("Secret").says("New", accepted());
    World::new(policy)
        .with_copy("Secret")
        .with_hotp()
        .behind(directory)
}

fn reason(decision: &Decision) -> String {
    let reason = decision.records[0].reason.clone();
    reason.unwrap_or_default().into_owned()
}

fn detail(decision: Decision) -> Option<String> {
    match decision.verdict {
        Verdict::Refuse { detail, .. } => detail,
        other => panic!("no refusal: {other:?}"),
    }
}

fn question() -> Said {
    Said::Challenge(Box::new(Question {
        server: BackEndKey(1),
        state: vec![9; 253],
        message: "Your second word?".to_owned(),
    }))
}

#[test]
fn which_password_is_sent_and_who_is_to_blame() {
    let gone = || Directory::of("Nothing");
    let otp = value(2);
    let rows: Vec<(Json, String, Directory, i16, &[&str])> = vec![
        (
            proxy(json!({})),
            otp.clone(),
            Directory::of("Secret"),
            0,
            &["Secret"],
        ),
        (proxy(json!({})), otp.clone(), gone(), 1022, &["Secret"]),
        (
            proxy(json!({})),
            format!("Secret{otp}"),
            gone(),
            1022,
            &["Secret"],
        ),
        (
            proxy(json!({})),
            format!("Other{otp}"),
            gone(),
            1023,
            &["Other"],
        ),
        (
            proxy(json!({})),
            format!("New{otp}"),
            Directory::of("New"),
            0,
            &["New"],
        ),
        (
            policy(json!({})),
            format!("Secret{otp}"),
            Directory::of("Secret"),
            0,
            &["Secret"],
        ),
        (
            policy(json!({})),
            format!("Secret{otp}"),
            gone(),
            1023,
            &["Secret"],
        ),
        (
            policy(json!({})),
            otp.clone(),
            Directory::of("Secret"),
            1023,
            &[],
        ),
        (
            policy(json!({})),
            "Secret".to_owned(),
            gone(),
            1023,
            &["Secret"],
        ),
        (
            proxy(json!({})),
            "Secret".to_owned(),
            gone(),
            1022,
            &["Secret"],
        ),
        (
            proxy(json!({"back_end_auth": "if_needed"})),
            otp.clone(),
            gone(),
            0,
            &[],
        ),
        (
            policy(json!({"back_end_auth": "if_needed"})),
            format!("Secret{otp}"),
            gone(),
            0,
            &[],
        ),
        (
            policy(json!({"back_end_auth": "if_needed"})),
            format!("New{otp}"),
            Directory::of("New"),
            0,
            &["New"],
        ),
    ];
    for (policy, typed, directory, wanted, shown) in rows {
        let mut world = world(policy.clone()).behind(directory);
        assert_eq!(world.try_value(&typed), wanted, "{typed} under {policy}");
        assert_eq!(world.shown(), shown, "{typed} under {policy}");
        let counted = u32::from(wanted == 1023);
        assert_eq!(world.user().lock_count, counted, "{typed} under {policy}");
    }
}

#[test]
fn nothing_stored_and_a_back_end_that_must_be_asked() {
    let mut world = World::new(proxy(json!({})))
        .with_hotp()
        .behind(Directory::of("Secret"));
    assert_eq!(world.try_value(&value(2)), 1023);
    assert!(world.shown().is_empty());
    assert_eq!(world.state().counter, 3, "consumed all the same");
}

#[test]
fn every_answer_has_its_status() {
    let rows = [
        (Said::Rejected, 1023, 1022),
        (Said::Locked, 1023, 1022),
        (Said::Expired, 1021, 1021),
        (Said::Disabled, 1009, 1009),
        (Said::HashRefused, 1032, 1032),
        (Said::Unreachable, -10, -10),
        (Said::Nobody, -107, -107),
        (Said::Busy, -104, -104),
        (Said::Unsupported, -108, -108),
        (question(), 1040, 1040),
    ];
    for (said, typed, stored) in rows {
        let directory = Directory::of("Nothing")
            .says("Secret", said.clone())
            .says("New", said.clone());
        let mut world = world(proxy(json!({}))).behind(directory);
        assert_eq!(
            world.try_value(&format!("New{}", value(2))),
            typed,
            "{said:?}"
        );
        assert_eq!(
            world.user().lock_count,
            u32::from(typed == 1023),
            "{said:?}"
        );
        assert_eq!(world.try_value(&value(3)), stored, "{said:?}");
        assert_eq!(world.state().counter, 4, "consumed whatever it says");
    }
}

#[test]
fn the_record_and_the_trace_name_the_server() {
    let mut world = world(policy(json!({})));
    let decision = world.send(&Ask::combined(&format!("Other{}", value(2))));
    assert_eq!(codes(&decision), ["F-101001", "F-109001"]);
    assert_eq!(reason(&decision), "bind: 52e");
    for record in &decision.records {
        assert_eq!(record.back_end.as_deref(), Some("dc1"));
    }
    let heard = decision.trace.entries().find_map(|entry| match entry {
        Entry::Heard { what, server, said } => Some((what, server.to_owned(), said)),
        _ => None,
    });
    assert_eq!(heard, Some((What::BackEnd, "dc1".to_owned(), Saying::No)));
    assert!(
        decision
            .trace
            .render()
            .contains("asked      the back-end (dc1): no")
    );
    let mut down = Directory::of("Secret");
    down.down = true;
    world.directory = Some(down);
    let decision = world.send(&Ask::combined(&format!("Secret{}", value(3))));
    assert_eq!(status(&decision), -10);
    assert_eq!(codes(&decision), ["F-101005", "E-109001"]);
    assert_eq!(reason(&decision), "no back-end answered: bind: no answer");
    assert_eq!(world.user().lock_count, 1, "not counted");
}

#[test]
fn a_lock_in_the_directory_is_told() {
    let mut world =
        world(policy(json!({}))).behind(Directory::of("x").says("Secret", Said::Locked));
    let decision = world.send(&Ask::combined(&format!("Secret{}", value(2))));
    assert_eq!(status(&decision), 1023);
    assert_eq!(
        reason(&decision),
        "The account is locked in the directory.: bind: 52e"
    );
    assert_eq!(
        detail(decision).as_deref(),
        Some("The account is locked in the directory.")
    );
}

#[test]
fn what_is_never_sent() {
    let long = "x".repeat(129);
    for (typed, status) in [("", 1023), (long.as_str(), 1023)] {
        let mut world = World::new(json!({"back_end_auth": "always"})).behind(Directory::of(typed));
        assert_eq!(world.try_value(typed), status);
        assert!(world.shown().is_empty());
    }
}

#[test]
fn a_mistyped_otp_reaches_no_directory() {
    for typed in [
        WRONG.to_owned(),
        format!("Secret{WRONG}"),
        format!("Secret1234{WRONG}"),
        format!("1234{WRONG}"),
    ] {
        let mut world = world(proxy(json!({}))).with_pin(Some("1234"));
        assert_eq!(world.try_value(&typed), 1012, "{typed}");
        assert!(world.shown().is_empty(), "{typed}");
    }
    // Without a copy the stored password is compared slowly, and not without limit.
    let mut world = World::new(policy(json!({})))
        .with_password("Secret")
        .with_hotp()
        .with_pin(Some("1234"))
        .behind(Directory::of("x"));
    let long = format!("Secret{}", "1".repeat(40));
    assert_eq!(world.try_value(&long), 1012);
    assert_eq!(world.asked.len(), 4, "{:?}", world.asked);
    assert!(
        world.shown().is_empty(),
        "what may be the stored one is not sent"
    );
}

#[test]
fn a_password_alone_is_shown_only_where_its_yes_leads_on() {
    let rows: [(Json, i64, i16, &[&str]); 5] = [
        (
            json!({"local_auth": "authenticator_or_password"}),
            0,
            0,
            &["New"],
        ),
        (json!({"local_auth": "authenticator_only"}), 0, 1012, &[]),
        (json!({"local_auth": "grace_period"}), 0, 1012, &[]),
        (json!({"local_auth": "grace_period"}), 3, 0, &["New"]),
        (
            json!({"local_auth": "authenticator_or_password", "back_end_auth": "none"}),
            0,
            1012,
            &[],
        ),
    ];
    for (mode, grace, wanted, shown) in rows {
        let mut world = world(policy(mode.clone()));
        let end = world.at.day().plus(i32::try_from(grace).unwrap());
        world.authenticator_mut().grace_end = (grace > 0).then_some(end);
        assert_eq!(world.try_value("New"), wanted, "{mode}");
        assert_eq!(world.shown(), shown, "{mode}");
    }
}

#[test]
fn users_without_authenticator_prove_their_password_at_the_back_end() {
    for mode in ["grace_period", "authenticator_or_password"] {
        let mut world = World::new(policy(
            json!({"local_auth": mode, "back_end_auth": "if_needed"}),
        ))
        .behind(Directory::of("Secret").says("Old", Said::Expired));
        assert_eq!(world.try_value("Secret"), 0, "{mode}");
        assert_eq!(world.try_value("wrong"), 1023, "{mode}");
        assert_eq!(world.try_value("Old"), 1021, "{mode}");
        assert_eq!(world.user().lock_count, 1, "{mode}");
    }
}

#[test]
fn what_the_user_types_is_learned() {
    let learning = json!({"password_autolearn": "yes"});
    let mut world = world(proxy(learning.clone()));
    let decision = world.send(&Ask::combined(&format!("New{}", value(2))));
    assert_eq!(codes(&decision), ["S-101001", "S-109001", "I-109001"]);
    assert_eq!(world.try_value(&value(3)), 0);
    assert_eq!(world.shown(), ["New"], "the copy was replaced");
    assert_eq!(world.try_value("New"), 0);
    // Not without the policy, not what was rejected, not where nobody needs a copy.
    let mut world = self::world(proxy(json!({})));
    assert_eq!(world.try_value(&format!("New{}", value(2))), 0);
    world.directory = Some(Directory::of("Secret"));
    assert_eq!(world.try_value(&value(3)), 0);
    let mut world = self::world(policy(
        json!({"password_autolearn": "yes", "radius_protocols": ["pap"]}),
    ));
    assert_eq!(world.try_value(&format!("Bad{}", value(2))), 1023);
    assert_eq!(world.try_value("New"), 0);
    assert_eq!(world.account().user.password.as_ref().unwrap().copy, None);
}

#[test]
fn a_learned_password_breaks_rules_freely() {
    let mut world = World::new(json!({}));
    let values = policy(json!({"password_autolearn": "yes"}));
    world.rules(&values, &json!({"pw_min_length": 12}));
    let mut world = world.behind(Directory::of("x"));
    assert_eq!(world.try_value("x"), 0);
    assert!(world.account().user.password.is_some());
}

#[test]
fn the_copy_that_a_proxy_needs_is_kept_once_it_is_typed() {
    let mut world = World::new(proxy(json!({})))
        .with_password("Secret")
        .with_hotp()
        .behind(Directory::of("Secret"));
    assert_eq!(world.try_value(&value(2)), 1023, "there is none to send");
    assert_eq!(world.try_value(&format!("Secret{}", value(3))), 0);
    assert_eq!(world.try_value(&value(4)), 0);
}

#[test]
fn without_account_nothing_counts_and_nothing_is_learned() {
    let mut world = World::new(json!({"back_end_auth": "always", "password_autolearn": "yes"}))
        .behind(Directory::of("Secret"));
    world.account = None;
    assert_eq!(world.try_value("wrong"), 1023);
    let grant = grant(world.send(&Ask::combined("Secret")));
    assert_eq!(
        (grant.user.as_str(), grant.domain.as_str()),
        ("alice", "master")
    );
    assert!(world.account.is_none());
}

#[test]
fn attributes_of_the_back_end_come_along() {
    let given = Given {
        attributes: vec![18, 3, b'x'],
        keys: Some(crate::Secret::new("keys")),
        message: String::new(),
    };
    let directory = Directory::of("x").says("Secret", Said::Accepted(Box::new(given)));
    let mut world = world(proxy(json!({}))).behind(directory);
    let grant = grant(world.send(&Ask::combined(&value(2))));
    assert_eq!(grant.back_end_attributes, [18, 3, b'x']);
    assert!(grant.back_end_keys.is_some());
}

#[test]
fn hashes_go_on_only_where_the_back_end_alone_decides() {
    let alone = json!({"back_end_auth": "always"});
    let mut directory = Directory::of("x");
    let mut world = World::new(alone.clone()).behind(directory.clone());
    assert_eq!(world.try_ask(&Ask::hashed("Secret")), 1032, "it takes none");
    directory.to_hash = accepted();
    world.directory = Some(directory);
    assert_eq!(world.try_ask(&Ask::hashed("Secret")), 0);
    assert_eq!(world.shown(), ["(hash)"]);
    // Elsewhere the stored password is sent, or none.
    let rows = [
        (proxy(json!({})), radius(), value(2), 0, vec!["Secret"]),
        (proxy(json!({})), webhook(), value(2), 0, vec!["Secret"]),
        (policy(json!({})), radius(), value(2), 1023, vec![]),
        (
            policy(json!({})),
            radius(),
            format!("Secret{}", value(2)),
            0,
            vec!["Secret"],
        ),
        (policy(json!({})), webhook(), value(2), 1032, vec![]),
        (policy(json!({})), webhook(), WRONG.to_owned(), 1032, vec![]),
    ];
    for (policy, protocol, typed, status, shown) in rows {
        let mut world = self::world(policy.clone()).with_record(protocol);
        assert_eq!(world.try_ask(&Ask::hashed(&typed)), status, "{policy}");
        assert_eq!(world.shown(), shown, "{policy}");
    }
}

#[test]
fn a_hash_of_nothing_known() {
    let policy = json!({"local_auth": "grace_period", "back_end_auth": "if_needed"});
    for (protocol, status) in [(radius(), 1023), (webhook(), 1032)] {
        let mut world = World::new(policy.clone())
            .behind(Directory::of("x"))
            .with_record(protocol);
        assert_eq!(world.try_ask(&Ask::hashed("Secret")), status);
        assert!(world.shown().is_empty());
    }
}

#[test]
fn a_question_of_the_back_end_is_passed_on_and_answered_there() {
    let directory = Directory::of("second").says("Secret", question());
    let mut world = World::new(json!({"back_end_auth": "always"})).behind(directory);
    let decision = world.send(&Ask::combined("Secret").radius());
    assert_eq!(codes(&decision), ["I-101008"]);
    let first = asked(&decision);
    assert_eq!(
        (status(&decision), first.message.as_str()),
        (3003, "Your second word?")
    );
    let relayed = world.challenges[0].relayed.clone().unwrap();
    assert_eq!((relayed.state.len(), relayed.user.as_str()), (253, "alice"));
    let other = Ask {
        user: Some("bob".to_owned()),
        ..Ask::answer(first.key, "second")
    };
    assert_eq!(world.try_ask(&other), 3002, "somebody else's");
    assert_eq!(world.try_ask(&Ask::answer(first.key, "second")), 0);
    assert_eq!(
        world.try_ask(&Ask::answer(first.key, "second")),
        3002,
        "used once"
    );
}

#[test]
fn a_second_question_is_passed_on_too() {
    let directory = Directory::of("third")
        .says("Secret", question())
        .says("second", question());
    let mut world = World::new(json!({"back_end_auth": "always"})).behind(directory);
    let first = asked(&world.send(&Ask::combined("Secret")));
    let answer = Ask {
        key: Some(first.key),
        ..Ask::combined("second").radius()
    };
    let second = asked(&world.send(&answer));
    assert_ne!(first.key, second.key);
    assert_eq!(world.challenges.len(), 1, "the first one is gone");
    assert_eq!(world.try_ask(&Ask::answer(second.key, "wrong")), 1023);
    assert_eq!(world.user().lock_count, 1);
    assert_eq!(world.try_ask(&Ask::answer(second.key, "third")), 3002);
}

#[test]
fn an_answer_passes_the_checks_again() {
    let directory = Directory::of("second").says("Secret", question());
    let world = World::new(json!({"back_end_auth": "always"})).behind(directory);
    let asked = |world: &mut World| asked(&world.send(&Ask::combined("Secret"))).key;
    let mut late = world.clone();
    let key = asked(&mut late);
    assert_eq!(late.later(61).try_ask(&Ask::answer(key, "second")), 1004);
    let mut disabled = world.clone();
    let key = asked(&mut disabled);
    disabled.account_mut().user.disabled = true;
    assert_eq!(disabled.try_ask(&Ask::answer(key, "second")), 1009);
    let mut changed = world.clone();
    let key = asked(&mut changed);
    changed.policy(json!({"local_auth": "authenticator_only", "back_end_auth": "always"}));
    assert_eq!(changed.try_ask(&Ask::answer(key, "second")), 3002);
    let mut down = world.clone();
    let key = asked(&mut down);
    down.directory.as_mut().unwrap().down = true;
    assert_eq!(down.try_ask(&Ask::answer(key, "second")), -10);
    down.directory.as_mut().unwrap().down = false;
    assert_eq!(down.try_ask(&Ask::answer(key, "second")), 0, "asked again");
    let mut hashed = world;
    let key = asked(&mut hashed);
    let answer = Ask {
        key: Some(key),
        ..Ask::hashed("second")
    };
    assert_eq!(hashed.try_ask(&answer), 1034);
}

#[test]
fn questions_that_cannot_be_passed_on() {
    let directory = Directory::of("x").says("Secret", question());
    let mut world = World::new(json!({"back_end_auth": "always"})).behind(directory);
    world.component.challenges = false;
    assert_eq!(world.try_value("Secret"), 1040);
    world.component.challenges = true;
    world.outstanding = 100_000;
    assert_eq!(world.try_value("Secret"), -104);
}

#[test]
fn unknown_keys_are_no_questions() {
    let mut world = World::new(json!({"back_end_auth": "always"})).behind(Directory::of("x"));
    let answer = Ask {
        bad_key: true,
        ..Ask::combined("x").radius()
    };
    assert_eq!(world.try_ask(&answer), 3002);
    let response = Ask {
        response: Some("x".to_owned()),
        ..Ask::default()
    };
    assert_eq!(world.try_ask(&response), 1006, "a response without a key");
    assert!(world.shown().is_empty());
}

#[test]
fn groups_in_every_mode() {
    let rows = [
        ("off", false, 1023, 0),
        ("pass_back", false, 5001, 0),
        ("reject", false, 1002, 0),
        ("pass_back", true, 1023, 0),
        ("reject", true, 1023, 0),
    ];
    for (mode, member, without, _) in rows {
        let mut directory = Directory::of("Secret");
        directory.groups = Said::Member(member);
        let values = policy(json!({"group_check": mode, "groups": ["otp-users"]}));
        let mut world = world(values).behind(directory);
        assert_eq!(world.try_value(&value(2)), without, "{mode} {member}");
    }
}

#[test]
fn back_end_only_beats_the_account() {
    let values = json!({"local_auth": "authenticator_only", "group_check": "back_end_only", "groups": ["otp-users"]});
    let mut world = World::new(values)
        .with_password("Local")
        .with_hotp()
        .behind(Directory::of("Secret"));
    world.account_mut().user.overrides = Some(Box::new(crate::model::Overrides {
        local_auth: Some(crate::policy::LocalAuth::AuthenticatorOrPassword),
        back_end_auth: Some(crate::policy::BackEndAuth::None),
        ..Default::default()
    }));
    assert_eq!(world.try_value("Secret"), 0);
    assert_eq!(world.try_value(&value(2)), 1023);
    assert_eq!(world.shown(), [value(2)], "nobody looks at the value here");
    world.directory.as_mut().unwrap().groups = Said::Member(true);
    assert_eq!(world.try_value(&value(2)), 0);
    assert_eq!(world.try_value("Local"), 0);
}

#[test]
fn the_account_may_override_the_group_check() {
    let mut world = world(policy(json!({"group_check": "reject", "groups": ["x"]})));
    world.account_mut().user.overrides = Some(Box::new(crate::model::Overrides {
        group_check: Some(crate::policy::GroupCheck::Off),
        ..Default::default()
    }));
    assert_eq!(world.try_value(&format!("Secret{}", value(2))), 0);
}

#[test]
fn an_unreachable_directory_closes_the_group_check() {
    for mode in ["pass_back", "reject", "back_end_only"] {
        let values =
            json!({"local_auth": "authenticator_only", "group_check": mode, "groups": ["x"]});
        let mut directory = Directory::of("x");
        directory.down = true;
        let mut world = World::new(values).with_hotp().behind(directory);
        let decision = world.send(&Ask::combined(&value(2)));
        assert_eq!(status(&decision), -10, "{mode}");
        assert_eq!(codes(&decision), ["F-101005", "E-109001"], "{mode}");
        assert_eq!(world.state().counter, 2, "{mode}");
    }
}

#[test]
fn the_groups_of_machines_are_not_checked() {
    let values = json!({"local_auth": "authenticator_only", "client_group_check": "reject", "client_groups": ["x"]});
    let mut world = World::new(values).with_hotp();
    assert_eq!(world.try_value(&value(2)), 0, "a client without a machine");
    world.component.kind = "logon_agent".to_owned();
    assert_eq!(world.try_value(&value(3)), -108);
}

#[test]
fn methods_with_the_password_of_the_directory() {
    let values = |method: &str, more: Json| {
        let mut values =
            policy(json!({"challenge_request_method": method, "challenge_request_keyword": "otp"}));
        values
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        values
    };
    let suited = |values: Json| {
        World::new(values)
            .with_password("Secret")
            .with_suite("OCRA-1:HOTP-SHA1-6:QN08")
            .behind(Directory::of("New"))
    };
    let if_needed = json!({"back_end_auth": "if_needed"});
    for (method, typed) in [
        ("keyword", "otpNew"),
        ("keyword_password", "otpNew"),
        ("password_keyword", "Newotp"),
        ("password", "New"),
    ] {
        let mut world = suited(values(method, if_needed.clone()));
        let decision = world.send(&Ask::combined(typed));
        assert_eq!(status(&decision), 3001, "{method}");
        assert_eq!(world.shown(), ["New"], "{method}");
        let asked = asked(&decision);
        let response = world.response(&asked.challenge.unwrap());
        assert_eq!(
            world.try_ask(&Ask::answer(asked.key, &response)),
            0,
            "{method}"
        );
    }
    // Where the back-end must be asked it sees the stored password in the first step.
    let mut world = suited(values("password", json!({}))).behind(Directory::of("Secret"));
    let decision = world.send(&Ask::combined("Secret"));
    assert_eq!(
        (status(&decision), world.shown()),
        (3001, vec!["Secret".to_owned()])
    );
    let asked = asked(&decision);
    let response = world.response(&asked.challenge.unwrap());
    assert_eq!(world.try_ask(&Ask::answer(asked.key, &response)), 0);
    assert!(world.shown().is_empty());
    world.directory = Some(Directory::of("Other"));
    assert_eq!(world.try_value("Secret"), 1023);
    // A keyword that brings no password leaves none for the back-end.
    let mut world = suited(values("keyword_only", json!({}))).behind(Directory::of("Secret"));
    let asked = super::world::asked(&world.send(&Ask::combined("otp")));
    let response = world.response(&asked.challenge.unwrap());
    assert_eq!(world.try_ask(&Ask::answer(asked.key, &response)), 1023);
}

#[test]
fn an_explicit_request_with_the_password_of_the_directory() {
    let mut world = World::new(policy(json!({"back_end_auth": "if_needed"})))
        .with_suite("OCRA-1:HOTP-SHA1-6:QN08")
        .behind(Directory::of("New"));
    let request = |password: &str| Ask {
        auth_type: crate::attempt::AuthType::Challenge,
        ..Ask::combined(password)
    };
    assert_eq!(world.try_ask(&request("New")), 3001);
    assert_eq!(world.try_ask(&request("wrong")), 1023);
    assert_eq!(world.try_ask(&request("123456")), 1011, "it may be an OTP");
    assert!(world.shown().is_empty());
}

fn known(name: &str, mobile: &str) -> Said {
    Said::Info(Box::new(UserInfo {
        contact: Contact {
            name: name.to_owned(),
            mobile: mobile.to_owned(),
            ..Contact::default()
        },
    }))
}

#[test]
fn what_the_directory_knows_of_the_person_is_taken_over() {
    let mut world = world(policy(json!({"user_info_sync": "yes"})));
    world.account_mut().user.contact = Some(Box::new(Contact {
        email: "alice@example.com".to_owned(),
        ..Contact::default()
    }));
    world.directory.as_mut().unwrap().info = known("Alice", "+4179");
    assert_eq!(world.try_value(&format!("Secret{}", value(2))), 0);
    let contact = world.account().user.contact.clone().unwrap();
    assert_eq!(
        (
            contact.name.as_str(),
            contact.mobile.as_str(),
            contact.email.as_str()
        ),
        ("Alice", "+4179", "alice@example.com")
    );
    let revision = world.account().user.meta.revision;
    assert_eq!(world.try_value(&format!("Secret{}", value(3))), 0);
    assert_eq!(world.account().user.meta.revision, revision, "nothing new");
}

#[test]
fn user_information_that_cannot_be_taken_over_is_a_warning() {
    for said in [
        Said::InfoUnusable("mail is too long".to_owned()),
        Said::Unreachable,
    ] {
        let mut world = world(policy(json!({"user_info_sync": "yes"})));
        world.directory.as_mut().unwrap().info = said;
        let decision = world.send(&Ask::combined(&format!("Secret{}", value(2))));
        assert!(codes(&decision).contains(&"W-016004".to_owned()));
        let warnings: Vec<_> = grant(decision)
            .warnings
            .into_iter()
            .map(|(status, _)| status.number())
            .collect();
        assert_eq!(warnings, [1121]);
    }
    let mut world = world(proxy(
        json!({"user_info_sync": "yes", "back_end_auth": "if_needed"}),
    ));
    world.directory.as_mut().unwrap().down = true;
    assert_eq!(world.try_value(&value(2)), 0);
    assert!(
        world.asked.is_empty(),
        "nobody waits for a directory he does not need"
    );
}

#[test]
fn a_full_pool_refuses_nobody_who_is_right() {
    let mut world = world(proxy(json!({"password_autolearn": "yes"})));
    let ask = Ask::combined(&format!("New{}", value(2)));
    let mut answers = Answers::default();
    let decision = loop {
        match world.step(&ask, &answers) {
            Step::Done(decision) => break decision,
            Step::Ask(question @ Asked::Hash { .. }) => answers.add(question, Answer::Busy),
            Step::Ask(question) => {
                let answer = world.answer(&question);
                answers.add(question, answer);
            }
        }
    };
    assert_eq!(codes(&decision), ["S-101001", "S-109001"], "not learned");
    world.commit(&decision);
    assert_eq!(world.state().counter, 3);
}
