//! Sample users and their authenticators.

use crate::client::Client;
use anyhow::{Context, Result, bail};
use countersign_keyring::random;
use countersign_oath::Secret;
use countersign_oath::pskc::{self, Algorithm, Key, Protection};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The sample file in the data directory.
pub(super) const FILE: &str = "demo-authenticators.xml";
/// Passphrase of the sample file. It protects nothing: it shows how a file is protected.
pub(super) const PASSPHRASE: &str = "countersign demo";
/// Challenge and response: six digits for a question of eight.
pub(super) const SUITE: &str = "OCRA-1:HOTP-SHA1-6:QN08";
/// Carol's PIN.
pub(super) const PIN: &str = "2580";
const ITERATIONS: u32 = 10_000;
/// The policy on which the keyword `challenge` asks for one.
const POLICY: &str = "challenge_response";

/// One sample user.
pub(super) struct Sample {
    pub(super) user: &'static str,
    pub(super) serial: &'static str,
    pub(super) key: Key,
}

/// All of them.
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    /// Users with fresh keys.
    pub(super) fn new() -> Result<Self> {
        let suite = SUITE.parse().context("read the OCRA suite")?;
        let rows = [
            ("alice", "DEMO-HOTP-1", Algorithm::Hotp),
            ("bob", "DEMO-TOTP-1", Algorithm::Totp),
            ("carol", "DEMO-PIN-1", Algorithm::Hotp),
            ("dave", "DEMO-OCRA-1", Algorithm::Ocra(suite)),
        ];
        let sample =
            |(user, serial, algorithm): (&'static str, &'static str, Algorithm)| -> Result<Sample> {
                let mut key = Key::new(algorithm, Secret::new(random::random::<20>()?));
                key.id = Some(serial.to_owned());
                key.serial = Some(serial.to_owned());
                key.manufacturer = Some("Countersign Demo".to_owned());
                Ok(Sample { user, serial, key })
            };
        Ok(Self(rows.into_iter().map(sample).collect::<Result<_>>()?))
    }

    /// The key of a user in hexadecimal, as `oathtool` takes it.
    pub(super) fn hex(&self, user: &str) -> String {
        let sample = self.0.iter().find(|sample| sample.user == user);
        sample.map_or(String::new(), |sample| {
            data_encoding::HEXLOWER.encode(sample.key.secret.expose())
        })
    }

    /// The PSKC file with all keys.
    pub(super) fn pskc(&self) -> Result<zeroize::Zeroizing<String>> {
        let keys: Vec<Key> = self.0.iter().map(|sample| sample.key.clone()).collect();
        let protection = Protection::Passphrase {
            name: "demo".to_owned(),
            passphrase: Secret::new(PASSPHRASE),
            iterations: ITERATIONS,
        };
        let mut failed = None;
        let text = pskc::write(&keys, &protection, &mut |bytes| {
            failed = random::fill(bytes).err().or(failed.take());
        });
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(text?),
        }
    }

    /// Makes the users, imports the file and gives everybody his authenticator.
    pub(super) async fn import(&self, client: &mut Client, file: &Path) -> Result<()> {
        let data =
            std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let answer = done(
            client,
            "import",
            "pskc",
            json!({"data": data, "passphrase": PASSPHRASE}),
        )
        .await?;
        let rows = answer
            .get("rows")
            .and_then(Value::as_array)
            .context("read the rows of the import")?;
        if let Some(refused) = rows
            .iter()
            .find(|row| row.get("status_code") != Some(&json!(0)))
        {
            bail!("import the sample file: {refused}");
        }
        for Sample { user, serial, .. } in &self.0 {
            done(client, "user", "create", json!({"user": user})).await?;
            done(
                client,
                "authenticator",
                "assign",
                json!({"serial": serial, "user": user}),
            )
            .await?;
        }
        set_pin(client, "DEMO-PIN-1").await?;
        for kind in ["radius_client", "web_module"] {
            done(
                client,
                "component",
                "set-policy",
                json!({"type": kind, "location": "127.0.0.1", "policy": POLICY}),
            )
            .await?;
        }
        Ok(())
    }
}

async fn set_pin(client: &mut Client, serial: &str) -> Result<()> {
    let device = done(client, "authenticator", "view", json!({"serial": serial})).await?;
    let first = device
        .get("applications")
        .and_then(|all| all.get(0))
        .context("read the applications of the authenticator")?;
    let name = first
        .get("application")
        .or_else(|| first.get("name"))
        .and_then(Value::as_str)
        .context("read the name of the application")?
        .to_owned();
    done(
        client,
        "application",
        "update",
        json!({"serial": serial, "application": name, "pin_supported": true}),
    )
    .await?;
    done(
        client,
        "application",
        "enable-pin",
        json!({"serial": serial, "application": name}),
    )
    .await?;
    done(
        client,
        "application",
        "set-pin",
        json!({"serial": serial, "application": name, "pin": PIN}),
    )
    .await?;
    Ok(())
}

/// Runs a command that must succeed; its result.
pub(super) async fn done(
    client: &mut Client,
    object: &str,
    verb: &str,
    body: Value,
) -> Result<Map<String, Value>> {
    let Value::Object(body) = body else {
        bail!("{object} {verb}: the body is no object")
    };
    let envelope = client.command(object, verb, &body).await?;
    Ok(envelope.expect_success(&format!("{object} {verb}"))?.result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_file_reads_back() {
        let samples = Samples::new().unwrap();
        let options = pskc::Options {
            passphrase: Some(Secret::new(PASSPHRASE)),
            ..pskc::Options::default()
        };
        let read = pskc::read(samples.pskc().unwrap().as_bytes(), &options).unwrap();
        let serials: Vec<_> = read
            .packages
            .into_iter()
            .map(|key| key.unwrap().serial.unwrap())
            .collect();
        assert_eq!(
            serials,
            samples
                .0
                .iter()
                .map(|sample| sample.serial)
                .collect::<Vec<_>>()
        );
    }
}
