//! authentication.md 12: changes of passwords at a back-end, and changes that come encrypted.

use super::world::{Ask, OwnEnvelope, World, codes, grant, radius, status, value};
use crate::attempt::Via;
use crate::back_end::{Heard, Said, Wanted};
use crate::decision::{Answer, Answers, Change, Decision, Question, Step};
use crate::model::{ChallengeKind, Profile, Protocol, Tls};
use crate::time::Timestamp;
use serde_json::{Value as Json, json};

/// A directory that knows one password.
struct Directory {
    password: &'static str,
    weak: &'static str,
    expired: bool,
    says: Option<Said>,
    changes: Vec<(String, String)>,
    proofs: usize,
}

impl Directory {
    fn knowing(password: &'static str) -> Self {
        Self {
            password,
            weak: "weak",
            expired: false,
            says: None,
            changes: Vec::new(),
            proofs: 0,
        }
    }

    fn says(&mut self, wanted: &Wanted) -> Said {
        let text = |secret: &crate::Secret| String::from_utf8(secret.expose().to_vec()).unwrap();
        let proven = |password: &crate::Secret| password.expose() == self.password.as_bytes();
        if let Some(said) = &self.says {
            return said.clone();
        }
        match wanted {
            Wanted::Change { old, .. } if !proven(old) => Said::Rejected,
            Wanted::Change { new, .. } if new.expose() == self.weak.as_bytes() => Said::Weak,
            Wanted::Change { old, new } => {
                self.changes.push((text(old), text(new)));
                Said::Accepted(Box::default())
            }
            Wanted::Authenticate(crate::back_end::Password::Known(password)) => {
                self.proofs += 1;
                match proven(password) {
                    false => Said::Rejected,
                    true if self.expired => Said::Expired,
                    true => Said::Accepted(Box::default()),
                }
            }
            _ => Said::Unsupported,
        }
    }
}

/// Sends an attempt whose questions to the back-end the directory answers.
fn send(world: &mut World, directory: &mut Directory, ask: &Ask) -> Decision {
    let mut answers = Answers::default();
    world.sent = world.sent.wrapping_add(1);
    for _ in 0..20 {
        let question = match world.step(ask, &answers) {
            Step::Done(decision) => {
                world.commit(&decision);
                return *decision;
            }
            Step::Ask(question) => question,
        };
        let answer = match &question {
            Question::BackEnd(asked) => Answer::BackEnd(Box::new(Heard {
                server: "dc1".to_owned(),
                said: directory.says(&asked.wanted),
                note: String::new(),
            })),
            other => world.answer(other),
        };
        answers.add(question, answer);
    }
    panic!("asks for ever");
}

fn policy(more: &Json) -> Json {
    let mut policy = json!({"local_auth": "authenticator_or_password", "back_end_auth": "if_needed",
        "back_end_protocol": "active_directory", "password_autolearn": "yes"});
    let own = policy.as_object_mut().unwrap();
    own.extend(more.as_object().unwrap().clone());
    policy
}

fn change(old: &str, new: &str) -> Ask {
    Ask {
        via: Some(Via::ChangeBackEndPassword),
        static_password: Some(old.to_owned()),
        new_password: Some((new.to_owned(), new.to_owned())),
        ..Ask::default()
    }
}

fn stored(decision: &Decision) -> bool {
    let is_password = |change: &Change| matches!(change, Change::Password { .. });
    decision.changes.iter().any(is_password)
}

#[test]
fn a_change_at_the_back_end_and_the_copy_that_follows() {
    let mut world = World::new(policy(&json!({}))).with_password("Secret");
    let mut directory = Directory::knowing("Secret");
    let decision = send(
        &mut world,
        &mut directory,
        &change("Secret", "Sesame 12345"),
    );
    assert_eq!((status(&decision), stored(&decision)), (0, true));
    assert_eq!(
        directory.changes,
        [("Secret".to_owned(), "Sesame 12345".to_owned())]
    );
    assert_eq!(
        codes(&decision),
        ["S-101001", "S-109001", "S-109002", "I-109001"]
    );
    assert_eq!(world.try_value("Sesame 12345"), 0);
    assert_eq!(
        directory.proofs, 0,
        "the change itself proves the old password"
    );

    world.policy(policy(&json!({"password_autolearn": "no"})));
    directory.password = "Sesame 12345";
    let decision = send(
        &mut world,
        &mut directory,
        &change("Sesame 12345", "Third 67890"),
    );
    assert_eq!((status(&decision), stored(&decision)), (0, false));
}

#[test]
fn what_the_back_end_says_to_a_change() {
    let mut world = World::new(policy(&json!({}))).with_password("Old one");
    let mut directory = Directory::knowing("Secret");
    let mut try_it = |directory: &mut Directory, old: &str, new: &str| {
        let decision = send(&mut world, directory, &change(old, new));
        assert!(!stored(&decision) || status(&decision) == 0);
        (status(&decision), world.user().lock_count)
    };
    assert_eq!(try_it(&mut directory, "wrong", "Sesame"), (1023, 1));
    assert_eq!(try_it(&mut directory, "", "Sesame"), (1023, 2));
    assert_eq!(try_it(&mut directory, "Secret", "weak"), (1122, 2));
    assert_eq!(try_it(&mut directory, "Secret", ""), (-101, 2));
    assert_eq!(
        try_it(&mut directory, "Secret", &"x".repeat(129)),
        (-101, 2)
    );
    directory.expired = true;
    assert_eq!(try_it(&mut directory, "Secret", "Sesame"), (0, 2));
    for (said, code) in [
        (Said::Unsupported, -108),
        (Said::Unreachable, -10),
        (Said::Disabled, 1009),
        (Said::Expired, 1021),
        (Said::Locked, 1023),
    ] {
        directory.says = Some(said);
        assert_eq!(try_it(&mut directory, "Secret", "Sesame").0, code);
    }
}

#[test]
fn local_authentication_comes_before_a_change() {
    let mut directory = Directory::knowing("Secret");
    let mut world = World::new(policy(&json!({"local_auth": "authenticator_only"})))
        .with_hotp()
        .with_pin(Some("1234"));
    let with = |otp: &str, pin: &str| Ask {
        otp: Some(otp.to_owned()),
        pin: Some(pin.to_owned()),
        ..change("Secret", "Sesame 12345")
    };
    let decision = send(
        &mut world,
        &mut directory,
        &change("Secret", "Sesame 12345"),
    );
    assert_eq!(status(&decision), 1033);
    let wrong = send(&mut world, &mut directory, &with(&value(3), "4321"));
    assert_eq!(status(&wrong), 1012);
    let pin_alone = Ask {
        pin: Some("1234".to_owned()),
        ..change("Secret", "Sesame 12345")
    };
    assert_eq!(status(&send(&mut world, &mut directory, &pin_alone)), -2);
    assert!(directory.changes.is_empty() && directory.proofs == 0);
    let right = send(&mut world, &mut directory, &with(&value(3), "1234"));
    assert_eq!(status(&right), 0);
    assert_eq!((world.state().counter, directory.changes.len()), (4, 1));
    let again = send(&mut world, &mut directory, &with(&value(3), "1234"));
    assert_eq!(status(&again), 1008);

    world.policy(policy(&json!({"local_auth": "grace_period"})));
    let over = send(
        &mut world,
        &mut directory,
        &change("Secret", "Sesame 12345"),
    );
    assert_eq!(status(&over), 1014);
}

#[test]
fn a_change_needs_a_back_end() {
    let mut directory = Directory::knowing("Secret");
    let none = json!({"local_auth": "authenticator_or_password"});
    let mut world = World::new(none).with_password("Secret");
    let decision = send(&mut world, &mut directory, &change("wrong", "Sesame 12345"));
    assert_eq!(status(&decision), 1011);
    let decision = send(
        &mut world,
        &mut directory,
        &change("Secret", "Sesame 12345"),
    );
    assert_eq!(status(&decision), -108);
    assert!(directory.changes.is_empty());
    world.policy(
        json!({"local_auth": "none", "back_end_auth": "always", "password_autolearn": "yes"}),
    );
    world.account = None;
    let decision = send(
        &mut world,
        &mut directory,
        &change("Secret", "Sesame 12345"),
    );
    assert_eq!((status(&decision), directory.changes.len()), (0, 1));
    assert!(!stored(&decision), "nobody to keep it for");
}

#[test]
fn an_old_password_that_only_the_back_end_knows_is_enough_for_an_update() {
    let mut world = World::new(policy(&json!({})));
    let mut directory = Directory::knowing("Secret");
    let update = |old: &str, new: &str| Ask {
        via: Some(Via::UpdatePassword),
        ..change(old, new)
    };
    let decision = send(&mut world, &mut directory, &update("wrong", "Secret"));
    assert_eq!((status(&decision), directory.proofs), (1023, 1));
    let decision = send(&mut world, &mut directory, &update("Secret", "short"));
    assert_eq!(status(&decision), 1024);
    let decision = send(
        &mut world,
        &mut directory,
        &update("Secret", "Sesame 12345"),
    );
    assert_eq!(status(&decision), 1023, "the new one is not the one there");
    directory.says = Some(Said::Accepted(Box::default())); // one that takes the old one for a while
    let decision = send(
        &mut world,
        &mut directory,
        &update("Secret", "Sesame 12345"),
    );
    assert_eq!((status(&decision), stored(&decision)), (0, true));
    directory.says = Some(Said::Expired);
    let decision = send(&mut world, &mut directory, &update("other", "Sesame 67890"));
    assert_eq!(status(&decision), 1021);
}

/// An encrypted change by alice, made now.
fn encrypted(world: &World, id: &str, old: &str, new: &str) -> Ask {
    Ask {
        via: Some(Via::ChangeEncryptedPassword),
        static_password: Some(old.to_owned()),
        envelope: Some(Ok(OwnEnvelope {
            user: "alice".to_owned(),
            domain: None,
            made: world.at,
            id: id.to_owned(),
        })),
        new_sole: Some(new.to_owned()),
        ..Ask::default()
    }
}

fn with_envelope(mut ask: Ask, change: impl FnOnce(&mut OwnEnvelope)) -> Ask {
    if let Some(Ok(envelope)) = &mut ask.envelope {
        change(envelope);
    }
    ask
}

#[test]
fn an_encrypted_change_is_taken_once() {
    let none = json!({"local_auth": "authenticator_or_password", "password_autolearn": "yes"});
    let mut world = World::new(none).with_password("Secret");
    let first = encrypted(&world, "1", "Secret", "Sesame 12345");
    assert_eq!(world.try_ask(&first), 0);
    assert_eq!(world.try_value("Sesame 12345"), 0);
    assert_eq!(world.try_ask(&first), 1070);
    let other = encrypted(&world, "2", "wrong", "Sesame 67890");
    assert_eq!(world.try_ask(&other), 1011);
    assert_eq!(world.user().lock_count, 1);
    assert_eq!(world.try_ask(&other), 1070, "a refused one is used up too");
    assert_eq!(world.user().lock_count, 1, "1070 counts nothing");
    let memories: Vec<_> = world
        .challenges
        .iter()
        .map(|one| (one.kind, one.issued))
        .collect();
    let kept = (ChallengeKind::Accepted, world.at.plus_seconds(360));
    assert_eq!(
        memories,
        [kept, kept],
        "kept as long as they could be taken"
    );
}

#[test]
fn what_an_encrypted_change_says_of_itself() {
    let none = json!({"local_auth": "authenticator_or_password", "password_autolearn": "no"});
    let mut world = World::new(none).with_password("Secret");
    let good = encrypted(&world, "1", "Secret", "Sesame 12345");
    let at = world.at;
    let refused: Vec<Ask> = [
        Box::new(|one: &mut OwnEnvelope| one.user = "bob".to_owned())
            as Box<dyn FnOnce(&mut OwnEnvelope)>,
        Box::new(|one| one.domain = Some("sales".to_owned())),
        Box::new(|one| one.made = at.plus_seconds(-301)),
        Box::new(|one| one.made = at.plus_seconds(301)),
        Box::new(|one| one.made = Timestamp(i64::MIN)),
        Box::new(|one| one.made = Timestamp(i64::MAX)),
    ]
    .into_iter()
    .map(|change| with_envelope(good.clone(), change))
    .collect();
    for ask in refused {
        assert_eq!(world.try_ask(&ask), 1070, "{ask:?}");
    }
    let shut = Ask {
        envelope: Some(Err("the message does not open")),
        ..good.clone()
    };
    let decision = world.send(&shut);
    assert_eq!(status(&decision), 1070);
    assert_eq!(
        decision.records[0].reason.as_deref(),
        Some("the message does not open")
    );
    // In order, it comes to the policy: 1037, whichever way the user is named.
    for (id, domain, made) in [("2", None, -300), ("3", Some("MASTER"), 300)] {
        let ask = with_envelope(good.clone(), |one| {
            one.id = id.to_owned();
            one.user = "ALICE".to_owned();
            one.domain = domain.map(str::to_owned);
            one.made = at.plus_seconds(made);
        });
        assert_eq!(world.try_ask(&ask), 1037);
    }
    world.account_mut().user.disabled = true;
    assert_eq!(world.try_ask(&shut), 1009, "the user checks come first");
}

#[test]
fn an_encrypted_change_keeps_the_order_of_an_update() {
    let none = json!({"local_auth": "authenticator_or_password", "password_autolearn": "yes"});
    let mut world = World::new(none).with_password("Secret");
    let unlike = Ask {
        new_password: Some(("a".to_owned(), "b".to_owned())),
        new_sole: None,
        ..encrypted(&world, "1", "Secret", "a")
    };
    assert_eq!(world.try_ask(&unlike), 1019);
    assert_eq!(
        world.try_ask(&encrypted(&world, "2", "Secret", "short")),
        1024
    );
    assert_eq!(
        world.try_ask(&encrypted(&world, "3", "Secret", &"x".repeat(129))),
        -101
    );
}

#[test]
fn an_encrypted_pin_is_proven_by_the_old_one() {
    let policy = |more: Json| {
        let mut own = json!({"local_auth": "authenticator_only", "pin_change_allowed": "yes"});
        own.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        own
    };
    let mut world = World::new(policy(json!({})))
        .with_hotp()
        .with_pin(Some("1234"));
    world.application_mut().pin.change_allowed = true;
    world.application_mut().state.pin_change_forced = true;
    let pin = |world: &World, id: &str, old: &str, new: &str| Ask {
        static_password: None,
        new_sole: None,
        pin: Some(old.to_owned()),
        new_pin: Some((new.to_owned(), new.to_owned())),
        ..encrypted(world, id, "", "")
    };
    assert_eq!(world.try_ask(&pin(&world, "1", "4321", "5678")), 1012);
    assert_eq!((world.user().lock_count, world.state().errors), (1, 1));
    assert_eq!(world.try_ask(&pin(&world, "2", "1234", "567")), 1020);
    assert_eq!(world.try_ask(&pin(&world, "3", "1234", "123456789")), 1020);
    let decision = world.send(&pin(&world, "4", "1234", "567890"));
    assert_eq!(status(&decision), 0);
    assert_eq!(codes(&decision), ["S-101001", "I-101003"]);
    assert!(!world.state().pin_change_forced);
    assert_eq!(world.try_value(&format!("567890{}", value(2))), 0);
    world.policy(policy(json!({"pin_change_allowed": "no"})));
    assert_eq!(world.try_ask(&pin(&world, "5", "567890", "1234")), 1020);
    let mut bare = World::new(policy(json!({}))).with_hotp();
    assert_eq!(bare.try_ask(&pin(&bare, "6", "1234", "5678")), 1020);
}

fn active_directory() -> Protocol {
    Protocol::ActiveDirectory(crate::model::Directory {
        base_dn: "dc=example".to_owned(),
        bind_dn: None,
        bind_password: None,
        tls: Tls::Ldaps,
        ca: None,
        user_filter: None,
        user_id_attribute: None,
        object_class: None,
        global_catalog: None,
        profile: Profile::Ad,
    })
}

/// A log-on agent before a directory whose password the account keeps.
fn agent(more: &Json) -> (World, Directory) {
    let mut own = json!({"local_auth": "authenticator_only", "stored_password_proxy": "yes",
        "password_randomization": "yes"});
    own.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let mut world = World::new(policy(&own)).with_hotp().with_copy("Secret");
    world.component.kind = "logon_agent".to_owned();
    world.component.return_static_password = true;
    let world = world.with_record(active_directory());
    (world, Directory::knowing("Secret"))
}

#[test]
fn a_directory_password_is_replaced_after_a_logon_by_otp() {
    let (mut world, mut directory) = agent(&json!({"random_password_length": 20}));
    let decision = send(&mut world, &mut directory, &Ask::combined(&value(2)));
    assert_eq!((status(&decision), stored(&decision)), (0, true));
    assert!(codes(&decision).contains(&"I-109002".to_owned()));
    let [(old, new)] = &directory.changes[..] else {
        panic!("{:?}", directory.changes)
    };
    assert_eq!((old.as_str(), new.len()), ("Secret", 20));
    let handed = grant(decision).static_password.unwrap();
    assert_eq!(handed.expose(), new.as_bytes());
    assert!(
        world
            .account()
            .user
            .password
            .as_ref()
            .unwrap()
            .copy
            .is_some()
    );

    // the next one replaces that again, from the copy
    directory.password = new.clone().leak();
    let decision = send(&mut world, &mut directory, &Ask::combined(&value(3)));
    assert_eq!(status(&decision), 0);
    let [(_, first), (old, second)] = &directory.changes[..] else {
        panic!("{:?}", directory.changes)
    };
    assert!(first == old && second != first);
}

#[test]
fn what_a_directory_says_to_a_random_password() {
    let (mut world, mut directory) = agent(&json!({"back_end_auth": "if_needed"}));
    let mut counter = 1;
    let mut logon = |directory: &mut Directory| {
        counter += 1;
        let decision = send(&mut world, directory, &Ask::combined(&value(counter)));
        (status(&decision), stored(&decision))
    };
    directory.password = "changed since";
    assert_eq!(logon(&mut directory), (1022, false));
    for (said, code) in [
        (Said::Weak, 1122),
        (Said::Unreachable, -10),
        (Said::Unsupported, -108),
    ] {
        directory.says = Some(said);
        assert_eq!(logon(&mut directory), (code, false));
    }
    directory.says = None;
    directory.password = "Secret";
    assert_eq!(logon(&mut directory), (0, true));
}

#[test]
fn passwords_are_replaced_only_where_somebody_gets_them() {
    let untouched = |change: &dyn Fn(&mut World), ask: &Ask| {
        let (mut world, mut directory) = agent(&json!({"local_auth": "authenticator_or_password"}));
        change(&mut world);
        let decision = send(&mut world, &mut directory, ask);
        assert_eq!(status(&decision), 0);
        assert!(directory.changes.is_empty() && !stored(&decision));
    };
    let otp = Ask::combined(&value(2));
    untouched(&|_| (), &Ask::combined("Secret"));
    untouched(&|world| world.component.kind = "web".to_owned(), &otp);
    untouched(
        &|world| world.component.return_static_password = false,
        &otp,
    );
    untouched(&|world| *world = world.clone().with_record(radius()), &otp);
    untouched(
        &|world| world.account_mut().user.password.as_mut().unwrap().copy = None,
        &otp,
    );
}
