mod directory;
mod properties;
mod site;

use super::*;
use crate::admin::tests::world::{account, device, hotp};
use crate::model::{SyncMapping, SyncOptions, UnitKey, UserKey};
use crate::time::Timestamp;
use directory::{Person, entries};
use serde_json::json;
use site::{Site, options};

#[test]
fn the_names_of_the_profile_win_over_those_of_the_record_and_of_the_product() {
    let mut site = Site::new(options());
    site.source.map.email = Some("rfc822Mailbox".into());
    site.source.map.name = Some("gecos".into());
    site.profile.mapping.name = Some("displayName".into());
    site.profile.mapping.phone = Some(String::new());
    let names = Names::new(&site.profile, &site.source).unwrap();
    assert_eq!(names.user, "uid");
    assert_eq!(
        names.texts,
        ["displayName", "description", "rfc822Mailbox", "", "mobile"]
    );
    assert!(!names.attributes().contains(&String::new()));
    assert_eq!(
        names
            .attributes()
            .iter()
            .filter(|name| *name == "uid")
            .count(),
        1
    );
}

#[test]
fn entries_become_accounts_and_a_second_run_finds_nothing() {
    let mut site = Site::new(options());
    let people = [
        Person::new(1, "ann").mail("ann@x.org"),
        Person::new(2, "ben"),
    ];
    let told = site.run(&people);
    assert_eq!(told.acts(), ["ann created", "ben created"]);
    let ann = site.account("ann");
    assert_eq!(ann.user.contact.as_ref().unwrap().email, "ann@x.org");
    assert_eq!(
        ann.user.ldap_owner.as_ref().unwrap().profile,
        site.profile.key
    );
    assert!(!ann.user.disabled);
    site.changes_nothing(&people);
}

#[test]
fn what_differs_is_updated_and_nothing_else_is_written() {
    let mut site = Site::new(options());
    site.run(&[
        Person::new(1, "ann").mail("a@x").mobile("+1"),
        Person::new(2, "ben"),
    ]);
    let ben = site.account("ben").user.meta.revision;
    let people = [Person::new(1, "ann").mail("b@x"), Person::new(2, "ben")];
    let told = site.run(&people);
    assert_eq!(told.acts(), ["ann updated"]);
    assert_eq!(
        told.rows[0].changes,
        [
            ("email".to_owned(), json!("a@x"), json!("b@x")),
            ("mobile".to_owned(), json!("+1"), json!(null))
        ]
    );
    assert_eq!(site.account("ben").user.meta.revision, ben);
    site.changes_nothing(&people);
}

#[test]
fn a_renamed_entry_renames_its_account_and_a_moved_one_takes_its_authenticators_along() {
    let mut site = Site::new(options());
    site.profile.mapping.org_unit = Some("ou".into());
    site.run(&[Person::new(1, "ann").unit("Sales")]);
    site.assign("ann", "T1");
    let key = site.account("ann").user.key;
    let people = [Person::new(1, "anna").unit("Works")];
    let told = site.run(&people);
    assert_eq!(told.acts(), ["anna updated+moved"]);
    let anna = site.account("anna");
    assert_eq!((anna.user.key, anna.user.org_unit), (key, Some(UnitKey(3))));
    assert_eq!(anna.authenticators[0].org_unit, Some(UnitKey(3)));
    assert_eq!(anna.authenticators[0].user, Some(key));
    site.changes_nothing(&people);
}

#[test]
fn units_are_made_where_the_profile_may() {
    let mut site = Site::new(SyncOptions {
        create_units: false,
        ..options()
    });
    site.profile.mapping.org_unit = Some("ou".into());
    site.profile.org_unit = Some(UnitKey(1));
    let people = [
        Person::new(1, "ann").unit("North"),
        Person::new(2, "ben").unit("NORTH"),
        Person::new(3, "cid"),
    ];
    let told = site.run(&people);
    assert!(told.rows[0].warnings[0].contains("no unit North"));
    assert_eq!(site.account("ann").user.org_unit, Some(UnitKey(1)));
    site.profile.options.create_units = true;
    let told = site.run(&people);
    assert_eq!(told.tally.units, 1);
    let north = site.account("ann").user.org_unit;
    assert_eq!(site.account("ben").user.org_unit, north);
    assert_ne!(north, Some(UnitKey(1)));
    assert_eq!(site.account("cid").user.org_unit, Some(UnitKey(1)));
    site.changes_nothing(&people);
}

#[test]
fn an_administrator_is_never_touched() {
    let mut site = Site::new(SyncOptions {
        gone: SyncGone::Delete,
        ..options()
    });
    site.profile.max_delete_percent = 100;
    let before = format!("{:?}", site.account("admin"));
    let told = site.run(&[Person::new(1, "ADMIN").mail("evil@x")]);
    assert_eq!(told.statuses(), [1121]);
    assert_eq!(format!("{:?}", site.account("admin")), before);

    site.run(&[Person::new(2, "ann")]);
    site.account_mut("ann").user.privileges = ["admin.logon".to_owned()].into();
    let before = format!("{:?}", site.account("ann"));
    let told = site.run(&[Person::new(2, "ann").mail("evil@x").disabled(true)]);
    assert_eq!(told.statuses(), [1121]);
    let told = site.run(&[]);
    assert_eq!(told.statuses(), [1121]);
    assert_eq!(format!("{:?}", site.account("ann")), before);
}

#[test]
fn a_known_account_is_taken_over_only_with_update_and_never_from_another_profile() {
    let mut site = Site::new(SyncOptions {
        update: false,
        ..options()
    });
    let people = [Person::new(1, "Alice").mail("a@x"), Person::new(2, "bob")];
    assert_eq!(site.run(&people).statuses(), [-14, -14]);
    site.profile.options.update = true;
    site.other_profile(99);
    site.account_mut("bob").user.ldap_owner = Some(Box::new(crate::model::LdapOwner {
        profile: 99,
        entry: "other".into(),
        dn: "uid=bob,o=other".into(),
    }));
    let told = site.run(&people);
    assert_eq!(told.acts(), ["Alice taken_over+updated", "bob "]);
    assert!(
        told.rows[1]
            .refused
            .as_ref()
            .unwrap()
            .1
            .contains("another synchronisation profile")
    );
    site.changes_nothing(&people);
}

#[test]
fn accounts_whose_entry_is_gone_are_kept_disabled_or_deleted() {
    let people = [Person::new(1, "ann"), Person::new(2, "ben")];
    for (gone, act) in [
        (SyncGone::Keep, None),
        (SyncGone::Disable, Some("ben disabled")),
        (SyncGone::Delete, Some("ben deleted")),
    ] {
        let mut site = Site::new(SyncOptions { gone, ..options() });
        site.profile.max_delete_percent = 50;
        site.run(&people);
        site.assign("ben", "T1");
        let told = site.run(&people[..1]);
        assert_eq!(told.acts(), Vec::from_iter(act));
        assert_eq!(site.find("ben").is_some(), gone != SyncGone::Delete);
        if gone == SyncGone::Delete {
            assert_eq!(site.devices[0].user, None);
        }
        assert!(site.find("alice").is_some(), "not owned, not touched");
        site.changes_nothing(&people[..1]);
    }
}

#[test]
fn the_brake_holds_until_it_is_confirmed() {
    let mut site = Site::new(SyncOptions {
        gone: SyncGone::Delete,
        ..options()
    });
    let people: Vec<Person> = (0..20)
        .map(|n| Person::new(n, &format!("u{n:02}")))
        .collect();
    site.run(&people);
    assert_eq!(
        site.run(&people[2..]).acts().len(),
        2,
        "10 % is not more than 10 %"
    );
    let told = site.run(&people[5..]);
    assert_eq!(told.tally.of(Act::Deleted), 0);
    let why = told.stopped.unwrap();
    assert_eq!(why.status.number(), -2);
    assert!(why.detail.contains("3 of 18"), "{}", why.detail);
    site.confirmed = true;
    assert_eq!(site.run(&people[5..]).tally.of(Act::Deleted), 3);
}

#[test]
fn whose_authenticators_others_use_is_not_deleted() {
    let mut site = Site::new(SyncOptions {
        gone: SyncGone::Delete,
        ..options()
    });
    site.confirmed = true;
    site.run(&[Person::new(1, "ann")]);
    let ann = site.account("ann").user.key;
    site.account_mut("bob").user.linked = Some(ann);
    let told = site.run(&[]);
    assert_eq!(told.statuses(), [-2]);
    assert!(site.find("ann").is_some());
}

#[test]
fn user_ids_that_move_from_entry_to_entry_settle_in_one_run() {
    let mut site = Site::new(options());
    site.run(&[
        Person::new(1, "ann"),
        Person::new(2, "ben"),
        Person::new(3, "cid"),
    ]);
    let keys = ["ann", "ben", "cid"].map(|id| site.account(id).user.key);
    let chain = [
        Person::new(1, "ben"),
        Person::new(2, "cid"),
        Person::new(3, "dan"),
        Person::new(4, "ann"),
    ];
    let told = site.run(&chain);
    assert_eq!(told.tally.of(Act::Moved), 3);
    assert_eq!(told.tally.of(Act::Created), 1);
    assert_eq!(
        ["ben", "cid", "dan"].map(|id| site.account(id).user.key),
        keys
    );
    site.changes_nothing(&chain);
}

#[test]
fn an_exchange_of_user_ids_is_told_and_the_rest_is_done() {
    let mut site = Site::new(options());
    site.run(&[Person::new(1, "ann"), Person::new(2, "ben")]);
    let people = [
        Person::new(1, "ben").mail("1@x"),
        Person::new(2, "ann").mail("2@x"),
    ];
    let told = site.run(&people);
    assert_eq!(told.tally.of(Act::Updated), 2);
    assert_eq!(told.tally.warned, 2);
    assert_eq!(
        site.account("ann").user.contact.as_ref().unwrap().email,
        "1@x"
    );
    site.changes_nothing(&people);
}

#[test]
fn an_entry_made_anew_takes_its_account_over() {
    let mut site = Site::new(SyncOptions {
        gone: SyncGone::Delete,
        ..options()
    });
    site.run(&[Person::new(1, "ann")]);
    let key = site.account("ann").user.key;
    let again = [Person::new(7, "ann")];
    assert_eq!(site.run(&again).acts(), ["ann taken_over"]);
    assert_eq!(site.account("ann").user.key, key);
    site.changes_nothing(&again);
}

#[test]
fn two_entries_of_one_user_id_are_told() {
    let mut site = Site::new(options());
    let people = [Person::new(1, "ann"), Person::new(2, "ANN")];
    let told = site.run(&people);
    assert_eq!(told.tally.of(Act::Created), 1);
    assert_eq!(told.statuses(), [0, -14]);
    site.changes_nothing(&people);
}

#[test]
fn states_and_ends_are_taken_over() {
    let mut site = Site::new(SyncOptions {
        enable_created: false,
        ..options()
    });
    site.run(&[Person::new(1, "ann")]);
    assert!(site.account("ann").user.disabled, "nothing is mapped");
    site.profile.mapping.disabled = Some("userAccountControl".into());
    site.profile.mapping.expires = Some("accountExpires".into());
    let day = Timestamp::parse("2023-12-25T17:46:40Z").unwrap();
    let on = |disabled| {
        [Person::new(1, "ann")
            .disabled(disabled)
            .set("accountExpires", "133480000000000000")]
    };
    let told = site.run(&on(false));
    assert_eq!(told.acts(), ["ann updated+enabled"]);
    assert_eq!(site.account("ann").user.expires_at, Some(day));
    site.changes_nothing(&on(false));
    assert_eq!(site.run(&on(true)).acts(), ["ann disabled"]);
    assert!(site.sessions_ended.contains(&site.account("ann").user.key));
    let broken = [Person::new(1, "ann").set("userAccountControl", "x")];
    let told = site.run(&broken);
    assert_eq!(told.rows[0].warnings.len(), 1);
    assert!(site.account("ann").user.disabled, "left as it was");
    assert_eq!(site.account("ann").user.expires_at, None);
}

#[test]
fn custom_attributes_follow_all_values() {
    let mut site = Site::new(options());
    site.profile.mapping.custom = vec![("dept".into(), "hr".into(), "department".into())];
    let with = |values: &[&str]| {
        [values
            .iter()
            .fold(Person::new(1, "ann"), |p, v| p.set("dept", v))]
    };
    site.run(&with(&["b", "a"]));
    let values = |site: &Site| -> Vec<String> {
        let ann = site.account("ann");
        ann.attributes.iter().map(|one| one.value.clone()).collect()
    };
    assert_eq!(values(&site), ["a", "b"]);
    site.changes_nothing(&with(&["a", "b"]));
    assert_eq!(site.run(&with(&["c"])).acts(), ["ann updated"]);
    assert_eq!(values(&site), ["c"]);
    site.run(&with(&[]));
    assert!(values(&site).is_empty());
}

#[test]
fn what_does_not_fit_is_left_and_told() {
    let mut site = Site::new(options());
    site.run(&[Person::new(1, "ann").mobile("+1").mail("a@x")]);
    let long = "9".repeat(65);
    let people = [
        Person::new(1, "ann").mobile(&long).mail("b@x"),
        Person::new(2, &"u".repeat(256)),
        Person::nameless(3),
        Person::new(4, "a\u{7}b"),
    ];
    let told = site.run(&people);
    assert_eq!(told.statuses(), [0, 1121, 1121, 1121]);
    let ann = site.account("ann").user.contact.clone().unwrap();
    assert_eq!((ann.mobile.as_str(), ann.email.as_str()), ("+1", "b@x"));
    assert_eq!(told.tally.warned, 4);
    assert_eq!(told.warnings_on_record, 4);
    site.changes_nothing(&people);
}

#[test]
fn without_an_option_nothing_of_its_kind_is_done() {
    let none = SyncOptions::default();
    let mut site = Site::new(none);
    assert!(site.run(&[Person::new(1, "ann")]).acts().is_empty());
    site.profile.options = options();
    site.run(&[Person::new(1, "ann").mail("a@x")]);
    site.profile.options = none;
    let told = site.run(&[Person::new(1, "anna").mail("b@x")]);
    assert!(told.rows[0].acts.is_empty() && told.rows[0].warnings[0].contains("move_accounts"));
    assert_eq!(
        site.account("ann").user.contact.as_ref().unwrap().email,
        "a@x"
    );
}

#[test]
fn an_account_that_cannot_be_read_is_left() {
    let mut site = Site::new(options());
    site.unreadable.push(Unreadable {
        domain: site.profile.domain,
        folded: "ann".into(),
        owner: None,
        status: Status::from_number(1123).unwrap(),
        which: "user ann".into(),
    });
    assert_eq!(site.run(&[Person::new(1, "ann")]).statuses(), [1123]);
}

#[test]
fn each_change_is_audited_as_its_command() {
    let mut site = Site::new(SyncOptions {
        gone: SyncGone::Delete,
        ..options()
    });
    site.confirmed = true;
    site.profile.mapping.disabled = Some("userAccountControl".into());
    let told = site.run(&[Person::new(1, "ann"), Person::new(2, "ben")]);
    assert_eq!(told.commands(), ["user.create ann", "user.create ben"]);
    let told = site.run(&[Person::new(1, "anna").mail("a@x").disabled(true)]);
    assert_eq!(
        told.commands(),
        [
            "user.update ann",
            "user.disable ann",
            "user.move ann",
            "user.delete ben"
        ]
    );
    let mut amids: Vec<_> = told.records.iter().map(|record| record.amid).collect();
    amids.sort_unstable();
    amids.dedup();
    assert_eq!(amids.len(), told.records.len());
}

#[test]
fn an_account_of_another_domain_is_moved_into_that_of_the_profile() {
    let mut site = Site::new(options());
    site.run(&[Person::new(1, "ann")]);
    site.assign("ann", "T1");
    site.profile.domain = crate::model::DomainKey(2);
    let people = [Person::new(1, "ann")];
    assert_eq!(site.run(&people).acts(), ["ann moved"]);
    let ann = site
        .accounts
        .iter()
        .find(|one| one.user.folded == "ann")
        .unwrap();
    assert_eq!(ann.user.domain, site.profile.domain);
    assert_eq!(ann.authenticators[0].domain, site.profile.domain);
    site.changes_nothing(&people);
}

#[test]
fn active_directory_is_read_by_its_own_names() {
    let mut site = Site::new(options());
    site.source = site::active_directory();
    let names = Names::new(&site.profile, &site.source).unwrap();
    let mapped = names.map(&Entry {
        dn: "CN=Ann,DC=x".into(),
        attributes: vec![
            ("objectGUID".into(), vec![(0..16).collect()]),
            ("sAMAccountName".into(), vec![b"ann".to_vec()]),
            ("DISPLAYNAME".into(), vec![b"Ann".to_vec()]),
            ("userAccountControl".into(), vec![b"514".to_vec()]),
            ("accountExpires".into(), vec![b"0".to_vec()]),
        ],
    });
    let shown = mapped.to_json();
    assert_eq!(shown["user"], "ann");
    assert_eq!(shown["name"], "Ann");
    assert_eq!(shown["entry"], "03020100-0504-0706-0809-0a0b0c0d0e0f");
    assert_eq!(
        (&shown["disabled"], &shown["expires_at"]),
        (&json!(true), &json!(null))
    );
    let _ = (
        SyncMapping::default(),
        UserKey(1),
        account(1, "x", 1),
        device(1, "x", None, hotp()),
        entries(&[]),
    );
}
