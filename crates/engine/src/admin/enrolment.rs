//! What the device of a new key must learn, told once: an otpauth URI, or for OCRA a plain PSKC document.

use super::Refusal;
use super::key_material::hash_of;
use crate::model::{Algorithm, Application, Authenticator};
use crate::{Secret, Status};
use countersign_oath::Digits;
use countersign_oath::otpauth::{Account, Kind};
use countersign_oath::pskc::{self, Protection};
use serde_json::{Map, Value as Json};

/// The issuer in otpauth URIs.
const ISSUER: &str = "Countersign";

/// `otpauth_uri` or `pskc`.
///
/// # Errors
/// -1 if the document cannot be written.
pub(super) fn told(
    authenticator: &Authenticator,
    application: &Application,
    secret: &Secret,
) -> Result<Map<String, Json>, Refusal> {
    let mut told = Map::new();
    match &application.algorithm {
        Algorithm::Hotp { digits, .. } => {
            let kind = Kind::Hotp {
                counter: application.state.counter,
            };
            told.insert(
                "otpauth_uri".to_owned(),
                Json::from(uri(authenticator, application, secret, kind, *digits)),
            );
        }
        Algorithm::Totp { digits, period, .. } => {
            let kind = Kind::Totp { period: *period };
            told.insert(
                "otpauth_uri".to_owned(),
                Json::from(uri(authenticator, application, secret, kind, *digits)),
            );
        }
        Algorithm::Ocra(suite) => {
            let mut key = pskc::Key::new(pskc::Algorithm::Ocra((**suite).clone()), secret.clone());
            key.id = Some(format!("{}-{}", authenticator.serial, application.name));
            key.serial = Some(authenticator.serial.clone());
            key.issuer = Some(ISSUER.to_owned());
            key.counter = application.state.counter;
            let document = pskc::write(&[key], &Protection::Plain, &mut |_| {});
            let document = document.map_err(|error| {
                Refusal::new(
                    Status::ERROR,
                    format!("the PSKC document cannot be written: {error}"),
                )
            })?;
            told.insert("pskc".to_owned(), Json::from(document.as_str()));
        }
    }
    Ok(told)
}

fn uri(
    authenticator: &Authenticator,
    application: &Application,
    secret: &Secret,
    kind: Kind,
    digits: u8,
) -> String {
    let account = Account {
        kind,
        issuer: Some(ISSUER.to_owned()),
        account: authenticator.serial.clone(),
        secret: secret.clone(),
        hash: hash_of(&application.algorithm),
        digits: Digits::new(digits).unwrap_or_default(),
    };
    account.to_uri().to_string()
}
