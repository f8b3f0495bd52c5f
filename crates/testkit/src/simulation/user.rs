//! What users do with their authenticators.

use super::chance::Chance;
use super::device::{Device, KEYWORD, wrong};
use super::node::Asked;
use super::plan::Plan;
use super::store::KEYS_PER_USER;
use crate::deployment;
use crate::history::{Factor, Sent};
use countersign_engine::facts::Account;
use countersign_engine::model::{ChallengeKey, UserKey};

#[derive(Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) is_radius: bool,
    pub(super) devices: Vec<Device>,
    /// What was typed before, for whoever looked over the shoulder.
    typed: Vec<Typed>,
    /// What the server asked last.
    pub(super) asked: Option<Asked>,
}

/// What a user types.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) device: usize,
    pub(super) what: Sent,
    pub(super) value: String,
    pub(super) key: Option<ChallengeKey>,
}

#[derive(Debug, Clone, Copy)]
enum Habit {
    Fresh,
    Wrong,
    Replay,
    Garbage,
}

impl User {
    pub(super) fn draw(number: usize, plan: &Plan, chance: &mut Chance) -> Self {
        let key = i64::try_from(number).unwrap_or(0) + 1;
        let devices = 1 + i64::from(chance.percent(30));
        Self {
            name: format!("user-{key}"),
            is_radius: chance.percent(50),
            devices: (0..devices)
                .map(|device| {
                    let key = key * KEYS_PER_USER + device;
                    Device::draw(key, plan.faults.device_drift_s, chance)
                })
                .collect(),
            typed: Vec::new(),
            asked: None,
        }
    }

    pub(super) fn account(&self, number: usize) -> Account {
        let key = i64::try_from(number).unwrap_or(0) + 1;
        let devices = self.devices.iter();
        let records = devices.map(|device| device.record(UserKey(key)));
        deployment::account(key, &self.name, records.collect())
    }

    /// The next thing the user types.
    pub(super) fn act(&mut self, now_s: i64, chance: &mut Chance) -> Typed {
        let habit = chance.weighted(&[
            (60, Habit::Fresh),
            (18, Habit::Wrong),
            (18, Habit::Replay),
            (4, Habit::Garbage),
        ]);
        let device = chance.index(self.devices.len());
        let typed = match habit {
            Habit::Fresh => self.fresh(device, now_s, chance),
            Habit::Wrong => self.wrong(device, chance),
            Habit::Garbage => Typed {
                device,
                what: Sent::Other,
                value: "12".to_owned(),
                key: None,
            },
            Habit::Replay => match self.typed.len() {
                0 => self.fresh(device, now_s, chance),
                // Mostly a recent one.
                all => self.typed[all - 1 - chance.index(all.min(4))].clone(),
            },
        };
        if matches!(typed.what, Sent::Value(_)) {
            self.typed.push(typed.clone());
        }
        typed
    }

    fn wrong(&self, device: usize, chance: &mut Chance) -> Typed {
        let key = self.asked.as_ref().map(|asked| asked.key);
        // A response to nothing is no value at all.
        let is_value = key.is_some() || !self.devices[device].answers_challenges();
        Typed {
            device,
            what: if is_value { Sent::Wrong } else { Sent::Other },
            value: wrong(chance),
            key,
        }
    }

    fn fresh(&mut self, device: usize, now_s: i64, chance: &mut Chance) -> Typed {
        if self.devices[device].answers_challenges() {
            return self.challenged(device);
        }
        // Who is asked for the next value types it, or begins anew.
        let key = self
            .asked
            .take()
            .filter(|asked| asked.digits.is_none() && chance.percent(80))
            .map(|asked| asked.key);
        let skipped = if key.is_none() && chance.percent(10) {
            1 + chance.below(3)
        } else {
            0
        };
        let pressed = self.devices[device].press(now_s, skipped);
        typed(device, pressed, key)
    }

    fn challenged(&mut self, device: usize) -> Typed {
        if let Some(Asked {
            key,
            digits: Some(digits),
        }) = self.asked.take()
        {
            let hint = data_encoding::HEXLOWER.encode(&key.0[..4]);
            let response = self.devices[device].respond(&digits, &hint);
            return typed(device, response, Some(key));
        }
        Typed {
            device,
            what: Sent::Other,
            value: KEYWORD.to_owned(),
            key: None,
        }
    }
}

fn typed(device: usize, made: Option<(Factor, String)>, key: Option<ChallengeKey>) -> Typed {
    let (factor, value) = made.expect("the device makes values of this kind");
    Typed {
        device,
        what: Sent::Value(factor),
        value,
        key,
    }
}
