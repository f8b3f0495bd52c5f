//! A bare LDAP client: a search for the user's entry and a bind as it, on two connections that stay open.

use crate::measure::Client;
use anyhow::{Context, Result, ensure};
use countersign_testkit::slapd;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

const SEQUENCE: u8 = 0x30;
const BIND: u8 = 0x60;
const BIND_ANSWER: u8 = 0x61;
const SEARCH: u8 = 0x63;
const ENTRY: u8 = 0x64;
const SEARCH_END: u8 = 0x65;

/// One connection.
struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

/// Some of the users, one after the other.
pub(crate) struct Directory {
    searching: Connection,
    binding: Connection,
    users: Vec<String>,
    next: usize,
}

impl Directory {
    pub(crate) fn connect(port: u16, ca: &str, users: &[String]) -> Result<Self> {
        let mut searching = Connection::open(port, ca)?;
        searching.bind(slapd::SERVICE, slapd::SERVICE_PASSWORD)?;
        Ok(Self {
            searching,
            binding: Connection::open(port, ca)?,
            users: users.to_vec(),
            next: 0,
        })
    }
}

impl Client for Directory {
    fn ask(&mut self) -> Result<()> {
        let user = self.users.get(self.next % self.users.len().max(1));
        let user = user.context("no users")?;
        self.next += 1;
        let dn = self.searching.search(user)?;
        self.binding.bind(&dn, slapd::PASSWORD)
    }
}

impl Connection {
    fn open(port: u16, ca: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        let connection =
            ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1")?)?;
        Ok(Self {
            stream: StreamOwned::new(connection, socket),
        })
    }

    fn bind(&mut self, dn: &str, password: &str) -> Result<()> {
        let body = [
            element(0x02, &[3]),
            element(0x04, dn.as_bytes()),
            element(0x80, password.as_bytes()),
        ];
        self.send(BIND, &body.concat())?;
        let (kind, body) = self.receive()?;
        ensure!(kind == BIND_ANSWER && succeeded(&body), "{dn} was refused");
        Ok(())
    }

    /// The DN of the one user with this name.
    fn search(&mut self, user: &str) -> Result<String> {
        let filter = [
            element(
                0xa3,
                &[
                    element(0x04, b"objectClass"),
                    element(0x04, b"inetOrgPerson"),
                ]
                .concat(),
            ),
            element(
                0xa3,
                &[element(0x04, b"uid"), element(0x04, user.as_bytes())].concat(),
            ),
        ];
        let body = [
            element(0x04, slapd::BASE.as_bytes()),
            element(0x0a, &[2]),
            element(0x0a, &[0]),
            element(0x02, &[2]),
            element(0x02, &[5]),
            element(0x01, &[0]),
            element(0xa0, &filter.concat()),
            element(SEQUENCE, &element(0x04, b"1.1")),
        ];
        self.send(SEARCH, &body.concat())?;
        let mut found = None;
        loop {
            let (kind, body) = self.receive()?;
            match kind {
                ENTRY => found = contents(&body).map(|dn| String::from_utf8_lossy(dn).into_owned()),
                SEARCH_END => {
                    ensure!(succeeded(&body), "the search failed");
                    return found.with_context(|| format!("{user} is not there"));
                }
                _ => {} // a reference to another server
            }
        }
    }

    fn send(&mut self, kind: u8, body: &[u8]) -> Result<()> {
        let message = [element(0x02, &[1]), element(kind, body)].concat();
        self.stream.write_all(&element(SEQUENCE, &message))?;
        Ok(self.stream.flush()?)
    }

    /// Kind and body of the next message.
    fn receive(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut header = [0; 2];
        self.stream.read_exact(&mut header)?;
        let [_, short] = header;
        let mut length = usize::from(short);
        if short >= 0x80 {
            let mut more = vec![0; usize::from(short & 0x7f)];
            self.stream.read_exact(&mut more)?;
            length = more
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        }
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message)?;
        let id = contents(&message).context("a message without number")?;
        let rest = message.get(2 + id.len()..).unwrap_or_default();
        let kind = *rest.first().context("a message without content")?;
        Ok((kind, contents(rest).unwrap_or_default().to_vec()))
    }
}

/// A result begins with its code.
fn succeeded(body: &[u8]) -> bool {
    contents(body) == Some(&[0])
}

fn element(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut all = vec![kind];
    match u8::try_from(body.len()) {
        Ok(length) if length < 0x80 => all.push(length),
        _ => {
            all.push(0x82);
            all.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    all.extend_from_slice(body);
    all
}

/// What the first element of some bytes holds.
fn contents(bytes: &[u8]) -> Option<&[u8]> {
    let short = *bytes.get(1)?;
    if short < 0x80 {
        return bytes.get(2..2 + usize::from(short));
    }
    let size = usize::from(short & 0x7f);
    let length = bytes
        .get(2..2 + size)?
        .iter()
        .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
    bytes.get(2 + size..2 + size + length)
}
