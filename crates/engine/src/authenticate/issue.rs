//! Issuing challenges (authentication.md 7, 8.5).

use super::candidates::Candidate;
use super::case::{Case, End, Flow, Halt, refuse, refuse_noting};
use crate::attempt::Via;
use crate::decision::{Asked, Change};
use crate::dice::Purpose;
use crate::model::{Algorithm, ApplicationState, Challenge, ChallengeKey, ChallengeKind, Relayed};
use crate::policy::OneStep;
use crate::status::Status;
use crate::trace::{Check, Origin, Setting, Value};
use std::ops::ControlFlow;

/// Where the digits go in a prompt.
const PLACE: &str = "[CHALLENGE]";
/// Longest challenge in digits.
const MOST_DIGITS: u8 = 16;

/// `auth/challenge`: a 1-step challenge, bound to nobody; other commands go on.
pub(super) fn one_step(case: &mut Case<'_>) -> Flow {
    if case.attempt.via != Via::Challenge {
        return ControlFlow::Continue(());
    }
    case.credential = "challenge";
    let kind = case.policy.one_step_challenge;
    case.note(Setting::OneStepChallenge, Value::Word(kind.as_str()));
    let length = case
        .policy
        .one_step_challenge_length
        .filter(|_| kind != OneStep::No);
    let Some(length) = length else {
        case.failed(Check::OneStep, 0, 0);
        return refuse(Status::ONE_STEP_CR_DISABLED);
    };
    has_room(case)?;
    let digits = case.dice.digits(Purpose::Question, length.into());
    let shown = if case.policy.one_step_check_digit {
        with_check_digit(&digits)
    } else {
        digits.clone()
    };
    let challenge = put(case, ChallengeKind::OneStep, None, digits);
    let asked = asked(case, &challenge, Some(shown), None);
    case.changes.push(Change::PutChallenge(Box::new(challenge)));
    ControlFlow::Break(Halt::End(End::OneStep(Box::new(asked))))
}

/// Asks one application of the user (3001).
pub(super) fn two_step(case: &mut Case<'_>, candidate: Candidate<'_>, kind: ChallengeKind) -> Flow {
    ask(case, candidate, kind, None)
}

/// Asks an application of a free authenticator that the user assigns himself (3001).
pub(super) fn self_assignment<T>(
    case: &mut Case<'_>,
    candidate: Candidate<'_>,
    wanted: Relayed,
) -> Flow<T> {
    ask(case, candidate, ChallengeKind::SelfAssign, Some(wanted))
}

fn ask<T>(
    case: &mut Case<'_>,
    candidate: Candidate<'_>,
    kind: ChallengeKind,
    relayed: Option<Relayed>,
) -> Flow<T> {
    case.credential = "challenge";
    if case.is_hashed() {
        case.failed(Check::HashChallenge, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_CHAP);
    }
    if !case.attempt.component.challenges {
        case.failed(Check::Carries, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_W2K);
    }
    has_room(case)?;
    let Algorithm::Ocra(suite) = &candidate.application.algorithm else {
        return refuse(Status::NO_APPLICABLE_DP_FOUND);
    };
    let digits = case.dice.digits(
        Purpose::Question,
        suite.question().max.min(MOST_DIGITS).into(),
    );
    let mut challenge = put(case, kind, Some(candidate), digits.clone());
    challenge.relayed = relayed.map(Box::new);
    let state = &candidate.application.state;
    let to = ApplicationState {
        version: state.version + 1,
        challenges: challenge.number,
        ..*state
    };
    case.changes.push(Change::Application {
        key: candidate.application.key,
        guard: state.version,
        to,
    });
    let asked = asked(case, &challenge, Some(digits), Some(candidate));
    case.changes.push(Change::PutChallenge(Box::new(challenge)));
    ControlFlow::Break(Halt::End(End::Challenge(Box::new(asked))))
}

/// Asks for the value after `first` (3001); nothing is accepted and nothing counted.
pub(super) fn second_otp<T>(case: &mut Case<'_>, candidate: Candidate<'_>, first: u64) -> Flow<T> {
    case.credential = "otp";
    case.tried.clear();
    // After a restore it is no setting that asks for it.
    if !candidate.application.state.restored {
        let name = if case.policy.second_otp_sync {
            Setting::SecondOtpSync
        } else {
            Setting::InitialWindowProof
        };
        case.note(name, Value::yes_no(true));
    }
    let shows = case.attempt.component.challenges;
    if shows {
        has_room(case)?;
    }
    let state = &candidate.application.state;
    let to = ApplicationState {
        version: state.version + 1,
        resync: Some((first, case.at())),
        ..*state
    };
    case.changes.push(Change::Application {
        key: candidate.application.key,
        guard: state.version,
        to,
    });
    let challenge = put(
        case,
        ChallengeKind::SecondOtp,
        Some(candidate),
        String::new(),
    );
    let asked = asked(case, &challenge, None, Some(candidate));
    if shows {
        case.changes.push(Change::PutChallenge(Box::new(challenge)));
    }
    ControlFlow::Break(Halt::End(End::SecondOtp(Box::new(asked))))
}

/// Puts a question of a back-end under a key of our own.
pub(super) fn of_back_end(case: &mut Case<'_>, relayed: Relayed, message: &str) -> Asked {
    case.credential = "challenge";
    let mut challenge = put(case, ChallengeKind::BackEnd, None, String::new());
    challenge.user = case.account.map(|account| account.user.key);
    challenge.relayed = Some(Box::new(relayed));
    let mut asked = asked(case, &challenge, None, None);
    asked.status = Status::BACKEND_CHALLENGE;
    if !message.is_empty() {
        message.clone_into(&mut asked.message);
    }
    let stored = case.account.map(|account| account.user.id.as_str());
    stored.unwrap_or(case.user).clone_into(&mut asked.user);
    asked.domain = case
        .domain
        .map(|domain| domain.name.clone())
        .unwrap_or_default();
    case.changes.push(Change::PutChallenge(Box::new(challenge)));
    asked
}

/// -104: too many challenges are outstanding in the deployment.
pub(super) fn has_room(case: &mut Case<'_>) -> Flow {
    let (seen, limit) = (
        case.facts.outstanding,
        case.facts.snapshot.settings.challenge_max_outstanding,
    );
    if seen < limit {
        return ControlFlow::Continue(());
    }
    case.note_from(
        Setting::ChallengeMaxOutstanding,
        Value::Number(limit),
        Origin::Deployment,
    );
    case.failed(Check::ChallengeRoom, seen, limit);
    refuse_noting(Status::BUSY, "challenge.max_outstanding is reached")
}

fn put(
    case: &mut Case<'_>,
    kind: ChallengeKind,
    candidate: Option<Candidate<'_>>,
    question: String,
) -> Challenge {
    let key = ChallengeKey(case.dice.bytes(Purpose::ChallengeKey));
    case.challenge = Some(key);
    Challenge {
        key,
        kind,
        component_type: case.attempt.component.kind.clone(),
        user: candidate.and(case.account).map(|account| account.user.key),
        application: candidate.map(|one| one.application.key),
        number: candidate.map_or(0, |one| one.application.state.challenges.saturating_add(1)),
        question,
        issued: case.at(),
        wrong: 0,
        version: 0,
        relayed: None,
    }
}

fn asked(
    case: &Case<'_>,
    challenge: &Challenge,
    shown: Option<String>,
    candidate: Option<Candidate<'_>>,
) -> Asked {
    let template = case
        .attempt
        .challenge_message
        .unwrap_or(&case.policy.challenge_message);
    let message = prompt(
        template,
        shown.as_deref().unwrap_or_default(),
        case.attempt.via == Via::Radius,
    );
    let account = candidate.and(case.account);
    Asked {
        status: Status::DP_CHALLENGE,
        key: challenge.key,
        challenge: shown,
        message,
        max_age_s: case.facts.snapshot.settings.challenge_max_age_s,
        user: account
            .map(|account| account.user.id.clone())
            .unwrap_or_default(),
        domain: account
            .and(case.domain)
            .map(|domain| domain.name.clone())
            .unwrap_or_default(),
        serial: candidate.map(|one| one.authenticator.serial.clone()),
    }
}

/// The prompt. Over RADIUS it must hold the digits: in their place, or after one space.
fn prompt(template: &str, digits: &str, radius: bool) -> String {
    if template.contains(PLACE) {
        return template.replace(PLACE, digits);
    }
    if radius && !digits.is_empty() {
        format!("{template} {digits}")
    } else {
        template.to_owned()
    }
}

/// The digits with their Luhn check digit.
pub(super) fn with_check_digit(digits: &str) -> String {
    let doubled = |place: usize, digit: u32| {
        if place.is_multiple_of(2) {
            digit * 2 / 10 + digit * 2 % 10
        } else {
            digit
        }
    };
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(place, digit)| doubled(place, digit.to_digit(10).unwrap_or(0)))
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn() {
        for (digits, whole) in [
            ("7992739871", "79927398713"),
            ("0", "00"),
            ("453201511283036", "4532015112830366"),
        ] {
            assert_eq!(with_check_digit(digits), whole);
        }
    }

    #[test]
    fn the_digits_take_their_place_in_the_prompt() {
        assert_eq!(
            prompt("Type [CHALLENGE] now", "1234", true),
            "Type 1234 now"
        );
        assert_eq!(prompt("Please", "1234", true), "Please 1234");
        assert_eq!(prompt("Please", "1234", false), "Please");
        assert_eq!(prompt("Please", "", true), "Please");
    }
}
