//! Questions of a back-end passed on to its user, and his answers (radius.md 6).

use super::back_end::{self, Sent};
use super::case::{Case, End, Flow, Halt, refuse};
use super::success::Success;
use super::{issue, response};
use crate::Secret;
use crate::attempt::Credentials;
use crate::back_end::{Question, Said, Wanted};
use crate::decision::Change;
use crate::model::{BackEndKey, Challenge, ChallengeKind, DomainKey, Relayed};
use crate::policy::LocalAuth;
use crate::status::Status;
use crate::text;
use crate::trace::{Check, Entry, Shape, What};
use std::ops::ControlFlow;

/// Longest State of a back-end in bytes: an attribute's.
const STATE_MAX: usize = 253;

/// 3003, or 1040 where the question cannot be passed on.
pub(super) fn pass_on<T>(case: &mut Case<'_>, question: &Question, sent: Sent) -> Flow<T> {
    if !case.attempt.component.challenges {
        case.failed(Check::Carries, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_PWDPROXY);
    }
    if sent != Sent::AsItCame || question.state.len() > STATE_MAX {
        case.failed(Check::Forwarded, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_PWDPROXY);
    }
    issue::has_room(case)?;
    let relayed = relayed(case, question.server, question.state.clone());
    let asked = issue::of_back_end(case, relayed, &question.message);
    ControlFlow::Break(Halt::End(End::Challenge(Box::new(asked))))
}

/// A question to the user of the attempt, who need not have an account.
pub(super) fn relayed(case: &Case<'_>, server: BackEndKey, state: Vec<u8>) -> Relayed {
    Relayed {
        server,
        state,
        domain: domain(case),
        user: name(case),
    }
}

/// The success of an answer to a relayed question; `None` if the request answers nothing. The server alone decides,
/// and each question is answered once.
pub(super) fn answered<'a>(case: &mut Case<'a>) -> Flow<Option<Success<'a>>> {
    let Some(key) = case.attempt.answers_challenge.key else {
        return ControlFlow::Continue(None);
    };
    case.credential = "challenge";
    let challenges = case.facts.challenges;
    let known = key
        .ok()
        .and_then(|key| challenges.iter().find(|one| one.key == key));
    let Some((challenge, relayed)) = known.and_then(|one| Some((one, one.relayed.as_deref()?)))
    else {
        case.failed(Check::Challenge, 0, 0);
        return refuse(Status::NO_CHALLENGE);
    };
    answer(case, challenge, relayed).map_continue(Some)
}

fn answer<'a>(case: &mut Case<'a>, challenge: &Challenge, relayed: &Relayed) -> Flow<Success<'a>> {
    case.challenge = Some(challenge.key);
    belongs(case, challenge, relayed)?;
    response::belongs(case, challenge)?;
    response::young_enough(case, challenge)?;
    if case.is_hashed() {
        case.failed(Check::HashChallenge, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_CHAP);
    }
    let Some(typed) = typed(case) else {
        return refuse(Status::MISSINGFLD);
    };
    case.trace.push(Entry::Read {
        shape: Shape::Response,
        front: 0,
        pin: 0,
        otp: u32::try_from(typed.len()).unwrap_or(u32::MAX),
        new_pin: 0,
    });
    let wanted = Wanted::Respond {
        server: relayed.server,
        state: relayed.state.clone(),
        response: typed,
    };
    let heard = case.ask_back_end(What::BackEnd, wanted)?;
    // Whoever could not be asked can be asked again.
    if !matches!(heard.said, Said::Unreachable | Said::Busy | Said::Nobody) {
        case.changes.push(Change::TakeChallenge {
            key: challenge.key,
            guard: challenge.version,
        });
    }
    if !back_end::settle(case, heard, Sent::AsItCame)? {
        return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    ControlFlow::Continue(Success {
        asked_before: true,
        ..Success::default()
    })
}

/// Whether somebody may answer who need not have an account.
pub(super) fn is_for(case: &Case<'_>, relayed: &Relayed) -> bool {
    relayed.domain == domain(case) && relayed.user == name(case)
}

/// 3002: another user's question, one of another kind, or a policy that would decide itself by now.
fn belongs(case: &mut Case<'_>, challenge: &Challenge, relayed: &Relayed) -> Flow {
    let theirs = is_for(case, relayed);
    let ours = challenge.kind == ChallengeKind::BackEnd && case.modes.local == LocalAuth::None;
    if theirs && ours {
        return ControlFlow::Continue(());
    }
    case.failed(Check::ChallengeOwner, 0, 0);
    refuse(Status::NO_CHALLENGE)
}

fn domain(case: &Case<'_>) -> DomainKey {
    case.domain
        .map_or_else(DomainKey::default, |domain| domain.key)
}

fn name(case: &Case<'_>) -> String {
    text::fold(case.user)
}

fn typed(case: &Case<'_>) -> Option<Secret> {
    if let Some(response) = case.attempt.answers_challenge.response {
        return Some(response.clone());
    }
    match case.attempt.credentials {
        Credentials::Combined(value) => value.ok().cloned(),
        Credentials::Separate(fields) => fields.otp.or(fields.static_password).cloned(),
        Credentials::Hashed { .. } | Credentials::None => None,
    }
}
