//! What the store held.

use super::records::accepts;
use super::{Factor, History, Observation, Reading, Violation};
use std::collections::BTreeMap;

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let mut of_serial: BTreeMap<&str, Vec<&Reading>> = BTreeMap::new();
    for reading in &history.readings {
        of_serial.entry(&reading.serial).or_default().push(reading);
    }
    for (serial, mut readings) in of_serial {
        readings.sort_by_key(|reading| reading.at);
        for pair in readings.windows(2) {
            went_back(pair[0], pair[1], found);
        }
        let sent: Vec<&Observation> = history
            .observations
            .iter()
            .filter(|one| one.serial.as_deref() == Some(serial))
            .collect();
        for reading in &readings {
            behind_accept(reading, &sent, found);
        }
        let at_rest = |reading: &&&Reading| sent.iter().all(|one| one.sent < reading.at);
        if let Some(last) = readings.last().filter(at_rest) {
            behind_trail(last, history, found);
            if history.complete {
                beyond(readings[0], last, &sent, found);
            }
        }
    }
}

fn went_back(from: &Reading, to: &Reading, found: &mut Vec<Violation>) {
    if to.next_counter < from.next_counter || to.last_second < from.last_second {
        found.push(Violation::WentBack {
            serial: to.serial.clone(),
            from: stored(from),
            to: stored(to),
        });
    }
}

fn behind_accept(reading: &Reading, sent: &[&Observation], found: &mut Vec<Violation>) {
    let accepted = sent
        .iter()
        .filter(|one| one.is_accepted() && one.answered.is_some_and(|at| at <= reading.at))
        .filter_map(|one| one.factor());
    newest_behind(reading, accepted, found);
}

fn behind_trail(last: &Reading, history: &History, found: &mut Vec<Violation>) {
    let trail = history.trail.as_deref().unwrap_or_default();
    let accepted = accepts(trail)
        .filter(|(_, serial, _)| *serial == last.serial)
        .map(|(.., factor)| factor);
    newest_behind(last, accepted, found);
}

/// One violation for the newest of the factors that the reading does not cover.
fn newest_behind<'a>(
    reading: &Reading,
    accepted: impl Iterator<Item = &'a Factor>,
    found: &mut Vec<Violation>,
) {
    let behind = accepted
        .filter(|factor| match factor {
            Factor::Counter(counter) => reading.next_counter.is_some_and(|next| next <= *counter),
            Factor::Second(second) => reading.last_second.is_none_or(|last| last < *second),
            Factor::Challenge(_) => false,
        })
        .max();
    if let Some(factor) = behind {
        let violation = Violation::StoredBehindAccept {
            serial: reading.serial.clone(),
            accepted: factor.clone(),
            stored: stored(reading),
        };
        if !found.contains(&violation) {
            found.push(violation);
        }
    }
}

/// What is stored at the end was there at the beginning, or was sent.
fn beyond(first: &Reading, last: &Reading, sent: &[&Observation], found: &mut Vec<Violation>) {
    let Some(newest) = sent.iter().filter_map(|one| one.factor()).max() else {
        return;
    };
    let is_beyond = match newest {
        Factor::Counter(counter) => {
            last.next_counter > first.next_counter.max(Some(counter.saturating_add(1)))
        }
        Factor::Second(second) => last.last_second > first.last_second.max(Some(*second)),
        Factor::Challenge(_) => false,
    };
    if is_beyond {
        found.push(Violation::StoredBeyondSent {
            serial: last.serial.clone(),
            stored: stored(last),
            sent: newest.clone(),
        });
    }
}

fn stored(reading: &Reading) -> String {
    match (reading.next_counter, reading.last_second) {
        (_, Some(second)) => format!("last time step at {second}"),
        (Some(counter), None) => format!("next counter {counter}"),
        (None, None) => "nothing".to_owned(),
    }
}
