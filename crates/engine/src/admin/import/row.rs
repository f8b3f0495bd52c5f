//! One row: what it comes to among what is stored and what the rows before it made.

use super::Options;
use super::batch::Batch;
use super::read::Row;
use crate::admin::key_material::{self, STRONG};
use crate::admin::kind::serial;
use crate::admin::meta::touched;
use crate::admin::needs::{AccountRef, Device};
use crate::admin::table::{assigned, authenticator_type, org_unit, plain};
use crate::admin::{Context, Refusal};
use crate::facts::{Found, Place};
use crate::model::{
    Application, ApplicationKey, ApplicationState, Authenticator, AuthenticatorKey, DomainKey,
    UnitKey,
};
use crate::{Secret, Status};
use std::sync::Arc;

/// The type where nothing names one.
const SOFTWARE: &str = "software";
const TYPE_MAX: usize = 32;
const NAME_MAX: usize = 32;
const DESCRIPTION_MAX: usize = 1024;

/// An authenticator as the rows so far leave it.
#[derive(Clone, Debug)]
pub(super) struct Working {
    /// As it will be, with its applications.
    pub(super) authenticator: Authenticator,
    /// The revision it is stored in; `None`: new.
    pub(super) stored: Option<i64>,
    /// Applications to write, by name.
    pub(super) applications: Vec<Pending>,
    /// Whether it was assigned here.
    pub(super) assigned: bool,
}

/// An application to write.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) application: Application,
    /// The revision it is stored in; `None`: new.
    pub(super) stored: Option<i64>,
    /// The version of its state and the new state, where that changes.
    pub(super) state: Option<(i64, ApplicationState)>,
    pub(super) secrets: Vec<(&'static str, Option<Secret>)>,
}

/// Takes a row into the batch, or refuses it and leaves the batch as it was.
pub(super) fn take(
    context: &Context<'_>,
    batch: &mut Batch,
    options: &Options,
    row: &Row,
) -> Result<Vec<String>, Refusal> {
    let serial = serial(&row.serial)
        .ok_or_else(|| Refusal::invalid("serial", "letters, digits and -, at most 46"))?;
    let domain = domain(context, options, row)?;
    if row.application.is_empty() || row.application.chars().count() > NAME_MAX {
        return Err(Refusal::invalid(
            "application",
            format_args!("1 to {NAME_MAX} characters"),
        ));
    }
    let mut working = match batch.working(&serial) {
        Some(working) => working.clone(),
        None => begin(context, batch, options, row, &serial, domain)?,
    };
    check_type(options, row, &working)?;
    let mut warnings = place(context, batch, options, row, &mut working)?;
    details(context, row, domain, &mut working)?;
    make_type(context, batch, options, &working)?;
    let account = assign(context, batch, row, domain, &mut working)?;
    if row.secret.len() < STRONG {
        warnings.push("the key is shorter than 128 bits (RFC 4226 R6)".to_owned());
    }
    batch.keep(serial, working, account);
    Ok(warnings)
}

fn domain(context: &Context<'_>, options: &Options, row: &Row) -> Result<DomainKey, Refusal> {
    let domains = &context.given.snapshot.domains;
    match row.domain.as_deref().or(options.domain.as_deref()) {
        Some(name) => domains
            .named(name)
            .map(|domain| domain.key)
            .ok_or_else(|| Refusal::not_found(format_args!("domain {name}"))),
        None => domains
            .master()
            .map(|domain| domain.key)
            .ok_or_else(|| Refusal::not_found("the master domain")),
    }
}

fn begin(
    context: &Context<'_>,
    batch: &mut Batch,
    options: &Options,
    row: &Row,
    serial: &str,
    domain: DomainKey,
) -> Result<Working, Refusal> {
    match context.given.facts.device(serial) {
        Device::Found(stored) => Ok(Working {
            authenticator: stored.as_ref().clone(),
            stored: Some(stored.meta.revision),
            applications: Vec::new(),
            assigned: false,
        }),
        Device::Unreadable(status, which) => Err(Refusal::new(*status, which.clone())),
        Device::Nobody => {
            let named = row
                .type_name
                .as_deref()
                .or(options.type_name.as_deref())
                .or(row.model.as_deref())
                .unwrap_or(SOFTWARE);
            let name: String = named.trim().chars().take(TYPE_MAX).collect();
            let known = authenticator_type::named(context.given.snapshot, &name);
            let mut authenticator = plain(
                serial.to_owned(),
                domain,
                known.map_or(&name, |known| &known.name),
                context.given.at,
            );
            authenticator.key = AuthenticatorKey(batch.next_row());
            Ok(Working {
                authenticator,
                stored: None,
                applications: Vec::new(),
                assigned: false,
            })
        }
    }
}

/// 5003 before -14.
fn check_type(options: &Options, row: &Row, working: &Working) -> Result<(), Refusal> {
    let one = &working.authenticator;
    let Some(named) = row.type_name.as_deref().or(options.type_name.as_deref()) else {
        return Ok(());
    };
    if crate::text::fold(named) == crate::text::fold(&one.type_name) {
        return Ok(());
    }
    Err(Refusal::new(
        Status::DP_EXIST_AS_DIFF_TYPE,
        format!(
            "authenticator {} exists with type {}",
            one.serial, one.type_name
        ),
    ))
}

/// Puts the application of the row into the authenticator.
fn place(
    context: &Context<'_>,
    batch: &mut Batch,
    options: &Options,
    row: &Row,
    working: &mut Working,
) -> Result<Vec<String>, Refusal> {
    let mut warnings = Vec::new();
    let own = working
        .authenticator
        .applications
        .iter()
        .position(|own| own.name == row.application);
    let mut pending = match own.and_then(|place| working.authenticator.applications.get(place)) {
        Some(_) if !options.update_existing => {
            return Err(Refusal::exists(format_args!(
                "application {} of authenticator {}",
                row.application, working.authenticator.serial
            )));
        }
        Some(_)
            if working
                .applications
                .iter()
                .any(|pending| pending.application.name == row.application) =>
        {
            return Err(Refusal::exists(format_args!(
                "application {} of authenticator {} in this file",
                row.application, working.authenticator.serial
            )));
        }
        Some(stored) => updated(context, row, stored)?,
        None => added(context, batch, row, working)?,
    };
    if let Some(pin) = &row.pin {
        if (4..=8).contains(&pin.len()) && pin.expose().iter().all(u8::is_ascii_digit) {
            pending.application.pin.supported = true;
            pending.application.pin.enabled = true;
            pending.secrets.push(("pin", Some(pin.clone())));
        } else {
            warnings.push("the PIN in the file is not 4 to 8 digits and was left out".to_owned());
        }
    }
    match own.and_then(|place| working.authenticator.applications.get_mut(place)) {
        Some(slot) => *slot = pending.application.clone(),
        None => working
            .authenticator
            .applications
            .push(pending.application.clone()),
    }
    working.applications.push(pending);
    Ok(warnings)
}

fn added(
    context: &Context<'_>,
    batch: &mut Batch,
    row: &Row,
    working: &Working,
) -> Result<Pending, Refusal> {
    let highest = working
        .authenticator
        .applications
        .iter()
        .map(|own| own.index)
        .max();
    let index = highest.map_or(Some(0), |highest| highest.checked_add(1));
    let index = index.ok_or_else(|| {
        Refusal::contradiction("the authenticator has as many applications as it can")
    })?;
    let mut application = key_material::application(
        &row.application,
        index,
        row.kind,
        row.algorithm.clone(),
        row.counter,
        context.given.at,
    );
    application.key = ApplicationKey(batch.next_row());
    application.state.drift = row.drift;
    Ok(Pending {
        application,
        stored: None,
        state: None,
        secrets: vec![("secret", Some(row.secret.clone()))],
    })
}

/// The same key never gets a lower counter; another key begins anew.
fn updated(context: &Context<'_>, row: &Row, stored: &Application) -> Result<Pending, Refusal> {
    let place = Place {
        table: "application",
        id: stored.key.0,
        field: "secret",
        version: stored.meta.record_version,
    };
    let old = context.given.vault.open(place, &stored.secret);
    let old = old.map_err(|_| Refusal::new(Status::CRYPTO, "the stored key cannot be opened"))?;
    let mut application = stored.clone();
    application.kind = row.kind;
    application.algorithm = row.algorithm.clone();
    application.meta = touched(stored.meta, context.given.at);
    let mut state = stored.state;
    let mut secrets = Vec::new();
    if old == row.secret {
        state.counter = state.counter.max(row.counter);
    } else {
        let challenges = state.challenges;
        state = ApplicationState {
            version: state.version,
            counter: row.counter,
            drift: row.drift,
            initial: true,
            challenges,
            ..ApplicationState::default()
        };
        secrets.push(("secret", Some(row.secret.clone())));
    }
    let version = stored.state.version;
    let changed = (state != stored.state).then(|| {
        (
            version,
            ApplicationState {
                version: version.saturating_add(1),
                ..state
            },
        )
    });
    application.state = changed.map_or(stored.state, |(_, state)| state);
    Ok(Pending {
        application,
        stored: Some(stored.meta.revision),
        state: changed,
        secrets,
    })
}

/// Dates, text and unit of the row.
fn details(
    context: &Context<'_>,
    row: &Row,
    domain: DomainKey,
    working: &mut Working,
) -> Result<(), Refusal> {
    let one = &mut working.authenticator;
    one.starts_at = row.starts.or(one.starts_at);
    one.expires_at = row.expires.or(one.expires_at);
    if !row.description.is_empty() {
        one.description = row
            .description
            .chars()
            .filter(|letter| !letter.is_control())
            .take(DESCRIPTION_MAX)
            .collect();
    }
    let unit = unit(context, row, domain)?;
    if row.domain.is_some() && one.domain != domain {
        return Err(Refusal::contradiction(format!(
            "authenticator {} is in another domain",
            one.serial
        )));
    }
    if unit.is_some() && one.user.is_none() {
        one.org_unit = unit;
    }
    Ok(())
}

fn unit(context: &Context<'_>, row: &Row, domain: DomainKey) -> Result<Option<UnitKey>, Refusal> {
    let Some(name) = row.org_unit.as_deref() else {
        return Ok(None);
    };
    let unit = org_unit::unit(context.given.snapshot, domain, name).map(|unit| unit.key);
    unit.map(Some)
        .ok_or_else(|| Refusal::not_found(format_args!("unit {name}")))
}

fn make_type(
    context: &Context<'_>,
    batch: &mut Batch,
    options: &Options,
    working: &Working,
) -> Result<(), Refusal> {
    let name = &working.authenticator.type_name;
    if working.stored.is_some()
        || authenticator_type::named(context.given.snapshot, name).is_some()
        || batch.makes_type(name)
    {
        return Ok(());
    }
    if !options.create_types {
        return Err(Refusal::not_found(format_args!(
            "authenticator type {name}"
        )));
    }
    batch.make_type(name);
    Ok(())
}

/// Assigns the authenticator to the row's user; answers the account as it then is.
fn assign(
    context: &Context<'_>,
    batch: &Batch,
    row: &Row,
    domain: DomainKey,
    working: &mut Working,
) -> Result<Option<crate::facts::Account>, Refusal> {
    let Some(user) = row.user.as_deref() else {
        return Ok(None);
    };
    let wanted = AccountRef::Named(domain, crate::text::fold(user));
    let account = match context.given.facts.account(&wanted) {
        Found::Account(account) => Arc::clone(account),
        Found::Nobody => return Err(Refusal::not_found(format_args!("user {user}"))),
        Found::Unreadable(status, which) => return Err(Refusal::new(*status, which.clone())),
    };
    if working.authenticator.user == Some(account.user.key) {
        return Ok(None);
    }
    let mut account = batch
        .account(account.user.key)
        .cloned()
        .unwrap_or_else(|| account.as_ref().clone());
    let assigned = assigned(context, &working.authenticator, &account, None)?;
    working.authenticator = assigned;
    working.assigned = true;
    account.authenticators.push(working.authenticator.clone());
    Ok(Some(account))
}
