use super::{records, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::slapd::{PASSWORD, SERVICE_PASSWORD};
use countersign_testkit::{SambaAd, Slapd, World, samba};
use serde_json::json;

/// Names that would be somebody else, or everybody, where they entered a filter or a DN as they are.
const NAMES: [&str; 14] = [
    "*",
    "norm*",
    "normal)(uid=*",
    "*)(objectClass=*",
    "normal)(|(uid=*))",
    "normal\\2a",
    "normal,ou=people,dc=example,dc=test",
    "uid=normal,ou=people,dc=example,dc=test",
    "normal+cn=x",
    "normal#",
    "\\6eormal",
    "(uid=normal)",
    "x)(|(objectClass=*",
    "normal;",
];

fn nobody_gets_in(world: &mut World, password: &str) {
    for name in NAMES {
        let answer = world.app(json!({"user": name, "password": password}));
        assert!(
            [1000, 1010, 1023].contains(&answer.status()),
            "{name}: {}",
            answer.text
        );
    }
}

#[test]
fn names_are_never_part_of_a_filter() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let mut world = world();
    records::add(&mut world, records::ldap(&server), json!({}));
    records::alone(&mut world, "ldap", json!({}));
    let right = world.app(json!({"user": "normal", "password": PASSWORD}));
    assert_eq!(right.status(), 0, "{}", right.text);
    nobody_gets_in(&mut world, PASSWORD);
    // the account that searches is no user
    let service = world.app(json!({"user": "service", "password": SERVICE_PASSWORD}));
    assert_eq!(service.status(), 1023, "{}", service.text);

    // names of groups come from the policy, members from the directory; a user ID is neither
    for (user, status) in [("normal)(cn=*", 1002), ("*", 1002), ("normal", 0)] {
        world.policy(
            "local_only",
            json!({"group_check": "reject", "groups": ["staff"], "back_end_protocol": "ldap", "user_lock_threshold": 0}),
        );
        world.user(user, None);
        world.hotp(user);
        let answer = world.app(json!({"user": user, "otp": hotp(KEY_HEX, 0)}));
        assert_eq!(answer.status(), status, "{user}: {}", answer.text);
    }
}

#[test]
fn names_are_never_part_of_a_filter_of_a_domain() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let mut world = world();
    records::add(
        &mut world,
        records::active_directory(&controller),
        json!({}),
    );
    records::alone(&mut world, "active_directory", json!({}));
    nobody_gets_in(&mut world, samba::PASSWORD);
    assert_eq!(controller.bad_passwords("normal"), 0);
}
