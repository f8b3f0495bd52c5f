use super::*;
use crate::{Code, RequestBuilder};

fn secret() -> SharedSecret {
    SharedSecret::new(b"xyzzy5461")
}

fn request() -> RequestBuilder {
    RequestBuilder::new(Code::AccessRequest, 1, [3; 16])
        .add(kind::USER_NAME, b"EXAMPLE\\nemo")
        .unwrap()
}

/// Whether the built request proves exactly this password.
fn proves(request: RequestBuilder, protocol: &str, password: &str) {
    let bytes = request.sign(&secret());
    let packet = Packet::read(&bytes).unwrap();
    let found = credentials(&packet, &secret()).unwrap();
    assert_eq!(found.protocol(), protocol);
    assert!(found.matches(password.as_bytes()));
    for other in ["", "755225", "755224 ", "Pä"] {
        assert!(!found.matches(other.as_bytes()), "{other}");
    }
    assert!(!found.matches(&[0xff]));
}

#[test]
fn each_protocol_proves_its_password() {
    for password in ["755224", "Päßwort 1234", "漢字🔑"] {
        proves(
            request().pap(password.as_bytes(), &secret()).unwrap(),
            "pap",
            password,
        );
        proves(
            request()
                .chap(5, password.as_bytes(), b"challenge")
                .unwrap(),
            "chap",
            password,
        );
        proves(
            request().mschap(5, password, &[8; 8]).unwrap(),
            "mschap",
            password,
        );
        let version2 = request()
            .mschapv2(5, b"EXAMPLE\\nemo", password, &[8; 16], &[9; 16])
            .unwrap();
        proves(version2, "mschapv2", password);
    }
}

#[test]
fn mschapv2_binds_the_user() {
    let bytes = request()
        .mschapv2(5, b"other", "755224", &[8; 16], &[9; 16])
        .unwrap()
        .sign(&secret());
    let packet = Packet::read(&bytes).unwrap();
    assert!(!credentials(&packet, &secret()).unwrap().matches(b"755224"));
}

#[test]
fn eap_and_nothing_prove_nothing() {
    for (built, protocol) in [
        (request().add(kind::EAP_MESSAGE, b"").unwrap(), "eap"),
        (request(), "none"),
    ] {
        let bytes = built.sign(&secret());
        let packet = Packet::read(&bytes).unwrap();
        let found = credentials(&packet, &secret()).unwrap();
        assert_eq!(found.protocol(), protocol);
        assert!(!found.matches(b""));
    }
}

fn fault(built: RequestBuilder) -> CredentialsFault {
    let bytes = built.sign(&secret());
    credentials(&Packet::read(&bytes).unwrap(), &secret()).unwrap_err()
}

#[test]
fn contradictions_and_wrong_lengths_have_their_variants() {
    let pap = || request().pap(b"755224", &secret()).unwrap();
    assert_eq!(
        fault(pap().chap(5, b"755224", b"c").unwrap()),
        CredentialsFault::SeveralKinds
    );
    assert_eq!(
        fault(pap().add(kind::EAP_MESSAGE, b"x").unwrap()),
        CredentialsFault::SeveralKinds
    );
    assert_eq!(
        fault(request().add(kind::CHAP_PASSWORD, &[0; 16]).unwrap()),
        CredentialsFault::ChapLength
    );
    assert_eq!(
        fault(request().chap(5, b"755224", b"").unwrap()),
        CredentialsFault::ChapLength
    );
    let microsoft = |kind, value: &[u8]| request().add_vendor(MICROSOFT, kind, value).unwrap();
    assert_eq!(
        fault(microsoft(kind::MS_CHAP_RESPONSE, &[0; 50])),
        CredentialsFault::MsChapLength
    );
    assert_eq!(
        fault(microsoft(kind::MS_CHAP2_RESPONSE, &[0; 49])),
        CredentialsFault::MsChapV2Length
    );
}

#[test]
fn the_cleartext_is_not_printed() {
    let bytes = request().pap(b"755224", &secret()).unwrap().sign(&secret());
    let packet = Packet::read(&bytes).unwrap();
    assert!(!format!("{:?}", credentials(&packet, &secret()).unwrap()).contains("755224"));
}
