use super::words::words;
use super::{BackEndKey, Charset, DomainKey, Meta, Sealed};

/// A server that is asked what this one does not know: a directory, a RADIUS server, a web service
/// (administration.md 2.5).
#[derive(Clone, Debug)]
pub struct BackEnd {
    /// Row.
    pub key: BackEndKey,
    /// Name (≤ 80), unique in any case.
    pub name: String,
    /// The domain whose users it knows; `None` = everybody's, asked after those of the domain.
    pub domain: Option<DomainKey>,
    /// 1–1000, higher first.
    pub priority: u16,
    /// A disabled record counts as absent.
    pub enabled: bool,
    /// Host name or address; a URL for a webhook.
    pub address: String,
    /// Port; `None` = the usual one of the protocol.
    pub port: Option<u16>,
    /// Seconds one try may take (1–999).
    pub timeout_s: u16,
    /// Further tries at the same server (0–9).
    pub retries: u8,
    /// What the protocol needs besides.
    pub protocol: Protocol,
    /// Which attributes of the directory, or members of the webhook's answer, fill the fields of an account.
    pub map: AttributeMap,
    /// Bookkeeping.
    pub meta: Meta,
}

/// The protocol of a back-end with its own fields.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// A RADIUS server.
    Radius(RadiusBackEnd),
    /// Microsoft or Samba Active Directory, by LDAP.
    ActiveDirectory(Directory),
    /// Another LDAP directory.
    Ldap(Directory),
    /// A Windows domain through winbind.
    Windows(Winbind),
    /// A web service of the site.
    Webhook(Webhook),
}

/// Names of protocols, in the order of [`Protocol`].
pub const PROTOCOL_WORDS: [&str; 5] = ["radius", "active_directory", "ldap", "windows", "webhook"];

impl Protocol {
    /// Its name in policies, records and commands.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Radius(_) => "radius",
            Self::ActiveDirectory(_) => "active_directory",
            Self::Ldap(_) => "ldap",
            Self::Windows(_) => "windows",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// Fields of a RADIUS back-end.
#[derive(Clone, Debug)]
pub struct RadiusBackEnd {
    /// Shared secret: sealed field `shared_secret` of table `back_end`.
    pub shared_secret: Option<Sealed>,
    /// Where Accounting-Requests are relayed to; `None` = nowhere.
    pub accounting_address: Option<String>,
    /// Port of accounting (1813).
    pub accounting_port: Option<u16>,
    /// Character set of user names and passwords towards it.
    pub charset: Charset,
    /// How its realm is put to the user ID.
    pub realm_rule: RealmRule,
    /// The realm; `None` = the name of the domain.
    pub realm: Option<String>,
    /// How a password that the server knows is sent.
    pub password_protocol: PasswordProtocol,
    /// Refuse answers without Message-Authenticator (radius.md 4).
    pub require_message_authenticator: bool,
}

/// How a realm is put to the user ID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RealmRule {
    /// Not at all.
    #[default]
    None,
    /// `REALM\user`.
    Prefix,
    /// `user@REALM`.
    Postfix,
}

/// How a known password is sent to a RADIUS server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PasswordProtocol {
    /// User-Password.
    #[default]
    Pap,
    /// CHAP-Password.
    Chap,
    /// MS-CHAP-Response.
    Mschap,
    /// MS-CHAP2-Response.
    Mschapv2,
}

/// Fields of a directory asked by LDAP.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Where users are searched.
    pub base_dn: String,
    /// The account that searches; `None` = anonymous.
    pub bind_dn: Option<String>,
    /// Its password: sealed field `bind_password` of table `back_end`.
    pub bind_password: Option<Sealed>,
    /// Protection of the connection.
    pub tls: Tls,
    /// Certificates that may have issued the directory's one, PEM; `None` = those of the system.
    pub ca: Option<String>,
    /// Further condition on users, an RFC 4515 filter.
    pub user_filter: Option<String>,
    /// The attribute that holds the user ID; `None` = that of the profile.
    pub user_id_attribute: Option<String>,
    /// Object class of users; `None` = that of the profile.
    pub object_class: Option<String>,
    /// Address and optional port of a global catalog (Active Directory).
    pub global_catalog: Option<String>,
    /// What kind of directory it is.
    pub profile: Profile,
}

/// Protection of a connection to a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// TLS from the first byte.
    #[default]
    Ldaps,
    /// TLS after the StartTLS operation.
    StartTls,
    /// None: passwords cross the network readable. Not for Active Directory.
    None,
}

/// The product whose attributes and rules a directory follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Active Directory.
    Ad,
    /// OpenLDAP.
    #[default]
    OpenLdap,
    /// 389 Directory Server.
    Ds389,
    /// eDirectory.
    EDirectory,
    /// IBM Security Directory Server.
    IbmSds,
}

/// Fields of a Windows domain asked through winbind.
#[derive(Clone, Debug, Default)]
pub struct Winbind {
    /// NetBIOS name of the domain; `None` = the one that winbind has joined.
    pub netbios_domain: Option<String>,
    /// Path of the `ntlm_auth` program; `None` = the one in the search path.
    pub helper: Option<String>,
    /// LDAP access to the same domain for groups, user information and password changes.
    pub directory: Option<Directory>,
}

/// Fields of a web service (authentication.md 10).
#[derive(Clone, Debug, Default)]
pub struct Webhook {
    /// Key of the signature: sealed field `hmac_key` of table `back_end`.
    pub hmac_key: Option<Sealed>,
    /// Client certificate chain, PEM.
    pub client_certificate: Option<String>,
    /// Its private key, PEM: sealed field `client_key` of table `back_end`.
    pub client_key: Option<Sealed>,
    /// Certificates that may have issued the service's one, PEM; `None` = those of the system.
    pub ca: Option<String>,
}

/// Attribute names by field of an account; `None` = the usual one of the profile, empty = not taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeMap {
    /// Name of the person.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Mail address.
    pub email: Option<String>,
}

/// Back-ends of one protocol under one name, asked in this order.
#[derive(Clone, Debug)]
pub struct BackEndGroup {
    /// Row.
    pub key: i64,
    /// Name (≤ 80), unique in any case, and no name of a protocol.
    pub name: String,
    /// Name of the protocol of all members ([`PROTOCOL_WORDS`]).
    pub protocol: String,
    /// The members, first to last.
    pub members: Vec<BackEndKey>,
    /// Bookkeeping.
    pub meta: Meta,
}

words! {
    RealmRule: None "none", Prefix "prefix", Postfix "postfix";
    PasswordProtocol: Pap "pap", Chap "chap", Mschap "mschap", Mschapv2 "mschapv2";
    Tls: Ldaps "ldaps", StartTls "starttls", None "none";
    Profile: Ad "ad", OpenLdap "openldap", Ds389 "389ds", EDirectory "edirectory", IbmSds "ibm_sds";
}
