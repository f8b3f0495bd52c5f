//! The response to a challenge (authentication.md 7, 8.5): step 1 of the procedure.

use super::candidates::{self, Candidate, Owned};
use super::case::{Case, Flow, refuse, refuse_telling};
use super::issue::with_check_digit;
use super::success::Success;
use super::trial::{self, Failure, Input, Outcome, Trial};
use super::{local, request, self_assign};
use crate::Secret;
use crate::attempt::{Attempt, AuthType, Credentials};
use crate::decision::Change;
use crate::model::{ApplicationKey, Challenge, ChallengeKey, ChallengeKind};
use crate::policy::{Effective, OneStep};
use crate::status::Status;
use crate::trace::{Check, Entry, Origin, Setting, Shape, Value};
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;

/// Wrong answers that remove a challenge.
const MOST_WRONG: u32 = 5;

/// Whether the other challenges of the user matter for an attempt.
pub(super) fn needs_others(attempt: &Attempt<'_>, policy: &Effective) -> bool {
    let answered = attempt.answers_challenge;
    answered.challenge.is_some()
        || answered.key.is_some() && matches!(policy.challenge_check_mode, 2 | 4)
}

/// The success of an answered challenge; `None` if the request answers none.
pub(super) fn answered<'a>(case: &mut Case<'a>, owned: &Owned<'a>) -> Flow<Option<Success<'a>>> {
    let answered = case.attempt.answers_challenge;
    if answered.key.is_none()
        && answered.challenge.is_none()
        && answered.response.is_none()
        && local::named(case) != Some(AuthType::Response)
    {
        return ControlFlow::Continue(None);
    }
    case.credential = "challenge";
    if case.is_hashed() {
        case.failed(Check::HashChallenge, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_CHAP);
    }
    let success = match (answered.key, answered.challenge) {
        (Some(Ok(key)), _) => by_key(case, owned, key)?,
        (None, Some(challenge)) => any(case, owned, challenge)?,
        (Some(Err(_)), _) | (None, None) => {
            case.failed(Check::Challenge, 0, 0);
            return refuse(Status::NO_CHALLENGE);
        }
    };
    ControlFlow::Continue(Some(success))
}

fn by_key<'a>(case: &mut Case<'a>, owned: &Owned<'a>, key: ChallengeKey) -> Flow<Success<'a>> {
    case.challenge = Some(key);
    let mode = case.policy.challenge_check_mode;
    let found = find(case, owned, key);
    let Some(challenge) = found else {
        if mode == 4 && repeated(case, owned, key) {
            case.note(Setting::ChallengeCheckMode, Value::Number(4));
            return refuse(Status::REPLAY);
        }
        case.failed(Check::Challenge, 0, 0);
        return refuse(Status::NO_CHALLENGE);
    };
    belongs(case, challenge)?;
    young_enough(case, challenge)?;
    match challenge.kind {
        ChallengeKind::OneStep => {
            one_step_allowed(case)?;
            let trial = Trial {
                question: Some(&challenge.question),
                demands_static: case.demands_static(),
                ..blank(Shape::Response)
            };
            respond(case, owned, &owned.candidates, trial, Some(challenge))
        }
        ChallengeKind::TwoStep {
            wants_password,
            pin_proven,
        } => {
            let asked = of_application(owned, challenge.application);
            newest(case, challenge, asked.first())?;
            let trial = Trial {
                question: Some(&challenge.question),
                demands_static: wants_password,
                pin_proven,
                ..blank(Shape::Response)
            };
            let proven = !wants_password && request::proved_password(case);
            let success = respond(case, owned, &asked, trial, Some(challenge))?;
            ControlFlow::Continue(Success {
                asked_before: success.asked_before || proven && success.typed.is_none(),
                ..success
            })
        }
        ChallengeKind::SecondOtp => {
            let asked = of_application(owned, challenge.application);
            let first = asked
                .first()
                .and_then(|one| one.application.state.resync)
                .map(|(first, _)| first);
            if first.is_none() && !asked.is_empty() {
                case.failed(Check::Challenge, 0, 0);
                return refuse(Status::NO_CHALLENGE); // another success came between
            }
            let trial = Trial {
                only_after: first,
                pin_proven: true,
                demands_static: case.demands_static(),
                pairs: true,
                ..blank(Shape::SecondOtp)
            };
            respond(case, owned, &asked, trial, Some(challenge))
        }
        ChallengeKind::SelfAssign => {
            let Some(account) = case.account else {
                return refuse(Status::NO_CHALLENGE);
            };
            let assigned = self_assign::answered(case, challenge, &account.user)?;
            self_assign::give(case, &assigned, &account.user);
            ControlFlow::Continue(assigned.success)
        }
        // A relayed question is answered where the back-end alone decides, and nowhere else.
        ChallengeKind::Accepted | ChallengeKind::BackEnd => {
            case.failed(Check::Challenge, 0, 0);
            refuse(Status::NO_CHALLENGE)
        }
    }
}

/// The challenge that counts: under check mode 2 the newest one issued to the user, whatever key came.
fn find<'a>(case: &mut Case<'a>, owned: &Owned<'_>, key: ChallengeKey) -> Option<&'a Challenge> {
    let named = case.facts.challenges.iter().find(|one| one.key == key);
    if case.policy.challenge_check_mode != 2
        || named.is_some_and(|one| {
            matches!(
                one.kind,
                ChallengeKind::SecondOtp | ChallengeKind::SelfAssign
            )
        })
    {
        return named;
    }
    case.note(Setting::ChallengeCheckMode, Value::Number(2));
    let user = case.account.map(|account| account.user.key);
    let ours = |one: &&Challenge| {
        matches!(one.kind, ChallengeKind::TwoStep { .. })
            && one.user == user
            && !of_application(owned, one.application).is_empty()
    };
    case.facts
        .challenges
        .iter()
        .filter(ours)
        .max_by_key(|one| (one.issued, one.number))
}

pub(super) fn blank(shape: Shape) -> Trial<'static> {
    Trial {
        shape,
        input: Input::Combined(&[]),
        question: None,
        pin_proven: false,
        demands_static: false,
        only_after: None,
        pairs: false,
        pin_reset: false,
    }
}

fn of_application<'a>(owned: &Owned<'a>, key: Option<ApplicationKey>) -> Vec<Candidate<'a>> {
    owned
        .candidates
        .iter()
        .copied()
        .filter(|one| Some(one.application.key) == key)
        .collect()
}

/// 3002: another component type, another user, or too many wrong answers.
pub(super) fn belongs(case: &mut Case<'_>, challenge: &Challenge) -> Flow {
    let user = case.account.map(|account| account.user.key);
    let theirs = challenge.component_type == case.attempt.component.kind
        && (challenge.user.is_none() || challenge.user == user);
    if theirs && challenge.wrong < MOST_WRONG {
        return ControlFlow::Continue(());
    }
    if theirs {
        case.failed(
            Check::ChallengeAnswered,
            challenge.wrong.into(),
            MOST_WRONG.into(),
        );
    } else {
        case.failed(Check::ChallengeOwner, 0, 0);
    }
    refuse(Status::NO_CHALLENGE)
}

/// 1004, and 3002 once it is forgotten.
pub(super) fn young_enough(case: &mut Case<'_>, challenge: &Challenge) -> Flow {
    let settings = &case.facts.snapshot.settings;
    let (max_age, keep) = (
        settings.challenge_max_age_s,
        settings.challenge_keep_expired_s,
    );
    let end = challenge.issued.plus_seconds(max_age);
    if case.at() <= end {
        return ControlFlow::Continue(());
    }
    let age = case.at().seconds() - challenge.issued.seconds();
    case.note_from(
        Setting::ChallengeMaxAge,
        Value::Number(max_age),
        Origin::Deployment,
    );
    case.failed(Check::ChallengeAge, age, max_age);
    refuse(if case.at() <= end.plus_seconds(keep) {
        Status::EXP_CHALLENGE
    } else {
        Status::NO_CHALLENGE
    })
}

/// 1013: check mode 1 wants the newest challenge of the application.
pub(super) fn newest(
    case: &mut Case<'_>,
    challenge: &Challenge,
    asked: Option<&Candidate<'_>>,
) -> Flow {
    let newest = asked.map_or(challenge.number, |one| one.application.state.challenges);
    if case.policy.challenge_check_mode != 1 || challenge.number == newest {
        return ControlFlow::Continue(());
    }
    case.note(Setting::ChallengeCheckMode, Value::Number(1));
    case.failed(Check::ChallengeNewest, challenge.number, newest);
    refuse(Status::CHALLENGE_INVALID)
}

fn one_step_allowed(case: &mut Case<'_>) -> Flow {
    let (kind, mode) = (
        case.policy.one_step_challenge,
        case.policy.challenge_check_mode,
    );
    case.note(Setting::OneStepChallenge, Value::Word(kind.as_str()));
    if kind == OneStep::No {
        case.failed(Check::OneStep, 0, 0);
        return refuse(Status::NO_CHALLENGE);
    }
    if mode != 0 {
        case.note(Setting::ChallengeCheckMode, Value::Number(mode.into()));
        case.failed(Check::CheckMode, mode.into(), 0);
        return refuse(Status::CHALLENGE_INVALID);
    }
    ControlFlow::Continue(())
}

/// `any_challenge`: the client brings the challenge along; what was accepted once is remembered.
fn any<'a>(case: &mut Case<'a>, owned: &Owned<'a>, challenge: &str) -> Flow<Success<'a>> {
    if case.policy.one_step_challenge == OneStep::ServerChallenge {
        case.note(Setting::OneStepChallenge, Value::Word("server_challenge"));
        case.failed(Check::Challenge, 0, 0);
        return refuse(Status::NO_CHALLENGE);
    }
    one_step_allowed(case)?;
    let question = without_check_digit(case, challenge);
    let used = owned.candidates.iter().any(|one| {
        remembers(
            case,
            memory_key(one.application.key, question.as_bytes(), b""),
        )
    });
    if used {
        return refuse(Status::REPLAY);
    }
    let trial = Trial {
        question: Some(question),
        demands_static: case.demands_static(),
        ..blank(Shape::Response)
    };
    let success = respond(case, owned, &owned.candidates, trial, None)?;
    if let Some((candidate, _)) = &success.used {
        let key = memory_key(candidate.application.key, question.as_bytes(), b"");
        remember(case, candidate.application.key, key);
    }
    ControlFlow::Continue(success)
}

/// The question itself: a check digit is only shown.
fn without_check_digit<'p>(case: &Case<'_>, challenge: &'p str) -> &'p str {
    let length = case
        .policy
        .one_step_challenge_length
        .map(usize::from)
        .filter(|_| case.policy.one_step_check_digit);
    let bare = length
        .filter(|length| challenge.len() == length + 1)
        .and_then(|length| challenge.get(..length));
    bare.filter(|bare| with_check_digit(bare) == challenge)
        .unwrap_or(challenge)
}

/// Check mode 4: the same response to the same challenge in the same step.
fn repeated(case: &Case<'_>, owned: &Owned<'_>, key: ChallengeKey) -> bool {
    let value = match input(case) {
        Some(Input::Combined(value)) => value,
        Some(Input::Fields { otp, .. }) => otp,
        None => return false,
    };
    owned.candidates.iter().any(|one| {
        remembers(
            case,
            memory_key(one.application.key, &key.0, &in_step(case, one, value)),
        )
    })
}

fn in_step(case: &Case<'_>, candidate: &Candidate<'_>, value: &[u8]) -> Vec<u8> {
    let step = match &candidate.application.algorithm {
        crate::model::Algorithm::Ocra(suite) => {
            suite.time().map_or(0, |step| step.at(case.at().unix()))
        }
        _ => 0,
    };
    [&step.to_be_bytes()[..], value].concat()
}

/// The key under which an accepted response is remembered.
fn memory_key(application: ApplicationKey, challenge: &[u8], response: &[u8]) -> ChallengeKey {
    let mut hash = Sha256::new();
    hash.update(b"countersign accepted 1\0");
    hash.update(application.0.to_be_bytes());
    hash.update(
        u64::try_from(challenge.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes(),
    );
    hash.update(challenge);
    hash.update(response);
    let mut key = [0; 16];
    key.iter_mut()
        .zip(hash.finalize())
        .for_each(|(to, from)| *to = from);
    ChallengeKey(key)
}

fn remembers(case: &Case<'_>, key: ChallengeKey) -> bool {
    let settings = &case.facts.snapshot.settings;
    let span = settings.challenge_max_age_s + settings.challenge_keep_expired_s;
    let kept = |one: &&Challenge| {
        one.key == key
            && one.kind == ChallengeKind::Accepted
            && case.at() <= one.issued.plus_seconds(span)
    };
    case.facts.challenges.iter().any(|one| kept(&one))
}

fn remember(case: &mut Case<'_>, application: ApplicationKey, key: ChallengeKey) {
    let memory = Challenge {
        key,
        kind: ChallengeKind::Accepted,
        component_type: case.attempt.component.kind.clone(),
        user: case.account.map(|account| account.user.key),
        application: Some(application),
        number: 0,
        question: String::new(),
        issued: case.at(),
        wrong: 0,
        version: 0,
        relayed: None,
    };
    case.changes.push(Change::PutChallenge(Box::new(memory)));
}

/// What was typed as the response.
pub(super) fn input<'a>(case: &Case<'a>) -> Option<Input<'a>> {
    let response = case.attempt.answers_challenge.response.map(Secret::expose);
    let part = |field: Option<&'a Secret>| field.map(Secret::expose);
    match (response, &case.attempt.credentials) {
        (otp, Credentials::Separate(fields)) => {
            let otp = otp.or(part(fields.otp))?;
            let alone = fields.static_password.is_none()
                && fields.pin.is_none()
                && fields.new_pin.is_none();
            let fields = Input::Fields {
                static_password: part(fields.static_password),
                pin: part(fields.pin),
                otp,
                new_pin: part(fields.new_pin),
            };
            Some(if alone { Input::Combined(otp) } else { fields })
        }
        (Some(otp), _) => Some(Input::Combined(otp)),
        (None, Credentials::Combined(value)) => {
            value.ok().map(|value| Input::Combined(value.expose()))
        }
        (None, Credentials::Hashed { .. } | Credentials::None) => None,
    }
}

fn respond<'a>(
    case: &mut Case<'a>,
    owned: &Owned<'a>,
    asked: &[Candidate<'a>],
    trial: Trial<'_>,
    challenge: Option<&Challenge>,
) -> Flow<Success<'a>> {
    candidates::only_one(case, owned)?;
    let Some(input) = input(case) else {
        return refuse(Status::MISSINGFLD);
    };
    if let Some(challenge) = challenge {
        case.trace.push(Entry::Check {
            check: Check::Challenge,
            passed: true,
            seen: 0,
            limit: 0,
        });
        case.trace.push(Entry::Check {
            check: Check::ChallengeAnswered,
            passed: true,
            seen: challenge.wrong.into(),
            limit: MOST_WRONG.into(),
        });
    }
    let trial = Trial { input, ..trial };
    let failure = match trial::run(case, asked, &trial)? {
        Outcome::Right(success) => {
            if let Some(challenge) = challenge {
                take(case, &success, challenge, input);
            }
            return ControlFlow::Continue(success);
        }
        Outcome::Failed(failure) => failure,
    };
    if let Some((status, why)) = failure.almost {
        return refuse_telling(status, why);
    }
    if let Some(challenge) = challenge.filter(|_| !owned.only_expired) {
        case.changes.push(wrong_answer(challenge));
    }
    local::nothing_fitted(
        case,
        owned,
        &Failure {
            wants_next: None,
            ..failure
        },
        false,
    )
}

pub(super) fn take(
    case: &mut Case<'_>,
    success: &Success<'_>,
    challenge: &Challenge,
    input: Input<'_>,
) {
    case.changes.push(Change::TakeChallenge {
        key: challenge.key,
        guard: challenge.version,
    });
    let Some((candidate, _)) = success
        .used
        .as_ref()
        .filter(|_| case.policy.challenge_check_mode == 4)
    else {
        return;
    };
    let value = match input {
        Input::Combined(value) => value,
        Input::Fields { otp, .. } => otp,
    };
    let key = memory_key(
        candidate.application.key,
        &challenge.key.0,
        &in_step(case, candidate, value),
    );
    remember(case, candidate.application.key, key);
}

pub(super) fn wrong_answer(challenge: &Challenge) -> Change {
    if challenge.wrong + 1 >= MOST_WRONG {
        return Change::TakeChallenge {
            key: challenge.key,
            guard: challenge.version,
        };
    }
    Change::WrongAnswer {
        key: challenge.key,
        guard: challenge.version,
    }
}
