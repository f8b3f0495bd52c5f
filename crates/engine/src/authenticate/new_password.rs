//! New static passwords: the rules, what is stored, and `auth/update-password`, plain or encrypted (authentication.md 12).

use super::case::{Case, End, Flow, Halt, refuse, refuse_noting, refuse_telling};
use super::password::{self, too_long};
use super::{back_end, resolve, sealed};
use crate::Secret;
use crate::attempt::{Credentials, Via};
use crate::decision::{Answer, Answers, Change, NewPassword, Question};
use crate::facts::{Shut, Vault};
use crate::model::{DomainKey, StoredPassword, User};
use crate::policy::password_rules::BrokenRule;
use crate::policy::{BackEndAuth, Invalid, LocalAuth, PasswordRules};
use crate::snapshot::{RADIUS_CLIENT, Snapshot};
use crate::status::Status;
use crate::time::Timestamp;
use crate::trace::{Check, Origin, Setting, Shape, Value};
use std::ops::ControlFlow;

/// What the rules say to a new password.
#[derive(Debug, PartialEq, Eq)]
pub enum NewPasswordCheck {
    /// It may be stored.
    Fine,
    /// It breaks these rules (1024).
    Broken(Vec<BrokenRule>),
    /// The shell must compare it with an earlier one first.
    Ask(Question),
    /// It cannot be judged: -101 for a value that no password can be, -104, -103, -108 for want of an answer, -105 for
    /// a history that does not open.
    Failed(Status),
}

/// The password rules that hold for an account: those of the server component's policy.
///
/// # Errors
/// That policy cannot be used (1030).
pub(super) fn rules_of(snapshot: &Snapshot, user: &User) -> Result<PasswordRules, Invalid> {
    snapshot
        .policies
        .password_rules(snapshot.server_policy(), user.is_administrator())
}

/// Checks a new static password against the rules, the minimum age included, and asks for comparison with the last
/// `pw_history` ones. Call it again with the answer until it asks no more.
pub fn check_new_password(
    rules: &PasswordRules,
    user: &User,
    new: &Secret,
    at: Timestamp,
    vault: &dyn Vault,
    answers: &Answers,
) -> NewPasswordCheck {
    let Some(text) = std::str::from_utf8(new.expose())
        .ok()
        .filter(|_| !too_long(new.expose()))
    else {
        return NewPasswordCheck::Failed(Status::INVDATA);
    };
    let mut broken = rules.check(text, &user.id);
    if text.is_empty() && broken.is_empty() {
        broken.push(BrokenRule::Length(1));
    }
    let Some(stored) = &user.password else {
        return judged(broken);
    };
    let days = i64::from(at.day().0) - i64::from(stored.set_at.day().0);
    broken.extend(rules.check_age(days));
    if !broken.is_empty() {
        return judged(broken);
    }
    let earlier = match verifiers(user, stored, usize::from(rules.history), vault) {
        Ok(earlier) => earlier,
        Err(Shut) => return NewPasswordCheck::Failed(Status::CRYPTO),
    };
    for verifier in earlier {
        let question = Question::Verify {
            verifier,
            candidate: new.clone(),
        };
        match answers.of(&question) {
            None => return NewPasswordCheck::Ask(question),
            Some(Answer::Is(false)) => {}
            Some(Answer::Is(true)) => return judged(vec![BrokenRule::History(rules.history)]),
            Some(Answer::Busy) => return NewPasswordCheck::Failed(Status::BUSY),
            Some(Answer::TimedOut) => return NewPasswordCheck::Failed(Status::TIMEOUT),
            Some(_) => {
                return NewPasswordCheck::Failed(Status::UNSUPPORTED);
            }
        }
    }
    NewPasswordCheck::Fine
}

fn judged(broken: Vec<BrokenRule>) -> NewPasswordCheck {
    if broken.is_empty() {
        NewPasswordCheck::Fine
    } else {
        NewPasswordCheck::Broken(broken)
    }
}

/// The present verifier and the earlier ones, newest first, at most `count`.
pub(super) fn verifiers(
    user: &User,
    stored: &StoredPassword,
    count: usize,
    vault: &dyn Vault,
) -> Result<Vec<Secret>, Shut> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut all = vec![vault.open(sealed::of_user(user, "password"), &stored.verifier)?];
    if let Some(history) = &stored.history {
        let history = vault.open(sealed::of_user(user, "password_history"), history)?;
        let texts: Vec<String> = serde_json::from_slice(history.expose()).map_err(|_| Shut)?;
        all.extend(texts.into_iter().map(Secret::new));
    }
    all.truncate(count);
    Ok(all)
}

/// A new password as it is stored: its verifier, a recoverable copy where [`keeps_copy`] wants one, and the history.
///
/// # Errors
/// [`Shut`] if the present verifier or the history does not open (-105).
pub fn stored_form(
    snapshot: &Snapshot,
    user: &User,
    rules: &PasswordRules,
    new: &Secret,
    verifier: Secret,
    at: Timestamp,
    vault: &dyn Vault,
) -> Result<NewPassword, Shut> {
    let history = match &user.password {
        Some(stored) => verifiers(user, stored, usize::from(rules.history), vault)?,
        None => Vec::new(),
    };
    let copy = keeps_copy(snapshot, user.domain).then(|| new.clone());
    Ok(NewPassword {
        verifier,
        copy,
        history,
        set_at: at,
    })
}

/// Whether static passwords of a domain's users are kept recoverably too: only where an enabled component through which
/// the domain can be reached needs them, be it for a hash protocol, for a back-end or for a client.
pub fn keeps_copy(snapshot: &Snapshot, domain: DomainKey) -> bool {
    let Some(domain) = snapshot.domains.get(domain) else {
        return false;
    };
    snapshot
        .components
        .all()
        .iter()
        .filter(|component| component.enabled)
        .any(|component| {
            let Ok(policy) = snapshot.policy(&component.policy) else {
                return false;
            };
            let hashes = component.kind == RADIUS_CLIENT
                && policy.local_auth != LocalAuth::None
                && policy.allows_hash_protocol();
            let replays = policy.stored_password_proxy
                || policy.password_randomization
                || component.return_static_password;
            (hashes || replays) && resolve::accepts(&policy, domain)
        })
}

/// `auth/update-password` and `auth/change-encrypted-password`; other commands go on.
pub(super) fn update(case: &mut Case<'_>) -> Flow {
    let encrypted = case.attempt.via == Via::ChangeEncryptedPassword;
    if case.attempt.via != Via::UpdatePassword && !encrypted {
        return ControlFlow::Continue(());
    }
    case.credential = "password_change";
    let Credentials::Separate(fields) = case.attempt.credentials else {
        return refuse(Status::MISSINGFLD);
    };
    let Some(account) = case.account else {
        return refuse(Status::USER_UNKNOWN);
    };
    let user = &account.user;
    if !case.policy.password_autolearn {
        case.note(Setting::PasswordAutolearn, Value::yes_no(false));
        case.failed(Check::Autolearn, 0, 0);
        return refuse(Status::AUTOLEARN_DISABLED);
    }
    let (Some(old), Some(new)) = (fields.static_password, fields.new_password) else {
        return refuse(Status::MISSINGFLD);
    };
    let length = |part: &Secret| u32::try_from(part.len()).unwrap_or(u32::MAX);
    case.trace.push(crate::trace::Entry::Read {
        shape: Shape::Update,
        front: length(old),
        pin: 0,
        otp: 0,
        new_pin: length(new),
    });
    old_password(case, old)?;
    // What came encrypted was not typed into it: it need not say the new password twice.
    let again = fields
        .confirm_new_password
        .or(Some(new).filter(|_| encrypted));
    if again != Some(new) {
        case.failed(Check::Confirmed, 0, 0);
        return refuse_telling(
            Status::CONFIRM_PASSWORD_MISMATCH,
            "The new password and its confirmation differ.",
        );
    }
    let rules = match rules_of(case.facts.snapshot, user) {
        Ok(rules) => rules,
        Err(invalid) => return refuse_noting(Status::INVALID_POLICY, invalid.to_string()),
    };
    keeps_rules(case, user, &rules, new)?;
    if case.modes.back_end != BackEndAuth::None && !back_end::accepts(case, new.clone())? {
        return back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS);
    }
    let verifier = case.ask_hash(new.clone())?;
    match stored_form(
        case.facts.snapshot,
        user,
        &rules,
        new,
        verifier,
        case.at(),
        case.facts.vault,
    ) {
        Ok(password) => case.changes.push(Change::Password {
            key: user.key,
            password,
        }),
        Err(Shut) => return refuse_noting(Status::CRYPTO, "the password history cannot be opened"),
    }
    ControlFlow::Break(Halt::End(End::Updated))
}

fn old_password(case: &mut Case<'_>, old: &Secret) -> Flow {
    if password::is_stored(case, old.expose())? {
        return ControlFlow::Continue(());
    }
    if case.modes.back_end == BackEndAuth::None {
        return refuse(Status::LOCAL_PASSWORD_MISMATCH);
    }
    if back_end::accepts(case, old.clone())? {
        ControlFlow::Continue(())
    } else {
        back_end::rejected(case, Status::BACKEND_REJECT_SUPPLIED_PASS)
    }
}

fn keeps_rules(case: &mut Case<'_>, user: &User, rules: &PasswordRules, new: &Secret) -> Flow {
    match check_new_password(rules, user, new, case.at(), case.facts.vault, case.answers) {
        NewPasswordCheck::Fine => ControlFlow::Continue(()),
        NewPasswordCheck::Ask(question) => ControlFlow::Break(Halt::Ask(question)),
        NewPasswordCheck::Failed(status) => refuse(status),
        NewPasswordCheck::Broken(broken) => {
            for (setting, value) in [
                (Setting::PasswordRules, i64::from(rules.min_length)),
                (Setting::PasswordHistory, rules.history.into()),
                (Setting::PasswordMinAge, rules.min_age_days.into()),
            ] {
                case.note_from(setting, Value::Number(value), Origin::Server);
            }
            case.failed(Check::Strength, 0, 0);
            let sentences: Vec<String> = broken.iter().map(ToString::to_string).collect();
            refuse_telling(Status::PASSWORD_FAIL_STRENGTH_CHECK, sentences.join("; "))
        }
    }
}
