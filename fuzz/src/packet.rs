#![no_main]
//! The packet reader and everything that looks into a packet.

use countersign_radius::{Demand, Packet, SharedSecret, admit, credentials};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let secret = SharedSecret::new(b"fuzz");
    let Ok(packet) = Packet::read(bytes) else {
        return;
    };
    let _ = admit(&packet, &secret, Demand::OptedOut);
    if let Ok(proof) = credentials(&packet, &secret) {
        let _ = proof.matches(b"755224");
    }
    packet.attributes().for_each(drop);
    packet.vendor_attributes().for_each(drop);
    packet.extended().for_each(drop);
});
