//! A small HTTPS client with kept connections, for volume; `curl` is for scenarios.

use crate::curl::Answer;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One connection that is used again.
#[derive(Debug)]
pub struct Https {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    authority: String,
}

impl Https {
    /// Connects to a base URL and trusts the certificate in a PEM file.
    ///
    /// # Errors
    /// There is no connection.
    pub fn connect(url: &str, certificate: &Path) -> io::Result<Self> {
        let authority = url
            .trim_start_matches("https://")
            .trim_end_matches('/')
            .to_owned();
        let host = authority
            .rsplit_once(':')
            .map_or(authority.as_str(), |(host, _)| host)
            .trim_matches(['[', ']'])
            .to_owned();
        let socket = TcpStream::connect(&authority)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let connection =
            ClientConnection::new(config(certificate)?, name).map_err(io::Error::other)?;
        Ok(Self {
            stream: BufReader::new(StreamOwned::new(connection, socket)),
            authority,
        })
    }

    /// A POST of JSON; `headers` are whole lines.
    ///
    /// # Errors
    /// The connection broke.
    pub fn post(&mut self, path: &str, headers: &[String], body: &Value) -> io::Result<Answer> {
        let begun = Instant::now();
        let body = body.to_string();
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            self.authority,
            body.len()
        );
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        request.push_str(&body);
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.stream.get_mut().flush()?;
        self.answer(begun)
    }

    fn answer(&mut self, begun: Instant) -> io::Result<Answer> {
        let http = self
            .line()?
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| io::Error::other("no status line"))?;
        let mut size = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                size = value.trim().parse().ok();
            }
        }
        let mut body =
            vec![0; size.ok_or_else(|| io::Error::other("an answer without Content-Length"))?];
        self.stream.read_exact(&mut body)?;
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer {
            http,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
            seconds: begun.elapsed().as_secs_f64(),
        })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn config(certificate: &Path) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(certificate).map_err(io::Error::other)?;
    roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
