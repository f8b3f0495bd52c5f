//! One record: its fields, writing it as canonical JSON in one pass, and reading it back for viewers.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::canonical::{write, write_digits, write_hex, write_integer, write_text};
use super::{Code, Letter};
use crate::Status;
use crate::policy::{BackEndAuth, LocalAuth};
use crate::time::Timestamp;

/// A text of a record: fixed words cost nothing, others are owned.
pub type Text = Cow<'static, str>;

/// Most characters of a user name that are kept: people type passwords into that field.
const USER_MAX: usize = 64;
/// Most bytes of any other text.
const TEXT_MAX: usize = 1024;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Logons.
    Authentication,
    /// Transaction signatures.
    Signature,
    /// Registration, activation and binding.
    Provisioning,
    /// Commands, sessions and configuration.
    Administration,
    /// The server itself.
    System,
    /// RADIUS accounting.
    Accounting,
}

/// An audit record before it gets its place in the chain. It has no field for a password, OTP, PIN, key, State or token;
/// challenge keys and destinations enter only shortened.
#[derive(Clone, Debug)]
pub struct Record {
    /// Identity of the record.
    pub amid: [u8; 16],
    /// When it happened.
    pub time: Timestamp,
    /// What it says.
    pub code: Code,
    /// What it is about.
    pub category: Category,
    /// The sentence, where the code's own does not do.
    pub description: Option<Text>,
    /// The real status, also under generic codes.
    pub status: Option<Status>,
    /// What the client got, if different.
    pub client_status: Option<Status>,
    /// The request; joins all its records.
    pub request_id: Option<Text>,
    /// What joins several requests.
    pub correlation_id: Option<Text>,
    /// The actor, written with at most 64 characters.
    pub user: Option<Text>,
    /// The actor's domain.
    pub domain: Option<Text>,
    /// The actor's organizational unit.
    pub org_unit: Option<Text>,
    /// The user a command is about, written with at most 64 characters.
    pub target_user: Option<Text>,
    /// That user's domain.
    pub target_domain: Option<Text>,
    /// Any other object a command is about.
    pub target: Option<Text>,
    /// Type of the client component.
    pub component_type: Option<Text>,
    /// Address of the client.
    pub client_location: Option<Text>,
    /// NAS-Identifier or address of the NAS.
    pub nas: Option<Text>,
    /// The listener.
    pub server_location: Option<Text>,
    /// The command, `object.verb`.
    pub command: Option<Text>,
    /// Its parameters, secrets masked.
    pub input: Option<Json>,
    /// Its result, secrets masked.
    pub output: Option<Json>,
    /// The policy used.
    pub policy: Option<Text>,
    /// The effective local mode.
    pub local_auth: Option<LocalAuth>,
    /// The effective back-end mode.
    pub back_end_auth: Option<BackEndAuth>,
    /// What kind of credential was checked; a fixed word, never a value.
    pub credential_type: Option<&'static str>,
    /// Serial of the authenticator.
    pub serial: Option<Text>,
    /// Its type.
    pub authenticator_type: Option<Text>,
    /// The application of it.
    pub application: Option<Text>,
    /// The back-end server asked.
    pub back_end: Option<Text>,
    /// The protocol it was asked by.
    pub protocol_id: Option<Text>,
    /// Duration in microseconds; written in milliseconds.
    pub elapsed_us: Option<u64>,
    /// How a message was sent.
    pub delivery_method: Option<Text>,
    /// Where it was sent.
    pub destination: Option<Masked>,
    /// Why.
    pub reason: Option<Text>,
    /// Code of an error behind it.
    pub error_code: Option<Text>,
    /// Its text.
    pub error_message: Option<Text>,
    /// Beginning of the challenge key.
    pub challenge_key: Option<KeyHint>,
    /// The moment the accepted value stands for.
    pub verified_time: Option<Timestamp>,
    /// The counter the accepted value stands for.
    pub verified_counter: Option<u64>,
    /// The pending operation.
    pub poid: Option<Text>,
    /// Number of the administrative session, never its token.
    pub session: Option<Text>,
    /// The task.
    pub task: Option<Text>,
    /// How the request came: `udp`, `tls`, `ipv6`, `radsec` …
    pub characteristics: Vec<&'static str>,
    /// What a record about the chain itself says (module `chain`).
    pub chain: Option<Json>,
}

/// Where a record stands in its chain.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The chain: one for each start of a node.
    pub epoch: [u8; 16],
    /// Position, from 0.
    pub seq: u64,
    /// Hash of the record before.
    pub prev: [u8; 32],
    /// The node that writes, `source`.
    pub node: &'a str,
}

/// The first eight characters of a challenge key: enough to join records, too little to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHint([u8; 8], u8);

/// A mobile number or e-mail address of which only the last three characters are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked(String);

impl Category {
    /// The name in records and queries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Signature => "signature",
            Self::Provisioning => "provisioning",
            Self::Administration => "administration",
            Self::System => "system",
            Self::Accounting => "accounting",
        }
    }

    /// The category with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Authentication,
            Self::Signature,
            Self::Provisioning,
            Self::Administration,
            Self::System,
            Self::Accounting,
        ]
        .into_iter()
        .find(|category| category.as_str() == name)
    }
}

impl KeyHint {
    /// The hint of a key.
    pub fn of(key: &str) -> Self {
        let mut hint = [0; 8];
        let ascii = key.bytes().take(8).take_while(u8::is_ascii_graphic);
        let size = hint
            .iter_mut()
            .zip(ascii)
            .map(|(place, byte)| *place = byte)
            .count();
        Self(hint, u8::try_from(size).unwrap_or_default())
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        self.0
            .get(..usize::from(self.1))
            .and_then(|hint| std::str::from_utf8(hint).ok())
            .unwrap_or_default()
    }
}

impl Masked {
    /// Masks a destination; of four characters and fewer nothing is left.
    pub fn of(destination: &str) -> Self {
        let size = destination.chars().count();
        let shown = if size > 4 { 3 } else { 0 };
        let tail: String = destination.chars().skip(size - shown).collect();
        Self(format!("***{tail}"))
    }

    /// The masked text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Record {
    /// A record with header only, in the usual category of its code.
    pub fn new(code: Code, amid: [u8; 16], time: Timestamp) -> Self {
        Self {
            amid,
            time,
            code,
            category: code.category(),
            description: None,
            status: None,
            client_status: None,
            request_id: None,
            correlation_id: None,
            user: None,
            domain: None,
            org_unit: None,
            target_user: None,
            target_domain: None,
            target: None,
            component_type: None,
            client_location: None,
            nas: None,
            server_location: None,
            command: None,
            input: None,
            output: None,
            policy: None,
            local_auth: None,
            back_end_auth: None,
            credential_type: None,
            serial: None,
            authenticator_type: None,
            application: None,
            back_end: None,
            protocol_id: None,
            elapsed_us: None,
            delivery_method: None,
            destination: None,
            reason: None,
            error_code: None,
            error_message: None,
            challenge_key: None,
            verified_time: None,
            verified_counter: None,
            poid: None,
            session: None,
            task: None,
            characteristics: Vec::new(),
            chain: None,
        }
    }

    /// Appends the record at its place as canonical JSON without `hash`: the bytes that are hashed and stored.
    pub fn write(&self, place: &Place<'_>, out: &mut Vec<u8>) {
        let mut fields = Fields(out);
        // The names stand in the order of RFC 8785; a test holds them there.
        fields.first_hex("amid", &self.amid);
        fields.text("application", self.application.as_deref());
        fields.text("authenticator_type", self.authenticator_type.as_deref());
        fields.text("back_end", self.back_end.as_deref());
        fields.text("back_end_auth", self.back_end_auth.map(BackEndAuth::as_str));
        fields.text("category", Some(self.category.as_str()));
        fields.json("chain", self.chain.as_ref());
        fields.text(
            "challenge_key",
            self.challenge_key.as_ref().map(KeyHint::as_str),
        );
        fields.words("characteristics", &self.characteristics);
        fields.text("client_location", self.client_location.as_deref());
        fields.status(
            "client_status_code",
            self.client_status
                .filter(|client| Some(*client) != self.status),
        );
        fields.ascii("code", &self.code.bytes());
        fields.text("command", self.command.as_deref());
        fields.text("component_type", self.component_type.as_deref());
        fields.text("correlation_id", self.correlation_id.as_deref());
        fields.text("credential_type", self.credential_type);
        fields.text("delivery_method", self.delivery_method.as_deref());
        fields.text(
            "description",
            self.description.as_deref().or(self.code.meaning()),
        );
        fields.text("destination", self.destination.as_ref().map(Masked::as_str));
        fields.text("domain", self.domain.as_deref());
        fields.millis("elapsed_ms", self.elapsed_us);
        fields.hex("epoch", &place.epoch);
        fields.text("error_code", self.error_code.as_deref());
        fields.text("error_message", self.error_message.as_deref());
        fields.json("input", self.input.as_ref());
        fields.text("local_auth", self.local_auth.map(LocalAuth::as_str));
        fields.text("nas", self.nas.as_deref());
        fields.text("org_unit", self.org_unit.as_deref());
        fields.json("output", self.output.as_ref());
        fields.text("poid", self.poid.as_deref());
        fields.text("policy", self.policy.as_deref());
        fields.hex("prev", &place.prev);
        fields.text("protocol_id", self.protocol_id.as_deref());
        fields.text("reason", self.reason.as_deref());
        fields.text("request_id", self.request_id.as_deref());
        fields.count("seq", Some(place.seq));
        fields.text("serial", self.serial.as_deref());
        fields.text("server_location", self.server_location.as_deref());
        fields.text("session", self.session.as_deref());
        fields.text("source", Some(place.node));
        fields.text("status", self.status.map(Status::name));
        fields.status("status_code", self.status);
        fields.text("target", self.target.as_deref());
        fields.text("target_domain", self.target_domain.as_deref());
        fields.user("target_user", self.target_user.as_deref());
        fields.text("task", self.task.as_deref());
        fields.time("time", Some(self.time));
        fields.text("type", Some(self.code.letter().as_str()));
        fields.user("user", self.user.as_deref());
        fields.count("verified_counter", self.verified_counter);
        fields.time("verified_time", self.verified_time);
        fields.end();
    }
}

/// Writes the fields of one object; all but the first bring their comma.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn name(&mut self, name: &'static str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn first_hex(&mut self, name: &'static str, value: &[u8]) {
        self.0.extend_from_slice(b"{\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":\"");
        write_hex(value, self.0);
        self.0.push(b'"');
    }

    fn hex(&mut self, name: &'static str, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        write_hex(value, self.0);
        self.0.push(b'"');
    }

    fn ascii(&mut self, name: &'static str, value: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(value);
        self.0.push(b'"');
    }

    fn text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(text) = value {
            self.name(name);
            write_text(cut_bytes(text, TEXT_MAX), self.0);
        }
    }

    fn user(&mut self, name: &'static str, value: Option<&str>) {
        self.text(name, value.map(|user| cut(user, USER_MAX)));
    }

    fn words(&mut self, name: &'static str, value: &[&'static str]) {
        let Some((first, rest)) = value.split_first() else {
            return;
        };
        self.name(name);
        self.0.push(b'[');
        write_text(first, self.0);
        for word in rest {
            self.0.push(b',');
            write_text(word, self.0);
        }
        self.0.push(b']');
    }

    fn json(&mut self, name: &'static str, value: Option<&Json>) {
        if let Some(json) = value {
            self.name(name);
            write(json, self.0);
        }
    }

    fn status(&mut self, name: &'static str, value: Option<Status>) {
        if let Some(status) = value {
            self.name(name);
            write_integer(status.number().into(), self.0);
        }
    }

    fn count(&mut self, name: &'static str, value: Option<u64>) {
        let Some(count) = value else { return };
        self.name(name);
        match i64::try_from(count) {
            Ok(count) => write_integer(count, self.0),
            Err(_) => write_text(&count.to_string(), self.0),
        }
    }

    /// Microseconds as milliseconds: at most three decimals, which is the shortest form of the number.
    fn millis(&mut self, name: &'static str, value: Option<u64>) {
        let Some(micros) = value else { return };
        self.name(name);
        write_digits(micros / 1000, self.0);
        let rest = micros % 1000;
        if rest == 0 {
            return;
        }
        let digits = [rest / 100, rest / 10 % 10, rest % 10];
        let shown = 3 - digits.iter().rev().take_while(|digit| **digit == 0).count();
        self.0.push(b'.');
        self.0.extend(
            digits
                .iter()
                .take(shown)
                .map(|digit| b'0' + u8::try_from(*digit).unwrap_or_default()),
        );
    }

    fn time(&mut self, name: &'static str, value: Option<Timestamp>) {
        if let Some(time) = value {
            self.name(name);
            self.0.push(b'"');
            time.write_rfc3339(self.0);
            self.0.push(b'"');
        }
    }

    fn end(self) {
        self.0.push(b'}');
    }
}

/// The first `max` characters of a text.
pub(super) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    text.char_indices()
        .nth(max)
        .and_then(|(end, _)| text.get(..end))
        .unwrap_or(text)
}

fn cut_bytes(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max))
        .unwrap_or_default()
}

/// A record as it was written, for viewers.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    fields: Map<String, Json>,
}

impl Entry {
    /// Reads a record.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes).map(|fields| Self { fields })
    }

    /// All fields.
    pub fn fields(&self) -> &Map<String, Json> {
        &self.fields
    }

    /// The fields themselves.
    pub fn into_fields(self) -> Map<String, Json> {
        self.fields
    }

    /// A text field.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// A whole number, also one that was written as text for its size.
    pub fn number(&self, name: &str) -> Option<u64> {
        let value = self.fields.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A field of hexadecimal digits of exactly this many bytes.
    pub fn hex<const N: usize>(&self, name: &str) -> Option<[u8; N]> {
        read_hex(self.text(name)?)
    }

    /// The code.
    pub fn code(&self) -> Option<Code> {
        self.text("code")?.parse().ok()
    }

    /// The kind of message.
    pub fn letter(&self) -> Option<Letter> {
        Letter::parse(self.text("type")?)
    }

    /// What it is about.
    pub fn category(&self) -> Option<Category> {
        Category::parse(self.text("category")?)
    }

    /// The identity.
    pub fn amid(&self) -> Option<[u8; 16]> {
        self.hex("amid")
    }

    /// When it happened.
    pub fn time(&self) -> Option<Timestamp> {
        Timestamp::parse(self.text("time")?)
    }

    /// The real status.
    pub fn status(&self) -> Option<Status> {
        Status::from_number(self.fields.get("status_code")?.as_i64()?)
    }

    /// What the client got.
    pub fn client_status(&self) -> Option<Status> {
        let own = self
            .fields
            .get("client_status_code")
            .and_then(Json::as_i64)
            .and_then(Status::from_number);
        own.or_else(|| self.status())
    }

    /// The node that wrote it.
    pub fn node(&self) -> Option<&str> {
        self.text("source")
    }

    /// The chain it stands in.
    pub fn epoch(&self) -> Option<[u8; 16]> {
        self.hex("epoch")
    }

    /// Its position there.
    pub fn seq(&self) -> Option<u64> {
        self.number("seq")
    }

    /// Hash of the record before.
    pub fn prev(&self) -> Option<[u8; 32]> {
        self.hex("prev")
    }

    /// What it says about the chain itself.
    pub fn chain(&self) -> Option<&Json> {
        self.fields.get("chain")
    }
}

pub(super) fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests;
