use super::mapping::{says_locked, stored, typed};
use super::{proof, records, world};
use countersign_testkit::webhook::Reply;
use countersign_testkit::{Certificate, Webhook};
use serde_json::json;
use std::time::{Duration, SystemTime};

const PASSWORD: &str = "Passw0rd-1";

/// A service that answers users by their names.
fn by_name() -> Webhook {
    Webhook::start(Certificate::Good, |call| {
        let user = call.body["user"].as_str().unwrap_or_default().to_owned();
        let result = match user.as_str() {
            "challenge" if call.body["state"] == "riddle" => "accept",
            "accept" | "reject" | "expired" | "disabled" | "locked" | "challenge"
            | "unavailable" => &user,
            _ => "reject",
        };
        let state = if result == "challenge" {
            json!("riddle")
        } else {
            json!(null)
        };
        Reply::Json(json!({"result": result, "message": "as asked", "state": state}))
    })
}

#[test]
fn results_of_a_web_service() {
    let proof = proof("results_of_a_web_service");
    let service = by_name();
    let mut world = world();
    records::add(&mut world, records::webhook(&service), json!({}));
    let rows = [
        ("accept", PASSWORD, 0, 0),
        ("reject", PASSWORD, 1023, 1022),
        ("expired", PASSWORD, 1021, 1021),
        ("disabled", PASSWORD, 1009, 1009),
        ("locked", PASSWORD, 1023, 1022),
        ("unavailable", PASSWORD, -10, -10),
        ("challenge", PASSWORD, 3003, 1040),
    ];
    typed(&mut world, &proof, "webhook", &rows);
    says_locked(&mut world, "locked");
    stored(&mut world, &proof, "webhook", &rows);

    let calls = service.calls();
    let first = calls.first().expect("a call");
    assert_eq!(first.body["version"], 1, "{}", first.body);
    assert_eq!(first.body["operation"], "authenticate");
    assert_eq!(first.body["password"], PASSWORD);
    assert!(
        first.body["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    for call in &calls {
        let signed = call
            .signed_at(records::HMAC_KEY.as_bytes())
            .expect("a right signature");
        assert!(signed.abs_diff(now) < 60, "{signed} {now}");
        assert!(!call.certified);
    }
}

#[test]
fn what_a_web_service_must_not_do() {
    let service = by_name();
    let other = by_name();
    let mut world = world();
    records::add(
        &mut world,
        records::webhook(&service),
        json!({"timeout_s": 2}),
    );
    records::alone(&mut world, "webhook", json!({}));
    let elsewhere = other.url();
    for (what, reply) in [
        ("redirect", Reply::Redirect(elsewhere)),
        ("no JSON", Reply::Garbage),
        ("no end", Reply::Endless),
        ("silence", Reply::Silence),
        ("an error", Reply::Status(503)),
        ("no result", Reply::Json(json!({"result": "maybe"}))),
        (
            "too much",
            Reply::Json(json!({"result": "accept", "message": "x".repeat(100_000)})),
        ),
    ] {
        service.answer(move |_| reply.clone());
        let answer = world.app(json!({"user": "accept", "password": PASSWORD}));
        assert_eq!(answer.status(), -10, "{what}: {}", answer.text);
        assert!(answer.seconds < 15.0, "{what}: {}", answer.seconds);
        world.done(
            "backend/update",
            json!({"name": "webhook", "priority": 100}),
        ); // no failures in a row
    }
    assert!(other.calls().is_empty(), "a redirect is not followed");
    service.answer(|_| Reply::Json(json!({"result": "accept"})));
    countersign_testkit::until("the service is asked again", || {
        let answer = world.app(json!({"user": "accept", "password": PASSWORD}));
        (answer.status() == 0).then_some(())
    });

    for address in [
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/plain",
        "https://[fe80::1]/ask",
        "https://224.0.0.1/ask",
    ] {
        let made = world.admin(
            "backend/update",
            json!({"name": "webhook", "address": address}),
        );
        if made.status() == 0 {
            let answer = world.app(json!({"user": "accept", "password": PASSWORD}));
            assert_eq!(answer.status(), -10, "{address}: {}", answer.text);
            assert!(
                answer.seconds < 3.0,
                "{address} is not even tried: {}",
                answer.seconds
            );
        }
    }
}

#[test]
fn certificates_of_web_services() {
    let mut world = world();
    records::alone(&mut world, "webhook", json!({}));
    for certificate in [Certificate::Expired, Certificate::OtherName] {
        let service = Webhook::start(certificate, |_| Reply::Json(json!({"result": "accept"})));
        records::add(&mut world, records::webhook(&service), json!({}));
        let answer = world.app(json!({"user": "accept", "password": PASSWORD}));
        assert_eq!(answer.status(), -10, "{certificate:?}: {}", answer.text);
        assert!(service.calls().is_empty());
        world.done("backend/delete", json!({"name": "webhook"}));
    }
    let service = Webhook::start(Certificate::Good, |call| {
        let result = if call.certified { "accept" } else { "reject" };
        Reply::Json(json!({"result": result}))
    });
    let (certificate, key) = service
        .authority()
        .sign(&["countersign"], Certificate::Good);
    let own = json!({"client_certificate": certificate, "client_key": key});
    records::add(&mut world, records::webhook(&service), own);
    let answer = world.app(json!({"user": "accept", "password": PASSWORD}));
    assert_eq!(answer.status(), 0, "{}", answer.text);
    assert!(answer.seconds < Duration::from_secs(5).as_secs_f64());
}
