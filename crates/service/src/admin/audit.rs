//! Reading the audit trail for administrators.

use crate::node::Node;
use countersign_engine::admin::query::{self, Query, Scalar, Test};
use countersign_engine::admin::{AuditAction, Refusal};
use countersign_engine::audit::Entry;
use countersign_engine::audit::verify::Verifier;
use countersign_engine::time::Timestamp;
use countersign_engine::trace::Trace;
use countersign_keyring::audit_key;
use countersign_store::StoreError;
use countersign_store::audit::{Accepted, Range, Trail, moved_back};
use serde_json::{Map, Value, json};

type View = Map<String, Value>;

/// Carries out a reading.
pub(super) fn read(node: &Node, action: &AuditAction) -> Result<View, Refusal> {
    match action {
        AuditAction::View { amid } => view(node, amid),
        AuditAction::Verify {
            from,
            to,
            moving_factors,
        } => verify(node, *from, *to, *moving_factors),
    }
}

fn broken(error: &StoreError) -> Refusal {
    Refusal::new(error.status(), error.to_string())
}

fn view(node: &Node, amid: &[u8; 16]) -> Result<View, Refusal> {
    let line = node.store().record(amid).map_err(|error| broken(&error))?;
    let entry = line
        .and_then(|line| line.entry())
        .ok_or_else(|| Refusal::not_found("the audit record"))?;
    let trace = node.store().trace(amid).map_err(|error| broken(&error))?;
    let mut result = Map::new();
    result.insert("record".to_owned(), Value::Object(entry.into_fields()));
    if let Some(trace) = trace.as_deref().and_then(Trace::decode) {
        result.insert("trace".to_owned(), trace.render().into());
    }
    Ok(result)
}

fn verify(
    node: &Node,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    moving_factors: bool,
) -> Result<View, Refusal> {
    let check = |key: &[u8; 32], bytes: &[u8], signature: &[u8; 64]| {
        audit_key::verify(key, bytes, signature)
    };
    let mut verifier = Verifier::new(&check);
    if from.is_some() || to.is_some() {
        verifier = verifier.partial();
    }
    let mut accepted = Accepted::default();
    let within = |entry: &Entry| {
        let time = entry.time().unwrap_or_default();
        from.is_none_or(|from| time >= from) && to.is_none_or(|to| time <= to)
    };
    let mut take = |json: &[u8], hash: &[u8; 32]| {
        let entry = Entry::read(json).ok();
        if entry.as_ref().is_none_or(within) {
            verifier.take(json, hash);
        }
        if let Some(entry) = entry.filter(|_| moving_factors) {
            accepted.take(&entry);
        }
    };
    node.store()
        .entries(&mut take)
        .map_err(|error| broken(&error))?;
    let outcome = verifier.finish();
    let mut problems: Vec<String> = outcome.problems.iter().map(ToString::to_string).collect();
    if moving_factors {
        let stored = node.store().factors().map_err(|error| broken(&error))?;
        problems.extend(moved_back(&accepted, &stored).iter().map(|back| {
            format!(
                "{} {}: {} was accepted, but {} is stored; the row was put back",
                back.serial, back.application, back.accepted, back.stored
            )
        }));
    }
    let mut result = Map::new();
    result.insert("intact".to_owned(), problems.is_empty().into());
    result.insert("records".to_owned(), outcome.records.into());
    result.insert("problems".to_owned(), json!(problems));
    result.insert(
        "notes".to_owned(),
        outcome.notes.iter().map(ToString::to_string).collect(),
    );
    Ok(result)
}

/// The rows of a query, newest first unless it is sorted by `time`, and how many matched. The scan ends with the page,
/// so the number counts what was seen.
pub(super) fn rows(node: &Node, query: &Query) -> Result<(Vec<View>, usize), StoreError> {
    let oldest_first = query
        .sort
        .first()
        .is_some_and(|(column, descending)| column.name == "time" && !descending);
    let range = range(query, !oldest_first);
    let probe = Query {
        fields: Vec::new(),
        sort: Vec::new(),
        distinct: false,
        limit: 1,
        offset: 0,
        ..query.clone()
    };
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let most = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let (mut rows, mut total) = (Vec::new(), 0);
    node.store().scan(range, &mut |_, entry| {
        let (mut found, _) = query::run(&probe, [entry.fields().clone()]);
        if let Some(view) = found.pop() {
            total += 1;
            if total > offset {
                rows.push(query.project(view));
            }
        }
        rows.len() < most
    })?;
    Ok((rows, total))
}

/// The times that the conditions on `time` leave.
fn range(query: &Query, newest_first: bool) -> Range {
    let mut range = Range::all(newest_first);
    for (column, test) in &query.filter {
        if let (true, Test::Between(from, to)) = (column.name == "time", test) {
            if let Some(Scalar::Time(from)) = from {
                range.from = *from;
            }
            if let Some(Scalar::Time(to)) = to {
                range.to = *to;
            }
        }
    }
    range
}
