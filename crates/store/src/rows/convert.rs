//! Older formats of records: how they are read, and how they become the newest.

use super::{SEALED, Unreadable, application, sealed, user, version};
use crate::ring;
use crate::sql::{Arg, Tx, args};
use crate::{StoreError, marks};
use countersign_engine::Status;
use countersign_engine::facts::{Account, Place};
use countersign_engine::model::Sealed;
use countersign_keyring::Keyring;
use std::collections::BTreeMap;

/// A text of one format in the next.
type Rewrite = fn(&str) -> Option<String>;

/// What changes from one format of a table to the next, besides that sealed fields are bound to their format.
struct Step {
    table: &'static str,
    from: u32,
    texts: &'static [(&'static str, Rewrite)],
}

/// All changes of formats.
const STEPS: &[Step] = &[
    #[cfg(feature = "test-next-version")]
    Step {
        table: application::TABLE,
        from: 1,
        texts: &[("hash", next::dashed)],
    },
];

/// The tables whose records have a format.
pub(crate) const TABLES: &[&str] = &[
    "domain",
    "org_unit",
    "policy",
    "component",
    "back_end",
    "back_end_group",
    "sync_profile",
    "authenticator_type",
    "user",
    "authenticator",
    "application",
];

/// The formats that are written, by table. They stay at those of the oldest program that serves, until an
/// administrator has the records converted.
pub(crate) fn written(tx: Tx<'_>) -> Result<BTreeMap<String, u32>, StoreError> {
    let text = marks::one(tx, marks::RECORDS)?;
    text.map_or_else(
        || Ok(BTreeMap::new()),
        |text| {
            serde_json::from_str(&text)
                .map_err(|error| StoreError::Corrupt(format!("the mark of the formats: {error}")))
        },
    )
}

/// The formats that this program writes once it may, as text of the mark.
pub(crate) fn newest() -> String {
    let newest: BTreeMap<&str, u32> = TABLES
        .iter()
        .map(|table| (*table, version::known(table)))
        .collect();
    serde_json::to_string(&newest).unwrap_or_default()
}

/// A table whose records are written in a format that this program does not know.
pub(crate) fn unknown(written: &BTreeMap<String, u32>) -> Option<(&str, u32, u32)> {
    written.iter().find_map(|(table, found)| {
        let known = version::known(table);
        (*found > known).then_some((table.as_str(), *found, known))
    })
}

/// The name of a hash in a format of applications.
#[cfg_attr(
    not(feature = "test-next-version"),
    expect(unused_variables, reason = "the format never changed")
)]
pub(crate) fn hash_name(format: u32, name: &'static str) -> &'static str {
    #[cfg(feature = "test-next-version")]
    if format >= 2 {
        return next::dashed_name(name);
    }
    name
}

/// The other way round.
#[cfg_attr(
    not(feature = "test-next-version"),
    expect(unused_variables, reason = "the format never changed")
)]
pub(crate) fn hash_of(format: u32, name: &str) -> String {
    #[cfg(feature = "test-next-version")]
    if format >= 2 {
        return name.replacen('-', "", 1);
    }
    name.to_owned()
}

/// 1124 where a record of an older format cannot be converted: a sealed field of it does not open.
pub(crate) fn check(ring: &Keyring, account: &Account) -> Result<(), Unreadable> {
    let failed = |what: String| Unreadable {
        status: Status::DATA_RECORD_MIGRATION_FAILED,
        which: what,
    };
    let opens = |table, id, field, format, sealed: Option<&Sealed>| {
        sealed.is_none_or(|sealed| {
            let place = Place {
                table,
                id,
                field,
                version: format,
            };
            ring::open(ring, place, sealed).is_ok()
        })
    };
    let user = &account.user;
    let format = user.meta.record_version;
    if format < version::known(user::TABLE) {
        let stored = user.password.as_ref();
        let fields = [
            ("password", stored.map(|stored| &stored.verifier)),
            (
                "password_copy",
                stored.and_then(|stored| stored.copy.as_ref()),
            ),
            (
                "password_history",
                stored.and_then(|stored| stored.history.as_ref()),
            ),
        ];
        if !fields
            .iter()
            .all(|(field, sealed)| opens(user::TABLE, user.key.0, field, format, *sealed))
        {
            return Err(failed(format!(
                "user {} of record version {format} has a sealed field that does not open",
                user.id
            )));
        }
    }
    for authenticator in &account.authenticators {
        for own in &authenticator.applications {
            let format = own.meta.record_version;
            if format < version::known(application::TABLE)
                && !(opens(
                    application::TABLE,
                    own.key.0,
                    "secret",
                    format,
                    Some(&own.secret),
                ) && opens(
                    application::TABLE,
                    own.key.0,
                    "pin",
                    format,
                    own.sealed_pin.as_ref(),
                ))
            {
                return Err(failed(format!(
                    "application {} of authenticator {}, of record version {format}, has a sealed field that does not open",
                    own.name, authenticator.serial
                )));
            }
        }
    }
    Ok(())
}

/// How many records of a table are of an older format than it is written in.
pub(crate) fn waiting(tx: Tx<'_>, table: &str, format: u32) -> Result<u64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM \"{table}\" WHERE record_version < $1");
    Ok(tx
        .first(&sql, args![format], |row| row.columns().number())?
        .unwrap_or(0))
}

/// Texts of a record by column.
type Texts = Vec<(&'static str, Option<String>)>;

/// A record of an older format.
pub(crate) struct Old {
    table: &'static str,
    pub(crate) key: i64,
    format: u32,
    revision: i64,
    texts: Texts,
    fields: Vec<(&'static str, Option<Sealed>)>,
}

/// The next records of a table after a row that are older than a format.
pub(crate) fn old(
    tx: Tx<'_>,
    table: &'static str,
    format: u32,
    after: i64,
    limit: u32,
) -> Result<Vec<Old>, StoreError> {
    let texts: Vec<&'static str> = steps(table)
        .flat_map(|step| step.texts)
        .map(|(name, _)| *name)
        .collect();
    let fields: Vec<&'static str> = SEALED
        .iter()
        .filter(|(own, _)| *own == table)
        .map(|(_, field)| *field)
        .collect();
    let columns: String = texts
        .iter()
        .chain(&fields)
        .map(|name| format!(", {name}"))
        .collect();
    let sql = format!(
        "SELECT key, record_version, revision{columns} FROM \"{table}\" WHERE key > $1 AND record_version < $2 ORDER BY key LIMIT $3"
    );
    tx.all(&sql, args![after, format, limit], |row| {
        let mut c = row.columns();
        Ok(Old {
            table,
            key: c.int()?,
            format: c.number()?,
            revision: c.int()?,
            texts: texts
                .iter()
                .map(|name| Ok((*name, c.opt_string()?)))
                .collect::<Result<_, StoreError>>()?,
            fields: fields
                .iter()
                .map(|name| Ok((*name, c.opt_blob()?.map(sealed))))
                .collect::<Result<_, StoreError>>()?,
        })
    })
}

fn steps(table: &str) -> impl Iterator<Item = &'static Step> {
    STEPS.iter().filter(move |step| step.table == table)
}

impl Old {
    /// Writes the record in a newer format, unless somebody changed it meanwhile; false where it cannot be converted.
    pub(crate) fn convert(
        &self,
        tx: Tx<'_>,
        ring: &Keyring,
        format: u32,
    ) -> Result<bool, StoreError> {
        let Some(texts) = self.rewritten(format) else {
            return Ok(false);
        };
        let at = |version, field| Place {
            table: self.table,
            id: self.key,
            field,
            version,
        };
        let mut sealed = Vec::new();
        for (field, old) in &self.fields {
            let new = match old {
                Some(old) => {
                    match ring::renew(ring, at(self.format, field), at(format, field), old) {
                        Ok(new) => Some(new),
                        Err(error) => {
                            tracing::error!(
                                code = "E-013003",
                                "failed to {error}: {field} of row {} in {} (1124)",
                                self.key,
                                self.table
                            );
                            return Ok(false);
                        }
                    }
                }
                None => None,
            };
            sealed.push((*field, new));
        }
        self.write(tx, &texts, &sealed, format)?;
        Ok(true)
    }

    fn rewritten(&self, format: u32) -> Option<Texts> {
        let mut texts = self.texts.clone();
        for from in self.format..format {
            let changes = steps(self.table).filter(|step| step.from == from);
            for (name, rewrite) in changes.flat_map(|step| step.texts) {
                let text = texts.iter_mut().find(|(own, _)| own == name);
                if let Some((_, Some(text))) = text {
                    *text = rewrite(text)?;
                }
            }
        }
        Some(texts)
    }

    fn write(
        &self,
        tx: Tx<'_>,
        texts: &[(&'static str, Option<String>)],
        sealed: &[(&'static str, Option<Sealed>)],
        format: u32,
    ) -> Result<usize, StoreError> {
        let mut set = String::from("record_version = $1, revision = revision + 1");
        let mut args: Vec<Arg<'_>> = vec![format.into()];
        for (name, text) in texts {
            args.push(text.as_deref().into());
            set.push_str(&format!(", {name} = ${}", args.len()));
        }
        for (name, value) in sealed {
            args.push(super::blob(value.as_ref()).into());
            set.push_str(&format!(", {name} = ${}", args.len()));
        }
        args.extend([Arg::from(self.key), Arg::from(self.revision)]);
        let sql = format!(
            "UPDATE \"{}\" SET {set} WHERE key = ${} AND revision = ${}",
            self.table,
            args.len() - 1,
            args.len()
        );
        tx.run(&sql, &args)
    }
}

/// The change of a format that tests make up: applications name their hash with a dash.
#[cfg(feature = "test-next-version")]
mod next {
    const NAMES: &[(&str, &str)] = &[
        ("SHA1", "SHA-1"),
        ("SHA256", "SHA-256"),
        ("SHA512", "SHA-512"),
    ];

    pub(super) fn dashed(name: &str) -> Option<String> {
        let found = NAMES.iter().find(|(plain, _)| *plain == name);
        found.map(|(_, dashed)| (*dashed).to_owned())
    }

    pub(super) fn dashed_name(name: &'static str) -> &'static str {
        let found = NAMES.iter().find(|(plain, _)| *plain == name);
        found.map_or(name, |(_, dashed)| dashed)
    }
}
