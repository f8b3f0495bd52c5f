use super::*;
use crate::model::{AttributeMap, Meta, Protocol, Webhook, Winbind};

fn record(key: i64, name: &str, domain: Option<i64>, priority: u16, protocol: Protocol) -> BackEnd {
    BackEnd {
        key: BackEndKey(key),
        name: name.into(),
        domain: domain.map(DomainKey),
        priority,
        enabled: true,
        address: String::new(),
        port: None,
        timeout_s: 3,
        retries: 1,
        protocol,
        map: AttributeMap::default(),
        meta: Meta::default(),
    }
}

fn webhook() -> Protocol {
    Protocol::Webhook(Webhook::default())
}

fn all() -> BackEnds {
    let mut off = record(5, "off", None, 1000, webhook());
    off.enabled = false;
    BackEnds::new(
        [
            record(1, "common", None, 900, webhook()),
            record(2, "low", Some(7), 1, webhook()),
            record(
                3,
                "high",
                Some(7),
                10,
                Protocol::Windows(Winbind::default()),
            ),
            record(4, "elsewhere", Some(8), 10, webhook()),
            off,
        ],
        vec![BackEndGroup {
            key: 1,
            name: "Both".into(),
            protocol: "webhook".into(),
            members: vec![BackEndKey(2), BackEndKey(1), BackEndKey(99), BackEndKey(5)],
            meta: Meta::default(),
        }],
    )
}

fn names(engine: &str, domain: i64) -> Vec<String> {
    let servers = all().servers(engine, DomainKey(domain));
    servers.iter().map(|one| one.name.clone()).collect()
}

#[test]
fn servers_of_the_domain_come_first_then_priority_counts() {
    assert_eq!(names("", 7), ["high", "low", "common"]);
    assert_eq!(names("", 8), ["elsewhere", "common"]);
    assert_eq!(names("", 9), ["common"]);
}

#[test]
fn a_protocol_or_a_group_narrows_the_choice() {
    assert_eq!(names("webhook", 7), ["low", "common"]);
    assert_eq!(names("windows", 7), ["high"]);
    assert_eq!(names("both", 7), ["low", "common"]);
    assert!(names("radius", 7).is_empty());
    assert!(names("nothing of that name", 7).is_empty());
}
