//! What differs between the products: names of attributes and object classes, and how passwords change.

use countersign_engine::model::{AttributeMap, Profile};

/// The habits of one product.
#[derive(Debug)]
pub(super) struct Habits {
    /// Object classes of users: an entry has one of them.
    pub(super) user_classes: &'static [&'static str],
    /// The attribute that holds the user ID.
    pub(super) user_id: &'static str,
    /// Attributes that hold groups of a user on his own entry.
    pub(super) groups_of_user: &'static [&'static str],
    /// Attributes that tell the state of an account.
    pub(super) state: &'static [&'static str],
    /// Whether the password policy control is understood.
    pub(super) password_policy: bool,
    /// How a password changes.
    pub(super) change: HowToChange,
    /// Attributes of the fields of an account, the first that an entry has counts.
    pub(super) name: &'static [&'static str],
}

/// How a password changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HowToChange {
    /// `unicodePwd` taken away and put, by whoever may search (MS-ADTS 3.1.1.3.1.5).
    UnicodePwd,
    /// The password modify operation of RFC 3062, by the user.
    PasswordModify,
    /// `userPassword` taken away and put, by the user.
    UserPassword,
}

const AD: Habits = Habits {
    user_classes: &["user"],
    user_id: "sAMAccountName",
    groups_of_user: &[],
    state: &[
        "userAccountControl",
        "lockoutTime",
        "accountExpires",
        "pwdLastSet",
        "msDS-User-Account-Control-Computed",
    ],
    password_policy: false,
    change: HowToChange::UnicodePwd,
    name: &["displayName", "cn"],
};

const OPENLDAP: Habits = Habits {
    user_classes: &["person", "posixAccount"],
    user_id: "uid",
    groups_of_user: &["memberOf"],
    state: &["pwdAccountLockedTime"],
    password_policy: true,
    change: HowToChange::PasswordModify,
    name: &["displayName", "cn"],
};

const DS389: Habits = Habits {
    user_classes: &["person", "nsPerson", "posixAccount"],
    state: &["nsAccountLock"],
    ..OPENLDAP
};

const EDIRECTORY: Habits = Habits {
    user_classes: &["person"],
    user_id: "cn",
    groups_of_user: &["groupMembership"],
    state: &["loginDisabled", "lockedByIntruder"],
    password_policy: false,
    change: HowToChange::UserPassword,
    name: &["fullName", "cn"],
};

const IBM_SDS: Habits = Habits {
    user_classes: &["person"],
    groups_of_user: &["ibm-allGroups"],
    state: &["ibm-pwdAccountLocked"],
    ..OPENLDAP
};

/// The habits of a product.
pub(super) fn habits(profile: Profile) -> &'static Habits {
    match profile {
        Profile::Ad => &AD,
        Profile::OpenLdap => &OPENLDAP,
        Profile::Ds389 => &DS389,
        Profile::EDirectory => &EDIRECTORY,
        Profile::IbmSds => &IBM_SDS,
    }
}

/// The attributes of one field of an account, the first that an entry has counts; none = not taken over.
pub(super) fn attributes<'a>(own: Option<&'a String>, usual: &'a [&'a str]) -> Vec<&'a str> {
    match own.map(|name| name.trim()) {
        Some("") => Vec::new(),
        Some(name) => vec![name],
        None => usual.to_vec(),
    }
}

/// Names of the fields of an account with their attributes.
pub(super) fn fields(map: &AttributeMap, profile: Profile) -> [(&'static str, Vec<&str>); 4] {
    [
        ("name", attributes(map.name.as_ref(), habits(profile).name)),
        (
            "phone",
            attributes(map.phone.as_ref(), &["telephoneNumber"]),
        ),
        ("mobile", attributes(map.mobile.as_ref(), &["mobile"])),
        ("email", attributes(map.email.as_ref(), &["mail"])),
    ]
}
