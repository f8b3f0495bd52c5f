//! What the codes and words of a directory mean (authentication.md 10).

use super::connection::Answer;
use super::profile::habits;
use super::wire::{Control, Entry, PasswordError, PasswordPolicy, Warning, code};
use countersign_engine::back_end::Said;
use countersign_engine::model::Profile;

/// What a user's bind means; `Err` where the directory did not come to an answer about the user.
pub(super) fn of_bind(
    profile: Profile,
    answer: &Answer,
    user: &Entry,
) -> Result<(Said, String), String> {
    let told = match profile {
        Profile::Ad => by_data(answer, user),
        Profile::EDirectory => by_nds(answer, user),
        Profile::OpenLdap | Profile::Ds389 | Profile::IbmSds => by_policy(profile, answer, user),
    };
    match told {
        Some(said) => Ok((said, note(answer))),
        None => by_code(answer).ok_or_else(|| format!("user bind: {}", answer.outcome)),
    }
}

/// What a change of a password means; `Err` where the directory did not come to an answer about it.
pub(super) fn of_change(profile: Profile, answer: &Answer) -> Result<(Said, String), String> {
    let said = match (&answer.outcome.code, profile) {
        (&code::SUCCESS, _) => Some(accepted()),
        (_, Profile::Ad) => change_by_data(answer),
        _ => change_by_policy(answer),
    };
    let said = said.ok_or_else(|| format!("change: {}", answer.outcome))?;
    Ok((said, note(answer)))
}

/// Yes.
pub(super) fn accepted() -> Said {
    Said::Accepted(Box::default())
}

/// The number after `data` in a text of Active Directory.
pub(super) fn data(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(" data ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(rest.len());
    rest.get(..end).filter(|digits| !digits.is_empty())
}

/// Words for the record: what the server said, and what its policy adds.
fn note(answer: &Answer) -> String {
    let policy = PasswordPolicy::of(&answer.controls);
    let mut all = Vec::new();
    if !answer.outcome.is_success() || !answer.outcome.text.is_empty() {
        all.push(answer.outcome.to_string());
    }
    if let Some(error) = policy.error {
        all.push(format!("password policy: {error:?}"));
    }
    match policy.warning {
        Some(Warning::Expires(seconds)) => all.push(format!("the password expires in {seconds} s")),
        Some(Warning::Grace(left)) => {
            all.push(format!("the password has expired; {left} logons are left"));
        }
        None => {}
    }
    all.join("; ")
}

/// Active Directory tells the state as a number in the text (MS-ERREF), Samba in the same form.
fn by_data(answer: &Answer, user: &Entry) -> Option<Said> {
    match answer.outcome.code {
        code::SUCCESS => return Some(accepted()),
        code::INVALID_CREDENTIALS => {}
        _ => return None,
    }
    let said = match data(&answer.outcome.text) {
        Some("52e" | "525" | "530" | "531") => Said::Rejected,
        Some("532" | "773") => Said::Expired,
        Some("533" | "701") => Said::Disabled,
        Some("775") => Said::Locked,
        _ => return state_of_windows(user),
    };
    Some(said)
}

/// The state by the attributes of the account, where the text tells none (MS-ADTS 2.2.16, 3.1.1.4.5.17).
fn state_of_windows(user: &Entry) -> Option<Said> {
    const DISABLED: i64 = 0x2;
    const LOCKED: i64 = 0x10;
    const EXPIRED: i64 = 0x80_0000;
    let number = |name| user.text(name).and_then(|text| text.parse::<i64>().ok());
    let control = number("userAccountControl").unwrap_or(0);
    let computed = number("msDS-User-Account-Control-Computed");
    let locked = match computed {
        Some(flags) => flags & LOCKED != 0,
        None => number("lockoutTime").is_some_and(|time| time > 0),
    };
    if control & DISABLED != 0 {
        return Some(Said::Disabled);
    }
    if locked {
        return Some(Said::Locked);
    }
    let expired = computed.is_some_and(|flags| flags & EXPIRED != 0);
    let said = if expired || number("pwdLastSet") == Some(0) {
        Said::Expired
    } else {
        Said::Rejected
    };
    Some(said)
}

/// Directories that tell the state by the control of the password policy.
fn by_policy(profile: Profile, answer: &Answer, user: &Entry) -> Option<Said> {
    let policy = PasswordPolicy::of(&answer.controls);
    match policy.error {
        // 389 Directory Server gives the error of a locked account for an inactivated one as well
        Some(PasswordError::Locked) if profile == Profile::Ds389 && is_inactivated(answer) => {
            return Some(Said::Disabled);
        }
        Some(PasswordError::Expired | PasswordError::ChangeAfterReset) => {
            return Some(Said::Expired);
        }
        Some(PasswordError::Locked) => return Some(Said::Locked),
        _ => {}
    }
    let own = match profile {
        Profile::Ds389 => by_389ds(answer, policy),
        Profile::IbmSds => by_ibm(answer),
        _ => None,
    };
    if own.is_some() {
        return own;
    }
    match answer.outcome.code {
        code::SUCCESS => Some(accepted()),
        code::INVALID_CREDENTIALS => state_of_others(user),
        _ => None,
    }
}

/// 389 Directory Server: its own control of old, and refusals by result code and text (Red Hat Directory Server,
/// Administration Guide, "Understanding Password Expiration Controls", "Account Lockout").
fn by_389ds(answer: &Answer, policy: PasswordPolicy) -> Option<Said> {
    let text = answer.outcome.text.to_ascii_lowercase();
    match answer.outcome.code {
        code::SUCCESS if matches!(policy.warning, Some(Warning::Grace(_))) => Some(accepted()),
        code::SUCCESS | code::INVALID_CREDENTIALS if Control::says_expired(&answer.controls) => {
            Some(Said::Expired)
        }
        code::INVALID_CREDENTIALS if text.contains("password expired") => Some(Said::Expired),
        code::CONSTRAINT_VIOLATION if text.contains("retry limit") => Some(Said::Locked),
        code::UNWILLING_TO_PERFORM if is_inactivated(answer) => Some(Said::Disabled),
        _ => None,
    }
}

fn is_inactivated(answer: &Answer) -> bool {
    let text = answer.outcome.text.to_ascii_lowercase();
    answer.outcome.code == code::UNWILLING_TO_PERFORM && text.contains("inactivated")
}

/// IBM Security Directory Server: refusals by text where the control is missing (IBM SDS Administration Guide,
/// "Password policy").
fn by_ibm(answer: &Answer) -> Option<Said> {
    let text = answer.outcome.text.to_ascii_lowercase();
    match answer.outcome.code {
        code::INVALID_CREDENTIALS | code::UNWILLING_TO_PERFORM if text.contains("locked") => {
            Some(Said::Locked)
        }
        code::INVALID_CREDENTIALS if text.contains("expired") => Some(Said::Expired),
        code::SUCCESS if text.contains("changed after reset") => Some(Said::Expired),
        _ => None,
    }
}

/// The state by the attributes of the account, where an answer tells none.
fn state_of_others(user: &Entry) -> Option<Said> {
    let is = |name, value: &str| {
        user.text(name)
            .is_some_and(|own| own.eq_ignore_ascii_case(value))
    };
    // the time that stands for ever (draft-behera-ldap-password-policy-10 section 5.3.3)
    if is("pwdAccountLockedTime", "000001010000Z") || is("ibm-pwdAccountLocked", "true") {
        return Some(Said::Locked);
    }
    is("nsAccountLock", "true").then_some(Said::Disabled)
}

/// eDirectory tells the state as a number in the text (Novell TID 10067240).
fn by_nds(answer: &Answer, user: &Entry) -> Option<Said> {
    let outcome = &answer.outcome;
    let judged = matches!(
        outcome.code,
        code::SUCCESS | code::INVALID_CREDENTIALS | code::UNWILLING_TO_PERFORM
    );
    if !judged {
        return None;
    }
    match nds(&outcome.text) {
        Some(-222) => Some(Said::Expired),
        Some(-220) => Some(Said::Disabled),
        Some(-197) => Some(Said::Locked),
        Some(-219..=-217 | -669 | -601) => Some(Said::Rejected),
        // -223: expired, but a logon was left, and this was it
        _ if outcome.is_success() => Some(accepted()),
        _ if outcome.code == code::INVALID_CREDENTIALS => state_of_edirectory(user),
        _ => None,
    }
}

fn state_of_edirectory(user: &Entry) -> Option<Said> {
    let is = |name| {
        user.text(name)
            .is_some_and(|own| own.eq_ignore_ascii_case("true"))
    };
    if is("loginDisabled") {
        return Some(Said::Disabled);
    }
    is("lockedByIntruder").then_some(Said::Locked)
}

/// The number in `NDS error: … (-669)`.
fn nds(text: &str) -> Option<i32> {
    let (_, rest) = text.split_once("(-")?;
    let digits = rest.split(')').next()?;
    Some(-digits.parse::<i32>().ok()?)
}

/// What a bind means by its result code alone (RFC 4511 appendix A).
fn by_code(answer: &Answer) -> Option<(Said, String)> {
    let said = match answer.outcome.code {
        code::SUCCESS => accepted(),
        code::INVALID_CREDENTIALS | code::NO_SUCH_OBJECT | code::INAPPROPRIATE_AUTHENTICATION => {
            Said::Rejected
        }
        code::REFERRAL => {
            let to = answer
                .outcome
                .referral
                .first()
                .map_or("elsewhere", String::as_str);
            let told = format!(
                "no such user here: the directory refers to {to}, and referrals are not followed"
            );
            return Some((Said::Rejected, told));
        }
        _ => return None,
    };
    Some((said, note(answer)))
}

/// Active Directory begins its text with a number of Windows (MS-ERREF); Samba gives the same number.
fn change_by_data(answer: &Answer) -> Option<Said> {
    let number = answer.outcome.text.split(':').next()?;
    let number = u32::from_str_radix(number.trim(), 16).ok();
    match (answer.outcome.code, number) {
        (_, Some(0x52d)) => Some(Said::Weak),
        (_, Some(0x56)) => Some(Said::Rejected),
        (_, Some(0x775)) => Some(Said::Locked),
        // this user may not change his password, or not yet
        (code::INSUFFICIENT_ACCESS_RIGHTS, _) | (_, Some(0x5)) => Some(Said::Weak),
        (code::NO_SUCH_ATTRIBUTE, _) => Some(Said::Rejected),
        (code::CONSTRAINT_VIOLATION, _) => Some(Said::Weak),
        _ => None,
    }
}

fn change_by_policy(answer: &Answer) -> Option<Said> {
    use PasswordError::{
        ChangeAfterReset, Expired, InHistory, InsufficientQuality, Locked, ModNotAllowed,
        MustSupplyOld, TooShort, TooYoung,
    };
    match PasswordPolicy::of(&answer.controls).error {
        Some(InsufficientQuality | TooShort | TooYoung | InHistory | ModNotAllowed) => {
            return Some(Said::Weak);
        }
        Some(Locked) => return Some(Said::Locked),
        Some(Expired | ChangeAfterReset) => return Some(Said::Expired),
        Some(MustSupplyOld) => return Some(Said::Rejected),
        None => {}
    }
    let old = answer
        .outcome
        .text
        .to_ascii_lowercase()
        .contains("old password");
    match answer.outcome.code {
        // slapd: "unwilling to verify old password"
        code::UNWILLING_TO_PERFORM if old => Some(Said::Rejected),
        // the old value was not there: it is not the password
        code::INVALID_CREDENTIALS | code::NO_SUCH_ATTRIBUTE => Some(Said::Rejected),
        code::CONSTRAINT_VIOLATION => Some(Said::Weak),
        _ => None,
    }
}

/// Whether the password policy control is worth sending.
pub(super) fn controls(profile: Profile) -> Vec<Control> {
    if habits(profile).password_policy {
        vec![Control::password_policy()]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
