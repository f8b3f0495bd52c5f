use super::world::World;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The tables of a store as SQLite keeps their text, comments and all.
fn tables(world: &World) -> Vec<(String, String)> {
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    let mut statement = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid")
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn columns(world: &World, table: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    let mut statement = connection
        .prepare("SELECT name FROM pragma_table_info($1)")
        .unwrap();
    statement
        .query_map([table], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn document(world: &World) -> String {
    let mut text = String::from(
        "# The schema of the store\n\nWritten by a test of `countersign-store` from the migrations; run it with `UPDATE=1` after a change.\n\n\
         Times are microseconds since 1970-01-01T00:00:00Z, days are days since then, sealed values are bytes that name their key.\n\
         Records carry their format (`record_version`) and rise in `revision`; moving state carries the `version` that every write is guarded by.\n",
    );
    for (name, sql) in tables(world) {
        let (head, body) = sql.split_once('\n').unwrap();
        let _ = writeln!(
            text,
            "\n## {name}\n\n{}\n\n| column | type | meaning |\n|---|---|---|",
            comment(head, &name)
        );
        let own = body
            .lines()
            .filter(|line| line.starts_with("    ") && line.contains("--"));
        let mut lines: Vec<&str> = own.collect();
        lines.extend(added(&name));
        let known: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(known, columns(world, &name), "{name}");
        for line in lines {
            let mut words = line.split_whitespace();
            let (column, kind) = (
                words.next().unwrap(),
                words.next().unwrap().trim_end_matches([',', ';']),
            );
            let null = if line.contains("NOT NULL") {
                ""
            } else {
                " or NULL"
            };
            let _ = writeln!(
                text,
                "| `{column}` | {kind}{null} | {} |",
                comment(line, column)
            );
        }
    }
    text
}

/// The columns that later migrations add to a table, as lines of its own.
fn added<'a>(table: &str) -> Vec<&'a str> {
    let head = format!("ALTER TABLE {table} ADD COLUMN ");
    let quoted = format!("ALTER TABLE \"{table}\" ADD COLUMN ");
    let lines = crate::schema::MIGRATIONS
        .iter()
        .flat_map(|script| script.lines());
    lines
        .filter_map(|line| {
            line.strip_prefix(&head)
                .or_else(|| line.strip_prefix(&quoted))
        })
        .collect()
}

fn comment<'a>(line: &'a str, what: &str) -> &'a str {
    line.split_once("-- ")
        .unwrap_or_else(|| panic!("{what} has no comment"))
        .1
        .trim()
}

#[test]
fn the_schema_document_is_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema.md");
    let text = document(&World::in_file());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/schema.md differs from the schema: run this test with UPDATE=1"
    );
}

#[test]
fn types_are_those_that_every_database_has() {
    let world = World::in_file();
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    for (name, sql) in tables(&world) {
        let kinds: Vec<String> = {
            let mut statement = connection
                .prepare("SELECT type FROM pragma_table_info($1)")
                .unwrap();
            statement
                .query_map([&name], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        assert!(
            kinds
                .iter()
                .all(|kind| ["INTEGER", "TEXT", "BLOB"].contains(&kind.as_str())),
            "{name}: {kinds:?}"
        );
        assert!(sql.ends_with("STRICT"), "{name}");
    }
}
