use super::{View, view, with_meta};
use crate::model::{Domain, OrgUnit};
use crate::settings::{Setting, Settings};
use crate::snapshot::Snapshot;
use serde_json::json;

/// A domain.
pub fn domain(domain: &Domain) -> View {
    let fields =
        json!({"name": domain.name, "description": domain.description, "master": domain.master});
    with_meta(view(fields), &domain.meta)
}

/// An organizational unit.
pub fn org_unit(unit: &OrgUnit, snapshot: &Snapshot) -> View {
    let fields = json!({
        "domain": snapshot.domains.name(unit.domain),
        "name": unit.name,
        "parent": snapshot.unit_name(unit.parent),
        "description": unit.description,
    });
    with_meta(view(fields), &unit.meta)
}

/// A setting with its default.
pub fn setting(setting: &Setting, settings: &Settings) -> View {
    view(json!({
        "name": setting.name,
        "value": settings.text(setting.name),
        "default": setting.default,
        "changed": settings.is_stored(setting.name),
        "description": setting.doc,
    }))
}
