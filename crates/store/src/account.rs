//! Reading an account with everything a logon of it is decided on, as one state of the database and in one round trip.

use crate::StoreError;
use crate::rows::authenticator::{self, Joined};
use crate::rows::{RowError, Unreadable, user};
use crate::sql::{Arg, Tx, args};
use countersign_engine::facts::{Account, Found};
use countersign_engine::model::{DomainKey, User, UserKey, UserState};
use std::sync::Arc;

/// The reads of an account: itself with its state, the authenticators it uses, its attributes.
type Reads = [&'static str; 3];

const BY_NAME: Reads = [
    user::BY_NAME,
    authenticator::USED_BY_NAME,
    user::ATTRIBUTES_BY_NAME,
];
const BY_KEY: Reads = [
    user::BY_KEY,
    authenticator::USED_BY_KEY,
    user::ATTRIBUTES_BY_KEY,
];

/// The account of a name. Run inside one read transaction: versions and records must be of one state.
pub(crate) fn by_name(tx: Tx<'_>, domain: DomainKey, folded: &str) -> Result<Found, StoreError> {
    found(read(tx, BY_NAME, args![domain.0, folded]))
}

/// The account of a row.
pub(crate) fn by_key(tx: Tx<'_>, key: UserKey) -> Result<Found, StoreError> {
    found(read(tx, BY_KEY, args![key.0]))
}

fn read(tx: Tx<'_>, reads: Reads, args: &[Arg<'_>]) -> Result<Option<Account>, RowError> {
    let mut account: Option<Result<(User, UserState), RowError>> = None;
    let mut authenticators = Joined::default();
    let mut attributes = Vec::new();
    tx.together(&reads.map(|sql| (sql, args)), |place, row| {
        match place {
            0 => account = Some(user::read(row)),
            1 => authenticators.add(row)?,
            _ => attributes.push(user::attribute(row)?),
        }
        Ok(())
    })?;
    let Some((user, state)) = account.transpose()? else {
        return Ok(None);
    };
    Ok(Some(Account {
        owner: user.linked.unwrap_or(user.key),
        user,
        state,
        authenticators: authenticators.finish()?,
        attributes,
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
