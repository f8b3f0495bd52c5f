use super::{View, view, with_meta};
use crate::model::{
    AttributeMap, BackEnd, BackEndGroup, Directory, Protocol, RadiusBackEnd, Tls, Webhook, Winbind,
};
use crate::snapshot::Snapshot;
use serde_json::json;

/// A back-end with the fields of its protocol, never a secret. `remarks` names what weakens it.
pub fn back_end(one: &BackEnd, snapshot: &Snapshot) -> View {
    let groups: Vec<&str> = snapshot
        .back_ends
        .groups()
        .iter()
        .filter(|group| group.members.contains(&one.key))
        .map(|group| group.name.as_str())
        .collect();
    let mut fields = view(json!({
        "name": one.name,
        "protocol": one.protocol.word(),
        "domain": one.domain.map(|domain| snapshot.domains.name(domain)),
        "priority": one.priority,
        "groups": groups,
        "enabled": one.enabled,
        "address": super::filled(&one.address),
        "port": one.port,
        "timeout_s": one.timeout_s,
        "retries": one.retries,
        "remarks": remarks(&one.protocol),
    }));
    fields.extend(match &one.protocol {
        Protocol::Radius(own) => radius(own),
        Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => directory(own),
        Protocol::Windows(own) => windows(own),
        Protocol::Webhook(own) => webhook(own),
    });
    if !matches!(one.protocol, Protocol::Radius(_)) {
        fields.insert("attribute_map".to_owned(), map(&one.map));
    }
    with_meta(fields, &one.meta)
}

fn radius(own: &RadiusBackEnd) -> View {
    view(json!({
        "has_shared_secret": own.shared_secret.is_some(),
        "accounting_address": own.accounting_address,
        "accounting_port": own.accounting_port,
        "charset": own.charset.word(),
        "realm_rule": own.realm_rule.word(),
        "realm": own.realm,
        "password_protocol": own.password_protocol.word(),
        "require_message_authenticator": own.require_message_authenticator,
    }))
}

fn directory(own: &Directory) -> View {
    view(json!({
        "base_dn": own.base_dn,
        "bind_dn": own.bind_dn,
        "has_bind_password": own.bind_password.is_some(),
        "tls": own.tls.word(),
        "ca": own.ca,
        "user_filter": own.user_filter,
        "user_id_attribute": own.user_id_attribute,
        "object_class": own.object_class,
        "global_catalog": own.global_catalog,
        "profile": own.profile.word(),
    }))
}

fn windows(own: &Winbind) -> View {
    let mut fields = view(json!({
        "netbios_domain": own.netbios_domain,
        "helper": own.helper,
    }));
    fields.extend(own.directory.iter().flat_map(directory));
    fields
}

fn webhook(own: &Webhook) -> View {
    view(json!({
        "has_hmac_key": own.hmac_key.is_some(),
        "client_certificate": own.client_certificate,
        "has_client_key": own.client_key.is_some(),
        "ca": own.ca,
    }))
}

fn map(map: &AttributeMap) -> serde_json::Value {
    let entries = [
        ("name", &map.name),
        ("phone", &map.phone),
        ("mobile", &map.mobile),
        ("email", &map.email),
    ];
    let set = entries
        .into_iter()
        .filter_map(|(field, attribute)| Some((field.to_owned(), attribute.clone()?.into())));
    serde_json::Value::Object(set.collect())
}

fn remarks(protocol: &Protocol) -> Vec<&'static str> {
    let notes = [
        (
            matches!(protocol, Protocol::Radius(own) if !own.require_message_authenticator),
            "answers without Message-Authenticator are taken",
        ),
        (
            matches!(protocol, Protocol::Ldap(own) if own.tls == Tls::None),
            "passwords cross the network readable",
        ),
    ];
    let holding = notes.into_iter().filter(|(holds, _)| *holds);
    holding.map(|(_, note)| note).collect()
}

/// A group of back-ends.
pub fn back_end_group(group: &BackEndGroup, snapshot: &Snapshot) -> View {
    let members: Vec<&str> = group
        .members
        .iter()
        .filter_map(|key| snapshot.back_ends.get(*key))
        .map(|member| member.name.as_str())
        .collect();
    let fields = view(json!({
        "name": group.name,
        "protocol": group.protocol,
        "members": members,
    }));
    with_meta(fields, &group.meta)
}
