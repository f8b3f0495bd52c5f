//! Which attributes of the directory are taken over: those of the profile, else those of the back-end's record, else
//! the usual ones of the product.

use super::entry::TEXTS;
use crate::model::{BackEnd, Directory, Profile, Protocol, SyncMapping, SyncProfile};

/// Identities of entries that outlive a move, in the order in which they are looked for.
pub(super) const IDENTITIES: [&str; 5] = [
    "objectGUID",
    "entryUUID",
    "nsUniqueId",
    "ibm-entryUuid",
    "GUID",
];

/// Names of attributes in force; an empty one is not taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub(super) user: String,
    /// In the order of [`TEXTS`].
    pub(super) texts: [String; TEXTS.len()],
    pub(super) disabled: String,
    pub(super) org_unit: String,
    pub(super) expires: String,
    /// Attribute, group and name.
    pub(super) custom: Vec<(String, String, String)>,
}

/// What a product calls things.
struct Usual {
    user: &'static str,
    name: &'static str,
    disabled: &'static str,
    expires: &'static str,
}

const fn usual(profile: Profile) -> Usual {
    let (user, name, disabled, expires) = match profile {
        Profile::Ad => (
            "sAMAccountName",
            "displayName",
            "userAccountControl",
            "accountExpires",
        ),
        Profile::OpenLdap | Profile::IbmSds => ("uid", "cn", "", ""),
        Profile::Ds389 => ("uid", "cn", "nsAccountLock", ""),
        Profile::EDirectory => ("cn", "fullName", "loginDisabled", "loginExpirationTime"),
    };
    Usual {
        user,
        name,
        disabled,
        expires,
    }
}

impl Names {
    /// The names in force for a profile with this source; none where the source is no directory.
    pub fn new(profile: &SyncProfile, source: &BackEnd) -> Option<Self> {
        let (directory, product) = directory(source)?;
        let usual = usual(product);
        let SyncMapping {
            user,
            name,
            description,
            email,
            phone,
            mobile,
            disabled,
            org_unit,
            expires,
            custom,
        } = &profile.mapping;
        let map = &source.map;
        let pick = |own: &Option<String>, record: &Option<String>, usual: &str| {
            own.clone()
                .or_else(|| record.clone())
                .unwrap_or_else(|| usual.to_owned())
        };
        Some(Self {
            user: pick(user, &directory.user_id_attribute, usual.user),
            texts: [
                pick(name, &map.name, usual.name),
                pick(description, &None, "description"),
                pick(email, &map.email, "mail"),
                pick(phone, &map.phone, "telephoneNumber"),
                pick(mobile, &map.mobile, "mobile"),
            ],
            disabled: pick(disabled, &None, usual.disabled),
            org_unit: pick(org_unit, &None, ""),
            expires: pick(expires, &None, usual.expires),
            custom: custom.clone(),
        })
    }

    /// Whether a user ID is taken over, without which there is nothing to do.
    pub fn has_user(&self) -> bool {
        !self.user.is_empty()
    }

    /// The attributes to be asked for, each once.
    pub fn attributes(&self) -> Vec<String> {
        let mut all: Vec<String> = IDENTITIES.map(str::to_owned).into();
        let custom = self.custom.iter().map(|(attribute, ..)| attribute);
        let own = [&self.user, &self.disabled, &self.org_unit, &self.expires];
        for name in own.into_iter().chain(&self.texts).chain(custom) {
            let known = all.iter().any(|other| other.eq_ignore_ascii_case(name));
            if !name.is_empty() && !known {
                all.push(name.clone());
            }
        }
        all
    }
}

/// The fields of a source that is asked by LDAP.
fn directory(source: &BackEnd) -> Option<(&Directory, Profile)> {
    match &source.protocol {
        Protocol::ActiveDirectory(own) => Some((own, Profile::Ad)),
        Protocol::Ldap(own) => Some((own, own.profile)),
        Protocol::Windows(own) => own.directory.as_ref().map(|own| (own, Profile::Ad)),
        Protocol::Radius(_) | Protocol::Webhook(_) => None,
    }
}
