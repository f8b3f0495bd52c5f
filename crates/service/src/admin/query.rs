use crate::node::Node;
use countersign_engine::admin::query::run;
use countersign_engine::admin::{Query, view};
use countersign_engine::settings::SETTINGS;
use countersign_store::{Rows, StoreError};
use serde_json::{Map, Value};

type View = Map<String, Value>;

/// Reads the rows of a query into `rows` and their number, without limit and offset, into `total`.
pub(super) fn read(
    node: &Node,
    query: &Query,
    own: Option<countersign_engine::model::SessionKey>,
    result: &mut View,
) -> Result<(), StoreError> {
    let (rows, total) = match query.object.name {
        "user" | "authenticator" | "application" | "user-attribute" => of_store(node, query)?,
        "audit" => super::audit::rows(node, query)?,
        "session" => run(query, sessions(node, own)?),
        "key" => run(query, node.store().keys()?.iter().map(view::key)),
        "node" => run(query, node.nodes()?.iter().map(view::node)),
        "timing" => run(
            query,
            node.timings()
                .all()
                .iter()
                .map(|timing| crate::timing::row(timing)),
        ),
        name => run(query, of_snapshot(node, name)),
    };
    result.insert(
        "rows".to_owned(),
        rows.into_iter().map(Value::Object).collect(),
    );
    result.insert("total".to_owned(), total.into());
    Ok(())
}

fn of_snapshot(node: &Node, name: &str) -> Vec<View> {
    let snapshot = node.snapshot();
    match name {
        "domain" => snapshot.domains.iter().map(view::domain).collect(),
        "org-unit" => snapshot
            .units
            .values()
            .map(|unit| view::org_unit(unit, &snapshot))
            .collect(),
        "policy" => snapshot
            .policies
            .iter()
            .map(|policy| view::policy(policy, &snapshot))
            .collect(),
        "component" => snapshot
            .components
            .all()
            .iter()
            .map(|component| view::component(component))
            .collect(),
        "backend" => super::back_end::all(node),
        "backend-group" => snapshot
            .back_ends
            .groups()
            .iter()
            .map(|group| view::back_end_group(group, &snapshot))
            .collect(),
        "sync-profile" => snapshot
            .sync_profiles
            .iter()
            .map(|profile| view::sync_profile(profile, &snapshot))
            .collect(),
        "authenticator-type" => snapshot
            .types
            .iter()
            .map(view::authenticator_type)
            .collect(),
        "setting" => SETTINGS
            .iter()
            .map(|setting| view::setting(setting, &snapshot.settings))
            .collect(),
        _ => Vec::new(),
    }
}

fn sessions(
    node: &Node,
    own: Option<countersign_engine::model::SessionKey>,
) -> Result<Vec<View>, StoreError> {
    let snapshot = node.snapshot();
    let mut views = Vec::new();
    for session in node.store().sessions()? {
        if let Some((domain, user)) = node.store().user_name(session.user)? {
            views.push(view::session(
                &session,
                &user,
                snapshot.domains.name(domain),
                Some(session.key) == own,
            ));
        }
    }
    Ok(views)
}

fn of_store(node: &Node, query: &Query) -> Result<(Vec<View>, usize), StoreError> {
    let Some((rows, total)) = node.store().query(query)? else {
        return Ok((Vec::new(), 0));
    };
    let snapshot = node.snapshot();
    let views: Vec<View> = match rows {
        Rows::Users(users) => users
            .iter()
            .map(|(account, linked)| view::user(account, &snapshot, linked.as_ref()))
            .collect(),
        Rows::Authenticators(all) => all
            .iter()
            .map(|(authenticator, owner)| {
                view::authenticator(authenticator, &snapshot, owner.as_ref())
            })
            .collect(),
        Rows::Applications(all) => all
            .iter()
            .map(|(serial, application)| view::application(serial, application))
            .collect(),
        Rows::Attributes(all) => all
            .iter()
            .map(|(user, attribute)| view::attribute(user, &snapshot, attribute))
            .collect(),
    };
    let rows = views.into_iter().map(|view| query.project(view)).collect();
    Ok((rows, usize::try_from(total).unwrap_or(usize::MAX)))
}
