//! Passwords at a RADIUS server, by PAP.

use crate::measure::Client;
use anyhow::{Context, Result, ensure};
use countersign_testkit::{Raw, freeradius};
use std::time::Duration;

/// The code of Access-Accept.
const ACCEPT: u8 = 2;

/// Some of the users, one after the other.
pub(crate) struct Passwords {
    raw: Raw,
    users: Vec<String>,
    next: usize,
}

impl Passwords {
    pub(crate) fn new(address: &str, secret: &str, users: &[String]) -> Self {
        Self {
            raw: Raw::to(address, secret, Duration::from_secs(10)),
            users: users.to_vec(),
            next: 0,
        }
    }
}

impl Client for Passwords {
    fn ask(&mut self) -> Result<()> {
        let user = self.users.get(self.next % self.users.len().max(1));
        self.next += 1;
        accepted(
            &mut self.raw,
            user.context("no users")?,
            freeradius::PASSWORD,
        )
    }
}

/// Asks with a password; the answer must be a yes.
pub(crate) fn accepted(raw: &mut Raw, user: &str, password: &str) -> Result<()> {
    let request = raw.pap(user, password);
    let answer = raw
        .ask(&request)
        .with_context(|| format!("no answer for {user}"))?;
    ensure!(answer.first() == Some(&ACCEPT), "{user} was refused");
    Ok(())
}
