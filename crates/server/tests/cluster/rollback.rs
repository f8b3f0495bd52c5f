//! A store that lost commits it had acknowledged is noticed: by a node that starts, and by one that runs.

use super::first;
use countersign_testkit::oath::{KEY_HEX, fast_hotp};
use countersign_testkit::{
    Mode, Options, Postgres, Proxy, Server, Store, World, curl, peer, until,
};
use serde_json::json;
use std::sync::Arc;

/// A primary, a standby that follows it some time later, and a node that knows both.
struct Pair {
    world: World, // first, as it looks into its store when it ends
    primary: Postgres,
    standby: Postgres,
    link: Proxy,
    next: u64,
}

impl Pair {
    fn start() -> Option<Self> {
        let primary = Postgres::start()?;
        let database = primary.database();
        let link = Proxy::to(primary.port());
        let standby = primary.standby("s1", link.port());
        let mut both = primary.open(database.name());
        both.reached_by(primary.port());
        both.or_at(standby.port());
        let mut world = first(&Store::Postgres(Arc::new(both)));
        world.policy("local_only", json!({"event_window": 200}));
        world.hotp_user("otto");
        Some(Self {
            primary,
            standby,
            link,
            world,
            next: 0,
        })
    }

    fn otp(&mut self) -> String {
        self.next += 1;
        fast_hotp(KEY_HEX, self.next - 1, 6)
    }

    fn accepts(&mut self) {
        let otp = self.otp();
        assert!(self.world.pap("otto", &otp).is_accept());
    }

    fn follows(&self) {
        until("the standby follows", || {
            self.standby.has_caught_up_with(&self.primary).then_some(())
        });
    }

    /// The primary is gone, and the standby takes over.
    fn fail_over(&mut self) {
        self.primary.kill();
        self.standby.promote();
    }
}

#[test]
fn a_standby_that_has_everything_takes_over_without_a_word() {
    let Some(mut pair) = Pair::start() else {
        return;
    };
    pair.accepts();
    pair.follows();
    pair.fail_over();
    pair.world.set_radius_timeout(1.0);
    until("service goes on", || {
        let otp = pair.otp();
        pair.world.pap("otto", &otp).is_accept().then_some(())
    });
    pair.world.set_radius_timeout(5.0);
    pair.accepts();
    let switched = Store::Postgres(Arc::new(pair.standby.open("store_0")));
    pair.world.set_store(switched);
    pair.world.run_ok(&["audit", "verify", "--moving-factors"]);
}

#[test]
fn a_node_does_not_serve_a_standby_that_lacks_its_last_checkpoint() {
    let Some(mut pair) = Pair::start() else {
        return;
    };
    pair.accepts();
    pair.follows();
    pair.link.set(Mode::Freeze);
    pair.accepts();
    pair.world.stop(); // with its last checkpoint, which the standby does not get
    pair.fail_over();
    pair.world
        .set_store(Store::Postgres(Arc::new(pair.standby.open("store_0"))));
    let log = pair.world.try_up().expect_err("a store that lost commits");
    assert!(
        log.contains("E-115003") && log.contains("accept-rollback"),
        "{log}"
    );
    pair.world.run_ok(&[
        "audit",
        "accept-rollback",
        "--reason",
        "the standby lost commits in a test",
    ]);
    pair.world.up();
    pair.accepts();
}

#[test]
fn a_running_node_stops_serving_when_its_store_loses_commits() {
    let Some(mut pair) = Pair::start() else {
        return;
    };
    pair.accepts();
    pair.follows();
    pair.link.set(Mode::Freeze);
    let lost = pair.otp();
    assert!(pair.world.pap("otto", &lost).is_accept());
    pair.fail_over();
    until("the node says so", || {
        pair.world.log().contains("E-115003").then_some(())
    });
    pair.world.set_radius_timeout(1.0);
    let again = pair.world.pap("otto", &lost);
    assert!(
        again.is_silent(),
        "it would be accepted again: {}",
        again.text
    );
    assert_eq!(health(&pair.world), 503);
    pair.world
        .set_store(Store::Postgres(Arc::new(pair.standby.open("store_0"))));
}

fn health(node: &Server) -> u16 {
    curl::get(&format!(
        "{}/health",
        node.ready("health").trim_end_matches('/')
    ))
    .http
}

#[test]
fn a_node_whose_clock_is_wrong_is_not_ready_and_says_why() {
    if peer::find("faketime").is_none() {
        return;
    }
    let Some((world, right)) = super::pair(|_| {}) else {
        return;
    };
    assert_eq!(health(&right), 200);
    let options = Options {
        before: vec!["faketime".into(), "-f".into(), "+60s".into()],
        ..Options::default()
    };
    let wrong = match world.try_node("node-c", options) {
        Ok(node) => node,
        Err(log) => return assert!(log.contains("E-111001"), "{log}"),
    };
    until("it says why", || {
        wrong.log().contains("E-111001").then_some(())
    });
    assert_eq!(health(&wrong), 503);
    let body = json!({"component": "app", "user": "otto", "otp": "000000"});
    assert_eq!(
        wrong.post("/v1/auth/authenticate", &[], &body).status(),
        -107
    );
    assert_eq!(health(&right), 200);
}
