//! The fields that only some protocols have.

use super::address::{is_address, is_address_with_port};
use super::dn::{is_attribute, is_dn};
use super::filter::is_filter;
use super::pem::are_certificates;
use crate::admin::{Fields, Refusal, Value};
use crate::model::{
    AttributeMap, BackEnd, Charset, Directory, PasswordProtocol, Profile, Protocol, RadiusBackEnd,
    RealmRule, Tls, Webhook, Winbind,
};

const RADIUS: &[&str] = &[
    "shared_secret",
    "generate_secret",
    "accounting_address",
    "accounting_port",
    "charset",
    "realm_rule",
    "realm",
    "password_protocol",
    "require_message_authenticator",
];
const DIRECTORY: &[&str] = &[
    "base_dn",
    "bind_dn",
    "bind_password",
    "tls",
    "ca",
    "user_filter",
    "user_id_attribute",
    "object_class",
    "global_catalog",
    "profile",
];
const WINDOWS: &[&str] = &["netbios_domain", "helper"];
const WEBHOOK: &[&str] = &[
    "url",
    "hmac_key",
    "generate_secret",
    "client_certificate",
    "client_key",
    "ca",
];
const MAPPED: &[&str] = &["attribute_map"];
const PORT: &[&str] = &["port"];

/// The fields of each protocol that others have not, in the order of the protocols' words.
const OWN: [(&str, &[&[&str]]); 5] = [
    ("radius", &[RADIUS, PORT]),
    ("active_directory", &[DIRECTORY, MAPPED, PORT]),
    ("ldap", &[DIRECTORY, MAPPED, PORT]),
    ("windows", &[WINDOWS, DIRECTORY, MAPPED, PORT]),
    ("webhook", &[WEBHOOK, MAPPED]),
];

/// The protocol of a word with every default; none for an unknown word.
pub(super) fn plain(word: &str) -> Option<Protocol> {
    Some(match word {
        "radius" => Protocol::Radius(RadiusBackEnd {
            shared_secret: None,
            accounting_address: None,
            accounting_port: None,
            charset: Charset::default(),
            realm_rule: RealmRule::default(),
            realm: None,
            password_protocol: PasswordProtocol::default(),
            require_message_authenticator: true,
        }),
        "active_directory" => Protocol::ActiveDirectory(directory(Profile::Ad)),
        "ldap" => Protocol::Ldap(directory(Profile::default())),
        "windows" => Protocol::Windows(Winbind::default()),
        "webhook" => Protocol::Webhook(Webhook::default()),
        _ => return None,
    })
}

fn directory(profile: Profile) -> Directory {
    Directory {
        base_dn: String::new(),
        bind_dn: None,
        bind_password: None,
        tls: Tls::default(),
        ca: None,
        user_filter: None,
        user_id_attribute: None,
        object_class: None,
        global_catalog: None,
        profile,
    }
}

/// Refuses (-2) a field that only other protocols have.
pub(super) fn check_fields(fields: &Fields, protocol: &str) -> Result<(), Refusal> {
    let has = |field: &str, groups: &[&[&str]]| groups.iter().any(|group| group.contains(&field));
    let foreign = fields.iter().map(|(name, _)| name).find(|name| {
        let mut holders = OWN
            .iter()
            .filter(|(_, groups)| has(name, groups))
            .peekable();
        holders.peek().is_some() && holders.all(|(word, _)| *word != protocol)
    });
    foreign.map_or(Ok(()), |field| {
        Err(Refusal::contradiction(format!(
            "{field} is no field of a back-end of protocol {protocol}"
        )))
    })
}

/// Changes the fields of the record's protocol as the command says.
pub(super) fn patch(fields: &Fields, record: &mut BackEnd) -> Result<(), Refusal> {
    if fields.sent("attribute_map") {
        record.map = read_map(fields)?;
    }
    match &mut record.protocol {
        Protocol::Radius(own) => patch_radius(fields, own),
        Protocol::ActiveDirectory(own) | Protocol::Ldap(own) => patch_directory(fields, own),
        Protocol::Windows(own) => patch_windows(fields, own),
        Protocol::Webhook(own) => patch_webhook(fields, own),
    }
}

fn patch_radius(fields: &Fields, own: &mut RadiusBackEnd) -> Result<(), Refusal> {
    let host = "a host name or an address";
    checked(
        fields,
        "accounting_address",
        &mut own.accounting_address,
        is_address,
        host,
    )?;
    fields.patch("accounting_port", &mut own.accounting_port, |fields| {
        fields
            .number("accounting_port")
            .and_then(|port| u16::try_from(port).ok())
    });
    word(fields, "charset", &mut own.charset, Charset::of);
    word(fields, "realm_rule", &mut own.realm_rule, RealmRule::of);
    word(
        fields,
        "password_protocol",
        &mut own.password_protocol,
        PasswordProtocol::of,
    );
    let plain = |realm: &str| !realm.contains(['@', '\\', ' ']);
    checked(
        fields,
        "realm",
        &mut own.realm,
        plain,
        "text without @, \\ and blanks",
    )?;
    fields.patch_flag(
        "require_message_authenticator",
        &mut own.require_message_authenticator,
    );
    Ok(())
}

fn patch_directory(fields: &Fields, own: &mut Directory) -> Result<(), Refusal> {
    if fields.sent("base_dn") {
        let base = fields.text("base_dn").unwrap_or_default();
        if !base.is_empty() && !is_dn(base) {
            return Err(Refusal::invalid("base_dn", "a distinguished name"));
        }
        own.base_dn = base.to_owned();
    }
    word(fields, "tls", &mut own.tls, Tls::of);
    word(fields, "profile", &mut own.profile, Profile::of);
    // Active Directory also takes the user's other names where others want a distinguished one.
    let named = |text: &str| is_dn(text) || own.profile == Profile::Ad && !text.contains('=');
    let mut bind_dn = own.bind_dn.take();
    checked(
        fields,
        "bind_dn",
        &mut bind_dn,
        named,
        "a distinguished name",
    )?;
    own.bind_dn = bind_dn;
    let certificates = "certificates in PEM and nothing else";
    checked(fields, "ca", &mut own.ca, are_certificates, certificates)?;
    checked(
        fields,
        "user_filter",
        &mut own.user_filter,
        is_filter,
        "a filter as (attribute=value) (RFC 4515), no deeper than 16",
    )?;
    let attribute = "the name of an attribute";
    checked(
        fields,
        "user_id_attribute",
        &mut own.user_id_attribute,
        is_attribute,
        attribute,
    )?;
    checked(
        fields,
        "object_class",
        &mut own.object_class,
        is_attribute,
        "the name of an object class",
    )?;
    checked(
        fields,
        "global_catalog",
        &mut own.global_catalog,
        is_address_with_port,
        "a host name or an address, with or without a port",
    )
}

fn patch_windows(fields: &Fields, own: &mut Winbind) -> Result<(), Refusal> {
    let netbios = |name: &str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.!#$%&'()@^{}~".contains(&byte))
    };
    checked(
        fields,
        "netbios_domain",
        &mut own.netbios_domain,
        netbios,
        "a NetBIOS name",
    )?;
    // Whoever may change a back-end is not to start any other program on the host.
    let helper = |path: &str| path.starts_with('/') && path.ends_with("/ntlm_auth");
    checked(
        fields,
        "helper",
        &mut own.helper,
        helper,
        "a path from / that ends with /ntlm_auth",
    )?;
    if DIRECTORY.iter().any(|field| fields.sent(field)) {
        let mut directory = own
            .directory
            .take()
            .unwrap_or_else(|| directory(Profile::Ad));
        patch_directory(fields, &mut directory)?;
        own.directory = Some(directory);
    }
    if fields.value("base_dn") == Some(&Value::Null) {
        own.directory = None;
    }
    Ok(())
}

fn patch_webhook(fields: &Fields, own: &mut Webhook) -> Result<(), Refusal> {
    let certificates = "certificates in PEM and nothing else";
    checked(
        fields,
        "client_certificate",
        &mut own.client_certificate,
        are_certificates,
        certificates,
    )?;
    checked(fields, "ca", &mut own.ca, are_certificates, certificates)
}

/// Changes an optional text: absent leaves it, null clears it, anything else must be good.
fn checked(
    fields: &Fields,
    name: &str,
    target: &mut Option<String>,
    good: impl Fn(&str) -> bool,
    allowed: &str,
) -> Result<(), Refusal> {
    if fields.text(name).is_some_and(|text| !good(text)) {
        return Err(Refusal::invalid(name, format_args!("{allowed}, or null")));
    }
    fields.patch(name, target, |fields| fields.text(name).map(str::to_owned));
    Ok(())
}

fn word<T>(fields: &Fields, name: &str, target: &mut T, read: impl Fn(&str) -> Option<T>) {
    if let Some(choice) = fields.text(name).and_then(read) {
        *target = choice;
    }
}

fn read_map(fields: &Fields) -> Result<AttributeMap, Refusal> {
    let mut map = AttributeMap::default();
    let entries = fields
        .json("attribute_map")
        .and_then(|json| json.as_object());
    for (field, attribute) in entries.into_iter().flatten() {
        let target = match field.as_str() {
            "name" => &mut map.name,
            "phone" => &mut map.phone,
            "mobile" => &mut map.mobile,
            "email" => &mut map.email,
            _ => {
                return Err(Refusal::invalid(
                    "attribute_map",
                    "attributes by name, phone, mobile or email",
                ));
            }
        };
        let attribute = attribute.as_str().unwrap_or_default();
        let member = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.;".contains(&byte))
        };
        if !member(attribute) {
            return Err(Refusal::invalid(
                "attribute_map",
                "names of attributes, or empty for what is not taken over",
            ));
        }
        *target = Some(attribute.to_owned());
    }
    Ok(map)
}
