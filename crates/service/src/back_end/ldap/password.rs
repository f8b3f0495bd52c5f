//! Proves and changes passwords.

use super::Work;
use super::pool::Purpose;
use super::profile::{HowToChange, habits};
use super::user::Person;
use super::verdict;
use super::wire::{Change, Entry, Request};
use crate::back_end::Tried;
use countersign_engine::Secret;
use countersign_engine::back_end::Said;
use zeroize::Zeroizing;

/// The longest password that is passed on, in bytes.
const LENGTH_MAX: usize = 1024;

/// Is this the user's password?
pub(super) async fn prove(work: &Work<'_>, user: &str, password: &Secret) -> Tried {
    if let Some(why) = never_sent(password) {
        return Ok((Said::Rejected, why.to_owned()));
    }
    match find(work, user).await? {
        Person::Nobody(why) => Ok((Said::Rejected, why)),
        Person::Is(entry) => bind(work, &entry, password).await,
    }
}

/// Changes the user's password.
pub(super) async fn change(work: &Work<'_>, user: &str, old: &Secret, new: &Secret) -> Tried {
    if let Some(why) = never_sent(old) {
        return Ok((Said::Rejected, why.to_owned()));
    }
    if let Some(why) = never_sent(new) {
        return Ok((Said::Weak, format!("the new password is not usable: {why}")));
    }
    let entry = match find(work, user).await? {
        Person::Nobody(why) => return Ok((Said::Rejected, why)),
        Person::Is(entry) => entry,
    };
    match habits(work.own.profile).change {
        HowToChange::UnicodePwd => of_windows(work, &entry, old, new).await,
        HowToChange::PasswordModify => {
            let request = Request::PasswordModify {
                dn: &entry.dn,
                old: old.expose(),
                new: new.expose(),
            };
            as_user(work, &entry, old, &request).await
        }
        HowToChange::UserPassword => {
            let changes = [
                Change::Delete("userPassword", old.expose()),
                Change::Add("userPassword", new.expose()),
            ];
            let request = Request::Modify {
                dn: &entry.dn,
                changes: &changes,
            };
            as_user(work, &entry, old, &request).await
        }
    }
}

/// Why a value must not go to a directory: an empty password binds anonymously and succeeds (RFC 4513 5.1.2), and what
/// a NUL ends early may be empty there.
fn never_sent(password: &Secret) -> Option<&'static str> {
    let bytes = password.expose();
    if bytes.is_empty() {
        return Some("an empty password is never sent");
    }
    if bytes.contains(&0) {
        return Some("a password with a NUL is never sent");
    }
    (bytes.len() > LENGTH_MAX).then_some("a password of this length is never sent")
}

async fn find(work: &Work<'_>, user: &str) -> Result<Person, String> {
    work.find(user, habits(work.own.profile).state).await
}

async fn bind(work: &Work<'_>, entry: &Entry, password: &Secret) -> Tried {
    let profile = work.own.profile;
    let mut lease = work.lease(Purpose::User).await?;
    let controls = verdict::controls(profile);
    let answer = lease.bind(&entry.dn, password.expose(), &controls).await?;
    verdict::of_bind(profile, &answer, entry)
}

/// Old and new value in one request of the record's account, which needs no right for it and works for an expired
/// password too; of the user himself where the record has no account.
async fn of_windows(work: &Work<'_>, entry: &Entry, old: &Secret, new: &Secret) -> Tried {
    let (Some(old_value), Some(new_value)) = (quoted(old), quoted(new)) else {
        return Ok((Said::Weak, "a password of Windows is text".to_owned()));
    };
    let changes = [
        Change::Delete("unicodePwd", &old_value),
        Change::Add("unicodePwd", &new_value),
    ];
    let request = Request::Modify {
        dn: &entry.dn,
        changes: &changes,
    };
    if !work.pool.has_account() {
        return as_user(work, entry, old, &request).await;
    }
    let mut lease = work.lease(Purpose::Service).await?;
    verdict::of_change(work.own.profile, &lease.change(&request, &[]).await?)
}

/// The form of `unicodePwd`: in quotes, UTF-16, low byte first.
fn quoted(password: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(password.expose()).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * text.len() + 4));
    for unit in "\""
        .encode_utf16()
        .chain(text.encode_utf16())
        .chain("\"".encode_utf16())
    {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    Some(bytes)
}

/// A change by the user himself; where an expired password does not even let him in, by the record's account, if it
/// may.
async fn as_user(work: &Work<'_>, entry: &Entry, old: &Secret, request: &Request<'_>) -> Tried {
    let profile = work.own.profile;
    let controls = verdict::controls(profile);
    let mut lease = work.lease(Purpose::User).await?;
    let bound = lease.bind(&entry.dn, old.expose(), &controls).await?;
    let let_in = bound.outcome.is_success();
    match verdict::of_bind(profile, &bound, entry)? {
        (Said::Accepted(_), _) => {}
        // after a reset the user may do nothing but this
        (Said::Expired, _) if let_in => {}
        (Said::Expired, note) => {
            drop(lease);
            return by_account(work, request, note).await;
        }
        other => return Ok(other),
    }
    verdict::of_change(profile, &lease.change(request, &controls).await?)
}

async fn by_account(work: &Work<'_>, request: &Request<'_>, note: String) -> Tried {
    if !work.pool.has_account() {
        return Ok((Said::Expired, note));
    }
    let mut lease = work.lease(Purpose::Service).await?;
    let controls = verdict::controls(work.own.profile);
    let answer = lease.change(request, &controls).await?;
    match verdict::of_change(work.own.profile, &answer) {
        // that the old password is right was known before: the account may not compare it
        Ok((Said::Rejected, why)) | Err(why) => {
            let told = format!("{note}; the record's account could not change it either: {why}");
            Ok((Said::Expired, told))
        }
        judged => judged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_windows_is_quoted_and_wide() {
        let bytes = quoted(&Secret::new("a\u{e9}")).unwrap();
        assert_eq!(*bytes, b"\"\0a\0\xe9\0\"\0");
        assert!(quoted(&Secret::new(vec![0xff])).is_none());
    }

    #[test]
    fn empty_and_cut_passwords_are_never_sent() {
        for value in ["", "\0", "pass\0word"] {
            assert!(never_sent(&Secret::new(value)).is_some());
        }
        assert!(never_sent(&Secret::new("x".repeat(LENGTH_MAX + 1))).is_some());
        assert!(never_sent(&Secret::new("x")).is_none());
    }
}
