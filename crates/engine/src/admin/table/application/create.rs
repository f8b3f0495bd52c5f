use crate::Status;
use crate::admin::decide::{Context, Outcome};
use crate::admin::enrolment;
use crate::admin::{Put, Refusal, Stop, Write, key_material as key, view};
use crate::model::{ApplicationKey, ApplicationKind};

pub(super) fn create(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (fields, given) = (context.fields, context.given);
    let authenticator = context.authenticator()?;
    let name = fields.need("application")?;
    if authenticator
        .applications
        .iter()
        .any(|own| own.name == name)
    {
        return Err(Refusal::exists(format_args!(
            "application {name} of authenticator {}",
            authenticator.serial
        ))
        .into());
    }
    let highest = authenticator.applications.iter().map(|own| own.index).max();
    let Some(index) = highest.map_or(Some(0), |highest| highest.checked_add(1)) else {
        return Err(
            Refusal::contradiction("the authenticator has as many applications as it can").into(),
        );
    };
    let algorithm = key::algorithm(fields)?;
    let secret = key::secret(fields, &algorithm, given.dice)?;
    let kind = fields
        .text("application_type")
        .and_then(ApplicationKind::parse)
        .unwrap_or_else(|| key::usual_kind(&algorithm));
    let counter = fields
        .number("counter")
        .and_then(|n| u64::try_from(n).ok())
        .unwrap_or(0);
    let mut application = key::application(name, index, kind, algorithm, counter, given.at);
    application.key = ApplicationKey(-1);
    key::patch_flags(fields, &mut application);
    let mut outcome = Outcome::answer(view::application(&authenticator.serial, &application));
    outcome
        .result
        .append(&mut enrolment::told(authenticator, &application, &secret)?);
    if secret.len() < key::STRONG {
        outcome = outcome.warn(
            Status::INVDATA,
            "the key is shorter than 128 bits (RFC 4226 R6)",
        );
    }
    let put = Put::new(application).with("secret", Some(secret));
    Ok(outcome.write(Write::Application(authenticator.key, Box::new(put))))
}
