//! What the trail says, against itself and against what clients were told.

use super::{Answer, Factor, History, Observation, Record, Sent, Violation};
use std::collections::{HashMap, HashSet};

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let Some(trail) = &history.trail else { return };
    once(trail, found);
    forwards(trail, found);
    told(history, trail, found);
    if history.complete {
        asked_for(history, trail, found);
    }
}

/// Each record once, each factor in one record.
fn once(trail: &[Record], found: &mut Vec<Violation>) {
    let mut amids = HashSet::new();
    let mut factors: HashMap<(Option<&str>, Option<&str>, &Factor), &Record> = HashMap::new();
    for record in trail {
        if !amids.insert(&record.amid) {
            found.push(Violation::RecordTwice {
                amid: record.amid.clone(),
            });
            continue;
        }
        let Some(factor) = record.factor.as_ref().filter(|_| record.is_accept()) else {
            continue;
        };
        let place = (
            record.serial.as_deref(),
            record.application.as_deref(),
            factor,
        );
        if let Some(first) = factors.insert(place, record) {
            found.push(Violation::FactorRecordedTwice {
                authenticator: record.authenticator(),
                factor: factor.clone(),
                amids: [first.amid.clone(), record.amid.clone()],
            });
        }
    }
}

/// In what one node writes the factors of an application rise.
fn forwards(trail: &[Record], found: &mut Vec<Violation>) {
    let mut newest: HashMap<(&str, String), &Factor> = HashMap::new();
    for record in in_order(trail) {
        let Some(factor) = record.factor.as_ref().filter(|_| record.is_accept()) else {
            continue;
        };
        let place = (record.node.as_str(), record.authenticator());
        let Some(before) = newest.insert(place, factor) else {
            continue;
        };
        if factor.is_before(before) {
            found.push(Violation::RecordedBackwards {
                authenticator: record.authenticator(),
                before: before.clone(),
                after: factor.clone(),
                amid: record.amid.clone(),
            });
        }
    }
}

/// What clients were told stands in the trail.
fn told(history: &History, trail: &[Record], found: &mut Vec<Violation>) {
    let mut of_request: HashMap<&str, Vec<&Record>> = HashMap::new();
    for record in trail.iter().filter(|record| record.is_main()) {
        if let Some(id) = &record.request_id {
            of_request.entry(id).or_default().push(record);
        }
    }
    let accepted: HashSet<(&str, &Factor)> = accepts(trail)
        .map(|(_, serial, factor)| (serial, factor))
        .collect();
    for one in &history.observations {
        let records = one
            .request_id
            .as_deref()
            .map(|id| of_request.get(id).map_or(&[][..], Vec::as_slice));
        match (one.answer, records) {
            (Answer::Accepted, Some(records)) => accept_recorded(one, records, found),
            (Answer::Accepted, None) => {
                if let (Some(serial), Some(factor)) = (one.serial.as_deref(), one.factor())
                    && !accepted.contains(&(serial, factor))
                {
                    found.push(Violation::AcceptWithoutRecord {
                        request: one.to_string(),
                    });
                }
            }
            (Answer::Refused(status), Some(records)) if status > 0 => {
                refusal_recorded(one, status, records, found);
            }
            _ => {}
        }
    }
}

fn accept_recorded(one: &Observation, records: &[&Record], found: &mut Vec<Violation>) {
    let Some(record) = records.iter().find(|record| record.is_accept()) else {
        return found.push(Violation::AcceptWithoutRecord {
            request: one.to_string(),
        });
    };
    let sent = (one.serial.as_deref(), one.factor());
    let recorded = (record.serial.as_deref(), record.factor.as_ref());
    if sent.1.is_some() && sent != recorded {
        found.push(Violation::RecordDiffers {
            request: one.to_string(),
            told: format!("{} {}", text(sent.0), factor_text(sent.1)),
            recorded: format!("{} {}", text(recorded.0), factor_text(recorded.1)),
        });
    }
}

fn refusal_recorded(
    one: &Observation,
    status: i16,
    records: &[&Record],
    found: &mut Vec<Violation>,
) {
    if records.iter().any(|record| record.told() == Some(status)) {
        return;
    }
    found.push(match records.first() {
        Some(record) => Violation::RecordDiffers {
            request: one.to_string(),
            told: format!("status {status}"),
            recorded: format!("status {:?}", record.told()),
        },
        None => Violation::RefusalWithoutRecord {
            request: one.to_string(),
            status,
        },
    });
}

/// Every accepted factor of the users of this history was sent, in a request that may have been accepted.
fn asked_for(history: &History, trail: &[Record], found: &mut Vec<Violation>) {
    let serials: HashSet<&str> = history
        .observations
        .iter()
        .filter_map(|one| one.serial.as_deref())
        .collect();
    let mut possible: HashSet<(&str, &Factor)> = HashSet::new();
    let mut guessed: HashSet<&str> = HashSet::new();
    for one in history
        .observations
        .iter()
        .filter(|one| one.may_be_accepted())
    {
        match (&one.what, one.serial.as_deref()) {
            (Sent::Value(factor), Some(serial)) => {
                possible.insert((serial, factor));
            }
            (Sent::Unknown, Some(serial)) => {
                guessed.insert(serial);
            }
            _ => {}
        }
    }
    for (record, serial, factor) in accepts(trail) {
        let known = possible.contains(&(serial, factor)) || guessed.contains(serial);
        if serials.contains(serial) && !known {
            found.push(Violation::RecordWithoutRequest {
                what: format!("{serial} {factor}"),
                amid: record.amid.clone(),
            });
        }
    }
}

/// The records in an order in which those of each node stand as they were written: chain after chain as they begin in the
/// trail, each by its own numbers.
pub(super) fn in_order(trail: &[Record]) -> Vec<&Record> {
    let mut begun: HashMap<&str, usize> = HashMap::new();
    for (place, record) in trail.iter().enumerate() {
        begun.entry(&record.epoch).or_insert(place);
    }
    let mut all: Vec<&Record> = trail.iter().collect();
    all.sort_by_key(|record| (begun.get(record.epoch.as_str()), record.seq));
    all
}

/// The accepts of a trail, with authenticator and factor.
pub(super) fn accepts(trail: &[Record]) -> impl Iterator<Item = (&Record, &str, &Factor)> {
    trail
        .iter()
        .filter(|record| record.is_accept())
        .filter_map(|record| Some((record, record.serial.as_deref()?, record.factor.as_ref()?)))
}

fn text(text: Option<&str>) -> &str {
    text.unwrap_or("no authenticator")
}

fn factor_text(factor: Option<&Factor>) -> String {
    factor.map_or_else(|| "no factor".to_owned(), Factor::to_string)
}
