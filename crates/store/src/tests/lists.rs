use super::world::World;
use crate::Rows;
use countersign_engine::admin::Query;
use countersign_engine::admin::query::{Test, object};
use countersign_engine::admin::{Put, Write};
use countersign_engine::decision::Change;
use countersign_engine::model::{Contact, User, UserAttribute};
use serde_json::{Value as Json, json};

fn world() -> World {
    let world = World::new();
    for name in ["alice", "Bob", "carol_1", "carolx1"] {
        world.add_user(&name.to_lowercase());
    }
    let bob = world.account("bob");
    let contact = Some(Box::new(Contact {
        name: "Robert Grün".to_owned(),
        email: "Bob@Example.org".to_owned(),
        ..Contact::default()
    }));
    let record = User {
        contact,
        disabled: true,
        privileges: ["admin.logon".to_owned()].into(),
        ..bob.user.clone()
    };
    let attribute = UserAttribute {
        group: "vpn".to_owned(),
        name: "Filter-Id".to_owned(),
        index: 0,
        usage: "reply".to_owned(),
        value: "staff".to_owned(),
    };
    world.done(vec![
        Change::Write(Write::User(Box::new(Put::over(1, record)))),
        Change::Write(Write::Attribute(bob.user.key, attribute)),
    ]);
    world
}

fn query(name: &str, filter: &Json) -> Query {
    let object = object(name).unwrap();
    let mut query = Query::all(name).unwrap();
    for (name, condition) in filter.as_object().unwrap() {
        let column = object.filterable(name).unwrap();
        query
            .filter
            .push((column, Test::read(column, condition).unwrap()));
    }
    query
}

fn names(world: &World, query: &Query) -> (Vec<String>, u64) {
    let (rows, total) = world.store.query(query).unwrap().unwrap();
    let names = match rows {
        Rows::Users(rows) => rows
            .into_iter()
            .map(|(account, _)| account.user.id.clone())
            .collect(),
        Rows::Authenticators(rows) => rows
            .into_iter()
            .map(|(device, owner)| format!("{} of {}", device.serial, owner.unwrap().id))
            .collect(),
        Rows::Applications(rows) => rows
            .into_iter()
            .map(|(serial, app)| format!("{serial} {}", app.name))
            .collect(),
        Rows::Attributes(rows) => rows
            .into_iter()
            .map(|(user, attribute)| format!("{} {}", user.id, attribute.value))
            .collect(),
    };
    (names, total)
}

#[test]
fn conditions_find_what_they_say() {
    let world = world();
    let all: &[&str] = &["alice", "bob", "carol_1", "carolx1"];
    for (filter, expected) in [
        (json!({}), all),
        (json!({"user": "AROL"}), &["carol_1", "carolx1"]),
        (json!({"user": "carol_1"}), &["carol_1"]),
        (json!({"user": "c*1"}), &["carol_1", "carolx1"]),
        (json!({"user": "*_*"}), &["carol_1"]),
        (json!({"user": {"not": "carol"}}), &["alice", "bob"]),
        (json!({"user": {"in": ["ALICE", "bob"]}}), &["alice", "bob"]),
        (
            json!({"user": {"from": "b", "to": "carol_1"}}),
            &["bob", "carol_1"],
        ),
        (json!({"name": "GRÜN"}), &["bob"]),
        (json!({"email": "bob@example"}), &["bob"]),
        (json!({"name": null}), &["alice", "carol_1", "carolx1"]),
        (json!({"disabled": true}), &["bob"]),
        (json!({"administrator": true}), &["bob"]),
        (
            json!({"has_password": true, "locked": false, "domain": "MASTER"}),
            all,
        ),
        (json!({"last_auth_at": {"from": "2000-01-01"}}), &[]),
        (json!({"user": "'; DROP TABLE domain; --"}), &[]),
        (json!({"org_unit": {"not": null}}), &[]),
    ] {
        let (found, total) = names(&world, &query("user", &filter));
        assert_eq!(
            (found.as_slice(), total),
            (
                expected
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .as_slice(),
                expected.len() as u64
            ),
            "{filter}"
        );
    }
}

#[test]
fn other_objects_are_found_too() {
    let world = world();
    for (object, filter, expected) in [
        (
            "authenticator",
            json!({"serial": "sn-alice, SN-BOB"}),
            vec!["SN-BOB of bob", "SN-ALICE of alice"],
        ),
        (
            "authenticator",
            json!({"description": "blue*", "user": "bob"}),
            vec!["SN-BOB of bob"],
        ),
        (
            "application",
            json!({"serial": "SN-BOB", "application": "ro", "next_counter": 0}),
            vec!["SN-BOB RO"],
        ),
        (
            "user-attribute",
            json!({"group": "vpn", "value": "st*"}),
            vec!["bob staff"],
        ),
        ("user-attribute", json!({"group": "VPN"}), vec![]),
    ] {
        assert_eq!(
            names(&world, &query(object, &filter)).0,
            expected,
            "{object} {filter}"
        );
    }
    assert!(
        world
            .store
            .query(&query("domain", &json!({})))
            .unwrap()
            .is_none()
    );
}

#[test]
fn order_pages_and_distinct_rows() {
    let world = world();
    let mut sorted = query("user", &json!({}));
    sorted.sort = vec![(sorted.object.column("user").unwrap(), true)];
    (sorted.limit, sorted.offset) = (2, 1);
    assert_eq!(
        names(&world, &sorted),
        (vec!["carol_1".to_owned(), "bob".to_owned()], 4)
    );
    let mut distinct = query("user", &json!({}));
    (distinct.distinct, distinct.fields) =
        (true, vec![distinct.object.column("disabled").unwrap()]);
    assert_eq!(names(&world, &distinct).1, 2);
    assert_eq!(names(&world, &distinct).0.len(), 2);
}

#[test]
fn every_column_can_be_filtered_and_sorted_by() {
    let world = world();
    for name in ["user", "user-attribute", "authenticator", "application"] {
        let object = object(name).unwrap();
        for column in object
            .columns
            .iter()
            .filter(|column| object.filterable(column.name).is_ok())
        {
            for descending in [false, true] {
                let mut query = query(name, &json!({column.name: {"not": null}}));
                query.sort = vec![(column, descending)];
                assert!(world.store.query(&query).is_ok(), "{name}.{}", column.name);
            }
        }
    }
}
