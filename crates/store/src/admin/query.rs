//! Lists for administrators: a query as data becomes one statement with parameters, which answers row numbers; the
//! records are read by these.

mod column;
mod statement;

use crate::rows::{RowError, authenticator, user};
use crate::sql::Tx;
use crate::{Store, StoreError, account};
use countersign_engine::admin::Query;
use countersign_engine::facts::{Account, Found};
use countersign_engine::model::{
    Application, Authenticator, AuthenticatorKey, User, UserAttribute, UserKey,
};
use statement::Statement;
use std::sync::Arc;

/// An account with the one it is linked to.
type UserRow = (Arc<Account>, Option<User>);

/// What a query found: one page of records.
#[derive(Debug)]
pub enum Rows {
    /// Accounts, each with the account it is linked to.
    Users(Vec<UserRow>),
    /// Authenticators with their owners.
    Authenticators(Vec<(Authenticator, Option<User>)>),
    /// Applications with the serial numbers of their authenticators.
    Applications(Vec<(String, Application)>),
    /// Attributes with their accounts.
    Attributes(Vec<(User, UserAttribute)>),
}

impl Store {
    /// A page of `user`, `user-attribute`, `authenticator` or `application`, and how many rows there are in all; none
    /// for an object that is not queried in the store. Records of an unknown format are counted but left out.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn query(&self, query: &Query) -> Result<Option<(Rows, u64)>, StoreError> {
        let Some(columns) = column::of(query.object.name) else {
            return Ok(None);
        };
        let statement = Statement::new(query, columns);
        self.shared.read(|tx| {
            let total = statement.count(tx)?;
            Ok(Some((page(tx, query.object.name, &statement)?, total)))
        })
    }
}

fn page(tx: Tx<'_>, object: &str, statement: &Statement) -> Result<Rows, StoreError> {
    Ok(match object {
        "user" => Rows::Users(keep(statement.keys(tx)?, |key| user_row(tx, UserKey(key)))?),
        "authenticator" => Rows::Authenticators(keep(statement.keys(tx)?, |key| {
            authenticator_row(tx, AuthenticatorKey(key))
        })?),
        "application" => Rows::Applications(keep(statement.pairs(tx)?, |(of, key)| {
            application_row(tx, of, key)
        })?),
        _ => Rows::Attributes(keep(statement.attributes(tx)?, |(key, attribute)| {
            Ok(only_user(tx, UserKey(key))?.map(|user| (user, attribute)))
        })?),
    })
}

/// Reads the records of all keys but those that cannot be read.
fn keep<K, T>(
    keys: Vec<K>,
    mut read: impl FnMut(K) -> Result<Option<T>, RowError>,
) -> Result<Vec<T>, StoreError> {
    let mut records = Vec::with_capacity(keys.len());
    for key in keys {
        match read(key) {
            Ok(record) => records.extend(record),
            Err(RowError::Unreadable(unreadable)) => tracing::error!(
                code = "E-013004",
                "{} (1123); it is not listed",
                unreadable.which
            ),
            Err(RowError::Store(error)) => return Err(error),
        }
    }
    Ok(records)
}

fn user_row(tx: Tx<'_>, key: UserKey) -> Result<Option<UserRow>, RowError> {
    let Found::Account(account) = account::by_key(tx, key)? else {
        return Ok(None);
    };
    let linked = account
        .user
        .linked
        .map_or(Ok(None), |linked| only_user(tx, linked))?;
    Ok(Some((account, linked)))
}

fn authenticator_row(
    tx: Tx<'_>,
    key: AuthenticatorKey,
) -> Result<Option<(Authenticator, Option<User>)>, RowError> {
    let Some(authenticator) = authenticator::by_key(tx, key)? else {
        return Ok(None);
    };
    let owner = authenticator
        .user
        .map_or(Ok(None), |owner| only_user(tx, owner))?;
    Ok(Some((authenticator, owner)))
}

fn application_row(
    tx: Tx<'_>,
    of: i64,
    key: i64,
) -> Result<Option<(String, Application)>, RowError> {
    let Some(mut authenticator) = authenticator::by_key(tx, AuthenticatorKey(of))? else {
        return Ok(None);
    };
    let at = authenticator
        .applications
        .iter()
        .position(|application| application.key.0 == key);
    Ok(at.map(|at| {
        (
            authenticator.serial,
            authenticator.applications.swap_remove(at),
        )
    }))
}

fn only_user(tx: Tx<'_>, key: UserKey) -> Result<Option<User>, RowError> {
    Ok(user::by_key(tx, key)?.map(|(user, _)| user))
}
