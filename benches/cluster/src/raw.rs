//! What PostgreSQL alone can do: the rows that logons write, one set-based statement a batch, each a commit on disk.

use crate::postgres::Postgres;
use anyhow::{Context, Result, ensure};
use countersign_bench_kit::commit::round;
use countersign_bench_kit::usage::{cpu_of, machine};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

/// Rows that take part at most.
const MOST: i64 = 400_000;
/// Columns that an accept writes, guard and key aside.
const MOVING: [&str; 12] = [
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
];

/// Copies of the tables that logons write, so that the store keeps its own.
const TABLES: &str = "DROP TABLE IF EXISTS raw_state, raw_segment, raw_trace;
    CREATE TABLE raw_state (LIKE application_state INCLUDING ALL);
    CREATE TABLE raw_segment (LIKE audit_segment INCLUDING ALL);
    CREATE TABLE raw_trace (LIKE trace_segment INCLUDING ALL);
    INSERT INTO raw_state SELECT * FROM application_state;
    VACUUM ANALYZE raw_state;
    CHECKPOINT;";

/// The bodies of a segment that holds about so many records.
const BODIES: &str = "SELECT s.body, t.body FROM audit_segment s JOIN trace_segment t USING (key)
    ORDER BY ABS(s.count - CAST($1 AS BIGINT)) LIMIT 1";

struct Rows {
    keys: Vec<i64>,
    /// How often all of them were written.
    turn: i64,
    next: usize,
}

impl Rows {
    /// The keys of the next batch and the version they are at.
    fn take(&mut self, batch: usize) -> (Vec<i64>, i64) {
        if self.next + batch > self.keys.len() {
            (self.next, self.turn) = (0, self.turn + 1);
        }
        let keys = self.keys.iter().skip(self.next).take(batch).copied();
        self.next += batch;
        (keys.collect(), self.turn)
    }
}

/// Writes batches on one connection for some seconds.
pub(crate) fn run(server: &Postgres, database: &str, batch: usize, seconds: u64) -> Result<Value> {
    for statement in TABLES
        .split(';')
        .map(str::trim)
        .filter(|sql| !sql.is_empty())
    {
        server.run(database, statement)?;
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server.url(database), NoTls)
            .await
            .context("connect to PostgreSQL")?;
        let connection = tokio::spawn(connection);
        let row = commits(&client, server.pid(), batch, seconds).await;
        drop(client);
        connection.await?.context("keep the connection")?;
        row
    })
}

async fn commits(client: &Client, server: u32, batch: usize, seconds: u64) -> Result<Value> {
    // the versions of the copy become 0, so that they are known
    client
        .execute("UPDATE raw_state SET version = 0", &[])
        .await?;
    client.batch_execute("VACUUM ANALYZE raw_state").await?;
    client.batch_execute("CHECKPOINT").await?;
    let mut rows = Rows {
        keys: keys(client).await?,
        turn: 0,
        next: 0,
    };
    ensure!(rows.keys.len() >= batch, "fewer rows than a batch");
    let wanted = i64::try_from(batch)?;
    let bodies = client
        .query_opt(BODIES, &[&wanted])
        .await?
        .context("nobody has logged on yet")?;
    let (body, trace): (Vec<u8>, Vec<u8>) = (bodies.try_get(0)?, bodies.try_get(1)?);
    let statement = client.prepare(&sql()).await?;
    let mut latencies = Vec::new();
    let used = || (cpu_of(std::process::id()), cpu_of(server), machine());
    let (mut before, mut start) = (used(), Instant::now());
    let warm = start + Duration::from_secs(1);
    let mut is_warm = false;
    let mut segment = 0_i64;
    loop {
        let now = Instant::now();
        if !is_warm && now >= warm {
            (is_warm, before, start) = (true, used(), now);
            latencies.clear();
        }
        if is_warm && now >= start + Duration::from_secs(seconds) {
            break;
        }
        segment += 1;
        let (keys, version) = rows.take(batch);
        write(client, &statement, &keys, version, segment, (&body, &trace)).await?;
        latencies.push(now.elapsed());
    }
    let took = start.elapsed().as_secs_f64();
    Ok(figures(&mut latencies, batch, took, before, used()))
}

type Used = (f64, f64, (f64, f64));

fn figures(
    latencies: &mut [Duration],
    batch: usize,
    took: f64,
    before: Used,
    after: Used,
) -> Value {
    latencies.sort_unstable();
    let count = (latencies.len() * batch).max(1) as f64;
    let micros = |share: f64| {
        let at = (share * latencies.len() as f64) as usize;
        latencies
            .get(at)
            .map_or(0.0, |took| round(took.as_secs_f64() * 1e6))
    };
    let (own, other) = (after.0 - before.0, after.1 - before.1);
    let busy = after.2.0 - before.2.0 - own - other;
    let each = |cpu: f64| json!({"cpu_us_per_request": round(cpu * 1e6 / count)});
    json!({
        "per_second": round(count / took), "completed": count, "batch": batch,
        "latency_us": {"p50": micros(0.5), "p99": micros(0.99), "p99.9": micros(0.999)},
        "server": each(own + other),
        "processes": [each(own), each(other)],
        "others_cores": round(busy / took),
        "steal_cores": round((after.2.1 - before.2.1) / took),
    })
}

/// Keys from all over the table, in no order.
async fn keys(client: &Client) -> Result<Vec<i64>> {
    let sql = "SELECT application_key FROM raw_state ORDER BY (application_key * 2654435761) % 1000003 LIMIT $1";
    let rows = client.query(sql, &[&MOST]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

fn sql() -> String {
    let set: Vec<String> = MOVING
        .iter()
        .map(|name| format!("{name} = v.{name}"))
        .collect();
    let arrays: Vec<String> = (1..=MOVING.len() + 3)
        .map(|number| format!("CAST(${number} AS BIGINT[])"))
        .collect();
    let after = MOVING.len() + 4;
    format!(
        "WITH a AS (UPDATE raw_state s SET version = v.version, {} FROM UNNEST({}) AS v(guard, version, {}, application_key)
             WHERE s.application_key = v.application_key AND s.version = v.guard RETURNING 1),
         s AS (INSERT INTO raw_segment (key, epoch, first, count, from_time, to_time, head, body)
             VALUES (${after}, 1, ${after}, 1, 1, 1, CAST('' AS BYTEA), ${}) RETURNING 1),
         t AS (INSERT INTO raw_trace (key, to_time, body) VALUES (${after}, 1, ${}) RETURNING 1)
         SELECT 1 / (CASE WHEN (SELECT COUNT(*) FROM a) = CAST(${} AS BIGINT) THEN 1 ELSE 0 END)",
        set.join(", "),
        arrays.join(", "),
        MOVING.join(", "),
        after + 1,
        after + 2,
        after + 3
    )
}

async fn write(
    client: &Client,
    statement: &tokio_postgres::Statement,
    keys: &[i64],
    version: i64,
    segment: i64,
    (body, trace): (&[u8], &[u8]),
) -> Result<()> {
    let same = |value: i64| vec![value; keys.len()];
    let (guards, versions) = (same(version), same(version + 1));
    let moving: Vec<Vec<i64>> = (0..MOVING.len()).map(|_| same(segment)).collect();
    let count = i64::try_from(keys.len())?;
    let mut args: Vec<&(dyn ToSql + Sync)> = vec![&guards, &versions];
    args.extend(moving.iter().map(|column| column as &(dyn ToSql + Sync)));
    args.extend([
        &keys as &(dyn ToSql + Sync),
        &segment,
        &body,
        &trace,
        &count,
    ]);
    client.query(statement, &args).await?;
    Ok(())
}
