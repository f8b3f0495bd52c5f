//! The servers of the deployment: who is there, and what is wanted of them.

use super::field::{QUERY, name};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::needs::Needs;
use crate::admin::record::Event;
use crate::admin::{Field, Fields, Kind, Query, Refusal, Stop, Write, view};
use crate::audit::Code;
use crate::model::{NodeRecord, NodeWish, SCENARIO_WORDS, Scenario};
use crate::snapshot::Snapshot;
use serde_json::{Map, json};
use std::collections::BTreeSet;

const NAME: Field = name("name", 64, "The node, as the list names it.").required();

pub(super) const VERBS: &[Verb] = &[
    rules(
        "node",
        "list",
        "node.view",
        QUERY,
        "Lists the nodes with state, version and what they offer.",
        r#"{"filter": {"state": "serving"}}"#,
        no_more,
        list,
    ),
    rules(
        "node",
        "status",
        "node.view",
        &[NAME],
        "Shows a node.",
        r#"{"name": "node1"}"#,
        nodes,
        status,
    ),
    rules(
        "node",
        "drain",
        "node.drain",
        &[NAME],
        "Takes a node out of service: its health turns to 503, it takes no more requests and finishes those that began. Administration stays.",
        r#"{"name": "node1"}"#,
        nodes,
        drain,
    ),
    rules(
        "node",
        "undrain",
        "node.drain",
        &[NAME],
        "Puts a drained node back into service.",
        r#"{"name": "node1"}"#,
        nodes,
        undrain,
    ),
    rules(
        "node",
        "update",
        "node.update",
        &[
            NAME,
            Field::new(
                "scenarios",
                Kind::List { items: 6, max: 16 },
                "What the node offers, of auth, sign, prov, admin, report and radius, within what its configuration says; null: all of that.",
            )
            .clearable()
            .required(),
        ],
        "Switches scenarios of a node.",
        r#"{"name": "node1", "scenarios": ["radius", "admin"]}"#,
        nodes,
        update,
    ),
    rules(
        "node",
        "delete",
        "node.delete",
        &[NAME],
        "Forgets a node that is stopped or lost; its audit stays.",
        r#"{"name": "node1"}"#,
        nodes,
        delete,
    ),
];

fn no_more(_: &Fields, _: &Snapshot) -> Needs {
    Needs::none()
}

fn nodes(_: &Fields, _: &Snapshot) -> Needs {
    Needs {
        nodes: true,
        ..Needs::none()
    }
}

fn list(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("node", context.fields)?))
}

fn status(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::answer(view::node(found(context)?)))
}

fn drain(context: &Context<'_>) -> Result<Outcome, Stop> {
    set_drained(context, true)
}

fn undrain(context: &Context<'_>) -> Result<Outcome, Stop> {
    set_drained(context, false)
}

fn set_drained(context: &Context<'_>, drained: bool) -> Result<Outcome, Stop> {
    let node = found(context)?;
    let wish = NodeWish {
        drained,
        ..node.wish.clone()
    };
    Ok(wished(node, wish))
}

fn update(context: &Context<'_>) -> Result<Outcome, Stop> {
    let node = found(context)?;
    let scenarios = context.fields.list("scenarios").map(read).transpose()?;
    let keeps_admin = |wanted: &BTreeSet<Scenario>| wanted.contains(&Scenario::Admin);
    if !scenarios.as_ref().is_none_or(keeps_admin) && !another_administers(context, node) {
        return Err(Refusal::contradiction(
            "no other node that runs offers admin: nobody could switch it on again",
        )
        .into());
    }
    let words = |scenarios: &Option<BTreeSet<Scenario>>| {
        scenarios
            .as_ref()
            .map(|all| all.iter().map(|one| one.word()).collect::<Vec<_>>())
    };
    let event = Event::new(Code::SETTING_CHANGED, &node.name).with(json!({
        "setting": "scenarios", "node": node.name,
        "old": words(&node.wish.scenarios), "new": words(&scenarios),
    }));
    let wish = NodeWish {
        scenarios,
        ..node.wish.clone()
    };
    Ok(wished(node, wish).event(event))
}

fn delete(context: &Context<'_>) -> Result<Outcome, Stop> {
    let node = found(context)?;
    if node.is_running() {
        return Err(
            Refusal::contradiction(format!("node {} runs; stop it first", node.name)).into(),
        );
    }
    Ok(Outcome::answer(Map::new()).write(Write::RemoveNode(node.name.clone())))
}

/// The answer and the change of a wish.
fn wished(node: &NodeRecord, wish: NodeWish) -> Outcome {
    let after = NodeRecord {
        wish: wish.clone(),
        ..node.clone()
    };
    Outcome::answer(view::node(&after)).write(Write::NodeWish(node.name.clone(), wish))
}

fn found<'a>(context: &Context<'a>) -> Result<&'a NodeRecord, Refusal> {
    let name = context.fields.need("name")?;
    let nodes = &context.given.facts.nodes;
    nodes.iter().find(|node| node.name == name).ok_or_else(|| {
        let names = nodes.iter().map(|node| node.name.as_str());
        let hint = crate::text::closest(name, names)
            .map_or(String::new(), |close| format!("; did you mean {close}?"));
        Refusal::new(
            crate::Status::NOT_FOUND,
            format!("node {name} does not exist{hint}"),
        )
    })
}

fn read(words: &[String]) -> Result<BTreeSet<Scenario>, Refusal> {
    let read = |word: &String| {
        Scenario::of(word).ok_or_else(|| {
            Refusal::invalid(
                "scenarios",
                format_args!("a list of {}", SCENARIO_WORDS.join(", ")),
            )
        })
    };
    words.iter().map(read).collect()
}

fn another_administers(context: &Context<'_>, but: &NodeRecord) -> bool {
    let mut others = context.given.facts.nodes.iter();
    others.any(|node| node.name != but.name && node.offers(Scenario::Admin))
}
