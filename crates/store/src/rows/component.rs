//! Client and server components.

use super::{RowError, blob, check_version, of_word, sealed, version, word_of};
use crate::StoreError;
use crate::sql::{Arg, Row, Tx, args};
use countersign_engine::model::{Charset, Component, ComponentKey, Location, Meta, NotHandled};
use std::collections::BTreeMap;
use std::net::IpAddr;

pub(crate) const TABLE: &str = "component";

pub(crate) const ALL: &str = "SELECT key, kind, location, location_kind, nas_id, policy, enabled, description, shared_secret, charset,
    require_message_authenticator, not_handled, status_in_reply, reply_texts, challenges, trusted_forwarder, return_static_password, api_key,
    client_certificate, address_only, rate_per_s, created, modified, record_version, revision FROM component ORDER BY key";
const INSERT: &str = "INSERT INTO component (kind, location, location_kind, nas_id, policy, enabled, description, shared_secret, charset,
    require_message_authenticator, not_handled, status_in_reply, reply_texts, challenges, trusted_forwarder, return_static_password, api_key,
    client_certificate, address_only, rate_per_s, modified, record_version, key, revision, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)";
const UPDATE: &str = "UPDATE component SET kind = $1, location = $2, location_kind = $3, nas_id = $4, policy = $5, enabled = $6, description = $7,
    shared_secret = $8, charset = $9, require_message_authenticator = $10, not_handled = $11, status_in_reply = $12, reply_texts = $13,
    challenges = $14, trusted_forwarder = $15, return_static_password = $16, api_key = $17, client_certificate = $18, address_only = $19,
    rate_per_s = $20, modified = $21, record_version = $22, revision = revision + 1 WHERE key = $23 AND revision = $24";
pub(crate) const DELETE: &str = "DELETE FROM component WHERE key = $1 AND revision = $2";

const CHARSETS: &[(Charset, &str)] = &[
    (Charset::Utf8, "utf8"),
    (Charset::Latin1, "latin1"),
    (Charset::Cp1252, "cp1252"),
    (Charset::Ascii, "ascii"),
];
const NOT_HANDLED: &[(NotHandled, &str)] = &[
    (NotHandled::Reject, "reject"),
    (NotHandled::Silent, "silent"),
];

pub(crate) fn read(row: &Row<'_>) -> Result<Component, RowError> {
    let mut c = row.columns();
    let (key, kind, location, location_kind) =
        (ComponentKey(c.int()?), c.string()?, c.text()?, c.text()?);
    // The version stands at the end of the row, but nothing before it may be understood without it.
    check_version(
        row.columns_from(21).meta()?,
        version::COMPONENT,
        "component",
        &format!("{kind} at {location}"),
    )?;
    Ok(Component {
        key,
        location: read_location(location, location_kind)?,
        kind,
        nas_id: c.string()?,
        policy: c.string()?,
        enabled: c.flag()?,
        description: c.string()?,
        shared_secret: c.opt_blob()?.map(sealed),
        charset: c.word(|text| of_word(CHARSETS, text))?,
        require_message_authenticator: c.flag()?,
        not_handled: c.word(|text| of_word(NOT_HANDLED, text))?,
        status_in_reply: c.flag()?,
        reply_texts: read_texts(c.text()?)?,
        challenges: c.flag()?,
        trusted_forwarder: c.flag()?,
        return_static_password: c.flag()?,
        api_key: c.opt_blob()?.map(Into::into),
        client_certificate: c.opt_string()?,
        address_only: c.flag()?,
        rate_per_s: c.opt_number()?,
        meta: c.meta()?,
    })
}

fn read_texts(json: &str) -> Result<BTreeMap<i16, String>, StoreError> {
    serde_json::from_str(json)
        .map_err(|error| StoreError::Corrupt(format!("reply texts of a component: {error}")))
}

fn read_location(text: &str, kind: &str) -> Result<Location, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("{text:?} is no location"));
    match kind {
        "default" => Ok(Location::Default),
        "host" => Ok(Location::Host(text.to_owned())),
        "network" => {
            let (address, prefix) = text.split_once('/').ok_or_else(corrupt)?;
            let address: IpAddr = address.parse().map_err(|_| corrupt())?;
            Ok(Location::Network {
                address,
                prefix: prefix.parse().map_err(|_| corrupt())?,
            })
        }
        _ => Err(corrupt()),
    }
}

fn write_location(location: &Location) -> (String, &'static str) {
    match location {
        Location::Network { address, prefix } => (format!("{address}/{prefix}"), "network"),
        Location::Host(name) => (name.clone(), "host"),
        Location::Default => ("default".to_owned(), "default"),
    }
}

pub(crate) fn insert(tx: Tx<'_>, r: &Component, m: Meta) -> Result<(), StoreError> {
    write(tx, INSERT, r, m, Some(m.created.into()))
}

pub(crate) fn update(tx: Tx<'_>, r: &Component, m: Meta) -> Result<(), StoreError> {
    write(tx, UPDATE, r, m, None)
}

fn write(
    tx: Tx<'_>,
    sql: &str,
    r: &Component,
    m: Meta,
    created: Option<Arg<'_>>,
) -> Result<(), StoreError> {
    let (location, location_kind) = write_location(&r.location);
    let texts = serde_json::to_string(&r.reply_texts)
        .map_err(|error| StoreError::Refused(error.to_string()))?;
    let mut args = args![
        &r.kind,
        &location,
        location_kind,
        &r.nas_id,
        &r.policy,
        r.enabled,
        &r.description,
        blob(r.shared_secret.as_ref()),
        word_of(CHARSETS, r.charset),
        r.require_message_authenticator,
        word_of(NOT_HANDLED, r.not_handled),
        r.status_in_reply,
        &texts,
        r.challenges,
        r.trusted_forwarder,
        r.return_static_password,
        r.api_key.as_deref(),
        r.client_certificate.as_deref(),
        r.address_only,
        r.rate_per_s,
        m.modified,
        m.record_version,
        r.key.0,
        m.revision,
    ]
    .to_vec();
    args.extend(created);
    tx.one(sql, &args)
}
