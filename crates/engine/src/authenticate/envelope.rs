//! What an encrypted change says of itself (authentication.md 12): 1070 for whatever is wrong with it, before anything
//! else after the user checks.

use super::case::{Case, Flow, refuse, refuse_noting};
use crate::attempt::{Attempt, Credentials, Envelope, Via};
use crate::decision::Change;
use crate::model::{Challenge, ChallengeKey, ChallengeKind};
use crate::status::Status;
use crate::text;
use crate::time::Timestamp;
use crate::trace::Check;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;

/// Seconds that the moment it was made may lie before or after its arrival.
const MOST_APART_S: i64 = 300;
/// Seconds that clocks of nodes may differ, and a good deal more.
const CLOCKS_APART_S: i64 = 60;

/// The memory of the envelope of an attempt, if it came in one: loaded with the facts.
pub(super) fn memory(attempt: &Attempt<'_>) -> Option<ChallengeKey> {
    read(attempt)?.ok().map(|envelope| memory_key(envelope.id))
}

/// 1070; an envelope in order is remembered, whatever becomes of what is in it, so that it is taken once.
pub(super) fn check(case: &mut Case<'_>) -> Flow {
    if case.attempt.via != Via::ChangeEncryptedPassword {
        return ControlFlow::Continue(());
    }
    case.credential = "password_change";
    let Some(envelope) = read(case.attempt) else {
        return refuse(Status::MISSINGFLD);
    };
    let fault = match envelope {
        Err(why) => Some(why.to_owned()),
        Ok(envelope) => fault(case, &envelope).map(str::to_owned),
    };
    if let Some(why) = fault {
        case.failed(Check::Envelope, 0, 0);
        return refuse_noting(Status::CHANGE_ENCRYPTED_PASSWORD, why);
    }
    if let Ok(envelope) = envelope {
        remember(case, &envelope);
    }
    ControlFlow::Continue(())
}

fn read<'a>(attempt: &Attempt<'a>) -> Option<Result<Envelope<'a>, &'a str>> {
    match attempt.credentials {
        Credentials::Separate(fields) => fields.envelope,
        _ => None,
    }
}

fn fault(case: &Case<'_>, envelope: &Envelope<'_>) -> Option<&'static str> {
    if !is_of_user(case, envelope) {
        return Some("the message was made for another user");
    }
    let apart = case.at().micros_since(envelope.made).saturating_abs();
    if apart > MOST_APART_S * 1_000_000 {
        return Some("the message was not made within 300 s");
    }
    let key = memory_key(envelope.id);
    let known = case.facts.challenges.iter().any(|one| one.key == key);
    known.then_some("the message was used before")
}

/// Whether it names the user as the request does, or as he is stored.
fn is_of_user(case: &Case<'_>, envelope: &Envelope<'_>) -> bool {
    let same = |a: &str, b: &str| text::fold(a) == text::fold(b);
    let typed = case.attempt.user.unwrap_or_default();
    let as_sent = same(envelope.user, typed)
        && match (envelope.domain, case.attempt.domain) {
            (None, None) => true,
            (Some(a), Some(b)) => same(a, b),
            _ => false,
        };
    let domain = case.domain.zip(envelope.domain);
    let stored = case
        .account
        .map_or(case.user, |account| account.user.id.as_str());
    let as_stored =
        same(envelope.user, stored) && domain.is_some_and(|(own, said)| same(&own.name, said));
    as_sent || as_stored
}

/// The memory goes when the envelope could no longer be taken anyway.
fn remember(case: &mut Case<'_>, envelope: &Envelope<'_>) {
    let memory = Challenge {
        key: memory_key(envelope.id),
        kind: ChallengeKind::Accepted,
        component_type: case.attempt.component.kind.clone(),
        user: case.account.map(|account| account.user.key),
        application: None,
        number: 0,
        question: String::new(),
        issued: last_use(envelope.made),
        wrong: 0,
        version: 0,
        relayed: None,
    };
    case.changes.push(Change::PutChallenge(Box::new(memory)));
}

fn last_use(made: Timestamp) -> Timestamp {
    made.plus_seconds(MOST_APART_S + CLOCKS_APART_S)
}

/// The key under which an envelope is remembered.
fn memory_key(id: &str) -> ChallengeKey {
    let mut hash = Sha256::new();
    hash.update(b"countersign envelope 1\0");
    hash.update(id);
    let mut key = [0; 16];
    key.iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    ChallengeKey(key)
}
