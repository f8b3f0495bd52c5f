use super::*;
use countersign_engine::back_end::{BackEnds, Resolved};
use countersign_engine::model::{AttributeMap, BackEndKey, Meta, Webhook};

/// A record of this row, domain and priority.
pub(in super::super) fn record(key: i64, domain: Option<i64>, priority: u16) -> BackEnd {
    BackEnd {
        key: BackEndKey(key),
        name: format!("server {key}"),
        domain: domain.map(DomainKey),
        priority,
        enabled: true,
        address: String::new(),
        port: None,
        timeout_s: 1,
        retries: 0,
        protocol: Protocol::Webhook(Webhook::default()),
        map: AttributeMap::default(),
        meta: Meta::default(),
    }
}

fn resolved() -> Said {
    Said::Resolved(Some(Resolved {
        user: "alice".into(),
        domain: "example.test".into(),
    }))
}

#[test]
fn who_cannot_say_leaves_it_to_the_next() {
    let mut round = Round::default();
    assert_eq!(round.take(&record(1, None, 1), Said::HashRefused, ""), None);
    assert_eq!(round.take(&record(2, None, 1), Said::Unsupported, ""), None);
    let heard = round
        .take(&record(3, None, 1), Said::Rejected, "no")
        .unwrap();
    assert_eq!(
        (heard.server.as_str(), heard.said),
        ("server 3", Said::Rejected)
    );
    assert_eq!(round.end().said, Said::Unsupported);
    assert_eq!(Round::default().end().said, Said::Nobody);
}

#[test]
fn an_unreachable_server_might_have_known() {
    let mut round = Round::default();
    round.take(&record(1, None, 1), Said::Unsupported, "");
    round.fail(&record(2, None, 1), "connect: refused".into());
    round.fail(&record(3, None, 1), "no answer in time".into());
    let heard = round.end();
    assert_eq!(heard.said, Said::Unreachable);
    assert_eq!(heard.server, "server 3");
    assert_eq!(
        heard.note,
        "no answer in time; before, server 2: connect: refused"
    );
}

#[test]
fn a_name_is_unknown_only_where_every_domain_says_so() {
    let (one, same, other) = (
        record(1, Some(7), 1),
        record(2, Some(7), 1),
        record(3, Some(8), 1),
    );
    let mut round = Round::default();
    round.fail(&one, "refused".into());
    assert_eq!(round.take(&same, Said::Resolved(None), ""), None);
    assert!(round.knows(&one) && !round.knows(&other));
    assert_eq!(round.take(&other, Said::Resolved(None), ""), None);
    assert_eq!(round.end().said, Said::Resolved(None));

    let mut round = Round::default();
    round.take(&one, Said::Resolved(None), "");
    round.fail(&other, "refused".into());
    assert_eq!(round.end().said, Said::Unreachable);

    let mut round = Round::default();
    round.take(&one, Said::Resolved(None), "");
    assert_eq!(
        round.take(&other, resolved(), "").map(|heard| heard.said),
        Some(resolved())
    );
}

fn ask(wanted: Wanted) -> Ask {
    Ask {
        engine: String::new(),
        domain: DomainKey(7),
        user: "alice".into(),
        wanted,
    }
}

fn snapshot() -> Snapshot {
    let mut off = record(4, Some(7), 1000);
    off.enabled = false;
    Snapshot {
        back_ends: BackEnds::new(
            [
                record(1, None, 900),
                record(2, Some(7), 1),
                record(3, Some(8), 10),
                off,
            ],
            Vec::new(),
        ),
        ..Snapshot::default()
    }
}

fn keys(found: &[Candidate]) -> Vec<i64> {
    found.iter().map(|(record, _)| record.key.0).collect()
}

#[test]
fn servers_that_rest_come_last() {
    let (connectors, snapshot, now) = (Connectors::default(), snapshot(), Instant::now());
    let limits = limits(&snapshot);
    let order = || {
        let (first, last) = connectors.in_order(&snapshot, &ask(Wanted::UserInfo), limits, now);
        (keys(&first), keys(&last))
    };
    assert_eq!(order(), (vec![2, 1], vec![]));
    let second = connectors.health.of(&record(2, Some(7), 1), limits);
    for _ in 0..3 {
        second.failed(
            now,
            countersign_engine::time::Timestamp::from_seconds(0),
            "refused",
        );
    }
    assert_eq!(order(), (vec![1], vec![2]));
}

#[test]
fn some_questions_are_for_certain_servers() {
    let (connectors, snapshot, now) = (Connectors::default(), snapshot(), Instant::now());
    let order = |wanted| {
        let (first, _) = connectors.in_order(&snapshot, &ask(wanted), limits(&snapshot), now);
        keys(&first)
    };
    let respond = |key| Wanted::Respond {
        server: BackEndKey(key),
        state: vec![1],
        response: countersign_engine::Secret::new(b"123456".to_vec()),
    };
    assert_eq!(order(respond(3)), [3]);
    assert_eq!(order(respond(4)), [0_i64; 0], "it was disabled meanwhile");
    assert_eq!(order(Wanted::Resolve), [3, 2, 1]);
}
