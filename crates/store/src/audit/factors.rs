//! Comparing stored moving factors with the newest accepted ones of the trail: a row put back by hand shows.

use crate::StoreError;
use crate::sql::Tx;
use countersign_engine::audit::{Entry, Letter};
use std::collections::BTreeMap;

const FACTORS: &str = "SELECT a.serial, p.name, p.algorithm, p.period, p.suite, s.counter, s.last_step FROM authenticator a
    JOIN application p ON p.authenticator_key = a.key JOIN application_state s ON s.application_key = p.key ORDER BY a.serial, p.position";

/// The stored moving factor of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// Serial number of the authenticator.
    pub serial: String,
    /// Application.
    pub application: String,
    /// Next acceptable counter, where the algorithm counts.
    pub counter: u64,
    /// Last accepted time step, where the algorithm goes by time.
    pub last_step: Option<u64>,
    /// Seconds of a time step.
    pub period: Option<u32>,
}

/// An application whose stored factor lies before one that the trail says was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedBack {
    /// Serial number of the authenticator.
    pub serial: String,
    /// Application.
    pub application: String,
    /// The newest accepted counter or step.
    pub accepted: u64,
    /// The stored next counter or last step.
    pub stored: u64,
}

/// The newest accepted factors of a trail, by serial number and application.
#[derive(Debug, Default)]
pub struct Accepted(BTreeMap<(String, String), Moving>);

#[derive(Debug, Clone, Copy)]
enum Moving {
    Counter(u64),
    /// Seconds since 1970 at which the accepted step began.
    Seconds(u64),
}

impl Moving {
    /// The later one; an authenticator that went over to the other kind has a new factor.
    fn newer(self, other: Self) -> Self {
        match (self, other) {
            (Self::Counter(own), Self::Counter(other)) => Self::Counter(own.max(other)),
            (Self::Seconds(own), Self::Seconds(other)) => Self::Seconds(own.max(other)),
            _ => other,
        }
    }
}

impl Accepted {
    /// Takes the next record, oldest first.
    pub fn take(&mut self, entry: &Entry) {
        let Some(serial) = entry.text("serial") else {
            return;
        };
        let application = entry.text("application");
        let verified =
            entry.text("verified_time").is_some() || entry.number("verified_counter").is_some();
        if !verified && entry.text("command").is_some() && entry.letter() == Some(Letter::S) {
            // A command may set counters back, or replace the authenticator under the same serial number.
            return self.0.retain(|(own, name), _| {
                own != serial || application.is_some_and(|wanted| wanted != name)
            });
        }
        let counter = entry.number("verified_counter").map(Moving::Counter);
        let time = || {
            entry
                .text("verified_time")
                .and_then(countersign_engine::time::Timestamp::parse)
        };
        let moving = counter.or_else(|| time().map(|time| Moving::Seconds(time.unix())));
        if let (Some(application), Some(moving)) = (application, moving) {
            // Records of several nodes come in the order of their clocks, which is not quite that of the commits.
            self.0
                .entry((serial.to_owned(), application.to_owned()))
                .and_modify(|newest| *newest = newest.newer(moving))
                .or_insert(moving);
        }
    }
}

/// The applications whose stored factors lie before the accepted ones.
pub fn moved_back(accepted: &Accepted, stored: &[Factor]) -> Vec<MovedBack> {
    stored
        .iter()
        .filter_map(|factor| back(accepted, factor))
        .collect()
}

fn back(accepted: &Accepted, factor: &Factor) -> Option<MovedBack> {
    let moving = accepted
        .0
        .get(&(factor.serial.clone(), factor.application.clone()))?;
    let (accepted, stored, is_back) = match (*moving, factor.period) {
        (Moving::Counter(counter), _) => (counter, factor.counter, factor.counter <= counter),
        (Moving::Seconds(seconds), Some(period)) => {
            let step = seconds / u64::from(period.max(1));
            (
                step,
                factor.last_step.unwrap_or(0),
                factor.last_step.is_none_or(|last| last < step),
            )
        }
        (Moving::Seconds(_), None) => return None,
    };
    let found = MovedBack {
        serial: factor.serial.clone(),
        application: factor.application.clone(),
        accepted,
        stored,
    };
    is_back.then_some(found)
}

pub(super) fn stored(tx: Tx<'_>) -> Result<Vec<Factor>, StoreError> {
    tx.all(FACTORS, &[], |row| {
        let mut c = row.columns();
        let (serial, application, algorithm) = (c.string()?, c.string()?, c.string()?);
        let (period, suite) = (c.opt_number()?, c.opt_text()?);
        let period = if algorithm == "OCRA" {
            suite.and_then(period_of_suite)
        } else {
            period
        };
        Ok(Factor {
            serial,
            application,
            period,
            counter: c.number()?,
            last_step: c.opt_number()?,
        })
    })
}

fn period_of_suite(suite: &str) -> Option<u32> {
    use countersign_engine::model::Algorithm;
    let Algorithm::Ocra(suite) = Algorithm::Ocra(Box::new(suite.parse().ok()?)) else {
        return None;
    };
    let step = suite.time()?;
    Some(step.seconds())
}
