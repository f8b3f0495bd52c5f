//! A query as SQL. Values become parameters; only expressions of the column table become text.

use super::column::Columns;
use crate::StoreError;
use crate::sql::{Arg, Tx};
use countersign_engine::admin::Query;
use countersign_engine::admin::query::{Column, ColumnKind, Scalar, Test};
use countersign_engine::model::UserAttribute;
use std::fmt::Write;

pub(super) struct Statement {
    columns: &'static Columns,
    condition: String,
    group: String,
    order: String,
    args: Vec<Value>,
    limit: i64,
    offset: i64,
}

enum Value {
    Int(i64),
    Text(String),
}

impl Value {
    fn arg(&self) -> Arg<'_> {
        match self {
            Self::Int(value) => Arg::Int(*value),
            Self::Text(value) => Arg::Text(value),
        }
    }
}

impl Statement {
    pub(super) fn new(query: &Query, columns: &'static Columns) -> Self {
        let mut statement = Self {
            columns,
            condition: String::from("1 = 1"),
            group: String::new(),
            order: String::new(),
            args: Vec::new(),
            limit: query.limit.into(),
            offset: i64::try_from(query.offset).unwrap_or(i64::MAX),
        };
        for (column, test) in &query.filter {
            statement.condition.push_str(" AND ");
            statement.test(column, test);
        }
        statement.group_by(query);
        statement.order_by(query);
        statement
    }

    fn expression(&self, column: &Column) -> &'static str {
        self.columns.expression(column.name).unwrap_or("NULL")
    }

    /// Appends one condition, in parentheses.
    fn test(&mut self, column: &'static Column, test: &Test) {
        let expression = self.expression(column);
        match test {
            Test::Is(value) => self.compare(column, "=", value),
            Test::Like(pattern) => self.like(expression, &pattern_of(pattern)),
            Test::Contains(part) => self.like(expression, &format!("%{}%", escaped(part))),
            Test::Not(inner) => {
                self.condition.push_str("(NOT COALESCE(");
                self.test(column, inner);
                self.condition.push_str(", FALSE))");
            }
            Test::Between(from, to) => {
                let ends = [(">=", from), ("<=", to)];
                self.condition.push_str("(1 = 1");
                for (operator, end) in ends
                    .into_iter()
                    .filter_map(|(operator, end)| Some((operator, end.as_ref()?)))
                {
                    self.condition.push_str(" AND ");
                    self.compare(column, operator, end);
                }
                self.condition.push(')');
            }
            Test::In(values) => self.any(values.iter(), |statement, value| {
                statement.compare(column, "=", value);
            }),
            Test::Any(tests) => {
                self.any(tests.iter(), |statement, test| statement.test(column, test));
            }
            Test::Empty if is_text(column) => {
                let _ = write!(
                    self.condition,
                    "({expression} IS NULL OR {expression} = '')"
                ); // a String takes all
            }
            Test::Empty => {
                let _ = write!(self.condition, "({expression} IS NULL)");
            }
        }
    }

    fn any<T>(&mut self, items: impl Iterator<Item = T>, each: impl Fn(&mut Self, T)) {
        self.condition.push_str("(1 = 0");
        for item in items {
            self.condition.push_str(" OR ");
            each(self, item);
        }
        self.condition.push(')');
    }

    fn compare(&mut self, column: &Column, operator: &str, value: &Scalar) {
        let expression = self.expression(column);
        if let (ColumnKind::Serial, Scalar::Text(text), true) =
            (column.kind, value, operator != "=")
        {
            let _ = write!(
                self.condition,
                "((LENGTH({expression}), {expression}) {operator} ("
            );
            self.push(Value::Int(
                i64::try_from(text.chars().count()).unwrap_or(i64::MAX),
            ));
            self.condition.push_str(", ");
            self.push(Value::Text(text.clone()));
            return self.condition.push_str("))");
        }
        let _ = write!(self.condition, "({expression} {operator} ");
        self.push(match value {
            Scalar::Text(text) => Value::Text(text.clone()),
            Scalar::Number(number) => Value::Int(*number),
            Scalar::Bool(flag) => Value::Int(i64::from(*flag)),
            Scalar::Day(day) => Value::Int(day.0.into()),
            Scalar::Time(time) => Value::Int(time.0),
        });
        self.condition.push(')');
    }

    fn like(&mut self, expression: &str, pattern: &str) {
        let _ = write!(self.condition, "({expression} LIKE ");
        self.push(Value::Text(pattern.to_owned()));
        self.condition.push_str(" ESCAPE '\\')");
    }

    /// Appends a parameter.
    fn push(&mut self, value: Value) {
        self.args.push(value);
        let _ = write!(self.condition, "${}", self.args.len());
    }

    /// Of rows that are equal in all wanted fields the first is taken.
    fn group_by(&mut self, query: &Query) {
        let expressions: Vec<&str> = query
            .fields
            .iter()
            .filter_map(|column| self.columns.expression(column.name))
            .collect();
        // A field that is only shown cannot be grouped by, and without fields every row differs by its key.
        if query.distinct && !expressions.is_empty() && expressions.len() == query.fields.len() {
            self.group = format!(" GROUP BY {}", expressions.join(", "));
        }
    }

    fn order_by(&mut self, query: &Query) {
        let key = query
            .object
            .key_columns()
            .iter()
            .map(|column| (column, false));
        let wanted = query
            .sort
            .iter()
            .map(|(column, descending)| (*column, *descending))
            .chain(key);
        let words: Vec<String> = wanted
            .flat_map(|(column, descending)| self.order_words(column, descending))
            .collect();
        self.order = format!(" ORDER BY {}", words.join(", "));
    }

    fn order_words(&self, column: &Column, descending: bool) -> Vec<String> {
        let expression = self.expression(column);
        let direction = if descending {
            "DESC NULLS LAST"
        } else {
            "ASC NULLS FIRST"
        };
        let word = |text: String| {
            if self.group.is_empty() {
                format!("{text} {direction}")
            } else {
                format!("MIN({text}) {direction}")
            }
        };
        match column.kind {
            ColumnKind::Serial => vec![
                word(format!("LENGTH({expression})")),
                word(expression.to_owned()),
            ],
            _ => vec![word(expression.to_owned())],
        }
    }

    fn sql(&self) -> String {
        let select = if self.group.is_empty() {
            self.columns.select.to_owned()
        } else {
            grouped(self.columns.select)
        };
        let (limit, offset) = (self.args.len() + 1, self.args.len() + 2);
        format!(
            "SELECT {select} FROM {} WHERE {}{}{} LIMIT ${limit} OFFSET ${offset}",
            self.columns.from, self.condition, self.group, self.order
        )
    }

    fn args(&self) -> Vec<Arg<'_>> {
        self.args.iter().map(Value::arg).collect()
    }

    fn page_args(&self) -> Vec<Arg<'_>> {
        let mut args = self.args();
        args.extend([Arg::Int(self.limit), Arg::Int(self.offset)]);
        args
    }

    /// How many rows there are without limit and offset.
    pub(super) fn count(&self, tx: Tx<'_>) -> Result<u64, StoreError> {
        let rows = format!(
            "SELECT 1 AS one FROM {} WHERE {}{}",
            self.columns.from, self.condition, self.group
        );
        let sql = format!("SELECT COUNT(*) FROM ({rows}) counted");
        Ok(tx
            .first(&sql, &self.args(), |row| row.columns().number())?
            .unwrap_or(0))
    }

    pub(super) fn keys(&self, tx: Tx<'_>) -> Result<Vec<i64>, StoreError> {
        tx.all(&self.sql(), &self.page_args(), |row| row.columns().int())
    }

    pub(super) fn pairs(&self, tx: Tx<'_>) -> Result<Vec<(i64, i64)>, StoreError> {
        tx.all(&self.sql(), &self.page_args(), |row| {
            let mut c = row.columns();
            Ok((c.int()?, c.int()?))
        })
    }

    pub(super) fn attributes(&self, tx: Tx<'_>) -> Result<Vec<(i64, UserAttribute)>, StoreError> {
        tx.all(&self.sql(), &self.page_args(), |row| {
            let mut c = row.columns();
            let user = c.int()?;
            Ok((
                user,
                UserAttribute {
                    group: c.string()?,
                    name: c.string()?,
                    index: c.number()?,
                    usage: c.string()?,
                    value: c.string()?,
                },
            ))
        })
    }
}

/// One row of each group: the one with the smallest values.
fn grouped(select: &str) -> String {
    select
        .split(", ")
        .map(|column| format!("MIN({column})"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn is_text(column: &Column) -> bool {
    matches!(
        column.kind,
        ColumnKind::Text | ColumnKind::Folded | ColumnKind::Contains | ColumnKind::Serial
    )
}

/// A text in which nothing is a wildcard.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

/// A pattern in which `*` stands for any characters.
fn pattern_of(pattern: &str) -> String {
    escaped(pattern).replace('*', "%")
}
