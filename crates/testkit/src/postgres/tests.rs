use super::*;
use crate::until;

fn committed(database: &Database) -> i64 {
    database.number("SELECT COUNT(*) FROM t")
}

#[test]
fn each_test_has_a_database_of_its_own_on_a_shared_server() {
    let (Some(one), Some(other)) = (Database::fresh(), Database::fresh()) else {
        return;
    };
    assert_eq!(one.port(), other.port());
    one.run("CREATE TABLE t (i INT); INSERT INTO t VALUES (1), (2)");
    assert_eq!(
        one.rows("SELECT i, i * 2 FROM t ORDER BY i"),
        [["1", "2"], ["2", "4"]]
    );
    assert_eq!(one.change("UPDATE t SET i = 7 WHERE i > 1"), 1);
    assert_eq!(
        other.number("SELECT COUNT(*) FROM pg_class WHERE relname = 't'"),
        0
    );
    one.keep_copy();
    one.run("DROP TABLE t");
    one.put_back();
    assert_eq!(committed(&one), 2);
    one.clear();
    assert_eq!(
        one.number("SELECT COUNT(*) FROM pg_class WHERE relname = 't'"),
        0
    );
}

#[test]
fn what_was_committed_survives_a_kill_and_a_freeze_holds_everything() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let database = server.database();
    database.run("CREATE TABLE t (i INT)");
    let mut held = database.session();
    held.run("BEGIN; INSERT INTO t VALUES (1)");
    database.run("INSERT INTO t VALUES (2)");
    server.kill();
    server.up();
    assert_eq!(database.rows("SELECT i FROM t"), [["2"]]);
    server.freeze();
    let late = std::thread::scope(|scope| {
        let asked = scope.spawn(|| committed(&database));
        std::thread::sleep(std::time::Duration::from_millis(200)); // time is what is tested
        let late = !asked.is_finished();
        server.thaw();
        assert_eq!(asked.join().unwrap(), 1);
        late
    });
    assert!(late, "a frozen server answers nobody");
}

#[test]
fn a_standby_follows_and_takes_over() {
    let Some(mut primary) = Postgres::start() else {
        return;
    };
    let database = primary.database();
    database.run("CREATE TABLE t (i INT); INSERT INTO t VALUES (1)");
    let standby = primary.standby("s1", primary.port());
    let copy = standby.open(database.name());
    database.run("INSERT INTO t VALUES (2)");
    until("the standby follows", || {
        standby.has_caught_up_with(&primary).then_some(())
    });
    assert_eq!(committed(&copy), 2);
    primary.kill();
    standby.promote();
    copy.run("INSERT INTO t VALUES (3)");
    assert_eq!(committed(&copy), 3);
}
