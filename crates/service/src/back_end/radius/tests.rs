use super::*;
use crate::back_end::Received;
use crate::outbound::Outbound;
use countersign_engine::Secret;
use countersign_engine::model::{
    BackEnd, Charset, Component, ComponentKey, Location, Meta, NotHandled, PasswordProtocol,
    Protocol, RealmRule,
};
use countersign_radius::{Credentials, Reply, RequestBuilder, credentials, kind};
use md5::Digest;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::net::UdpSocket;

const SECRET: &[u8] = b"secret of the server";
const CLIENT: &[u8] = b"secret of the client";

/// A record that keeps the defaults and takes accounting.
pub(in crate::back_end) fn own() -> RadiusBackEnd {
    RadiusBackEnd {
        shared_secret: None,
        accounting_address: Some("127.0.0.1".into()),
        accounting_port: None,
        charset: Charset::Utf8,
        realm_rule: RealmRule::None,
        realm: None,
        password_protocol: PasswordProtocol::Pap,
        require_message_authenticator: true,
    }
}

fn target(port: u16, own: &RadiusBackEnd) -> Target {
    let record = BackEnd {
        address: "127.0.0.1".into(),
        port: Some(port),
        protocol: Protocol::Radius(own.clone()),
        retries: 1,
        ..super::super::servers::tests::record(1, None, 1)
    };
    Target {
        record: Arc::new(record),
        secrets: vec![("shared_secret", Secret::new(SECRET.to_vec()))],
        domain: "example.test".into(),
        outbound: Outbound::default(),
        until: Instant::now() + Duration::from_secs(20),
    }
}

fn ask(wanted: Wanted) -> Ask {
    Ask {
        engine: String::new(),
        domain: Default::default(),
        user: "alice".into(),
        wanted,
    }
}

fn known(password: &str) -> Ask {
    ask(Wanted::Authenticate(Password::Known(Secret::new(
        password.as_bytes().to_vec(),
    ))))
}

fn asking(received: Option<Received>) -> Asking {
    Asking {
        id: [0; 16],
        received: received.map(Arc::new),
    }
}

/// A request as it came from a client.
fn received(build: impl FnOnce(RequestBuilder, &SharedSecret) -> RequestBuilder) -> Received {
    let secret = SharedSecret::new(CLIENT);
    let builder = RequestBuilder::new(Code::AccessRequest, 7, [9; 16]);
    Received {
        packet: build(builder, &secret).sign(&secret).into(),
        secret: Arc::new(secret),
        component: Arc::new(component()),
    }
}

/// A RADIUS client.
pub(crate) fn component() -> Component {
    Component {
        key: ComponentKey(1),
        kind: "radius_client".into(),
        location: Location::Default,
        nas_id: String::new(),
        policy: "local".into(),
        enabled: true,
        description: String::new(),
        shared_secret: None,
        charset: Charset::Utf8,
        require_message_authenticator: true,
        not_handled: NotHandled::Reject,
        status_in_reply: false,
        reply_texts: BTreeMap::new(),
        challenges: true,
        trusted_forwarder: false,
        return_static_password: false,
        api_key: None,
        client_certificate: None,
        address_only: false,
        rate_per_s: None,
        meta: Meta::default(),
    }
}

/// A server that answers each packet by a function, as often as packets come; what it says to one is a list of datagrams.
struct Scripted {
    port: u16,
    seen: Arc<AtomicU32>,
}

impl Scripted {
    async fn start(answer: impl Fn(&Packet<'_>, u32) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let seen = Arc::new(AtomicU32::new(0));
        let count = seen.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (size, from) = socket.recv_from(&mut buffer).await.unwrap();
                let nth = count.fetch_add(1, Ordering::SeqCst);
                let packet = Packet::read(&buffer[..size]).unwrap();
                for datagram in answer(&packet, nth) {
                    socket.send_to(&datagram, from).await.unwrap();
                }
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> u32 {
        self.seen.load(Ordering::SeqCst)
    }
}

fn reply(code: Code, request: &Packet<'_>, secret: &[u8]) -> Vec<u8> {
    Reply::new(code, request)
        .unwrap()
        .sign(&SharedSecret::new(secret))
}

/// Accepts password `right` however it is proved, of the user with this name.
fn judge(name: &'static [u8]) -> impl Fn(&Packet<'_>, u32) -> Vec<Vec<u8>> {
    move |packet, _| {
        let secret = SharedSecret::new(SECRET);
        countersign_radius::admit(packet, &secret, Demand::Required).unwrap();
        let proof = credentials(packet, &secret).unwrap();
        let right = match &proof {
            Credentials::Pap(password) => password.as_bytes() == b"right",
            proof => proof.matches(b"right"),
        };
        let named = packet.first(kind::USER_NAME) == Some(name);
        let code = if right && named {
            Code::AccessAccept
        } else {
            Code::AccessReject
        };
        vec![reply(code, packet, SECRET)]
    }
}

fn is_accepted(tried: &Tried) -> bool {
    matches!(tried, Ok((Said::Accepted(_), _)))
}

#[tokio::test]
async fn a_known_password_is_sent_by_the_protocol_of_the_record() {
    let server = Scripted::start(judge(b"alice")).await;
    for protocol in [
        PasswordProtocol::Pap,
        PasswordProtocol::Chap,
        PasswordProtocol::Mschap,
        PasswordProtocol::Mschapv2,
    ] {
        let (connector, mut own) = (Connector::default(), own());
        own.password_protocol = protocol;
        let target = target(server.port, &own);
        let tried = connector
            .ask(&target, &own, &known("right"), &asking(None))
            .await;
        assert!(is_accepted(&tried), "{protocol:?} {tried:?}");
        let tried = connector
            .ask(&target, &own, &known("wrong"), &asking(None))
            .await;
        assert_eq!(tried, Ok((Said::Rejected, String::new())), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_request_is_passed_on_whatever_its_protocol() {
    let server = Scripted::start(judge(b"alice")).await;
    let requests = [
        received(|it, secret| it.pap(b"right", secret).unwrap()),
        received(|it, _| it.chap(3, b"right", &[5; 16]).unwrap()),
        received(|it, _| it.mschap(3, "right", &[5; 8]).unwrap()),
        received(|it, _| {
            it.mschapv2(3, b"alice", "right", &[5; 16], &[6; 16])
                .unwrap()
        }),
    ];
    let (connector, own) = (Connector::default(), own());
    for request in requests {
        let tried = connector
            .ask(
                &target(server.port, &own),
                &own,
                &ask(Wanted::Authenticate(Password::AsReceived)),
                &asking(Some(request)),
            )
            .await;
        assert!(is_accepted(&tried), "{tried:?}");
    }
}

#[tokio::test]
async fn a_change_of_a_password_is_passed_on() {
    const PARTS: [(u8, &[u8]); 4] = [
        (kind::MS_CHAP2_CPW, &[7; 68]),
        (kind::MS_CHAP_NT_ENC_PW, &[8; 240]),
        (kind::MS_CHAP_NT_ENC_PW, &[9; 240]),
        (kind::MS_CHAP_CHALLENGE, &[5; 16]),
    ];
    let server = Scripted::start(|packet, _| {
        let came: Vec<_> = packet
            .vendor_attributes()
            .map(|it| (it.kind, it.value))
            .collect();
        assert_eq!(came, PARTS);
        vec![reply(Code::AccessAccept, packet, SECRET)]
    })
    .await;
    let request = received(|it, _| {
        PARTS.iter().fold(it, |it, (kind, value)| {
            it.add_vendor(kind::MICROSOFT, *kind, value).unwrap()
        })
    });
    let (connector, own) = (Connector::default(), own());
    let tried = connector
        .ask(
            &target(server.port, &own),
            &own,
            &ask(Wanted::Authenticate(Password::AsReceived)),
            &asking(Some(request)),
        )
        .await;
    assert!(is_accepted(&tried), "{tried:?}");
}

#[tokio::test]
async fn a_realm_goes_with_the_name() {
    for (rule, realm, name) in [
        (RealmRule::Prefix, None, &b"example.test\\alice"[..]),
        (RealmRule::Postfix, None, b"alice@example.test"),
        (RealmRule::Postfix, Some("else"), b"alice@else"),
        (RealmRule::Prefix, Some("ELSE"), b"ELSE\\alice"),
    ] {
        let server = Scripted::start(judge(name)).await;
        let (connector, mut own) = (Connector::default(), own());
        own.realm_rule = rule;
        own.realm = realm.map(Into::into);
        own.password_protocol = PasswordProtocol::Mschapv2;
        let target = target(server.port, &own);
        let tried = connector
            .ask(&target, &own, &known("right"), &asking(None))
            .await;
        assert!(is_accepted(&tried), "{rule:?} {tried:?}");
    }
}

#[tokio::test]
async fn a_challenge_is_answered_with_its_state() {
    let server = Scripted::start(|packet, _| {
        let secret = SharedSecret::new(SECRET);
        let Ok(Credentials::Pap(password)) = credentials(packet, &secret) else {
            return Vec::new();
        };
        let code = match (packet.first(kind::STATE), password.as_bytes()) {
            (None, b"right") => Code::AccessChallenge,
            (Some(b"their state"), b"123456") => Code::AccessAccept,
            _ => Code::AccessReject,
        };
        let mut reply = Reply::new(code, packet).unwrap();
        if code == Code::AccessChallenge {
            reply.add(kind::STATE, b"their state").unwrap();
        }
        vec![reply.sign(&secret)]
    })
    .await;
    let (connector, own) = (Connector::default(), own());
    let target = target(server.port, &own);
    // The State of the client's request is ours, and stays with us.
    let request = || received(|it, _| it.add(kind::STATE, b"our state").unwrap());
    let tried = connector
        .ask(&target, &own, &known("right"), &asking(Some(request())))
        .await;
    let Ok((Said::Challenge(question), _)) = tried else {
        panic!("{tried:?}");
    };
    let respond = |response: &[u8]| {
        ask(Wanted::Respond {
            server: question.server,
            state: question.state.clone(),
            response: Secret::new(response.to_vec()),
        })
    };
    let tried = connector
        .ask(&target, &own, &respond(b"123456"), &asking(Some(request())))
        .await;
    assert!(is_accepted(&tried), "{tried:?}");
    let tried = connector
        .ask(&target, &own, &respond(b"654321"), &asking(Some(request())))
        .await;
    assert_eq!(tried, Ok((Said::Rejected, String::new())));
}

#[tokio::test]
async fn what_is_not_the_server_is_ignored() {
    let server = Scripted::start(|packet, _| {
        let right = reply(Code::AccessReject, packet, SECRET);
        let mut unsigned = vec![2, packet.identifier(), 0, 20];
        unsigned.extend_from_slice(&[0; 16]);
        let mut other = reply(Code::AccessAccept, packet, SECRET);
        other[1] ^= 1;
        vec![
            b"garbage".to_vec(),
            Vec::new(),
            vec![0xff; 4096],
            reply(Code::AccessAccept, packet, b"another secret"),
            unsigned,
            other,
            reply(Code::AccountingResponse, packet, SECRET),
            right.clone(),
            right,
            reply(Code::AccessAccept, packet, SECRET),
        ]
    })
    .await;
    let (connector, own) = (Connector::default(), own());
    for _ in 0..3 {
        let tried = connector
            .ask(
                &target(server.port, &own),
                &own,
                &known("right"),
                &asking(None),
            )
            .await;
        assert_eq!(tried, Ok((Said::Rejected, String::new())));
    }
}

#[tokio::test]
async fn an_answer_without_message_authenticator_needs_an_opt_out() {
    // Made by hand: what the library signs has one.
    let server = Scripted::start(|packet, _| {
        let mut bytes = vec![2, packet.identifier(), 0, 20];
        bytes.extend_from_slice(packet.authenticator());
        let digest = md5::Md5::new()
            .chain_update(&bytes)
            .chain_update(SECRET)
            .finalize();
        bytes.truncate(4);
        bytes.extend_from_slice(&digest);
        vec![bytes]
    })
    .await;
    let (connector, mut own) = (Connector::default(), own());
    let mut strict = target(server.port, &own);
    strict.until = Instant::now() + Duration::from_millis(300);
    let tried = connector
        .ask(&strict, &own, &known("right"), &asking(None))
        .await;
    let why = tried.unwrap_err();
    assert!(why.contains("without Message-Authenticator"), "{why}");
    own.require_message_authenticator = false;
    let mut lenient = target(server.port, &own);
    let mut record = (*lenient.record).clone();
    record.meta = Meta {
        revision: 1,
        ..record.meta
    };
    lenient.record = Arc::new(record);
    let tried = connector
        .ask(&lenient, &own, &known("right"), &asking(None))
        .await;
    assert!(is_accepted(&tried), "{tried:?}");
}

#[tokio::test]
async fn a_lost_packet_is_sent_again_as_it_was() {
    let first = Mutex::new(Vec::new());
    let server = Scripted::start(move |packet, nth| {
        if nth == 0 {
            *first.lock().unwrap() = packet.bytes().to_vec();
            return Vec::new();
        }
        assert_eq!(packet.bytes(), *first.lock().unwrap());
        vec![reply(Code::AccessAccept, packet, SECRET)]
    })
    .await;
    let (connector, own) = (Connector::default(), own());
    let tried = connector
        .ask(
            &target(server.port, &own),
            &own,
            &known("right"),
            &asking(None),
        )
        .await;
    assert!(is_accepted(&tried), "{tried:?}");
    assert_eq!(server.seen(), 2);
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    let server = Scripted::start(|_, _| Vec::new()).await;
    let (connector, own) = (Connector::default(), own());
    let mut target = target(server.port, &own);
    target.until = Instant::now() + Duration::from_millis(200);
    let began = Instant::now();
    let tried = connector
        .ask(&target, &own, &known("right"), &asking(None))
        .await;
    assert!(tried.unwrap_err().contains("no answer in time"));
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(server.seen(), 1);
}

#[tokio::test]
async fn more_questions_than_identifiers_find_their_answers() {
    let server = Scripted::start(judge(b"alice")).await;
    let (connector, own) = (Arc::new(Connector::default()), own());
    let mut tasks = Vec::new();
    for n in 0..600 {
        let (connector, own) = (connector.clone(), own.clone());
        let port = server.port;
        tasks.push(tokio::spawn(async move {
            let password = if n % 2 == 0 { "right" } else { "wrong" };
            let mut target = target(port, &own);
            let mut record = (*target.record).clone();
            record.retries = 9;
            target.record = Arc::new(record);
            let tried = connector
                .ask(&target, &own, &known(password), &asking(None))
                .await;
            assert_eq!(is_accepted(&tried), n % 2 == 0, "{n} {tried:?}");
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn nobody_listening_is_told_at_once() {
    let port = {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.local_addr().unwrap().port()
    };
    let (connector, own) = (Connector::default(), own());
    let tried = connector
        .ask(&target(port, &own), &own, &known("right"), &asking(None))
        .await;
    assert!(tried.unwrap_err().contains("nobody listens"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_sent() {
    let server = Scripted::start(judge(b"alice")).await;
    let (connector, mut own) = (Connector::default(), own());
    own.charset = Charset::Ascii;
    let target = target(server.port, &own);
    for password in ["", "p\u{e4}ssword", &"x".repeat(129)] {
        let tried = connector
            .ask(&target, &own, &known(password), &asking(None))
            .await;
        assert!(matches!(tried, Ok((Said::Rejected, _))), "{tried:?}");
    }
    let hash = ask(Wanted::Authenticate(Password::AsReceived));
    for received in [None, Some(received(|it, _| it))] {
        let tried = connector.ask(&target, &own, &hash, &asking(received)).await;
        assert_eq!(tried, Ok((Said::HashRefused, String::new())));
    }
    let tried = connector
        .ask(&target, &own, &ask(Wanted::UserInfo), &asking(None))
        .await;
    assert_eq!(tried, Ok((Said::Unsupported, String::new())));
    assert_eq!(server.seen(), 0);
}

#[tokio::test]
async fn accounting_goes_on_with_its_attributes() {
    let server = Scripted::start(|packet, _| {
        assert_eq!(packet.code(), Code::AccountingRequest);
        countersign_radius::admit(packet, &SharedSecret::new(SECRET), Demand::Required).unwrap();
        assert_eq!(
            packet.first(kind::USER_NAME),
            Some(&b"alice@example.test"[..])
        );
        assert_eq!(packet.first(kind::ACCT_SESSION_ID), Some(&b"s1"[..]));
        assert_eq!(packet.first(kind::PROXY_STATE), None);
        vec![reply(Code::AccountingResponse, packet, SECRET)]
    })
    .await;
    let (connector, mut own) = (Connector::default(), own());
    own.accounting_port = Some(server.port);
    own.realm_rule = RealmRule::Postfix;
    let target = target(1, &own);
    let request = RequestBuilder::new(Code::AccountingRequest, 1, [0; 16])
        .add(kind::USER_NAME, b"alice")
        .unwrap()
        .add(kind::ACCT_SESSION_ID, b"s1")
        .unwrap()
        .add(kind::PROXY_STATE, b"p")
        .unwrap()
        .sign(&SharedSecret::new(CLIENT));
    let packet = Packet::read(&request).unwrap();
    let relayed = connector
        .account(&target, &own, Some("alice"), &packet)
        .await;
    assert_eq!(relayed, Ok(()));
}

#[tokio::test]
async fn a_test_names_each_step() {
    let server = Scripted::start(|packet, nth| match packet.code() {
        Code::StatusServer => vec![reply(Code::AccessAccept, packet, SECRET)],
        _ => judge(b"alice")(packet, nth),
    })
    .await;
    let (connector, own) = (Connector::default(), own());
    let trial = |password: &str| Trial {
        user: Some("alice".into()),
        password: Some(Secret::new(password.as_bytes().to_vec())),
        groups: Vec::new(),
        domain: None,
    };
    let target = target(server.port, &own);
    let steps = connector.test(&target, &own, &trial("right")).await;
    assert!(steps.iter().all(|step| step.passed), "{steps:?}");
    let steps = connector.test(&target, &own, &Trial::default()).await;
    assert!(steps.iter().all(|step| step.passed), "{steps:?}");
    assert_eq!(steps.last().unwrap().name, "answer to Status-Server");
    let steps = connector.test(&target, &own, &trial("wrong")).await;
    let last = steps.last().unwrap();
    assert_eq!((last.name, last.passed), ("authenticate", false));
}
