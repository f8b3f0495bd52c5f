use super::*;
use crate::outbound::Outbound;
use countersign_engine::Secret;
use countersign_engine::back_end::Question;
use countersign_engine::model::{AttributeMap, BackEnd, DomainKey, Protocol};
use countersign_testkit::webhook::{Call, Reply};
use countersign_testkit::{Certificate, webhook};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const KEY: &[u8] = b"a key for signatures";

fn own(service: &webhook::Webhook) -> Webhook {
    Webhook {
        hmac_key: None,
        client_certificate: None,
        client_key: None,
        ca: Some(service.authority().pem().to_owned()),
    }
}

fn target(service: &webhook::Webhook, own: &Webhook) -> Target {
    Target {
        record: Arc::new(BackEnd {
            address: service.url(),
            protocol: Protocol::Webhook(own.clone()),
            map: AttributeMap {
                phone: Some("extension".into()),
                mobile: Some(String::new()),
                ..AttributeMap::default()
            },
            ..super::super::servers::tests::record(1, None, 1)
        }),
        secrets: vec![("hmac_key", Secret::new(KEY.to_vec()))],
        domain: "example.test".into(),
        outbound: Outbound::default(),
        until: Instant::now() + Duration::from_secs(20),
    }
}

async fn ask(service: &webhook::Webhook, wanted: Wanted) -> Tried {
    let own = own(service);
    ask_of(&target(service, &own), &own, wanted).await
}

async fn ask_of(target: &Target, own: &Webhook, wanted: Wanted) -> Tried {
    let ask = Ask {
        engine: String::new(),
        domain: DomainKey(1),
        user: "alice".into(),
        wanted,
    };
    let asking = Asking {
        id: [0xab; 16],
        received: None,
    };
    Connector::default().ask(target, own, &ask, &asking).await
}

fn known(password: &str) -> Wanted {
    Wanted::Authenticate(Password::Known(Secret::new(password.as_bytes().to_vec())))
}

fn saying(body: Value) -> webhook::Webhook {
    webhook::Webhook::start(Certificate::Good, move |_| Reply::Json(body.clone()))
}

#[tokio::test]
async fn a_question_is_signed_json() {
    let service = saying(json!({"result": "accept"}));
    let begun = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let tried = ask(&service, known("right")).await;
    assert!(matches!(tried, Ok((Said::Accepted(_), _))), "{tried:?}");
    let calls = service.calls();
    let call: &Call = calls.first().unwrap();
    assert_eq!(
        call.body,
        json!({
            "version": 1, "request_id": "ab".repeat(16), "operation": "authenticate", "user": "alice",
            "domain": "example.test", "password": "right", "attributes": {}
        })
    );
    assert_eq!(call.header("content-type"), Some("application/json"));
    let at = call.signed_at(KEY).unwrap();
    assert!((begun..begun + 60).contains(&at));
    assert_eq!(call.signed_at(b"another key"), None);
    assert!(!call.certified);
}

#[tokio::test]
async fn each_result_has_its_meaning() {
    for (result, said) in [
        ("reject", Said::Rejected),
        ("expired", Said::Expired),
        ("disabled", Said::Disabled),
        ("locked", Said::Locked),
        ("weak_password", Said::Weak),
    ] {
        let service = saying(json!({"result": result, "message": "because\u{7}"}));
        let tried = ask(&service, known("p")).await;
        assert_eq!(tried, Ok((said, "because ".to_owned())), "{result}");
    }
    let why = ask(&saying(json!({"result": "unavailable"})), known("p")).await;
    assert!(why.unwrap_err().contains("unavailable"));
}

#[tokio::test]
async fn attributes_of_an_acceptance_reach_the_client() {
    let service = saying(json!({
        "result": "accept", "message": "hello",
        "attributes": {"Filter-Id": ["a", "b"], "No-Such-Attribute": "x", "User-Password": "x"}
    }));
    let Ok((Said::Accepted(given), _)) = ask(&service, known("p")).await else {
        panic!("it accepts");
    };
    assert_eq!(given.attributes, b"\x0b\x03a\x0b\x03b");
    assert_eq!((given.message.as_str(), given.keys), ("hello", None));
}

#[tokio::test]
async fn a_challenge_is_answered_with_its_state() {
    let service = webhook::Webhook::start(Certificate::Good, |call| {
        Reply::Json(
            match (call.body["password"].as_str(), call.body["state"].as_str()) {
                (Some("right"), None) => {
                    json!({"result": "challenge", "state": "s-1", "message": "Code?"})
                }
                (Some("123456"), Some("s-1")) => json!({"result": "accept"}),
                _ => json!({"result": "reject"}),
            },
        )
    });
    let Ok((Said::Challenge(question), _)) = ask(&service, known("right")).await else {
        panic!("it asks");
    };
    let wanted = Question {
        server: BackEndKey(1),
        state: b"s-1".to_vec(),
        message: "Code?".into(),
    };
    assert_eq!(*question, wanted);
    for (response, accepted) in [("123456", true), ("654321", false)] {
        let tried = ask(
            &service,
            Wanted::Respond {
                server: question.server,
                state: question.state.clone(),
                response: Secret::new(response.as_bytes().to_vec()),
            },
        )
        .await;
        assert_eq!(
            matches!(tried, Ok((Said::Accepted(_), _))),
            accepted,
            "{tried:?}"
        );
    }
}

#[tokio::test]
async fn groups_persons_and_changes_are_asked_for() {
    let service = webhook::Webhook::start(Certificate::Good, |call| {
        Reply::Json(match call.body["operation"].as_str() {
            Some("groups") => json!({"result": "accept", "groups": ["Staff", "VPN"]}),
            Some("user_info") => json!({"result": "accept", "user_info":
                {"name": "Alice", "extension": "12", "mobile": "0", "email": null}}),
            Some("change_password")
                if call.body["new_password"] == "n" && call.body["password"] == "o" =>
            {
                json!({"result": "accept"})
            }
            _ => json!({"result": "reject"}),
        })
    });
    let groups =
        |names: &[&str]| Wanted::Groups(names.iter().map(|&name| name.to_owned()).collect());
    let member = |is| Ok((Said::Member(is), String::new()));
    assert_eq!(ask(&service, groups(&["other", "vpn"])).await, member(true));
    assert_eq!(ask(&service, groups(&["other"])).await, member(false));
    let Ok((Said::Info(info), _)) = ask(&service, Wanted::UserInfo).await else {
        panic!("it tells");
    };
    let contact = info.contact;
    assert_eq!(
        (contact.name.as_str(), contact.phone.as_str()),
        ("Alice", "12")
    );
    assert_eq!((contact.mobile.as_str(), contact.email.as_str()), ("", ""));
    let change = Wanted::Change {
        old: Secret::new(b"o".to_vec()),
        new: Secret::new(b"n".to_vec()),
    };
    assert!(matches!(
        ask(&service, change).await,
        Ok((Said::Accepted(_), _))
    ));
    assert_eq!(
        ask(&service, Wanted::Resolve).await,
        Ok((Said::Unsupported, String::new()))
    );
    let hash = Wanted::Authenticate(Password::AsReceived);
    assert_eq!(
        ask(&service, hash).await,
        Ok((Said::HashRefused, String::new()))
    );
}

#[tokio::test]
async fn what_is_no_answer_names_its_cause() {
    let elsewhere = saying(json!({"result": "accept"}));
    for (reply, cause) in [
        (Reply::Garbage, "not as it should be"),
        (Reply::Status(500), "500"),
        (Reply::Status(204), "204"),
        (Reply::Redirect(elsewhere.url()), "redirects"),
        (Reply::Endless, "over 65536 bytes"),
        (
            Reply::Json(json!({"result": "maybe"})),
            "not as it should be",
        ),
        (
            Reply::Json(json!({"result": "accept", "admin": true})),
            "not as it should be",
        ),
        (
            Reply::Json(json!({"result": "challenge"})),
            "without a state",
        ),
        (Reply::Json(json!([])), "not as it should be"),
    ] {
        let told = reply.clone();
        let service = webhook::Webhook::start(Certificate::Good, move |_| told.clone());
        let why = ask(&service, known("p")).await.unwrap_err();
        assert!(why.contains(cause), "{reply:?}: {why}");
    }
    assert!(elsewhere.calls().is_empty(), "no redirect is followed");
    let why = ask(&saying(json!({"result": "accept"})), Wanted::UserInfo).await;
    assert!(why.unwrap_err().contains("user_info"));

    let silent = webhook::Webhook::start(Certificate::Good, |_| Reply::Silence);
    let own = own(&silent);
    let mut target = target(&silent, &own);
    target.until = Instant::now() + Duration::from_millis(300);
    let why = ask_of(&target, &own, known("p")).await.unwrap_err();
    assert!(why.contains("no answer in time"), "{why}");
}

#[tokio::test]
async fn only_the_service_itself_is_told_a_password() {
    for certificate in [Certificate::Expired, Certificate::OtherName] {
        let service =
            webhook::Webhook::start(certificate, |_| Reply::Json(json!({"result": "accept"})));
        let why = ask(&service, known("p")).await.unwrap_err();
        assert!(why.starts_with("TLS"), "{why}");
        assert!(service.calls().is_empty());
    }
    let (service, other) = (saying(json!({"result": "accept"})), saying(json!({})));
    let own = own(&other);
    let why = ask_of(&target(&service, &own), &own, known("p")).await;
    assert!(why.unwrap_err().starts_with("TLS"));
    assert!(service.calls().is_empty());
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let service = saying(json!({"result": "accept"}));
    let (chain, key) = service
        .authority()
        .sign(&["countersign"], Certificate::Good);
    let mut own = own(&service);
    own.client_certificate = Some(chain);
    let mut target = target(&service, &own);
    let why = ask_of(&target, &own, known("p")).await.unwrap_err();
    assert!(why.contains("client_key"), "{why}");
    target
        .secrets
        .push(("client_key", Secret::new(key.into_bytes())));
    let tried = ask_of(&target, &own, known("p")).await;
    assert!(matches!(tried, Ok((Said::Accepted(_), _))), "{tried:?}");
    assert!(service.calls().first().unwrap().certified);
}

#[tokio::test]
async fn a_test_names_each_step() {
    let service = saying(json!({"result": "reject", "message": "no"}));
    let own = own(&service);
    let trial = Trial {
        user: Some("alice".into()),
        password: Some(Secret::new(b"p".to_vec())),
        ..Trial::default()
    };
    let steps = Connector::default()
        .test(&target(&service, &own), &own, &trial)
        .await;
    let seen: Vec<_> = steps.iter().map(|step| (step.name, step.passed)).collect();
    assert_eq!(
        seen,
        [
            ("resolve", true),
            ("connect", true),
            ("TLS", true),
            ("authenticate", false),
            ("user information", false)
        ]
    );
}
