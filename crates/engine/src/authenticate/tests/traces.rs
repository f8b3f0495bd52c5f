//! audit.md 2: what a trace says, and what neither trace nor record ever holds.

use super::world::{Ask, WRONG, World, value};
use crate::decision::Decision;
use crate::trace::Trace;
use serde_json::json;

fn text(decision: &Decision) -> String {
    let mut stored = Vec::new();
    decision.trace.encode(&mut stored);
    Trace::decode(&stored).unwrap().render()
}

#[test]
fn a_plain_accept_is_small() {
    let mut world = World::new(json!({"local_auth": "authenticator_only"})).with_totp();
    let decision = world.send(&Ask::combined(&world.totp(-2)));
    let mut stored = Vec::new();
    decision.trace.encode(&mut stored);
    assert!(stored.len() < 160, "{} bytes", stored.len());
    let expected = "\
component  radius_client at 192.0.2.0/24
policy     test <- base
setting    local_auth = authenticator_only (policy test)
setting    back_end_auth = none (policy base)
user       domain master: the master domain
account    found, authenticators: 1
setting    identification_time_window = 20 (policy base)
read as    password? PIN? OTP (characters: OTP 6)
candidate  0097123456 response: accepted, counter or step 56666665
status     0 STAT_SUCCESS: No error
";
    let mut sorted: Vec<_> = text(&decision).lines().map(str::to_owned).collect();
    let mut wanted: Vec<_> = expected.lines().map(str::to_owned).collect();
    sorted.sort();
    wanted.sort();
    assert_eq!(sorted, wanted);
}

#[test]
fn the_near_miss_is_told() {
    let mut world = World::new(json!({"local_auth": "authenticator_only"})).with_totp();
    assert!(
        text(&world.send(&Ask::combined(&world.totp(-14))))
            .contains("a value outside the window, valid 14 steps ago")
    );
    let used = world.totp(0);
    world.send(&Ask::combined(&used));
    world.later(60);
    assert!(
        text(&world.send(&Ask::combined(&used)))
            .contains("a used value, counter or step 56666667, valid 2 steps ago")
    );
    assert!(
        text(&world.send(&Ask::combined(&world.totp(101)))).contains("no value of the window\n")
    );
    let mut with_pin = World::new(json!({"local_auth": "authenticator_only"}))
        .with_totp()
        .with_pin(Some("1234"));
    let right = with_pin.totp(-14);
    let wrong_pin = text(&with_pin.send(&Ask::combined(&format!("9999{right}"))));
    assert!(wrong_pin.contains("the PIN did not match") && !wrong_pin.contains("ago"));
}

#[test]
fn a_distance_is_told_only_with_1008_and_1012() {
    let mut world = World::new(json!({"local_auth": "authenticator_or_password"})).with_totp();
    let password = format!("Secret{}", world.totp(-14));
    world = world.with_password(&password);
    assert!(!text(&world.send(&Ask::combined(&password))).contains("ago"));
}

#[test]
fn the_origin_of_what_decided() {
    let mut world =
        World::new(json!({"local_auth": "authenticator_only", "user_lock_threshold": 1}))
            .with_hotp();
    let refused = text(&world.send(&Ask::combined(WRONG)));
    assert!(
        refused.contains("user_lock_threshold = 1 (policy test)"),
        "{refused}"
    );
    assert!(
        refused.contains("event_window = 20 (policy base)"),
        "{refused}"
    );
    let locked = text(&world.send(&Ask::combined(&value(2))));
    assert!(
        locked.contains("the account is not locked: no (failures in a row, threshold: 1, 1)"),
        "{locked}"
    );
    assert!(
        locked.contains("max_unlock_attempts = 0 (policy base)"),
        "{locked}"
    );
}

#[test]
fn nothing_typed_is_ever_written_down() {
    let policy = json!({"local_auth": "authenticator_or_password", "second_otp_sync": "yes", "challenge_request_keyword": "ask-me-now"});
    let mut world = World::new(policy)
        .with_password("Very secret")
        .with_hotp()
        .with_pin(Some("7319"));
    let otp = |counter| value(counter);
    let asks = [
        Ask::combined(&format!("7319{}", otp(2))),
        Ask::combined(&format!("7319{}", otp(2))),
        Ask::combined(&format!("7319{}", otp(100))),
        Ask::combined(&format!("7318{}", otp(3))),
        Ask::combined(&format!("7319{}48264826", otp(3))),
        Ask::combined("Very secret"),
        Ask::combined("Not so secret"),
        Ask::hashed(&format!("4826{}", otp(4))),
        Ask {
            pin: Some("4826".to_owned()),
            static_password: Some("Very secret".to_owned()),
            ..Ask::otp(&otp(5))
        },
        Ask {
            pin: Some("4826".to_owned()),
            new_pin: Some(("5937".to_owned(), "5938".to_owned())),
            ..Ask::otp(&otp(6))
        },
        Ask {
            key: Some(crate::model::ChallengeKey([0xab; 16])),
            ..Ask::combined(&otp(7))
        },
    ];
    let secrets = [
        "Very secret",
        "Not so secret",
        "7319",
        "7318",
        "4826",
        "5937",
        "5938",
        "abababababababab",
        "12345678901234567890",
    ];
    let otps: Vec<_> = (2..8).chain([100]).map(otp).collect();
    for ask in asks {
        let decision = world.send(&ask);
        let mut stored = Vec::new();
        decision.trace.encode(&mut stored);
        let written = format!(
            "{} {} {:?}",
            text(&decision),
            String::from_utf8_lossy(&stored),
            decision.records
        );
        for secret in secrets
            .iter()
            .copied()
            .chain(otps.iter().map(String::as_str))
        {
            assert!(!written.contains(secret), "{secret} in {written}");
        }
        assert!(ask.typed().iter().all(|typed| !written.contains(typed)));
        // Nor does a debug print of what the shell holds give any of it away.
        assert!(!format!("{decision:?}").contains("Very secret"));
    }
}

#[test]
fn every_attempt_leaves_one_main_record_first() {
    let mut world = World::new(json!({"local_auth": "authenticator_or_password"}))
        .with_password("Secret")
        .with_hotp();
    for ask in [
        Ask::combined(&value(2)),
        Ask::combined(WRONG),
        Ask {
            user: Some("nobody".to_owned()),
            ..Ask::combined("x")
        },
        Ask {
            user: Some(String::new()),
            ..Ask::default()
        },
    ] {
        let decision = world.send(&ask);
        let main = decision.records.first().unwrap();
        assert!(matches!(
            main.code.letter(),
            crate::audit::Letter::S | crate::audit::Letter::F
        ));
        assert!(main.status.is_some() && main.request_id.is_some());
        let ids: std::collections::BTreeSet<_> =
            decision.records.iter().map(|record| record.amid).collect();
        assert_eq!(ids.len(), decision.records.len());
    }
}
