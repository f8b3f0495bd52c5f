//! The examples of the RFCs.

use super::files::vectors;
use crate::mschap::{MsChap, MsChapV2, NtHash, challenge_hash, mppe_keys};
use crate::{
    Code, Credentials, Demand, Packet, Refused, Reply, RequestBuilder, SharedSecret, admit,
    credentials, kind, password, salted, verify_response,
};

#[test]
fn rfc2865_requests_are_read_and_answers_verified() {
    for vector in vectors("rfc2865.txt") {
        let secret = SharedSecret::new(vector.field("secret"));
        let request = Packet::read(vector.field("request")).unwrap();
        assert_eq!(
            request.first(kind::USER_NAME),
            Some(vector.field("user")),
            "{}",
            vector.name
        );
        let found = credentials(&request, &secret).unwrap();
        match vector.optional("password") {
            Some(password) => assert_eq!(found.cleartext(), Some(password), "{}", vector.name),
            None => assert_eq!(found.protocol(), "chap", "{}", vector.name),
        }
        let response = Packet::read(vector.field("response")).unwrap();
        let verified = |demand| {
            verify_response(
                &response,
                request.identifier(),
                request.authenticator(),
                &secret,
                demand,
            )
        };
        assert_eq!(verified(Demand::OptedOut), Ok(()), "{}", vector.name);
        assert_eq!(
            verified(Demand::Required),
            Err(Refused::Absent),
            "{}",
            vector.name
        );
        assert_eq!(admit(&request, &secret, Demand::OptedOut), Ok(()));
        assert_eq!(
            admit(&request, &secret, Demand::Required),
            Err(Refused::Absent)
        );
    }
}

#[test]
fn rfc2865_passwords_are_hidden_to_the_same_octets() {
    for vector in vectors("rfc2865.txt") {
        let Some(clear) = vector.optional("password") else {
            continue;
        };
        let secret = SharedSecret::new(vector.field("secret"));
        let request = Packet::read(vector.field("request")).unwrap();
        let hidden = password::hide(clear, request.authenticator(), &secret).unwrap();
        assert_eq!(
            Some(&hidden[..]),
            request.first(kind::USER_PASSWORD),
            "{}",
            vector.name
        );
    }
}

#[test]
fn rfc2866_accounting() {
    for vector in vectors("rfc2866.txt") {
        let secret = SharedSecret::new(vector.field("secret"));
        let request = Packet::read(vector.field("request")).unwrap();
        assert_eq!(admit(&request, &secret, Demand::Required), Ok(()));
        assert_eq!(
            admit(&request, &SharedSecret::new(b"other"), Demand::Required),
            Err(Refused::Authenticator)
        );
        let reply = Reply::new(Code::AccountingResponse, &request)
            .unwrap()
            .sign(&secret);
        assert_eq!(reply, vector.field("response"));
        let built = request.attributes().fold(
            RequestBuilder::new(Code::AccountingRequest, request.identifier(), [7; 16]),
            |builder, attribute| builder.add(attribute.kind, attribute.value).unwrap(),
        );
        assert_eq!(built.sign(&secret), vector.field("request"));
    }
}

#[test]
fn rfc3579_message_authenticators() {
    for vector in vectors("rfc3579.txt") {
        let secret = SharedSecret::new(vector.field("secret"));
        let request = Packet::read(vector.field("request")).unwrap();
        assert_eq!(
            admit(&request, &secret, Demand::Required),
            Ok(()),
            "{}",
            vector.name
        );
        let built = request.attributes().skip(1).fold(
            RequestBuilder::new(
                request.code(),
                request.identifier(),
                *request.authenticator(),
            ),
            |builder, attribute| builder.add(attribute.kind, attribute.value).unwrap(),
        );
        assert_eq!(
            built.sign(&secret),
            vector.field("request"),
            "{}",
            vector.name
        );
        let response = Packet::read(vector.field("response")).unwrap();
        let (identifier, authenticator) = (request.identifier(), request.authenticator());
        let verified = verify_response(
            &response,
            identifier,
            authenticator,
            &secret,
            Demand::OptedOut,
        );
        assert_eq!(verified, Ok(()), "{}", vector.name);
        if response.code() == Code::AccessChallenge {
            let mut reply = Reply::new(response.code(), &request).unwrap();
            response
                .attributes()
                .skip(1)
                .for_each(|it| reply.add(it.kind, it.value).unwrap());
            assert_eq!(reply.sign(&secret), vector.field("response"));
        }
    }
}

#[test]
fn rfc2433_mschap() {
    for vector in vectors("rfc2433.txt") {
        let password = vector.text("password");
        assert_eq!(NtHash::of(password).as_bytes(), vector.field("nt_hash"));
        let value = [&[1, 1][..], &[0; 24], vector.field("nt_response")].concat();
        let proof = MsChap::read(&value, vector.field("challenge")).unwrap();
        assert!(proof.matches(password.as_bytes()));
        assert!(!proof.matches(b"mypw"));
    }
}

#[test]
fn rfc2759_mschapv2() {
    for vector in vectors("rfc2759.txt") {
        let hash = NtHash::of(vector.text("password"));
        assert_eq!(hash.as_bytes(), vector.field("nt_hash"));
        assert_eq!(hash.again().as_bytes(), vector.field("nt_hash_hash"));
        let (peer, authenticator) = (
            vector.array("peer_challenge"),
            vector.array("authenticator_challenge"),
        );
        let made = challenge_hash(&peer, &authenticator, vector.field("user"));
        assert_eq!(made, vector.field("challenge_hash"));
        let value = [&[7, 0][..], &peer, &[0; 8], vector.field("nt_response")].concat();
        let proof = MsChapV2::read(&value, &authenticator, vector.field("user")).unwrap();
        assert!(proof.matches(vector.field("password")));
        assert!(!proof.matches(b"clientpass"));
        assert_eq!(
            proof.authenticator_response(&hash),
            vector.field("authenticator_response")
        );
        assert_eq!(proof.success_value(&hash)[..3], [7, b'S', b'=']);
        for octet in 26..50 {
            let mut forged = value.clone();
            forged[octet] ^= 1;
            let proof = MsChapV2::read(&forged, &authenticator, vector.field("user")).unwrap();
            assert!(
                !proof.matches(vector.field("password")),
                "octet {octet} is compared"
            );
        }
    }
}

#[test]
fn rfc3079_keys() {
    let [ref first, ref second] = vectors("rfc3079.txt")[..] else {
        panic!("two vectors")
    };
    let secret = SharedSecret::new(b"s");
    let keys = mppe_keys(first.text("password"), &[9; 16], &secret);
    let clear = password::reveal(&keys, &[9; 16], &secret).unwrap();
    assert_eq!(clear.as_bytes()[..8], *first.field("lm_hash_half"));
    assert_eq!(clear.as_bytes()[8..], *first.field("nt_hash_hash"));

    let hash = NtHash::of(second.text("password"));
    let value = [
        &[7, 0][..],
        second.field("peer_challenge"),
        &[0; 8],
        second.field("nt_response"),
    ]
    .concat();
    let proof = MsChapV2::read(
        &value,
        second.field("authenticator_challenge"),
        second.field("user"),
    )
    .unwrap();
    let keys = proof.keys(&hash);
    assert_eq!(keys.send[..], *second.field("send_key"));
    assert_eq!(keys.receive[..], *second.field("receive_key"));
}

#[test]
fn rfc2548_salted_keys() {
    for vector in vectors("rfc2548.txt") {
        let secret = SharedSecret::new(vector.field("secret"));
        let authenticator = vector.array("request_authenticator");
        let value = salted::encrypt(
            vector.field("key"),
            vector.array("salt"),
            &authenticator,
            &secret,
        );
        assert_eq!(
            value.as_deref(),
            Some(vector.field("value")),
            "{}",
            vector.name
        );
        let key = salted::decrypt(vector.field("value"), &authenticator, &secret).unwrap();
        assert_eq!(*key, vector.field("key"), "{}", vector.name);
    }
}

#[test]
fn rfc2865_example_without_user_password_is_chap() {
    let vectors = vectors("rfc2865.txt");
    let vector = vectors
        .iter()
        .find(|vector| vector.optional("password").is_none())
        .unwrap();
    let request = Packet::read(vector.field("request")).unwrap();
    let found = credentials(&request, &SharedSecret::new(vector.field("secret"))).unwrap();
    let Credentials::Chap(proof) = found else {
        panic!("not chap")
    };
    assert_eq!(
        proof.challenge,
        request.authenticator(),
        "without CHAP-Challenge the authenticator serves"
    );
}
