//! The table and how commands are read by it.

use crate::Status;
use crate::admin::table::{Run, verbs};
use crate::admin::{Command, Field, Kind, body_of_text, find};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

fn read(object: &str, verb: &str, body: Json) -> Result<Command, crate::admin::Refusal> {
    Command::parse(object, verb, &serde_json::from_value(body).unwrap())
}

#[test]
fn every_row_is_whole() {
    let mut seen = BTreeSet::new();
    for verb in verbs() {
        assert!(
            seen.insert((verb.object, verb.verb)),
            "{} stands twice",
            verb.name()
        );
        assert!(
            verb.doc.ends_with('.') && !verb.doc.is_empty(),
            "{}",
            verb.name()
        );
        assert!(
            verb.privilege.is_empty() || verb.privilege.split('.').count() == 2,
            "{}",
            verb.name()
        );
        let mut names = BTreeSet::new();
        for field in verb.fields() {
            assert!(
                names.insert(field.name),
                "{}: {} stands twice",
                verb.name(),
                field.name
            );
            assert!(field.doc.ends_with('.'), "{}: {}", verb.name(), field.name);
            assert!(field.schema()["description"].is_string());
        }
        let example: Map<String, Json> =
            serde_json::from_str(verb.example).unwrap_or_else(|_| panic!("{}", verb.name()));
        if !matches!(verb.run, Run::Later) {
            Command::read(verb, &example)
                .unwrap_or_else(|refusal| panic!("{}: {refusal:?}", verb.name()));
        }
    }
}

#[test]
fn every_verb_of_the_specification_is_in_the_table() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/spec/administration.md"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        return;
    };
    let section = text
        .split("\n## 3. ")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let mut rows = 0;
    for line in section
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
    {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [objects, list] = cells[..] else {
            panic!("{line}")
        };
        if objects == "command" {
            break; // the table after this one names fields
        }
        for object in objects
            .split(',')
            .map(|object| object.split(" (").next().unwrap().trim())
        {
            for group in without_brackets(list).split(';') {
                rows += check(object, group.trim());
            }
        }
    }
    assert!(rows > 150, "{rows}");
}

/// Verbs with commas; `X also` and `X:` name another object for the whole group.
fn check(object: &str, group: &str) -> usize {
    let named = group
        .split_once(" also ")
        .or_else(|| group.split_once(": "));
    let (object, verbs) = named.unwrap_or((object, group));
    let verbs = verbs
        .split(',')
        .map(str::trim)
        .filter(|verb| !verb.starts_with("section"));
    verbs
        .inspect(|verb| assert!(find(object, verb).is_some(), "{object}/{verb}"))
        .count()
}

fn without_brackets(text: &str) -> String {
    let mut depth = 0;
    text.chars()
        .filter(|letter| {
            depth += i32::from(*letter == '(');
            let keep = depth == 0;
            depth -= i32::from(*letter == ')');
            keep
        })
        .collect()
}

#[test]
fn refusals_name_the_field() {
    let unknown = read("user", "unlock", json!({"user": "a", "domian": "x"})).unwrap_err();
    assert_eq!(
        (unknown.status, unknown.detail.as_str()),
        (
            Status::INVDATA,
            "domian is no field of user/unlock; did you mean domain?"
        )
    );
    let missing = read("user", "unlock", json!({})).unwrap_err();
    assert_eq!(
        (missing.status, missing.detail.as_str()),
        (Status::MISSINGFLD, "user is missing")
    );
    let long = "x".repeat(256);
    for (object, verb, body) in [
        ("user", "unlock", json!({"user": 5})),
        ("user", "unlock", json!({"user": null})),
        ("user", "unlock", json!({"user": ""})),
        ("user", "unlock", json!({"user": "a\u{0}b"})),
        ("user", "unlock", json!({"user": long})),
        (
            "user",
            "create",
            json!({"user": "a", "password": "p".repeat(129)}),
        ),
        ("user", "create", json!({"user": "a", "disabled": "yes"})),
        (
            "user",
            "set-expiration",
            json!({"user": "a", "expires_at": "soon"}),
        ),
        ("authenticator", "view", json!({"serial": "a_b"})),
        ("authenticator", "create", json!({"digits": 5})),
        (
            "policy",
            "create",
            json!({"policy_id": "p", "local_auth": "sometimes"}),
        ),
        ("user", "query", json!({"limit": 1001})),
        (
            "component",
            "create",
            json!({"type": "x", "location": "default", "policy": "p", "reply_texts": {"1000": 5}}),
        ),
    ] {
        let refusal = read(object, verb, body).unwrap_err();
        assert_eq!(
            refusal.status,
            Status::INVDATA,
            "{object}/{verb} {}",
            refusal.detail
        );
    }
    assert_eq!(
        read("report", "run", json!({})).unwrap_err().status,
        Status::UNSUPPORTED
    );
    assert_eq!(
        read("user", "fly", json!({})).unwrap_err().status,
        Status::INVPARAM
    );
}

#[test]
fn a_serial_is_kept_in_upper_case_and_a_date_as_its_day() {
    let command = read(
        "authenticator",
        "set-expiration",
        json!({"serial": "ab-1", "expires_at": "2027-05-01T23:30:00-02:00"}),
    )
    .unwrap();
    assert_eq!(command.fields.text("serial"), Some("AB-1"));
    assert_eq!(
        command.fields.day("expires_at").unwrap().to_string(),
        "2027-05-02"
    );
}

#[test]
fn secrets_are_masked_and_never_printed() {
    let command = read(
        "user",
        "set-password",
        json!({"user": "a", "password": "open sesame"}),
    )
    .unwrap();
    assert_eq!(command.masked()["password"], "***");
    assert!(!format!("{command:?}").contains("sesame"));
    let command = read(
        "import",
        "otpauth",
        json!({"data": "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ"}),
    )
    .unwrap();
    assert_eq!(command.masked()["data"], "***");
    assert!(!format!("{command:?}").contains("GEZD"));
}

#[test]
fn words_become_a_body() {
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let body = body_of_text(
        "policy",
        "update",
        &words("--policy-id local --user-lock-threshold=5 --groups a,b --default_domain="),
    )
    .unwrap();
    assert_eq!(
        Json::Object(body),
        json!({"policy_id": "local", "user_lock_threshold": 5, "groups": ["a", "b"], "default_domain": null})
    );
    let body = body_of_text("component", "create", &words("--type radius_client --generate-secret --location 192.0.2.9 --no-enabled --policy local")).unwrap();
    assert_eq!(
        Json::Object(body),
        json!({"type": "radius_client", "generate_secret": true, "location": "192.0.2.9", "enabled": false, "policy": "local"})
    );
    assert!(body_of_text("user", "view", &words("alice")).is_err());
    assert!(
        body_of_text("user", "view", &words("--usr alice"))
            .unwrap_err()
            .detail
            .contains("did you mean user")
    );
    assert!(body_of_text("user", "view", &words("--user")).is_err());
    let command = Command::from_text(
        "user",
        "query",
        &words(r#"--filter {"user":"al*"} --limit 5"#),
    )
    .unwrap();
    assert_eq!(command.fields.number("limit"), Some(5));
}

#[test]
fn schemas_tell_the_bounds() {
    let field = Field::new("n", Kind::Number { min: 1, max: 5 }, "A number.").clearable();
    assert_eq!(
        field.schema(),
        json!({"type": ["integer", "null"], "minimum": 1, "maximum": 5, "description": "A number."})
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,40}".prop_map(Json::from)
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::hash_map("(not|in|from|to|user|serial|[a-z]{1,6})", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_never_panics(place in 0_usize..300, values in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..6)) {
        let all: Vec<_> = verbs().collect();
        let verb = all[place % all.len()];
        let names: Vec<&str> = verb.fields().map(|field| field.name).chain(["nonsense"]).collect();
        let body: Map<String, Json> = values.into_iter().map(|(at, json)| (names[at.index(names.len())].to_owned(), json)).collect();
        if let Ok(command) = Command::read(verb, &body) {
            if verb.verb == "query" {
                let _ = crate::admin::Query::read(verb.object, &command.fields);
            }
            command.masked();
        }
    }

    #[test]
    fn words_never_panic(place in 0_usize..300, words in prop::collection::vec(".{0,12}", 0..6)) {
        let all: Vec<_> = verbs().collect();
        let verb = all[place % all.len()];
        let names: Vec<String> = words.into_iter().zip(verb.fields()).flat_map(|(word, field)| [format!("--{}", field.name), word]).collect();
        let _ = Command::from_text(verb.object, verb.verb, &names);
    }
}
