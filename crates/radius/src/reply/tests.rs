use proptest::prelude::*;

use super::*;
use crate::packet::MAX_PACKET;
use crate::{Dictionary, RequestBuilder};

fn secret() -> SharedSecret {
    SharedSecret::new(b"xyzzy5461")
}

/// The answer to an empty request, after `fill` has added to it.
fn answer(fill: impl FnOnce(&mut Reply)) -> Vec<u8> {
    let request = RequestBuilder::new(Code::AccessRequest, 1, [3; 16]).sign(&secret());
    let mut reply = Reply::new(Code::AccessAccept, &Packet::read(&request).unwrap()).unwrap();
    fill(&mut reply);
    reply.sign(&secret())
}

#[test]
fn nothing_is_cut_when_the_packet_is_full() {
    let bytes = answer(|reply| {
        for _ in 0..15 {
            reply.add(kind::CLASS, &[1; 253]).unwrap();
        }
        assert_eq!(reply.add(kind::CLASS, &[1; 253]), Err(Overflow::Packet));
        assert_eq!(
            reply.add_text(kind::REPLY_MESSAGE, &"x".repeat(300)),
            Err(Overflow::Packet)
        );
        assert_eq!(
            reply.add_split(kind::EAP_MESSAGE, &[0; 300]),
            Err(Overflow::Packet)
        );
        reply.add(kind::CLASS, &[1; 231]).unwrap();
        assert_eq!(reply.add(kind::CLASS, &[]), Err(Overflow::Packet));
    });
    assert_eq!(bytes.len(), MAX_PACKET);
    assert_eq!(Packet::read(&bytes).unwrap().attributes().count(), 17);
}

#[test]
fn values_too_long_for_one_attribute_are_refused() {
    answer(|reply| {
        assert_eq!(reply.add(kind::CLASS, &[1; 254]), Err(Overflow::Value));
        assert_eq!(reply.add_vendor(9, 1, &[1; 248]), Err(Overflow::Value));
        assert_eq!(reply.add_vendor(9, 1, &[1; 247]), Ok(()));
    });
}

#[test]
fn proxy_states_that_leave_no_room_are_refused() {
    let mut request = RequestBuilder::unsigned(Code::AccessRequest, 1, [3; 16]);
    for _ in 0..15 {
        request = request.add(kind::PROXY_STATE, &[1; 253]).unwrap();
    }
    let request = request
        .add(kind::PROXY_STATE, &[1; 240])
        .unwrap()
        .sign(&secret());
    let request = Packet::read(&request).unwrap();
    assert!(matches!(
        Reply::new(Code::AccessAccept, &request),
        Err(Overflow::Packet)
    ));
    assert!(Reply::new(Code::AccountingResponse, &request).is_ok());
}

#[test]
fn keys_are_readable_for_the_client_alone() {
    let bytes = answer(|reply| {
        reply
            .add_mppe_key(kind::MS_MPPE_SEND_KEY, &[7; 16], [0, 1], &secret())
            .unwrap();
        let class = Dictionary::built_in()
            .encode("Session-Timeout", "60")
            .unwrap();
        reply.add_encoded(&class).unwrap();
        reply.add_integer(kind::PROMPT, 0).unwrap();
    });
    let reply = Packet::read(&bytes).unwrap();
    let value = reply
        .vendor(kind::MICROSOFT, kind::MS_MPPE_SEND_KEY)
        .unwrap();
    assert_eq!(
        salted::decrypt(value, &[3; 16], &secret()).unwrap()[..],
        [7; 16]
    );
    assert_eq!(reply.first(kind::SESSION_TIMEOUT), Some(&[0, 0, 0, 60][..]));
    assert_eq!(reply.first(kind::PROMPT), Some(&[0; 4][..]));
}

#[test]
fn a_buffer_is_reused() {
    let request = RequestBuilder::new(Code::AccessRequest, 1, [3; 16]).sign(&secret());
    let request = Packet::read(&request).unwrap();
    let buffer = vec![9; 500];
    let place = buffer.as_ptr();
    let bytes = Reply::new_in(buffer, Code::AccessReject, &request)
        .unwrap()
        .sign(&secret());
    assert_eq!(bytes.as_ptr(), place);
    assert_eq!(
        bytes,
        Reply::new(Code::AccessReject, &request)
            .unwrap()
            .sign(&secret())
    );
}

proptest! {
    #[test]
    fn text_is_split_between_characters(text in "[aä漢🔑]{0,900}") {
        let bytes = answer(|reply| reply.add_text(kind::REPLY_MESSAGE, &text).unwrap());
        let reply = Packet::read(&bytes).unwrap();
        let pieces: Vec<_> = reply.all(kind::REPLY_MESSAGE).map(|it| std::str::from_utf8(it).unwrap()).collect();
        prop_assert_eq!(pieces.concat(), text);
    }

    #[test]
    fn what_is_added_is_read(list in proptest::collection::vec((81u8..=240, proptest::collection::vec(any::<u8>(), 0..=253)), 0..14)) {
        let bytes = answer(|reply| list.iter().for_each(|(kind, value)| reply.add(*kind, value).unwrap()));
        let reply = Packet::read(&bytes).unwrap();
        let read: Vec<_> = reply.attributes().skip(1).map(|it| (it.kind, it.value.to_vec())).collect();
        prop_assert_eq!(read, list);
    }
}
