//! Who asks: nothing administrative is reached without a [`Caller`], because the service takes one by type.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use countersign_service::Node;
use countersign_service::proof::Proof;
use countersign_service::reply::Problem;
use countersign_service::session::{self, Caller, CallerRefused};

use super::Refusal;
use crate::problem::problem;
use crate::server::Peer;

/// Header in which a JSON component shows its key (spec/authentication.md 2).
pub(crate) const COMPONENT_KEY: HeaderName = HeaderName::from_static("countersign-component-key");

/// The caller of an administrative command, from its `Authorization` and nothing else: no cookie, no URL.
///
/// # Errors
/// 401 without credentials, 400 for unreadable ones, the refusal of the session otherwise.
pub(super) async fn caller(
    node: &Arc<Node>,
    headers: &HeaderMap,
    source: IpAddr,
) -> Result<Caller, Refusal> {
    let authorization = single(headers, &AUTHORIZATION)?;
    session::caller(node, authorization, source).await.map_err(|refused| match refused {
        CallerRefused::None => Refusal::Problem(problem(
            401,
            "Send the token of a session as \"Authorization: Bearer TOKEN\"; session/logon makes one.",
        )),
        CallerRefused::Refused(reply) => Refusal::Reply(*reply),
    })
}

/// What a component shows besides its address.
///
/// # Errors
/// 400 if the key header stands twice or is not text.
pub(super) fn proof(headers: &HeaderMap, peer: &Peer) -> Result<Proof, Problem> {
    Ok(Proof {
        key: single(headers, &COMPONENT_KEY)?.map(str::to_owned),
        certificate_sha256: peer.certificate_sha256.as_deref().map(str::to_owned),
    })
}

/// The text of a header that may stand once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(problem(400, format!("The header {name} stands twice.")));
    }
    let text = value
        .to_str()
        .map_err(|_| problem(400, format!("The header {name} is not text.")))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn peer(certificate: Option<&str>) -> Peer {
        Peer {
            source: [127, 0, 0, 1].into(),
            certificate_sha256: certificate.map(Into::into),
        }
    }

    #[test]
    fn the_proof_is_the_key_header_and_the_certificate_of_the_connection() {
        let mut headers = HeaderMap::new();
        let bare = proof(&headers, &peer(None)).unwrap();
        assert_eq!((bare.key, bare.certificate_sha256), (None, None));
        headers.insert(COMPONENT_KEY, HeaderValue::from_static("k"));
        let full = proof(&headers, &peer(Some("ab"))).unwrap();
        assert_eq!(
            (full.key.as_deref(), full.certificate_sha256.as_deref()),
            (Some("k"), Some("ab"))
        );
    }

    #[test]
    fn a_header_twice_or_unreadable_is_refused() {
        let mut headers = HeaderMap::new();
        headers.append(COMPONENT_KEY, HeaderValue::from_static("one"));
        headers.append(COMPONENT_KEY, HeaderValue::from_static("two"));
        assert_eq!(proof(&headers, &peer(None)).unwrap_err().http, 400);
        headers.clear();
        headers.insert(
            AUTHORIZATION,
            HeaderValue::from_bytes(b"Bearer \xff").unwrap(),
        );
        assert_eq!(single(&headers, &AUTHORIZATION).unwrap_err().http, 400);
    }
}
