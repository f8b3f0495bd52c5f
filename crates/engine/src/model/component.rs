use super::words::words;
use super::{ComponentKey, Meta, Sealed};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A registered system that sends requests, or a server node (administration.md 2.6).
#[derive(Clone, Debug)]
pub struct Component {
    /// Row.
    pub key: ComponentKey,
    /// Type, such as `radius_client` (≤ 60).
    pub kind: String,
    /// Where its requests come from.
    pub location: Location,
    /// RADIUS: NAS-Identifier or NAS-IP-Address that narrows the choice; empty for the plain record.
    pub nas_id: String,
    /// Policy by policy id.
    pub policy: String,
    /// A disabled record counts as absent.
    pub enabled: bool,
    /// Free text.
    pub description: String,
    /// RADIUS shared secret: sealed field `shared_secret` of table `component`.
    pub shared_secret: Option<Sealed>,
    /// Character set of user names and passwords over RADIUS.
    pub charset: Charset,
    /// Refuse Access-Requests without Message-Authenticator (radius.md 4).
    pub require_message_authenticator: bool,
    /// What a RADIUS client gets for 5001 and 5002.
    pub not_handled: NotHandled,
    /// Append the status number to Reply-Message.
    pub status_in_reply: bool,
    /// Reply-Message by status number.
    pub reply_texts: BTreeMap<i16, String>,
    /// The client can carry a challenge (otherwise 1035, 1040).
    pub challenges: bool,
    /// May state `client_address`.
    pub trusted_forwarder: bool,
    /// May get the static password back.
    pub return_static_password: bool,
    /// Keyed hash of the API key of a JSON component.
    pub api_key: Option<Box<[u8]>>,
    /// SHA-256 fingerprint of the client certificate of a JSON component, hexadecimal.
    pub client_certificate: Option<String>,
    /// Outside loopback: admitted by address alone.
    pub address_only: bool,
    /// Limit of RADIUS requests a second; `None` = no limit.
    pub rate_per_s: Option<u32>,
    /// Bookkeeping.
    pub meta: Meta,
}

/// Where a component's requests come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// One address or a CIDR range.
    Network {
        /// Network address, host bits zero.
        address: IpAddr,
        /// Prefix length: 32 or 128 for one address.
        prefix: u8,
    },
    /// A host name, resolved by the shell.
    Host(String),
    /// Any source, tried last; RADIUS and log-on agents only.
    Default,
}

/// Character set of text attributes over RADIUS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// ISO 8859-1.
    Latin1,
    /// Windows code page 1252.
    Cp1252,
    /// Seven-bit ASCII.
    Ascii,
}

/// What a RADIUS client gets when a request is not handled here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotHandled {
    /// Access-Reject.
    #[default]
    Reject,
    /// No answer.
    Silent,
}

words! {
    Charset: Utf8 "utf8", Latin1 "latin1", Cp1252 "cp1252", Ascii "ascii";
}
