//! The policies every deployment starts with (spec/policy.md 5). They may be edited and restored, never deleted.

use super::attribute::{ATTRIBUTES, Attribute, Kind};
use super::{Policy, Value};

/// The root of the shipped policies.
pub const BASE: &str = "base";

/// A value of the table below; what it becomes depends on the attribute.
#[derive(Clone, Copy, Debug)]
enum Set {
    Word(&'static str),
    Number(i64),
    List(&'static [&'static str]),
}

use Set::{List, Number, Word};

struct Row {
    id: &'static str,
    parent: &'static str,
    description: &'static str,
    values: &'static [(&'static str, Set)],
}

const fn row(
    id: &'static str,
    parent: &'static str,
    description: &'static str,
    values: &'static [(&'static str, Set)],
) -> Row {
    Row {
        id,
        parent,
        description,
        values,
    }
}

const YES: Set = Word("yes");

static ROWS: &[Row] = &[
    row(
        "admin_logon",
        BASE,
        "Logon of administrators to console and API",
        &[
            ("local_auth", Word("grace_period")),
            ("user_lock_threshold", Number(0)),
            ("identification_time_window", Number(10)),
            ("event_window", Number(10)),
            ("initial_window_proof", YES),
        ],
    ),
    row(
        "server",
        BASE,
        "Server components: password rules and grace of manual assignments",
        &[
            ("grace_period_days", Number(7)),
            ("pw_min_length", Number(12)),
            ("pw_history", Number(5)),
        ],
    ),
    row(
        "local",
        BASE,
        "Safe values for checks by this server; the usual parent of new policies",
        &[
            ("local_auth", Word("grace_period")),
            ("grace_period_days", Number(7)),
            ("identification_time_window", Number(10)),
            ("event_window", Number(10)),
            ("initial_window_proof", YES),
            ("max_unlock_attempts", Number(10)),
            (
                "radius_protocols",
                List(&["pap", "eap_ttls_pap", "eap_ttls_gtc", "peap_gtc"]),
            ),
        ],
    ),
    row(
        "local_only",
        "local",
        "An authenticator always",
        &[("local_auth", Word("authenticator_only"))],
    ),
    row(
        "local_or_password",
        "local",
        "An authenticator or the static password",
        &[("local_auth", Word("authenticator_or_password"))],
    ),
    row(
        "local_auto_assign",
        "local",
        "Accounts and authenticators by the first logon with a back-end's password",
        &[
            ("dynamic_user_registration", YES),
            ("assignment_mode", Word("auto")),
            ("back_end_auth", Word("if_needed")),
            ("password_autolearn", YES),
            ("stored_password_proxy", YES),
        ],
    ),
    row(
        "ad_plain",
        "local",
        "Authenticator here, password at Active Directory",
        &[
            ("back_end_auth", Word("always")),
            ("back_end_protocol", Word("active_directory")),
        ],
    ),
    row(
        "radius_plain",
        "local",
        "Authenticator here, password at another RADIUS server",
        &[
            ("back_end_auth", Word("always")),
            ("back_end_protocol", Word("radius")),
            ("radius_protocols", List(&[])),
        ],
    ),
    row(
        "ldap_plain",
        "local",
        "Authenticator here, password at an LDAP directory",
        &[
            ("back_end_auth", Word("always")),
            ("back_end_protocol", Word("ldap")),
        ],
    ),
    row(
        "ad_auto_assign",
        "ad_plain",
        "As ad_plain; accounts and authenticators by the first logon",
        AUTO_ASSIGN,
    ),
    row(
        "radius_auto_assign",
        "radius_plain",
        "As radius_plain; accounts and authenticators by the first logon",
        AUTO_ASSIGN,
    ),
    row(
        "ldap_auto_assign",
        "ldap_plain",
        "As ldap_plain; accounts and authenticators by the first logon",
        AUTO_ASSIGN,
    ),
    row(
        "ad_self_assign",
        "ad_plain",
        "As ad_plain; users take their authenticator by its serial",
        SELF_ASSIGN,
    ),
    row(
        "radius_self_assign",
        "radius_plain",
        "As radius_plain; users take their authenticator by its serial",
        SELF_ASSIGN,
    ),
    row(
        "ldap_self_assign",
        "ldap_plain",
        "As ldap_plain; users take their authenticator by its serial",
        SELF_ASSIGN,
    ),
    row(
        "ad_password_replacement",
        "ad_plain",
        "As ad_plain; the password is typed once, afterwards the OTP alone",
        REPLACEMENT,
    ),
    row(
        "radius_password_replacement",
        "radius_plain",
        "As radius_plain; the password is typed once, afterwards the OTP alone",
        REPLACEMENT,
    ),
    row(
        "back_end_only",
        BASE,
        "Only a back-end checks",
        &[("back_end_auth", Word("always"))],
    ),
    row(
        "challenge_response",
        "local",
        "The keyword `challenge` asks for a challenge",
        &[
            ("challenge_request_method", Word("keyword_only")),
            ("challenge_request_keyword", Word("challenge")),
        ],
    ),
    row(
        "virtual_backup",
        "local",
        "Messages stand in for a forgotten device for a few days",
        &[
            ("backup_virtual", Word("time_limited")),
            ("backup_virtual_max_days", Number(3)),
            ("backup_virtual_max_uses", Number(5)),
        ],
    ),
    row(
        "push",
        "local",
        "The keyword `push` asks the mobile application",
        &[
            ("secure_channel", Word("permitted")),
            ("push_request_method", Word("keyword_only")),
        ],
    ),
    row(
        "logon_agent",
        "ad_plain",
        "Log-on agents with offline logons",
        &[("offline_auth", YES)],
    ),
    row(
        "signature",
        "local",
        "Transaction signatures, each accepted once",
        &[
            ("application_type", Word("signature")),
            ("online_signature_level", Number(1)),
        ],
    ),
    row(
        "signature_secure",
        "signature",
        "Signatures over the encrypted channel only",
        &[("secure_channel", Word("required"))],
    ),
    row(
        "provisioning",
        "local",
        "Registration and activation of software authenticators",
        &[
            ("assignment_mode", Word("auto")),
            ("local_auth", Word("grace_period")),
        ],
    ),
    row(
        "provisioning_multi_device",
        "provisioning",
        "Activation of one authenticator on several devices",
        &[
            ("secure_channel", Word("permitted")),
            ("application_type", Word("master_activation")),
        ],
    ),
    row(
        "self_service",
        "local",
        "The users' own pages",
        &[
            ("password_autolearn", YES),
            ("serial_separator", Word("|")),
            ("assignment_mode", Word("self")),
        ],
    ),
];

const AUTO_ASSIGN: &[(&str, Set)] = &[
    ("dynamic_user_registration", YES),
    ("password_autolearn", YES),
    ("assignment_mode", Word("auto")),
];

const SELF_ASSIGN: &[(&str, Set)] = &[
    ("dynamic_user_registration", YES),
    ("password_autolearn", YES),
    ("assignment_mode", Word("self")),
    ("serial_separator", Word("|")),
];

const REPLACEMENT: &[(&str, Set)] = &[("password_autolearn", YES), ("stored_password_proxy", YES)];

/// All shipped policies, parents first.
pub fn all() -> Vec<Policy> {
    std::iter::once(base())
        .chain(ROWS.iter().map(policy))
        .collect()
}

/// A shipped policy as it was at first; `None` for any other id.
pub fn restore_default(id: &str) -> Option<Policy> {
    let id = super::set::fold(id);
    all().into_iter().find(|policy| policy.id == id)
}

/// Whether a policy is shipped and therefore cannot be deleted.
pub fn is_predefined(id: &str) -> bool {
    let id = super::set::fold(id);
    id == BASE || ROWS.iter().any(|row| row.id == id)
}

fn base() -> Policy {
    Policy {
        id: BASE.to_owned(),
        description: "The root: checks nothing, and holds the value of every attribute".to_owned(),
        parent: None,
        values: ATTRIBUTES
            .iter()
            .filter_map(|attribute| Some((attribute.name, attribute.base()?)))
            .collect(),
    }
}

fn policy(row: &Row) -> Policy {
    Policy {
        id: row.id.to_owned(),
        description: row.description.to_owned(),
        parent: Some(row.parent.to_owned()),
        values: row
            .values
            .iter()
            .filter_map(|(name, set)| value(name, *set))
            .collect(),
    }
}

fn value(name: &str, set: Set) -> Option<(&'static str, Value)> {
    let attribute = Attribute::named(name)?;
    let value = match (attribute.kind, set) {
        (Kind::Choice(names), Word(word)) => {
            Value::Choice(names.iter().find(|name| **name == word)?)
        }
        (_, Word(word)) => Value::Text(word.to_owned()),
        (_, Number(number)) => Value::Number(number),
        (_, List(items)) => Value::List(items.iter().map(|item| (*item).to_owned()).collect()),
    };
    Some((attribute.name, value))
}

/// How many values the rows set; the tests compare it with what became of them.
#[cfg(test)]
pub(super) fn rows_and_values() -> (usize, usize) {
    (ROWS.len(), ROWS.iter().map(|row| row.values.len()).sum())
}
