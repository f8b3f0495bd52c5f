//! A small HTTPS client of the administrative API, for the command line and the demo.

mod answer;
mod body;
mod connection;
mod login;
mod trust;

pub(crate) use answer::{Answer, Envelope};
pub(crate) use body::Progress;
pub(crate) use login::{Connection, Endpoint, Login};

use anyhow::{Context, Result, bail};
use body::Upload;
use connection::Wire;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// A client that may have logged on.
pub(crate) struct Client {
    wire: Wire,
    token: Option<Zeroizing<String>>,
}

impl Client {
    /// A client of one server; it connects when it is first used.
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self> {
        Ok(Self {
            wire: Wire::new(endpoint)?,
            token: None,
        })
    }

    /// Opens an administrative session.
    pub(crate) async fn log_on(&mut self, login: &Login) -> Result<Envelope> {
        let mut body = Map::new();
        body.insert("user".to_owned(), login.user.as_str().into());
        body.insert("password".to_owned(), login.password.as_str().into());
        let mut envelope = self.command("session", "logon", &body).await?;
        if let Some(Value::String(token)) = envelope.result.remove("token") {
            self.token = Some(Zeroizing::new(token));
        }
        Ok(envelope)
    }

    /// Ends the session, if there is one. A session that cannot be ended runs out by itself.
    pub(crate) async fn log_off(&mut self) {
        if self.token.is_some() {
            let _ = self.command("session", "logoff", &Map::new()).await;
            self.token = None;
        }
    }

    /// Runs `POST /v1/admin/OBJECT/VERB`.
    pub(crate) async fn command(
        &mut self,
        object: &str,
        verb: &str,
        body: &Map<String, Value>,
    ) -> Result<Envelope> {
        let path = format!("/v1/admin/{object}/{verb}");
        self.post(
            &path,
            "application/json",
            json!(body).to_string().into_bytes().into(),
            None,
        )
        .await?
        .envelope()
    }

    /// Sends a file to `POST /v1/admin/import/KIND`, its options in the query string.
    pub(crate) async fn import(
        &mut self,
        kind: &str,
        options: &Map<String, Value>,
        file: Bytes,
        progress: Option<Progress>,
    ) -> Result<Envelope> {
        let path = format!("/v1/admin/import/{kind}{}", query(options)?);
        self.post(&path, "application/octet-stream", file, progress)
            .await?
            .envelope()
    }

    /// A POST of any kind.
    async fn post(
        &mut self,
        path: &str,
        kind: &str,
        body: Bytes,
        progress: Option<Progress>,
    ) -> Result<Answer> {
        let mut request = Request::post(path)
            .header(HOST, self.wire.host())
            .header(CONTENT_TYPE, kind);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.as_str()));
        }
        let request = request
            .body(Upload::new(body, progress))
            .with_context(|| format!("make a request to {path}"))?;
        self.wire.send(request).await
    }
}

/// Options as a query string; every value is plain text or a number or a flag.
fn query(options: &Map<String, Value>) -> Result<String> {
    let mut out = String::new();
    for (name, value) in options {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => bail!("option {name} cannot be sent with a file of its own"),
        };
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(&escaped(name));
        out.push('=');
        out.push_str(&escaped(&text));
    }
    Ok(out)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_escaped_into_a_query_string() {
        let options = json!({"domain": "a b&c", "allow_plain": true});
        assert_eq!(
            query(options.as_object().unwrap()).unwrap(),
            "?allow_plain=true&domain=a%20b%26c"
        );
        assert_eq!(query(&Map::new()).unwrap(), "");
        assert!(query(json!({"x": []}).as_object().unwrap()).is_err());
    }
}
