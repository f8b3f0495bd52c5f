//! What two commands that were decided at the same time, each without knowing of the other, may not do together.

use super::world::{World, user};
use crate::{Outcome, Store};
use countersign_engine::admin::needs::Count;
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::Change;
use countersign_engine::model::{Domain, DomainKey, Meta, Session, SessionKey, UserKey};
use countersign_engine::time::Timestamp;
use std::sync::{Arc, Barrier};

/// Another node where the store may have several.
fn second(world: &World) -> Store {
    if !world.store.is_shared() {
        return world.store.clone();
    }
    let mut options = world.options.clone();
    options.node = "node-2".to_owned();
    options.state_file = world.folder.path().join("second.json");
    Store::open(&options, Arc::clone(&world.root)).unwrap()
}

/// Commits two works at once, each on its node.
fn at_once(world: &World, second: &Store, works: [Vec<Change>; 2]) -> [Outcome; 2] {
    let start = Barrier::new(2);
    let [one, two] = works.map(|changes| world.work(changes));
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            start.wait();
            second.commit(two)
        });
        start.wait();
        [world.store.commit(one), other.join().unwrap()]
    })
}

fn one_of(outcomes: &[Outcome; 2]) -> bool {
    outcomes.contains(&Outcome::Committed) && outcomes.contains(&Outcome::Conflict)
}

#[test]
fn two_administrators_who_lose_their_rights_at_once_do_not_both_lose_them() {
    let world = World::new();
    let second = second(&world);
    for round in 0..5 {
        let names = ["anna", "otto"].map(|name| format!("{name}{round}"));
        for name in &names {
            let mut new = user(world.domain(), name);
            new.privileges = ["admin.logon".to_owned()].into();
            world.done(vec![Change::Write(Write::User(Box::new(Put::new(new))))]);
        }
        let works = names.each_ref().map(|name| {
            let mut account = world.stored(name).user.clone();
            account.privileges.clear();
            vec![
                Change::Write(Write::User(Box::new(Put::over(
                    account.meta.revision,
                    account,
                )))),
                Change::Write(Write::Within(vec![(Count::Administrators, 1..=i64::MAX)])),
            ]
        });
        let outcomes = at_once(&world, &second, works);
        assert!(one_of(&outcomes), "{outcomes:?}");
        for name in &names {
            let account = &world.stored(name).user;
            world.done(vec![Change::Write(Write::RemoveUser(
                account.key,
                account.meta.revision,
            ))]);
        }
    }
}

#[test]
fn nobody_gets_into_a_domain_that_is_removed() {
    let world = World::new();
    let second = second(&world);
    for round in 0..5 {
        let name = format!("branch{round}");
        world.done(vec![Change::Write(Write::Domain(Put::new(Domain {
            key: DomainKey(-1),
            name: name.clone(),
            folded: name.clone(),
            description: String::new(),
            master: false,
            meta: Meta::default(),
        })))]);
        let snapshot = world.store.snapshot();
        let domain = snapshot.domains.named(&name).unwrap();
        let outcomes = at_once(
            &world,
            &second,
            [
                vec![
                    Change::Write(Write::RemoveDomain(domain.key, domain.meta.revision)),
                    Change::Write(Write::Within(vec![(
                        Count::UsersOfDomain(domain.key),
                        0..=0,
                    )])),
                ],
                vec![Change::Write(Write::User(Box::new(Put::new(user(
                    domain.key, "late",
                )))))],
            ],
        );
        assert!(one_of(&outcomes), "{outcomes:?}");
    }
}

#[test]
fn no_more_sessions_begin_at_once_than_there_may_be() {
    let world = World::new();
    world.add_user("anna");
    let anna = world.stored("anna").user.key;
    let second = second(&world);
    for round in 0..5_u8 {
        let works = [1, 2].map(|number| begins(anna, [number; 32], i64::from(round) + 1));
        let outcomes = at_once(&world, &second, works);
        assert!(one_of(&outcomes), "{outcomes:?}");
        let [session] = &world.store.sessions().unwrap()[..] else {
            panic!("one session")
        };
        world.done(vec![Change::Write(Write::RemoveSession(session.key))]);
    }
}

fn begins(user: UserKey, key: [u8; 32], started: i64) -> Vec<Change> {
    let session = Session {
        key: SessionKey(key),
        user,
        source: "::1".to_owned(),
        component_type: "admin_program".to_owned(),
        started: Timestamp(started),
        last_use: Timestamp(started),
    };
    vec![
        Change::Write(Write::Within(vec![
            (Count::Sessions, 0..=9),
            (Count::SessionsOf(user), 0..=1),
        ])),
        Change::Write(Write::Session(Box::new(session))),
    ]
}
