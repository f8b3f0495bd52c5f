//! Back-ends, their groups, and questions of theirs that are passed on.

use super::world::World;
use crate::{Outcome, Resealed, to_record};
use countersign_engine::Secret;
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::Change;
use countersign_engine::facts::{Place, Vault, Wanted};
use countersign_engine::model::{
    AttributeMap, BackEnd, BackEndGroup, BackEndKey, Challenge, ChallengeKey, ChallengeKind,
    Charset, Directory, Meta, PasswordProtocol, Profile, Protocol, RadiusBackEnd, RealmRule,
    Relayed, Sealed, Tls, Webhook, Winbind,
};
use countersign_keyring::KeyClass;
use std::sync::Arc;

fn radius() -> Protocol {
    Protocol::Radius(RadiusBackEnd {
        shared_secret: None,
        accounting_address: Some("192.0.2.9".to_owned()),
        accounting_port: Some(1646),
        charset: Charset::Latin1,
        realm_rule: RealmRule::Postfix,
        realm: Some("EXAMPLE".to_owned()),
        password_protocol: PasswordProtocol::Mschapv2,
        require_message_authenticator: false,
    })
}

fn directory(profile: Profile) -> Directory {
    Directory {
        base_dn: "dc=example".to_owned(),
        bind_dn: Some("cn=reader".to_owned()),
        bind_password: None,
        tls: Tls::StartTls,
        ca: Some("pem".to_owned()),
        user_filter: Some("(a=b)".to_owned()),
        user_id_attribute: Some("uid".to_owned()),
        object_class: Some("person".to_owned()),
        global_catalog: Some("gc:3268".to_owned()),
        profile,
    }
}

fn webhook() -> Protocol {
    Protocol::Webhook(Webhook {
        hmac_key: None,
        client_certificate: Some("chain".to_owned()),
        client_key: None,
        ca: Some("ca".to_owned()),
    })
}

fn windows(directory: Option<Directory>) -> Protocol {
    Protocol::Windows(Winbind {
        netbios_domain: Some("EXAMPLE".to_owned()),
        helper: Some("/usr/bin/ntlm_auth".to_owned()),
        directory,
    })
}

fn record(name: &str, protocol: Protocol) -> BackEnd {
    BackEnd {
        key: BackEndKey(-1),
        name: name.to_owned(),
        domain: None,
        priority: 300,
        enabled: true,
        address: "192.0.2.8".to_owned(),
        port: Some(636),
        timeout_s: 5,
        retries: 2,
        protocol,
        map: AttributeMap {
            name: Some("cn".to_owned()),
            phone: Some(String::new()),
            ..AttributeMap::default()
        },
        meta: Meta::default(),
    }
}

fn stored(put: Put<BackEnd>) -> Change {
    Change::Write(Write::BackEnd(Box::new(put)))
}

/// Stores new records, each in a decision of its own.
fn add(world: &World, puts: impl IntoIterator<Item = Put<BackEnd>>) {
    puts.into_iter()
        .for_each(|put| world.done(vec![stored(put)]));
}

fn named(world: &World, name: &str) -> Arc<BackEnd> {
    let snapshot = world.store.snapshot();
    snapshot.back_ends.named(name).unwrap().clone()
}

/// The sealed fields of a record by name.
fn sealed(record: &BackEnd) -> Vec<(&'static str, Option<Sealed>)> {
    let mut protocol = record.protocol.clone();
    let fields = crate::rows::back_end::sealed_fields(&mut protocol);
    let all = fields.into_iter().map(|(name, field)| (name, field.take()));
    all.collect()
}

fn opened(world: &World, record: &BackEnd, field: &'static str) -> Vec<u8> {
    let fields = sealed(record);
    let (_, sealed) = fields.iter().find(|(name, _)| *name == field).unwrap();
    let place = Place {
        table: "back_end",
        id: record.key.0,
        field,
        version: record.meta.record_version,
    };
    let secret = world.store.vault().open(place, sealed.as_ref().unwrap());
    secret.unwrap().expose().to_vec()
}

#[test]
fn every_protocol_is_stored_whole_and_its_secrets_are_sealed() {
    let world = World::new();
    let before = world.store.snapshot().generation;
    let mut own = record("Mine", windows(Some(directory(Profile::Ad))));
    own.domain = Some(world.domain());
    add(
        &world,
        [
            Put::new(record("r", radius())).with("shared_secret", Some(Secret::new("s1"))),
            Put::new(own).with("bind_password", Some(Secret::new("s2"))),
            Put::new(record("w", windows(None))),
            Put::new(record(
                "ad",
                Protocol::ActiveDirectory(directory(Profile::Ad)),
            )),
            Put::new(record("l", Protocol::Ldap(directory(Profile::Ds389)))),
            Put::new(record("hook", webhook()))
                .with("hmac_key", Some(Secret::new("s3")))
                .with("client_key", Some(Secret::new("s4"))),
        ],
    );
    assert!(world.store.snapshot().generation > before);
    for (name, protocol) in [
        ("r", radius()),
        ("MINE", windows(Some(directory(Profile::Ad)))),
        ("w", windows(None)),
        ("ad", Protocol::ActiveDirectory(directory(Profile::Ad))),
        ("l", Protocol::Ldap(directory(Profile::Ds389))),
        ("hook", webhook()),
    ] {
        let read = named(&world, name);
        let mut plain = read.protocol.clone();
        for (_, field) in crate::rows::back_end::sealed_fields(&mut plain) {
            *field = None;
        }
        assert_eq!(format!("{plain:?}"), format!("{protocol:?}"), "{name}");
        assert_eq!(
            (read.priority, read.port, read.retries),
            (300, Some(636), 2)
        );
        assert_eq!(read.map.phone.as_deref(), Some(""));
        assert_eq!(read.map.email, None);
    }
    assert_eq!(named(&world, "mine").domain, Some(world.domain()));
    assert_eq!(opened(&world, &named(&world, "r"), "shared_secret"), b"s1");
    assert_eq!(
        opened(&world, &named(&world, "mine"), "bind_password"),
        b"s2"
    );
    assert_eq!(opened(&world, &named(&world, "hook"), "hmac_key"), b"s3");
    assert_eq!(opened(&world, &named(&world, "hook"), "client_key"), b"s4");
}

#[test]
fn a_change_is_guarded_and_keeps_the_secrets_it_does_not_name() {
    let world = World::new();
    world.done(vec![stored(
        Put::new(record("hook", webhook()))
            .with("hmac_key", Some(Secret::new("s3")))
            .with("client_key", Some(Secret::new("s4"))),
    )]);
    let old = named(&world, "hook");
    let change = |enabled| {
        let mut record = old.as_ref().clone();
        record.enabled = enabled;
        Put::over(old.meta.revision, record)
    };
    world.done(vec![stored(change(false).with("client_key", None))]);
    assert_eq!(world.commit(vec![stored(change(true))]), Outcome::Conflict);
    let new = named(&world, "hook");
    assert!(!new.enabled && new.meta.revision == old.meta.revision + 1);
    assert_eq!(opened(&world, &new, "hmac_key"), b"s3");
    assert!(
        sealed(&new)
            .iter()
            .any(|(name, field)| *name == "client_key" && field.is_none())
    );
    assert_eq!(
        world.commit(vec![stored(Put::new(record("HOOK", webhook())))]),
        Outcome::Conflict
    );
    world.done(vec![Change::Write(Write::RemoveBackEnd(
        new.key,
        new.meta.revision,
    ))]);
    assert!(world.store.snapshot().back_ends.records().is_empty());
}

#[test]
fn a_group_names_records_of_the_same_decision() {
    let world = World::new();
    let second = BackEnd {
        key: BackEndKey(-2),
        ..record("r2", radius())
    };
    let group = BackEndGroup {
        key: -1,
        name: "Office".to_owned(),
        protocol: "radius".to_owned(),
        members: vec![BackEndKey(-2), BackEndKey(-1)],
        meta: Meta::default(),
    };
    world.done(vec![
        stored(Put::new(record("r1", radius()))),
        stored(Put::new(second)),
        Change::Write(Write::BackEndGroup(Put::new(group))),
    ]);
    let snapshot = world.store.snapshot();
    let servers = snapshot.back_ends.servers("office", world.domain());
    let names: Vec<&str> = servers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["r2", "r1"]);
    let mut group = snapshot.back_ends.group("office").unwrap().clone();
    group.members.pop();
    let revision = group.meta.revision;
    world.done(vec![Change::Write(Write::BackEndGroup(Put::over(
        revision,
        group.clone(),
    )))]);
    let snapshot = world.store.snapshot();
    assert_eq!(
        snapshot.back_ends.servers("office", world.domain()).len(),
        1
    );
    world.done(vec![Change::Write(Write::RemoveBackEndGroup(
        group.key,
        revision + 1,
    ))]);
    assert!(world.store.snapshot().back_ends.groups().is_empty());
}

#[test]
fn a_question_that_is_passed_on_keeps_the_state_of_its_server() {
    let world = World::new();
    let relayed = Relayed {
        server: BackEndKey(3),
        state: vec![0xff; 253],
        domain: world.domain(),
        user: "nobody here".to_owned(),
    };
    let key = ChallengeKey([7; 16]);
    world.done(vec![Change::PutChallenge(Box::new(Challenge {
        key,
        kind: ChallengeKind::BackEnd,
        component_type: "radius_client".to_owned(),
        user: None,
        application: None,
        number: 0,
        question: String::new(),
        issued: world.now(),
        wrong: 0,
        version: 1,
        relayed: Some(Box::new(relayed.clone())),
    }))]);
    let wanted = Wanted {
        account: None,
        challenge: Some(key),
        challenges_of_user: false,
    };
    let found = world.store.challenges(&wanted, None).unwrap();
    assert_eq!(found[0].kind, ChallengeKind::BackEnd);
    assert_eq!(found[0].relayed.as_deref(), Some(&relayed));
}

#[test]
fn a_rotation_reseals_the_secrets_of_back_ends() {
    let world = World::new();
    add(
        &world,
        [
            Put::new(record("r", radius())).with("shared_secret", Some(Secret::new("s1"))),
            Put::new(record("hook", webhook()))
                .with("hmac_key", Some(Secret::new("s3")))
                .with("client_key", Some(Secret::new("s4"))),
        ],
    );
    let rotated = world
        .store
        .keyring()
        .rotate(KeyClass::Storage, world.now().0);
    let rows = rotated.unwrap().rows;
    world.done(
        rows.iter()
            .map(|row| Change::Write(Write::Key(to_record(row))))
            .collect(),
    );
    let stale = world.store.count_stale().unwrap();
    let mut at = Resealed::default();
    while !at.finished {
        at = world.store.reseal_batch(&at, 2).unwrap();
        assert!(at.shut.is_empty(), "{:?}", at.shut);
    }
    assert!(stale >= 3 && world.store.count_stale().unwrap() == 0);
    world.store.set_hosts(crate::Hosts::default()).unwrap(); // reads the configuration anew
    assert_eq!(opened(&world, &named(&world, "hook"), "client_key"), b"s4");
}
