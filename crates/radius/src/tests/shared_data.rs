//! Data from beside the repository: more vectors, and packets that others have captured.

use super::files::{hex, shared};
use crate::mschap::{MsChap, MsChapV2, NtHash};
use crate::packet::Malformed;
use crate::{Code, Demand, Packet, SharedSecret, credentials, kind, verify_response};
use serde_json::Value;

fn json(path: &str) -> Option<Value> {
    let text = std::fs::read_to_string(shared(path)?).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn octets(value: &Value, field: &str) -> Vec<u8> {
    hex(value[field].as_str().unwrap())
}

#[test]
fn rfc2865_examples() {
    let Some(data) = json("radius/rfc2865-examples.json") else {
        return;
    };
    for example in data["examples"].as_array().unwrap() {
        let secret = SharedSecret::new(example["secret"].as_str().unwrap().as_bytes());
        let (request, response) = (
            octets(example, "request_hex"),
            octets(example, "response_hex"),
        );
        let (request, response) = (
            Packet::read(&request).unwrap(),
            Packet::read(&response).unwrap(),
        );
        let clear = credentials(&request, &secret)
            .unwrap()
            .cleartext()
            .map(<[u8]>::to_vec);
        assert_eq!(
            clear.as_deref(),
            example["password"].as_str().map(str::as_bytes)
        );
        let (identifier, authenticator) = (request.identifier(), request.authenticator());
        assert_eq!(
            verify_response(
                &response,
                identifier,
                authenticator,
                &secret,
                Demand::OptedOut
            ),
            Ok(())
        );
    }
}

#[test]
fn mschap_vectors() {
    let Some(data) = json("mschap/mschap-vectors.json") else {
        return;
    };
    for vector in data["mschapv1"].as_array().unwrap() {
        let value = [&[1, 1][..], &[0; 24], &octets(vector, "nt_response")].concat();
        let challenge = octets(vector, "challenge");
        let proof = MsChap::read(&value, &challenge).unwrap();
        assert!(proof.matches(vector["password"].as_str().unwrap().as_bytes()));
    }
    for vector in data["mschapv2"].as_array().unwrap() {
        let user = vector["user_as_sent"]
            .as_str()
            .or(vector["user"].as_str())
            .unwrap();
        let value = [
            &[0, 0][..],
            &octets(vector, "peer_challenge"),
            &[0; 8],
            &octets(vector, "nt_response"),
        ]
        .concat();
        let challenge = octets(vector, "authenticator_challenge");
        let proof = MsChapV2::read(&value, &challenge, user.as_bytes()).unwrap();
        let hash = NtHash::of(vector["password"].as_str().unwrap());
        assert!(proof.matches_hash(&hash), "{user}");
        if let Some(success) = vector["chap2_success_attr"].as_str() {
            assert_eq!(proof.success_value(&hash)[..], hex(success));
        }
    }
}

/// The UDP payloads of a capture file.
fn payloads(file: &[u8]) -> Vec<&[u8]> {
    const MAGIC: [u8; 4] = [0xd4, 0xc3, 0xb2, 0xa1];
    const ETHERNET: u8 = 1;
    assert_eq!(file[..4], MAGIC, "little-endian microseconds");
    // Ethernet has 14 octets before IP, Linux' cooked capture 16.
    let link = if file[20] == ETHERNET { 14 } else { 16 };
    let mut rest = &file[24..];
    let mut payloads = Vec::new();
    while rest.len() >= 16 {
        let size = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let end = (16 + size).min(rest.len());
        let ip = &rest[16 + link..end];
        let header = usize::from(ip[0] & 15) * 4;
        payloads.push(&ip[header + 8..]);
        rest = &rest[end..];
    }
    payloads
}

fn capture(file: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(shared(&format!("radius/tcpdump-pcap/{file}"))?).unwrap())
}

/// Codes, number of attributes and identifier of each packet, or why it is none.
fn read_all(file: &[u8]) -> Vec<Result<(Code, usize, u8), Malformed>> {
    let read = |payload| {
        Packet::read(payload).map(|it| (it.code(), it.attributes().count(), it.identifier()))
    };
    payloads(file).into_iter().map(read).collect()
}

#[test]
fn captures_read_as_their_descriptions_say() {
    use Code::{AccessAccept, AccessRequest, CoaRequest};
    for (file, first, last) in [
        (
            "RADIUS-RFC3162.pcap",
            (AccessRequest, 9, 0xf0),
            (AccessRequest, 9, 0xf0),
        ),
        (
            "RADIUS-RFC4675.pcap",
            (AccessRequest, 5, 0x46),
            (AccessAccept, 3, 0x5a),
        ),
        (
            "RADIUS-RFC5176.pcap",
            (Code::DisconnectRequest, 1, 1),
            (Code::CoaNak, 1, 6),
        ),
        (
            "RADIUS-RFC5176-2.pcap",
            (AccessRequest, 4, 0xc8),
            (AccessRequest, 4, 0xc8),
        ),
        (
            "RADIUS-RFC5580.pcap",
            (AccessRequest, 9, 2),
            (AccessRequest, 9, 2),
        ),
        (
            "RADIUS-port1700.pcap",
            (CoaRequest, 1, 0xa6),
            (CoaRequest, 1, 0xa6),
        ),
        ("RADIUS.pcap", (AccessRequest, 10, 5), (AccessAccept, 7, 6)),
        (
            "radius_rfc5447.pcap",
            (AccessRequest, 3, 0x4f),
            (AccessRequest, 3, 0x4f),
        ),
    ] {
        let Some(bytes) = capture(file) else { continue };
        let packets = read_all(&bytes);
        assert_eq!(packets.first(), Some(&Ok(first)), "{file}");
        assert_eq!(packets.last(), Some(&Ok(last)), "{file}");
        assert!(packets.iter().all(Result::is_ok), "{file}: {packets:?}");
    }
}

#[test]
fn malformed_captures_are_refused() {
    for file in [
        "radius_attr_asan.pcap",
        "radius_rfc5447_invalid_length.pcap",
    ] {
        let Some(bytes) = capture(file) else { continue };
        assert!(read_all(&bytes).iter().all(Result::is_err), "{file}");
    }
}

#[test]
fn ipv6_attributes_of_a_capture() {
    let Some(bytes) = capture("RADIUS-RFC3162.pcap") else {
        return;
    };
    let packet = Packet::read(payloads(&bytes)[0]).unwrap();
    let nas = packet
        .attributes()
        .find(|it| it.kind == kind::NAS_IPV6_ADDRESS)
        .unwrap();
    assert_eq!(nas.ipv6(), Some("2001:db8:a0b:12f0::1".parse().unwrap()));
    let prefixes: Vec<_> = packet
        .attributes()
        .filter(|it| it.kind == kind::FRAMED_IPV6_PREFIX)
        .map(|it| {
            it.ipv6_prefix()
                .map(|prefix| (prefix.address.to_string(), prefix.length))
        })
        .collect();
    let subnet = Some(("2001:db8:a0b:12f0::".to_owned(), 64));
    let all = Some(("::".to_owned(), 0));
    assert_eq!(prefixes, [subnet.clone(), subnet, all, None, None, None]);
}

#[test]
fn the_eap_identity_of_a_capture() {
    let Some(bytes) = capture("RADIUS.pcap") else {
        return;
    };
    let packet = Packet::read(payloads(&bytes)[0]).unwrap();
    let message = crate::eap::message(&packet).unwrap();
    let eap = crate::eap::Eap::read(&message).unwrap();
    assert_eq!(eap.identity(), packet.first(kind::USER_NAME));
}
