//! Applications of authenticators.

mod change;
mod create;
mod pin;
mod state;
mod test;

use super::domain::none;
use super::field::{APPLICATION, QUERY, SERIAL, name, number, secret};
use super::{Verb, rules};
use crate::admin::decide::{Context, Outcome};
use crate::admin::meta::touched;
use crate::admin::needs::Needs;
use crate::admin::{Field, Fields, Put, Query, Refusal, Stop, Write, key_material as key, view};
use crate::model::{Application, Authenticator};
use crate::snapshot::Snapshot;

const ONE: &[Field] = &[SERIAL, APPLICATION];
const EXAMPLE: &str = r#"{"serial": "0097123456", "application": "RO"}"#;

pub(super) const VERBS: &[Verb] = &[
    rules(
        "application",
        "create",
        "application.create",
        &[
            SERIAL,
            APPLICATION,
            key::APPLICATION_TYPE,
            key::ALGORITHM,
            key::HASH,
            key::DIGITS,
            key::PERIOD,
            key::SUITE,
            key::COUNTER,
            key::SECRET_HEX,
            key::SECRET_BASE32,
            key::PIN_SUPPORTED,
            key::PIN_CHANGE_ALLOWED,
            key::PIN_MIN_LENGTH,
            key::HOST_CODE,
            key::CONFIRM,
            key::SECURE_CHANNEL,
        ],
        "Adds an application to an authenticator and answers, this once, what the device needs.",
        r#"{"serial": "0097123456", "application": "CR", "suite": "OCRA-1:HOTP-SHA1-6:QN08"}"#,
        one,
        create::create,
    ),
    rules(
        "application",
        "view",
        "application.view",
        ONE,
        "Shows an application.",
        EXAMPLE,
        one,
        show,
    ),
    rules(
        "application",
        "update",
        "application.update",
        &[
            SERIAL,
            APPLICATION,
            key::PIN_SUPPORTED,
            key::PIN_CHANGE_ALLOWED,
            key::PIN_MIN_LENGTH,
            key::HOST_CODE,
            key::CONFIRM,
            key::SECURE_CHANNEL,
        ],
        "Changes the flags of an application.",
        r#"{"serial": "0097123456", "application": "RO", "pin_supported": true}"#,
        one,
        change::update,
    ),
    rules(
        "application",
        "delete",
        "application.delete",
        ONE,
        "Removes one of several applications.",
        EXAMPLE,
        one,
        change::delete,
    ),
    rules(
        "application",
        "query",
        "application.view",
        QUERY,
        "Lists applications.",
        r#"{"filter": {"serial": "0097123456"}}"#,
        none,
        query,
    ),
    rules(
        "application",
        "activate",
        "application.update",
        ONE,
        "Lets an application be used.",
        EXAMPLE,
        one,
        change::activate,
    ),
    rules(
        "application",
        "deactivate",
        "application.update",
        ONE,
        "Takes an application out of use.",
        EXAMPLE,
        one,
        change::deactivate,
    ),
    rules(
        "application",
        "enable-pin",
        "application.pin",
        ONE,
        "Demands the server PIN.",
        EXAMPLE,
        one,
        pin::enable,
    ),
    rules(
        "application",
        "disable-pin",
        "application.pin",
        ONE,
        "No longer demands the server PIN.",
        EXAMPLE,
        one,
        pin::disable,
    ),
    rules(
        "application",
        "set-pin",
        "application.pin",
        &[
            SERIAL,
            APPLICATION,
            secret("pin", 8, "The new PIN, 4 to 8 digits.").required(),
            secret("confirm", 8, "The new PIN again."),
        ],
        "Sets the server PIN.",
        r#"{"serial": "0097123456", "application": "RO", "pin": "..."}"#,
        one,
        pin::set,
    ),
    rules(
        "application",
        "reset-pin",
        "application.pin",
        ONE,
        "Forgets the server PIN; the next logon sets one.",
        EXAMPLE,
        one,
        pin::reset,
    ),
    rules(
        "application",
        "force-pin-change",
        "application.pin",
        ONE,
        "Makes the next logon change the PIN.",
        EXAMPLE,
        one,
        pin::force,
    ),
    rules(
        "application",
        "reset",
        "application.reset",
        ONE,
        "Forgets drift and failures and opens the initial window; never the last accepted value.",
        EXAMPLE,
        one,
        state::reset,
    ),
    rules(
        "application",
        "reset-error-count",
        "application.reset",
        ONE,
        "Forgets the failures.",
        EXAMPLE,
        one,
        state::forget_errors,
    ),
    rules(
        "application",
        "set-event-counter",
        "application.set_counter",
        &[
            SERIAL,
            APPLICATION,
            number(
                "counter",
                0,
                i64::MAX,
                "The next counter; not lower than the present one.",
            )
            .required(),
        ],
        "Sets the next counter.",
        r#"{"serial": "0097123456", "application": "RO", "counter": 100}"#,
        one,
        state::set_counter,
    ),
    rules(
        "application",
        "unlock",
        "application.unlock",
        ONE,
        "Unlocks an application that its threshold has locked.",
        EXAMPLE,
        one,
        state::forget_errors,
    ),
    rules(
        "application",
        "test-otp",
        "application.test",
        &[
            SERIAL,
            APPLICATION,
            secret("otp", 16, "The one-time password.").required(),
            secret("pin", 8, "The server PIN."),
            name(
                "policy",
                60,
                "The policy whose windows and limits hold; absent: that of the server component.",
            ),
        ],
        "Verifies a one-time password, which is consumed or counted as in a logon.",
        r#"{"serial": "0097123456", "application": "RO", "otp": "..."}"#,
        one,
        test::test,
    ),
];

fn one(fields: &Fields, _: &Snapshot) -> Needs {
    Needs::none()
        .authenticator(fields.text("serial"))
        .with_owners()
}

fn show(context: &Context<'_>) -> Result<Outcome, Stop> {
    let (authenticator, application) = found(context)?;
    Ok(Outcome::answer(view::application(
        &authenticator.serial,
        application,
    )))
}

fn query(context: &Context<'_>) -> Result<Outcome, Stop> {
    Ok(Outcome::read(Query::read("application", context.fields)?))
}

fn found<'a>(context: &Context<'a>) -> Result<(&'a Authenticator, &'a Application), Refusal> {
    let authenticator = context.authenticator()?;
    let name = context.fields.need("application")?;
    let application = authenticator
        .applications
        .iter()
        .find(|application| application.name == name);
    application
        .map(|application| (authenticator.as_ref(), application))
        .ok_or_else(|| {
            Refusal::not_found(format_args!(
                "application {name} of authenticator {}",
                authenticator.serial
            ))
        })
}

/// The changed application, answered as it will be.
fn changed(
    context: &Context<'_>,
    change: impl FnOnce(&mut Application),
) -> Result<Outcome, Refusal> {
    let (authenticator, application) = found(context)?;
    let mut after = application.clone();
    change(&mut after);
    after.meta = touched(after.meta, context.given.at);
    let put = Put::over(application.meta.revision, after.clone());
    let outcome = Outcome::answer(view::application(&authenticator.serial, &after));
    Ok(outcome.write(Write::Application(authenticator.key, Box::new(put))))
}
