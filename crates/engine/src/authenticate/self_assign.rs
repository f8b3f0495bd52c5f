//! Self-assignment (authentication.md 4.3, 9.2): a user without applicable authenticator takes a free one at his logon.

use super::candidates::Candidate;
use super::case::{Case, Flow, refuse, refuse_noting, refuse_telling};
use super::success::Success;
use super::trial::{self, Failure, Input, Outcome, Trial};
use super::{assign, back_end, issue, relay, request, response, shapes};
use crate::Secret;
use crate::attempt::Credentials;
use crate::audit::Code;
use crate::decision::Question;
use crate::model::{Authenticator, BackEndKey, Challenge, User};
use crate::policy::{AssignmentMode, BackEndAuth};
use crate::status::Status;
use crate::trace::{Check, Entry, Setting, Shape, Value, What};
use std::ops::ControlFlow;

/// Longest serial number.
const SERIAL_MAX: usize = 46;
/// Digits of a serial in front of a field without separator.
const PADDED: usize = 10;

/// A self-assignment that may be done.
pub(super) struct Assigned<'a> {
    authenticator: &'a Authenticator,
    /// The proof of the user and of the authenticator.
    pub(super) success: Success<'a>,
}

/// What the user asks for.
struct Wish<'p> {
    serial: &'p str,
    /// What stands behind the serial.
    input: Input<'p>,
}

/// The self-assignment of a user with account; goes on where the request is none.
pub(super) fn attempt<'a>(case: &mut Case<'a>) -> Flow<Option<Success<'a>>> {
    let Some(account) = case.account else {
        return ControlFlow::Continue(None);
    };
    let Some(assigned) = proven(case, &account.user)? else {
        return ControlFlow::Continue(None);
    };
    give(case, &assigned, &account.user);
    ControlFlow::Continue(Some(assigned.success))
}

/// Assigns what was proven.
pub(super) fn give<'a>(case: &mut Case<'a>, assigned: &Assigned<'a>, user: &User) {
    let Assigned {
        authenticator,
        success,
    } = assigned;
    assign::give(case, authenticator, user, None);
    if case.policy.assignment_mode == AssignmentMode::SelfPinReset {
        // The application that was used got its new PIN, if it wants one.
        let used = success.used.as_ref();
        let used = used.map(|(candidate, _)| candidate.application.key);
        assign::clear_pins(case, authenticator, used);
    }
    case.events.push((Code::SELF_ASSIGNED, None));
}

/// A self-assignment for a user, proven in the order of authentication.md 9.2; the first failure answers. `None` where
/// the request is none.
pub(super) fn proven<'a>(case: &mut Case<'a>, user: &User) -> Flow<Option<Assigned<'a>>> {
    let Some(wish) = wish(case, is_allowed(case.policy.assignment_mode)) else {
        return ControlFlow::Continue(None);
    };
    case.credential = "self_assignment";
    case.trace.push(Entry::Read {
        shape: Shape::SelfAssignment,
        front: 0,
        pin: 0,
        otp: 0,
        new_pin: 0,
    });
    let authenticator = may_have(case, wish.serial, user)?;
    let success = proof(case, authenticator, wish.input)?;
    ControlFlow::Continue(Some(Assigned {
        authenticator,
        success,
    }))
}

fn is_allowed(mode: AssignmentMode) -> bool {
    matches!(
        mode,
        AssignmentMode::SelfAssign | AssignmentMode::SelfPinReset
    )
}

/// 1031, 1041, 1016, 1042: the authenticator that the user wants and may have.
fn may_have<'a>(case: &mut Case<'a>, serial: &str, user: &User) -> Flow<&'a Authenticator> {
    let mode = case.policy.assignment_mode;
    case.note(Setting::AssignmentMode, Value::Word(mode.as_str()));
    if !is_allowed(mode) {
        case.failed(Check::SelfAssign, 0, 0);
        return refuse(Status::SELF_ASSIGN_DISABLED);
    }
    let authenticator = with_serial(case, serial)?;
    available(case, authenticator, user)?;
    if case.modes.back_end == BackEndAuth::None {
        case.failed(Check::BackEnd, 0, 0);
        return refuse(Status::NO_BACKEND_FOR_SELF_ASSIGN);
    }
    ControlFlow::Continue(authenticator)
}

/// The second step of a self-assignment: the response to the challenge for which the password was proven.
pub(super) fn answered<'a>(
    case: &mut Case<'a>,
    challenge: &'a Challenge,
    user: &User,
) -> Flow<Assigned<'a>> {
    case.credential = "self_assignment";
    case.challenge = Some(challenge.key);
    let relayed = challenge.relayed.as_deref();
    let Some(relayed) = relayed.filter(|relayed| relay::is_for(case, relayed)) else {
        case.failed(Check::ChallengeOwner, 0, 0);
        return refuse(Status::NO_CHALLENGE);
    };
    response::belongs(case, challenge)?;
    response::young_enough(case, challenge)?;
    let serial = std::str::from_utf8(&relayed.state).unwrap_or_default();
    let authenticator = may_have(case, serial, user)?;
    let mut asked = assign::candidates(case, authenticator);
    asked.retain(|one| Some(one.application.key) == challenge.application);
    response::newest(case, challenge, asked.first())?;
    let Some(input) = response::input(case) else {
        return refuse(Status::MISSINGFLD);
    };
    let trial = Trial {
        question: Some(&challenge.question),
        input,
        pin_reset: case.policy.assignment_mode == AssignmentMode::SelfPinReset,
        ..response::blank(Shape::Response)
    };
    match trial::run(case, &asked, &trial)? {
        Outcome::Right(success) => {
            response::take(case, &success, challenge, input);
            // The password of the first step counts, whatever stands before the response.
            let success = Success {
                typed: None,
                asked_before: true,
                ..success
            };
            ControlFlow::Continue(Assigned {
                authenticator,
                success,
            })
        }
        Outcome::Failed(failure) => {
            if failure.almost.is_none() {
                case.changes.push(response::wrong_answer(challenge));
            }
            wrong(&failure)
        }
    }
}

fn wish<'a>(case: &Case<'a>, allowed: bool) -> Option<Wish<'a>> {
    match case.attempt.credentials {
        Credentials::Combined(Ok(value)) => {
            in_one(value.expose(), &case.policy.serial_separator, allowed)
        }
        Credentials::Separate(fields) => {
            let serial = case.attempt.serial?;
            let part = |field: Option<&'a Secret>| field.map(Secret::expose);
            let input = Input::Fields {
                static_password: part(fields.static_password),
                pin: part(fields.pin),
                otp: part(fields.otp).unwrap_or_default(),
                new_pin: part(fields.new_pin),
            };
            let is_one = fields.otp.is_some() || fields.static_password.is_some();
            is_one.then_some(Wish { serial, input })
        }
        _ => None,
    }
}

/// With a separator the serial stands as printed before it. Without one, ten digits could as well begin a password:
/// they count only where self-assignment is allowed.
fn in_one<'p>(value: &'p [u8], separator: &str, allowed: bool) -> Option<Wish<'p>> {
    let (serial, rest) = if separator.is_empty() {
        let digits = |(serial, rest): &(&[u8], &[u8])| {
            allowed && !rest.is_empty() && serial.iter().all(u8::is_ascii_digit)
        };
        value.split_at_checked(PADDED).filter(digits)?
    } else {
        let place = value
            .windows(separator.len())
            .position(|part| part == separator.as_bytes())?;
        let (serial, rest) = value.split_at_checked(place)?;
        let shaped = serial
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        let is_serial = shaped && serial.iter().any(u8::is_ascii_digit);
        let fits = is_serial && serial.len() <= SERIAL_MAX;
        (serial, rest.get(separator.len()..).filter(|_| fits)?)
    };
    Some(Wish {
        serial: std::str::from_utf8(serial).ok()?,
        input: Input::Combined(rest),
    })
}

/// 1041: the authenticator with the serial, however it was typed, in the user's domain.
fn with_serial<'a>(case: &mut Case<'a>, typed: &str) -> Flow<&'a Authenticator> {
    let domain = case.domain.map(|domain| domain.key).unwrap_or_default();
    for serial in spellings(typed) {
        let question = Question::Serial { domain, serial };
        if let Some(found) = case.ask_authenticator(What::Serial, question)? {
            return ControlFlow::Continue(found);
        }
    }
    refuse(Status::DIGIPASS_NOT_FOUND)
}

/// How a typed serial may be stored: as it stands, without its hyphens, without the zeros in front or padded with them.
fn spellings(typed: &str) -> Vec<String> {
    let whole = typed.to_ascii_uppercase();
    let bare = whole.replace('-', "");
    let mut all = vec![whole, bare.clone()];
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        let short = bare.trim_start_matches('0');
        all.extend([format!("{short:0>PADDED$}"), short.to_owned()]);
    }
    let mut known = Vec::with_capacity(all.len());
    for one in all {
        if !one.is_empty() && one.len() <= SERIAL_MAX && !known.contains(&one) {
            known.push(one);
        }
    }
    known
}

/// 1016: not free, out of scope, reserved, or none that this policy gives to this user.
fn available(case: &mut Case<'_>, one: &Authenticator, user: &User) -> Flow {
    let owned = case
        .account
        .map_or(&[][..], |account| account.authenticators.as_slice());
    let borrows = user.linked.is_some();
    let why = if one.user.is_some() {
        Some("the authenticator is assigned already")
    } else if one.reserved {
        Some("the authenticator is reserved for individual assignment")
    } else if borrows {
        Some("the account uses the authenticators of another and owns none")
    } else if !assign::scope(case, user.org_unit).contains(&one.org_unit) {
        Some("the authenticator is in another organizational unit than the user")
    } else if assign::candidates(case, one).is_empty() {
        Some("the policy leaves the authenticator out, or it cannot be used now")
    } else if assign::is_full(case, owned, &one.type_name) {
        Some("type_limits allows the user no further authenticator of the type")
    } else {
        None
    };
    let Some(why) = why else {
        return ControlFlow::Continue(());
    };
    case.failed(Check::Assignable, 0, 0);
    refuse_noting(Status::DIGIPASS_NOT_AVAILABLE, why)
}

/// 1023, 1021, then 1008, 1012, 1020: nothing is consumed unless both the password and the OTP are right.
fn proof<'a>(
    case: &mut Case<'a>,
    authenticator: &'a Authenticator,
    input: Input<'_>,
) -> Flow<Success<'a>> {
    let candidates = assign::candidates(case, authenticator);
    first_step(case, &candidates, input)?;
    let trial = Trial {
        shape: Shape::SelfAssignment,
        input,
        question: None,
        pin_proven: false,
        demands_static: true,
        only_after: None,
        pairs: false,
        pin_reset: case.policy.assignment_mode == AssignmentMode::SelfPinReset,
    };
    let (changes, events) = (case.changes.len(), case.events.len());
    let failure = match trial::run(case, &candidates, &trial)? {
        Outcome::Right(success) => {
            // Held back until the password is proven, too: whatever the back-end says but yes, nothing is consumed.
            let changes = case.changes.split_off(changes);
            let events = case.events.split_off(events);
            let used = case.used.take();
            let typed = success.typed.as_ref().map(|typed| &typed.password);
            if !back_end::accepts(case, typed.cloned().unwrap_or_default())? {
                return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
            }
            case.changes.extend(changes);
            case.events.extend(events);
            case.used = used;
            return ControlFlow::Continue(Success {
                asked_before: true,
                ..success
            });
        }
        Outcome::Failed(failure) => failure,
    };
    password_first(case, &candidates, &trial)?;
    wrong(&failure)
}

/// 3001: the password came without an OTP, and an application can be asked for a response.
fn first_step(case: &mut Case<'_>, candidates: &[Candidate<'_>], input: Input<'_>) -> Flow {
    let Input::Fields {
        static_password: Some(typed),
        otp: [],
        ..
    } = input
    else {
        return ControlFlow::Continue(());
    };
    let able = |one: &&Candidate<'_>| request::answers_challenges(one.application);
    let Some(candidate) = candidates.iter().find(able) else {
        return ControlFlow::Continue(());
    };
    if !case.attempt.component.challenges {
        case.failed(Check::Carries, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_W2K);
    }
    if !back_end::accepts(case, Secret::new(typed))? {
        return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    let serial = candidate.authenticator.serial.as_bytes().to_vec();
    let wanted = relay::relayed(case, BackEndKey::default(), serial);
    issue::self_assignment(case, *candidate, wanted)
}

/// 1023, 1021: whatever the OTP is, a wrong password answers first.
fn password_first(case: &mut Case<'_>, candidates: &[Candidate<'_>], trial: &Trial<'_>) -> Flow {
    let Some(password) = claimed(case, candidates, trial)? else {
        return ControlFlow::Continue(()); // there is no OTP at all, so a yes could change nothing
    };
    let tried = std::mem::take(&mut case.tried);
    if !back_end::accepts(case, password)? {
        return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    case.tried = tried;
    ControlFlow::Continue(())
}

fn wrong<T>(failure: &Failure<'_>) -> Flow<T> {
    if let Some((status, why)) = failure.almost {
        return refuse_telling(status, why);
    }
    match (failure.used, failure.barred) {
        (true, _) => refuse(Status::REPLAY),
        (false, Some(why)) => refuse_noting(Status::OTP_INCORRECT, why),
        (false, None) => refuse(Status::OTP_INCORRECT),
    }
}

/// The static password in a value whose OTP is wrong, as far as its shape tells.
fn claimed(
    case: &mut Case<'_>,
    candidates: &[Candidate<'_>],
    trial: &Trial<'_>,
) -> Flow<Option<Secret>> {
    let value = match trial.input {
        Input::Combined(value) => value,
        Input::Fields {
            static_password,
            otp,
            ..
        } => {
            let typed = static_password.filter(|_| !otp.is_empty());
            return ControlFlow::Continue(typed.map(Secret::new));
        }
    };
    for candidate in candidates {
        let application = candidate.application;
        let Some(digits) = trial::response_digits(application, None) else {
            continue;
        };
        let has_pin = trial::has_pin(application);
        let pin = trial::known_pin(case, application, trial.pin_reset)?;
        let readings: Vec<_> = shapes::readings(value, digits.into(), has_pin).collect();
        let sets_pin =
            |one: &&shapes::Reading<'_>| one.new_pin.is_some() == (has_pin && pin.is_none());
        let Some(reading) = readings.iter().find(sets_pin).or(readings.first()) else {
            continue;
        };
        let pin_length = pin.filter(|_| has_pin).map_or(0, |pin| pin.len());
        let front = reading.front;
        let end = front.len().saturating_sub(pin_length);
        return ControlFlow::Continue(front.get(..end).map(Secret::new));
    }
    ControlFlow::Continue(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_recognised() {
        let one = |value: &str, separator: &str, allowed| {
            in_one(value.as_bytes(), separator, allowed).is_some()
        };
        assert!(one("0097123456|Secret1755224", "|", false));
        assert!(one("VDS-0097-1|Secret", "|", true));
        assert!(!one("Secret|1", "|", true), "no digit");
        assert!(!one("a b1|x", "|", true));
        assert!(!one("|x", "|", true));
        assert!(!one("0097123456", "|", true));
        assert!(one("0097123456Secret", "", true));
        assert!(
            !one("0097123456Secret", "", false),
            "a password may begin like that"
        );
        assert!(!one("0097123456", "", true));
        assert!(!one(&format!("{}|x", "1".repeat(47)), "|", true));
    }

    #[test]
    fn serials_are_found_however_they_are_typed() {
        assert_eq!(spellings("97123456"), ["97123456", "0097123456"]);
        assert_eq!(spellings("0097123456"), ["0097123456", "97123456"]);
        assert_eq!(spellings("vds-0097-1"), ["VDS-0097-1", "VDS00971"]);
        assert_eq!(
            spellings("00-9712345-6"),
            ["00-9712345-6", "0097123456", "97123456"]
        );
        assert_eq!(spellings("0000000000"), ["0000000000"]);
    }
}
