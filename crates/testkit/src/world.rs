//! A server with a few users, policies and components, made by the commands an administrator would use.

use crate::history::{self, Record};
use crate::radclient::{Packet, quoted};
use crate::secrets;
use crate::server::{Options, Server};
use crate::{Answer, Proof};
use serde_json::{Value, json};
use std::ops::{Deref, DerefMut};

/// Codes of the main records of an attempt.
const MAIN: [&str; 12] = [
    "S-101001", "F-101001", "F-101002", "F-101003", "F-101004", "F-101005", "I-101001", "I-101002",
    "I-101006", "I-101008", "S-105001", "F-105001",
];

/// The OCRA suite of challenge/response authenticators.
pub const SUITE: &str = "OCRA-1:HOTP-SHA1-6:QN08";

/// A server that tests furnish.
#[derive(Debug)]
pub struct World {
    server: Server,
    serials: u32,
}

impl World {
    /// An empty world; RADIUS answers carry the status number.
    pub fn new(program: &str) -> Self {
        Self::with(program, Options::default())
    }

    /// An empty world on a server started with options.
    pub fn with(program: &str, options: Options) -> Self {
        Self::on(Server::start(program, options))
    }

    /// An empty world on a server.
    pub fn on(server: Server) -> Self {
        let mut world = Self { server, serials: 0 };
        world.component("radius_client", json!({"status_in_reply": true}));
        world.component("app", json!({}));
        world
    }

    /// Sets fields of the component of a type at 127.0.0.1, which is made if it is missing.
    pub fn component(&mut self, kind: &str, fields: Value) {
        let mut body = json!({"type": kind, "location": "127.0.0.1"});
        merge(&mut body, &fields);
        let answer = self.server.admin("component/update", body.clone());
        if answer.status() == -13 {
            body.as_object_mut()
                .expect("an object")
                .entry("policy")
                .or_insert_with(|| "local".into());
            self.done("component/create", body);
        } else {
            assert_eq!(
                answer.status(),
                0,
                "component/update {body}: {}",
                answer.text
            );
        }
    }

    /// Makes a policy below another one and puts the RADIUS client and the `app` component on it.
    pub fn policy(&mut self, parent: &str, attributes: Value) -> String {
        self.serials += 1;
        let id = format!("test-{}", self.serials);
        for (name, value) in attributes.as_object().into_iter().flatten() {
            if let (true, Some(word)) = (name.ends_with("_keyword"), value.as_str()) {
                secrets::is_public(word);
            }
        }
        let mut body = json!({"policy_id": id, "parent": parent});
        merge(&mut body, &attributes);
        self.done("policy/create", body);
        self.use_policy(&id);
        id
    }

    /// Puts the RADIUS client and the `app` component on a policy.
    pub fn use_policy(&mut self, id: &str) {
        self.component("radius_client", json!({"policy": id}));
        self.component("app", json!({"policy": id}));
    }

    /// Changes a setting of the deployment.
    pub fn setting(&mut self, name: &str, value: Value) {
        self.done("setting/update", json!({"name": name, "value": value}));
    }

    /// Makes a user, with a password if one is given.
    pub fn user(&mut self, user: &str, password: Option<&str>) {
        let mut body = json!({"user": user});
        if let Some(password) = password {
            body["password"] = password.into();
        }
        self.done("user/create", body);
    }

    /// Makes an authenticator for a user and answers its serial.
    pub fn authenticator(&mut self, user: &str, fields: Value) -> String {
        self.serials += 1;
        let serial = format!("T{:07}", self.serials);
        let mut body = json!({"serial": serial});
        merge(&mut body, &fields);
        self.done("authenticator/create", body);
        self.done(
            "authenticator/assign",
            json!({"serial": serial, "user": user}),
        );
        serial
    }

    /// A HOTP authenticator with the key of RFC 4226.
    pub fn hotp(&mut self, user: &str) -> String {
        self.authenticator(
            user,
            json!({"algorithm": "HOTP", "secret_hex": crate::oath::KEY_HEX}),
        )
    }

    /// A TOTP authenticator with the key of RFC 4226.
    pub fn totp(&mut self, user: &str) -> String {
        self.authenticator(
            user,
            json!({"algorithm": "TOTP", "secret_hex": crate::oath::KEY_HEX}),
        )
    }

    /// A challenge/response authenticator of [`SUITE`] with the key of RFC 4226.
    pub fn ocra(&mut self, user: &str) -> String {
        self.authenticator(
            user,
            json!({"suite": SUITE, "secret_hex": crate::oath::KEY_HEX}),
        )
    }

    /// A user with a HOTP authenticator.
    pub fn hotp_user(&mut self, user: &str) -> String {
        self.user(user, None);
        self.hotp(user)
    }

    /// `auth/authenticate` through the `app` component, by `curl`.
    pub fn app(&self, body: Value) -> Answer {
        self.app_verb("authenticate", body)
    }

    /// A verb of `/v1/auth` through the `app` component, by `curl`.
    pub fn app_verb(&self, verb: &str, body: Value) -> Answer {
        let mut whole = json!({"component": "app"});
        merge(&mut whole, &body);
        self.server.auth(verb, &whole)
    }

    /// The view of an account.
    pub fn seen(&mut self, user: &str) -> Value {
        self.done("user/view", json!({"user": user})).body["result"].clone()
    }

    /// The application of an authenticator that has one.
    pub fn application(&mut self, serial: &str) -> Value {
        let view = self.done("authenticator/view", json!({"serial": serial}));
        let name = view.result("applications")[0]["application"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", view.text))
            .to_owned();
        self.done(
            "application/view",
            json!({"serial": serial, "application": name}),
        )
        .body["result"]
            .clone()
    }

    /// Audit records that a filter lets through, newest first.
    pub fn audit(&mut self, filter: Value) -> Vec<Value> {
        let answer = self.done(
            "audit/query",
            json!({"filter": filter, "sort": ["-time"], "limit": 1000}),
        );
        rows(&answer)
    }

    /// The whole audit trail of the store, for the history checker; it must hold fewer than a thousand million records.
    ///
    /// # Panics
    /// It cannot be read.
    pub fn trail(&self) -> Vec<Record> {
        let printed = self.run_ok(&["audit", "tail", "--json", "-n", "1000000000"]);
        history::read_lines(&printed).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The newest main record of a user's attempts.
    ///
    /// # Panics
    /// There is none.
    pub fn last_record(&mut self, user: &str) -> Value {
        let records = self.audit(json!({"user": user, "code": {"in": MAIN}}));
        records
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no record of {user}"))
    }

    /// A PAP request brings a code, and the audit has it as the real one; answers the packet.
    ///
    /// # Panics
    /// It does not.
    pub fn proves_pap(&mut self, proof: &Proof, code: i16, user: &str, password: &str) -> Packet {
        self.proves_radius(proof, code, user, &[("User-Password", &quoted(password))])
    }

    /// A RADIUS request of a user brings a code, and the audit has it as the real one; answers the packet.
    ///
    /// # Panics
    /// It does not.
    pub fn proves_radius(
        &mut self,
        proof: &Proof,
        code: i16,
        user: &str,
        attributes: &[(&str, &str)],
    ) -> Packet {
        let name = quoted(user);
        let mut all = vec![("User-Name", name.as_str())];
        all.extend_from_slice(attributes);
        let packet = self.server.radius(&all);
        proof.radius(code, &packet);
        let record = self.last_record(user);
        assert_eq!(record["status_code"], code, "{record}");
        packet
    }

    /// `auth/authenticate` brings a code, and the audit has it as the real one; answers the answer.
    ///
    /// # Panics
    /// It does not.
    pub fn proves_app(&mut self, proof: &Proof, code: i16, body: Value) -> Answer {
        let answer = self.app(body);
        proof.auth(code, &answer);
        self.real(code, &answer);
        answer
    }

    /// The audit has this as the real code of an answer.
    ///
    /// # Panics
    /// It has not.
    pub fn real(&mut self, code: i16, answer: &Answer) {
        let id = answer.body["request_id"].clone();
        let records = self.audit(json!({"request_id": id}));
        let codes: Vec<&Value> = records
            .iter()
            .map(|record| &record["status_code"])
            .collect();
        assert!(
            codes.contains(&&json!(code)),
            "{code}: {} has {records:?}",
            answer.text
        );
    }
}

/// The rows of a query.
///
/// # Panics
/// There are none, not even an empty list.
pub fn rows(answer: &Answer) -> Vec<Value> {
    let result = &answer.body["result"];
    let list = result
        .as_array()
        .or_else(|| result.as_object()?.values().find_map(Value::as_array));
    list.unwrap_or_else(|| panic!("no rows: {}", answer.text))
        .clone()
}

/// Puts the fields of `from` into `into`.
pub fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(
            from.iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
}

impl Deref for World {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}
