use super::*;
use countersign_engine::Status;
use std::collections::BTreeSet;

#[test]
fn every_command_has_its_path() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), operations().len() + 1);
    assert!(paths["/v1/auth/jwks"]["get"].is_object());
    for operation in operations() {
        let post = &paths[&operation.path]["post"];
        assert_eq!(post["summary"], operation.doc, "{}", operation.path);
        let schema = &post["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(
            schema["properties"].as_object().unwrap().len(),
            operation.fields.len()
        );
    }
}

#[test]
fn operation_ids_are_unique() {
    let ids: BTreeSet<_> = operations().iter().map(operation_id).collect();
    assert_eq!(ids.len(), operations().len());
}

#[test]
fn every_status_is_listed_with_its_name() {
    let document = document();
    let statuses = document["components"]["schemas"]["StatusCode"]["oneOf"]
        .as_array()
        .unwrap();
    let listed: Vec<_> = statuses
        .iter()
        .map(|one| (one["const"].as_i64(), one["title"].as_str()))
        .collect();
    let expected: Vec<_> = Status::all()
        .map(|one| (Some(i64::from(one.number())), Some(one.name())))
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            references.extend(
                members
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            members
                .values()
                .for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[test]
fn examples_name_only_fields_of_their_command() {
    for operation in operations() {
        let Some(Value::Object(example)) = &operation.example else {
            continue;
        };
        for name in example.keys() {
            let known = operation.fields.iter().any(|field| field.name == name);
            assert!(known, "{}: {name}", operation.path);
        }
    }
}

#[test]
fn only_commands_of_administrators_demand_a_session() {
    let document = document();
    for operation in operations() {
        let security = &document["paths"][&operation.path]["post"]["security"];
        let open = security.as_array().unwrap().contains(&json!({}));
        assert_eq!(
            open,
            operation.guard == Guard::Component,
            "{}",
            operation.path
        );
    }
}
