//! The servers of a deployment.

use crate::StoreError;
use crate::sql::{Columns, Row, Tx, args};
use countersign_engine::model::{NodeRecord, NodeReport, NodeState, NodeWish, Scenario};
use countersign_engine::time::Timestamp;
use std::collections::BTreeSet;

const ALL: &str = "SELECT n.name, n.version, n.started, w.drained, w.scenarios,
        r.state, r.reasons, r.addresses, r.scenarios, r.schema_version, r.records, r.clock_offset, r.seen
    FROM node n LEFT JOIN node_report r ON r.name = n.name LEFT JOIN node_wish w ON w.name = n.name
    ORDER BY n.name";
const WISH: &str = "SELECT drained, scenarios FROM node_wish WHERE name = $1";
const PUT_REPORT: &str = "INSERT INTO node_report (name, state, reasons, addresses, scenarios, schema_version, records, clock_offset, seen)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (name) DO UPDATE SET state = excluded.state, reasons = excluded.reasons, addresses = excluded.addresses,
        scenarios = excluded.scenarios, schema_version = excluded.schema_version, records = excluded.records,
        clock_offset = excluded.clock_offset, seen = excluded.seen";
const PUT_WISH: &str = "INSERT INTO node_wish (name, drained, scenarios, modified) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET drained = excluded.drained, scenarios = excluded.scenarios, modified = excluded.modified";
const DELETE: [&str; 3] = [
    "DELETE FROM node_wish WHERE name = $1",
    "DELETE FROM node_report WHERE name = $1",
    "DELETE FROM node WHERE name = $1",
];

/// All of them, by name. How long each has been silent is for the caller to find out.
pub(crate) fn all(tx: Tx<'_>) -> Result<Vec<NodeRecord>, StoreError> {
    tx.all(ALL, &[], read)
}

/// What is wanted of a node.
pub(crate) fn wish_of(tx: Tx<'_>, name: &str) -> Result<NodeWish, StoreError> {
    let found = tx.first(WISH, args![name], |row| wish_in(&mut row.columns()))?;
    Ok(found.unwrap_or_default())
}

pub(crate) fn report(tx: Tx<'_>, r: &NodeReport) -> Result<(), StoreError> {
    let scenarios = words(&r.scenarios);
    let (reasons, addresses, records) = (json(&r.reasons), json(&r.addresses), json(&r.records));
    tx.run(
        PUT_REPORT,
        args![
            &r.name,
            r.state.word(),
            &reasons,
            &addresses,
            &scenarios,
            r.schema,
            &records,
            r.clock_offset,
            r.seen
        ],
    )
    .map(|_| ())
}

pub(crate) fn wish(
    tx: Tx<'_>,
    name: &str,
    wish: &NodeWish,
    now: Timestamp,
) -> Result<(), StoreError> {
    let scenarios = wish.scenarios.as_ref().map(words);
    tx.run(
        PUT_WISH,
        args![name, wish.drained, scenarios.as_deref(), now],
    )
    .map(|_| ())
}

pub(crate) fn delete(tx: Tx<'_>, name: &str) -> Result<(), StoreError> {
    DELETE
        .iter()
        .try_for_each(|sql| tx.run(sql, args![name]).map(|_| ()))
}

fn read(row: &Row<'_>) -> Result<NodeRecord, StoreError> {
    let mut c = row.columns();
    let (name, version, started) = (c.string()?, c.string()?, c.time()?);
    let wish = wish_in(&mut c)?;
    let report = match c.opt_text()? {
        None => None,
        Some(state) => Some(NodeReport {
            name: name.clone(),
            state: NodeState::of(state).unwrap_or(NodeState::NotReady), // of a newer version
            reasons: from_json(c.text()?)?,
            addresses: from_json(c.text()?)?,
            scenarios: scenarios(c.text()?)?,
            schema: c.int()?,
            records: from_json(c.text()?)?,
            clock_offset: c.opt_int()?,
            seen: c.time()?,
        }),
    };
    Ok(NodeRecord {
        name,
        version,
        started,
        report,
        wish,
        silent_us: 0,
    })
}

fn wish_in(c: &mut Columns<'_, '_>) -> Result<NodeWish, StoreError> {
    Ok(NodeWish {
        drained: c.opt_int()?.unwrap_or(0) != 0,
        scenarios: c.opt_text()?.map(scenarios).transpose()?,
    })
}

/// The scenarios of a list; words of a newer version are left out.
fn scenarios(text: &str) -> Result<BTreeSet<Scenario>, StoreError> {
    let words: Vec<String> = from_json(text)?;
    Ok(words.iter().filter_map(|word| Scenario::of(word)).collect())
}

fn words(scenarios: &BTreeSet<Scenario>) -> String {
    let words: Vec<&str> = scenarios.iter().map(|scenario| scenario.word()).collect();
    json(&words)
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default() // texts and numbers only
}

fn from_json<T: for<'a> serde::Deserialize<'a>>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("a node's report: {error}")))
}
