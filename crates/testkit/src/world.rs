//! A server with a few users, policies and components, made by the commands an administrator would use.

use crate::server::{Options, Server};
use serde_json::{Value, json};
use std::ops::{Deref, DerefMut};

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
        let mut world = Self { server: Server::start(program, options), serials: 0 };
        world.component("radius_client", json!({"status_in_reply": true}));
        world
    }

    /// Sets fields of the component of a type at 127.0.0.1, which is made if it is missing.
    pub fn component(&mut self, kind: &str, fields: Value) {
        let mut body = json!({"type": kind, "location": "127.0.0.1"});
        merge(&mut body, &fields);
        if self.server.admin("component/update", body.clone()).status() == -13 {
            body.as_object_mut().expect("an object").entry("policy").or_insert_with(|| "local".into());
            self.done("component/create", body);
        }
    }

    /// Makes a policy below another one and puts the RADIUS client and the `app` component on it.
    pub fn policy(&mut self, parent: &str, attributes: Value) -> String {
        self.serials += 1;
        let id = format!("test-{}", self.serials);
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
        self.done("authenticator/assign", json!({"serial": serial, "user": user}));
        serial
    }

    /// A HOTP authenticator with the key of RFC 4226.
    pub fn hotp(&mut self, user: &str) -> String {
        self.authenticator(user, json!({"algorithm": "HOTP", "secret_hex": crate::oath::KEY_HEX}))
    }

    /// A TOTP authenticator with the key of RFC 4226.
    pub fn totp(&mut self, user: &str) -> String {
        self.authenticator(user, json!({"algorithm": "TOTP", "secret_hex": crate::oath::KEY_HEX}))
    }

    /// `auth/authenticate` through the `app` component; the status.
    pub fn app(&self, body: Value) -> crate::Answer {
        let mut whole = json!({"component": "app"});
        merge(&mut whole, &body);
        self.server.auth("authenticate", &whole)
    }
}

/// Puts the fields of `from` into `into`.
pub fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.iter().map(|(name, value)| (name.clone(), value.clone())));
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
