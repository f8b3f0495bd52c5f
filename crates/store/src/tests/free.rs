//! Free authenticators: which is the nearest, and that it is given once.

use super::world::{World, application, authenticator, user};
use crate::Outcome;
use crate::rows::authenticator::free_statement;
use countersign_engine::Secret;
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::{Change, Free, NewPassword};
use countersign_engine::model::{
    ApplicationKind, Authenticator, AuthenticatorKey, AuthenticatorType, Contact, Meta, OrgUnit,
    UnitKey, User, UserKey, UserState,
};
use countersign_engine::time::Day;
use std::collections::BTreeSet;

fn add(world: &World, serial: &str, change: impl FnOnce(&mut Authenticator)) {
    let mut record = authenticator(world.domain(), serial, UserKey(-1));
    record.user = None;
    change(&mut record);
    let device = Write::Authenticator(Box::new(Put::new(record)));
    let app = Put::new(application()).with("secret", Some(Secret::new("12345678901234567890")));
    world.done(vec![
        Change::Write(device),
        Change::Write(Write::Application(AuthenticatorKey(-1), Box::new(app))),
    ]);
}

/// A unit that an authenticator can be in.
fn unit(world: &World, name: &str) -> UnitKey {
    world.done(vec![Change::Write(Write::Unit(Put::new(OrgUnit {
        key: UnitKey(-1),
        domain: world.domain(),
        name: name.to_owned(),
        folded: name.to_owned(),
        parent: None,
        description: String::new(),
        meta: Meta::default(),
    })))]);
    let snapshot = world.store.snapshot();
    let made = snapshot.units.values().find(|one| one.name == name);
    made.unwrap().key
}

fn wanted(world: &World) -> Free {
    Free {
        domain: world.domain(),
        units: vec![None],
        types: vec!["HOTP".to_owned()],
        applications: Vec::new(),
        kinds: Vec::new(),
        at: world.now(),
        pick: 0,
    }
}

fn found(world: &World, wanted: &Free) -> Option<String> {
    let one = world.store.free(wanted).unwrap()?;
    assert_eq!(one.applications.len(), 1, "it comes with its applications");
    Some(one.serial)
}

#[test]
fn only_a_free_one_that_can_be_used_is_found() {
    let world = World::new();
    world.add_user("alice"); // has one of her own
    let today = world.now().day();
    add(&world, "RESERVED", |one| one.reserved = true);
    add(&world, "DISABLED", |one| {
        one.disabled_at = Some(world.now());
    });
    add(&world, "EXPIRED", |one| one.expires_at = Some(today));
    add(&world, "LATER", |one| {
        one.starts_at = Some(world.now().plus_seconds(1));
    });
    let elsewhere = unit(&world, "elsewhere");
    add(&world, "ELSEWHERE", |one| one.org_unit = Some(elsewhere));
    add(&world, "OTHER", |one| one.type_name = "TOTP".to_owned());
    let own = wanted(&world);
    assert_eq!(found(&world, &own), None);
    add(&world, "ENDS", |one| {
        one.expires_at = Some(Day(today.0 + 1));
        one.starts_at = Some(world.now());
    });
    assert_eq!(found(&world, &own).as_deref(), Some("ENDS"));
    let mut other = own.clone();
    other.types = vec!["TOTP".to_owned()];
    assert_eq!(found(&world, &other).as_deref(), Some("OTHER"));
    for (names, kinds, is_there) in [
        (vec!["RO"], vec![], true),
        (vec!["RO", "X"], vec![ApplicationKind::ResponseOnly], true),
        (vec!["X"], vec![], false),
        (vec![], vec![ApplicationKind::Signature], false),
        (
            vec![],
            vec![ApplicationKind::Signature, ApplicationKind::ResponseOnly],
            true,
        ),
    ] {
        let mut own = own.clone();
        own.applications = names.into_iter().map(str::to_owned).collect();
        own.kinds = kinds;
        assert_eq!(found(&world, &own).is_some(), is_there, "{own:?}");
    }
}

#[test]
fn the_nearest_unit_comes_first_and_any_type_is_every_known_one() {
    let world = World::new();
    add(&world, "NONE", |_| {});
    let (upper, lower) = (unit(&world, "upper"), unit(&world, "lower"));
    add(&world, "UPPER", |one| one.org_unit = Some(upper));
    let mut own = wanted(&world);
    own.units = vec![Some(lower), Some(upper), None];
    assert_eq!(found(&world, &own).as_deref(), Some("UPPER"));
    add(&world, "OWN", |one| one.org_unit = Some(lower));
    assert_eq!(found(&world, &own).as_deref(), Some("OWN"));
    own.types = Vec::new();
    assert_eq!(found(&world, &own), None, "no type is known yet");
    world.done(vec![Change::Write(Write::Type(Put::new(
        AuthenticatorType {
            key: -1,
            name: "HOTP".to_owned(),
            description: String::new(),
            profile: "generic".to_owned(),
            meta: Meta::default(),
        },
    )))]);
    assert_eq!(found(&world, &own).as_deref(), Some("OWN"));
    own.types = (0..250).map(|n| format!("T{n}")).collect();
    own.types.push("HOTP".to_owned());
    assert_eq!(found(&world, &own).as_deref(), Some("OWN"));
}

#[test]
fn those_who_look_at_the_same_time_seldom_find_the_same() {
    let world = World::new();
    for n in 0..20 {
        add(&world, &format!("N{n}"), |_| {});
    }
    let mut own = wanted(&world);
    let serials: BTreeSet<String> = (0..20)
        .filter_map(|pick| {
            own.pick = pick;
            found(&world, &own)
        })
        .collect();
    assert_eq!(serials.len(), 20);
    let by_serial = |serial| world.store.with_serial(world.domain(), serial).unwrap();
    assert_eq!(by_serial("N7").unwrap().serial, "N7");
    assert!(by_serial("N99").is_none());
    let elsewhere = countersign_engine::model::DomainKey(99);
    assert!(world.store.with_serial(elsewhere, "N7").unwrap().is_none());
}

/// What a logon decides that registers an account and gives it an authenticator.
fn registered(world: &World, name: &str, serial: &str) -> Vec<Change> {
    let one = world.store.with_serial(world.domain(), serial).unwrap();
    let mut one = one.unwrap();
    let application = one.applications[0].clone();
    one.user = Some(UserKey(-1));
    one.assigned_at = Some(world.now());
    let mut to = application.state;
    to.version += 1;
    to.counter = 5;
    vec![
        Change::Application {
            key: application.key,
            guard: application.state.version,
            to,
        },
        Change::Password {
            key: UserKey(-1),
            password: password("$argon2id$learned"),
        },
        Change::User {
            key: UserKey(-1),
            guard: 1,
            to: UserState {
                version: 2,
                last_auth_at: Some(world.now()),
                ..UserState::default()
            },
        },
        Change::Write(Write::User(Box::new(Put::new(user(world.domain(), name))))),
        Change::Write(Write::Authenticator(Box::new(Put::over(
            one.meta.revision,
            one,
        )))),
    ]
}

fn password(verifier: &str) -> NewPassword {
    NewPassword {
        verifier: Secret::new(verifier),
        copy: None,
        history: Vec::new(),
        set_at: countersign_engine::time::Timestamp::default(),
    }
}

#[test]
fn an_account_is_registered_with_its_authenticator_at_once() {
    let world = World::new();
    add(&world, "N1", |_| {});
    add(&world, "N2", |_| {});
    let (first, second) = (
        registered(&world, "anna", "N1"),
        registered(&world, "berta", "N1"),
    );
    let again = registered(&world, "anna", "N2");
    world.done(first);
    assert_eq!(world.commit(second), Outcome::Conflict, "N1 is given");
    assert_eq!(world.commit(again), Outcome::Conflict, "anna exists");
    let anna = world.account("anna");
    assert!(anna.user.password.is_some());
    assert_eq!(anna.state.last_auth_at, Some(world.now()));
    assert_eq!(anna.authenticators[0].serial, "N1");
    assert_eq!(anna.authenticators[0].applications[0].state.counter, 5);
    assert_eq!(found(&world, &wanted(&world)).as_deref(), Some("N2"));
    world.done(registered(&world, "berta", "N2"));
    assert_eq!(found(&world, &wanted(&world)), None);
}

#[test]
fn a_logon_learns_a_password_and_what_is_known_of_the_person_in_any_order() {
    let world = World::new();
    world.add_user("alice");
    for (turn, name) in ["Alice One", "Alice Two"].into_iter().enumerate() {
        let alice = world.account("alice");
        let contact = Contact {
            name: name.to_owned(),
            ..Contact::default()
        };
        let record = User {
            contact: Some(Box::new(contact)),
            ..alice.user.clone()
        };
        let put = Put::over(alice.user.meta.revision, record);
        let mut changes = vec![
            Change::Password {
                key: alice.user.key,
                password: password(name),
            },
            Change::Write(Write::User(Box::new(put))),
        ];
        changes.rotate_left(turn);
        world.done(changes);
        let after = world.account("alice");
        let stored = after.user.password.as_ref().unwrap();
        let place = countersign_engine::facts::Place {
            table: "user",
            id: after.user.key.0,
            field: "password",
            version: after.user.meta.record_version,
        };
        let vault = world.store.vault();
        let opened = countersign_engine::facts::Vault::open(&vault, place, &stored.verifier);
        assert_eq!(opened.unwrap().expose(), name.as_bytes());
        assert_eq!(after.user.contact.as_ref().unwrap().name, name);
    }
}

#[test]
fn the_index_of_the_free_ones_leads_to_them() {
    let world = World::in_file();
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    let types = ["HOTP".to_owned(), "TOTP".to_owned()];
    for unit in [None, Some(UnitKey(3))] {
        let own = wanted(&world);
        let (sql, args) = free_statement(&own, &types, unit);
        let mut plan = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        for number in 1..=args.len() {
            plan.raw_bind_parameter(number, 1).unwrap();
        }
        let mut rows = plan.raw_query();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            lines.push(row.get::<_, String>(3).unwrap());
        }
        let uses = lines
            .iter()
            .filter(|line| {
                line.contains("authenticator_free (domain_key=? AND unit_key=? AND type_name=? AND expires_at")
            })
            .count();
        assert_eq!(uses, 4, "{lines:#?}");
    }
}
