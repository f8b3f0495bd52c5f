//! LDAP as bytes (RFC 4511): requests written, answers read, nothing else. Whatever a server sends is hostile until it
//! has passed here; what a user typed is never part of any text that a server parses, since filters leave as values.

mod ber;
mod control;
mod filter;
mod request;
mod response;
#[cfg(test)]
pub(super) mod script;

pub(super) use control::{Control, PasswordError, PasswordPolicy, Warning};
pub(super) use filter::Filter;
pub(crate) use request::Scope;
pub(super) use request::{Change, Request, Search};
pub(crate) use response::Entry;
pub(super) use response::{Message, Operation, Outcome, code};

/// The most bytes of one message.
pub(super) const MESSAGE_MAX: usize = 4 << 20;

/// Length of the first message in `bytes`, once its header is there.
///
/// # Errors
/// The bytes are no LDAP message, or one beyond [`MESSAGE_MAX`].
pub(super) fn message_len(bytes: &[u8]) -> Result<Option<usize>, &'static str> {
    match ber::header(bytes)? {
        None => Ok(None),
        Some((tag, _, _)) if tag != ber::SEQUENCE => Err("the answer is not LDAP"),
        Some((_, header, content)) => match header.checked_add(content) {
            Some(all) if all <= MESSAGE_MAX => Ok(Some(all)),
            _ => Err("a message of the answer is too long"),
        },
    }
}

#[cfg(test)]
mod tests;
