use super::*;
use crate::Status;

fn sample() -> Vec<Entry<'static>> {
    vec![
        Entry::Component {
            kind: "radius_client",
            place: Place::Network("127.0.0.1".parse().unwrap(), 32),
            nas_id: "",
        },
        Entry::Policy { id: "local" },
        Entry::Policy { id: "base" },
        Entry::Setting {
            setting: Setting::LocalAuth,
            value: Value::Word("grace_period"),
            origin: Origin::Policy(0),
        },
        Entry::Setting {
            setting: Setting::BackEndAuth,
            value: Value::Word("none"),
            origin: Origin::Policy(1),
        },
        Entry::Resolved {
            rule: Resolution::Master,
            domain: "master",
        },
        Entry::Account {
            authenticators: 1,
            linked: false,
        },
        Entry::Read {
            shape: Shape::Otp,
            front: 0,
            pin: 0,
            otp: 6,
            new_pin: 0,
        },
        Entry::Setting {
            setting: Setting::IdentificationTimeWindow,
            value: Value::Number(10),
            origin: Origin::Policy(0),
        },
        Entry::Candidate {
            serial: "0097123456",
            application: "response",
            result: Result::Accepted,
            moving: Some(56_666_665),
            distance: Some(-2),
        },
        Entry::Ended {
            real: Status::SUCCESS,
            client: Status::SUCCESS,
        },
    ]
}

fn others() -> Vec<Entry<'static>> {
    vec![
        Entry::Component {
            kind: "demo",
            place: Place::Network("2001:db8::".parse().unwrap(), 32),
            nas_id: "nas1",
        },
        Entry::Component {
            kind: "demo",
            place: Place::Host("vpn.example"),
            nas_id: "",
        },
        Entry::Component {
            kind: "demo",
            place: Place::Default,
            nas_id: "",
        },
        Entry::InvalidPolicy {
            why: "local_auth is inherit at the root",
        },
        Entry::Setting {
            setting: Setting::EventWindow,
            value: Value::Number(i64::MIN),
            origin: Origin::BuiltIn,
        },
        Entry::Setting {
            setting: Setting::AcceptedDomains,
            value: Value::Size(3),
            origin: Origin::Account,
        },
        Entry::Setting {
            setting: Setting::PasswordMaxAge,
            value: Value::Number(90),
            origin: Origin::Server,
        },
        Entry::Setting {
            setting: Setting::LocalAuth,
            value: Value::Word(""),
            origin: Origin::GroupCheck,
        },
        Entry::Setting {
            setting: Setting::BackupVirtual,
            value: Value::Word("no"),
            origin: Origin::Authenticator,
        },
        Entry::Setting {
            setting: Setting::ChallengeMaxAge,
            value: Value::Number(60),
            origin: Origin::Deployment,
        },
        Entry::Check {
            check: Check::NotLocked,
            passed: false,
            seen: 3,
            limit: 3,
        },
        Entry::Check {
            check: Check::Enabled,
            passed: true,
            seen: 0,
            limit: 0,
        },
        Entry::Excluded {
            serial: "1",
            application: "r",
            why: Excluded::Expired,
        },
        Entry::Candidate {
            serial: "1",
            application: "r",
            result: Result::Wrong,
            moving: None,
            distance: None,
        },
        Entry::Candidate {
            serial: "1",
            application: "r",
            result: Result::Used,
            moving: Some(u64::MAX),
            distance: Some(i64::MIN),
        },
        Entry::Asked {
            what: What::Verify,
            yes: Some(false),
        },
        Entry::Asked {
            what: What::Hash,
            yes: None,
        },
        Entry::Heard {
            what: What::BackEnd,
            server: "dc1",
            said: Saying::Locked,
        },
        Entry::Heard {
            what: What::Groups,
            server: "",
            said: Saying::Nobody,
        },
        Entry::Hashes {
            tried: 4096,
            cut: true,
        },
        Entry::Ended {
            real: Status::USER_UNKNOWN,
            client: Status::INVCREDENTIALS,
        },
    ]
}

#[test]
fn every_entry_survives_storage() {
    let entries: Vec<_> = sample().into_iter().chain(others()).collect();
    let mut trace = Trace::default();
    entries.iter().for_each(|entry| trace.push(*entry));
    let mut stored = Vec::new();
    trace.encode(&mut stored);
    let back = Trace::decode(&stored).unwrap();
    assert_eq!(back, trace);
    assert_eq!(back.entries().collect::<Vec<_>>(), entries);
}

#[test]
fn a_plain_accept_is_small() {
    let mut trace = Trace::default();
    sample().into_iter().for_each(|entry| trace.push(entry));
    let mut stored = Vec::new();
    trace.encode(&mut stored);
    assert!(stored.len() < 150, "{}", stored.len());
}

#[test]
fn damage_and_other_formats_are_refused() {
    let mut trace = Trace::default();
    sample().into_iter().for_each(|entry| trace.push(entry));
    let mut stored = Vec::new();
    trace.encode(&mut stored);
    assert_eq!(Trace::decode(&[]), None);
    assert_eq!(Trace::decode(&[2]), None);
    assert_eq!(Trace::decode(stored.get(..stored.len() - 1).unwrap()), None);
    assert_eq!(Trace::decode(&[1, 200]), None);
    assert_eq!(
        Trace::decode(&[1, 12, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]),
        None
    );
}

#[test]
fn a_trace_does_not_grow_without_bound_and_keeps_its_end() {
    let mut trace = Trace::default();
    for _ in 0..10_000 {
        trace.push(Entry::Excluded {
            serial: "0097123456",
            application: "response",
            why: Excluded::Expired,
        });
    }
    trace.push(Entry::Ended {
        real: Status::SUCCESS,
        client: Status::SUCCESS,
    });
    let mut stored = Vec::new();
    trace.encode(&mut stored);
    assert!(stored.len() < 4200);
    assert!(matches!(trace.entries().last(), Some(Entry::Ended { .. })));
}

#[test]
fn words_have_one_number_each() {
    fn unique<W: Word>() {
        for (place, (word, number, text)) in W::ALL.iter().enumerate() {
            assert_eq!(word.number(), *number);
            assert!(
                W::ALL
                    .iter()
                    .skip(place + 1)
                    .all(|(_, other, other_text)| other != number && other_text != text),
                "{text}"
            );
        }
    }
    unique::<Setting>();
    unique::<Check>();
    unique::<Excluded>();
    unique::<Resolution>();
    unique::<Shape>();
    unique::<Result>();
    unique::<What>();
    unique::<Saying>();
}

#[test]
fn reads_like_an_explanation() {
    let mut trace = Trace::default();
    sample().into_iter().for_each(|entry| trace.push(entry));
    let expected = "\
component  radius_client at 127.0.0.1
policy     local <- base
setting    local_auth = grace_period (policy local)
setting    back_end_auth = none (policy base)
user       domain master: the master domain
account    found, authenticators: 1
read as    password? PIN? OTP (characters: OTP 6)
setting    identification_time_window = 10 (policy local)
candidate  0097123456 response: accepted, counter or step 56666665, valid 2 steps ago
status     0 STAT_SUCCESS: No error
";
    assert_eq!(trace.render(), expected);
}
