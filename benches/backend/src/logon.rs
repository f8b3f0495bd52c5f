//! OTP logons through this server.

use crate::measure::Client;
use crate::radius::accepted;
use anyhow::Result;
use countersign_oath::{Hash, hotp};
use countersign_testkit::Raw;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The key of the authenticators.
const KEY: &[u8] = b"12345678901234567890";

/// The next counter of each user, kept from run to run.
type Counters = Arc<Mutex<HashMap<String, u64>>>;

/// All users and what their authenticators show next.
pub(crate) struct Logons {
    address: String,
    secret: String,
    counters: Counters,
}

/// Some of the users, one after the other.
struct Part {
    raw: Raw,
    counters: Counters,
    users: Vec<String>,
    next: usize,
}

impl Logons {
    pub(crate) fn new(address: &str, secret: &str, users: &[String]) -> Self {
        let counters = users.iter().map(|user| (user.clone(), 0)).collect();
        Self {
            address: address.to_owned(),
            secret: secret.to_owned(),
            counters: Arc::new(Mutex::new(counters)),
        }
    }

    pub(crate) fn clients(&mut self, users: &[String]) -> Result<Box<dyn Client>> {
        Ok(Box::new(Part {
            raw: Raw::to(&self.address, &self.secret, Duration::from_secs(10)),
            counters: Arc::clone(&self.counters),
            users: users.to_vec(),
            next: 0,
        }))
    }
}

impl Client for Part {
    fn ask(&mut self) -> Result<()> {
        let Some(user) = self.users.get(self.next % self.users.len().max(1)) else {
            return Ok(());
        };
        self.next += 1;
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = counters.entry(user.clone()).or_default();
        let otp = hotp(KEY, *counter, Hash::Sha1, 6);
        *counter += 1;
        drop(counters);
        accepted(&mut self.raw, user, otp.as_str())
    }
}
