//! Stage 7: count, write the records, say it.

use super::case::{Case, End, Refusal};
use super::lock;
use crate::attempt::{Attempt, Credentials, Via};
use crate::audit::{Code, KeyHint, Record, Text};
use crate::decision::{Change, Decision, Verdict};
use crate::facts::Account;
use crate::model::{Algorithm, ApplicationState, ChallengeKey, Location};
use crate::policy::Invalid;
use crate::snapshot::Snapshot;
use crate::status::Status;
use crate::text;
use crate::time::Timestamp;
use crate::trace::{Entry, Place, Result, Setting, Trace, Value};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Area of the audit codes about back-ends.
const BACK_END_AREA: u32 = 109;

/// Area of the audit codes about assignments.
const ASSIGNMENT_AREA: u32 = 107;

/// Turns the end of an attempt into its decision.
pub(super) fn close(mut case: Case<'_>, end: End) -> Decision {
    let status = status_of(&end);
    count(&mut case, &end, status);
    trace_candidates(&mut case, status);
    let generic = case.policy.generic_status_codes
        && (status.is_generic() || status == Status::INVCREDENTIALS);
    let client = if case.policy.generic_status_codes {
        status.hidden()
    } else {
        status
    };
    if client != status {
        case.note(Setting::GenericStatusCodes, Value::yes_no(true));
    }
    case.trace.push(Entry::Ended {
        real: status,
        client,
    });
    let records = records(&mut case, &end, status, client);
    let identified = case.domain.is_some();
    Decision {
        verdict: verdict(end, identified),
        changes: case.changes,
        records,
        trace: case.trace,
        generic,
        policy: Some(case.policy.clone()),
    }
}

/// The decision of an attempt whose policy cannot be computed: 1030, or 1000 where it cannot be read either.
pub(super) fn without_policy(
    attempt: &Attempt<'_>,
    snapshot: &Snapshot,
    invalid: &Invalid,
) -> Decision {
    let unreadable = attempt.via != Via::Challenge
        && (super::resolve::readable(attempt).is_err()
            || matches!(attempt.credentials, Credentials::Combined(Err(_))));
    let status = if unreadable {
        Status::INVCREDENTIALS
    } else {
        Status::INVALID_POLICY
    };
    let mut trace = Trace::default();
    trace_component(&mut trace, attempt);
    let why = invalid.to_string();
    trace.push(Entry::InvalidPolicy { why: &why });
    trace.push(Entry::Ended {
        real: status,
        client: status,
    });
    let mut main = record(attempt, main_code(status, attempt.via, false), 0);
    main.status = Some(status);
    main.user = attempt.user.ok().map(|user| unknown(snapshot, user));
    main.domain = attempt.domain.map(|domain| domain.to_owned().into());
    main.reason = Some(why.clone().into());
    let mut event = record(attempt, Code::POLICY_INVALID, 1);
    event.reason = Some(why.into());
    let records = if unreadable {
        vec![main]
    } else {
        vec![main, event]
    };
    Decision {
        verdict: Verdict::Refuse {
            status,
            detail: None,
            identified: false,
        },
        changes: Vec::new(),
        records,
        trace,
        generic: false,
        policy: None,
    }
}

/// The first lines of every trace.
pub(super) fn trace_component(trace: &mut Trace, attempt: &Attempt<'_>) {
    let component = attempt.component;
    let place = match &component.location {
        Location::Network { address, prefix } => Place::Network(*address, *prefix),
        Location::Host(name) => Place::Host(name),
        Location::Default => Place::Default,
    };
    trace.push(Entry::Component {
        kind: &component.kind,
        place,
        nas_id: &component.nas_id,
    });
}

fn status_of(end: &End) -> Status {
    match end {
        End::Accept(_) | End::OneStep(_) | End::Updated => Status::SUCCESS,
        End::Challenge(asked) => asked.status,
        End::SecondOtp(_) => Status::DP_CHALLENGE,
        End::Refuse(refusal) => refusal.status,
    }
}

/// What the end changes at the account and at the applications that were tried (status-codes.md 7).
fn count(case: &mut Case<'_>, end: &End, status: Status) {
    if matches!(status, Status::OTP_INCORRECT | Status::REPLAY) {
        count_errors(case);
    }
    let Some(account) = case.account else { return };
    let guard = account.state.version;
    let to = match end {
        End::Accept(_) => {
            let noted = case.used.is_none() || account.is_linked() || case.guards_account;
            lock::after_success(case, account, noted)
        }
        End::Refuse(_) if status.counts() => {
            guard_applications(case, account);
            Some(lock::after_failure(case, account))
        }
        End::Refuse(_) => lock::after_request(case, account),
        End::Updated => Some(lock::untouched(account)),
        End::Challenge(_) | End::SecondOtp(_) | End::OneStep(_) => None,
    };
    if let Some(to) = to {
        case.changes.push(Change::User {
            key: account.user.key,
            guard,
            to,
        });
    }
}

/// A success with a one-time password guards its application only. So that one decided before this failure cannot be
/// committed after it, and leave it counted, the failure raises the versions of all applications of the account.
fn guard_applications(case: &mut Case<'_>, account: &Account) {
    if account.is_linked() {
        return; // such an account guards its own row at every success
    }
    let applications = account
        .authenticators
        .iter()
        .flat_map(|one| &one.applications);
    for application in applications {
        let own = |change: &Change| matches!(change, Change::Application { key, .. } if *key == application.key);
        if case.changes.iter().any(own) {
            continue;
        }
        let state = application.state;
        case.changes.push(Change::Application {
            key: application.key,
            guard: state.version,
            to: ApplicationState {
                version: state.version + 1,
                ..state
            },
        });
    }
}

fn count_errors(case: &mut Case<'_>) {
    let threshold = u32::from(case.policy.identification_threshold);
    for tried in std::mem::take(&mut case.tried) {
        let state = tried.state;
        let to = ApplicationState {
            version: state.version + 1,
            errors: state.errors.saturating_add(1),
            ..state
        };
        if threshold > 0 && to.errors == threshold {
            let which = format!(
                "{} {}",
                tried.candidate.authenticator.serial, tried.candidate.application.name
            );
            case.events
                .push((Code::APPLICATION_LOCKED, Some(which.into())));
        }
        case.changes.push(Change::Application {
            key: tried.candidate.application.key,
            guard: state.version,
            to,
        });
    }
}

/// The candidates' lines. Distances only where the attempt failed for the value itself (audit.md 2).
fn trace_candidates(case: &mut Case<'_>, status: Status) {
    let tells = matches!(status, Status::OTP_INCORRECT | Status::REPLAY);
    for judged in std::mem::take(&mut case.judged) {
        let accepted = matches!(judged.result, Result::Accepted | Result::Resynchronised);
        case.trace.push(Entry::Candidate {
            serial: &judged.candidate.authenticator.serial,
            application: &judged.candidate.application.name,
            result: judged.result,
            moving: judged.moving.filter(|_| tells || accepted),
            distance: judged.distance.filter(|_| tells),
        });
    }
}

fn records(case: &mut Case<'_>, end: &End, status: Status, client: Status) -> Vec<Record> {
    let mut all = Vec::with_capacity(1 + case.events.len());
    let code = match end {
        End::SecondOtp(_) => Code::SECOND_OTP_WANTED,
        End::Challenge(asked) if asked.status == Status::BACKEND_CHALLENGE => {
            Code::BACK_END_CHALLENGE_PASSED
        }
        End::Challenge(_) | End::OneStep(_) => Code::CHALLENGE_ISSUED,
        End::Accept(_) | End::Updated | End::Refuse(_) => main_code(status, case.attempt.via, true),
    };
    let mut main = actor(case, record(case.attempt, code, 0));
    main.status = Some(status);
    main.client_status = (client != status).then_some(client);
    main.policy = Some(case.policy.policy().to_owned().into());
    main.local_auth = Some(case.modes.local);
    main.back_end_auth = Some(case.modes.back_end);
    main.credential_type = Some(case.credential);
    main.challenge_key = case.challenge.map(hint);
    if let Credentials::Hashed { protocol, .. } = case.attempt.credentials {
        main.protocol_id = Some(protocol.into());
    }
    main.back_end = case.server.map(|server| server.to_owned().into());
    if let End::Refuse(Refusal { reason, .. }) = end {
        main.reason = with_note(case, reason.clone());
    }
    accepted(case, &mut main);
    all.push(main);
    for (code, reason) in std::mem::take(&mut case.events) {
        let mut event = actor(case, record(case.attempt, code, all.len()));
        event.reason = reason;
        if code.area() == BACK_END_AREA {
            event.back_end = case.server.map(|server| server.to_owned().into());
            event.protocol_id = protocol_of(case).map(Cow::Borrowed);
        }
        let used = case.used.as_ref();
        let used = used.map(|(candidate, _)| candidate.authenticator.serial.as_str());
        event.serial = case
            .given_serial
            .filter(|_| code.area() == ASSIGNMENT_AREA)
            .or(used)
            .map(|serial| serial.to_owned().into());
        all.push(event);
    }
    all
}

/// The reason, with the words of the back-end that said no.
fn with_note(case: &Case<'_>, reason: Option<Text>) -> Option<Text> {
    let note = case
        .denied
        .map(|heard| heard.note.as_str())
        .filter(|note| !note.is_empty());
    match (reason, note) {
        (reason, None) => reason,
        (None, Some(note)) => Some(note.to_owned().into()),
        (Some(reason), Some(note)) => Some(format!("{reason}: {note}").into()),
    }
}

/// The protocol of the server asked last.
fn protocol_of(case: &Case<'_>) -> Option<&'static str> {
    let back_ends = &case.facts.snapshot.back_ends;
    Some(back_ends.named(case.server?)?.protocol.word())
}

/// The authenticator that accepted a value, and what the value stands for.
fn accepted(case: &Case<'_>, main: &mut Record) {
    let Some((candidate, moving)) = &case.used else {
        return;
    };
    main.serial = Some(candidate.authenticator.serial.clone().into());
    main.authenticator_type = Some(candidate.authenticator.type_name.clone().into());
    main.application = Some(candidate.application.name.clone().into());
    let period = match &candidate.application.algorithm {
        Algorithm::Hotp { .. } => None,
        Algorithm::Totp { period, .. } => Some(*period),
        Algorithm::Ocra(suite) if suite.counter() => None,
        Algorithm::Ocra(suite) => match suite.time() {
            Some(step) => Some(step.seconds()),
            None => return,
        },
    };
    match period {
        None => main.verified_counter = *moving,
        Some(period) => {
            let start = moving.map(|step| countersign_oath::totp::start(step, period));
            main.verified_time = start
                .and_then(|start| i64::try_from(start).ok())
                .map(Timestamp::from_seconds);
        }
    }
}

/// The first eight characters of a challenge's key as it is written in JSON.
fn hint(key: ChallengeKey) -> KeyHint {
    let [a, b, c, d, ..] = key.0;
    KeyHint::of(&HEXLOWER.encode(&[a, b, c, d]))
}

fn main_code(status: Status, via: Via, counted: bool) -> Code {
    if via == Via::AdminLogon {
        return if status.is_success() {
            Code::ADMIN_LOGGED_ON
        } else {
            Code::ADMIN_LOGON_REFUSED
        };
    }
    match status {
        Status::SUCCESS => Code::AUTH_ACCEPTED,
        Status::LOCALAUTH | Status::NOT_IN_GROUPS | Status::NO_LOCAL_OR_BACKEND_AUTH => {
            Code::AUTH_NOT_HANDLED
        }
        Status::REPLAY if counted => Code::AUTH_REPLAYED,
        Status::CANCEL | Status::USER_CANCEL => Code::AUTH_CANCELLED,
        error if error.is_error() => Code::AUTH_ERROR,
        _ => Code::AUTH_REFUSED,
    }
}

/// A record of an attempt; the main one has the attempt's own identity, the events one beside it.
fn record(attempt: &Attempt<'_>, code: Code, number: usize) -> Record {
    let mut id = attempt.id;
    if let Some(last) = id.last_mut() {
        *last ^= u8::try_from(number).unwrap_or(u8::MAX);
    }
    let mut record = Record::new(code, id, attempt.at);
    let request = attempt
        .request_id
        .map_or_else(|| HEXLOWER.encode(&attempt.id), str::to_owned);
    record.request_id = Some(request.into());
    record.component_type = Some(attempt.component.kind.clone().into());
    record.client_location = Some(attempt.source.to_string().into());
    record.nas = attempt.nas.map(|nas| nas.to_owned().into());
    record
}

/// Names the actor: as stored where the account is known, else as typed.
fn actor(case: &Case<'_>, mut record: Record) -> Record {
    let owned = |text: &str| Some(Text::Owned(text.to_owned()));
    record.user = match case.account {
        Some(account) => owned(&account.user.id),
        None if case.newcomer.is_some() => {
            owned(case.newcomer.as_ref().map_or(case.user, |user| &user.id))
        }
        None => Some(case.user)
            .filter(|user| !user.is_empty())
            .map(|user| unknown(case.facts.snapshot, user)),
    };
    record.domain = case
        .domain
        .and_then(|domain| owned(&domain.name))
        .or_else(|| case.attempt.domain.and_then(owned));
    let unit = case
        .account
        .and_then(|account| case.facts.snapshot.unit_name(account.user.org_unit));
    record.org_unit = unit.and_then(owned);
    record
}

/// The name of nobody we know, which may be a mistyped password: as typed, or under `audit.unknown_user = hash` only
/// what lets equal names be recognised.
fn unknown(snapshot: &Snapshot, user: &str) -> Text {
    if snapshot.settings.text("audit.unknown_user") != "hash" {
        return Text::Owned(user.to_owned());
    }
    let hash = Sha256::digest(text::fold(user));
    Text::Owned(format!(
        "sha256:{}",
        HEXLOWER.encode(hash.get(..16).unwrap_or_default())
    ))
}

fn verdict(end: End, identified: bool) -> Verdict {
    match end {
        End::Accept(grant) => Verdict::Accept(grant),
        End::Challenge(asked) | End::SecondOtp(asked) => Verdict::Challenge(asked),
        End::OneStep(asked) => Verdict::Accept(Box::new(crate::decision::Grant {
            challenge: Some(*asked),
            ..Default::default()
        })),
        End::Updated => Verdict::Accept(Box::default()),
        End::Refuse(Refusal {
            status,
            reason,
            told,
        }) => Verdict::Refuse {
            status,
            detail: reason.filter(|_| told).map(Cow::into_owned),
            identified,
        },
    }
}
