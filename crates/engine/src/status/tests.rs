use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Code -> (names, interface letters) as the specification lists them.
fn specified() -> Option<BTreeMap<i16, (Vec<String>, String)>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/spec/status-codes.md"
    );
    let text = std::fs::read_to_string(path).ok()?;
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        let number = cells.first()?.trim_start_matches("| ").parse().ok()?;
        let names = cells.get(1)?.split(" / ").map(|name| {
            name.split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        let letters = cells.get(4).map_or(String::new(), |cell| {
            cell.split_whitespace()
                .filter(|word| word.len() == 1)
                .collect()
        });
        let names: Vec<String> = names.collect();
        names
            .first()?
            .starts_with("STAT_")
            .then_some((number, (names, letters)))
    });
    Some(rows.collect())
}

#[test]
fn table_is_the_specification() {
    let Some(specified) = specified() else {
        eprintln!("skipped: the specification is not beside this source tree");
        return;
    };
    assert_eq!(specified.len(), 90);
    assert_eq!(
        specified.keys().copied().collect::<Vec<_>>(),
        Status::all().map(Status::number).collect::<Vec<_>>()
    );
    for status in Status::all() {
        let (names, letters) = &specified[&status.number()];
        assert_eq!(status.names(), names, "names of {status}");
        if status.number() >= 0 {
            let own: String = status
                .interfaces()
                .iter()
                .map(|interface| interface.letter())
                .collect();
            let sorted = |text: &str| text.chars().collect::<BTreeSet<_>>();
            assert_eq!(sorted(&own), sorted(letters), "interfaces of {status}");
        }
    }
}

#[test]
fn rows_are_sorted_complete_and_said_once() {
    let numbers: Vec<i16> = Status::all().map(Status::number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(numbers.iter().filter(|number| **number > 0).count(), 73);
    let messages: BTreeSet<&str> = Status::all().map(Status::message).collect();
    assert_eq!(messages.len(), numbers.len());
    for status in Status::all() {
        assert!(
            status.advice().ends_with('.') && status.advice().len() > 20,
            "{status}"
        );
        assert!(!status.interfaces().is_empty(), "{status}");
    }
}

#[test]
fn numbers_and_names_lead_back() {
    for status in Status::all() {
        assert_eq!(Status::from_number(status.number().into()), Some(status));
        for name in status.names() {
            assert_eq!(Status::from_name(name), Some(status));
        }
    }
    assert_eq!(
        Status::from_name("stat_invalid_vdp_settings"),
        Some(Status::INVALID_MDC_SETTINGS)
    );
    assert_eq!(Status::from_name("locked"), Some(Status::LOCKED));
    assert_eq!(Status::from_number(1001), None);
    assert_eq!(Status::from_number(1001 + 65_536), None);
    assert_eq!(Status::from_name("STAT_"), None);
    assert_eq!(Status::from_name("ÄÖÜß"), None);
}

#[test]
fn exactly_eight_are_generic() {
    let generic: Vec<i16> = Status::all()
        .filter(|s| s.is_generic())
        .map(Status::number)
        .collect();
    assert_eq!(generic, [1007, 1009, 1010, 1011, 1012, 1023, 1025, 1033]);
    assert_eq!(Status::LOCKED.hidden(), Status::INVCREDENTIALS);
    assert_eq!(Status::GROUPCHK.hidden(), Status::GROUPCHK);
}

#[test]
fn six_count_for_the_lock() {
    let counted: Vec<i16> = Status::all()
        .filter(|s| s.counts())
        .map(Status::number)
        .collect();
    assert_eq!(counted, [1008, 1011, 1012, 1023, 1060, 1061]);
}

#[test]
fn return_classes_follow_the_number() {
    for status in Status::all() {
        let expected = match status.number() {
            0 => ReturnCode::Success,
            3001 | 3003 => ReturnCode::Challenge,
            1006 | 5001 | 5002 | 5003 => ReturnCode::Declined,
            3002 | 1000..=1999 => ReturnCode::Failure,
            _ => ReturnCode::Error,
        };
        assert_eq!(status.return_code(), expected, "{status}");
    }
    assert_eq!(ReturnCode::Declined.number(), 3);
    assert_eq!(ReturnCode::Declined.name(), "RET_DECLINED");
}

#[test]
fn packets_follow_the_number() {
    assert_eq!(Status::SUCCESS.packet(), Packet::Accept);
    assert_eq!(Status::DP_CHALLENGE.packet(), Packet::Challenge);
    assert_eq!(Status::NO_CHALLENGE.packet(), Packet::Reject);
    assert_eq!(Status::NOT_IN_GROUPS.packet(), Packet::RejectUnlessSilent);
    assert_eq!(Status::STORAGE.packet(), Packet::Silence);
    assert_eq!(Status::UNSUPPORTED.packet(), Packet::RejectOnceIdentified);
    for status in Status::all().filter(|s| (1000..2000).contains(&s.number())) {
        assert_eq!(status.packet(), Packet::Reject, "{status}");
    }
}

#[test]
fn earlier_ranks_win() {
    let first = |status: Status| status.ranks()[0];
    assert!(first(Status::LOCKED) < first(Status::PERMISSION));
    assert!(first(Status::REPLAY) < first(Status::OTP_INCORRECT));
    assert!(first(Status::NOT_IN_GROUPS) < first(Status::GROUPCHK));
    assert_eq!(Status::USER_UNKNOWN.ranks(), [70, 90]);
    let ranks: Vec<u16> = Status::all()
        .filter(|s| !s.is_error())
        .flat_map(Status::ranks)
        .copied()
        .collect();
    assert_eq!(ranks.iter().collect::<BTreeSet<_>>().len(), ranks.len());
}

#[test]
fn travels_as_a_number() {
    assert_eq!(serde_json::to_string(&Status::NOT_FOUND).unwrap(), "-13");
    assert_eq!(
        serde_json::from_str::<Status>("1012").unwrap(),
        Status::OTP_INCORRECT
    );
    assert!(serde_json::from_str::<Status>("1").is_err());
}
