//! The records of a small deployment as the engine reads them, for what runs the engine without a store.

use countersign_engine::Secret;
use countersign_engine::facts::{Account, Place, Shut, Vault};
use countersign_engine::model::{
    Algorithm, Application, ApplicationKey, ApplicationKind, ApplicationState, Authenticator,
    AuthenticatorKey, Charset, Component, ComponentKey, Domain, DomainKey, Location, Meta,
    NotHandled, PinSettings, Sealed, User, UserKey, UserState,
};
use countersign_engine::policy::{Policy, PolicySet, predefined};
use countersign_engine::snapshot::{Components, Domains, Snapshot};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The policy that [`snapshot`] makes from its values.
pub const POLICY: &str = "test";

/// A vault in which a sealed value is the value: what seals is tested elsewhere.
#[derive(Debug)]
pub struct Open;

impl Vault for Open {
    fn open(&self, _: Place, sealed: &Sealed) -> Result<Secret, Shut> {
        Ok(Secret::new(&*sealed.0))
    }
}

/// A configuration of one domain, these components and a policy [`POLICY`] with these values on top of `base`.
///
/// # Panics
/// A value is none of the policy's attributes.
pub fn snapshot(values: &Value, components: Vec<Component>) -> Snapshot {
    let mut policy = Policy::new(POLICY, Some(predefined::BASE)).expect("a policy id");
    policy
        .apply(values.as_object().expect("an object of values"))
        .expect("values of policy attributes");
    let shipped = predefined::all().into_iter();
    let needed = shipped.filter(|one| ["base", "server"].contains(&one.id.as_str()));
    Snapshot {
        domains: Domains::new([domain()]),
        policies: PolicySet::new(needed.chain([policy])),
        components: Components::new(components, &HashMap::new()),
        ..Snapshot::default()
    }
}

fn domain() -> Domain {
    Domain {
        key: DomainKey(1),
        name: "master".to_owned(),
        folded: "master".to_owned(),
        description: String::new(),
        master: true,
        meta: Meta::default(),
    }
}

/// A component of a type that may come from anywhere and can carry challenges.
pub fn component(key: i64, kind: &str) -> Component {
    Component {
        key: ComponentKey(key),
        kind: kind.to_owned(),
        location: Location::Default,
        nas_id: String::new(),
        policy: POLICY.to_owned(),
        enabled: true,
        description: String::new(),
        shared_secret: None,
        charset: Charset::Utf8,
        require_message_authenticator: true,
        not_handled: NotHandled::Reject,
        status_in_reply: false,
        reply_texts: BTreeMap::new(),
        challenges: true,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: None,
        client_certificate: None,
        address_only: false,
        rate_per_s: None,
        meta: Meta::default(),
    }
}

/// An account without static password that owns these authenticators.
pub fn account(key: i64, id: &str, authenticators: Vec<Authenticator>) -> Account {
    let user = User {
        key: UserKey(key),
        domain: DomainKey(1),
        id: id.to_owned(),
        folded: countersign_engine::text::fold(id),
        org_unit: None,
        contact: None,
        password: None,
        overrides: None,
        linked: None,
        disabled: false,
        expires_at: None,
        privileges: BTreeSet::new(),
        last_logon: None,
        max_sessions: None,
        ldap_owner: None,
        meta: Meta::default(),
    };
    Account {
        user,
        state: UserState::default(),
        authenticators,
        attributes: Vec::new(),
        owner: UserKey(key),
    }
}

/// An authenticator of a user with one application `OTP`; both have this key.
pub fn authenticator(
    key: i64,
    serial: &str,
    owner: UserKey,
    algorithm: Algorithm,
    secret: &[u8],
) -> Authenticator {
    let kind = match algorithm {
        Algorithm::Hotp { .. } | Algorithm::Totp { .. } => ApplicationKind::ResponseOnly,
        Algorithm::Ocra(_) => ApplicationKind::ChallengeResponse,
    };
    let application = Application {
        key: ApplicationKey(key),
        name: "OTP".to_owned(),
        index: 0,
        kind,
        active: true,
        secure_channel: false,
        host_code: false,
        confirm: false,
        algorithm,
        pin: PinSettings::default(),
        secret: Sealed(secret.into()),
        sealed_pin: None,
        state: ApplicationState {
            initial: true,
            ..ApplicationState::default()
        },
        meta: Meta::default(),
    };
    Authenticator {
        key: AuthenticatorKey(key),
        serial: serial.to_owned(),
        domain: DomainKey(1),
        org_unit: None,
        type_name: "simulated".to_owned(),
        user: Some(owner),
        assigned_at: None,
        reserved: false,
        grace_end: None,
        expires_at: None,
        starts_at: None,
        disabled_at: None,
        description: String::new(),
        backup_virtual: None,
        backup_until: None,
        backup_uses_left: None,
        applications: vec![application],
        meta: Meta::default(),
    }
}
