//! Back-ends and their groups.

use super::{RowError, blob, check_version, sealed, version};
use crate::StoreError;
use crate::sql::{Arg, Row, Tx, args};
use countersign_engine::model::{
    AttributeMap, BackEnd, BackEndGroup, BackEndKey, Charset, Directory, DomainKey, Meta,
    PasswordProtocol, Profile, Protocol, RadiusBackEnd, RealmRule, Sealed, Tls, Webhook, Winbind,
};
use countersign_engine::text::fold;
use serde::{Deserialize, Serialize};

pub(crate) const TABLE: &str = "back_end";
pub(crate) const GROUP: &str = "back_end_group";

pub(crate) const ALL: &str = "SELECT key, name, protocol, domain_key, priority, enabled, address, port, timeout_s, retries, own, attribute_map,
    shared_secret, bind_password, hmac_key, client_key, created, modified, record_version, revision FROM back_end ORDER BY key";
const INSERT: &str = "INSERT INTO back_end (name, folded, protocol, domain_key, priority, enabled, address, port, timeout_s, retries, own,
    attribute_map, shared_secret, bind_password, hmac_key, client_key, modified, record_version, key, revision, created)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
const UPDATE: &str = "UPDATE back_end SET name = $1, folded = $2, protocol = $3, domain_key = $4, priority = $5, enabled = $6, address = $7,
    port = $8, timeout_s = $9, retries = $10, own = $11, attribute_map = $12, shared_secret = $13, bind_password = $14, hmac_key = $15,
    client_key = $16, modified = $17, record_version = $18, revision = revision + 1 WHERE key = $19 AND revision = $20";
pub(crate) const DELETE: &str = "DELETE FROM back_end WHERE key = $1 AND revision = $2";

pub(crate) const GROUPS: &str = "SELECT key, name, protocol, members, created, modified, record_version, revision FROM back_end_group ORDER BY key";
const INSERT_GROUP: &str = "INSERT INTO back_end_group (key, name, folded, protocol, members, created, modified, record_version, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const UPDATE_GROUP: &str = "UPDATE back_end_group SET name = $1, folded = $2, protocol = $3, members = $4, modified = $5, record_version = $6,
    revision = revision + 1 WHERE key = $7 AND revision = $8";
pub(crate) const DELETE_GROUP: &str = "DELETE FROM back_end_group WHERE key = $1 AND revision = $2";

/// The fields that only some protocols have, as the column `own` holds them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Own {
    #[serde(skip_serializing_if = "Option::is_none")]
    accounting_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounting_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm_rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_message_authenticator: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_dn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bind_dn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id_attribute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    global_catalog: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    netbios_domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    helper: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate: Option<String>,
}

/// The same of the attribute map.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Map {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// The sealed columns.
#[derive(Default)]
struct Secrets {
    shared_secret: Option<Sealed>,
    bind_password: Option<Sealed>,
    hmac_key: Option<Sealed>,
    client_key: Option<Sealed>,
}

pub(crate) fn read(row: &Row<'_>) -> Result<BackEnd, RowError> {
    let mut c = row.columns();
    let (key, name, protocol) = (BackEndKey(c.int()?), c.string()?, c.text()?);
    // The version stands at the end of the row, but nothing before it may be understood without it.
    let meta = check_version(
        row.columns_from(16).meta()?,
        version::BACK_END,
        "back-end",
        &name,
    )?;
    let (domain, priority, enabled) = (c.opt_int()?.map(DomainKey), c.number()?, c.flag()?);
    let (address, port) = (c.string()?, c.opt_number()?);
    let (timeout_s, retries) = (c.number()?, c.number()?);
    let own: Own = json("own", c.text()?)?;
    let map: Map = json("attribute_map", c.text()?)?;
    let secrets = Secrets {
        shared_secret: c.opt_blob()?.map(sealed),
        bind_password: c.opt_blob()?.map(sealed),
        hmac_key: c.opt_blob()?.map(sealed),
        client_key: c.opt_blob()?.map(sealed),
    };
    Ok(BackEnd {
        key,
        domain,
        priority,
        enabled,
        address,
        port,
        timeout_s,
        retries,
        protocol: own.protocol(protocol, secrets).ok_or_else(|| {
            StoreError::Corrupt(format!("back-end {name} has fields that are not known"))
        })?,
        name,
        map: AttributeMap {
            name: map.name,
            phone: map.phone,
            mobile: map.mobile,
            email: map.email,
        },
        meta,
    })
}

fn json<T: for<'t> Deserialize<'t>>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Corrupt(format!("{column} of a back-end: {error}")))
}

/// The choice of a word; the usual one where the row has none.
fn choice<T: Default>(word: Option<&String>, of: impl Fn(&str) -> Option<T>) -> Option<T> {
    word.map_or_else(|| Some(T::default()), |word| of(word))
}

impl Own {
    fn protocol(self, word: &str, secrets: Secrets) -> Option<Protocol> {
        Some(match word {
            "radius" => Protocol::Radius(RadiusBackEnd {
                shared_secret: secrets.shared_secret,
                charset: choice(self.charset.as_ref(), Charset::of)?,
                realm_rule: choice(self.realm_rule.as_ref(), RealmRule::of)?,
                password_protocol: choice(self.password_protocol.as_ref(), PasswordProtocol::of)?,
                require_message_authenticator: self.require_message_authenticator.unwrap_or(true),
                accounting_address: self.accounting_address,
                accounting_port: self.accounting_port,
                realm: self.realm,
            }),
            "active_directory" => Protocol::ActiveDirectory(self.directory(secrets)??),
            "ldap" => Protocol::Ldap(self.directory(secrets)??),
            "windows" => Protocol::Windows(Winbind {
                netbios_domain: self.netbios_domain.clone(),
                helper: self.helper.clone(),
                directory: self.directory(secrets)?,
            }),
            "webhook" => Protocol::Webhook(Webhook {
                hmac_key: secrets.hmac_key,
                client_certificate: self.client_certificate,
                client_key: secrets.client_key,
                ca: self.ca,
            }),
            _ => return None,
        })
    }

    /// The directory, if the row has one; none around it where a word is not known.
    fn directory(self, secrets: Secrets) -> Option<Option<Directory>> {
        let Some(base_dn) = self.base_dn else {
            return Some(None);
        };
        Some(Some(Directory {
            base_dn,
            bind_dn: self.bind_dn,
            bind_password: secrets.bind_password,
            tls: choice(self.tls.as_ref(), Tls::of)?,
            ca: self.ca,
            user_filter: self.user_filter,
            user_id_attribute: self.user_id_attribute,
            object_class: self.object_class,
            global_catalog: self.global_catalog,
            profile: choice(self.profile.as_ref(), Profile::of)?,
        }))
    }

    fn of(protocol: &Protocol) -> Self {
        match protocol {
            Protocol::Radius(own) => Self::of_radius(own),
            Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => Self::of_directory(own),
            Protocol::Windows(own) => Self {
                netbios_domain: own.netbios_domain.clone(),
                helper: own.helper.clone(),
                ..own
                    .directory
                    .as_ref()
                    .map(Self::of_directory)
                    .unwrap_or_default()
            },
            Protocol::Webhook(own) => Self {
                client_certificate: own.client_certificate.clone(),
                ca: own.ca.clone(),
                ..Self::default()
            },
        }
    }

    fn of_radius(own: &RadiusBackEnd) -> Self {
        Self {
            accounting_address: own.accounting_address.clone(),
            accounting_port: own.accounting_port,
            charset: Some(own.charset.word().to_owned()),
            realm_rule: Some(own.realm_rule.word().to_owned()),
            realm: own.realm.clone(),
            password_protocol: Some(own.password_protocol.word().to_owned()),
            require_message_authenticator: Some(own.require_message_authenticator),
            ..Self::default()
        }
    }

    fn of_directory(own: &Directory) -> Self {
        Self {
            base_dn: Some(own.base_dn.clone()),
            bind_dn: own.bind_dn.clone(),
            tls: Some(own.tls.word().to_owned()),
            ca: own.ca.clone(),
            user_filter: own.user_filter.clone(),
            user_id_attribute: own.user_id_attribute.clone(),
            object_class: own.object_class.clone(),
            global_catalog: own.global_catalog.clone(),
            profile: Some(own.profile.word().to_owned()),
            ..Self::default()
        }
    }
}

/// The sealed fields that the record's protocol has, by name.
pub(crate) fn sealed_fields(protocol: &mut Protocol) -> Vec<(&'static str, &mut Option<Sealed>)> {
    match protocol {
        Protocol::Radius(own) => vec![("shared_secret", &mut own.shared_secret)],
        Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => {
            vec![("bind_password", &mut own.bind_password)]
        }
        Protocol::Windows(own) => own
            .directory
            .iter_mut()
            .map(|own| ("bind_password", &mut own.bind_password))
            .collect(),
        Protocol::Webhook(own) => vec![
            ("hmac_key", &mut own.hmac_key),
            ("client_key", &mut own.client_key),
        ],
    }
}

pub(crate) fn insert(tx: Tx<'_>, r: &BackEnd, m: Meta) -> Result<(), StoreError> {
    write(tx, INSERT, r, m, Some(m.created.into()))
}

pub(crate) fn update(tx: Tx<'_>, r: &BackEnd, m: Meta) -> Result<(), StoreError> {
    write(tx, UPDATE, r, m, None)
}

fn write(
    tx: Tx<'_>,
    sql: &str,
    r: &BackEnd,
    m: Meta,
    created: Option<Arg<'_>>,
) -> Result<(), StoreError> {
    let own = text_of(&Own::of(&r.protocol))?;
    let map = text_of(&Map {
        name: r.map.name.clone(),
        phone: r.map.phone.clone(),
        mobile: r.map.mobile.clone(),
        email: r.map.email.clone(),
    })?;
    let folded = fold(&r.name);
    let mut protocol = r.protocol.clone();
    let fields = sealed_fields(&mut protocol);
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| *name == wanted);
        blob(found.and_then(|(_, sealed)| sealed.as_ref()))
    };
    let mut args = args![
        &r.name,
        &folded,
        r.protocol.word(),
        r.domain.map(|domain| domain.0),
        r.priority,
        r.enabled,
        &r.address,
        r.port,
        r.timeout_s,
        r.retries,
        &own,
        &map,
        field("shared_secret"),
        field("bind_password"),
        field("hmac_key"),
        field("client_key"),
        m.modified,
        m.record_version,
        r.key.0,
        m.revision,
    ]
    .to_vec();
    args.extend(created);
    tx.one(sql, &args)
}

fn text_of(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Refused(error.to_string()))
}

pub(crate) fn group(row: &Row<'_>) -> Result<BackEndGroup, RowError> {
    let mut c = row.columns();
    let (key, name, protocol, members) = (c.int()?, c.string()?, c.string()?, c.text()?);
    let meta = check_version(c.meta()?, version::BACK_END_GROUP, "back-end group", &name)?;
    let members: Vec<i64> = json("members", members)?;
    Ok(BackEndGroup {
        key,
        name,
        protocol,
        members: members.into_iter().map(BackEndKey).collect(),
        meta,
    })
}

fn members(r: &BackEndGroup) -> Result<String, StoreError> {
    text_of(&r.members.iter().map(|key| key.0).collect::<Vec<i64>>())
}

pub(crate) fn insert_group(tx: Tx<'_>, r: &BackEndGroup, m: Meta) -> Result<(), StoreError> {
    tx.one(
        INSERT_GROUP,
        args![
            r.key,
            &r.name,
            &fold(&r.name),
            &r.protocol,
            &members(r)?,
            m.created,
            m.modified,
            m.record_version,
            m.revision
        ],
    )
}

pub(crate) fn update_group(tx: Tx<'_>, r: &BackEndGroup, m: Meta) -> Result<(), StoreError> {
    tx.one(
        UPDATE_GROUP,
        args![
            &r.name,
            &fold(&r.name),
            &r.protocol,
            &members(r)?,
            m.modified,
            m.record_version,
            r.key,
            m.revision
        ],
    )
}
