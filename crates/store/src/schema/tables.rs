//! The tables of a schema, read from the migrations themselves, so that what copies a store needs no list of its own.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
    Blob,
}

/// A table: its columns in order, and which of them are its primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<(String, Kind)>,
    pub(crate) key: Vec<usize>,
}

impl Table {
    /// Columns by name, quoted, with commas between.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|(name, _)| quoted(name)).collect();
        names.join(", ")
    }

    /// The columns of the primary key, quoted, with commas between.
    pub(crate) fn key_names(&self) -> String {
        let names = self
            .key
            .iter()
            .filter_map(|at| self.columns.get(*at))
            .map(|(name, _)| quoted(name));
        names.collect::<Vec<_>>().join(", ")
    }
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The tables after the first `schema` of these migrations, in the order in which they were made.
pub(super) fn read(migrations: &[&str]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut open: Option<Table> = None;
    for line in migrations.iter().flat_map(|script| script.lines()) {
        let line = line.split("--").next().unwrap_or_default().trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        match (&mut open, words.as_slice()) {
            (None, ["CREATE", "TABLE", name, ..]) => {
                open = Some(Table {
                    name: plain(name),
                    columns: Vec::new(),
                    key: Vec::new(),
                });
            }
            (None, ["ALTER", "TABLE", name, "ADD", "COLUMN", column, kind, ..]) => {
                let name = plain(name);
                if let Some(table) = tables.iter_mut().find(|table| table.name == name) {
                    table.columns.extend(of(column, kind));
                }
            }
            (None, ["DROP", "TABLE", name, ..]) => {
                let name = plain(name);
                tables.retain(|table| table.name != name);
            }
            (Some(_), [first, ..]) if first.starts_with(')') => tables.extend(open.take()),
            (Some(table), ["PRIMARY", "KEY", ..]) => {
                let list = line.split(['(', ')']).nth(1).unwrap_or_default();
                table.key = list
                    .split(',')
                    .filter_map(|name| {
                        table
                            .columns
                            .iter()
                            .position(|(own, _)| *own == plain(name))
                    })
                    .collect();
            }
            (Some(table), [name, kind, ..]) => {
                if let Some(column) = of(name, kind) {
                    if line.contains("PRIMARY KEY") {
                        table.key = vec![table.columns.len()];
                    }
                    table.columns.push(column);
                }
            }
            _ => {}
        }
    }
    tables
}

fn of(name: &str, kind: &str) -> Option<(String, Kind)> {
    let kind = match kind.trim_end_matches([',', ';']) {
        "INTEGER" => Kind::Int,
        "TEXT" => Kind::Text,
        "BLOB" => Kind::Blob,
        _ => return None,
    };
    Some((plain(name), kind))
}

fn plain(name: &str) -> String {
    name.trim()
        .trim_matches(['"', ';', '(', ','])
        .trim_matches('"')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use crate::tests::world::World;

    #[test]
    fn the_tables_read_are_those_of_the_database() {
        let world = World::in_file();
        let connection = rusqlite::Connection::open(world.options.url.file().unwrap()).unwrap();
        let mut names: Vec<String> = connection
            .prepare(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_version'",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        names.sort();
        let tables = schema::tables(schema::VERSION);
        let mut read: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        read.sort_unstable();
        assert_eq!(read, names);
        for table in tables {
            let mut columns = connection
                .prepare("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid")
                .unwrap();
            let columns: Vec<(String, String, i64)> = columns
                .query_map([&table.name], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .unwrap()
                .map(Result::unwrap)
                .collect();
            let mut key: Vec<(i64, usize)> = columns
                .iter()
                .enumerate()
                .filter(|(_, (.., place))| *place > 0)
                .map(|(at, (.., place))| (*place, at))
                .collect();
            key.sort_unstable();
            let key: Vec<usize> = key.into_iter().map(|(_, at)| at).collect();
            assert_eq!(table.key, key, "{}", table.name);
            assert!(!key.is_empty(), "{} has no primary key", table.name);
            let expected: Vec<(String, Kind)> = columns
                .iter()
                .map(|(name, kind, _)| of(name, kind).unwrap())
                .collect();
            assert_eq!(table.columns, expected, "{}", table.name);
        }
    }

    #[test]
    fn later_migrations_change_earlier_tables() {
        let tables = read(
            &[
                "CREATE TABLE a (  -- One.\n    x INTEGER NOT NULL PRIMARY KEY, -- PRIMARY KEY of no other\n    y TEXT\n) STRICT;\nCREATE TABLE \"b\" (\n    p BLOB NOT NULL,\n    q TEXT NOT NULL,\n    PRIMARY KEY (q, p)\n) STRICT;",
                "ALTER TABLE a ADD COLUMN z BLOB;\nDROP TABLE c;",
                "DROP TABLE a;",
            ][..2],
        );
        assert_eq!(tables[0].names(), r#""x", "y", "z""#);
        assert_eq!(tables[0].key, [0]);
        assert_eq!(tables[1].key_names(), r#""q", "p""#);
    }
}
