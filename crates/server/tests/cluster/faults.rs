//! Whatever fails between nodes and store: each request ends within the bound, with a status that says so over JSON and with
//! silence over RADIUS; nothing is accepted whose commit is not known; service comes back by itself.

use super::client::{Line, Said};
use super::first;
use countersign_testkit::oath::{KEY_HEX, fast_hotp};
use countersign_testkit::{Database, Mode, Options, Postgres, Proxy, Server, Store, World, until};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The bound of a request (5 s), and what a busy machine adds.
const BOUND: Duration = Duration::from_millis(5000 + 1500);
/// Not reachable, takes no write in time, another wait.
const FAILED: [i16; 3] = [-10, -106, -103];

/// Two nodes, each behind a proxy of its own, on a private server.
struct Cluster {
    world: World,
    other: Server,
    proxies: [Proxy; 2],
    serial: String,
    next: u64,
}

impl Cluster {
    fn on(postgres: &Postgres) -> Self {
        let database = postgres.database();
        let proxies = [Proxy::to(postgres.port()), Proxy::to(postgres.port())];
        let name = database.name().to_owned();
        let behind = |proxy: &Proxy| {
            let mut own = postgres.open(&name);
            own.reached_by(proxy.port());
            Store::Postgres(Arc::new(own))
        };
        let mut world = first(&behind(&proxies[0]));
        world.policy(
            "local_only",
            json!({"user_lock_threshold": 0, "event_window": 200}),
        );
        let serial = world.hotp_user("otto");
        let options = Options {
            store: Some(behind(&proxies[1])),
            ..Options::default()
        };
        let other = world.node("node-b", options);
        Self {
            world,
            other,
            proxies,
            serial,
            next: 0,
        }
    }

    fn node(&self, at: usize) -> &Server {
        if at == 0 { &self.world } else { &self.other }
    }

    fn otp(&mut self) -> String {
        self.next += 1;
        fast_hotp(KEY_HEX, self.next - 1, 6)
    }

    /// A fresh value over JSON; the answer must come within the bound.
    fn over_json(&mut self, at: usize) -> Said {
        let otp = self.otp();
        let begun = Instant::now();
        let said = Line::json(self.node(at)).log_on("otto", &otp);
        let took = begun.elapsed();
        assert!(took < BOUND, "{said:?} after {took:?}");
        said
    }

    /// A node refuses over JSON, and says nothing over RADIUS.
    fn fails(&mut self, at: usize, what: &str) {
        for _ in 0..3 {
            let said = self.over_json(at);
            assert!(
                matches!(said, Said::Refused(status) if FAILED.contains(&status)),
                "{what}: {said:?}"
            );
        }
        let otp = self.otp();
        let said = Line::radius(self.node(at), BOUND).log_on("otto", &otp);
        assert_eq!(said, Said::Nothing, "{what}, over RADIUS");
    }

    /// It serves again by itself, over JSON and over RADIUS.
    fn serves(&mut self, at: usize, what: &str) {
        until(what, || {
            matches!(self.over_json(at), Said::Accepted(_)).then_some(())
        });
        until(what, || {
            let otp = self.otp();
            let said = Line::radius(self.node(at), BOUND).log_on("otto", &otp);
            matches!(said, Said::Accepted(_)).then_some(())
        });
    }

    /// What was sent while nobody answered is used or not, but nothing is accepted twice and all is recorded.
    fn end(mut self) {
        let next = self.world.application(&self.serial)["next_counter"]
            .as_u64()
            .expect("a counter");
        assert_eq!(next, self.next, "the last value was accepted");
        for counter in 0..next {
            let otp = fast_hotp(KEY_HEX, counter, 6);
            let said = Line::json(self.node((counter % 2) as usize)).log_on("otto", &otp);
            assert!(
                matches!(said, Said::Refused(1008 | 1012)),
                "counter {counter} again: {said:?}"
            );
        }
        self.world.run_ok(&["audit", "verify", "--moving-factors"]);
    }
}

#[test]
fn a_primary_that_is_killed_or_hangs_is_waited_for_within_the_bound() {
    let Some(mut postgres) = Postgres::start() else {
        return;
    };
    let mut cluster = Cluster::on(&postgres);
    for at in 0..2 {
        cluster.serves(at, "before any fault");
    }
    postgres.kill();
    for at in 0..2 {
        cluster.fails(at, "the server was killed");
    }
    postgres.up();
    for at in 0..2 {
        cluster.serves(at, "the server is back");
    }
    postgres.freeze();
    for at in 0..2 {
        cluster.fails(at, "the server hangs");
    }
    postgres.thaw();
    for at in 0..2 {
        cluster.serves(at, "the server goes on");
    }
    cluster.end();
}

#[test]
fn a_node_without_its_network_fails_alone_and_comes_back() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let mut cluster = Cluster::on(&postgres);
    for at in 0..2 {
        cluster.serves(at, "before any fault");
    }
    for mode in [
        Mode::Freeze,
        Mode::CutAnswers,
        Mode::CutRequests,
        Mode::Refuse,
    ] {
        let what = format!("{mode:?}");
        cluster.proxies[0].set(mode);
        if mode == Mode::Refuse {
            cluster.proxies[0].reset();
        }
        cluster.fails(0, &what);
        cluster.serves(1, "the other node goes on");
        cluster.proxies[0].set(Mode::Pass);
        cluster.serves(0, &what);
    }
    cluster.proxies[0].reset();
    cluster.serves(0, "after broken connections");
    cluster.end();
}

#[test]
fn a_node_that_is_killed_stops_no_other() {
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let mut cluster = Cluster::on(&postgres);
    cluster.other.kill();
    cluster.serves(0, "the other node was killed");
    cluster.other.up();
    cluster.serves(1, "it is back");
    cluster.end();
}

#[test]
fn a_store_behind_verified_tls_is_served_and_another_one_is_not() {
    let (Some(postgres), Some(stranger)) = (Postgres::with_tls(), Postgres::with_tls()) else {
        return;
    };
    let store = Store::Postgres(Arc::new(postgres.database()));
    let mut world = first(&store);
    world.policy("local_only", json!({}));
    world.hotp_user("otto");
    assert!(world.pap("otto", &fast_hotp(KEY_HEX, 0, 6)).is_accept());
    let mut elsewhere: Database = postgres.database();
    elsewhere.trusting(stranger.trust().expect("an authority"));
    let options = Options {
        store: Some(Store::Postgres(Arc::new(elsewhere))),
        ..Options::default()
    };
    let log = world
        .try_node("node-b", options)
        .expect_err("a server of another authority");
    assert!(log.contains("certificate"), "{log}");
}
