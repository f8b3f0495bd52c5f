//! Queries over views in memory, for the objects that are few.

use super::Query;
use super::column::{Column, ColumnKind};
use super::filter::{Scalar, Test, spelled};
use crate::time::{Day, Timestamp};
use serde_json::{Map, Value as Json};
use std::cmp::Ordering;

/// The rows of a query among these views, and how many there are without limit and offset.
pub fn run(
    query: &Query,
    views: impl IntoIterator<Item = Map<String, Json>>,
) -> (Vec<Map<String, Json>>, usize) {
    let mut rows: Vec<_> = views
        .into_iter()
        .filter(|view| matches(query, view))
        .collect();
    rows.sort_by(|one, other| order(query, one, other));
    let mut rows: Vec<_> = rows.into_iter().map(|view| query.project(view)).collect();
    if query.distinct {
        let mut seen = Vec::with_capacity(rows.len());
        rows.retain(|row| {
            let new = !seen.contains(row);
            if new {
                seen.push(row.clone());
            }
            new
        });
    }
    let total = rows.len();
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    (rows.into_iter().skip(offset).take(limit).collect(), total)
}

fn matches(query: &Query, view: &Map<String, Json>) -> bool {
    query
        .filter
        .iter()
        .all(|(column, test)| holds(column, test, view.get(column.name).unwrap_or(&Json::Null)))
}

fn holds(column: &Column, test: &Test, json: &Json) -> bool {
    match test {
        Test::Is(value) => scalar(column, json).as_ref() == Some(value),
        Test::Like(pattern) => text(column, json).is_some_and(|text| like(pattern, &text)),
        Test::Contains(part) => text(column, json).is_some_and(|text| text.contains(part.as_str())),
        Test::Not(inner) => !holds(column, inner, json),
        Test::Between(from, to) => scalar(column, json).is_some_and(|value| {
            from.as_ref()
                .is_none_or(|from| compare(column, from, &value) != Ordering::Greater)
                && to
                    .as_ref()
                    .is_none_or(|to| compare(column, &value, to) != Ordering::Greater)
        }),
        Test::In(values) => scalar(column, json).is_some_and(|value| values.contains(&value)),
        Test::Empty => json.is_null() || json.as_str() == Some(""),
        Test::Any(tests) => tests.iter().any(|test| holds(column, test, json)),
    }
}

fn scalar(column: &Column, json: &Json) -> Option<Scalar> {
    match column.kind {
        ColumnKind::Number => json.as_i64().map(Scalar::Number),
        ColumnKind::Bool => json.as_bool().map(Scalar::Bool),
        ColumnKind::Day => json
            .as_str()
            .and_then(Day::parse_date_or_time)
            .map(Scalar::Day),
        ColumnKind::Time => json.as_str().and_then(Timestamp::parse).map(Scalar::Time),
        _ => text(column, json).map(Scalar::Text),
    }
}

fn text(column: &Column, json: &Json) -> Option<String> {
    json.as_str().map(|text| spelled(column, text))
}

fn compare(column: &Column, one: &Scalar, other: &Scalar) -> Ordering {
    match (column.kind, one, other) {
        (ColumnKind::Serial, Scalar::Text(one), Scalar::Text(other)) => {
            one.len().cmp(&other.len()).then_with(|| one.cmp(other))
        }
        _ => one.partial_cmp(other).unwrap_or(Ordering::Equal),
    }
}

fn order(query: &Query, one: &Map<String, Json>, other: &Map<String, Json>) -> Ordering {
    let by = |column: &Column, descending: bool| {
        let value =
            |view: &Map<String, Json>| view.get(column.name).and_then(|json| scalar(column, json));
        let order = match (value(one), value(other)) {
            (Some(one), Some(other)) => compare(column, &one, &other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        };
        if descending { order.reverse() } else { order }
    };
    let wanted = query
        .sort
        .iter()
        .map(|(column, descending)| by(column, *descending));
    let key = query
        .object
        .key_columns()
        .iter()
        .map(|column| by(column, false));
    wanted
        .chain(key)
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

/// Whether a text matches a pattern in which `*` stands for any characters, an empty run too.
fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(inner) = last.replace(part) {
            let Some((_, after)) = rest
                .split_once(inner)
                .or_else(|| inner.is_empty().then_some(("", rest)))
            else {
                return false;
            };
            rest = after;
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}
