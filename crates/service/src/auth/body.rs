use super::{envelope, table};
use crate::logon::{Given, Logon, OwnAnswered, OwnSeparate};
use crate::node::{Arrival, Node};
use crate::proof::Proof;
use crate::reply::{Problem, Reply};
use crate::timing::{self, Stage, Timer};
use countersign_engine::admin::{Field, Fields, Refusal};
use countersign_engine::attempt::{AuthType, HostCode, Unreadable, Via};
use countersign_engine::audit::{Code, Record};
use countersign_engine::model::{ChallengeKey, Component};
use countersign_engine::text::has_control;
use countersign_engine::time::Timestamp;
use countersign_engine::{Secret, Status};
use countersign_store::{Outcome, Work};
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::sync::Arc;

/// Longest user ID, in characters.
const MOST_USER: usize = 255;

/// The body of a command of `/v1/auth`, read and admitted.
pub(crate) struct Body {
    pub(crate) user: Result<String, Unreadable>,
    pub(crate) domain: Option<String>,
    pub(crate) component: Arc<Component>,
    arrival: Arrival,
    via: Via,
    source: IpAddr,
    fields: Fields,
    /// What came encrypted.
    opened: Option<Box<OwnSeparate>>,
    timer: Timer,
}

impl Body {
    /// Reads the fields and admits the component.
    ///
    /// The outer error is a transport problem (not admitted, proof missing), the inner one a completed refusal
    /// (-101, -102, -2), which is still to be audited.
    pub(crate) fn read(
        node: &Node,
        via: Via,
        source: IpAddr,
        proof: &Proof,
        mut map: Map<String, Value>,
    ) -> Result<Result<Self, Box<Unusable>>, Problem> {
        let arrival = Node::arrival();
        let request_id = map
            .get("request_id")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let component_type = map
            .get("component")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let (id, at) = (arrival.id, arrival.at);
        let refuse = |refusal: Refusal| {
            let (request_id, component_type) = (request_id.clone(), component_type.clone());
            let known = component_type.as_deref();
            let known = known.is_some_and(|kind| admitted(node, kind, source, proof).is_ok());
            Ok(Err(Box::new(Unusable {
                known,
                id,
                at,
                via,
                source,
                request_id,
                component_type,
                refusal,
            })))
        };
        let user = match take_user(via, &mut map) {
            Ok(user) => user,
            Err(refusal) => return refuse(refusal),
        };
        let fields = match read_fields(table::fields_of(via), &map) {
            Ok(fields) => fields,
            Err(refusal) => return refuse(refusal),
        };
        if let Err(refusal) = check_formats(&fields) {
            return refuse(refusal);
        }
        let Some(kind) = fields.text("component") else {
            return refuse(Refusal::missing("component"));
        };
        let component = admitted(node, kind, source, proof)?;
        let source = match client_address(&component, &fields, source) {
            Ok(source) => source,
            Err(refusal) => return refuse(refusal),
        };
        let domain = fields.text("domain").map(str::to_owned);
        let began = timing::begun().unwrap_or(arrival.instant);
        let mut timer = Timer::start(&node.snapshot().settings, began);
        timer.began_with(Stage::Receive);
        let opened = fields
            .secret("jwe")
            .map(|message| Box::new(envelope::open(&node.keyring(), message)));
        Ok(Ok(Self {
            user,
            domain,
            component,
            arrival,
            via,
            source,
            fields,
            opened,
            timer,
        }))
    }

    /// The attempt that the body asks for.
    pub(crate) fn into_logon(self) -> Logon {
        let Self {
            user,
            domain,
            component,
            arrival,
            via,
            source,
            fields,
            opened,
            timer,
        } = self;
        let given = match opened {
            Some(change) => Given::Separate(change),
            None => given(&fields, via),
        };
        let mut logon = Logon::new(arrival, via, component, source, user, given);
        logon.timer = timer;
        logon.domain = domain;
        logon.request_id = fields.text("request_id").map(str::to_owned);
        logon.answered = OwnAnswered {
            key: fields
                .text("challenge_key")
                .map(|text| challenge_key(text).ok_or(Unreadable)),
            challenge: fields.text("challenge").map(str::to_owned),
            response: fields.secret("response").cloned(),
        };
        logon.auth_type = auth_type(fields.text("auth_type"));
        logon.host_code = host_code(fields.text("host_code"));
        logon.serial = fields.text("serial").map(str::to_owned);
        logon.challenge_message = fields.text("challenge_message").map(str::to_owned);
        logon.attribute_groups = fields.list("attribute_group").unwrap_or_default().to_vec();
        logon
    }
}

/// A request whose fields cannot be used.
pub(crate) struct Unusable {
    /// It came from an admitted component.
    known: bool,
    id: [u8; 16],
    at: Timestamp,
    via: Via,
    source: IpAddr,
    request_id: Option<String>,
    component_type: Option<String>,
    refusal: Refusal,
}

/// Longest text of a request that cannot be used which the audit keeps, in characters.
const MOST_KEPT: usize = 64;

impl Unusable {
    /// Audits the refusal and answers it; of strangers, who could fill the audit so, one a minute and source.
    pub(crate) async fn answer(self, node: &Node) -> Reply {
        let id = self
            .request_id
            .clone()
            .unwrap_or_else(|| super::id_text(&self.id));
        if !self.known && !node.radius().may_warn(self.source) {
            return Reply::with(self.refusal.status, self.refusal.detail, id);
        }
        let work = Work {
            token: 0,
            changes: Vec::new(),
            records: vec![self.record()],
            trace: Vec::new(),
        };
        match crate::commit::commit(node.store(), work).await {
            Outcome::Committed | Outcome::Conflict => {
                Reply::with(self.refusal.status, self.refusal.detail, id)
            }
            Outcome::Failed(error) => Reply::bare(crate::logon::failed(node, &error), id),
        }
    }

    fn record(&self) -> Record {
        let code = if self.via == Via::AdminLogon {
            Code::ADMIN_LOGON_REFUSED
        } else {
            Code::AUTH_ERROR
        };
        let cut = |text: &Option<String>| {
            text.as_ref()
                .map(|text| text.chars().take(MOST_KEPT).collect::<String>().into())
        };
        let mut record = Record::new(code, self.id, self.at);
        record.status = Some(self.refusal.status);
        record.request_id = cut(&self.request_id);
        record.component_type = cut(&self.component_type);
        record.client_location = Some(self.source.to_string().into());
        record.reason = Some(self.refusal.detail.clone().into());
        record
    }
}

/// The user name is read apart: one that is empty, too long or not text decides 1000, not -101.
fn take_user(
    via: Via,
    map: &mut Map<String, Value>,
) -> Result<Result<String, Unreadable>, Refusal> {
    match map.remove("user") {
        Some(Value::String(user))
            if user.is_empty() || user.chars().count() > MOST_USER || has_control(&user) =>
        {
            Ok(Err(Unreadable))
        }
        Some(Value::String(user)) => Ok(Ok(user)),
        Some(_) => Err(Refusal::invalid("user", "text of 1 to 255 characters")),
        None if via == Via::Challenge => Ok(Ok(String::new())),
        None => Err(Refusal::missing("user")),
    }
}

/// Reads the fields of a table row but for `user`; unknown ones and values that a field does not take are -101.
fn read_fields(table: &'static [Field], map: &Map<String, Value>) -> Result<Fields, Refusal> {
    let mut fields = Fields::default();
    if let Some(missing) = table
        .iter()
        .find(|field| field.required && field.name != "user" && !map.contains_key(field.name))
    {
        return Err(Refusal::missing(missing.name));
    }
    for (name, value) in map {
        let field = table
            .iter()
            .find(|field| field.name == name)
            .ok_or_else(|| unknown(table, name))?;
        fields.set(field.name, field.read(value)?);
    }
    Ok(fields)
}

fn unknown(table: &[Field], name: &str) -> Refusal {
    let shown: String = name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(64)
        .collect();
    let names: Vec<&str> = table.iter().map(|field| field.name).collect();
    let hint = countersign_engine::text::closest(&shown, names)
        .map_or(String::new(), |close| format!("; did you mean {close}?"));
    Refusal::new(
        Status::INVDATA,
        format!("{shown} is no field of this command{hint}"),
    )
}

fn check_formats(fields: &Fields) -> Result<(), Refusal> {
    const SEPARATE: [&str; 5] = [
        "static_password",
        "otp",
        "pin",
        "new_pin",
        "confirm_new_pin",
    ];
    if fields.has("password") && SEPARATE.iter().any(|name| fields.has(name)) {
        return Err(Refusal::contradiction(
            "password and separate fields (static_password, otp, pin, new_pin) cannot be sent together",
        ));
    }
    for name in ["pin", "new_pin", "confirm_new_pin"] {
        let digits = |secret: &Secret| secret.expose().iter().all(u8::is_ascii_digit);
        if fields.secret(name).is_some_and(|secret| !digits(secret)) {
            return Err(Refusal::invalid(name, "digits"));
        }
    }
    Ok(())
}

fn admitted(
    node: &Node,
    kind: &str,
    source: IpAddr,
    proof: &Proof,
) -> Result<Arc<Component>, Problem> {
    let snapshot = node.snapshot();
    let component = snapshot.components.admitted(kind, source).cloned();
    let component = component.ok_or_else(|| Problem::new(403, "Component not admitted", format!("No component of type {kind} is registered for the address this request came from; create one with component/create.")))?;
    if proves(node, &component, proof) {
        Ok(component)
    } else {
        Err(Problem::new(
            401,
            "Component not proven",
            "This component must show its key (header Countersign-Component-Key) or its client certificate.",
        ))
    }
}

fn proves(node: &Node, component: &Component, proof: &Proof) -> bool {
    if let Some(wanted) = &component.api_key
        && let Some(shown) = &proof.key
    {
        let hashes = node.keyed_hashes("component", shown.as_bytes());
        return hashes
            .iter()
            .any(|hash| subtle::ConstantTimeEq::ct_eq(hash.as_slice(), wanted).into());
    }
    if let (Some(wanted), Some(shown)) = (&component.client_certificate, &proof.certificate_sha256)
    {
        return wanted.eq_ignore_ascii_case(shown);
    }
    component.api_key.is_none() && component.client_certificate.is_none()
}

fn client_address(
    component: &Component,
    fields: &Fields,
    source: IpAddr,
) -> Result<IpAddr, Refusal> {
    match fields.text("client_address") {
        None => Ok(source),
        Some(_) if !component.trusted_forwarder => Err(Refusal::contradiction(
            "client_address is taken from a trusted forwarder only",
        )),
        Some(text) => text
            .parse()
            .map_err(|_| Refusal::invalid("client_address", "an IP address")),
    }
}

fn given(fields: &Fields, via: Via) -> Given {
    let secret = |name| fields.secret(name).cloned();
    if matches!(via, Via::UpdatePassword | Via::ChangeBackEndPassword) {
        return Given::Separate(Box::new(OwnSeparate {
            static_password: secret("old_password"),
            new_password: secret("new_password"),
            confirm_new_password: secret("confirm_password"),
            otp: secret("otp"),
            pin: secret("pin"),
            ..OwnSeparate::default()
        }));
    }
    if let Some(password) = secret("password") {
        return Given::Combined(
            if has_control(&String::from_utf8_lossy(password.expose())) {
                Err(Unreadable)
            } else {
                Ok(password)
            },
        );
    }
    let separate = OwnSeparate {
        static_password: secret("static_password"),
        otp: secret("otp"),
        pin: secret("pin"),
        new_pin: secret("new_pin"),
        confirm_new_pin: secret("confirm_new_pin"),
        new_password: None,
        confirm_new_password: None,
        envelope: None,
    };
    let empty = [
        &separate.static_password,
        &separate.otp,
        &separate.pin,
        &separate.new_pin,
    ]
    .into_iter()
    .all(Option::is_none);
    if empty {
        Given::None
    } else {
        Given::Separate(Box::new(separate))
    }
}

/// Reads a challenge key: base64url without padding, or hexadecimal.
fn challenge_key(text: &str) -> Option<ChallengeKey> {
    let bytes = data_encoding::BASE64URL_NOPAD
        .decode(text.as_bytes())
        .ok()
        .filter(|bytes| bytes.len() == 16);
    let bytes = bytes.or_else(|| {
        data_encoding::HEXLOWER_PERMISSIVE
            .decode(text.as_bytes())
            .ok()
    })?;
    bytes.try_into().ok().map(ChallengeKey)
}

fn auth_type(word: Option<&str>) -> AuthType {
    match word {
        Some("response") => AuthType::Response,
        Some("challenge") => AuthType::Challenge,
        Some("virtual") => AuthType::Virtual,
        Some("push") => AuthType::Push,
        Some("scan") => AuthType::Scan,
        _ => AuthType::Auto,
    }
}

fn host_code(word: Option<&str>) -> HostCode {
    match word {
        Some("optional") => HostCode::Optional,
        Some("required") => HostCode::Required,
        _ => HostCode::None,
    }
}
