use super::world::{World, application, authenticator, count_up, user};
use crate::{Outcome, Resealed, Store, StoreError, Work, to_record};
use countersign_engine::Secret;
use countersign_engine::admin::needs::{AccountRef, Count, Device, Needs};
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::{Change, NewPassword};
use countersign_engine::facts::{Account, Found, Place, Vault};
use countersign_engine::model::{
    Application, ApplicationState, Authenticator, AuthenticatorKey, Component, ComponentKey,
    Contact, Location, LockReason, Meta, NotHandled, Overrides, PolicyKey, Rotation, RotationState,
    Sealed, Session, SessionKey, User, UserAttribute, UserKey, UserState,
};
use countersign_engine::policy::{LocalAuth, Policy};
use countersign_engine::settings;
use countersign_engine::time::{Day, Timestamp};
use countersign_keyring::{Change as RingChange, KeyClass, KeyringError, RootKey};
use std::collections::BTreeMap;
use std::sync::Arc;

fn write(write: Write) -> Vec<Change> {
    vec![Change::Write(write)]
}

fn change_user(account: &Account, change: impl FnOnce(&mut User)) -> Write {
    let mut record = account.user.clone();
    change(&mut record);
    Write::User(Box::new(Put::over(account.user.meta.revision, record)))
}

fn open(
    store: &Store,
    table: &'static str,
    id: i64,
    field: &'static str,
    sealed: &Sealed,
) -> Vec<u8> {
    store
        .vault()
        .open(
            Place {
                table,
                id,
                field,
                version: 1,
            },
            sealed,
        )
        .unwrap()
        .expose()
        .to_vec()
}

#[test]
fn a_new_user_with_his_authenticator_is_found_whole_and_sealed() {
    let world = World::new();
    world.add_user("alice");
    let account = world.account("alice");
    let device = &account.authenticators[0];
    let app = &device.applications[0];
    assert_eq!(
        (device.user, device.serial.as_str()),
        (Some(account.user.key), "SN-ALICE")
    );
    assert_eq!(
        open(
            &world.store,
            "application",
            app.key.0,
            "secret",
            &app.secret
        ),
        b"12345678901234567890"
    );
    let password = account.user.password.as_ref().unwrap();
    assert_eq!(
        open(
            &world.store,
            "user",
            account.user.key.0,
            "password",
            &password.verifier
        ),
        b"$argon2id$verifier"
    );
    assert_eq!(
        (
            account.user.meta.revision,
            account.user.meta.record_version,
            account.user.meta.created
        ),
        (1, 1, world.now())
    );
    assert!(app.state.initial && app.state.version >= 1 && account.state.version >= 1);
}

#[test]
fn every_field_of_a_user_and_an_authenticator_comes_back() {
    let world = World::new();
    world.add_user("alice");
    let account = world.account("alice");
    let mut wanted = account.user.clone();
    wanted.contact = Some(Box::new(Contact {
        name: "Alice Ä".to_owned(),
        description: "Süd".to_owned(),
        email: "A@x".to_owned(),
        phone: "1".to_owned(),
        mobile: "2".to_owned(),
        locale: "de".to_owned(),
    }));
    wanted.overrides = Some(Box::new(Overrides {
        local_auth: Some(LocalAuth::None),
        offline_auth: Some(false),
        max_days_between_authentications: Some(0),
        delivery_method: Some("sms".to_owned()),
        ..Overrides::default()
    }));
    (wanted.disabled, wanted.expires_at, wanted.max_sessions) = (true, Some(Timestamp(5)), Some(3));
    wanted.privileges = ["admin.logon", "user.view"].map(str::to_owned).into();
    wanted.last_logon = Some((Timestamp(7), "::1".to_owned()));
    let mut device = account.authenticators[0].clone();
    (
        device.reserved,
        device.grace_end,
        device.expires_at,
        device.backup_until,
    ) = (true, Some(Day(1)), Some(Day(2)), Some(Day(3)));
    (
        device.starts_at,
        device.disabled_at,
        device.assigned_at,
        device.backup_uses_left,
    ) = (
        Some(Timestamp(1)),
        Some(Timestamp(2)),
        Some(Timestamp(3)),
        Some(4),
    );
    world.done(vec![
        Change::Write(Write::User(Box::new(Put::over(1, wanted.clone())))),
        Change::Write(Write::Authenticator(Box::new(Put::over(1, device.clone())))),
        Change::Write(Write::Attribute(
            wanted.key,
            UserAttribute {
                group: "g".to_owned(),
                name: "n".to_owned(),
                index: 2,
                usage: "reply".to_owned(),
                value: "v".to_owned(),
            },
        )),
    ]);
    let found = world.account("alice");
    let plain = |user: &User| {
        format!(
            "{:?}",
            User {
                meta: Meta::default(),
                ..user.clone()
            }
        )
    };
    assert_eq!(plain(&found.user), plain(&wanted));
    let plain = |device: &Authenticator| {
        format!(
            "{:?}",
            Authenticator {
                meta: Meta::default(),
                applications: Vec::new(),
                ..device.clone()
            }
        )
    };
    assert_eq!(plain(&found.authenticators[0]), plain(&device));
    assert_eq!(found.attributes[0].value, "v");
    assert_eq!(found.user.meta.revision, 2);
    let state = ApplicationState {
        version: found.authenticators[0].applications[0].state.version + 1,
        counter: 9,
        drift: -3,
        last_step: Some(8),
        initial: false,
        restored: true,
        pin_change_forced: true,
        errors: 2,
        signature_errors: 1,
        last_success: Some(Timestamp(6)),
        challenges: 4,
        checked_step: Some(7),
        resync: Some((11, Timestamp(12))),
    };
    let app = &found.authenticators[0].applications[0];
    world.done(vec![Change::Application {
        key: app.key,
        guard: app.state.version,
        to: state,
    }]);
    assert_eq!(
        world.stored("alice").authenticators[0].applications[0].state,
        state
    );
    assert_eq!(
        world.account("alice").authenticators[0].applications[0].state,
        state
    );
}

/// A logon decided before `change` was committed is a conflict after it.
fn stops_older_logons(name: &str, change: impl FnOnce(&World, &Account) -> Vec<Change>) {
    let world = World::new();
    world.add_user("alice");
    world.add_user("bob");
    let older = world.account("alice");
    let changes = change(&world, &older);
    world.done(changes);
    assert_eq!(
        world.commit(vec![count_up(&older)]),
        Outcome::Conflict,
        "{name}"
    );
}

#[test]
fn whatever_a_logon_depends_on_stops_older_logons() {
    let day = Day(20_000);
    stops_older_logons("user", |_, a| {
        write(change_user(a, |user| user.disabled = true))
    });
    stops_older_logons("lock by a command", |_, a| {
        write(Write::UserState(
            a.user.key,
            a.state.version,
            UserState {
                version: a.state.version + 1,
                locked: Some(LockReason::Administrator),
                ..a.state
            },
        ))
    });
    stops_older_logons("lock by failures", |_, a| {
        vec![Change::User {
            key: a.user.key,
            guard: a.state.version,
            to: UserState {
                version: a.state.version + 1,
                locked: Some(LockReason::Failures),
                ..a.state
            },
        }]
    });
    stops_older_logons("unassignment", |_, a| {
        write(Write::Authenticator(Box::new(Put::over(
            1,
            Authenticator {
                user: None,
                ..a.authenticators[0].clone()
            },
        ))))
    });
    stops_older_logons("moved to bob", |world, a| {
        let bob = world.account("bob").user.key;
        write(Write::Authenticator(Box::new(Put::over(
            1,
            Authenticator {
                user: Some(bob),
                ..a.authenticators[0].clone()
            },
        ))))
    });
    stops_older_logons("application", |_, a| {
        let device = &a.authenticators[0];
        let put = Put::over(1, device.applications[0].clone())
            .with("secret", Some(Secret::new("another key of twenty")));
        write(Write::Application(device.key, Box::new(put)))
    });
    stops_older_logons("attribute", |_, a| {
        write(Write::Attribute(
            a.user.key,
            UserAttribute {
                group: "g".to_owned(),
                name: "n".to_owned(),
                index: 0,
                usage: "reply".to_owned(),
                value: "v".to_owned(),
            },
        ))
    });
    stops_older_logons("grace", |_, a| {
        vec![Change::EndGrace {
            key: a.authenticators[0].key,
            day,
        }]
    });
    stops_older_logons("pin", |_, a| {
        vec![Change::Pin {
            key: a.authenticators[0].applications[0].key,
            pin: Secret::new("1234"),
        }]
    });
    stops_older_logons("password", |world, a| vec![password(world, a, "$new")]);
    stops_older_logons("removed authenticator", |_, a| {
        write(Write::RemoveAuthenticator(a.authenticators[0].key, 1))
    });
    stops_older_logons("removed application", |_, a| {
        write(Write::RemoveApplication(
            a.authenticators[0].applications[0].key,
            1,
        ))
    });
    stops_older_logons("removed user", |_, a| {
        write(Write::RemoveUser(a.user.key, 1))
    });
}

fn password(world: &World, account: &Account, verifier: &str) -> Change {
    let old = vec![Secret::new("$old1"), Secret::new("$old2")];
    let password = NewPassword {
        verifier: Secret::new(verifier),
        copy: Some(Secret::new("plain")),
        history: old,
        set_at: world.now(),
    };
    Change::Password {
        key: account.user.key,
        password,
    }
}

#[test]
fn a_last_logon_and_a_session_stop_no_logon() {
    let world = World::new();
    world.add_user("alice");
    let older = world.account("alice");
    let session = Session {
        key: SessionKey([1; 32]),
        user: older.user.key,
        source: "::1".to_owned(),
        component_type: "admin_program".to_owned(),
        started: Timestamp(1),
        last_use: Timestamp(1),
    };
    world.done(vec![
        Change::Write(Write::LastLogon(
            older.user.key,
            Timestamp(3),
            "192.0.2.1".to_owned(),
        )),
        Change::Write(Write::Session(Box::new(session.clone()))),
    ]);
    world.done(vec![count_up(&older)]);
    assert_eq!(
        world.account("alice").user.last_logon,
        Some((Timestamp(3), "192.0.2.1".to_owned()))
    );
    world.done(write(Write::SessionUse(session.key, Timestamp(9))));
    assert_eq!(
        world
            .store
            .session(SessionKey([1; 32]))
            .unwrap()
            .unwrap()
            .last_use,
        Timestamp(9)
    );
    world.done(write(Write::RemoveSessionsOf(older.user.key)));
    world.done(write(Write::SessionUse(session.key, Timestamp(10))));
    assert!(
        world.store.sessions().unwrap().is_empty(),
        "a use does not bring an ended session back"
    );
}

#[test]
fn a_change_of_the_owner_stops_the_logons_of_who_is_linked_to_him_and_the_other_way_round() {
    let world = World::new();
    world.add_user("alice");
    let alice = world.account("alice");
    let linked = User {
        linked: Some(alice.user.key),
        ..user(world.domain(), "alice-admin")
    };
    world.done(write(Write::User(Box::new(Put::new(linked)))));
    let borrower = world.account("alice-admin");
    assert!(borrower.is_linked() && borrower.authenticators[0].serial == "SN-ALICE");
    let alice = world.account("alice");
    world.done(write(change_user(&borrower, |user| user.disabled = true)));
    assert_eq!(world.commit(vec![count_up(&borrower)]), Outcome::Conflict);
    assert_eq!(world.commit(vec![count_up(&alice)]), Outcome::Conflict);
    let borrower = world.account("alice-admin");
    world.done(write(change_user(&world.account("alice"), |user| {
        user.disabled = true;
    })));
    assert_eq!(world.commit(vec![count_up(&borrower)]), Outcome::Conflict);
    // A logon of one is seen by the other at once.
    world.done(vec![count_up(&world.account("alice-admin"))]);
    world.done(vec![count_up(&world.account("alice"))]);
    assert_eq!(super::world::counter(&world.account("alice-admin")), 2);
}

#[test]
fn passwords_and_pins_are_sealed_where_they_stand() {
    let world = World::new();
    world.add_user("alice");
    let alice = world.account("alice");
    let app = alice.authenticators[0].applications[0].key;
    world.done(vec![
        password(&world, &alice, "$new"),
        Change::Pin {
            key: app,
            pin: Secret::new("4711"),
        },
    ]);
    let alice = world.account("alice");
    let stored = alice.user.password.as_ref().unwrap();
    let of_user = |field, sealed: &Sealed| {
        String::from_utf8(open(&world.store, "user", alice.user.key.0, field, sealed)).unwrap()
    };
    assert_eq!(of_user("password", &stored.verifier), "$new");
    assert_eq!(
        of_user("password_copy", stored.copy.as_ref().unwrap()),
        "plain"
    );
    assert_eq!(
        of_user("password_history", stored.history.as_ref().unwrap()),
        r#"["$old1","$old2"]"#
    );
    let pin = alice.authenticators[0].applications[0]
        .sealed_pin
        .as_ref()
        .unwrap();
    assert_eq!(
        open(&world.store, "application", app.0, "pin", pin),
        b"4711"
    );
    // Moved to another place it does not open.
    assert!(
        world
            .store
            .vault()
            .open(
                Place {
                    table: "user",
                    id: alice.user.key.0,
                    field: "password_copy",
                    version: 1
                },
                &stored.verifier
            )
            .is_err()
    );
    world.done(vec![Change::Write(Write::User(Box::new(
        Put::over(alice.user.meta.revision, alice.user.clone()).with("password", None),
    )))]);
    assert!(world.account("alice").user.password.is_none());
}

#[test]
fn names_are_unique_and_revisions_guard() {
    let world = World::new();
    world.add_user("alice");
    assert_eq!(
        world.commit(write(Write::User(Box::new(Put::new(user(
            world.domain(),
            "ALICE"
        )))))),
        Outcome::Conflict
    );
    let alice = world.account("alice");
    world.done(write(change_user(&alice, |user| user.disabled = true)));
    assert_eq!(
        world.commit(write(change_user(&alice, |user| user.disabled = false))),
        Outcome::Conflict
    );
    assert_eq!(
        world.commit(write(Write::RemoveUser(alice.user.key, 1))),
        Outcome::Conflict
    );
    let device = Put::new(authenticator(world.domain(), "SN-ALICE", alice.user.key));
    assert_eq!(
        world.commit(write(Write::Authenticator(Box::new(device)))),
        Outcome::Conflict
    );
}

#[test]
fn a_removed_user_takes_his_attributes_and_sessions_and_leaves_a_free_authenticator_and_a_number_never_used_again()
 {
    let world = World::new();
    world.add_user("alice");
    let alice = world.account("alice");
    world.done(write(Write::RemoveUser(
        alice.user.key,
        alice.user.meta.revision,
    )));
    assert!(matches!(
        world.store.account(world.domain(), "alice").unwrap(),
        Found::Nobody
    ));
    let (device, owner) = world.store.authenticator("SN-ALICE").unwrap().unwrap();
    assert_eq!((owner, device.assigned_at), (None, None));
    let counts = world.store.counts().unwrap();
    assert_eq!(
        (counts.users, counts.authenticators, counts.applications),
        (0, 1, 1)
    );
    world.add_user("bob");
    assert!(world.account("bob").user.key > alice.user.key);
}

#[test]
fn a_rename_is_found_by_the_new_name_only() {
    let world = World::new();
    world.add_user("alice");
    let alice = world.account("alice");
    world.done(write(change_user(&alice, |user| {
        (user.id, user.folded) = ("Alicia".to_owned(), "alicia".to_owned());
    })));
    assert!(matches!(
        world.store.account(world.domain(), "alice").unwrap(),
        Found::Nobody
    ));
    assert_eq!(world.account("alicia").user.key, alice.user.key);
}

#[test]
fn a_wrong_field_fails_only_its_own_command() {
    let world = World::new();
    let put = Put::new(user(world.domain(), "alice")).with("secret", Some(Secret::new("x")));
    assert!(matches!(
        world.commit(write(Write::User(Box::new(put)))),
        Outcome::Failed(StoreError::Refused(_))
    ));
    assert!(matches!(
        world.store.account(world.domain(), "alice").unwrap(),
        Found::Nobody
    ));
    world.add_user("alice");
}

fn component(address: &str) -> Component {
    Component {
        key: ComponentKey(-1),
        kind: "radius_client".to_owned(),
        location: Location::Network {
            address: address.parse().unwrap(),
            prefix: 32,
        },
        nas_id: String::new(),
        policy: "local".to_owned(),
        enabled: true,
        description: String::new(),
        shared_secret: None,
        charset: countersign_engine::model::Charset::Cp1252,
        require_message_authenticator: true,
        not_handled: NotHandled::Silent,
        status_in_reply: false,
        reply_texts: BTreeMap::from([(1013, "again".to_owned())]),
        challenges: true,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: Some([1, 2].into()),
        client_certificate: None,
        address_only: false,
        rate_per_s: Some(100),
        meta: Meta::default(),
    }
}

#[test]
fn the_snapshot_follows_a_change_of_the_configuration_at_once() {
    let world = World::new();
    let before = world.store.snapshot().generation;
    let policy = Policy::new("Mine", None).unwrap();
    let put =
        Put::new(component("192.0.2.7")).with("shared_secret", Some(Secret::new("radius secret")));
    world.done(vec![
        Change::Write(Write::Component(Box::new(put))),
        Change::Write(Write::Policy(PolicyKey(-1), Put::new(policy.clone()))),
        Change::Write(Write::Setting(
            settings::SETTINGS[3].name,
            Some("77".to_owned()),
        )),
    ]);
    let snapshot = world.store.snapshot();
    assert!(snapshot.generation > before);
    let client = snapshot
        .components
        .radius("192.0.2.7".parse().unwrap(), None, None)
        .unwrap()
        .by_source;
    let secret = client.shared_secret.as_ref().unwrap();
    assert_eq!(
        open(
            &world.store,
            "component",
            client.key.0,
            "shared_secret",
            secret
        ),
        b"radius secret"
    );
    assert_eq!(
        (
            client.reply_texts[&1013].as_str(),
            client.not_handled,
            client.rate_per_s
        ),
        ("again", NotHandled::Silent, Some(100))
    );
    assert_eq!(snapshot.policies.get("mine"), Some(&policy));
    assert_eq!(snapshot.settings.text(settings::SETTINGS[3].name), "77");
    let (key, meta, _) = world.store.policies().unwrap().pop().unwrap();
    world.done(vec![
        Change::Write(Write::RemovePolicy(key, meta.revision)),
        Change::Write(Write::Setting(settings::SETTINGS[3].name, None)),
    ]);
    assert!(world.store.snapshot().policies.get("mine").is_none());
    assert!(
        !world
            .store
            .snapshot()
            .settings
            .is_stored(settings::SETTINGS[3].name)
    );
}

#[test]
fn a_record_of_a_newer_format_is_named_and_its_account_unreadable() {
    let world = World::in_file();
    world.add_user("alice");
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    for (table, name) in [
        ("\"user\"", "user alice"),
        ("authenticator", "authenticator SN-ALICE"),
        ("application", "SN-ALICE"),
    ] {
        connection
            .execute(&format!("UPDATE {table} SET record_version = 999"), [])
            .unwrap();
        world.store.clear_cache();
        match world.store.account(world.domain(), "alice").unwrap() {
            Found::Unreadable(status, which) => {
                assert!(status.number() == 1123 && which.contains(name), "{which}");
            }
            other => panic!("{table}: {other:?}"),
        }
        connection
            .execute(&format!("UPDATE {table} SET record_version = 1"), [])
            .unwrap();
    }
    assert!(matches!(
        world.store.account(world.domain(), "alice").unwrap(),
        Found::Account(_)
    ));
}

#[test]
fn after_a_rotation_everything_stands_under_the_new_key_and_the_old_one_is_free() {
    let world = World::new();
    ["alice", "bob", "carol"]
        .iter()
        .for_each(|name| world.add_user(name));
    world.done(write(Write::Component(Box::new(
        Put::new(component("192.0.2.7")).with("shared_secret", Some(Secret::new("s"))),
    ))));
    let old = world.store.keyring().active(KeyClass::Storage).unwrap();
    let rotated = world
        .store
        .keyring()
        .rotate(KeyClass::Storage, world.now().0)
        .unwrap();
    world.done(
        rotated
            .rows
            .iter()
            .map(|row| Change::Write(Write::Key(to_record(row))))
            .collect(),
    );
    let new = world.store.keyring().active(KeyClass::Storage).unwrap();
    assert_ne!(old, new);
    assert_eq!(world.store.keys_in_use().unwrap()[&old], 7);
    assert_eq!(world.store.count_stale().unwrap(), 7);
    world.account("alice"); // is in memory with its old fields
    let (mut at, mut count) = (Resealed::default(), 0);
    while !at.finished {
        at = world.store.reseal_batch(&at, 2).unwrap();
        let stored = Resealed::at(at.position()); // as a start anew finds it
        assert_eq!(stored.position(), at.position());
        count += at.resealed;
        assert!(at.shut.is_empty(), "{:?}", at.shut);
    }
    assert_eq!(count, 7);
    assert_eq!(world.store.count_stale().unwrap(), 0);
    let used = world.store.keys_in_use().unwrap();
    assert!(!used.contains_key(&old) && used[&new] == 7);
    let removed = world.store.keyring().delete(old).unwrap().removed.unwrap();
    world.done(write(Write::RemoveKey(removed.to_string())));
    let app = &world.account("alice").authenticators[0].applications[0];
    assert_eq!(
        open(
            &world.store,
            "application",
            app.key.0,
            "secret",
            &app.secret
        ),
        b"12345678901234567890"
    );
}

#[test]
fn a_rotation_is_stored_once_a_version() {
    let world = World::new();
    assert_eq!(world.store.rotation().unwrap(), None);
    let mut rotation = Rotation {
        version: 0,
        class: "storage".to_owned(),
        from: None,
        to: "0000000a".to_owned(),
        state: RotationState::Running,
        node: "one".to_owned(),
        started: world.now(),
        seen: world.now(),
        ended: None,
        total: Some(7),
        done: 1,
        shut: 0,
        at_field: 2,
        at_row: 9,
    };
    let put = |rotation: &Rotation| {
        world.store.commit(Work {
            token: 0,
            changes: write(Write::Rotation(Box::new(rotation.clone()))),
            records: Vec::new(),
            trace: Vec::new(),
        })
    };
    assert_eq!(put(&rotation), Outcome::Committed);
    assert_eq!(put(&rotation), Outcome::Conflict, "somebody else was first");
    rotation.version = 1;
    assert_eq!(world.store.rotation().unwrap().as_ref(), Some(&rotation));
    rotation.state = RotationState::Done;
    assert_eq!(put(&rotation), Outcome::Committed);
    assert_eq!(
        world.store.rotation().unwrap().unwrap().state,
        RotationState::Done
    );
}

#[test]
fn data_keys_go_under_another_root_key_all_at_once() {
    let mut world = World::new();
    world.add_user("alice");
    let (old, new) = (
        world.store.keyring().root_arc(),
        Arc::new(RootKey::generate().unwrap()),
    );
    let stale = world.store.keyring().rewrap(Arc::clone(&new)).unwrap();
    let created = world
        .store
        .keyring()
        .create(KeyClass::Token, world.now().0)
        .unwrap();
    let put = |row| Change::Write(Write::Key(to_record(row)));
    world.done(created.rows.iter().map(put).collect());
    let rewrap = |change: &RingChange| {
        let rows = change.rows.iter().map(to_record).collect();
        world.commit(write(Write::Rewrap(rows, old.id().to_string())))
    };
    assert_eq!(
        rewrap(&stale),
        Outcome::Conflict,
        "a key was made meanwhile"
    );
    let all_under = |root: &RootKey| {
        world
            .store
            .keys()
            .unwrap()
            .iter()
            .all(|key| key.root == root.id().to_string())
    };
    assert!(all_under(&old));

    let late = world
        .store
        .keyring()
        .create(KeyClass::Storage, world.now().0)
        .unwrap();
    let change = world.store.keyring().rewrap(Arc::clone(&new)).unwrap();
    assert_eq!(rewrap(&change), Outcome::Committed);
    assert!(all_under(&new));
    assert_eq!(world.store.keyring().moved_to(), Some(new.id()));
    assert!(matches!(
        world.store.keyring().create(KeyClass::Storage, 1),
        Err(KeyringError::RootMoved { .. })
    ));
    assert!(world.store.adopt_root(&old).is_err());
    world.store.adopt_root(&new).unwrap();
    assert_eq!(
        (
            world.store.keyring().root(),
            world.store.keyring().moved_to()
        ),
        (new.id(), None)
    );
    let outcome = world.store.commit(Work {
        token: 0,
        changes: late.rows.iter().rev().take(1).map(put).collect(),
        records: Vec::new(),
        trace: Vec::new(),
    });
    assert!(
        matches!(outcome, Outcome::Failed(StoreError::Sealing(_))),
        "a key under the old root key: {outcome:?}"
    );
    world.root = new;
    world.reopen();
    let app = &world.account("alice").authenticators[0].applications[0];
    assert_eq!(
        open(
            &world.store,
            "application",
            app.key.0,
            "secret",
            &app.secret
        ),
        b"12345678901234567890"
    );
}

#[test]
fn wraps_out_of_an_escrow_replace_those_of_a_lost_root_key() {
    let mut world = World::new();
    world.add_user("alice");
    let new = Arc::new(RootKey::generate().unwrap());
    let escrow = world.store.keyring().rewrap(Arc::clone(&new)).unwrap().rows;
    let late = world
        .store
        .keyring()
        .create(KeyClass::Token, world.now().0)
        .unwrap();
    let id = late.active().unwrap().to_string();
    let put = |row| Change::Write(Write::Key(to_record(row)));
    world.done(late.rows.iter().map(put).collect());
    world.store.close();
    let lacking = crate::recover_keys(&world.options, &escrow, false).unwrap();
    assert!(
        !lacking.done && lacking.lacking == [id.clone()],
        "{lacking:?}"
    );
    world.reopen(); // nothing was changed
    world.store.close();
    let recovered = crate::recover_keys(&world.options, &escrow, true).unwrap();
    assert!(
        recovered.done && recovered.lacking == [id] && recovered.replaced == escrow.len(),
        "{recovered:?}"
    );
    world.root = new;
    world.reopen();
    let app = &world.account("alice").authenticators[0].applications[0];
    assert_eq!(
        open(
            &world.store,
            "application",
            app.key.0,
            "secret",
            &app.secret
        ),
        b"12345678901234567890"
    );
}

#[test]
fn the_facts_of_a_command_are_loaded() {
    let world = World::new();
    world.add_user("alice");
    let admin = User {
        privileges: ["admin.logon".to_owned()].into(),
        ..user(world.domain(), "root")
    };
    world.done(write(Write::User(Box::new(Put::new(admin)))));
    let named = AccountRef::Named(world.domain(), "alice".to_owned());
    let counts = vec![
        Count::UsersOfDomain(world.domain()),
        Count::AuthenticatorsOfDomain(world.domain()),
        Count::AuthenticatorsOfType("HOTP".to_owned()),
        Count::LinkedTo(named.clone()),
        Count::Administrators,
    ];
    let needs = Needs {
        accounts: vec![named.clone()],
        authenticators: vec!["SN-ALICE".to_owned(), "NONE".to_owned()],
        owners: true,
        counts: counts.clone(),
        ..Needs::default()
    };
    let facts = world.store.admin_facts(&needs).unwrap();
    assert!(matches!(facts.account(&named), Found::Account(_)));
    assert!(
        matches!(facts.device("SN-ALICE"), Device::Found(_))
            && matches!(facts.device("NONE"), Device::Nobody)
    );
    let owner = AccountRef::Key(world.account("alice").user.key);
    assert!(matches!(facts.account(&owner), Found::Account(_)));
    assert_eq!(
        counts
            .iter()
            .map(|count| facts.count(count))
            .collect::<Vec<_>>(),
        [2, 1, 1, 0, 1]
    );
}

#[test]
fn place_holders_of_one_decision_name_the_same_row() {
    let world = World::new();
    let domain = world.domain();
    let changes = vec![
        Write::User(Box::new(Put::new(user(domain, "one")))),
        Write::User(Box::new(Put::new(User {
            key: UserKey(-2),
            linked: Some(UserKey(-1)),
            ..user(domain, "two")
        }))),
        Write::Authenticator(Box::new(Put::new(authenticator(domain, "A", UserKey(-1))))),
        Write::Application(
            AuthenticatorKey(-1),
            Box::new(
                Put::new(Application { ..application() }).with("secret", Some(Secret::new("k"))),
            ),
        ),
    ];
    world.done(changes.into_iter().map(Change::Write).collect());
    assert_eq!(world.account("two").owner, world.account("one").user.key);
    assert_eq!(world.account("two").authenticators[0].applications.len(), 1);
}
