//! What goes together in the record of a back-end.

use super::change::Secrets;
use crate::admin::Refusal;
use crate::model::{BackEnd, Directory, Profile, Protocol, Tls};

/// Refuses what is missing (-102) and what does not go together (-2).
pub(super) fn check(record: &BackEnd, secrets: &Secrets) -> Result<(), Refusal> {
    if record.address.is_empty() && needs_address(&record.protocol) {
        return Err(Refusal::missing("address"));
    }
    match &record.protocol {
        Protocol::Radius(own) => {
            let has = secrets.has("shared_secret", own.shared_secret.as_ref());
            demand(has, "shared_secret")
        }
        Protocol::ActiveDirectory(own) => {
            check_directory(own, secrets)?;
            of_active_directory(own)
        }
        Protocol::Ldap(own) => {
            check_directory(own, secrets)?;
            let rules = [
                (
                    own.profile == Profile::Ad,
                    "profile ad is for protocol active_directory",
                ),
                (
                    own.global_catalog.is_some(),
                    "a global catalog is for protocol active_directory",
                ),
            ];
            first_broken(&rules)
        }
        Protocol::Windows(own) => match &own.directory {
            Some(directory) => {
                check_directory(directory, secrets)?;
                of_active_directory(directory)
            }
            None => Ok(()),
        },
        Protocol::Webhook(own) => {
            demand(secrets.has("hmac_key", own.hmac_key.as_ref()), "hmac_key")?;
            let key = secrets.has("client_key", own.client_key.as_ref());
            first_broken(&[(
                own.client_certificate.is_some() != key,
                "client_certificate and client_key come together",
            )])
        }
    }
}

fn needs_address(protocol: &Protocol) -> bool {
    !matches!(protocol, Protocol::Windows(own) if own.directory.is_none())
}

fn check_directory(own: &Directory, secrets: &Secrets) -> Result<(), Refusal> {
    demand(!own.base_dn.is_empty(), "base_dn")?;
    // A name without a password would be bound as nobody (RFC 4513 5.1.2).
    let password = secrets.has("bind_password", own.bind_password.as_ref());
    first_broken(&[(
        own.bind_dn.is_some() != password,
        "bind_dn and bind_password come together",
    )])
}

fn of_active_directory(own: &Directory) -> Result<(), Refusal> {
    first_broken(&[
        (
            own.tls == Tls::None,
            "tls must be ldaps or starttls for Active Directory: passwords would cross the network readable",
        ),
        (
            own.profile != Profile::Ad,
            "the profile of Active Directory is ad",
        ),
    ])
}

fn demand(there: bool, field: &str) -> Result<(), Refusal> {
    if there {
        return Ok(());
    }
    Err(Refusal::missing(field))
}

fn first_broken(rules: &[(bool, &str)]) -> Result<(), Refusal> {
    let broken = rules.iter().find(|(broken, _)| *broken);
    broken.map_or(Ok(()), |(_, rule)| Err(Refusal::contradiction(*rule)))
}
