//! Authenticators in the hands of users.

use super::chance::Chance;
use crate::deployment::authenticator;
use crate::history::Factor;
use countersign_engine::model::{Algorithm, Authenticator, UserKey};
use countersign_oath::ocra::{DataInput, Question, Suite, compute};
use countersign_oath::{Hash, hotp, totp};

/// What a user types to be asked a challenge.
pub(super) const KEYWORD: &str = "ask";
/// Ten digits: a truncated hash is below 2^31, so a value that begins with 9 is right for nothing, and two values are
/// equal by chance once in two thousand million.
const DIGITS: u8 = 10;
const PERIOD: u32 = 30;
const SUITES: [&str; 2] = ["OCRA-1:HOTP-SHA1-10:QN08", "OCRA-1:HOTP-SHA1-10:C-QN08"];

#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) serial: String,
    key: i64,
    secret: Vec<u8>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Event { next: u64 },
    Time { drift_s: i64 },
    Challenge { suite: Box<Suite>, next: u64 },
}

impl Device {
    pub(super) fn draw(key: i64, drift_s: i64, chance: &mut Chance) -> Self {
        let kind = match chance.below(5) {
            0 | 1 => Kind::Event { next: 0 },
            2 | 3 => Kind::Time {
                drift_s: chance.between(-drift_s, drift_s),
            },
            _ => Kind::Challenge {
                suite: Box::new(chance.pick(&SUITES).parse().expect("an OCRA suite")),
                next: 0,
            },
        };
        Self {
            serial: format!("{key:010}"),
            key,
            secret: format!("key of device {key:06}").into_bytes(),
            kind,
        }
    }

    /// Its records, as after an import.
    pub(super) fn record(&self, owner: UserKey) -> Authenticator {
        let (hash, digits) = (Hash::Sha1, DIGITS);
        let algorithm = match &self.kind {
            Kind::Event { .. } => Algorithm::Hotp { hash, digits },
            Kind::Time { .. } => Algorithm::Totp {
                hash,
                digits,
                period: PERIOD,
            },
            Kind::Challenge { suite, .. } => Algorithm::Ocra(suite.clone()),
        };
        authenticator(self.key, &self.serial, owner, algorithm, &self.secret)
    }

    pub(super) fn answers_challenges(&self) -> bool {
        matches!(self.kind, Kind::Challenge { .. })
    }

    /// The next value and what it stands for; `skipped` values were shown and never sent. A challenge device has none.
    pub(super) fn press(&mut self, now_s: i64, skipped: u64) -> Option<(Factor, String)> {
        match &mut self.kind {
            Kind::Event { next } => {
                let counter = *next + skipped;
                *next = counter + 1;
                let value = hotp(&self.secret, counter, Hash::Sha1, DIGITS);
                Some((Factor::Counter(counter), value.as_str().to_owned()))
            }
            Kind::Time { drift_s } => {
                let shown = u64::try_from(now_s + *drift_s).unwrap_or(0);
                let step = totp::step(shown, PERIOD);
                let value = hotp(&self.secret, step, Hash::Sha1, DIGITS);
                Some((Factor::step(step, PERIOD), value.as_str().to_owned()))
            }
            Kind::Challenge { .. } => None,
        }
    }

    /// The response to a question, and what it stands for.
    pub(super) fn respond(&mut self, question: &str, hint: &str) -> Option<(Factor, String)> {
        let Kind::Challenge { suite, next } = &mut self.kind else {
            return None;
        };
        let counter = *next;
        let input = DataInput {
            counter: Some(counter).filter(|_| suite.counter()),
            ..DataInput::new(Question::Single(question))
        };
        let response = compute(suite, &self.secret, &input).ok()?;
        let factor = if suite.counter() {
            *next += 1;
            Factor::Counter(counter)
        } else {
            Factor::Challenge(hint.to_owned())
        };
        Some((factor, response.code()?.as_str().to_owned()))
    }
}

/// A value of the right length that no device ever shows.
pub(super) fn wrong(chance: &mut Chance) -> String {
    format!("9{:09}", chance.below(1_000_000_000))
}
