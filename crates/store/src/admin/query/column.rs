//! The columns of lists: the name in a query and the SQL expression it stands for.

/// How an object is listed.
pub(super) struct Columns {
    /// What is selected.
    pub(super) select: &'static str,
    /// The tables.
    pub(super) from: &'static str,
    /// Name and expression.
    pub(super) expressions: &'static [(&'static str, &'static str)],
}

impl Columns {
    /// The expression of a column.
    pub(super) fn expression(&self, name: &str) -> Option<&'static str> {
        self.expressions
            .iter()
            .chain(META)
            .find(|(own, _)| *own == name)
            .map(|(_, expression)| *expression)
    }
}

/// The columns of an object that is queried in the store.
pub(super) fn of(object: &str) -> Option<&'static Columns> {
    match object {
        "user" => Some(&USER),
        "user-attribute" => Some(&ATTRIBUTE),
        "authenticator" => Some(&AUTHENTICATOR),
        "application" => Some(&APPLICATION),
        _ => None,
    }
}

/// The main table of each object is called `m`.
const META: &[(&str, &str)] = &[
    ("created", "m.created"),
    ("modified", "m.modified"),
    ("revision", "m.revision"),
    ("record_version", "m.record_version"),
];

static USER: Columns = Columns {
    select: "m.key",
    from: "\"user\" m JOIN user_state s ON s.user_key = m.key JOIN domain d ON d.key = m.domain_key LEFT JOIN org_unit o ON o.key = m.unit_key",
    expressions: &[
        ("domain", "d.folded"),
        ("user", "m.folded"),
        ("org_unit", "o.folded"),
        ("name", "m.name_folded"),
        ("description", "m.description_folded"),
        ("email", "m.email_folded"),
        ("phone", "LOWER(m.phone)"),
        ("mobile", "LOWER(m.mobile)"),
        ("locale", "LOWER(m.locale)"),
        ("local_auth", "m.local_auth"),
        ("back_end_auth", "m.back_end_auth"),
        ("group_check", "m.group_check"),
        ("disabled", "m.disabled"),
        ("locked", "CASE WHEN s.locked <> 0 THEN 1 ELSE 0 END"),
        ("lock_reason", "CASE s.locked WHEN 1 THEN 'failures' WHEN 2 THEN 'admin' END"),
        ("lock_count", "s.lock_count"),
        ("unlock_attempts_used", "s.unlock_attempts_used"),
        ("lock_duration_min", "s.lock_duration_min"),
        ("expires_at", "m.expires_at"),
        (
            "last_auth_at",
            "(SELECT MAX(t.at) FROM (SELECT s.last_auth_at AS at UNION ALL SELECT ps.last_success AS at FROM authenticator a
                JOIN application p ON p.authenticator_key = a.key JOIN application_state ps ON ps.application_key = p.key
                WHERE a.user_key = m.key) t)",
        ),
        ("last_auth_request_at", "s.last_auth_request_at"),
        ("last_failure_at", "s.last_failure_at"),
        ("has_password", "CASE WHEN m.password IS NOT NULL THEN 1 ELSE 0 END"),
        ("password_set_at", "m.password_set_at"),
        ("administrator", "CASE WHEN m.privileges LIKE '%\"admin.logon\"%' THEN 1 ELSE 0 END"),
    ],
};

static ATTRIBUTE: Columns = Columns {
    select: "t.user_key, t.group_name, t.name, t.position, t.usage, t.value",
    from: "user_attribute t JOIN \"user\" m ON m.key = t.user_key JOIN domain d ON d.key = m.domain_key",
    expressions: &[
        ("domain", "d.folded"),
        ("user", "m.folded"),
        ("group", "t.group_name"),
        ("name", "t.name"),
        ("index", "t.position"),
        ("usage", "t.usage"),
        ("value", "t.value"),
    ],
};

static AUTHENTICATOR: Columns = Columns {
    select: "m.key",
    from: "authenticator m JOIN domain d ON d.key = m.domain_key LEFT JOIN org_unit o ON o.key = m.unit_key
        LEFT JOIN \"user\" u ON u.key = m.user_key",
    expressions: &[
        ("serial", "m.serial"),
        ("domain", "d.folded"),
        ("org_unit", "o.folded"),
        ("type", "m.type_name"),
        ("user", "u.folded"),
        ("assigned_at", "m.assigned_at"),
        ("reserved", "m.reserved"),
        ("grace_end", "m.grace_end"),
        ("expires_at", "m.expires_at"),
        ("starts_at", "m.starts_at"),
        ("disabled", "CASE WHEN m.disabled_at IS NOT NULL THEN 1 ELSE 0 END"),
        ("disabled_at", "m.disabled_at"),
        ("description", "m.description_folded"),
        ("backup_virtual", "m.backup_virtual"),
        ("backup_until", "m.backup_until"),
        ("backup_uses_left", "m.backup_uses_left"),
    ],
};

static APPLICATION: Columns = Columns {
    select: "m.authenticator_key, m.key",
    from: "application m JOIN authenticator a ON a.key = m.authenticator_key JOIN application_state s ON s.application_key = m.key
        JOIN domain d ON d.key = a.domain_key",
    expressions: &[
        ("serial", "a.serial"),
        ("domain", "d.folded"),
        ("application", "LOWER(m.name)"),
        ("index", "m.position"),
        ("type", "m.kind"),
        ("active", "m.active"),
        ("algorithm", "m.algorithm"),
        ("pin_supported", "m.pin_supported"),
        ("pin_enabled", "m.pin_enabled"),
        ("last_use", "s.last_success"),
        ("errors", "s.errors"),
        ("signature_errors", "s.signature_errors"),
        ("next_counter", "s.counter"),
        ("drift", "s.drift"),
        ("pin_change_forced", "s.pin_change_forced"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::admin::query::object;

    #[test]
    fn every_field_that_can_be_filtered_by_has_an_expression() {
        for name in ["user", "user-attribute", "authenticator", "application"] {
            let (columns, object) = (of(name).unwrap(), object(name).unwrap());
            for column in object
                .columns
                .iter()
                .filter(|column| object.filterable(column.name).is_ok())
            {
                assert!(
                    columns.expression(column.name).is_some(),
                    "{name}.{}",
                    column.name
                );
            }
        }
    }
}
