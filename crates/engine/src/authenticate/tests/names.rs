//! authentication.md 3.1: names that directories resolve.

use super::world::{Ask, Directory, World, codes, status, value};
use crate::back_end::Resolved;
use serde_json::json;

fn world(mechanism: &str) -> World {
    let mut directory = Directory::of("x");
    for (typed, user, domain) in [
        ("CORP\\asmith", "alice", "master"),
        ("asmith@corp.example", "alice", "MASTER"),
        ("bob@sales", "bob", "Sales"),
        ("eve@elsewhere", "eve", "nowhere"),
    ] {
        let resolved = Resolved {
            user: user.to_owned(),
            domain: domain.to_owned(),
        };
        directory.resolved.insert(typed.to_owned(), resolved);
    }
    World::new(json!({"local_auth": "authenticator_only"}))
        .with_settings(&[("name_resolution", mechanism)])
        .with_hotp()
        .behind(directory)
}

fn named(user: &str, counter: u64) -> Ask {
    Ask {
        user: Some(user.to_owned()),
        ..Ask::otp(&value(counter))
    }
}

#[test]
fn the_directory_says_whom_a_name_means() {
    for mechanism in ["windows", "active_directory"] {
        let mut world = world(mechanism);
        assert_eq!(world.try_ask(&named("CORP\\asmith", 2)), 0);
        assert_eq!(world.try_ask(&named("asmith@corp.example", 3)), 0);
        assert_eq!(world.asked.len(), 1, "{:?}", world.asked);
        let decision = world.send(&named("nobody@corp.example", 4));
        assert_eq!(status(&decision), 1010);
        assert_eq!(world.try_ask(&named("bob@sales", 4)), 1010, "no account");
        assert_eq!(
            world.try_ask(&named("eve@elsewhere", 4)),
            1010,
            "no such domain"
        );
        assert_eq!(world.try_ask(&named("alice", 4)), 0, "no domain part");
        assert!(world.asked.is_empty());
        let separate = Ask {
            domain: Some("master".to_owned()),
            ..named("alice", 5)
        };
        assert_eq!(world.try_ask(&separate), 0);
        assert!(world.asked.is_empty());
    }
}

#[test]
fn a_resolved_domain_must_be_accepted() {
    let mut world = world("windows");
    world.policy(json!({"local_auth": "authenticator_only", "accepted_domains": ["Sales"]}));
    assert_eq!(world.try_ask(&named("CORP\\asmith", 2)), 1010);
}

#[test]
fn an_unreachable_directory_resolves_nobody() {
    let mut world = world("active_directory");
    world.directory.as_mut().unwrap().down = true;
    let decision = world.send(&named("CORP\\asmith", 2));
    assert_eq!(status(&decision), -10);
    assert_eq!(codes(&decision), ["F-101005", "E-109001"]);
    assert_eq!(world.try_ask(&named("alice", 2)), 0);
}

#[test]
fn the_simple_mechanism_asks_nobody() {
    let mut world = world("simple");
    assert_eq!(world.try_ask(&named("alice@MASTER", 2)), 0);
    assert_eq!(world.try_ask(&named("CORP\\asmith", 3)), 1010);
    assert!(world.asked.is_empty());
}
