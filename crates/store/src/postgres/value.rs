//! Parameters and columns between the facade and the wire.

use crate::StoreError;
use crate::sql::Arg;
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

type Failure = Box<dyn Error + Sync + Send>;

impl ToSql for Arg<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(value)?.to_sql(kind, out),
            Self::Int(value) if *kind == Type::INT2 => i16::try_from(value)?.to_sql(kind, out),
            Self::Int(value) if *kind == Type::BOOL => (value != 0).to_sql(kind, out),
            Self::Int(value) if *kind == Type::INT8 => value.to_sql(kind, out),
            Self::Text(value) if <&str as ToSql>::accepts(kind) => value.to_sql(kind, out),
            Self::Blob(value) if *kind == Type::BYTEA => value.to_sql(kind, out),
            Self::Int(_) | Self::Text(_) | Self::Blob(_) => {
                Err(format!("a parameter of type {kind} was given another type").into())
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A parameter that outlives its statement.
pub(super) enum Owned {
    Null,
    Int(i64),
    Text(Box<str>),
    Blob(Vec<u8>),
}

impl From<&Arg<'_>> for Owned {
    fn from(arg: &Arg<'_>) -> Self {
        match *arg {
            Arg::Null => Self::Null,
            Arg::Int(value) => Self::Int(value),
            Arg::Text(value) => Self::Text(value.into()),
            Arg::Blob(value) => Self::Blob(value.to_vec()),
        }
    }
}

impl Owned {
    fn lend(&self) -> Arg<'_> {
        match self {
            Self::Null => Arg::Null,
            Self::Int(value) => Arg::Int(*value),
            Self::Text(value) => Arg::Text(value),
            Self::Blob(value) => Arg::Blob(value),
        }
    }
}

impl std::fmt::Debug for Owned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owned(..)")
    }
}

impl ToSql for Owned {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        self.lend().to_sql(kind, out)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A column as it came.
struct Bytes<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Bytes<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Failure> {
        Ok(Bytes(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Type and bytes of a column; none for NULL.
fn raw(row: &Row, at: usize) -> Result<Option<(&Type, &[u8])>, StoreError> {
    let kind = row
        .columns()
        .get(at)
        .ok_or_else(|| StoreError::Corrupt(format!("a row has no column {at}")))?
        .type_();
    let found: Option<Bytes<'_>> = row
        .try_get(at)
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(found.map(|Bytes(bytes)| (kind, bytes)))
}

pub(crate) fn int(row: &Row, at: usize) -> Result<Option<i64>, StoreError> {
    raw(row, at)?
        .map(|(kind, bytes)| match *kind {
            Type::INT8 => i64::from_sql(kind, bytes),
            Type::INT4 => i32::from_sql(kind, bytes).map(i64::from),
            Type::INT2 => i16::from_sql(kind, bytes).map(i64::from),
            Type::BOOL => bool::from_sql(kind, bytes).map(i64::from),
            _ => Err("it has another type".into()),
        })
        .transpose()
        .map_err(|error| StoreError::Corrupt(format!("a value is no integer: {error}")))
}

pub(crate) fn text(row: &Row, at: usize) -> Result<Option<&str>, StoreError> {
    match raw(row, at)? {
        None => Ok(None),
        Some((kind, bytes)) if <&str as FromSql>::accepts(kind) => std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|_| StoreError::Corrupt("a text is no UTF-8".to_owned())),
        Some(_) => Err(StoreError::Corrupt("a value is no text".to_owned())),
    }
}

pub(crate) fn blob(row: &Row, at: usize) -> Result<Option<&[u8]>, StoreError> {
    match raw(row, at)? {
        None => Ok(None),
        Some((kind, bytes)) if *kind == Type::BYTEA => Ok(Some(bytes)),
        Some(_) => Err(StoreError::Corrupt("a value is no bytes".to_owned())),
    }
}
