//! Nodes: who is there, and what is wanted of them.

use super::world::{NOW, World};
use crate::admin::Write;
use crate::model::{NodeRecord, NodeReport, NodeState, NodeWish, Scenario};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

fn node(name: &str, state: NodeState) -> NodeRecord {
    NodeRecord {
        name: name.into(),
        version: "1.2".into(),
        started: NOW,
        report: Some(NodeReport {
            name: name.into(),
            state,
            reasons: Vec::new(),
            addresses: BTreeMap::from([("host".into(), format!("{name}.example.org"))]),
            scenarios: Scenario::all(),
            schema: 2,
            records: BTreeMap::from([("user".into(), 1)]),
            clock_offset: Some(-1500),
            seen: NOW,
        }),
        wish: NodeWish::default(),
        silent_us: 0,
    }
}

fn world() -> World {
    let mut world = World::new();
    world.nodes = vec![
        node("one", NodeState::Serving),
        node("two", NodeState::Serving),
        node("old", NodeState::Stopped),
    ];
    world
}

#[test]
fn a_node_is_shown_with_what_it_said() {
    let answer = world()
        .decide("node", "status", json!({"name": "one"}))
        .result;
    for (field, value) in [
        ("state", json!("serving")),
        ("host", json!("one.example.org")),
        ("clock_offset_ms", json!(-1)),
        ("drain_wanted", json!(false)),
        ("record_versions", json!({"user": 1})),
    ] {
        assert_eq!(answer.get(field), Some(&value), "{field}");
    }
    assert_eq!(
        world().status("node", "status", json!({"name": "three"})),
        -13
    );
}

#[test]
fn any_node_is_drained_and_put_back() {
    let mut world = world();
    for (verb, drained) in [("drain", true), ("undrain", false)] {
        let writes = world.writes("node", verb, json!({"name": "two"}));
        let [Write::NodeWish(name, wish)] = &writes[..] else {
            panic!("{writes:?}")
        };
        assert_eq!((name.as_str(), wish.drained), ("two", drained));
    }
    world.nodes[0].wish.scenarios = Some(BTreeSet::from([Scenario::Radius]));
    let writes = world.writes("node", "drain", json!({"name": "one"}));
    assert!(
        matches!(&writes[..], [Write::NodeWish(_, wish)] if wish.scenarios.is_some()),
        "a drain changes nothing else"
    );
}

#[test]
fn scenarios_are_switched_but_never_the_last_administration() {
    let mut world = world();
    let only_radius = json!({"name": "one", "scenarios": ["radius"]});
    let writes = world.writes("node", "update", only_radius.clone());
    assert!(
        matches!(&writes[..], [Write::NodeWish(_, wish)] if wish.scenarios == Some(BTreeSet::from([Scenario::Radius])))
    );
    assert_eq!(
        world.status(
            "node",
            "update",
            json!({"name": "one", "scenarios": ["raduis"]})
        ),
        -101
    );
    world.nodes[1].silent_us = 60_000_000;
    assert_eq!(world.status("node", "update", only_radius), -2);
    assert_eq!(
        world.status("node", "update", json!({"name": "one", "scenarios": null})),
        0
    );
}

#[test]
fn only_a_node_that_is_gone_is_forgotten() {
    let mut world = world();
    assert_eq!(world.status("node", "delete", json!({"name": "one"})), -2);
    world.nodes[0].silent_us = 60_000_000;
    for name in ["one", "old"] {
        let writes = world.writes("node", "delete", json!({"name": name}));
        assert!(matches!(&writes[..], [Write::RemoveNode(gone)] if gone == name));
    }
}
