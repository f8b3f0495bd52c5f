use super::{View, view, with_meta};
use crate::model::{SyncProfile, SyncRun};
use crate::snapshot::Snapshot;
use serde_json::{Map, Value as Json, json};

/// A synchronisation profile.
pub fn sync_profile(one: &SyncProfile, snapshot: &Snapshot) -> View {
    let source = snapshot.back_ends.get(one.source);
    let map = &one.mapping;
    let fields = [
        ("user", &map.user),
        ("name", &map.name),
        ("description", &map.description),
        ("email", &map.email),
        ("phone", &map.phone),
        ("mobile", &map.mobile),
        ("disabled", &map.disabled),
        ("org_unit", &map.org_unit),
        ("expires", &map.expires),
    ];
    let mapping: Map<String, Json> = fields
        .into_iter()
        .filter_map(|(field, name)| Some((field.to_owned(), json!(name.as_ref()?))))
        .collect();
    let custom: Vec<String> = map
        .custom
        .iter()
        .map(|(attribute, group, name)| format!("{attribute}={group}:{name}"))
        .collect();
    let shown = view(json!({
        "name": one.name,
        "enabled": one.enabled,
        "source": source.map(|source| source.name.as_str()),
        "base": one.base,
        "scope": one.scope.word(),
        "filter": one.filter,
        "domain": snapshot.domains.name(one.domain),
        "org_unit": snapshot.unit_name(one.org_unit),
        "successor": one.successor,
        "mapping": mapping,
        "custom": custom,
        "create": one.options.create,
        "enable_created": one.options.enable_created,
        "update": one.options.update,
        "move_accounts": one.options.move_accounts,
        "create_units": one.options.create_units,
        "gone": one.options.gone.word(),
        "max_delete_percent": one.max_delete_percent,
    }));
    with_meta(shown, &one.meta)
}

/// The last run of a profile.
pub fn sync_run(run: &SyncRun) -> View {
    let totals: Json = serde_json::from_str(&run.totals).unwrap_or_default();
    view(json!({
        "state": run.state.word(),
        "node": run.node,
        "user": run.user,
        "started": run.started.rfc3339(),
        "seen": run.seen.rfc3339(),
        "ended": run.ended.map(crate::time::Timestamp::rfc3339),
        "totals": totals,
        "message": run.message,
    }))
}
