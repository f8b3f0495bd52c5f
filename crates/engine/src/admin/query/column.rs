//! The fields of the views that can be asked for, by object.

use crate::Status;
use crate::admin::Refusal;

/// A kind of object that can be queried.
#[derive(Debug, PartialEq)]
pub struct Object {
    /// Its name, such as `user`.
    pub name: &'static str,
    /// Its fields; the first ones are its key and the last order of every list.
    pub columns: &'static [Column],
    /// How many of them are the key.
    pub key: usize,
}

/// A field of an object's view.
#[derive(Debug, PartialEq)]
pub struct Column {
    /// Name in views, filters and orders.
    pub name: &'static str,
    /// How its values compare.
    pub kind: ColumnKind,
    /// How the store names it; empty where it can be shown but neither filtered nor sorted by.
    pub column: &'static str,
}

/// How values of a column compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, compared as it is.
    Text,
    /// Text compared without regard to case ([`crate::text::fold`]).
    Folded,
    /// As [`ColumnKind::Folded`]; a plain value means "contains".
    Contains,
    /// A serial number: a plain value is exact, a range `a-b`, or a comma list.
    Serial,
    /// A whole number.
    Number,
    /// true or false.
    Bool,
    /// A UTC day.
    Day,
    /// A moment.
    Time,
    /// A list or object: shown only.
    Shown,
}

impl Object {
    /// A field of the view.
    ///
    /// # Errors
    /// -101 with a suggestion.
    pub fn column(&self, name: &str) -> Result<&'static Column, Refusal> {
        self.columns
            .iter()
            .find(|column| column.name == name)
            .ok_or_else(|| self.unknown(name))
    }

    /// A field that can be filtered and sorted by.
    ///
    /// # Errors
    /// -101 with a suggestion.
    pub fn filterable(&self, name: &str) -> Result<&'static Column, Refusal> {
        self.column(name).and_then(|column| {
            let can = column.kind != Shown && !column.column.is_empty();
            can.then_some(column).ok_or_else(|| {
                Refusal::new(
                    Status::INVDATA,
                    format!("{name} can be neither filtered nor sorted by"),
                )
            })
        })
    }

    /// The columns of the key.
    pub fn key_columns(&self) -> &'static [Column] {
        self.columns.get(..self.key).unwrap_or_default()
    }

    fn unknown(&self, name: &str) -> Refusal {
        let shown: String = name
            .chars()
            .filter(|letter| !letter.is_control())
            .take(64)
            .collect();
        let hint = crate::text::closest(&shown, self.columns.iter().map(|column| column.name));
        let hint = hint.map_or(String::new(), |close| format!("; did you mean {close}?"));
        Refusal::new(
            Status::INVDATA,
            format!("{shown} is no field of {}{hint}", self.name),
        )
    }
}

/// The object with this name, in the spelling of commands (`org-unit`).
pub fn object(name: &str) -> Option<&'static Object> {
    OBJECTS.iter().find(|object| object.name == name)
}

use ColumnKind::{Bool, Contains, Day, Folded, Number, Serial, Shown, Text, Time};

const fn c(name: &'static str, kind: ColumnKind, column: &'static str) -> Column {
    Column { name, kind, column }
}

const fn shown(name: &'static str) -> Column {
    c(name, Shown, "")
}

const CREATED: Column = c("created", Time, "created");
const MODIFIED: Column = c("modified", Time, "modified");
const REVISION: Column = c("revision", Number, "revision");
const RECORD_VERSION: Column = c("record_version", Number, "record_version");

static OBJECTS: &[Object] = &[
    Object {
        name: "user",
        key: 2,
        columns: &[
            c("domain", Folded, "domain.folded"),
            c("user", Contains, "user.folded"),
            c("org_unit", Folded, "org_unit.folded"),
            c("name", Contains, "user.name"),
            c("description", Folded, "user.description"),
            c("email", Contains, "user.email"),
            c("phone", Folded, "user.phone"),
            c("mobile", Folded, "user.mobile"),
            c("locale", Folded, "user.locale"),
            c("local_auth", Text, "user.local_auth"),
            c("back_end_auth", Text, "user.back_end_auth"),
            c("group_check", Text, "user.group_check"),
            c("disabled", Bool, "user.disabled"),
            c("locked", Bool, "user_state.locked"),
            c("lock_reason", Text, "user_state.lock_reason"),
            c("lock_count", Number, "user_state.lock_count"),
            c(
                "unlock_attempts_used",
                Number,
                "user_state.unlock_attempts_used",
            ),
            c("lock_duration_min", Number, "user_state.lock_duration_min"),
            c("expires_at", Time, "user.expires_at"),
            c("last_auth_at", Time, "user_state.last_auth_at"),
            c(
                "last_auth_request_at",
                Time,
                "user_state.last_auth_request_at",
            ),
            c("last_failure_at", Time, "user_state.last_failure_at"),
            c("has_password", Bool, "user.has_password"),
            c("password_set_at", Time, "user.password_set_at"),
            c("administrator", Bool, "user.administrator"),
            shown("linked_user"),
            shown("linked_domain"),
            shown("offline_auth"),
            shown("max_days_between_authentications"),
            shown("delivery_method"),
            shown("delivery_profile"),
            shown("signature_delivery_method"),
            shown("signature_delivery_profile"),
            shown("max_sessions"),
            shown("last_logon_at"),
            shown("last_logon_from"),
            shown("sync_profile"),
            shown("sync_dn"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "user-attribute",
        key: 5,
        columns: &[
            c("domain", Folded, "domain.folded"),
            c("user", Contains, "user.folded"),
            c("group", Text, "user_attribute.attr_group"),
            c("name", Text, "user_attribute.name"),
            c("index", Number, "user_attribute.idx"),
            c("usage", Text, "user_attribute.usage"),
            c("value", Text, "user_attribute.value"),
        ],
    },
    Object {
        name: "authenticator",
        key: 1,
        columns: &[
            c("serial", Serial, "authenticator.serial"),
            c("domain", Folded, "domain.folded"),
            c("org_unit", Folded, "org_unit.folded"),
            c("type", Text, "authenticator.type"),
            c("user", Folded, "user.folded"),
            c("assigned_at", Time, "authenticator.assigned_at"),
            c("reserved", Bool, "authenticator.reserved"),
            c("grace_end", Day, "authenticator.grace_end"),
            c("expires_at", Day, "authenticator.expires_at"),
            c("starts_at", Time, "authenticator.starts_at"),
            c("disabled", Bool, "authenticator.disabled"),
            c("disabled_at", Time, "authenticator.disabled_at"),
            c("description", Folded, "authenticator.description"),
            c("backup_virtual", Text, "authenticator.backup_virtual"),
            c("backup_until", Day, "authenticator.backup_until"),
            c("backup_uses_left", Number, "authenticator.backup_uses_left"),
            shown("user_domain"),
            shown("last_auth_at"),
            shown("applications"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "application",
        key: 2,
        columns: &[
            c("serial", Serial, "authenticator.serial"),
            c("application", Folded, "application.name"),
            c("index", Number, "application.idx"),
            c("type", Text, "application.kind"),
            c("active", Bool, "application.active"),
            c("algorithm", Text, "application.algorithm"),
            c("pin_supported", Bool, "application.pin_supported"),
            c("pin_enabled", Bool, "application.pin_enabled"),
            c("last_use", Time, "application_state.last_success"),
            c("errors", Number, "application_state.errors"),
            c(
                "signature_errors",
                Number,
                "application_state.signature_errors",
            ),
            c("next_counter", Number, "application_state.counter"),
            c("drift", Number, "application_state.drift"),
            c(
                "pin_change_forced",
                Bool,
                "application_state.pin_change_forced",
            ),
            shown("last_step"),
            shown("initial_window"),
            shown("secure_channel"),
            shown("host_code"),
            shown("confirm"),
            shown("hash"),
            shown("digits"),
            shown("period"),
            shown("suite"),
            shown("pin_set"),
            shown("pin_change_allowed"),
            shown("pin_min_length"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "authenticator-type",
        key: 1,
        columns: &[
            c("name", Folded, "name"),
            c("description", Folded, "description"),
            c("profile", Folded, "profile"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "policy",
        key: 1,
        columns: &[
            c("policy_id", Folded, "id"),
            c("description", Folded, "description"),
            c("parent", Folded, "parent"),
            c("valid", Bool, "valid"),
            c("predefined", Bool, "predefined"),
            shown("invalid_reason"),
            shown("attributes"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "component",
        key: 3,
        columns: &[
            c("type", Folded, "type"),
            c("location", Folded, "location"),
            c("nas_id", Text, "nas_id"),
            c("policy", Folded, "policy"),
            c("enabled", Bool, "enabled"),
            c("description", Folded, "description"),
            c("has_shared_secret", Bool, "has_shared_secret"),
            c("charset", Text, "charset"),
            c(
                "require_message_authenticator",
                Bool,
                "require_message_authenticator",
            ),
            c("not_handled", Text, "not_handled"),
            c("status_in_reply", Bool, "status_in_reply"),
            c("challenges", Bool, "challenges"),
            c("trusted_forwarder", Bool, "trusted_forwarder"),
            c("return_static_password", Bool, "return_static_password"),
            c("has_api_key", Bool, "has_api_key"),
            c("client_certificate", Text, "client_certificate"),
            c("address_only", Bool, "address_only"),
            c("rate_per_s", Number, "rate_per_s"),
            shown("reply_texts"),
            shown("remarks"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "backend",
        key: 1,
        columns: &[
            c("name", Folded, "name"),
            c("protocol", Text, "protocol"),
            c("domain", Folded, "domain"),
            c("priority", Number, "priority"),
            c("enabled", Bool, "enabled"),
            c("address", Folded, "address"),
            c("port", Number, "port"),
            c("timeout_s", Number, "timeout_s"),
            c("retries", Number, "retries"),
            shown("groups"),
            shown("has_shared_secret"),
            shown("accounting_address"),
            shown("accounting_port"),
            shown("charset"),
            shown("realm_rule"),
            shown("realm"),
            shown("password_protocol"),
            c(
                "require_message_authenticator",
                Bool,
                "require_message_authenticator",
            ),
            c("base_dn", Folded, "base_dn"),
            c("bind_dn", Folded, "bind_dn"),
            shown("has_bind_password"),
            c("tls", Text, "tls"),
            shown("ca"),
            shown("user_filter"),
            shown("user_id_attribute"),
            shown("object_class"),
            shown("global_catalog"),
            c("profile", Text, "profile"),
            shown("netbios_domain"),
            shown("helper"),
            shown("has_hmac_key"),
            shown("client_certificate"),
            shown("has_client_key"),
            shown("attribute_map"),
            shown("remarks"),
            shown("health"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "backend-group",
        key: 1,
        columns: &[
            c("name", Folded, "name"),
            c("protocol", Text, "protocol"),
            shown("members"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "sync-profile",
        key: 1,
        columns: &[
            c("name", Folded, "name"),
            c("enabled", Bool, "enabled"),
            c("source", Folded, "source"),
            c("base", Folded, "base"),
            c("scope", Text, "scope"),
            c("filter", Text, "filter"),
            c("domain", Folded, "domain"),
            c("org_unit", Folded, "org_unit"),
            c("successor", Folded, "successor"),
            shown("mapping"),
            shown("custom"),
            c("create", Bool, "create"),
            c("enable_created", Bool, "enable_created"),
            c("update", Bool, "update"),
            c("move_accounts", Bool, "move_accounts"),
            c("create_units", Bool, "create_units"),
            c("gone", Text, "gone"),
            c("max_delete_percent", Number, "max_delete_percent"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "domain",
        key: 1,
        columns: &[
            c("name", Folded, "name"),
            c("description", Folded, "description"),
            c("master", Bool, "master"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "org-unit",
        key: 2,
        columns: &[
            c("domain", Folded, "domain"),
            c("name", Folded, "name"),
            c("parent", Folded, "parent"),
            c("description", Folded, "description"),
            CREATED,
            MODIFIED,
            RECORD_VERSION,
            REVISION,
        ],
    },
    Object {
        name: "setting",
        key: 1,
        columns: &[
            c("name", Text, "name"),
            c("value", Text, "value"),
            c("default", Text, "default"),
            c("changed", Bool, "changed"),
            shown("description"),
        ],
    },
    Object {
        name: "key",
        key: 2,
        columns: &[
            c("class", Text, "class"),
            c("id", Text, "id"),
            c("algorithm", Text, "algorithm"),
            c("state", Text, "state"),
            c("root", Text, "root"),
            CREATED,
        ],
    },
    Object {
        name: "session",
        key: 1,
        columns: &[
            c("id", Text, "id"),
            c("domain", Folded, "domain"),
            c("user", Contains, "user"),
            c("source", Text, "source"),
            c("component", Text, "component_type"),
            c("started", Time, "started"),
            c("last_use", Time, "last_use"),
            c("own", Bool, "own"),
        ],
    },
    Object {
        name: "node",
        key: 1,
        columns: &[
            c("name", Text, "name"),
            c("version", Text, "version"),
            c("state", Text, "state"),
            c("host", Folded, "host"),
            c("drain_wanted", Bool, "drained"),
            c("schema_version", Number, "schema_version"),
            c("clock_offset_ms", Number, "clock_offset"),
            c("started", Time, "started"),
            c("last_seen", Time, "seen"),
            shown("reasons"),
            shown("addresses"),
            shown("scenarios"),
            shown("scenarios_wanted"),
            shown("record_versions"),
        ],
    },
    Object {
        name: "timing",
        key: 2,
        columns: &[
            c("time", Time, "time"),
            c("amid", Text, "amid"),
            c("request_id", Text, "request_id"),
            c("way", Text, "way"),
            c("command", Text, "command"),
            c("user", Folded, "user"),
            c("component", Folded, "component"),
            c("status_code", Number, "status_code"),
            c("took_us", Number, "took_us"),
        ],
    },
    Object {
        name: "audit",
        key: 2,
        columns: &[
            c("time", Time, "time"),
            c("amid", Text, "amid"),
            c("code", Text, "code"),
            c("type", Text, "type"),
            c("category", Text, "category"),
            c("source", Text, "node"),
            c("status_code", Number, "status_code"),
            c("user", Folded, "user"),
            c("domain", Folded, "domain"),
            c("target_user", Folded, "target_user"),
            c("serial", Serial, "serial"),
            c("component_type", Text, "component_type"),
            c("client_location", Text, "client_location"),
            c("command", Text, "command"),
            c("request_id", Text, "request_id"),
            c("correlation_id", Text, "correlation_id"),
            c("policy", Folded, "policy"),
        ],
    },
];

#[cfg(test)]
pub(super) fn objects() -> &'static [Object] {
    OBJECTS
}
