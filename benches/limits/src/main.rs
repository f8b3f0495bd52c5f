//! Physical limits that bound a one-time-password server; each subcommand prints one line.

use clap::{Parser, ValueEnum};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Parser)]
enum Cli {
    /// Loopback UDP echo: packets a second through one echo thread and one client thread
    Echo {
        #[arg(long, default_value_t = 64)]
        window: usize,
        #[arg(long, default_value_t = 100)]
        size: usize,
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
    /// HOTP computations (HMAC-SHA1) a second on one core
    Hmac,
    /// Appends of a small record, each (or each batch) followed by fdatasync or fsync
    Append {
        dir: PathBuf,
        #[arg(long, default_value_t = 64)]
        size: usize,
        #[arg(long, default_value_t = 1)]
        batch: usize,
        /// Write into space allocated beforehand
        #[arg(long)]
        preallocate: bool,
        #[arg(long)]
        fsync: bool,
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
    /// SQLite in WAL mode: consume one-time passwords, so many in a transaction
    Sqlite {
        dir: PathBuf,
        #[arg(long, value_enum, default_value = "full")]
        sync: Sync,
        #[arg(long, default_value_t = 1)]
        batch: usize,
        #[arg(long, default_value_t = 100_000)]
        tokens: u64,
        /// Also insert an audit row for each
        #[arg(long)]
        audit: bool,
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum Sync {
    Off,
    Normal,
    Full,
}

/// Runs `step` for the time given; the calls made, the seconds taken, and the sorted call times.
fn repeat(seconds: u64, mut step: impl FnMut()) -> (usize, f64, Vec<Duration>) {
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < Duration::from_secs(seconds) {
        let before = Instant::now();
        step();
        times.push(before.elapsed());
    }
    let total = start.elapsed().as_secs_f64();
    times.sort();
    (times.len(), total, times)
}

fn quantiles(times: &[Duration]) -> String {
    let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize].as_micros();
    format!("p50={}us p99={}us max={}us", at(0.5), at(0.99), at(1.0))
}

fn echo(window: usize, size: usize, seconds: u64) -> std::io::Result<()> {
    let server = UdpSocket::bind("127.0.0.1:0")?;
    let client = UdpSocket::bind("127.0.0.1:0")?;
    client.connect(server.local_addr()?)?;
    server.set_read_timeout(Some(Duration::from_millis(300)))?;
    client.set_read_timeout(Some(Duration::from_millis(300)))?;
    let answering = std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((n, from)) = server.recv_from(&mut buffer) {
            let _ = server.send_to(&buffer[..n], from);
        }
    });
    let (packet, mut buffer) = (vec![1; size], [0; 2048]);
    for _ in 0..window {
        client.send(&packet)?;
    }
    let (count, total, times) = repeat(seconds, || {
        if client.recv(&mut buffer).is_ok() {
            let _ = client.send(&packet);
        }
    });
    drop(client);
    let _ = answering.join();
    println!(
        "echo window={window} size={size}: {:.0} round trips/s ({})",
        count as f64 / total,
        quantiles(&times)
    );
    Ok(())
}

fn hmac_rate() {
    let mut counter = 0u64;
    let mut sum = 0u64;
    let (batches, total, _) = repeat(2, || {
        for _ in 0..1000 {
            let mut mac =
                Hmac::<Sha1>::new_from_slice(b"12345678901234567890").expect("any length");
            mac.update(&counter.to_be_bytes());
            sum = sum.wrapping_add(u64::from(mac.finalize().into_bytes()[19]));
            counter += 1;
        }
    });
    println!(
        "hmac-sha1 (HOTP, 20-byte key, new key each): {:.0}/s [{}]",
        batches as f64 * 1e3 / total,
        sum & 1
    );
}

fn append(
    dir: &Path,
    size: usize,
    batch: usize,
    preallocate: bool,
    fsync: bool,
    seconds: u64,
) -> std::io::Result<()> {
    let path = dir.join("append.log");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&path)?;
    if preallocate {
        let zeros = vec![0; 1 << 20];
        for _ in 0..256 {
            file.write_all(&zeros)?;
        }
        file.sync_all()?;
        file = OpenOptions::new().write(true).open(&path)?;
    }
    let record = vec![7; size * batch];
    let (count, total, times) = repeat(seconds, || {
        file.write_all(&record).expect("write");
        if fsync {
            file.sync_all()
        } else {
            file.sync_data()
        }
        .expect("sync");
    });
    std::fs::remove_file(path)?;
    let call = if fsync { "fsync" } else { "fdatasync" };
    let syncs = count as f64 / total;
    println!(
        "append size={size} batch={batch} preallocate={preallocate} {call}: {syncs:.0} syncs/s {:.0} records/s ({})",
        syncs * batch as f64,
        quantiles(&times)
    );
    Ok(())
}

fn sqlite(
    dir: &Path,
    sync: Sync,
    batch: usize,
    tokens: u64,
    audit: bool,
    seconds: u64,
) -> rusqlite::Result<()> {
    let path = dir.join("limits.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let mut db = rusqlite::Connection::open(&path)?;
    db.execute_batch(&format!(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous={sync:?};
         CREATE TABLE token(id INTEGER PRIMARY KEY, counter INTEGER NOT NULL, used_at INTEGER) STRICT;
         CREATE TABLE audit(id INTEGER PRIMARY KEY, at INTEGER, user TEXT, what TEXT, client TEXT, ok INTEGER) STRICT;"
    ))?;
    let fill = db.transaction()?;
    for id in 0..tokens {
        fill.execute("INSERT INTO token VALUES(?1, 0, 0)", [id as i64])?;
    }
    fill.commit()?;
    let mut n = 0u64;
    let (count, total, times) = repeat(seconds, || {
        let t = db.transaction().expect("begin");
        {
            let mut consume = t
                .prepare_cached(
                    "UPDATE token SET counter=?2, used_at=?3 WHERE id=?1 AND counter<?2",
                )
                .expect("prepare");
            let mut log = t
                .prepare_cached("INSERT INTO audit(at,user,what,client,ok) VALUES(?1,?2,'validate','127.0.0.1',1)")
                .expect("prepare");
            for _ in 0..batch {
                let id = n.wrapping_mul(7919) % tokens;
                let changed = consume
                    .execute([id as i64, (n / tokens + 1) as i64, n as i64])
                    .expect("update");
                assert_eq!(changed, 1);
                if audit {
                    log.execute((n as i64, format!("u{id:07}")))
                        .expect("insert");
                }
                n += 1;
            }
        }
        t.commit().expect("commit");
    });
    let commits = count as f64 / total;
    println!(
        "sqlite WAL sync={sync:?} batch={batch} audit={audit} tokens={tokens}: {commits:.0} commits/s {:.0} consumed/s ({})",
        commits * batch as f64,
        quantiles(&times)
    );
    Ok(())
}

fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Echo {
            window,
            size,
            seconds,
        } => echo(window, size, seconds)?,
        Cli::Hmac => hmac_rate(),
        Cli::Append {
            dir,
            size,
            batch,
            preallocate,
            fsync,
            seconds,
        } => append(&dir, size, batch, preallocate, fsync, seconds)?,
        Cli::Sqlite {
            dir,
            sync,
            batch,
            tokens,
            audit,
            seconds,
        } => sqlite(&dir, sync, batch, tokens, audit, seconds)?,
    }
    Ok(())
}
