//! Domains, organizational units and authenticator types.

use super::{RowError, check_version, version};
use crate::StoreError;
use crate::sql::{Row, Tx, args};
use countersign_engine::model::{AuthenticatorType, Domain, DomainKey, Meta, OrgUnit, UnitKey};

pub(crate) const DOMAIN: &str = "domain";
pub(crate) const UNIT: &str = "org_unit";
pub(crate) const TYPE: &str = "authenticator_type";

pub(crate) const DOMAINS: &str = "SELECT key, name, folded, description, master, created, modified, record_version, revision FROM domain ORDER BY key";
const INSERT_DOMAIN: &str = "INSERT INTO domain (key, name, folded, description, master, created, modified, record_version, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE_DOMAIN: &str = "UPDATE domain SET name = $1, folded = $2, description = $3, master = $4, modified = $5, record_version = $6,
    revision = revision + 1 WHERE key = $7 AND revision = $8";
pub(crate) const DELETE_DOMAIN: &str = "DELETE FROM domain WHERE key = $1 AND revision = $2";

pub(crate) const UNITS: &str = "SELECT key, domain_key, name, folded, parent_key, description, created, modified, record_version, revision
    FROM org_unit ORDER BY key";
const INSERT_UNIT: &str = "INSERT INTO org_unit (key, domain_key, name, folded, parent_key, description, created, modified, record_version, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const UPDATE_UNIT: &str = "UPDATE org_unit SET domain_key = $1, name = $2, folded = $3, parent_key = $4, description = $5, modified = $6,
    record_version = $7, revision = revision + 1 WHERE key = $8 AND revision = $9";
pub(crate) const DELETE_UNIT: &str = "DELETE FROM org_unit WHERE key = $1 AND revision = $2";

pub(crate) const TYPES: &str = "SELECT key, name, description, profile, created, modified, record_version, revision FROM authenticator_type ORDER BY name";
const INSERT_TYPE: &str = "INSERT INTO authenticator_type (key, name, description, profile, created, modified, record_version, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const UPDATE_TYPE: &str = "UPDATE authenticator_type SET name = $1, description = $2, profile = $3, modified = $4, record_version = $5,
    revision = revision + 1 WHERE key = $6 AND revision = $7";
pub(crate) const DELETE_TYPE: &str =
    "DELETE FROM authenticator_type WHERE key = $1 AND revision = $2";

pub(crate) fn domain(row: &Row<'_>) -> Result<Domain, RowError> {
    let mut c = row.columns();
    let (key, name, folded, description, master) = (
        DomainKey(c.int()?),
        c.string()?,
        c.string()?,
        c.string()?,
        c.flag()?,
    );
    let meta = check_version(c.meta()?, version::DOMAIN, "domain", &name)?;
    Ok(Domain {
        key,
        name,
        folded,
        description,
        master,
        meta,
    })
}

pub(crate) fn unit(row: &Row<'_>) -> Result<OrgUnit, RowError> {
    let mut c = row.columns();
    let (key, domain, name, folded) = (
        UnitKey(c.int()?),
        DomainKey(c.int()?),
        c.string()?,
        c.string()?,
    );
    let (parent, description) = (c.opt_int()?.map(UnitKey), c.string()?);
    let meta = check_version(c.meta()?, version::UNIT, "organizational unit", &name)?;
    Ok(OrgUnit {
        key,
        domain,
        name,
        folded,
        parent,
        description,
        meta,
    })
}

pub(crate) fn authenticator_type(row: &Row<'_>) -> Result<AuthenticatorType, RowError> {
    let mut c = row.columns();
    let (key, name, description, profile) = (c.int()?, c.string()?, c.string()?, c.string()?);
    let meta = check_version(c.meta()?, version::TYPE, "authenticator type", &name)?;
    Ok(AuthenticatorType {
        key,
        name,
        description,
        profile,
        meta,
    })
}

pub(crate) fn insert_domain(tx: Tx<'_>, r: &Domain, m: Meta) -> Result<(), StoreError> {
    tx.one(
        INSERT_DOMAIN,
        args![
            r.key.0,
            &r.name,
            &r.folded,
            &r.description,
            r.master,
            m.created,
            m.modified,
            m.record_version,
            m.revision
        ],
    )
}

pub(crate) fn update_domain(tx: Tx<'_>, r: &Domain, m: Meta) -> Result<(), StoreError> {
    tx.one(
        UPDATE_DOMAIN,
        args![
            &r.name,
            &r.folded,
            &r.description,
            r.master,
            m.modified,
            m.record_version,
            r.key.0,
            m.revision
        ],
    )
}

pub(crate) fn insert_unit(tx: Tx<'_>, r: &OrgUnit, m: Meta) -> Result<(), StoreError> {
    let parent = r.parent.map(|unit| unit.0);
    tx.one(
        INSERT_UNIT,
        args![
            r.key.0,
            r.domain.0,
            &r.name,
            &r.folded,
            parent,
            &r.description,
            m.created,
            m.modified,
            m.record_version,
            m.revision
        ],
    )
}

pub(crate) fn update_unit(tx: Tx<'_>, r: &OrgUnit, m: Meta) -> Result<(), StoreError> {
    let parent = r.parent.map(|unit| unit.0);
    tx.one(
        UPDATE_UNIT,
        args![
            r.domain.0,
            &r.name,
            &r.folded,
            parent,
            &r.description,
            m.modified,
            m.record_version,
            r.key.0,
            m.revision
        ],
    )
}

pub(crate) fn insert_type(tx: Tx<'_>, r: &AuthenticatorType, m: Meta) -> Result<(), StoreError> {
    tx.one(
        INSERT_TYPE,
        args![
            r.key,
            &r.name,
            &r.description,
            &r.profile,
            m.created,
            m.modified,
            m.record_version,
            m.revision
        ],
    )
}

pub(crate) fn update_type(tx: Tx<'_>, r: &AuthenticatorType, m: Meta) -> Result<(), StoreError> {
    tx.one(
        UPDATE_TYPE,
        args![
            &r.name,
            &r.description,
            &r.profile,
            m.modified,
            m.record_version,
            r.key,
            m.revision
        ],
    )
}
