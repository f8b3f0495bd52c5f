use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Names and kinds as the text tells them.
fn told(text: &str) -> BTreeMap<String, String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split_once(' '))
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect()
}

/// Metrics of which each has a sample.
fn touched() -> Metrics {
    let metrics = Metrics::default();
    metrics.dropped("busy");
    metrics.command("user", "view", -13, Duration::from_millis(3));
    metrics.exported("sent", 2);
    metrics.back_end("the directory", "accepted", Duration::from_millis(3));
    metrics.set_certificate_expiry(2_000_000_000);
    metrics.set_clock_offset(Some(0.5));
    metrics
        .logons
        .get_or_create(&LogonLabels {
            via: "radius",
            status: 0,
        })
        .inc();
    metrics
}

/// What is read at a scrape, of one back-end.
fn levels() -> Levels {
    Levels {
        back_ends: vec![ServerHealth {
            name: "the directory".to_owned(),
            in_flight: 3,
            ..ServerHealth::default()
        }],
        ..Levels::default()
    }
}

#[test]
fn the_table_names_every_metric_and_nothing_else() {
    let wanted: BTreeMap<String, String> = METRICS
        .iter()
        .map(|row| (row.registered().to_owned(), row.kind.word().to_owned()))
        .collect();
    assert_eq!(wanted.len(), METRICS.len(), "no name stands twice");
    assert_eq!(told(&touched().encode(&levels())), wanted);
}

#[test]
fn names_and_labels_follow_one_rule() {
    for row in METRICS {
        assert!(row.name.starts_with("countersign_"), "{}", row.name);
        assert_eq!(
            row.name.ends_with("_total"),
            row.kind == Kind::Counter,
            "{}",
            row.name
        );
        let seconds = row.unit == "seconds" || row.unit == "Unix seconds";
        assert_eq!(row.name.ends_with("_seconds"), seconds, "{}", row.name);
        assert_eq!(
            row.name.ends_with("_bytes"),
            row.unit == "bytes",
            "{}",
            row.name
        );
        let ends = (row.meaning.ends_with('.'), row.advice.ends_with(['.', '?']));
        assert_eq!(ends, (false, true), "{}", row.name);
    }
}

/// The labels that samples of a metric carry, `le` apart.
fn labels(text: &str, row: &Row) -> BTreeSet<String> {
    let samples = row.samples();
    let of_row = text.lines().filter_map(|line| {
        let (name, rest) = line.split_once('{')?;
        samples.iter().any(|sample| sample == name).then_some(rest)
    });
    of_row
        .flat_map(|rest| {
            let inner = rest.split('}').next().unwrap_or_default();
            inner
                .split("\",")
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|name| name != "le")
        .collect()
}

#[test]
fn samples_carry_the_labels_of_the_table() {
    let metrics = touched();
    let text = metrics.encode(&levels());
    for row in METRICS {
        let wanted: BTreeSet<String> = row.labels.iter().map(|&label| label.to_owned()).collect();
        assert_eq!(labels(&text, row), wanted, "{}", row.name);
    }
}

#[test]
fn levels_are_read_when_they_are_asked_for() {
    let metrics = Metrics::default();
    let levels = Levels {
        store: Readings {
            waiting: 3,
            cached: 5,
            hits: 7,
            misses: 11,
            challenges: 13,
            unsigned: Duration::from_millis(1500),
        },
        password_waiting: 17,
        password_busy: 2,
        ..levels()
    };
    metrics.set_ready(true);
    let text = metrics.encode(&levels);
    for line in [
        "countersign_ready 1",
        "countersign_store_waiting 3",
        "countersign_cache_accounts 5",
        "countersign_cache_hits_total 7",
        "countersign_cache_misses_total 11",
        "countersign_challenges_outstanding 13",
        "countersign_audit_unsigned_seconds 1.5",
        "countersign_password_waiting 17",
        "countersign_password_busy 2",
        "countersign_back_end_up{server=\"the directory\"} 0",
        "countersign_back_end_in_flight{server=\"the directory\"} 3",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} in\n{text}");
    }
}

#[test]
fn the_store_is_heard() {
    let metrics = Metrics::default();
    metrics.committed(&Batch {
        works: 40,
        conflicts: 3,
        failures: 0,
        took: Duration::from_millis(2),
    });
    Observer::read(&metrics, Duration::from_micros(700));
    let text = metrics.encode(&Levels::default());
    for line in [
        "countersign_store_batch_size_sum 40.0",
        "countersign_store_commit_seconds_count 1",
        "countersign_store_conflicts_total 3",
        "countersign_store_read_seconds_bucket{le=\"0.0005\"} 0",
        "countersign_store_read_seconds_bucket{le=\"0.001\"} 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} in\n{text}");
    }
}

#[test]
fn what_is_not_known_is_not_told() {
    let metrics = Metrics::default();
    let told = |name: &str| {
        let text = metrics.encode(&Levels::default());
        text.lines().any(|line| line.starts_with(name))
    };
    assert!(!told("countersign_clock_offset_seconds"));
    metrics.set_clock_offset(Some(-1.25));
    metrics.set_certificate_expiry(2_000_000_000);
    assert!(told("countersign_clock_offset_seconds"));
    assert!(told("countersign_certificate_expires_seconds"));
    metrics.set_clock_offset(None);
    assert!(!told("countersign_clock_offset_seconds"));
}
