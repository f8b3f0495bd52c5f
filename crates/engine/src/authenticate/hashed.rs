//! Hash protocols: every plaintext that could be right is tried against the hash (authentication.md 8.7).

use super::candidates::{Candidate, Owned};
use super::case::{Case, Flow, Judged, Tried};
use super::judge::{self, Judgement, Rules, Window};
use super::success::Success;
use super::trial::{self, Failure, Input, Maker, Parts, PinSeen, Trial};
use super::{back_end, local, password, request, sealed};
use crate::Secret;
use crate::attempt::Proof;
use crate::policy::{BackEndAuth, LocalAuth};
use crate::trace::{Entry, Result, Shape};
use std::ops::ControlFlow;
use zeroize::Zeroizing;

/// Most hashes that one request may cost.
const MOST_HASHES: u32 = 4096;

/// Counts the hashes of a request.
struct Budget<'p> {
    proof: &'p dyn Proof,
    tried: u32,
}

impl Budget<'_> {
    fn matches(&mut self, plain: &[u8]) -> bool {
        if self.tried >= MOST_HASHES {
            return false;
        }
        self.tried += 1;
        self.proof.matches(plain)
    }
}

/// What may stand before an OTP, with the lengths of its parts.
struct Front {
    bytes: Zeroizing<Vec<u8>>,
    password: usize,
    pin: usize,
}

pub(super) fn authenticate<'a>(
    case: &mut Case<'a>,
    owned: &Owned<'a>,
    proof: &dyn Proof,
) -> Flow<Success<'a>> {
    case.credential = "otp";
    let copy = password::copy(case)?;
    let copy = copy.as_ref().map(Secret::expose);
    let mut budget = Budget { proof, tried: 0 };
    request::hashed(case, owned, copy, |plain| budget.matches(plain))?;
    back_end::hash_is_of_use(case)?;
    // Tried before the one-time passwords, which may use the limit up, and looked at after them.
    let by_password = copy.filter(|copy| budget.matches(copy));
    let mut failure = Failure::default();
    let wide = !case.policy.initial_window_proof
        && judge::may_be_wide(case, owned.candidates.iter().map(|one| one.application));
    for candidate in &owned.candidates {
        if let Some(success) = one(case, *candidate, wide, copy, &mut budget, &mut failure)? {
            return ControlFlow::Continue(success);
        }
    }
    case.trace.push(Entry::Hashes {
        tried: budget.tried,
        cut: budget.tried >= MOST_HASHES,
    });
    if let Some((status, why)) = failure.almost {
        return super::case::refuse_telling(status, why);
    }
    if let Some(password) = by_password {
        let success = local::alone(case, owned, password, true)?;
        return ControlFlow::Continue(Success {
            matched: Some(Secret::new(password)),
            ..success
        });
    }
    let asks = copy.is_none()
        && !owned.usable
        && !owned.only_expired
        && case.modes.back_end != BackEndAuth::None
        && case.modes.local != LocalAuth::AuthenticatorOnly;
    if asks {
        return back_end::hash_unchecked(case);
    }
    local::nothing_fitted(case, owned, &failure, false)
}

fn one<'a>(
    case: &mut Case<'a>,
    candidate: Candidate<'a>,
    wide: bool,
    copy: Option<&[u8]>,
    budget: &mut Budget<'_>,
    failure: &mut Failure<'a>,
) -> Flow<Option<Success<'a>>> {
    let application = candidate.application;
    let mut best = Judged {
        candidate,
        result: Result::NoReading,
        moving: None,
        distance: None,
    };
    let trial = Trial {
        shape: Shape::Hash,
        input: Input::Combined(&[]),
        question: None,
        pin_proven: false,
        demands_static: case.demands_static(),
        only_after: None,
        pairs: false,
        pin_reset: false,
    };
    if trial::response_digits(application, None).is_none() {
        case.judged.push(best);
        return ControlFlow::Continue(None);
    }
    if let Some(result) = trial::barred(case, candidate, &trial) {
        failure.barred = Some(crate::trace::Word::text(result));
        case.judged.push(Judged { result, ..best });
        return ControlFlow::Continue(None);
    }
    let has_pin = trial::has_pin(application);
    let pin = if has_pin {
        sealed::pin(case, application)?
    } else {
        None
    };
    let Some(maker) = trial::maker(case, application, None, None)? else {
        return ControlFlow::Continue(None);
    };
    let window = Window::of(case, application, wide);
    let rules = Rules {
        explains: false,
        ..judge::rules(case, application, false)
    };
    let fronts = fronts(copy, pin.as_ref());
    let mut matched = None;
    let judgement = window.judge(&rules, |factor| {
        matched = fronts
            .iter()
            .find_map(|front| matching(budget, front, &maker, factor));
        matched.is_some()
    });
    let hit = match judgement {
        Judgement::Accepted(hit) => hit,
        Judgement::Used(hit) => {
            failure.used = true;
            trial::note_best(&mut best, Result::Used, Some(&hit));
            return tried(case, best);
        }
        Judgement::Outermost(hit) => {
            failure.barred = Some(crate::trace::Word::text(Result::Outermost));
            trial::note_best(&mut best, Result::Outermost, Some(&hit));
            return tried(case, best);
        }
        Judgement::WantsNext(_) | Judgement::Wrong(_) => {
            trial::note_best(&mut best, Result::Wrong, None);
            return tried(case, best);
        }
    };
    let Some((front, plain)) = matched else {
        return tried(case, best);
    };
    let otp = plain
        .get(front.bytes.len()..)
        .and_then(|otp| std::str::from_utf8(otp).ok())
        .unwrap_or_default();
    let seen = match (has_pin, &pin) {
        (false, _) => PinSeen::NotAsked,
        (true, None) => PinSeen::Unset,
        (true, Some(_)) => PinSeen::Right,
    };
    let static_part = front
        .bytes
        .get(..front.password)
        .filter(|part| !part.is_empty());
    let parts = Parts {
        static_part,
        pin: seen,
        pin_length: front.pin,
        otp,
        new_pin: None,
    };
    match trial::settle(case, candidate, &trial, &parts)? {
        Ok(typed) => {
            case.trace.push(Entry::Hashes {
                tried: budget.tried,
                cut: false,
            });
            let success = trial::accept(case, candidate, &window, &hit, &parts, &trial, typed);
            ControlFlow::Continue(Some(Success {
                matched: Some(Secret::new(plain.as_slice())),
                ..success
            }))
        }
        Err((status, why, result)) => {
            failure.almost.get_or_insert((status, why));
            trial::note_best(&mut best, result, None);
            case.judged.push(best);
            ControlFlow::Continue(None)
        }
    }
}

fn tried<'a>(case: &mut Case<'a>, best: Judged<'a>) -> Flow<Option<Success<'a>>> {
    case.tried.push(Tried {
        candidate: best.candidate,
        state: best.candidate.application.state,
    });
    case.judged.push(best);
    ControlFlow::Continue(None)
}

/// {empty, pin, S, S pin}: the PIN where one is set, S where a recoverable copy is kept.
fn fronts(copy: Option<&[u8]>, pin: Option<&Secret>) -> Vec<Front> {
    let pin = pin.map_or(&[][..], Secret::expose);
    let front = |password: &[u8]| Front {
        bytes: Zeroizing::new([password, pin].concat()),
        password: password.len(),
        pin: pin.len(),
    };
    std::iter::once(&[][..]).chain(copy).map(front).collect()
}

fn matching<'f>(
    budget: &mut Budget<'_>,
    front: &'f Front,
    maker: &Maker,
    factor: u64,
) -> Option<(&'f Front, Zeroizing<Vec<u8>>)> {
    let value = maker.text(factor)?;
    let plain = Zeroizing::new([&front.bytes, value.as_bytes()].concat());
    budget.matches(&plain).then_some((front, plain))
}
