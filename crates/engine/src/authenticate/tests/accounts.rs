//! authentication.md 1–3 and status-codes.md 5, 6: who is meant, and what stands in the way.

use super::world::{Ask, World, codes, status, value};
use crate::Status;
use crate::attempt::Via;
use crate::decision::Verdict;
use crate::time::Timestamp;
use serde_json::json;

fn world() -> World {
    World::new(json!({"local_auth": "authenticator_only"})).with_hotp()
}

fn named(user: &str) -> Ask {
    Ask {
        user: Some(user.to_owned()),
        ..Ask::combined(&value(2))
    }
}

#[test]
fn names_resolve_step_by_step() {
    for user in ["alice", "ALICE", "Alice@master", "alice@MASTER"] {
        assert_eq!(world().try_ask(&named(user)), 0, "{user}");
    }
    for user in ["alice@nowhere", "bob", "@master"] {
        assert_eq!(world().try_ask(&named(user)), 1010, "{user}");
    }
    let mut mail = world();
    mail.account_mut().user.folded = "alice@nowhere".to_owned();
    assert_eq!(
        mail.try_ask(&named("Alice@Nowhere")),
        0,
        "an ID as typed where no such domain exists"
    );
    let in_domain = |domain: &str| Ask {
        domain: Some(domain.to_owned()),
        ..named("alice")
    };
    assert_eq!(world().try_ask(&in_domain("Master")), 0);
    assert_eq!(world().try_ask(&in_domain("nowhere")), 1010);
}

#[test]
fn default_and_accepted_domains() {
    let mut world = world();
    world.policy(json!({"local_auth": "authenticator_only", "default_domain": "nowhere"}));
    assert_eq!(world.try_ask(&named("alice")), 1010);
    world.policy(json!({"local_auth": "authenticator_only", "accepted_domains": ["sales"]}));
    assert_eq!(world.try_ask(&named("alice")), 1010);
    world.policy(
        json!({"local_auth": "authenticator_only", "accepted_domains": ["sales", "MASTER"]}),
    );
    assert_eq!(world.try_ask(&named("alice")), 0);
}

#[test]
fn unreadable_names_and_passwords() {
    for user in ["", "al\0ice", "al\u{85}ice", &"é".repeat(256)] {
        assert_eq!(world().try_ask(&named(user)), 1000, "{user:?}");
    }
    assert_eq!(world().try_ask(&named(&"é".repeat(255))), 1010);
    assert_eq!(
        world().try_ask(&Ask {
            unreadable: true,
            ..Ask::default()
        }),
        1000
    );
}

#[test]
fn the_status_of_an_account_in_order() {
    let mut world = world();
    world.account_mut().user.privileges = ["admin.logon".to_owned()].into();
    world.policy(json!({"local_auth": "authenticator_only", "admins_may_authenticate": "no"}));
    assert_eq!(world.try_ask(&named("alice")), 1005);
    world.account_mut().state.locked = Some(crate::model::LockReason::Administrator);
    assert_eq!(world.try_ask(&named("alice")), 1007);
    world.account_mut().user.expires_at = Some(world.at);
    assert_eq!(world.try_ask(&named("alice")), 1009);
    world.account_mut().user.expires_at = Some(Timestamp(i64::MAX));
    assert_eq!(world.try_ask(&named("alice")), 1007);
    world.account_mut().user.disabled = true;
    assert_eq!(world.try_ask(&named("alice")), 1009);
    assert_eq!(world.state().counter, 2);
}

#[test]
fn unused_accounts_are_suspended() {
    let policy =
        json!({"local_auth": "authenticator_only", "max_days_between_authentications": 30});
    let fresh = |days: i64| {
        let mut world = World::new(policy.clone()).with_hotp();
        world.account_mut().user.meta.created = world.at.plus_seconds(-days * 86_400);
        world
    };
    assert_eq!(
        fresh(30).try_ask(&named("alice")),
        0,
        "new accounts count from creation"
    );
    assert_eq!(fresh(31).try_ask(&named("alice")), 1009);
    let mut used = fresh(400);
    used.application_mut().state.last_success = Some(used.at.plus_seconds(-5 * 86_400));
    assert_eq!(
        used.clone().try_ask(&named("alice")),
        0,
        "a plain OTP logon is noted at its application"
    );
    used.account_mut().owner = crate::model::UserKey(9);
    assert_eq!(
        used.try_ask(&named("alice")),
        1009,
        "another account's authenticators say nothing"
    );
    used.account_mut().state.last_auth_at = Some(used.at.plus_seconds(-5 * 86_400));
    assert_eq!(used.try_ask(&named("alice")), 0);
    let overrides = crate::model::Overrides {
        max_days_between_authentications: Some(0),
        ..Default::default()
    };
    let mut off = fresh(400);
    off.account_mut().user.overrides = Some(Box::new(overrides));
    assert_eq!(off.try_ask(&named("alice")), 0);
}

#[test]
fn nothing_to_check() {
    let mut world = world();
    world.policy(json!({}));
    let decision = world.send(&named("alice"));
    assert_eq!(
        (status(&decision), codes(&decision)),
        (5002, vec!["F-101002".to_owned()])
    );
    assert_eq!(world.try_ask(&named("nobody")), 5002);
    world.policy(json!({"local_auth": "authenticator_only"}));
    assert_eq!(
        world.try_ask(&Ask {
            call_check: true,
            ..named("alice")
        }),
        5002
    );
    assert_eq!(
        world.try_ask(&Ask {
            call_check: true,
            ..named("00-11-22-33-44-55")
        }),
        5002
    );
}

#[test]
fn the_back_end_alone() {
    let mut world = world();
    world.policy(json!({"back_end_auth": "always"}));
    assert_eq!(world.try_ask(&Ask::otp(&value(2))), 1006);
    assert_eq!(
        world.try_ask(&Ask {
            serial: Some("1".to_owned()),
            ..Ask::combined("x")
        }),
        1006
    );
    assert_eq!(
        world.try_ask(&Ask::combined("")),
        1023,
        "an empty password is never sent"
    );
    assert_eq!(world.try_ask(&Ask::combined("Secret")), -108);
    assert_eq!(
        world.try_ask(&Ask {
            user: Some("nobody".to_owned()),
            ..Ask::combined("Secret")
        }),
        -108
    );
    world.policy(json!({"local_auth": "grace_period", "back_end_auth": "always", "dynamic_user_registration": "yes"}));
    assert_eq!(world.try_ask(&named("nobody")), -108);
    world.policy(json!({"local_auth": "authenticator_only", "back_end_auth": "always", "dynamic_user_registration": "yes"}));
    assert_eq!(world.try_ask(&named("nobody")), 1033);
    world.policy(json!({"local_auth": "grace_period", "group_check": "reject", "groups": ["x"]}));
    assert_eq!(world.try_ask(&named("alice")), -108);
}

#[test]
fn what_a_back_end_never_sees() {
    let policy = json!({"local_auth": "authenticator_or_password", "back_end_auth": "if_needed", "stored_password_proxy": "yes"});
    let mut world = World::new(policy).with_password("Secret").with_hotp();
    assert_eq!(world.try_value("000000"), 1012, "a mistyped OTP");
    assert_eq!(
        world.try_value("Secret000000"),
        1012,
        "the stored password with one"
    );
    assert_eq!(world.try_value("Other"), -108);
    assert_eq!(world.try_value("12345"), -108, "too short for an OTP");
}

#[test]
fn records_that_cannot_be_read() {
    for (code, event) in [
        (Status::DATA_RECORD_VERSION_UNSUPPORTED, "E-013004"),
        (Status::DATA_RECORD_MIGRATION_FAILED, "E-013003"),
    ] {
        let mut world = world();
        world.unreadable = Some(code);
        let decision = world.send(&named("alice"));
        assert_eq!(status(&decision), code.number());
        assert_eq!(codes(&decision)[1], event);
    }
}

#[test]
fn an_invalid_policy() {
    let mut world = world();
    world.component.policy = "missing".to_owned();
    let decision = world.send(&named("alice"));
    assert_eq!(
        (status(&decision), codes(&decision)),
        (1030, vec!["F-101001".to_owned(), "E-110001".to_owned()])
    );
    assert_eq!(world.try_ask(&named("")), 1000);
}

#[test]
fn generic_codes_hide_eight() {
    let generic = |world: &mut World, ask: &Ask| {
        let decision = world.send(ask);
        let main = decision.records[0].clone();
        (
            decision.generic,
            main.status.map(Status::number),
            main.client_status.map(Status::number),
        )
    };
    let policy = json!({"local_auth": "authenticator_only", "generic_status_codes": "yes"});
    let mut world = World::new(policy).with_hotp();
    assert_eq!(
        generic(&mut world, &named("nobody")),
        (true, Some(1010), Some(1000))
    );
    assert_eq!(
        generic(&mut world, &Ask::combined("000000")),
        (true, Some(1012), Some(1000))
    );
    let stranger = Ask {
        static_password: Some("000000".to_owned()),
        ..named("nobody")
    };
    assert_eq!(generic(&mut world, &stranger).1, Some(1010));
    assert_eq!(world.asked.len(), 1, "a password of nobody is hashed too");
    world.busy = true;
    assert_eq!(generic(&mut world, &stranger).1, Some(-104));
    world.busy = false;
    world.send(&Ask::combined(&value(2)));
    assert_eq!(
        generic(&mut world, &Ask::combined(&value(2))),
        (false, Some(1008), None),
        "1008 is none of the eight"
    );
    assert_eq!(
        generic(&mut world, &Ask::combined(&value(3))),
        (false, Some(0), None)
    );
}

#[test]
fn administrators_log_on_with_right_credentials_only() {
    let logon = |counter| Ask {
        via: Some(Via::AdminLogon),
        ..Ask::combined(&value(counter))
    };
    let mut world =
        World::new(json!({"local_auth": "authenticator_only", "admins_may_authenticate": "no"}))
            .with_hotp();
    assert_eq!(
        world.try_ask(&Ask {
            via: Some(Via::AdminLogon),
            ..Ask::combined("000000")
        }),
        1012
    );
    let decision = world.send(&logon(2));
    assert_eq!(
        (status(&decision), codes(&decision)),
        (1005, vec!["F-105001".to_owned()])
    );
    assert_eq!(world.state().counter, 3, "the OTP was right and is used up");
    world.account_mut().user.privileges = ["admin.logon".to_owned()].into();
    assert_eq!(codes(&world.send(&logon(3))), ["S-105001"]);
}

#[test]
fn names_of_nobody_may_be_kept_as_hashes() {
    let kept = |settings: &[(&str, &str)]| {
        let decision = world().with_settings(settings).send(&named("Hunter2"));
        decision.records[0].user.clone().unwrap().into_owned()
    };
    assert_eq!(kept(&[]), "Hunter2");
    assert_eq!(
        kept(&[("audit.unknown_user", "hash")]),
        "sha256:f52fbd32b2b3b86ff88ef6c490628285"
    );
}

#[test]
fn protocols_outside_the_policy() {
    let mut world = world();
    world.policy(json!({"local_auth": "authenticator_only", "radius_protocols": ["chap"]}));
    let decision = world.send(&named("alice").radius());
    assert_eq!(status(&decision), -108);
    assert!(matches!(
        decision.verdict,
        Verdict::Refuse {
            identified: false,
            ..
        }
    ));
    assert_eq!(
        world.try_ask(&named("alice")),
        0,
        "JSON knows no such protocols"
    );
    assert_eq!(world.try_ask(&Ask::hashed(&value(3)).radius()), -108);
}
