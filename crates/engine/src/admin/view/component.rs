use super::{View, filled, view, with_meta};
use crate::model::{Component, Location, NotHandled};
use crate::snapshot::RADIUS_CLIENT;
use serde_json::json;

/// A component. `remarks` names what weakens it.
pub fn component(component: &Component) -> View {
    let one = component;
    let mut fields = view(json!({
        "type": one.kind,
        "location": location(&one.location),
        "nas_id": filled(&one.nas_id),
        "policy": one.policy,
        "enabled": one.enabled,
        "description": filled(&one.description),
        "has_shared_secret": one.shared_secret.is_some(),
        "charset": one.charset.word(),
        "require_message_authenticator": one.require_message_authenticator,
        "not_handled": not_handled(one.not_handled),
        "status_in_reply": one.status_in_reply,
        "reply_texts": one.reply_texts.iter().map(|(status, text)| (status.to_string(), text)).collect::<std::collections::BTreeMap<_, _>>(),
    }));
    fields.append(&mut view(json!({
        "challenges": one.challenges,
        "trusted_forwarder": one.trusted_forwarder,
        "return_static_password": one.return_static_password,
        "has_api_key": one.api_key.is_some(),
        "client_certificate": one.client_certificate,
        "address_only": one.address_only,
        "rate_per_s": one.rate_per_s,
        "remarks": remarks(one),
    })));
    with_meta(fields, &one.meta)
}

/// A location as it is typed.
pub fn location(location: &Location) -> String {
    match location {
        Location::Network { address, prefix }
            if *prefix == if address.is_ipv4() { 32 } else { 128 } =>
        {
            address.to_string()
        }
        Location::Network { address, prefix } => format!("{address}/{prefix}"),
        Location::Host(name) => name.clone(),
        Location::Default => "default".to_owned(),
    }
}

fn remarks(component: &Component) -> Vec<&'static str> {
    let radius = component.kind == RADIUS_CLIENT;
    let notes = [
        (
            radius && !component.require_message_authenticator,
            "requests without Message-Authenticator are taken",
        ),
        (
            radius && component.shared_secret.is_none(),
            "without shared secret its requests are dropped",
        ),
        (component.address_only, "admitted by its address alone"),
    ];
    notes
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, note)| note)
        .collect()
}

fn not_handled(choice: NotHandled) -> &'static str {
    match choice {
        NotHandled::Reject => "reject",
        NotHandled::Silent => "silent",
    }
}
