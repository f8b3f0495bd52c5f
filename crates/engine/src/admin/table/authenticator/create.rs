use super::shown::shown;
use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::enrolment;
use crate::admin::meta::fresh;
use crate::admin::needs::{Device, Needs};
use crate::admin::table::authenticator_type;
use crate::admin::{Fields, Put, Refusal, Stop, Write, key_material as key};
use crate::dice::{Dice, Purpose};
use crate::model::{ApplicationKind, Authenticator, AuthenticatorKey, DomainKey};
use crate::snapshot::Snapshot;
use crate::time::Timestamp;

/// Digits of a serial number that is made: as many as a serial typed without separator has.
const SERIAL_DIGITS: usize = 10;
/// The type where none is named.
const SOFTWARE: &str = "software";

pub(super) fn needs(fields: &Fields, _: &Snapshot) -> Needs {
    Needs::none().authenticator(fields.text("serial"))
}

pub(super) fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (fields, given) = (context.fields, context.given);
    let domain = context.domain("domain")?.key;
    let algorithm = key::algorithm(fields)?;
    let secret = key::secret(fields, &algorithm, given.dice)?;
    let serial = serial(fields, given.dice);
    if !matches!(given.facts.device(&serial), Device::Nobody) {
        return Err(Refusal::exists(format_args!("authenticator {serial}")).into());
    }
    let kind = fields
        .text("application_type")
        .and_then(ApplicationKind::parse)
        .unwrap_or_else(|| key::usual_kind(&algorithm));
    let counter = fields
        .number("counter")
        .and_then(|n| u64::try_from(n).ok())
        .unwrap_or(0);
    let mut application = key::application(
        fields.text("application").unwrap_or(kind.code()),
        0,
        kind,
        algorithm,
        counter,
        given.at,
    );
    key::patch_flags(fields, &mut application);

    let named = fields.text("type").unwrap_or(SOFTWARE);
    let known = authenticator_type::named(given.snapshot, named);
    let mut authenticator = plain(
        serial,
        domain,
        known.map_or(named, |known| known.name.as_str()),
        given.at,
    );
    authenticator.reserved = fields.flag("reserved").unwrap_or(false);
    authenticator.expires_at = fields.day("expires_at");
    authenticator.starts_at = fields.time("starts_at");
    fields.patch_text("description", &mut authenticator.description);
    authenticator.applications.push(application.clone());

    let mut outcome = Outcome::answer(shown(context, &authenticator));
    outcome
        .result
        .append(&mut enrolment::told(&authenticator, &application, &secret)?);
    if secret.len() < key::STRONG {
        outcome = outcome.warn(
            Status::INVDATA,
            "the key is shorter than 128 bits (RFC 4226 R6)",
        );
    }
    if known.is_none() {
        outcome = outcome.write(Write::Type(Put::new(authenticator_type::generic(
            named, given.at,
        ))));
    }
    let row = authenticator.key;
    let put = Put::new(application).with("secret", Some(secret));
    let outcome = outcome.write(Write::Authenticator(Box::new(Put::new(authenticator))));
    Ok(outcome.write(Write::Application(row, Box::new(put))))
}

fn serial(fields: &Fields, dice: &Dice) -> String {
    fields.text("serial").map_or_else(
        || dice.digits(Purpose::Serial, SERIAL_DIGITS),
        str::to_owned,
    )
}

/// A free authenticator without applications.
pub(in crate::admin) fn plain(
    serial: String,
    domain: DomainKey,
    type_name: &str,
    at: Timestamp,
) -> Authenticator {
    Authenticator {
        key: AuthenticatorKey(-1),
        serial,
        domain,
        org_unit: None,
        type_name: type_name.to_owned(),
        user: None,
        assigned_at: None,
        reserved: false,
        grace_end: None,
        expires_at: None,
        starts_at: None,
        disabled_at: None,
        description: String::new(),
        backup_virtual: None,
        backup_until: None,
        backup_uses_left: None,
        applications: Vec::new(),
        meta: fresh(at),
    }
}
