//! Queries as data (administration.md 1): read once from JSON, evaluated in memory for the few objects, translated
//! to SQL by the store for the many.

mod column;
mod evaluate;
mod filter;

pub use column::{Column, ColumnKind, Object, object};
pub use evaluate::run;
pub use filter::{Scalar, Test};

use super::{Fields, Refusal};
use serde_json::{Map, Value as Json};

/// Most rows of one answer.
pub const LIMIT: u32 = 1000;
const USUAL: u32 = 100;

/// A query of one kind of object.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The kind of object, with its columns.
    pub object: &'static Object,
    /// The conditions; all must hold.
    pub filter: Vec<(&'static Column, Test)>,
    /// The fields of the answer; empty: all.
    pub fields: Vec<&'static Column>,
    /// What to sort by, and whether from the end; after these always by the object's own key.
    pub sort: Vec<(&'static Column, bool)>,
    /// Equal rows are answered once.
    pub distinct: bool,
    /// Most rows, 1–1000.
    pub limit: u32,
    /// Rows left out before the first.
    pub offset: u64,
}

impl Query {
    /// All rows of an object by name.
    ///
    /// # Errors
    /// -2 for an object that has no queries.
    pub fn all(name: &str) -> Result<Self, Refusal> {
        let object =
            object(name).ok_or_else(|| Refusal::contradiction(format!("{name} has no queries")))?;
        Ok(Self {
            object,
            filter: Vec::new(),
            fields: Vec::new(),
            sort: Vec::new(),
            distinct: false,
            limit: USUAL,
            offset: 0,
        })
    }

    /// Reads the fields `filter`, `fields`, `sort`, `distinct`, `limit` and `offset` of a query command.
    ///
    /// # Errors
    /// -101 for an unknown field of the object or a condition that its kind does not take.
    pub fn read(name: &str, fields: &Fields) -> Result<Self, Refusal> {
        let mut query = Self::all(name)?;
        let object = query.object;
        if let Some(Json::Object(conditions)) = fields.json("filter") {
            for (name, json) in conditions {
                let column = object.filterable(name)?;
                query.filter.push((column, Test::read(column, json)?));
            }
        }
        query.fields = fields
            .list("fields")
            .unwrap_or_default()
            .iter()
            .map(|name| object.column(name))
            .collect::<Result<_, _>>()?;
        query.sort = fields
            .list("sort")
            .unwrap_or_default()
            .iter()
            .map(|word| order(object, word))
            .collect::<Result<_, _>>()?;
        query.distinct = fields.flag("distinct").unwrap_or(false);
        query.limit = fields
            .number("limit")
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(USUAL)
            .clamp(1, LIMIT);
        query.offset = fields
            .number("offset")
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(0);
        Ok(query)
    }

    /// The same query, narrowed to rows with this value in a column.
    ///
    /// # Errors
    /// -101 for a column the object does not have.
    pub fn narrowed(mut self, column: &str, value: &Json) -> Result<Self, Refusal> {
        let column = self.object.filterable(column)?;
        self.filter.push((column, Test::exactly(column, value)?));
        Ok(self)
    }

    /// The wanted fields of a view.
    pub fn project(&self, view: Map<String, Json>) -> Map<String, Json> {
        if self.fields.is_empty() {
            return view;
        }
        let mut view = view;
        let wanted = self.fields.iter().map(|column| {
            (
                column.name.to_owned(),
                view.remove(column.name).unwrap_or(Json::Null),
            )
        });
        wanted.collect()
    }
}

fn order(object: &'static Object, word: &str) -> Result<(&'static Column, bool), Refusal> {
    let (name, descending) = word
        .strip_prefix('-')
        .map_or((word, false), |name| (name, true));
    Ok((object.filterable(name)?, descending))
}

#[cfg(test)]
mod tests;
