//! User lists: CSV of name, secret in lower-case hex, type (hotp or totp), counter.

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha1::{Digest, Sha1};
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Kind {
    Hotp,
    Totp,
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Kind::Hotp => "hotp",
            Kind::Totp => "totp",
        }
    }
}

#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub secret: Vec<u8>,
    pub kind: Kind,
    /// HOTP: the next counter to use. TOTP: the last time step used.
    pub counter: u64,
}

impl User {
    fn parse(line: &str) -> Result<User> {
        let fields: Vec<&str> = line.split(',').collect();
        let &[name, secret, kind, counter] = fields.as_slice() else {
            bail!("a line is name,secret,type,counter")
        };
        let kind = match kind {
            "hotp" => Kind::Hotp,
            "totp" => Kind::Totp,
            other => bail!("unknown type {other:?}"),
        };
        let secret = HEXLOWER
            .decode(secret.as_bytes())
            .context("the secret is not lower-case hex")?;
        Ok(User {
            name: name.into(),
            secret,
            kind,
            counter: counter.parse()?,
        })
    }

    fn line(&self) -> String {
        format!(
            "{},{},{},{}\n",
            self.name,
            HEXLOWER.encode(&self.secret),
            self.kind.text(),
            self.counter
        )
    }
}

pub fn load(path: &Path) -> Result<Vec<User>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    text.lines()
        .enumerate()
        .map(|(n, line)| User::parse(line).with_context(|| format!("line {}", n + 1)))
        .collect()
}

pub fn save<'a>(path: &Path, users: impl Iterator<Item = &'a User>) -> Result<()> {
    let mut lines: Vec<String> = users.map(User::line).collect();
    lines.sort();
    std::fs::write(path, lines.concat())?;
    Ok(())
}

/// A list of `count` authenticators of so many users that is the same for the same arguments.
pub fn generate(count: usize, users: usize, kind: Kind, seed: u64) -> Vec<User> {
    let user = |n| User {
        name: format!("u{:07}", n % users),
        secret: Sha1::digest(format!("radload/{seed}/{n}")).to_vec(),
        kind,
        counter: 0,
    };
    (0..count).map(user).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_deterministic_and_survive_a_round_trip() {
        let users = generate(3, 3, Kind::Hotp, 1);
        let again: Vec<User> = users
            .iter()
            .map(|user| User::parse(user.line().trim()).unwrap())
            .collect();
        assert_eq!(users[2].secret, again[2].secret);
        assert_eq!(generate(3, 3, Kind::Hotp, 1)[2].secret, users[2].secret);
        assert_ne!(generate(3, 3, Kind::Hotp, 2)[2].secret, users[2].secret);
    }
}
