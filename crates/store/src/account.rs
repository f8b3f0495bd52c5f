//! Reading an account with everything a logon of it is decided on, as one state of the database.

use crate::StoreError;
use crate::rows::{RowError, Unreadable, authenticator, user};
use crate::sql::Tx;
use countersign_engine::facts::{Account, Found};
use countersign_engine::model::{DomainKey, User, UserKey, UserState};
use std::sync::Arc;

/// The account of a name. Run inside one read transaction: versions and records must be of one state.
pub(crate) fn by_name(tx: Tx<'_>, domain: DomainKey, folded: &str) -> Result<Found, StoreError> {
    found(user::by_name(tx, domain, folded).and_then(|row| complete(tx, row)))
}

/// The account of a row.
pub(crate) fn by_key(tx: Tx<'_>, key: UserKey) -> Result<Found, StoreError> {
    found(user::by_key(tx, key).and_then(|row| complete(tx, row)))
}

fn complete(tx: Tx<'_>, row: Option<(User, UserState)>) -> Result<Option<Account>, RowError> {
    let Some((user, state)) = row else {
        return Ok(None);
    };
    let owner = user.linked.unwrap_or(user.key);
    let authenticators = authenticator::of_user(tx, owner)?;
    let attributes = user::attributes(tx, user.key)?;
    Ok(Some(Account {
        user,
        state,
        authenticators,
        attributes,
        owner,
    }))
}

fn found(read: Result<Option<Account>, RowError>) -> Result<Found, StoreError> {
    match read {
        Ok(account) => {
            Ok(account.map_or(Found::Nobody, |account| Found::Account(Arc::new(account))))
        }
        Err(RowError::Unreadable(Unreadable { status, which })) => {
            Ok(Found::Unreadable(status, which))
        }
        Err(RowError::Store(error)) => Err(error),
    }
}
