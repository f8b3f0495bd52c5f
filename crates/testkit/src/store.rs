//! The store under a server: the file it makes in its data directory, or a database on PostgreSQL. The environment chooses
//! for a whole run of the tests: `COUNTERSIGN_TEST_STORE` = `sqlite` (default), `postgres` or `postgres-serializable`, the
//! latter with every transaction serializable and behind a proxy that makes 40001, 40P01 and broken connections.

use crate::postgres::{Database, Session};
use crate::proxy::{Chaos, Proxy};
use crate::secrets;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Chooses the store of a run.
const SWITCH: &str = "COUNTERSIGN_TEST_STORE";
/// Seldom enough that a decision tried again some times gets through, often enough that each test meets some.
const LOW: Chaos = Chaos {
    seed: 40_001,
    errors: 20,
    resets: 10,
    lost_answers: 0,
};
/// Takes the right of writing away from whoever writes, without a lock.
const NO_WRITES: &str = "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'read only' USING ERRCODE = '25006'; END$$; CREATE TRIGGER no_more BEFORE INSERT ON audit_segment FOR EACH ROW EXECUTE FUNCTION no_more()";

/// The store under a server.
#[derive(Debug, Clone)]
pub enum Store {
    /// An SQLite file in the data directory.
    File,
    /// A database on PostgreSQL, for any number of servers.
    Postgres(Arc<Database>),
}

impl Store {
    /// A new store of the kind that the environment chooses.
    ///
    /// # Panics
    /// There is no such kind, or PostgreSQL is missing although it is chosen.
    pub fn chosen() -> Self {
        let chosen = std::env::var(SWITCH).unwrap_or_default();
        match chosen.as_str() {
            "" | "sqlite" => Self::File,
            "postgres" => Self::Postgres(Arc::new(fresh())),
            "postgres-serializable" => Self::Postgres(Arc::new(hard())),
            other => panic!("{SWITCH}={other}: sqlite, postgres or postgres-serializable"),
        }
    }

    /// Whether the tests run on the file; one that is about the file as such says so and ends otherwise.
    pub fn is_file() -> bool {
        matches!(std::env::var(SWITCH).as_deref(), Err(_) | Ok("" | "sqlite"))
    }

    /// Says that a test is about the SQLite file, where the tests run on another store.
    pub fn only_file() -> bool {
        if !Self::is_file() {
            eprintln!("SKIPPED: this is about the SQLite file");
        }
        Self::is_file()
    }

    /// What `--store` says, if it is needed.
    pub fn url(&self) -> Option<String> {
        match self {
            Self::File => None,
            Self::Postgres(database) => Some(database.url()),
        }
    }

    /// The database, if it is one.
    pub fn database(&self) -> Option<&Arc<Database>> {
        match self {
            Self::File => None,
            Self::Postgres(database) => Some(database),
        }
    }

    /// Changes rows behind the server's back by one INSERT, UPDATE or DELETE; how many.
    ///
    /// # Panics
    /// It fails.
    pub(crate) fn change(&self, file: &Path, sql: &str) -> usize {
        match self {
            Self::File => open(file).execute(sql, []).expect(sql),
            Self::Postgres(database) => database.change(sql),
        }
    }

    /// Runs statements behind the server's back.
    ///
    /// # Panics
    /// One fails.
    pub(crate) fn alter(&self, file: &Path, sql: &str) {
        match self {
            Self::File => open(file).execute_batch(sql).expect(sql),
            Self::Postgres(database) => database.run(sql),
        }
    }

    /// The number that a query answers.
    ///
    /// # Panics
    /// It fails.
    pub(crate) fn number(&self, file: &Path, sql: &str) -> i64 {
        match self {
            Self::File => open(file).query_row(sql, [], |row| row.get(0)).expect(sql),
            Self::Postgres(database) => database.number(sql),
        }
    }

    /// Lets nobody write until the value is dropped: whoever writes waits.
    pub(crate) fn lock(&self, file: &Path) -> Lock {
        match self {
            Self::File => {
                let connection = open(file);
                connection
                    .execute_batch("BEGIN IMMEDIATE")
                    .expect("lock the database");
                Lock::File(connection)
            }
            Self::Postgres(database) => {
                let tables = database.rows(
                    "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'",
                );
                let names: Vec<String> = tables.into_iter().flatten().collect();
                let mut session = database.session();
                session.run(&format!(
                    "BEGIN; LOCK TABLE {} IN EXCLUSIVE MODE",
                    names.join(", ")
                ));
                Lock::Session(session)
            }
        }
    }

    /// Makes every commit fail until [`Store::take_writes`].
    pub(crate) fn refuse_writes(&self, file: &Path) {
        match self {
            Self::File => {
                let trigger = "CREATE TRIGGER no_more BEFORE INSERT ON audit_segment BEGIN SELECT RAISE(ABORT, 'read only'); END";
                open(file).execute_batch(trigger).expect("make a trigger");
            }
            Self::Postgres(database) => database.run(NO_WRITES),
        }
    }

    /// Lets commits succeed again.
    pub(crate) fn take_writes(&self, file: &Path) {
        match self {
            Self::File => open(file)
                .execute_batch("DROP TRIGGER no_more")
                .expect("remove the trigger"),
            Self::Postgres(database) => database.run("DROP FUNCTION no_more() CASCADE"),
        }
    }

    /// Keeps a copy of a store that nobody has open.
    pub(crate) fn keep_copy(&self, file: &Path) {
        match self {
            Self::File => {
                let files = secrets::database_files(file);
                assert_eq!(files, [file.to_owned()], "a stopped server leaves one file");
                std::fs::copy(file, copy_of(file)).expect("copy the database");
            }
            Self::Postgres(database) => database.keep_copy(),
        }
    }

    /// Puts the copy back.
    pub(crate) fn put_back(&self, file: &Path) {
        match self {
            Self::File => {
                self.clear(file);
                std::fs::copy(copy_of(file), file).expect("copy the database");
            }
            Self::Postgres(database) => database.put_back(),
        }
    }

    /// Removes the store.
    pub(crate) fn clear(&self, file: &Path) {
        match self {
            Self::File => {
                for file in secrets::database_files(file) {
                    std::fs::remove_file(file).expect("remove the database");
                }
            }
            Self::Postgres(database) => database.clear(),
        }
    }

    /// Whether these bytes stand in it.
    pub(crate) fn holds(&self, file: &Path, bytes: &[u8]) -> bool {
        match self {
            Self::File => {
                let content = self.content(file);
                content.windows(bytes.len()).any(|part| part == bytes)
            }
            Self::Postgres(database) => database
                .dump_hexadecimal()
                .contains(&data_encoding::HEXLOWER.encode(bytes)),
        }
    }

    /// What is in it, for a search for secrets: text as text.
    pub(crate) fn content(&self, file: &Path) -> Vec<u8> {
        match self {
            Self::File => secrets::database_files(file)
                .iter()
                .flat_map(|file| std::fs::read(file).unwrap_or_default())
                .collect(),
            Self::Postgres(database) => database.dump().into_bytes(),
        }
    }
}

/// A store that nobody can write to, until it is dropped.
#[derive(Debug)]
pub enum Lock {
    /// A transaction of SQLite.
    File(rusqlite::Connection),
    /// A transaction of PostgreSQL.
    Session(Session),
}

fn fresh() -> Database {
    Database::fresh().expect("PostgreSQL, which COUNTERSIGN_TEST_STORE chooses")
}

fn hard() -> Database {
    let mut database = fresh();
    database.serializable();
    let proxy = Proxy::with(database.port(), LOW);
    database.behind(proxy);
    database
}

fn open(file: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(file).expect("open the database")
}

fn copy_of(file: &Path) -> PathBuf {
    file.with_extension("copy")
}
