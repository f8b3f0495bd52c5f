use super::*;
use crate::{Reply, RequestBuilder};

fn secret() -> SharedSecret {
    SharedSecret::new(b"xyzzy5461")
}

fn admitted(bytes: &[u8], demand: Demand) -> Result<(), Refused> {
    admit(&Packet::read(bytes).unwrap(), &secret(), demand)
}

fn signed() -> Vec<u8> {
    let request = RequestBuilder::new(Code::AccessRequest, 1, [3; 16]);
    request
        .add(kind::USER_NAME, b"nemo")
        .unwrap()
        .pap(b"755224", &secret())
        .unwrap()
        .sign(&secret())
}

fn unsigned(attributes: &[(u8, &[u8])]) -> Vec<u8> {
    let request = RequestBuilder::unsigned(Code::AccessRequest, 1, [3; 16]);
    attributes
        .iter()
        .fold(request, |request, (kind, value)| {
            request.add(*kind, value).unwrap()
        })
        .sign(&secret())
}

#[test]
fn a_signed_request_is_admitted_and_every_changed_octet_refused() {
    let bytes = signed();
    assert_eq!(admitted(&bytes, Demand::Required), Ok(()));
    // Length, types and lengths of attributes aside, which break the form.
    for at in [0, 1, 4, 19, 22, 37, 40, 43, 46, 61] {
        let mut forged = bytes.clone();
        forged[at] ^= 0x40;
        for demand in [Demand::Required, Demand::OptedOut, Demand::InsideTls] {
            assert_eq!(admitted(&forged, demand), Err(Refused::Wrong), "octet {at}");
        }
    }
}

#[test]
fn another_secret_is_refused() {
    let bytes = signed();
    let packet = Packet::read(&bytes).unwrap();
    assert_eq!(
        message_authenticator(&packet, &SharedSecret::new(b"xyzzy5462")),
        MessageAuthenticator::Wrong
    );
}

#[test]
fn without_signature_the_demand_decides() {
    let plain = unsigned(&[(kind::USER_NAME, b"nemo")]);
    assert_eq!(
        admitted(&plain, Demand::require(true)),
        Err(Refused::Absent)
    );
    assert_eq!(admitted(&plain, Demand::require(false)), Ok(()));
    assert_eq!(admitted(&plain, Demand::InsideTls), Ok(()));

    let proxied = unsigned(&[(kind::USER_NAME, b"nemo"), (kind::PROXY_STATE, b"x")]);
    assert_eq!(admitted(&proxied, Demand::Required), Err(Refused::Absent));
    assert_eq!(
        admitted(&proxied, Demand::OptedOut),
        Err(Refused::AbsentWithProxyState)
    );
    assert_eq!(admitted(&proxied, Demand::InsideTls), Ok(()));

    let eap = unsigned(&[(kind::EAP_MESSAGE, b"")]);
    assert_eq!(
        admitted(&eap, Demand::OptedOut),
        Err(Refused::AbsentWithEap)
    );
    assert_eq!(
        admitted(&eap, Demand::InsideTls),
        Err(Refused::AbsentWithEap)
    );
}

#[test]
fn status_server_always_needs_a_signature() {
    let bytes = RequestBuilder::unsigned(Code::StatusServer, 1, [3; 16]).sign(&secret());
    assert_eq!(admitted(&bytes, Demand::OptedOut), Err(Refused::Absent));
    assert_eq!(admitted(&bytes, Demand::InsideTls), Err(Refused::Absent));
    let bytes = RequestBuilder::new(Code::StatusServer, 1, [3; 16]).sign(&secret());
    assert_eq!(admitted(&bytes, Demand::Required), Ok(()));
}

#[test]
fn accounting_is_proved_by_its_authenticator() {
    let request = RequestBuilder::new(Code::AccountingRequest, 1, [3; 16]);
    let mut bytes = request
        .add(kind::ACCT_SESSION_ID, b"5000")
        .unwrap()
        .sign(&secret());
    assert_eq!(admitted(&bytes, Demand::Required), Ok(()));
    bytes[23] ^= 1;
    assert_eq!(
        admitted(&bytes, Demand::Required),
        Err(Refused::Authenticator)
    );
}

#[test]
fn answers_carry_the_signature_first_and_verify() {
    let request = RequestBuilder::new(Code::AccessRequest, 9, [3; 16]);
    let request = request
        .add(kind::PROXY_STATE, b"one")
        .unwrap()
        .add(kind::PROXY_STATE, b"two")
        .unwrap();
    let request = request.sign(&secret());
    let request = Packet::read(&request).unwrap();
    for code in [
        Code::AccessAccept,
        Code::AccessReject,
        Code::AccessChallenge,
    ] {
        let mut reply = Reply::new(code, &request).unwrap();
        reply.add_text(kind::REPLY_MESSAGE, "Welcome").unwrap();
        reply
            .add_vendor(kind::MICROSOFT, kind::MS_CHAP_ERROR, b"x")
            .unwrap();
        let bytes = reply.sign(&secret());
        let reply = Packet::read(&bytes).unwrap();
        let kinds: Vec<u8> = reply.attributes().map(|it| it.kind).collect();
        assert_eq!(kinds, [80, 33, 33, 18, 26]);
        assert!(reply.all(kind::PROXY_STATE).eq([&b"one"[..], b"two"]));
        let verified = |identifier, authenticator| {
            verify_response(
                &reply,
                identifier,
                authenticator,
                &secret(),
                Demand::Required,
            )
        };
        assert_eq!(verified(9, &[3; 16]), Ok(()));
        assert_eq!(verified(8, &[3; 16]), Err(Refused::Identifier));
        assert_eq!(verified(9, &[4; 16]), Err(Refused::Authenticator));
    }
}

/// What an attacker with an MD5 collision holds: a right Response Authenticator, but no key for the signature.
#[test]
fn an_answer_with_a_right_authenticator_and_a_wrong_signature_is_refused() {
    let bytes = signed();
    let request = Packet::read(&bytes).unwrap();
    let mut forged = Reply::new(Code::AccessAccept, &request)
        .unwrap()
        .sign(&secret());
    forged[25] ^= 1;
    forged[4..20].copy_from_slice(request.authenticator());
    let right = md5::Md5::new()
        .chain_update(&forged)
        .chain_update(b"xyzzy5461")
        .finalize();
    forged[4..20].copy_from_slice(&right);
    let response = Packet::read(&forged).unwrap();
    for demand in [Demand::Required, Demand::OptedOut] {
        let verified = verify_response(&response, 1, request.authenticator(), &secret(), demand);
        assert_eq!(verified, Err(Refused::Wrong));
    }
}
