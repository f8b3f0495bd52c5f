//! Records of back-ends for the servers of tests.

use countersign_testkit::world::merge;
use countersign_testkit::{FreeRadius, SambaAd, Slapd, Webhook, World, freeradius, samba, slapd};
use serde_json::{Value, json};

/// The key that signs requests to webhooks.
pub(super) const HMAC_KEY: &str = "a-key-for-signatures-of-requests";

/// Makes a back-end of these fields, with others on top.
pub(super) fn add(world: &mut World, mut fields: Value, others: Value) {
    merge(&mut fields, &others);
    world.done("backend/create", fields);
}

/// A slapd by LDAPS.
pub(super) fn ldap(server: &Slapd) -> Value {
    json!({
        "name": "slapd", "protocol": "ldap", "address": "127.0.0.1", "port": server.tls_port(),
        "base_dn": slapd::BASE, "bind_dn": slapd::SERVICE, "bind_password": slapd::SERVICE_PASSWORD,
        "tls": "ldaps", "ca": server.ca(), "profile": "openldap", "timeout_s": 5, "retries": 0,
    })
}

/// A domain controller by LDAPS.
pub(super) fn active_directory(controller: &SambaAd) -> Value {
    json!({
        "name": "dc1", "protocol": "active_directory", "address": controller.address(),
        "base_dn": samba::BASE, "bind_dn": samba::SERVICE, "bind_password": samba::SERVICE_PASSWORD,
        "tls": "ldaps", "ca": controller.ca(), "timeout_s": 5, "retries": 0,
        "global_catalog": format!("{}:3269", controller.address()),
    })
}

/// A FreeRADIUS.
pub(super) fn radius(server: &FreeRadius) -> Value {
    json!({
        "name": "freeradius", "protocol": "radius", "address": "127.0.0.1", "port": server.auth_port(),
        "shared_secret": freeradius::SECRET, "timeout_s": 5, "retries": 0,
        "accounting_address": "127.0.0.1", "accounting_port": server.acct_port(),
    })
}

/// A web service.
pub(super) fn webhook(service: &Webhook) -> Value {
    json!({
        "name": "webhook", "protocol": "webhook", "address": service.url(), "ca": service.authority().pem(),
        "hmac_key": HMAC_KEY, "timeout_s": 5, "retries": 0,
    })
}

/// A policy under which the back-end alone decides.
pub(super) fn alone(world: &mut World, protocol: &str, others: Value) {
    let mut values = json!({"back_end_protocol": protocol, "user_lock_threshold": 0});
    merge(&mut values, &others);
    world.policy("back_end_only", values);
}

/// A policy under which an OTP is checked here and the stored password sent to the back-end; its ID.
pub(super) fn replaying(world: &mut World, protocol: &str, others: Value) -> String {
    let mut values = json!({
        "local_auth": "authenticator_only", "back_end_auth": "always", "back_end_protocol": protocol,
        "stored_password_proxy": "yes", "user_lock_threshold": 0,
    });
    merge(&mut values, &others);
    world.policy("local", values)
}

#[test]
fn records_of_back_ends() {
    let proof = super::proof("records_of_back_ends");
    let mut world = super::world();
    let fields = json!({"name": "one", "address": "127.0.0.1", "shared_secret": "a-shared-secret-of-radius"});
    proof.admin(1090, &world.curl_admin("backend/create", fields.clone()));
    let grouped = json!({"name": "all", "members": []});
    proof.admin(1090, &world.curl_admin("backend-group/create", grouped));
    let with = |others: Value| {
        let mut all = fields.clone();
        merge(&mut all, &others);
        all
    };
    let unknown = with(json!({"protocol": "tacacs"}));
    proof.admin(-101, &world.curl_admin("backend/create", unknown));
    let whole = with(json!({"protocol": "radius"}));
    proof.admin(0, &world.curl_admin("backend/create", whole.clone()));
    proof.admin(-14, &world.curl_admin("backend/create", whole));
    let update = json!({"name": "one", "protocol": null});
    proof.admin(1090, &world.curl_admin("backend/update", update));
}
