use super::*;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// A server that sends back whatever it gets.
fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut byte = [0];
                while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
            });
        }
    });
    port
}

fn client(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    stream
}

fn echoes(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    stream.write_all(b"x").is_ok() && stream.read_exact(&mut byte).is_ok()
}

#[test]
fn traffic_passes_stops_and_breaks_as_it_is_told() {
    let proxy = Proxy::to(echo());
    let mut stream = client(&proxy);
    assert!(echoes(&mut stream));

    proxy.set(Mode::Freeze);
    assert!(!echoes(&mut stream) && !echoes(&mut client(&proxy)));
    proxy.set(Mode::Pass);
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap(); // what was under way comes late
    assert!(echoes(&mut stream));

    proxy.set(Mode::CutAnswers);
    assert!(!echoes(&mut stream));
    proxy.set(Mode::Delay(Duration::from_millis(60)));
    stream.read_exact(&mut byte).unwrap();
    let begun = Instant::now();
    assert!(echoes(&mut stream) && begun.elapsed() >= Duration::from_millis(120));

    proxy.reset();
    assert!(!echoes(&mut stream) && echoes(&mut client(&proxy)));
    proxy.refuse();
    crate::until("nobody listens", || {
        let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).is_err();
        refused.then_some(())
    });
    proxy.set(Mode::Pass);
    crate::until("somebody listens", || {
        let taken = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port()));
        taken.ok().map(drop)
    });
    assert!(echoes(&mut client(&proxy)));
}

/// Runs SQL by `psql` through a proxy; what it printed.
fn psql(port: u16, database: &str, sql: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres"]);
    command.args(["-v", "VERBOSITY=verbose", "-v", "ON_ERROR_STOP=1"]);
    command.args(["-p", &port.to_string(), "-d", database]);
    for one in sql {
        command.args(["-c", one]);
    }
    let output = command.output().expect("run psql");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn a_commit_fails_as_if_it_could_not_be_serialized_and_is_rolled_back() {
    let Some(database) = crate::Database::fresh() else {
        return;
    };
    database.run("CREATE TABLE t (i INT)");
    let always = Chaos {
        seed: 1,
        errors: 1000,
        resets: 0,
        lost_answers: 0,
    };
    let proxy = Proxy::with(database.port(), always);
    let statements = ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"];
    let (kept, said) = psql(proxy.port(), database.name(), &statements);
    assert!(
        !kept && (said.contains("40001") || said.contains("40P01")),
        "{said}"
    );
    assert_eq!(database.number("SELECT COUNT(*) FROM t"), 0);
    assert_eq!(proxy.errors(), 1);
    let (kept, said) = psql(proxy.port(), database.name(), &["INSERT INTO t VALUES (2)"]);
    assert!(kept, "what is no commit passes: {said}");
}

#[test]
fn a_prepared_statement_fails_with_the_state_that_is_wanted() {
    let Some(database) = crate::Database::fresh() else {
        return;
    };
    let always = Chaos {
        seed: 7,
        errors: 1000,
        resets: 0,
        lost_answers: 0,
    };
    let proxy = Proxy::with(database.port(), always);
    let (kept, said) = psql(proxy.port(), database.name(), &["SELECT 1"]);
    assert!(kept && said == "1\n", "{said}");
    // pgbench speaks the extended protocol
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), "SELECT 1;\n").unwrap();
    let output = std::process::Command::new("pgbench")
        .args(["-n", "-t", "1", "-M", "prepared", "--failures-detailed"])
        .args(["-h", "127.0.0.1", "-U", "postgres"])
        .args(["-p", &proxy.port().to_string(), "-f"])
        .arg(script.path())
        .arg(database.name())
        .output()
        .expect("run pgbench");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.contains("serialization failures:") || line.contains("deadlock failures:")
        })
        .filter(|line| !line.contains(": 0"))
        .collect();
    assert_eq!(failed.len(), 1, "{text}");
    assert!(proxy.errors() > 0);
}

#[test]
fn a_commit_whose_answer_is_lost_is_kept_all_the_same() {
    let Some(database) = crate::Database::fresh() else {
        return;
    };
    database.run("CREATE TABLE t (i INT)");
    let loses = Chaos {
        seed: 3,
        errors: 0,
        resets: 0,
        lost_answers: 10_000,
    };
    let proxy = Proxy::with(database.port(), loses);
    let statements = ["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"];
    let (kept, said) = psql(proxy.port(), database.name(), &statements);
    assert!(!kept, "{said}");
    crate::until("the commit", || {
        (database.number("SELECT COUNT(*) FROM t") == 1).then_some(())
    });
    assert_eq!(proxy.resets(), 1);
}

#[test]
fn the_same_seed_makes_the_same_faults() {
    let chaos = Chaos {
        seed: 42,
        errors: 20,
        resets: 10,
        lost_answers: 10,
    };
    let fates = |connection| {
        let mut chance = chaos::Chance::new(42, connection);
        (0..2000)
            .map(|_| format!("{:?}", chance.fate(&chaos, chaos::Runs::Whole)))
            .collect::<Vec<_>>()
    };
    assert_eq!(fates(3), fates(3));
    assert_ne!(fates(3), fates(4));
    let failed = fates(3)
        .iter()
        .filter(|fate| fate.starts_with("Fail"))
        .count();
    assert!(
        (10..=80).contains(&failed),
        "{failed} of 2000 at 20 in a thousand"
    );
}
