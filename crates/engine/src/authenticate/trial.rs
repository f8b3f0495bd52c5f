//! Trying the candidate applications: the first one for which a whole reading is right wins, the others stay untouched.

use super::candidates::Candidate;
use super::case::{Case, Flow, Judged, Tried};
use super::judge::{self, Hit, Judgement, Rules, Window};
use super::shapes::{self, PIN_LENGTHS};
use super::success::{Success, Typed};
use super::{password, sealed};
use crate::Secret;
use crate::decision::Change;
use crate::model::{Algorithm, Application, ApplicationKind, BackupVirtual};
use crate::policy::BackEndAuth;
use crate::status::Status;
use crate::trace::{Check, Entry, Result, Setting, Shape, Value};
use countersign_oath::ocra::{DataInput, MovingFactor, Pin, Prepared, Question, TimeStep};
use countersign_oath::{HotpKey, Otp};
use std::ops::ControlFlow;
use subtle::ConstantTimeEq;

/// What is tried at the candidates.
#[derive(Clone, Copy)]
pub(super) struct Trial<'p> {
    pub(super) shape: Shape,
    pub(super) input: Input<'p>,
    /// The digits of the challenge that is answered; `None` for a plain OTP.
    pub(super) question: Option<&'p str>,
    /// The PIN was proven in an earlier step.
    pub(super) pin_proven: bool,
    /// The static password must be there.
    pub(super) demands_static: bool,
    /// Only the value after this one is right.
    pub(super) only_after: Option<u64>,
    /// A second OTP can be asked for.
    pub(super) pairs: bool,
    /// A PIN that is set counts as none: the assignment clears it.
    pub(super) pin_reset: bool,
}

/// The value to be read.
#[derive(Clone, Copy)]
pub(super) enum Input<'p> {
    /// Everything in one.
    Combined(&'p [u8]),
    /// One part a field.
    Fields {
        static_password: Option<&'p [u8]>,
        pin: Option<&'p [u8]>,
        otp: &'p [u8],
        new_pin: Option<&'p [u8]>,
    },
}

/// What came of it.
pub(super) enum Outcome<'a> {
    Right(Success<'a>),
    Failed(Failure<'a>),
}

/// Why no reading was wholly right.
#[derive(Default)]
pub(super) struct Failure<'a> {
    /// A reading was right but for something else.
    pub(super) almost: Option<(Status, &'static str)>,
    /// A used value was recognised.
    pub(super) used: bool,
    /// The value after this one is wanted.
    pub(super) wants_next: Option<Next<'a>>,
    /// Why an application refuses whatever is typed.
    pub(super) barred: Option<&'static str>,
}

/// A value outside the window whose successor is wanted.
#[derive(Clone, Copy)]
pub(super) struct Next<'a> {
    pub(super) candidate: Candidate<'a>,
    pub(super) moving: u64,
    /// Something stood before it that may make the whole a static password.
    pub(super) has_front: bool,
}

/// How the server PIN came out.
pub(super) enum PinSeen {
    NotAsked,
    Unset,
    Right,
    Wrong,
}

/// A reading taken apart.
pub(super) struct Parts<'p> {
    pub(super) static_part: Option<&'p [u8]>,
    pub(super) pin: PinSeen,
    pub(super) pin_length: usize,
    pub(super) otp: &'p str,
    pub(super) new_pin: Option<&'p [u8]>,
}

/// Makes the values of an application, the moving factor being open.
pub(super) enum Maker {
    Hotp(HotpKey),
    Ocra(Prepared),
}

impl Maker {
    fn matches(&self, factor: u64, typed: &str) -> bool {
        match self {
            Self::Hotp(key) => key.at(factor).matches(typed),
            Self::Ocra(prepared) => prepared.at(factor).matches(typed),
        }
    }

    /// The value itself, to be tried against a hash.
    pub(super) fn text(&self, factor: u64) -> Option<Otp> {
        match self {
            Self::Hotp(key) => Some(key.at(factor)),
            Self::Ocra(prepared) => prepared.at(factor).code().copied(),
        }
    }
}

/// Tries a value at every candidate in turn.
pub(super) fn run<'a>(
    case: &mut Case<'a>,
    candidates: &[Candidate<'a>],
    trial: &Trial<'_>,
) -> Flow<Outcome<'a>> {
    let mut failure = Failure::default();
    // Where the next value cannot be asked for, a policy that wants it as proof leaves the ordinary window only.
    let wide = (trial.pairs || !case.policy.initial_window_proof)
        && judge::may_be_wide(case, candidates.iter().map(|one| one.application));
    let mut noted = [false; 2];
    for candidate in candidates {
        note_window(case, candidate.application, &mut noted);
        if let Some(success) = one(case, *candidate, trial, wide, &mut failure)? {
            return ControlFlow::Continue(Outcome::Right(success));
        }
    }
    note_read(case, candidates, trial);
    ControlFlow::Continue(Outcome::Failed(failure))
}

fn one<'a>(
    case: &mut Case<'a>,
    candidate: Candidate<'a>,
    trial: &Trial<'_>,
    wide: bool,
    failure: &mut Failure<'a>,
) -> Flow<Option<Success<'a>>> {
    let application = candidate.application;
    let mut best = Judged {
        candidate,
        result: Result::NoReading,
        moving: None,
        distance: None,
    };
    let Some(digits) = response_digits(application, trial.question) else {
        case.judged.push(best);
        return ControlFlow::Continue(None);
    };
    if let Some(result) = barred(case, candidate, trial) {
        failure.used |= result == Result::Used;
        failure.barred = Some(crate::trace::Word::text(result));
        best.result = result;
        case.judged.push(best);
        return ControlFlow::Continue(None);
    }
    let has_pin = has_pin(application);
    let rules = Rules {
        only_after: trial.only_after,
        ..judge::rules(case, application, trial.pairs)
    };
    let mut ready: Option<(Option<Secret>, Maker, Window)> = None;
    for raw in raw_readings(trial, usize::from(digits), has_pin) {
        if ready.is_none() {
            let pin = known_pin(case, application, trial.pin_reset)?;
            let Some(maker) = maker(case, application, trial.question, pin.as_ref())? else {
                break;
            };
            ready = Some((pin, maker, Window::of(case, application, wide)));
        }
        let Some((pin, maker, window)) = &ready else {
            break;
        };
        let parts = take_apart(&raw, pin.as_ref(), has_pin, trial.pin_proven);
        if matches!(parts.pin, PinSeen::Wrong) {
            note_best(&mut best, Result::WrongPin, None);
            continue;
        }
        match window.judge(&rules, |factor| maker.matches(factor, parts.otp)) {
            Judgement::Accepted(hit) => match settle(case, candidate, trial, &parts)? {
                Ok(typed) => {
                    let success = accept(case, candidate, window, &hit, &parts, trial, typed);
                    return ControlFlow::Continue(Some(success));
                }
                Err((status, why, result)) => {
                    failure.almost.get_or_insert((status, why));
                    note_best(&mut best, result, None);
                }
            },
            Judgement::Outermost(hit) => {
                case.note(Setting::OtpWarning, Value::Word("reject"));
                failure.barred = Some(crate::trace::Word::text(Result::Outermost));
                note_best(&mut best, Result::Outermost, Some(&hit));
            }
            Judgement::Used(hit) => {
                failure.used = true;
                note_best(&mut best, Result::Used, Some(&hit));
            }
            Judgement::WantsNext(hit) => {
                failure.wants_next.get_or_insert(Next {
                    candidate,
                    moving: hit.moving,
                    has_front: parts.static_part.is_some(),
                });
                note_best(&mut best, Result::Resync, Some(&hit));
            }
            Judgement::Wrong(distance) => {
                let result = if distance.is_some() {
                    Result::TooFar
                } else if trial.only_after.is_some() {
                    Result::NextMissed
                } else {
                    Result::Wrong
                };
                note_best(&mut best, result, None);
                best.distance = best.distance.or(distance);
            }
        }
    }
    if matches!(
        best.result,
        Result::Wrong
            | Result::TooFar
            | Result::NextMissed
            | Result::WrongPin
            | Result::Used
            | Result::Outermost
    ) {
        let mut state = application.state;
        note_checked_step(case, application, trial, &mut state);
        case.tried.push(Tried { candidate, state });
    }
    case.judged.push(best);
    ControlFlow::Continue(None)
}

/// Response length of an application that can answer; `None` if it cannot.
pub(super) fn response_digits(application: &Application, question: Option<&str>) -> Option<u8> {
    match (&application.algorithm, question) {
        // The value of a virtual authenticator counts only after it was sent.
        _ if application.kind == ApplicationKind::Virtual => None,
        (Algorithm::Hotp { digits, .. } | Algorithm::Totp { digits, .. }, None) => Some(*digits),
        (Algorithm::Ocra(suite), Some(_)) if suite.session().is_none() => {
            Some(suite.digits()).filter(|digits| *digits > 0)
        }
        _ => None,
    }
}

/// Whether the user types a server PIN before the values of an application.
pub(super) fn has_pin(application: &Application) -> bool {
    application.pin.supported && application.pin.enabled && !uses_pin(application)
}

/// The PIN that an application knows of: what is typed before its values, or goes into them.
pub(super) fn known_pin(
    case: &mut Case<'_>,
    application: &Application,
    reset: bool,
) -> Flow<Option<Secret>> {
    let counts = uses_pin(application) || has_pin(application) && !reset;
    if counts {
        sealed::pin(case, application)
    } else {
        ControlFlow::Continue(None)
    }
}

/// Whether the PIN goes into the computation instead.
fn uses_pin(application: &Application) -> bool {
    matches!(&application.algorithm, Algorithm::Ocra(suite) if suite.pin().is_some())
}

/// The maker of an application's values; `None` if the question or the PIN does not fit it.
pub(super) fn maker(
    case: &mut Case<'_>,
    application: &Application,
    question: Option<&str>,
    pin: Option<&Secret>,
) -> Flow<Option<Maker>> {
    let key = sealed::key(case, application)?;
    ControlFlow::Continue(match (&application.algorithm, question) {
        (Algorithm::Hotp { hash, digits } | Algorithm::Totp { hash, digits, .. }, None) => {
            Some(Maker::Hotp(HotpKey::new(key.expose(), *hash, *digits)))
        }
        (Algorithm::Ocra(suite), Some(question)) => {
            let input = DataInput {
                pin: pin.map(|pin| Pin::Plain(pin.expose())),
                step: suite.time().map(|step| step.at(case.at().unix())),
                ..DataInput::new(Question::Single(question))
            };
            Prepared::new(suite, key.expose(), &input)
                .ok()
                .map(Maker::Ocra)
        }
        _ => None,
    })
}

/// A reading before the PIN is known.
enum Raw<'p> {
    Front(shapes::Reading<'p>),
    Fields {
        static_password: Option<&'p [u8]>,
        pin: Option<&'p [u8]>,
        otp: &'p str,
        new_pin: Option<&'p [u8]>,
    },
}

fn raw_readings<'p>(
    trial: &Trial<'p>,
    digits: usize,
    has_pin: bool,
) -> impl Iterator<Item = Raw<'p>> {
    let (combined, fields) = match trial.input {
        Input::Combined(value) => (
            Some(shapes::readings(value, digits, has_pin).map(Raw::Front)),
            None,
        ),
        Input::Fields {
            static_password,
            pin,
            otp,
            new_pin,
        } => {
            let given = |part: Option<&'p [u8]>| part.filter(|part| !part.is_empty());
            let pin = given(pin);
            let fits = otp.len() == digits && (has_pin || pin.is_none() && new_pin.is_none());
            let otp = shapes::decimal(otp).filter(|_| fits);
            (
                None,
                otp.map(|otp| Raw::Fields {
                    static_password: given(static_password),
                    pin,
                    otp,
                    new_pin,
                }),
            )
        }
    };
    combined.into_iter().flatten().chain(fields)
}

fn take_apart<'p>(
    raw: &Raw<'p>,
    stored: Option<&Secret>,
    has_pin: bool,
    proven: bool,
) -> Parts<'p> {
    let given = |part: &'p [u8]| Some(part).filter(|part| !part.is_empty());
    match *raw {
        Raw::Front(reading) => {
            let (rest, pin) = match stored.filter(|_| has_pin) {
                None if has_pin => (reading.front, PinSeen::Unset),
                None => (reading.front, PinSeen::NotAsked),
                Some(stored) => match shapes::without_pin(reading.front, stored.expose()) {
                    Some(rest) => (rest, PinSeen::Right),
                    None if proven => (reading.front, PinSeen::Right),
                    None => (reading.front, PinSeen::Wrong),
                },
            };
            let pin_length = reading.front.len() - rest.len();
            Parts {
                static_part: given(rest),
                pin,
                pin_length,
                otp: reading.otp,
                new_pin: reading.new_pin,
            }
        }
        Raw::Fields {
            static_password,
            pin: typed,
            otp,
            new_pin,
        } => {
            let pin = match (stored.filter(|_| has_pin), typed) {
                (None, None) if has_pin => PinSeen::Unset,
                (None, None) => PinSeen::NotAsked,
                (Some(_), None) if proven => PinSeen::Right,
                (Some(stored), Some(typed)) if bool::from(stored.expose().ct_eq(typed)) => {
                    PinSeen::Right
                }
                _ => PinSeen::Wrong,
            };
            Parts {
                static_part: static_password,
                pin,
                pin_length: typed.map_or(0, <[u8]>::len),
                otp,
                new_pin,
            }
        }
    }
}

/// A reading that is right but for something else.
type Almost = (Status, &'static str, Result);

/// The OTP is right: is the rest? Gives the static password that was typed.
pub(super) fn settle(
    case: &mut Case<'_>,
    candidate: Candidate<'_>,
    trial: &Trial<'_>,
    parts: &Parts<'_>,
) -> Flow<std::result::Result<Option<Typed>, Almost>> {
    let typed = match parts.static_part {
        Some(part) => {
            let stored = password::is_stored(case, part)?;
            if !stored && case.modes.back_end == BackEndAuth::None {
                return ControlFlow::Continue(Err((
                    Status::LOCAL_PASSWORD_MISMATCH,
                    "the static part of the value is not the stored password",
                    Result::FrontUnknown,
                )));
            }
            Some(Typed {
                password: Secret::new(part),
                stored,
            })
        }
        None => None,
    };
    if let Err(why) = pin_change(case, candidate.application, parts) {
        return ControlFlow::Continue(Err((Status::LOCAL_AUTH_REJECT, why, Result::PinRefused)));
    }
    if typed.is_none() && trial.demands_static {
        case.failed(Check::BackEnd, 0, 0);
        return ControlFlow::Continue(Err((
            Status::BACKEND_REJECT_SUPPLIED_PASS,
            "the back-end needs the static password before the one-time password",
            Result::FrontMissing,
        )));
    }
    ControlFlow::Continue(Ok(typed))
}

/// Whether the new PIN, or its absence, is in order.
pub(super) fn pin_change(
    case: &mut Case<'_>,
    application: &Application,
    parts: &Parts<'_>,
) -> std::result::Result<(), &'static str> {
    let unset = match parts.pin {
        PinSeen::NotAsked => return Ok(()),
        PinSeen::Unset => true,
        PinSeen::Right | PinSeen::Wrong => false,
    };
    let Some(new_pin) = parts.new_pin else {
        if unset || application.state.pin_change_forced {
            case.failed(Check::PinFirst, 0, 0);
            return Err(if unset {
                "A server PIN must be set first: type it twice after the one-time password."
            } else {
                "The server PIN must be changed."
            });
        }
        return Ok(());
    };
    let least = usize::from(application.pin.min_length).max(*PIN_LENGTHS.start());
    let fits =
        (least..=*PIN_LENGTHS.end()).contains(&new_pin.len()) && shapes::decimal(new_pin).is_some();
    let allowed = unset || case.policy.pin_change_allowed && application.pin.change_allowed;
    if fits && allowed {
        return Ok(());
    }
    case.failed(
        Check::PinChange,
        i64::try_from(new_pin.len()).unwrap_or(i64::MAX),
        i64::try_from(least).unwrap_or(i64::MAX),
    );
    if !allowed {
        case.note(
            Setting::PinChangeAllowed,
            Value::yes_no(case.policy.pin_change_allowed),
        );
        return Err("The server PIN may not be changed.");
    }
    Err("The new server PIN is too short, too long or not made of digits.")
}

/// Takes the value: from here on the decision moves the application's state.
pub(super) fn accept<'a>(
    case: &mut Case<'a>,
    candidate: Candidate<'a>,
    window: &Window,
    hit: &Hit,
    parts: &Parts<'_>,
    trial: &Trial<'_>,
    typed: Option<Typed>,
) -> Success<'a> {
    let application = candidate.application;
    let mut to = window.accept(&application.state, hit, case.at());
    note_checked_step(case, application, trial, &mut to);
    let length =
        |part: Option<&[u8]>| u32::try_from(part.map_or(0, <[u8]>::len)).unwrap_or(u32::MAX);
    let shape = if parts.new_pin.is_some() && trial.shape == Shape::Otp {
        Shape::PinChange
    } else {
        trial.shape
    };
    case.trace.push(Entry::Read {
        shape,
        front: length(parts.static_part),
        pin: u32::try_from(parts.pin_length).unwrap_or(u32::MAX),
        otp: length(Some(parts.otp.as_bytes())),
        new_pin: length(parts.new_pin),
    });
    let result = if hit.resynchronised {
        Result::Resynchronised
    } else {
        Result::Accepted
    };
    case.judged.push(Judged {
        candidate,
        result,
        moving: Some(hit.moving),
        distance: None,
    });
    if let Some(new_pin) = parts.new_pin {
        to.pin_change_forced = false;
        case.changes.push(Change::Pin {
            key: application.key,
            pin: Secret::new(new_pin),
        });
    }
    case.changes.push(Change::Application {
        key: application.key,
        guard: application.state.version,
        to,
    });
    super::success::note_otp(case, candidate, hit, parts.new_pin.is_some());
    let moving = (!matches!(window, Window::Plain)).then_some(hit.moving);
    let otp =
        (case.attempt.host_code != crate::attempt::HostCode::None).then(|| Secret::new(parts.otp));
    Success {
        used: Some((candidate, moving)),
        otp,
        typed,
        matched: None,
        asked_before: false,
    }
}

/// A reason for 1012 (or 1008) that does not depend on the value.
pub(super) fn barred(
    case: &mut Case<'_>,
    candidate: Candidate<'_>,
    trial: &Trial<'_>,
) -> Option<Result> {
    let (application, policy) = (candidate.application, case.policy);
    match judge::barred(case, application) {
        Some(Result::Threshold) => {
            case.note(
                Setting::IdentificationThreshold,
                Value::Number(policy.identification_threshold.into()),
            );
            return Some(Result::Threshold);
        }
        Some(result) => {
            case.note(
                Setting::CheckInactiveDays,
                Value::Number(policy.check_inactive_days.into()),
            );
            return Some(result);
        }
        None => {}
    }
    let backup = candidate
        .authenticator
        .backup_virtual
        .unwrap_or(policy.backup_virtual);
    if trial.question.is_none() && backup == BackupVirtual::Required {
        case.note(Setting::BackupVirtual, Value::Word(backup.as_str()));
        return Some(Result::BackupOnly);
    }
    if policy.challenge_check_mode != 3
        || application.state.checked_step.is_none()
        || application.state.checked_step != current_step(case, application, trial)
    {
        return None;
    }
    case.note(Setting::ChallengeCheckMode, Value::Number(3));
    let period = i64::from(period(application).unwrap_or(1));
    let succeeded = application.state.last_success.is_some_and(|last| {
        last.seconds().div_euclid(period) == case.at().seconds().div_euclid(period)
    });
    Some(if succeeded {
        Result::Used
    } else {
        Result::WrongStep
    })
}

fn period(application: &Application) -> Option<u32> {
    match &application.algorithm {
        Algorithm::Ocra(suite) if suite.moving_factor() == MovingFactor::Time => {
            suite.time().map(TimeStep::seconds)
        }
        _ => None,
    }
}

/// The step that counts for check mode 3: only responses of time-based challenge applications have one.
fn current_step(case: &Case<'_>, application: &Application, trial: &Trial<'_>) -> Option<u64> {
    trial.question?;
    Some(countersign_oath::totp::step(
        case.at().unix(),
        period(application)?,
    ))
}

fn note_checked_step(
    case: &Case<'_>,
    application: &Application,
    trial: &Trial<'_>,
    state: &mut crate::model::ApplicationState,
) {
    if let Some(step) = current_step(case, application, trial) {
        state.checked_step = Some(step);
    }
}

fn note_window(case: &mut Case<'_>, application: &Application, noted: &mut [bool; 2]) {
    let [event, time] = noted;
    match &application.algorithm {
        Algorithm::Totp { .. } if !std::mem::replace(time, true) => {
            case.note(
                Setting::IdentificationTimeWindow,
                Value::Number(case.policy.identification_time_window.into()),
            );
            if application.state.initial && !case.policy.skip_initial_sync {
                case.note(
                    Setting::InitialTimeWindow,
                    Value::Number(case.policy.initial_time_window_h.into()),
                );
            }
        }
        Algorithm::Hotp { .. } if !std::mem::replace(event, true) => case.note(
            Setting::EventWindow,
            Value::Number(case.policy.event_window.into()),
        ),
        _ => {}
    }
}

/// How the input was read when nothing fitted: lengths only.
fn note_read(case: &mut Case<'_>, candidates: &[Candidate<'_>], trial: &Trial<'_>) {
    let digits = candidates
        .iter()
        .find_map(|one| response_digits(one.application, trial.question))
        .map_or(0, usize::from);
    let length = |part: usize| u32::try_from(part).unwrap_or(u32::MAX);
    let (front, pin, otp, new_pin) = match trial.input {
        Input::Combined(value) => (
            value.len().saturating_sub(digits),
            0,
            value.len().min(digits),
            0,
        ),
        Input::Fields {
            static_password,
            pin,
            otp,
            new_pin,
        } => {
            let size = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
            (size(static_password), size(pin), otp.len(), size(new_pin))
        }
    };
    case.trace.push(Entry::Read {
        shape: trial.shape,
        front: length(front),
        pin: length(pin),
        otp: length(otp),
        new_pin: length(new_pin),
    });
}

/// Keeps the result that tells most about a candidate.
pub(super) fn note_best(best: &mut Judged<'_>, result: Result, hit: Option<&Hit>) {
    const ORDER: [Result; 11] = [
        Result::NoReading,
        Result::WrongPin,
        Result::Wrong,
        Result::NextMissed,
        Result::TooFar,
        Result::Resync,
        Result::Used,
        Result::Outermost,
        Result::FrontMissing,
        Result::PinRefused,
        Result::FrontUnknown,
    ];
    let place = |result: Result| ORDER.iter().position(|one| *one == result);
    if place(result) > place(best.result) {
        *best = Judged {
            candidate: best.candidate,
            result,
            moving: hit.map(|hit| hit.moving),
            distance: hit.map(|hit| hit.distance),
        };
    }
}
