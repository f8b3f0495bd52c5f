use proptest::prelude::*;

use super::*;

/// A packet around these attributes in wire form.
fn packet(attributes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(HEADER + attributes.len()).unwrap();
    let mut bytes = vec![1, 7];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&[9; 16]);
    bytes.extend_from_slice(attributes);
    bytes
}

fn fault(bytes: &[u8]) -> Malformed {
    Packet::read(bytes).unwrap_err()
}

#[test]
fn each_cause_has_its_variant() {
    let header = |high, low| [&[1, 7, high, low][..], &[0; 16]].concat();
    assert_eq!(fault(&[]), Malformed::TooShort);
    assert_eq!(fault(&[1; 19]), Malformed::TooShort);
    assert_eq!(fault(&header(0, 19)), Malformed::LengthBelowHeader);
    assert_eq!(fault(&header(0x10, 1)), Malformed::LengthAboveMaximum);
    assert_eq!(fault(&header(0, 21)), Malformed::LengthBeyondDatagram);
    assert_eq!(fault(&packet(&[1])), Malformed::AttributeCut);
    assert_eq!(fault(&packet(&[1, 0])), Malformed::AttributeLengthZero);
    assert_eq!(fault(&packet(&[1, 1])), Malformed::AttributeLengthOne);
    assert_eq!(fault(&packet(&[1, 4, 0])), Malformed::AttributeOverruns);
    assert_eq!(
        fault(&packet(&[&[2, 146][..], &[0; 144]].concat())),
        Malformed::UserPasswordTooLong
    );
    assert_eq!(
        fault(&packet(&[&[2, 17][..], &[0; 15]].concat())),
        Malformed::UserPasswordUneven
    );
    assert_eq!(fault(&packet(&[2, 2])), Malformed::UserPasswordUneven);
    let password = [&[2, 18][..], &[0; 16]].concat();
    assert_eq!(
        fault(&packet(&password.repeat(2))),
        Malformed::SeveralUserPasswords
    );
    assert_eq!(
        fault(&packet(&[80, 3, 0])),
        Malformed::MessageAuthenticatorLength
    );
    let signature = [&[80, 18][..], &[0; 16]].concat();
    assert_eq!(
        fault(&packet(&signature.repeat(2))),
        Malformed::SeveralMessageAuthenticators
    );
}

#[test]
fn every_cause_has_its_own_label() {
    let names: std::collections::HashSet<_> =
        Malformed::ALL.iter().map(|cause| cause.name()).collect();
    assert_eq!(names.len(), Malformed::ALL.len());
}

#[test]
fn the_largest_packet_is_read_and_padding_ignored() {
    let mut bytes = packet(&[25, 4, 1, 2].repeat(1019));
    assert_eq!(bytes.len(), MAX_PACKET);
    bytes.extend_from_slice(&[1, 0, 0]);
    let read = Packet::read(&bytes).unwrap();
    assert_eq!(
        (read.attributes().count(), read.bytes().len()),
        (1019, MAX_PACKET)
    );
    let longest = [&[2, 130][..], &[0; 128]].concat();
    assert_eq!(
        Packet::read(&packet(&longest))
            .unwrap()
            .first(kind::USER_PASSWORD),
        Some(&[0; 128][..])
    );
}

#[test]
fn codes_keep_their_numbers() {
    for number in 0..=255 {
        assert_eq!(Code::from(number).number(), number);
    }
    assert_eq!(Code::from(11).name(), "Access-Challenge");
}

#[test]
fn a_vendor_attribute_may_hold_several_others() {
    let bytes = packet(b"\x1a\x0f\x00\x00\x01\x37\x0b\x04ab\x01\x05cde\x1a\x05\x00\x00\x01\x1a\x08\x00\x00\x01\x37\x01\x01");
    let read = Packet::read(&bytes).unwrap();
    assert_eq!(read.vendor(311, 11), Some(&b"ab"[..]));
    assert_eq!(read.vendor(311, 1), Some(&b"cde"[..]));
    assert_eq!(read.vendor(9, 1), None);
    assert_eq!(
        read.vendor_attributes().count(),
        2,
        "what does not fit ends its own attribute only"
    );
}

#[test]
fn extended_attributes_are_joined() {
    let full = |flags: u8| [&[245, 255, 3, flags][..], &[b'x'; 251]].concat();
    let attributes = [
        &[241, 5, 1, b'a', b'b'][..],
        &full(0x80),
        &[245, 6, 3, 0, b'y', b'z'],
    ]
    .concat();
    let bytes = packet(&attributes);
    let all: Vec<_> = Packet::read(&bytes)
        .unwrap()
        .extended()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        (all[0].kind, all[0].extended, &all[0].value[..]),
        (241, 1, &b"ab"[..])
    );
    assert_eq!(
        (all[1].kind, all[1].extended, all[1].value.len()),
        (245, 3, 253)
    );
    assert_eq!(all.len(), 2);

    let faults = |attributes: &[u8]| -> Vec<_> {
        Packet::read(&packet(attributes))
            .unwrap()
            .extended()
            .filter_map(Result::err)
            .collect()
    };
    assert_eq!(faults(&[241, 2]), [InvalidExtended::TooShort]);
    assert_eq!(faults(&[246, 3, 1]), [InvalidExtended::TooShort]);
    assert_eq!(faults(&full(0x80)), [InvalidExtended::FragmentMissing]);
    assert_eq!(
        faults(&[&full(0x80)[..], &[245, 5, 4, 0, 1]].concat()),
        [InvalidExtended::FragmentMissing]
    );
    assert_eq!(
        faults(&[245, 5, 3, 0x80, 1, 245, 5, 3, 0, 1]),
        [InvalidExtended::FragmentNotFull]
    );
}

#[test]
fn prefixes_are_masked() {
    let prefix = Ipv6Prefix::read(&[0, 33, 0x20, 1, 0x0d, 0xb8, 0xff]).unwrap();
    assert_eq!(
        prefix.address,
        "2001:db8:8000::".parse::<std::net::Ipv6Addr>().unwrap()
    );
    assert_eq!(prefix.to_value(), [0, 33, 0x20, 1, 0x0d, 0xb8, 0x80]);
    assert_eq!(
        Ipv6Prefix::read(&[0, 33, 0x20, 1, 0x0d, 0xb8]),
        None,
        "too few octets for the length"
    );
    assert_eq!(
        Ipv6Prefix::new(std::net::Ipv6Addr::LOCALHOST, 128)
            .to_value()
            .len(),
        18
    );
}

proptest! {
    #[test]
    fn reading_anything_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Packet::read(&bytes);
    }

    /// Random octets seldom pass the length check; these always do.
    #[test]
    fn reading_any_attributes_does_not_panic(attributes in proptest::collection::vec(any::<u8>(), 0..300)) {
        walk(&packet(&attributes));
    }

    /// These are always well-formed outside and arbitrary inside.
    #[test]
    fn whatever_attributes_hold_does_not_panic(
        list in proptest::collection::vec(
            (prop_oneof![Just(26u8), Just(245), Just(79), Just(3), 240u8..], proptest::collection::vec(any::<u8>(), 0..=253)), 0..12)
    ) {
        let mut attributes = Vec::new();
        for (kind, value) in &list {
            attributes.extend_from_slice(&[*kind, u8::try_from(value.len() + 2).unwrap()]);
            attributes.extend_from_slice(value);
        }
        let bytes = packet(&attributes);
        prop_assert!(walk(&bytes));
        let read: Vec<_> = Packet::read(&bytes).unwrap().attributes().map(|it| (it.kind, it.value.to_vec())).collect();
        prop_assert_eq!(read, list);
    }
}

/// Looks at everything a packet offers; says whether it was one.
fn walk(bytes: &[u8]) -> bool {
    let Ok(packet) = Packet::read(bytes) else {
        return false;
    };
    let secret = crate::SharedSecret::new(b"s");
    let _ = packet.vendor_attributes().count();
    let _ = packet
        .extended()
        .filter_map(Result::ok)
        .filter_map(|it| it.vendor().map(|it| it.kind))
        .count();
    for it in packet.attributes() {
        let _ = (
            it.text(),
            it.integer(),
            it.ipv6_prefix(),
            it.tagged_integer(),
        );
    }
    let _ = crate::credentials(&packet, &secret);
    let _ = crate::admit(&packet, &secret, crate::Demand::OptedOut);
    let _ = crate::eap::message(&packet);
    true
}
