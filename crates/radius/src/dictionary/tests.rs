use proptest::prelude::*;

use super::*;

fn encoded(name: &str, text: &str) -> Vec<u8> {
    Dictionary::built_in()
        .encode(name, text)
        .unwrap()
        .as_bytes()
        .to_vec()
}

fn refused(name: &str, text: &str) -> EncodeError {
    Dictionary::built_in().encode(name, text).unwrap_err()
}

#[test]
fn names_and_numbers_lead_to_one_another() {
    let dictionary = Dictionary::built_in();
    for definition in dictionary.definitions() {
        assert_eq!(
            dictionary.by_number(definition.space, definition.number),
            Some(definition),
            "{}",
            definition.name
        );
        assert_eq!(
            dictionary.by_name(&definition.name.to_uppercase()),
            Some(definition),
            "{}",
            definition.name
        );
    }
    assert!(dictionary.definitions().count() > 300);
}

#[test]
fn every_named_value_belongs_to_an_attribute() {
    let dictionary = Dictionary::built_in();
    for attribute in dictionary.values.keys() {
        assert!(dictionary.by_name(attribute).is_some(), "{attribute}");
    }
}

#[test]
fn named_values_have_numbers_and_names() {
    let dictionary = Dictionary::built_in();
    assert_eq!(
        dictionary.value("service-type", "administrative-user"),
        Some(6)
    );
    assert_eq!(
        dictionary.value_name("Acct-Status-Type", 3),
        Some("Interim-Update")
    );
    assert_eq!(dictionary.value("Acct-Status-Type", "Alive"), Some(3));
    assert_eq!(dictionary.value("Service-Type", "nonsense"), None);
}

#[test]
fn each_type_is_encoded() {
    assert_eq!(encoded("Filter-Id", "vpn"), b"\x0b\x05vpn");
    assert_eq!(encoded("Class", "0x00ff"), [25, 4, 0, 0xff]);
    assert_eq!(encoded("Class", "staff"), b"\x19\x07staff");
    assert_eq!(encoded("Service-Type", "Login-User"), [6, 6, 0, 0, 0, 1]);
    assert_eq!(
        encoded("Session-Timeout", "3600"),
        [27, 6, 0, 0, 0x0e, 0x10]
    );
    assert_eq!(encoded("Session-Timeout", "0x10"), [27, 6, 0, 0, 0, 16]);
    assert_eq!(
        encoded("Framed-IP-Address", "192.168.1.3"),
        [8, 6, 192, 168, 1, 3]
    );
    assert_eq!(encoded("Event-Timestamp", "1"), [55, 6, 0, 0, 0, 1]);
    assert_eq!(
        encoded("Framed-Interface-Id", "1:2:a0b:ffff"),
        [96, 10, 0, 1, 0, 2, 0x0a, 0x0b, 0xff, 0xff]
    );
    assert_eq!(
        encoded("Framed-IPv6-Prefix", "2001:db8::1/32"),
        [97, 8, 0, 32, 0x20, 0x01, 0x0d, 0xb8]
    );
    assert_eq!(
        encoded("MIP6-Feature-Vector", "258"),
        [124, 10, 0, 0, 0, 0, 0, 0, 1, 2]
    );
    let ipv6 = encoded("Framed-IPv6-Address", "2001:db8::1");
    assert_eq!((ipv6.len(), &ipv6[..4]), (18, &[168, 18, 0x20, 0x01][..]));
}

#[test]
fn vendors_and_extended_types_are_wrapped() {
    assert_eq!(
        encoded("Cisco-AVPair", "a=b"),
        b"\x1a\x0b\x00\x00\x00\x09\x01\x05a=b"
    );
    assert_eq!(
        encoded("Fortinet-Group-Name", "x"),
        b"\x1a\x09\x00\x00\x30\x44\x01\x03x"
    );
    assert_eq!(encoded("Frag-Status", "1"), [241, 7, 1, 0, 0, 0, 1]);
}

#[test]
fn tags_stand_where_the_type_wants_them() {
    assert_eq!(encoded("Tunnel-Type:1", "VLAN"), [64, 6, 1, 0, 0, 13]);
    assert_eq!(
        encoded("Tunnel-Medium-Type", "IEEE-802"),
        [65, 6, 0, 0, 0, 6]
    );
    assert_eq!(
        encoded("Tunnel-Private-Group-Id:2", "42"),
        b"\x51\x05\x0242"
    );
    assert_eq!(encoded("Tunnel-Private-Group-Id", "42"), b"\x51\x0442");
    assert_eq!(
        refused("Tunnel-Type:32", "VLAN"),
        EncodeError::Tag("Tunnel-Type:32".into())
    );
    assert_eq!(
        refused("Filter-Id:1", "x"),
        EncodeError::Tag("Filter-Id:1".into())
    );
    assert_eq!(
        refused("Tunnel-Preference", "16777216"),
        EncodeError::Length("Tunnel-Preference".into())
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    assert_eq!(
        refused("No-Such", "x"),
        EncodeError::UnknownName("No-Such".into())
    );
    assert_eq!(
        refused("Message-Authenticator", "x"),
        EncodeError::Reserved("Message-Authenticator".into())
    );
    assert_eq!(
        refused("MS-MPPE-Send-Key", "x"),
        EncodeError::Hidden("MS-MPPE-Send-Key".into())
    );
    assert_eq!(
        refused("Filter-Id", ""),
        EncodeError::Length("Filter-Id".into())
    );
    assert_eq!(
        refused("Filter-Id", &"x".repeat(254)),
        EncodeError::Length("Filter-Id".into())
    );
    assert_eq!(
        refused("Cisco-AVPair", &"x".repeat(248)),
        EncodeError::Length("Cisco-AVPair".into())
    );
    assert_eq!(encoded("Cisco-AVPair", &"x".repeat(247)).len(), 255);
    for (name, text) in [
        ("Session-Timeout", "soon"),
        ("Session-Timeout", "4294967296"),
        ("Framed-IP-Address", "300.1.1.1"),
        ("Framed-IPv6-Prefix", "2001:db8::/129"),
        ("Framed-Interface-Id", "1:2:3"),
        ("Framed-Interface-Id", "1:2:3:12345"),
        ("Vendor-Specific", "x"),
    ] {
        let error = refused(name, text);
        assert!(
            matches!(error, EncodeError::Value { .. } | EncodeError::Reserved(_)),
            "{name} {text}: {error}"
        );
    }
}

const FILE: &str = "
# a comment
VENDOR		Example		32473
$INCLUDE	dictionary.more
$INCLUDE-	dictionary.absent
BEGIN-VENDOR	Example
ATTRIBUTE	Example-Role	1	string	# behind the fields
ATTRIBUTE	Example-Level	0x02	integer	has_tag
ATTRIBUTE	Example-Key	3	octets[16]	encrypt=2
ATTRIBUTE	Example-Nested	4	tlv
ATTRIBUTE	Example-Child	4.1	string
ATTRIBUTE	Example-Wide	300	string
VALUE	Example-Level	Low	1
END-VENDOR	Example
BEGIN-VENDOR	Example	format=Extended-Vendor-Specific-5
ATTRIBUTE	Example-Long	7	octets
END-VENDOR	Example
ATTRIBUTE	Ours	241.200	ipaddr
";

fn read(text: &str) -> Result<(Dictionary, Loaded), DictionaryError> {
    let mut dictionary = Dictionary::built_in();
    let mut include = |from: &str, name: &str| {
        assert!(from == "dictionary" || from == "dictionary.more" || from == "dictionary.loop");
        match name {
            "dictionary.more" => Some("ATTRIBUTE More 200 ether".to_owned()),
            "dictionary.loop" => Some("$INCLUDE dictionary.loop".to_owned()),
            _ => None,
        }
    };
    let loaded = dictionary.read("dictionary", text, &mut include)?;
    Ok((dictionary, loaded))
}

#[test]
fn a_dictionary_file_extends_the_table() {
    let (dictionary, loaded) = read(FILE).unwrap();
    assert_eq!(
        loaded,
        Loaded {
            attributes: 7,
            values: 1,
            vendors: 1,
            skipped: 2
        }
    );
    let text = |name: &str, text: &str| {
        dictionary
            .encode(name, text)
            .map(|it| it.as_bytes().to_vec())
    };
    assert_eq!(
        text("Example-Role", "x").unwrap(),
        b"\x1a\x09\x00\x00\x7e\xd9\x01\x03x"
    );
    assert_eq!(text("Example-Level:3", "low").unwrap()[8..], [3, 0, 0, 1]);
    assert_eq!(
        text("Example-Key", "x"),
        Err(EncodeError::Hidden("Example-Key".into()))
    );
    assert_eq!(
        text("More", "00-01-02-03-04-05").unwrap(),
        [200, 8, 0, 1, 2, 3, 4, 5]
    );
    assert_eq!(
        text("Ours", "10.0.0.1").unwrap(),
        [241, 7, 200, 10, 0, 0, 1]
    );
    assert_eq!(text("Example-Role", "x").unwrap().len(), 9);
}

#[test]
fn a_long_extended_value_comes_back_from_its_fragments() {
    let (dictionary, _) = read(FILE).unwrap();
    let clear = "long ".repeat(130);
    let encoded = dictionary.encode("Example-Long", &clear).unwrap();
    let request = crate::RequestBuilder::unsigned(crate::Code::AccessRequest, 1, [0; 16]);
    let mut bytes = request.sign(&crate::SharedSecret::new(b"s"));
    bytes.extend_from_slice(encoded.as_bytes());
    let length = u16::try_from(bytes.len()).unwrap();
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    let packet = crate::Packet::read(&bytes).unwrap();
    let extended = packet.extended().next().unwrap().unwrap();
    let vendor = extended.vendor().unwrap();
    assert_eq!((extended.kind, vendor.vendor, vendor.kind), (245, 32473, 7));
    assert_eq!(vendor.value, clear.as_bytes());
    assert_eq!(packet.extended().count(), 1);
}

#[test]
fn faults_name_file_and_line() {
    let fault = |text: &str| {
        read(text)
            .map(drop)
            .map_err(|error| (error.line, error.fault))
            .unwrap_err()
    };
    assert_eq!(fault("\nNONSENSE x"), (2, FileFault::Keyword));
    assert_eq!(fault("ATTRIBUTE x 1"), (1, FileFault::FieldMissing));
    assert_eq!(fault("ATTRIBUTE x one string"), (1, FileFault::Number));
    assert_eq!(fault("ATTRIBUTE x 1 nonsense"), (1, FileFault::DataType));
    assert_eq!(fault("BEGIN-VENDOR Nobody"), (1, FileFault::Vendor));
    assert_eq!(fault("END-VENDOR Cisco"), (1, FileFault::Block));
    assert_eq!(fault("BEGIN-VENDOR Cisco"), (1, FileFault::Block));
    assert_eq!(
        fault("$INCLUDE dictionary.absent"),
        (1, FileFault::IncludeNotFound)
    );
    assert_eq!(
        fault("$INCLUDE dictionary.loop"),
        (1, FileFault::TooManyIncludes)
    );
    assert_eq!(
        fault(&format!("ATTRIBUTE {} 1 string", "x".repeat(129))),
        (1, FileFault::NameTooLong)
    );
}

proptest! {
    #[test]
    fn reading_any_lines_does_not_panic(
        lines in proptest::collection::vec(
            "(ATTRIBUTE|VALUE|VENDOR|BEGIN-VENDOR|END-VENDOR|BEGIN-TLV|END-TLV|\\$INCLUDE-)?( (Cisco|26|241|245|[0-9.]{1,12}|0x[0-9a-f]{0,20}|integer|tlv|encrypt=2,has_tag|\\PC{0,4})){0,5}",
            0..12,
        )
    ) {
        let _ = Dictionary::built_in().read("any", &lines.join("\n"), &mut |_, _| None);
    }

    #[test]
    fn whatever_is_encoded_reads_back_as_one_attribute(at in 0usize..330, tag in "(:[0-9]{1,3})?", text in "\\PC{0,260}|[0-9a-fx:./-]{0,30}") {
        let dictionary = Dictionary::built_in();
        let definition = dictionary.definitions().nth(at).unwrap();
        if let Ok(encoded) = dictionary.encode(&format!("{}{tag}", definition.name), &text) {
            let request = crate::RequestBuilder::new(crate::Code::AccessRequest, 1, [0; 16]).sign(&crate::SharedSecret::new(b"s"));
            let mut reply = crate::Reply::new(crate::Code::AccessAccept, &crate::Packet::read(&request).unwrap()).unwrap();
            reply.add_encoded(&encoded).unwrap();
            let bytes = reply.sign(&crate::SharedSecret::new(b"s"));
            prop_assert_eq!(crate::Packet::read(&bytes).unwrap().attributes().count(), 2);
        }
    }
}
