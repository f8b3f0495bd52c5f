//! Many decisions in one statement: moving states written under their guards, with the audit segment and the traces
//! of all of them. A statement of its own is a transaction of its own, so that a batch costs one round trip.

use super::Database;
use crate::StoreError;
use crate::rows::{application, user};
use crate::sql::Arg;
use crate::sqlite::TAKEN;
use crate::trail::Segment;
use countersign_engine::model::{ApplicationKey, ApplicationState, UserKey, UserState};
use countersign_engine::time::Timestamp;
use tokio_postgres::types::ToSql;

/// Columns of the moving states, in the order of their `state_args`.
const APPLICATION: [&str; 14] = [
    "version",
    "counter",
    "drift",
    "last_step",
    "initial",
    "pin_change_forced",
    "errors",
    "signature_errors",
    "last_success",
    "challenges",
    "checked_step",
    "resync_value",
    "resync_at",
    "application_key",
];
const USER: [&str; 9] = [
    "version",
    "lock_count",
    "locked",
    "unlock_attempts_used",
    "lock_duration_min",
    "last_auth_at",
    "last_auth_request_at",
    "last_failure_at",
    "user_key",
];

/// What the server says of a batch that was decided on older rows.
const STALE: &str = "decided on older rows and done again; as new: ";

/// What a batch writes.
#[derive(Default)]
pub(crate) struct Batch {
    applications: Columns,
    users: Columns,
    /// The audit records of the batch: key of the row, epoch, segment.
    pub(crate) segment: Option<(i64, i64, Segment)>,
    /// The traces, and the newest time of a record.
    pub(crate) traces: Option<(Timestamp, Vec<u8>)>,
}

/// Rows turned into columns: one array for each, the guard first.
#[derive(Default)]
struct Columns {
    arrays: Vec<Vec<Option<i64>>>,
    rows: i64,
}

impl Columns {
    fn push(&mut self, guard: i64, values: &[Arg<'_>]) {
        let numbers = std::iter::once(Some(guard)).chain(values.iter().map(|value| match value {
            Arg::Int(number) => Some(*number),
            _ => None,
        }));
        self.arrays.resize(values.len() + 1, Vec::new());
        for (array, number) in self.arrays.iter_mut().zip(numbers) {
            array.push(number);
        }
        self.rows += 1;
    }

    /// The statement that writes them, its parameters numbered from `first` on.
    fn update(table: &str, columns: &[&str], first: usize) -> String {
        let (key, moving) = columns.split_last().unwrap_or((&"", &[]));
        let set: Vec<String> = moving
            .iter()
            .map(|column| format!("{column} = v.{column}"))
            .collect();
        let arrays: Vec<String> = (first..=first + columns.len())
            .map(|number| format!("CAST(${number} AS BIGINT[])"))
            .collect();
        format!(
            "UPDATE {table} s SET {} FROM UNNEST({}) AS v(guard, {}) WHERE s.{key} = v.{key} AND s.version = v.guard RETURNING 1",
            set.join(", "),
            arrays.join(", "),
            columns.join(", ")
        )
    }
}

impl Batch {
    pub(crate) fn application(&mut self, key: ApplicationKey, guard: i64, to: &ApplicationState) {
        self.applications
            .push(guard, &application::state_args(to, key));
    }

    pub(crate) fn user(&mut self, key: UserKey, guard: i64, to: &UserState) {
        self.users.push(guard, &user::state_args(to, key));
    }
}

/// A batch as a statement under construction.
#[derive(Default)]
struct Statement<'b> {
    parts: Vec<String>,
    args: Vec<&'b (dyn ToSql + Sync)>,
}

impl<'b> Statement<'b> {
    fn next(&self) -> usize {
        self.args.len() + 1
    }

    fn states(&mut self, name: &str, table: &str, columns: &[&str], rows: &'b Columns) {
        if rows.rows == 0 {
            return;
        }
        let update = Columns::update(table, columns, self.next());
        self.parts.push(format!("{name} AS ({update})"));
        self.args
            .extend(rows.arrays.iter().map(|array| array as &(dyn ToSql + Sync)));
    }

    fn insert(&mut self, name: &str, into: &str, args: &[&'b (dyn ToSql + Sync)]) {
        let numbers: Vec<String> = (self.next()..)
            .take(args.len())
            .map(|number| format!("${number}"))
            .collect();
        self.parts.push(format!(
            "{name} AS (INSERT INTO {into} VALUES ({}) RETURNING 1)",
            numbers.join(", ")
        ));
        self.args.extend_from_slice(args);
    }
}

const SEGMENT: &str = "audit_segment (key, epoch, first, count, from_time, to_time, head, body)";
const TRACES: &str = "trace_segment (key, to_time, body)";

impl Database {
    /// Makes a batch durable; false when a guard did not hold, and then nothing was written.
    pub(crate) fn write_batch(&self, batch: &Batch) -> Result<bool, StoreError> {
        let numbers = batch.segment.as_ref().map(|(key, epoch, segment)| {
            let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
            let Segment {
                first,
                count,
                from,
                to,
                ..
            } = segment;
            [*key, *epoch, number(*first), number(*count), from.0, to.0]
        });
        let newest = batch.traces.as_ref().map(|(newest, _)| newest.0);
        let mut statement = Statement::default();
        statement.states("a", "application_state", &APPLICATION, &batch.applications);
        statement.states("u", "user_state", &USER, &batch.users);
        let head = batch
            .segment
            .as_ref()
            .map(|(_, _, segment)| segment.head.as_slice());
        if let (Some(numbers), Some(head), Some((_, _, segment))) =
            (&numbers, &head, &batch.segment)
        {
            let mut args: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(8);
            args.extend(numbers.iter().map(|number| number as &(dyn ToSql + Sync)));
            args.push(head);
            args.push(&segment.body);
            statement.insert("s", SEGMENT, &args);
            if let (Some(key), Some(newest), Some((_, body))) =
                (numbers.first(), &newest, &batch.traces)
            {
                statement.insert("t", TRACES, &[key, newest, body]);
            }
        }
        self.write(statement, batch)
    }

    fn write(&self, statement: Statement<'_>, batch: &Batch) -> Result<bool, StoreError> {
        let counted = [("a", batch.applications.rows), ("u", batch.users.rows)];
        let expected: i64 = counted.iter().map(|(_, rows)| rows).sum();
        let held: Vec<String> = counted
            .iter()
            .filter(|(_, rows)| *rows > 0)
            .map(|(name, _)| format!("(SELECT COUNT(*) FROM {name})"))
            .collect();
        let Statement { parts, mut args } = statement;
        if parts.is_empty() {
            return Ok(true);
        }
        // Where a guard does not hold, a text is read as a number, which undoes the statement and tells whoever reads
        // the log of the server that nothing is wrong. What was counted is part of the text: one that is known before
        // would be read when the statement is planned.
        let end = if held.is_empty() {
            "1".to_owned()
        } else {
            args.push(&expected);
            let (sum, expected) = (held.join(" + "), args.len());
            format!(
                "CASE WHEN {sum} = CAST(${expected} AS BIGINT) THEN 1 ELSE CAST('{STALE}' || CAST({sum} AS TEXT) AS BIGINT) END"
            )
        };
        let sql = format!("WITH {} SELECT {end}", parts.join(", "));
        let prepared = self.statement(&sql)?;
        let client = self.client()?;
        match self.answer(client.execute_raw(&prepared, args.iter().copied())) {
            Ok(_) => Ok(true),
            Err(StoreError::Refused(reason)) if reason.contains(STALE) => Ok(false),
            // The place of the segment: a commit that was given up has come after all.
            Err(StoreError::Refused(reason)) if reason == TAKEN => Err(StoreError::Contended),
            Err(StoreError::Unreachable(reason)) => Err(StoreError::Unknown(reason)),
            Err(error) => Err(error),
        }
    }

    /// Those of the guards that do not hold now.
    pub(crate) fn stale(&self, batch: &Batch) -> Result<(Vec<i64>, Vec<i64>), StoreError> {
        Ok((
            self.stale_of("application_state", "application_key", &batch.applications)?,
            self.stale_of("user_state", "user_key", &batch.users)?,
        ))
    }

    fn stale_of(&self, table: &str, key: &str, columns: &Columns) -> Result<Vec<i64>, StoreError> {
        let (Some(guards), Some(keys)) = (columns.arrays.first(), columns.arrays.last()) else {
            return Ok(Vec::new());
        };
        let sql = format!(
            "SELECT v.key FROM UNNEST(CAST($1 AS BIGINT[]), CAST($2 AS BIGINT[])) AS v(key, guard)
             LEFT JOIN {table} s ON s.{key} = v.key AND s.version = v.guard WHERE s.{key} IS NULL"
        );
        let prepared = self.statement(&sql)?;
        let client = self.client()?;
        let args: [&(dyn ToSql + Sync); 2] = [keys, guards];
        let rows = self.answer(client.query(&prepared, &args))?;
        rows.iter()
            .map(|row| {
                super::int(row, 0)?
                    .ok_or_else(|| StoreError::Corrupt("a value is missing".to_owned()))
            })
            .collect()
    }
}
