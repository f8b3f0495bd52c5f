//! The fields that many commands share.

use crate::admin::{Field, Kind};

pub(super) const fn name(field: &'static str, max: usize, doc: &'static str) -> Field {
    Field::new(field, Kind::Text { min: 1, max }, doc)
}

pub(super) const fn text(field: &'static str, max: usize, doc: &'static str) -> Field {
    Field::new(field, Kind::Text { min: 0, max }, doc)
}

pub(super) const fn number(field: &'static str, min: i64, max: i64, doc: &'static str) -> Field {
    Field::new(field, Kind::Number { min, max }, doc)
}

pub(super) const fn flag(field: &'static str, doc: &'static str) -> Field {
    Field::new(field, Kind::Bool, doc)
}

pub(super) const fn choice(
    field: &'static str,
    words: &'static [&'static str],
    doc: &'static str,
) -> Field {
    Field::new(field, Kind::Choice(words), doc)
}

pub(super) const fn date(field: &'static str, doc: &'static str) -> Field {
    Field::new(field, Kind::Date, doc)
}

pub(super) const fn time(field: &'static str, doc: &'static str) -> Field {
    Field::new(field, Kind::Time, doc)
}

pub(super) const fn secret(field: &'static str, max: usize, doc: &'static str) -> Field {
    Field::new(field, Kind::Secret { max }, doc)
}

pub(super) const USER: Field = name("user", 255, "The user ID.").required();
pub(super) const DOMAIN: Field = name("domain", 255, "The domain; absent: the master domain.");
pub(super) const SERIAL: Field = Field::new(
    "serial",
    Kind::Serial,
    "The serial number of the authenticator.",
)
.required();
pub(super) const APPLICATION: Field =
    name("application", 32, "The application of the authenticator.").required();
pub(super) const DESCRIPTION: Field = text("description", 1024, "Free text.").clearable();

/// The fields of every query.
pub(super) const QUERY: &[Field] = &[
    Field::new(
        "filter",
        Kind::Filter,
        "Conditions by field: a value, `*` in texts, {\"not\": v}, {\"from\", \"to\"}, {\"in\": [...]}, null for empty.",
    ),
    Field::new(
        "fields",
        Kind::List {
            items: 100,
            max: 64,
        },
        "The fields of the answer; absent: all.",
    ),
    Field::new(
        "sort",
        Kind::List { items: 8, max: 65 },
        "Fields to sort by; a leading `-` turns the order round.",
    ),
    Field::new(
        "distinct",
        Kind::Bool,
        "Whether equal rows are answered once.",
    ),
    Field::new(
        "limit",
        Kind::Number { min: 1, max: 1000 },
        "Most rows; absent: 100.",
    ),
    Field::new(
        "offset",
        Kind::Number {
            min: 0,
            max: 1_000_000_000,
        },
        "Rows to leave out before the first.",
    ),
];
