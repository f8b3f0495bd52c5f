use super::*;
use crate::mschap::{MppeKeys, MsChapV2, NtHash};
use crate::{Code, Credentials, Reply, credentials};

const CLIENT: &[u8] = b"secret of the client";
const SERVER: &[u8] = b"secret of the server";

fn secrets() -> (SharedSecret, SharedSecret) {
    (SharedSecret::new(CLIENT), SharedSecret::new(SERVER))
}

fn request() -> RequestBuilder {
    RequestBuilder::new(Code::AccessRequest, 7, [9; 16])
        .add(kind::USER_NAME, b"alice")
        .unwrap()
        .add(kind::NAS_IDENTIFIER, b"vpn")
        .unwrap()
        .add(kind::PROXY_STATE, b"p")
        .unwrap()
        .add(kind::STATE, b"s")
        .unwrap()
        .add_vendor(9, 1, b"shell:priv-lvl=15")
        .unwrap()
}

/// The request of a client, sent on to a server.
fn sent_on(received: &[u8]) -> Vec<u8> {
    let (from, to) = secrets();
    let received = Packet::read(received).unwrap();
    let mut next = RequestBuilder::new(Code::AccessRequest, 99, [4; 16])
        .add(kind::USER_NAME, b"alice")
        .unwrap();
    for attribute in request_attributes(&received) {
        next = next.add(attribute.kind, attribute.value).unwrap();
    }
    next.same_password(&received, &from, &to).unwrap().sign(&to)
}

fn kinds(packet: &[u8]) -> Vec<u8> {
    let packet = Packet::read(packet).unwrap();
    packet.attributes().map(|it| it.kind).collect()
}

#[test]
fn a_clear_password_is_hidden_for_the_server() {
    let (from, to) = secrets();
    let next = sent_on(&request().pap(b"right", &from).unwrap().sign(&from));
    let packet = Packet::read(&next).unwrap();
    let found = credentials(&packet, &to).unwrap();
    assert_eq!(found.cleartext(), Some(&b"right"[..]));
    assert_eq!(
        kinds(&next),
        [
            kind::MESSAGE_AUTHENTICATOR,
            kind::USER_NAME,
            kind::NAS_IDENTIFIER,
            kind::VENDOR_SPECIFIC,
            kind::USER_PASSWORD
        ]
    );
}

#[test]
fn hashes_reach_the_server_as_they_were() {
    let (from, _) = secrets();
    let all = [
        request().chap(3, b"right", &[5; 20]).unwrap(),
        request().mschap(3, "right", &[5; 8]).unwrap(),
        request()
            .mschapv2(3, b"alice", "right", &[5; 16], &[6; 16])
            .unwrap(),
    ];
    for builder in all {
        let next = sent_on(&builder.sign(&from));
        let packet = Packet::read(&next).unwrap();
        let proof = credentials(&packet, &secrets().1).unwrap();
        assert!(proof.matches(b"right"), "{}", proof.protocol());
        assert!(!proof.matches(b"wrong"), "{}", proof.protocol());
    }
}

#[test]
fn a_challenge_that_was_the_authenticator_is_written_out() {
    let (from, _) = secrets();
    let mut value = vec![3];
    value.extend_from_slice(&crate::chap::response(3, b"right", &[9; 16]));
    let next = sent_on(
        &request()
            .add(kind::CHAP_PASSWORD, &value)
            .unwrap()
            .sign(&from),
    );
    let packet = Packet::read(&next).unwrap();
    assert_eq!(packet.first(kind::CHAP_CHALLENGE), Some(&[9; 16][..]));
    assert!(
        credentials(&packet, &secrets().1)
            .unwrap()
            .matches(b"right")
    );
}

/// The answer of a server to `asked`.
fn accept(asked: &[u8], fill: impl FnOnce(&mut Reply)) -> Vec<u8> {
    let mut reply = Reply::new(Code::AccessAccept, &Packet::read(asked).unwrap()).unwrap();
    reply.add(kind::CLASS, b"staff").unwrap();
    fill(&mut reply);
    reply.sign(&secrets().1)
}

#[test]
fn a_client_gets_nothing_that_was_meant_for_us() {
    let (_, to) = secrets();
    let asked = request().sign(&to);
    let accepted = accept(&asked, |reply| {
        reply.add(kind::STATE, b"back").unwrap();
        reply.add(69, &[0x81; 19]).unwrap(); // Tunnel-Password
        reply
            .add_mppe_key(kind::MS_MPPE_SEND_KEY, &[1; 16], [0x80, 1], &to)
            .unwrap();
        reply
            .add_vendor(MICROSOFT, kind::MS_MPPE_ENCRYPTION_TYPES, &[0, 0, 0, 4])
            .unwrap();
        reply.add_vendor(9, 1, b"shell:priv-lvl=15").unwrap();
        let mut both = MICROSOFT.to_be_bytes().to_vec();
        both.extend_from_slice(&[kind::MS_CHAP2_SUCCESS, 3, 7, 28, 6, 10, 0, 0, 1]);
        reply.add(kind::VENDOR_SPECIFIC, &both).unwrap();
    });
    let kept = reply_attributes(&Packet::read(&accepted).unwrap(), &Dictionary::built_in());
    let again = accept(&asked, |reply| reply.add_passed_on(&kept).unwrap());
    let packet = Packet::read(&again).unwrap();
    let vendor: Vec<_> = packet
        .vendor_attributes()
        .map(|it| (it.vendor, it.kind, it.value.to_vec()))
        .collect();
    assert_eq!(
        vendor,
        [
            (MICROSOFT, kind::MS_MPPE_ENCRYPTION_TYPES, vec![0, 0, 0, 4]),
            (9, 1, b"shell:priv-lvl=15".to_vec()),
            (MICROSOFT, 28, vec![10, 0, 0, 1]),
        ]
    );
    assert_eq!(packet.all(kind::CLASS).count(), 2);
    assert_eq!(packet.first(kind::STATE), None);
    assert_eq!(packet.first(69), None);
}

#[test]
fn keys_are_encrypted_anew_for_the_client() {
    let (from, to) = secrets();
    let received = request()
        .mschapv2(3, b"alice", "right", &[5; 16], &[6; 16])
        .unwrap()
        .sign(&from);
    let asked = sent_on(&received);
    let proved = Packet::read(&asked).unwrap();
    let Ok(Credentials::MsChapV2(proof)) = credentials(&proved, &to) else {
        panic!("the proof is there");
    };
    let hash = NtHash::of("right");
    let MppeKeys { send, receive } = MsChapV2::keys(&proof, &hash);
    let accepted = accept(&asked, |reply| {
        reply
            .add_vendor(
                MICROSOFT,
                kind::MS_CHAP2_SUCCESS,
                &proof.success_value(&hash),
            )
            .unwrap();
        reply
            .add_mppe_key(kind::MS_MPPE_SEND_KEY, &*send, [0x81, 1], &to)
            .unwrap();
        reply
            .add_mppe_key(kind::MS_MPPE_RECV_KEY, &*receive, [0x82, 2], &to)
            .unwrap();
        reply
            .add_vendor(
                MICROSOFT,
                kind::MS_CHAP_MPPE_KEYS,
                &password::hide_blocks(&[0; 32], &[4; 16], &to),
            )
            .unwrap();
    });
    let keys = reply_keys(&Packet::read(&accepted).unwrap(), &[4; 16], &to).unwrap();

    let mut reply = Reply::new(Code::AccessAccept, &Packet::read(&received).unwrap()).unwrap();
    let mut salt = 0x80;
    let fresh = || {
        salt += 1;
        [salt, 0]
    };
    reply.add_passed_on_keys(&keys, fresh, &from).unwrap();
    let signed = reply.sign(&from);
    let packet = Packet::read(&signed).unwrap();
    let value = |kind| packet.vendor(MICROSOFT, kind).unwrap();
    assert_eq!(value(kind::MS_CHAP2_SUCCESS), proof.success_value(&hash));
    let plain = |kind| {
        salted::decrypt(value(kind), &[9; 16], &from)
            .unwrap()
            .to_vec()
    };
    assert_eq!(plain(kind::MS_MPPE_SEND_KEY), send.to_vec());
    assert_eq!(plain(kind::MS_MPPE_RECV_KEY), receive.to_vec());
    let v1 = password::unhide_blocks(value(kind::MS_CHAP_MPPE_KEYS), &[9; 16], &from).unwrap();
    assert_eq!(v1.to_vec(), [0; 32], "padding belongs to the key");
}

#[test]
fn an_answer_without_keys_has_none() {
    let asked = request().sign(&secrets().1);
    let accepted = accept(&asked, |_| {});
    let packet = Packet::read(&accepted).unwrap();
    assert!(reply_keys(&packet, &[4; 16], &secrets().1).is_none());
}
