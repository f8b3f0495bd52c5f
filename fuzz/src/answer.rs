#![no_main]
//! What a RADIUS back-end answers, and what is passed on of it.

use countersign_radius::mschap::ReadError;
use countersign_radius::{
    Code, Demand, Dictionary, Packet, Reply, RequestBuilder, SharedSecret, forward, kind,
    verify_response,
};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::built_in);

fuzz_target!(|bytes: &[u8]| {
    let secret = SharedSecret::new(b"fuzz");
    let Ok(packet) = Packet::read(bytes) else {
        return;
    };
    let _ = verify_response(&packet, packet.identifier(), &[1; 16], &secret, Demand::Required);
    if let Some(error) = packet.vendor(kind::MICROSOFT, kind::MS_CHAP_ERROR) {
        let _ = ReadError::read(error);
    }
    let request = RequestBuilder::new(Code::AccessRequest, 1, [1; 16]).sign(&secret);
    let request = Packet::read(&request).expect("our own request");
    let mut reply = Reply::new(Code::AccessAccept, &request).expect("room for nothing");
    let passed = forward::reply_attributes(&packet, &DICTIONARY);
    assert!(passed.len() <= bytes.len() * 4);
    let _ = reply.add_passed_on(&passed);
    if let Some(keys) = forward::reply_keys(&packet, &[1; 16], &secret) {
        let _ = reply.add_passed_on_keys(&keys, || [0x80, 1], &secret);
    }
    let signed = reply.sign(&secret);
    assert!(Packet::read(&signed).is_ok(), "what is passed on is well-formed");
    let same = RequestBuilder::new(Code::AccessRequest, 2, [2; 16]);
    let _ = same.same_password(&packet, &secret, &secret);
});
