//! What clients were told is accepted.

use super::{Factor, History, Observation, Sent, Violation};
use std::collections::HashMap;

pub(super) fn check(history: &History, found: &mut Vec<Violation>) {
    let accepted: Vec<&Observation> = history
        .observations
        .iter()
        .filter(|one| one.is_accepted())
        .collect();
    let wrong = accepted.iter().filter(|one| one.what == Sent::Wrong);
    found.extend(wrong.map(|one| Violation::WrongAccepted {
        request: one.to_string(),
    }));
    twice(&accepted, found);
    backwards(history, &accepted, found);
}

/// When each packet was first sent to each node: an answer from memory is as old as that.
struct First<'a>(HashMap<(u64, &'a str), u64>);

impl<'a> First<'a> {
    fn of(history: &'a History) -> Self {
        let mut first = HashMap::new();
        for one in &history.observations {
            if let Some(packet) = one.packet {
                let sent = first.entry((packet, one.node.as_str())).or_insert(one.sent);
                *sent = one.sent.min(*sent);
            }
        }
        Self(first)
    }

    fn sent(&self, one: &Observation) -> u64 {
        let packet = one.packet.map(|packet| (packet, one.node.as_str()));
        let first = packet.and_then(|packet| self.0.get(&packet));
        first.copied().unwrap_or(one.sent)
    }
}

/// A factor accepted more than once; where it is unknown, the value.
fn twice(accepted: &[&Observation], found: &mut Vec<Violation>) {
    let mut by_factor: HashMap<(&str, &Factor), &Observation> = HashMap::new();
    let mut by_value: HashMap<(&str, &str), &Observation> = HashMap::new();
    for one in accepted {
        let Some(serial) = one.serial.as_deref() else {
            continue;
        };
        if let Some(factor) = one.factor() {
            let first = *by_factor.entry((serial, factor)).or_insert(one);
            report(serial, &factor.to_string(), first, one, found);
        }
        if one.value.is_empty() || one.what == Sent::Other {
            continue;
        }
        let first = *by_value.entry((serial, &one.value)).or_insert(one);
        // Two factors may have one value by chance.
        if first.factor().is_none() || one.factor().is_none() {
            report(serial, &format!("value {}", one.value), first, one, found);
        }
    }
}

fn report(
    serial: &str,
    what: &str,
    first: &Observation,
    second: &Observation,
    found: &mut Vec<Violation>,
) {
    if !std::ptr::eq(first, second) && !first.is_same_accept(second) {
        found.push(Violation::AcceptedTwice {
            serial: serial.to_owned(),
            what: what.to_owned(),
            first: first.to_string(),
            second: second.to_string(),
        });
    }
}

/// An earlier factor accepted in a request that was sent when the accept of a later one was already known.
fn backwards(history: &History, accepted: &[&Observation], found: &mut Vec<Violation>) {
    let first = First::of(history);
    let mut of_serial: HashMap<&str, Vec<(&Observation, &Factor)>> = HashMap::new();
    for one in accepted {
        if let (Some(serial), Some(factor)) = (one.serial.as_deref(), one.factor()) {
            of_serial.entry(serial).or_default().push((one, factor));
        }
    }
    let mut serials: Vec<_> = of_serial.into_iter().collect();
    serials.sort_by_key(|(serial, _)| *serial);
    for (serial, all) in serials {
        let mut known = all.clone();
        known.sort_by_key(|(one, _)| one.answered.unwrap_or(u64::MAX));
        let mut sent = all;
        sent.sort_by_key(|(one, _)| first.sent(one));
        let mut known = known.into_iter().peekable();
        let mut newest: Option<(&Observation, &Factor)> = None;
        for (one, factor) in sent {
            while let Some((told, later)) =
                known.next_if(|(told, _)| told.answered.is_some_and(|at| at <= first.sent(one)))
            {
                if newest.is_none_or(|(_, newest)| newest.is_before(later)) {
                    newest = Some((told, later));
                }
            }
            if let Some((told, later)) = newest
                && factor.is_before(later)
                && !told.is_same_accept(one)
            {
                found.push(Violation::AcceptedAfterLater {
                    serial: serial.to_owned(),
                    factor: factor.clone(),
                    later: later.clone(),
                    request: one.to_string(),
                });
            }
        }
    }
}
