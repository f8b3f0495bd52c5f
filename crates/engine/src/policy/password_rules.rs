//! The rules for static passwords (1024), as a pure check of a candidate.

use std::collections::BTreeSet;
use std::fmt;

use super::value::{Field, Value};
use super::{Effective, Policy};
use crate::text::fold;

/// The `pw_` attributes that hold for one kind of user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PasswordRules {
    /// Fewest characters.
    pub min_length: u8,
    /// Fewest lower case letters.
    pub min_lower: u8,
    /// Fewest upper case letters.
    pub min_upper: u8,
    /// Fewest digits.
    pub min_digits: u8,
    /// Fewest characters that are neither letters nor digits.
    pub min_symbols: u8,
    /// Fewest different characters.
    pub min_unique: u8,
    /// How many former passwords may not come again; compared elsewhere, since it needs their hashes.
    pub history: u8,
    /// The user ID may not stand in the password, in any case.
    pub not_user_id: bool,
    /// Days after which the password is too old; 0 never.
    pub max_age_days: u16,
    /// Days before which it may not be changed again.
    pub min_age_days: u16,
    /// Days before the end in which answers tell it.
    pub expiry_notice_days: u16,
}

/// A rule that a candidate breaks; displays as a sentence for the user, without the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokenRule {
    /// Too short: at least this many characters.
    Length(u8),
    /// At least this many lower case letters.
    Lower(u8),
    /// At least this many upper case letters.
    Upper(u8),
    /// At least this many digits.
    Digits(u8),
    /// At least this many other characters.
    Symbols(u8),
    /// At least this many different characters.
    Unique(u8),
    /// The user ID stands in it.
    UserId,
    /// One of the last so many passwords.
    History(u8),
    /// Changed less than so many days ago.
    TooSoon(u16),
}

impl PasswordRules {
    /// The rules of an effective view.
    pub fn of(view: &Effective) -> Self {
        Self {
            min_length: view.pw_min_length,
            min_lower: view.pw_min_lower,
            min_upper: view.pw_min_upper,
            min_digits: view.pw_min_digits,
            min_symbols: view.pw_min_symbols,
            min_unique: view.pw_min_unique,
            history: view.pw_history,
            not_user_id: view.pw_not_user_id,
            max_age_days: view.pw_max_age_days,
            min_age_days: view.pw_min_age_days,
            expiry_notice_days: view.pw_expiry_notice_days,
        }
    }

    /// The rules that the top of a chain sets itself; what it leaves open is as built in.
    pub(super) fn of_top(top: &Policy) -> Self {
        Self {
            min_length: own(top, "pw_min_length"),
            min_lower: own(top, "pw_min_lower"),
            min_upper: own(top, "pw_min_upper"),
            min_digits: own(top, "pw_min_digits"),
            min_symbols: own(top, "pw_min_symbols"),
            min_unique: own(top, "pw_min_unique"),
            history: own(top, "pw_history"),
            not_user_id: own(top, "pw_not_user_id"),
            max_age_days: own(top, "pw_max_age_days"),
            min_age_days: own(top, "pw_min_age_days"),
            expiry_notice_days: own(top, "pw_expiry_notice_days"),
        }
    }

    /// All rules that a candidate breaks, in the order of the attributes; none means that it may be stored.
    pub fn check(&self, candidate: &str, user_id: &str) -> Vec<BrokenRule> {
        let count =
            |kind: fn(char) -> bool| candidate.chars().filter(|letter| kind(*letter)).count();
        let unique = candidate.chars().collect::<BTreeSet<_>>().len();
        let counted = [
            (
                candidate.chars().count(),
                self.min_length,
                BrokenRule::Length(self.min_length),
            ),
            (
                count(char::is_lowercase),
                self.min_lower,
                BrokenRule::Lower(self.min_lower),
            ),
            (
                count(char::is_uppercase),
                self.min_upper,
                BrokenRule::Upper(self.min_upper),
            ),
            (
                count(char::is_numeric),
                self.min_digits,
                BrokenRule::Digits(self.min_digits),
            ),
            (
                count(|letter| !letter.is_alphanumeric()),
                self.min_symbols,
                BrokenRule::Symbols(self.min_symbols),
            ),
            (unique, self.min_unique, BrokenRule::Unique(self.min_unique)),
        ];
        let too_few = counted
            .into_iter()
            .filter(|(has, wants, _)| *has < usize::from(*wants))
            .map(|(_, _, rule)| rule);
        let names_user =
            self.not_user_id && !user_id.is_empty() && fold(candidate).contains(&fold(user_id));
        too_few
            .chain(names_user.then_some(BrokenRule::UserId))
            .collect()
    }

    /// Whether a password set so many whole days ago may not be changed yet.
    pub fn check_age(&self, days_since_set: i64) -> Option<BrokenRule> {
        (days_since_set < i64::from(self.min_age_days))
            .then_some(BrokenRule::TooSoon(self.min_age_days))
    }
}

fn own<T: Field>(top: &Policy, name: &str) -> T {
    let built_in = || super::Attribute::named(name).and_then(super::Attribute::built_in);
    let value: Option<Value> = top.values.get(name).cloned().or_else(built_in);
    T::of(value.as_ref())
}

impl fmt::Display for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(least) => write!(f, "the password needs at least {least} characters"),
            Self::Lower(least) => {
                write!(f, "the password needs at least {least} lower case letters")
            }
            Self::Upper(least) => {
                write!(f, "the password needs at least {least} upper case letters")
            }
            Self::Digits(least) => write!(f, "the password needs at least {least} digits"),
            Self::Symbols(least) => write!(
                f,
                "the password needs at least {least} characters other than letters and digits"
            ),
            Self::Unique(least) => write!(
                f,
                "the password needs at least {least} different characters"
            ),
            Self::UserId => f.write_str("the password must not contain the user ID"),
            Self::History(last) => write!(f, "the password was one of the last {last}"),
            Self::TooSoon(days) => write!(
                f,
                "the password may be changed only {days} days after the last change"
            ),
        }
    }
}
