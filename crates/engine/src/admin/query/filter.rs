//! Conditions on one field.

use super::column::{Column, ColumnKind};
use crate::admin::Refusal;
use crate::text::fold;
use crate::time::{Day, Timestamp};
use serde_json::{Map, Value as Json};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Equal.
    Is(Scalar),
    /// Matches a pattern in which `*` stands for any characters; folded already where the column is.
    Like(String),
    /// Holds this text; folded.
    Contains(String),
    /// The inner condition does not hold.
    Not(Box<Self>),
    /// Between two values, ends included; serial numbers compare by length, then by letters.
    Between(Option<Scalar>, Option<Scalar>),
    /// Equal to one of them.
    In(Vec<Scalar>),
    /// No value, or an empty text.
    Empty,
    /// One of the inner conditions holds.
    Any(Vec<Self>),
}

/// A value that a column is compared with.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Scalar {
    /// Text, folded already where the column is.
    Text(String),
    /// A whole number.
    Number(i64),
    /// true or false.
    Bool(bool),
    /// A UTC day.
    Day(Day),
    /// A moment.
    Time(Timestamp),
}

/// Most values of a list and most nesting of a condition.
const MOST: usize = 1000;
const DEEPEST: u8 = 4;

impl Test {
    /// Reads a condition.
    ///
    /// # Errors
    /// -101 for a value of another kind or an unknown condition.
    pub fn read(column: &'static Column, json: &Json) -> Result<Self, Refusal> {
        Self::nested(column, json, DEEPEST)
    }

    /// Equality, whatever a plain value means for the column.
    ///
    /// # Errors
    /// -101 for a value of another kind.
    pub fn exactly(column: &'static Column, json: &Json) -> Result<Self, Refusal> {
        Scalar::read(column, json).map(Self::Is)
    }

    fn nested(column: &'static Column, json: &Json, depth: u8) -> Result<Self, Refusal> {
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(refused(column));
        };
        match json {
            Json::Null => Ok(Self::Empty),
            Json::Object(condition) => Self::condition(column, condition, deeper),
            Json::String(text) if text.contains('*') && column.is_text() => {
                Ok(Self::Like(spelled(column, text)))
            }
            Json::String(text) => match column.kind {
                ColumnKind::Contains => Ok(Self::Contains(fold(text))),
                ColumnKind::Serial => serials(column, text),
                _ => Self::exactly(column, json),
            },
            _ => Self::exactly(column, json),
        }
    }

    fn condition(
        column: &'static Column,
        condition: &Map<String, Json>,
        depth: u8,
    ) -> Result<Self, Refusal> {
        let known = condition
            .keys()
            .all(|name| matches!(name.as_str(), "not" | "in" | "from" | "to"));
        if !known {
            return Err(refused(column));
        }
        match (condition.get("not"), condition.get("in"), condition.len()) {
            (Some(inner), None, 1) => Ok(Self::Not(Box::new(Self::nested(column, inner, depth)?))),
            (None, Some(Json::Array(values)), 1) if values.len() <= MOST => values
                .iter()
                .map(|value| Scalar::read(column, value))
                .collect::<Result<_, _>>()
                .map(Self::In),
            (None, None, 1..) if column.kind != ColumnKind::Bool => {
                let end = |name| {
                    condition
                        .get(name)
                        .filter(|value| !value.is_null())
                        .map(|value| Scalar::read(column, value))
                        .transpose()
                };
                Ok(Self::Between(end("from")?, end("to")?))
            }
            _ => Err(refused(column)),
        }
    }
}

impl Scalar {
    fn read(column: &'static Column, json: &Json) -> Result<Self, Refusal> {
        let read = match (column.kind, json) {
            (ColumnKind::Number, Json::Number(number)) => number.as_i64().map(Self::Number),
            (ColumnKind::Bool, Json::Bool(flag)) => Some(Self::Bool(*flag)),
            (ColumnKind::Day, Json::String(text)) => Day::parse_date_or_time(text).map(Self::Day),
            (ColumnKind::Time, Json::String(text)) => Timestamp::parse(text)
                .or_else(|| Day::parse(text).map(Day::start))
                .map(Self::Time),
            (_, Json::String(text)) if column.is_text() && text.len() <= 4096 => {
                Some(Self::Text(spelled(column, text)))
            }
            _ => None,
        };
        read.ok_or_else(|| refused(column))
    }
}

impl Column {
    pub(super) fn is_text(&self) -> bool {
        matches!(
            self.kind,
            ColumnKind::Text | ColumnKind::Folded | ColumnKind::Contains | ColumnKind::Serial
        )
    }
}

/// A text in the form in which the column compares.
pub(super) fn spelled(column: &Column, text: &str) -> String {
    match column.kind {
        ColumnKind::Folded | ColumnKind::Contains => fold(text),
        ColumnKind::Serial => text.to_ascii_uppercase(),
        _ => text.to_owned(),
    }
}

/// A serial number, a range `a-b` of digits, or a comma list of both. A serial number may itself hold `-`, so such a
/// text is also tried as it stands.
fn serials(column: &'static Column, text: &str) -> Result<Test, Refusal> {
    let parts: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.len() > MOST {
        return Err(refused(column));
    }
    let mut tests: Vec<Test> = parts
        .into_iter()
        .map(|part| one_or_range(column, part))
        .collect();
    Ok(match (tests.pop(), tests.is_empty()) {
        (None, _) => Test::Empty,
        (Some(only), true) => only,
        (Some(last), false) => {
            tests.push(last);
            Test::Any(tests)
        }
    })
}

fn one_or_range(column: &'static Column, part: &str) -> Test {
    let exact = Test::Is(Scalar::Text(spelled(column, part)));
    let Some((from, to)) = part.split_once('-') else {
        return exact;
    };
    let (from, to) = (from.trim(), to.trim());
    if from.is_empty() || from.len() != to.len() || to.contains('-') {
        return exact;
    }
    let range = Test::Between(
        Some(Scalar::Text(spelled(column, from))),
        Some(Scalar::Text(spelled(column, to))),
    );
    Test::Any(vec![exact, range])
}

fn refused(column: &Column) -> Refusal {
    let what = match column.kind {
        ColumnKind::Number => "a whole number",
        ColumnKind::Bool => "true or false",
        ColumnKind::Day => "a date",
        ColumnKind::Time => "a time",
        _ => "a text",
    };
    Refusal::invalid(
        column.name,
        format_args!("{what}, null, {{\"not\": v}}, {{\"from\", \"to\"}} or {{\"in\": [...]}}"),
    )
}
