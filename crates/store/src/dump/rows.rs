use super::Sum;
use crate::StoreError;
use crate::schema::{Kind, Table, quoted};
use crate::sql::{Arg, Tx};

/// Rows of one page at most, and bytes from which on it ends.
const PAGE_ROWS: i64 = 2_000;
const PAGE_BYTES: usize = 4 << 20;
/// Parameters of one statement at most.
const PARAMETERS: usize = 900;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    fn arg(&self) -> Arg<'_> {
        match self {
            Self::Null => Arg::Null,
            Self::Int(number) => Arg::Int(*number),
            Self::Text(text) => Arg::Text(text),
            Self::Blob(blob) => Arg::Blob(blob),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Blob(blob) => blob.len(),
        }
    }
}

/// The number of rows of a table.
pub(crate) fn count(tx: Tx<'_>, table: &Table) -> Result<u64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM {}", quoted(&table.name));
    Ok(tx
        .first(&sql, &[], |row| row.columns().number())?
        .unwrap_or(0))
}

/// The rows of a table in the order of its key, a page at a time, so that neither memory nor a cursor holds them all.
pub(crate) struct Pages<'t> {
    table: &'t Table,
    after: Option<Vec<Value>>,
    first: String,
    next: String,
}

impl<'t> Pages<'t> {
    pub(crate) fn of(table: &'t Table, after: Option<Vec<Value>>) -> Self {
        let (name, names, key) = (quoted(&table.name), table.names(), table.key_names());
        let marks: Vec<String> = (1..=table.key.len()).map(|at| format!("${at}")).collect();
        let marks = marks.join(", ");
        Self {
            table,
            after,
            first: format!("SELECT {names} FROM {name} ORDER BY {key} LIMIT {PAGE_ROWS}"),
            next: format!(
                "SELECT {names} FROM {name} WHERE ({key}) > ({marks}) ORDER BY {key} LIMIT {PAGE_ROWS}"
            ),
        }
    }

    /// The next page; none after the last row.
    pub(crate) fn next(&mut self, tx: Tx<'_>) -> Result<Vec<Vec<Value>>, StoreError> {
        let (sql, args) = match &self.after {
            None => (&self.first, Vec::new()),
            Some(after) => (&self.next, after.iter().map(Value::arg).collect()),
        };
        let (mut rows, mut bytes) = (Vec::new(), 0);
        tx.each(sql, &args, |row| {
            let mut c = row.columns();
            let values = self.table.columns.iter().map(|(_, kind)| {
                Ok(match kind {
                    Kind::Int => c.opt_int()?.map_or(Value::Null, Value::Int),
                    Kind::Text => c.opt_string()?.map_or(Value::Null, Value::Text),
                    Kind::Blob => c
                        .opt_blob()?
                        .map_or(Value::Null, |blob| Value::Blob(blob.to_vec())),
                })
            });
            let values = values.collect::<Result<Vec<_>, StoreError>>()?;
            bytes += values.iter().map(Value::len).sum::<usize>();
            rows.push(values);
            Ok(bytes < PAGE_BYTES)
        })?;
        if let Some(last) = rows.last() {
            self.after = Some(self.key(last));
        }
        Ok(rows)
    }

    /// Where the next page begins.
    pub(crate) fn position(&self) -> Option<&[Value]> {
        self.after.as_deref()
    }

    fn key(&self, row: &[Value]) -> Vec<Value> {
        let parts = self.table.key.iter().filter_map(|at| row.get(*at).cloned());
        parts.collect()
    }

    /// The sum of all rows from here on.
    pub(crate) fn sum(
        mut self,
        tx: Tx<'_>,
        each: &mut dyn FnMut(u64) -> Result<(), StoreError>,
    ) -> Result<Sum, StoreError> {
        let mut sum = Sum::default();
        loop {
            let page = self.next(tx)?;
            if page.is_empty() {
                return Ok(sum);
            }
            page.iter().for_each(|row| sum.add(row));
            each(page.len() as u64)?;
        }
    }
}

/// Writes rows into a table, many with one statement.
pub(crate) struct Inserts<'t> {
    table: &'t Table,
    most: usize,
    waiting: Vec<Vec<Value>>,
    bytes: usize,
}

impl<'t> Inserts<'t> {
    pub(crate) fn into(table: &'t Table) -> Self {
        Self {
            table,
            most: (PARAMETERS / table.columns.len().max(1)).max(1),
            waiting: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn add(&mut self, tx: Tx<'_>, row: Vec<Value>) -> Result<(), StoreError> {
        self.bytes += row.iter().map(Value::len).sum::<usize>();
        self.waiting.push(row);
        if self.waiting.len() >= self.most || self.bytes >= PAGE_BYTES {
            self.write(tx)?;
        }
        Ok(())
    }

    /// Writes what waits.
    pub(crate) fn write(&mut self, tx: Tx<'_>) -> Result<(), StoreError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let sql = self.statement(self.waiting.len());
        let args: Vec<Arg<'_>> = self.waiting.iter().flatten().map(Value::arg).collect();
        tx.run(&sql, &args)?;
        self.waiting.clear();
        self.bytes = 0;
        Ok(())
    }

    fn statement(&self, rows: usize) -> String {
        let width = self.table.columns.len();
        let tuples = (0..rows).map(|row| {
            let marks: Vec<String> = (1..=width)
                .map(|at| format!("${}", row * width + at))
                .collect();
            format!("({})", marks.join(", "))
        });
        format!(
            "INSERT INTO {} ({}) VALUES {}",
            quoted(&self.table.name),
            self.table.names(),
            tuples.collect::<Vec<_>>().join(", ")
        )
    }
}
