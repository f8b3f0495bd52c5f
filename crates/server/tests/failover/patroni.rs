//! A Patroni cluster under load: its leader hands over, and is lost.

use crate::load::{Client, Log, Person};
use crate::{first, health};
use countersign_testkit::history::{AccountReading, History, Reading};
use countersign_testkit::{Options, Patroni, Server, World, until};
use serde_json::json;
use std::time::{Duration, Instant};

/// Within this an orderly handing over must be through for clients.
const SWITCHOVER: Duration = Duration::from_secs(5);
/// Within this service must return after the loss of the leader.
const FAILOVER: Duration = Duration::from_secs(30);
/// A request ends with its deadline of five seconds; what is more is the busy machine's.
const ANSWER: Duration = Duration::from_secs(8);
/// Clients, half of them over RADIUS and half of them over JSON.
const CLIENTS: usize = 4;

#[test]
fn service_returns_by_itself_and_nothing_is_accepted_twice() {
    let Some(mut cluster) = Patroni::start() else {
        return;
    };
    let mut world = first(cluster.database());
    let other = world.node("node-b", Options::default());
    world.policy(
        "local_only",
        json!({"user_lock_threshold": 0, "identification_threshold": 0}),
    );
    let people: Vec<Person> = (0..CLIENTS)
        .map(|number| {
            let user = format!("user{number}");
            let serial = world.hotp_user(&user);
            Person { user, serial }
        })
        .collect();
    until("both nodes know the policy", || {
        let ready = |node: &Server| health(node).http == 200;
        (ready(&world) && ready(&other)).then_some(())
    });
    let log = Log::new();
    let mut readings = Vec::new();
    std::thread::scope(|scope| {
        let _stop = StopAtEnd(&log);
        for (number, person) in people.iter().enumerate() {
            let client = Client::new(&world, &other, person.clone(), number % 2 == 0);
            let log = &log;
            scope.spawn(move || client.run(log));
        }
        flow(&log, log.now(), SWITCHOVER);
        readings.extend(read(&mut world, &log, &people));

        let begun = log.now();
        cluster.switch_over();
        flow(&log, log.now(), SWITCHOVER);
        report("switchover", &log, begun, SWITCHOVER);
        readings.extend(read(&mut world, &log, &people));
        cluster.wait_until_safe(FAILOVER);

        let begun = log.now();
        let lost = cluster.kill_leader();
        flow(&log, log.now(), FAILOVER);
        report("loss of the leader", &log, begun, FAILOVER);
        readings.extend(read(&mut world, &log, &people));
        cluster.start_again(lost);
        cluster.wait_until_safe(FAILOVER);
        assert_ne!(cluster.leader(), Some(lost), "the old leader follows now");
        flow(&log, log.now(), SWITCHOVER);
    });
    let wait = log.longest_wait();
    eprintln!("longest wait for an answer: {wait:.1?}");
    assert!(wait < ANSWER, "an answer took {wait:?}");
    judge(&mut world, &log, &people, readings);
    for node in [&*world, &other] {
        assert!(!node.log().contains("E-115003"), "nothing was lost");
    }
}

/// Ends the clients when the scope ends, however it does.
struct StopAtEnd<'l>(&'l Log);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Waits until both nodes accept what is sent from a moment on.
fn flow(log: &Log, since: u64, most: Duration) {
    let begun = Instant::now();
    while !log.flows_since(since) {
        assert!(begun.elapsed() < most, "no service within {most:?}");
        std::thread::sleep(Duration::from_millis(10)); // the clients do not tell
    }
}

fn report(what: &str, log: &Log, since: u64, most: Duration) {
    let gap = log.whole_gap(since);
    let (a, b) = (log.gap("node-a", since), log.gap("node-b", since));
    eprintln!("{what}: {gap:.2?} without an accept (node-a {a:.2?}, node-b {b:.2?})");
    assert!(gap < most && a < most && b < most, "{what} took too long");
}

/// What the store holds of each authenticator now.
fn read(world: &mut World, log: &Log, people: &[Person]) -> Vec<Reading> {
    people
        .iter()
        .map(|person| Reading {
            at: log.now(),
            serial: person.serial.clone(),
            next_counter: world.application(&person.serial)["next_counter"].as_u64(),
            last_second: None,
            errors: None,
        })
        .collect()
}

/// All promises, with everything at rest.
fn judge(world: &mut World, log: &Log, people: &[Person], mut readings: Vec<Reading>) {
    readings.extend(read(world, log, people));
    let accounts = people
        .iter()
        .map(|person| AccountReading {
            at: log.now(),
            user: person.user.clone(),
            lock_count: world.seen(&person.user)["lock_count"]
                .as_u64()
                .expect("a count"),
        })
        .collect();
    let history = History {
        observations: log.observations(),
        trail: Some(world.trail()),
        readings,
        accounts,
        resets: Vec::new(),
        complete: true,
    };
    eprintln!("{} requests", history.observations.len());
    history.assert_kept();
    world.run_ok(&["audit", "verify", "--moving-factors"]);
}
