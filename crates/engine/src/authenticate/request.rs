//! Request methods: the field asks for a challenge, a message or a push (authentication.md 6).

use super::candidates::{Candidate, Owned};
use super::case::{Case, Flow, refuse, refuse_noting};
use super::{back_end, issue, local, password, sealed, trial};
use crate::Secret;
use crate::attempt::{AuthType, Credentials};
use crate::decision::Question;
use crate::model::{
    Algorithm, Application, ApplicationKind, Authenticator, BackupVirtual, ChallengeKind, Contact,
};
use crate::policy::{BackEndAuth, DeliveryMethod, LocalAuth, RequestMethod, SecureChannel};
use crate::status::Status;
use crate::trace::{Check, Entry, Setting, Shape, Value, What};
use std::ops::ControlFlow;
use subtle::ConstantTimeEq;

/// What can be asked for, in the order in which it is served where a keyword is shared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Feature {
    Challenge,
    PrimaryVirtual,
    BackupVirtual,
    Push,
}

const FEATURES: [Feature; 4] = [
    Feature::Challenge,
    Feature::PrimaryVirtual,
    Feature::BackupVirtual,
    Feature::Push,
];

/// A request that somebody capable can serve.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    feature: Feature,
    candidate: Candidate<'a>,
    /// The static password must still come with the response.
    wants_password: bool,
    /// The request holds the PIN.
    has_pin: bool,
}

/// A request that holds a static password still to be proven.
pub(super) struct Asks<'a, 'p> {
    pub(super) request: Request<'a>,
    pub(super) password: &'p [u8],
}

/// How a field asks.
enum Asking<'p> {
    Not,
    /// By the keyword alone.
    Bare,
    /// With the static password.
    Password(&'p [u8]),
    /// With the PIN of the application.
    Pin(&'p [u8]),
}

impl Feature {
    fn method<'a>(self, case: &Case<'a>) -> (RequestMethod, &'a str, Setting) {
        let policy = case.policy;
        match self {
            Self::Challenge => (
                policy.challenge_request_method,
                &policy.challenge_request_keyword,
                Setting::ChallengeRequestMethod,
            ),
            Self::PrimaryVirtual => (
                policy.virtual_request_method,
                &policy.virtual_request_keyword,
                Setting::VirtualRequestMethod,
            ),
            Self::BackupVirtual => (
                policy.backup_virtual_request_method,
                &policy.backup_virtual_request_keyword,
                Setting::BackupVirtualRequestMethod,
            ),
            Self::Push => (
                policy.push_request_method,
                &policy.push_request_keyword,
                Setting::PushRequestMethod,
            ),
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Challenge => Shape::ChallengeRequest,
            Self::PrimaryVirtual => Shape::VirtualRequest,
            Self::BackupVirtual => Shape::BackupRequest,
            Self::Push => Shape::PushRequest,
        }
    }

    /// A candidate that can serve it.
    fn capable<'a>(self, case: &Case<'_>, owned: &Owned<'a>) -> Option<Candidate<'a>> {
        let policy = case.policy;
        owned.candidates.iter().copied().find(|one| match self {
            Self::Challenge => answers_challenges(one.application),
            Self::PrimaryVirtual => one.application.kind == ApplicationKind::Virtual,
            Self::BackupVirtual => {
                one.application.kind != ApplicationKind::Virtual
                    && backup(case, one.authenticator) != BackupVirtual::No
            }
            Self::Push => {
                one.application.secure_channel && policy.secure_channel != SecureChannel::No
            }
        })
    }
}

/// Whether an application can answer a challenge in two steps.
pub(super) fn answers_challenges(application: &Application) -> bool {
    let kind = matches!(
        application.kind,
        ApplicationKind::ChallengeResponse
            | ApplicationKind::Signature
            | ApplicationKind::MultiMode
    );
    kind && matches!(&application.algorithm, Algorithm::Ocra(suite) if suite.digits() > 0 && suite.session().is_none())
}

fn backup(case: &Case<'_>, authenticator: &Authenticator) -> BackupVirtual {
    authenticator
        .backup_virtual
        .unwrap_or(case.policy.backup_virtual)
}

/// The features that somebody capable could serve, with how they are asked for.
fn offered<'a, 'p>(
    case: &Case<'a>,
    owned: &Owned<'a>,
    value: &'p [u8],
) -> impl Iterator<Item = (Request<'a>, Asking<'p>, RequestMethod)> {
    FEATURES
        .map(|feature| {
            let (method, keyword, _) = feature.method(case);
            let asking = asking(method, keyword.as_bytes(), value);
            let candidate = if matches!(asking, Asking::Not) {
                None
            } else {
                feature.capable(case, owned)
            };
            // The other methods prove the password or the PIN now; keyword_only needs none later.
            let wants_password = case.demands_static()
                && method == RequestMethod::Keyword
                && matches!(asking, Asking::Bare);
            candidate.map(|candidate| {
                (
                    Request {
                        feature,
                        candidate,
                        wants_password,
                        has_pin: matches!(asking, Asking::Pin(_)),
                    },
                    asking,
                    method,
                )
            })
        })
        .into_iter()
        .flatten()
}

fn asking<'p>(method: RequestMethod, keyword: &[u8], value: &'p [u8]) -> Asking<'p> {
    let after = value.strip_prefix(keyword).filter(|rest| !rest.is_empty());
    let is_keyword = value == keyword;
    match method {
        RequestMethod::None => Asking::Not,
        RequestMethod::Keyword | RequestMethod::KeywordOnly if is_keyword => Asking::Bare,
        RequestMethod::Keyword if !keyword.is_empty() => {
            after.map_or(Asking::Not, Asking::Password)
        }
        RequestMethod::Keyword | RequestMethod::KeywordOnly => Asking::Not,
        RequestMethod::Password if value.is_empty() => Asking::Not,
        RequestMethod::Password => Asking::Password(value),
        RequestMethod::KeywordPassword => after.map_or(Asking::Not, Asking::Password),
        RequestMethod::PasswordKeyword => value
            .strip_suffix(keyword)
            .filter(|rest| !rest.is_empty())
            .map_or(Asking::Not, Asking::Password),
        RequestMethod::KeywordPin => after.map_or(Asking::Not, Asking::Pin),
    }
}

/// Serves a request that needs no static password: a keyword alone, or with a PIN.
pub(super) fn without_password(case: &mut Case<'_>, owned: &Owned<'_>, value: &[u8]) -> Flow {
    let requests: Vec<_> = offered(case, owned, value).collect();
    for (request, asking, method) in requests {
        let right = match asking {
            Asking::Bare => true,
            Asking::Pin(typed) => is_pin(case, &request, typed)?,
            Asking::Not | Asking::Password(_) => false,
        };
        if right {
            note(case, request.feature, method);
            serve(case, &request)?;
        }
    }
    ControlFlow::Continue(())
}

fn is_pin(case: &mut Case<'_>, request: &Request<'_>, typed: &[u8]) -> Flow<bool> {
    if !trial::has_pin(request.candidate.application) {
        return ControlFlow::Continue(false);
    }
    let pin = sealed::pin(case, request.candidate.application)?;
    ControlFlow::Continue(pin.is_some_and(|pin| pin.expose().ct_eq(typed).into()))
}

/// Serves a request that holds the stored static password; gives back the first one whose password is another.
pub(super) fn with_password<'a, 'p>(
    case: &mut Case<'a>,
    owned: &Owned<'a>,
    value: &'p [u8],
) -> Flow<Option<Asks<'a, 'p>>> {
    let mut other = None;
    let grace = case.modes.local == LocalAuth::GracePeriod && owned.in_grace(case.at().day());
    let requests: Vec<_> = offered(case, owned, value).collect();
    for (request, asking, method) in requests {
        let Asking::Password(password) = asking else {
            continue;
        };
        if method == RequestMethod::Password && grace {
            continue; // counts as a plain password logon while grace runs
        }
        if password::is_stored_at_little_cost(case, password)? {
            note(case, request.feature, method);
            at_back_end_too(case, password)?;
            serve(case, &request)?;
        } else if case.modes.back_end != BackEndAuth::None {
            other.get_or_insert(Asks { request, password });
        }
    }
    ControlFlow::Continue(other)
}

/// The second step holds no password, so a back-end that must see it sees it now: once the challenge is answered, it
/// counts as asked.
fn at_back_end_too(case: &mut Case<'_>, password: &[u8]) -> Flow {
    if case.modes.back_end != BackEndAuth::Always || case.policy.stored_password_proxy {
        return ControlFlow::Continue(());
    }
    if back_end::accepts(case, Secret::new(password))? {
        return ControlFlow::Continue(());
    }
    back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS)
}

/// Whether the first step of a 2-step logon has proven the password wherever the second need not hold it.
pub(super) fn proved_password(case: &Case<'_>) -> bool {
    let (method, ..) = Feature::Challenge.method(case);
    case.demands_static() && holds_password(method)
}

/// Whether the request itself must, or may in place of the second step, hold the password.
fn holds_password(method: RequestMethod) -> bool {
    match method {
        RequestMethod::Keyword
        | RequestMethod::Password
        | RequestMethod::KeywordPassword
        | RequestMethod::PasswordKeyword => true,
        RequestMethod::None | RequestMethod::KeywordOnly | RequestMethod::KeywordPin => false,
    }
}

/// The workflow that the request names itself.
pub(super) fn explicit(case: &mut Case<'_>, owned: &Owned<'_>) -> Flow {
    let features: &[Feature] = match local::named(case) {
        Some(AuthType::Challenge) => &[Feature::Challenge],
        Some(AuthType::Virtual) => &[Feature::PrimaryVirtual, Feature::BackupVirtual],
        Some(AuthType::Push | AuthType::Scan) => &[Feature::Push],
        Some(AuthType::Auto | AuthType::Response) | None => return ControlFlow::Continue(()),
    };
    let found = features
        .iter()
        .find_map(|feature| Some((*feature, feature.capable(case, owned)?)));
    let Some((feature, candidate)) = found else {
        return refuse(Status::NO_APPLICABLE_DP_FOUND);
    };
    let typed = match case.attempt.credentials {
        Credentials::Separate(fields) => fields.static_password,
        Credentials::Combined(value) => value.ok(),
        Credentials::Hashed { .. } | Credentials::None => None,
    };
    let typed = typed.filter(|typed| !typed.is_empty());
    if let Some(typed) = typed {
        prove(case, owned, typed)?;
    }
    let (method, ..) = feature.method(case);
    let proven = typed.is_some() && holds_password(method);
    let wants_password = case.demands_static() && !proven;
    serve(
        case,
        &Request {
            feature,
            candidate,
            wants_password,
            has_pin: false,
        },
    )
}

/// 1011, 1023: the static password that came with the request.
fn prove(case: &mut Case<'_>, owned: &Owned<'_>, typed: &Secret) -> Flow {
    if password::is_stored(case, typed.expose())? {
        return at_back_end_too(case, typed.expose());
    }
    if case.modes.back_end == BackEndAuth::None || !back_end::may_see(case, owned, typed.expose())?
    {
        return refuse(Status::LOCAL_PASSWORD_MISMATCH);
    }
    if back_end::accepts(case, typed.clone())? {
        return ControlFlow::Continue(());
    }
    back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS)
}

/// In a hash protocol: 1034 where the hash is that of a request; a push by keyword alone is served.
pub(super) fn hashed(
    case: &mut Case<'_>,
    owned: &Owned<'_>,
    copy: Option<&[u8]>,
    mut matches: impl FnMut(&[u8]) -> bool,
) -> Flow {
    for feature in FEATURES {
        let (method, keyword, _) = feature.method(case);
        let Some(candidate) = feature.capable(case, owned) else {
            continue;
        };
        let keyword = keyword.as_bytes();
        let joined =
            |first: &[u8], second: &[u8]| zeroize::Zeroizing::new([first, second].concat());
        let bare = matches!(method, RequestMethod::Keyword | RequestMethod::KeywordOnly)
            && matches(keyword);
        let with_copy = copy.is_some_and(|copy| match method {
            RequestMethod::Keyword if !keyword.is_empty() => matches(&joined(keyword, copy)),
            RequestMethod::KeywordPassword => matches(&joined(keyword, copy)),
            RequestMethod::PasswordKeyword => matches(&joined(copy, keyword)),
            // The stored password alone is a plain password first.
            _ => false,
        });
        let with_pin =
            method == RequestMethod::KeywordPin && trial::has_pin(candidate.application) && {
                let pin = sealed::pin(case, candidate.application)?;
                pin.is_some_and(|pin| matches(&joined(keyword, pin.expose())))
            };
        if !bare && !with_copy && !with_pin {
            continue;
        }
        note(case, feature, method);
        let request = Request {
            feature,
            candidate,
            wants_password: false,
            has_pin: false,
        };
        if feature == Feature::Push && bare && method == RequestMethod::KeywordOnly {
            return serve(case, &request);
        }
        case.failed(Check::HashChallenge, 0, 0);
        return refuse(Status::NO_CHALLRESP_FOR_CHAP);
    }
    ControlFlow::Continue(())
}

fn note(case: &mut Case<'_>, feature: Feature, method: RequestMethod) {
    let (_, _, setting) = feature.method(case);
    local::note_method(case, setting, method.as_str());
}

/// Serves a request; never goes on.
pub(super) fn serve(case: &mut Case<'_>, request: &Request<'_>) -> Flow {
    case.trace.push(Entry::Read {
        shape: request.feature.shape(),
        front: 0,
        pin: 0,
        otp: 0,
        new_pin: 0,
    });
    case.tried.clear();
    match request.feature {
        Feature::Challenge => {
            let kind = ChallengeKind::TwoStep {
                wants_password: request.wants_password,
                pin_proven: request.has_pin,
            };
            issue::two_step(case, request.candidate, kind)
        }
        Feature::PrimaryVirtual => deliver(case),
        Feature::BackupVirtual => {
            backup_allowed(case, request.candidate.authenticator)?;
            deliver(case)
        }
        Feature::Push => {
            case.credential = "push";
            case.ask(What::Push, Question::Push)?;
            refuse_noting(Status::UNSUPPORTED, "this build sends no push requests")
        }
    }
}

fn backup_allowed(case: &mut Case<'_>, authenticator: &Authenticator) -> Flow {
    let over = backup(case, authenticator) == BackupVirtual::TimeLimited
        && authenticator
            .backup_until
            .is_some_and(|end| end <= case.at().day());
    if over || authenticator.backup_uses_left == Some(0) {
        let mode = backup(case, authenticator);
        case.note(Setting::BackupVirtual, Value::Word(mode.as_str()));
        return refuse(Status::BVDP_NOT_ALLOWED);
    }
    ControlFlow::Continue(())
}

fn deliver(case: &mut Case<'_>) -> Flow {
    case.credential = "virtual";
    if !has_address(case) {
        return refuse(Status::INVALID_MDC_SETTINGS);
    }
    case.ask(What::Deliver, Question::Deliver)?;
    refuse_noting(Status::UNSUPPORTED, "this build delivers no messages")
}

/// Whether the account has an address for the effective delivery method, or for its substitute.
fn has_address(case: &Case<'_>) -> bool {
    let Some(account) = case.account else {
        return false;
    };
    let own = account
        .user
        .overrides
        .as_deref()
        .and_then(|own| own.delivery_method.as_deref())
        .and_then(DeliveryMethod::parse);
    let known = |field: fn(&Contact) -> &String| {
        account
            .user
            .contact
            .as_deref()
            .is_some_and(|contact| !field(contact).is_empty())
    };
    let (mobile, email) = (
        known(|contact| &contact.mobile),
        known(|contact| &contact.email),
    );
    match own.unwrap_or(case.policy.delivery_method) {
        DeliveryMethod::Sms | DeliveryMethod::Voice | DeliveryMethod::SmsVoice => mobile,
        DeliveryMethod::Email => email,
        DeliveryMethod::SmsEmail | DeliveryMethod::EmailVoice => mobile || email,
    }
}
