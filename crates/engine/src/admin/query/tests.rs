use super::*;
use serde_json::json;

fn query(object: &str, filter: Json, sort: &[&str]) -> Query {
    let mut fields = Fields::default();
    fields.set("filter", crate::admin::Value::Json(filter));
    fields.set(
        "sort",
        crate::admin::Value::List(sort.iter().map(|s| (*s).to_owned()).collect()),
    );
    Query::read(object, &fields).unwrap()
}

fn views(list: Json) -> Vec<Map<String, Json>> {
    serde_json::from_value(list).unwrap()
}

fn found(object: &str, filter: Json, list: &Json, field: &str) -> Vec<String> {
    let (rows, _) = run(&query(object, filter, &[]), views(list.clone()));
    rows.iter()
        .map(|row| row[field].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_condition_selects() {
    let list = json!([
        {"name": "master", "description": "", "master": true, "revision": 1, "created": "2026-01-01T00:00:00Z"},
        {"name": "Example.org", "description": "mail", "master": false, "revision": 5, "created": "2026-02-01T00:00:00Z"},
        {"name": "other", "description": null, "master": false, "revision": 9, "created": "2026-03-01T00:00:00Z"},
    ]);
    let domains = |filter| found("domain", filter, &list, "name");
    assert_eq!(domains(json!({})), ["Example.org", "master", "other"]);
    assert_eq!(domains(json!({"name": "EXAMPLE.ORG"})), ["Example.org"]);
    assert_eq!(
        domains(json!({"name": "*e*"})),
        ["Example.org", "master", "other"]
    );
    assert_eq!(domains(json!({"name": "ex*ORG"})), ["Example.org"]);
    assert_eq!(domains(json!({"name": "ex*le"})), Vec::<String>::new());
    assert_eq!(
        domains(json!({"name": {"not": "other"}})),
        ["Example.org", "master"]
    );
    assert_eq!(
        domains(json!({"name": {"in": ["other", "MASTER"]}})),
        ["master", "other"]
    );
    assert_eq!(domains(json!({"description": null})), ["master", "other"]);
    assert_eq!(
        domains(json!({"revision": {"from": 2, "to": 9}})),
        ["Example.org", "other"]
    );
    assert_eq!(
        domains(json!({"created": {"to": "2026-01-31"}})),
        ["master"]
    );
    assert_eq!(
        domains(json!({"master": false, "revision": {"not": {"from": 6}}})),
        ["Example.org"]
    );
}

#[test]
fn users_contain_and_serials_are_exact_ranges_or_lists() {
    let users = json!([{"domain": "m", "user": "Alice", "name": "A. Liddell"}, {"domain": "m", "user": "bob", "name": "Bob"}]);
    assert_eq!(
        found("user", json!({"user": "LI"}), &users, "user"),
        ["Alice"]
    );
    assert_eq!(found("user", json!({"name": "b"}), &users, "user"), ["bob"]);
    let serials =
        json!([{"serial": "0001"}, {"serial": "0002"}, {"serial": "0010"}, {"serial": "A-1"}]);
    let hits = |filter| {
        found(
            "authenticator",
            json!({"serial": filter}),
            &serials,
            "serial",
        )
    };
    assert_eq!(hits("0001"), ["0001"]);
    assert_eq!(hits("0001-0009"), ["0001", "0002"]);
    assert_eq!(hits("0002, a-1"), ["A-1", "0002"]);
    assert_eq!(hits("000*"), ["0001", "0002"]);
}

#[test]
fn sorting_limits_and_fields() {
    let list = json!([{"name": "a", "description": "x"}, {"name": "b", "description": "y"}, {"name": "c", "description": "x"}]);
    let mut one = query("domain", json!({}), &["-description", "name"]);
    one.limit = 2;
    one.offset = 1;
    let (rows, total) = run(&one, views(list.clone()));
    assert_eq!((rows.len(), total), (2, 3));
    assert_eq!(rows[0]["name"], "a");
    let mut distinct = query("domain", json!({}), &[]);
    distinct.fields = vec![distinct.object.column("description").unwrap()];
    distinct.distinct = true;
    assert_eq!(
        run(&distinct, views(list)).0,
        views(json!([{"description": "x"}, {"description": "y"}]))
    );
}

#[test]
fn bad_conditions_are_named() {
    let read = |filter: Json| {
        let mut fields = Fields::default();
        fields.set("filter", crate::admin::Value::Json(filter));
        Query::read("domain", &fields).unwrap_err()
    };
    assert!(
        read(json!({"nmae": "x"}))
            .detail
            .contains("did you mean name")
    );
    for filter in [
        json!({"master": 1}),
        json!({"name": 5}),
        json!({"name": {"like": "x"}}),
        json!({"name": {"in": "x"}}),
        json!({"created": "soon"}),
        json!({"name": {"not": {"not": {"not": {"not": {"not": "x"}}}}}}),
    ] {
        assert_eq!(read(filter).status, crate::Status::INVDATA);
    }
}

#[test]
fn every_object_has_a_key_and_names_once() {
    for object in column::objects() {
        assert!(
            object.key >= 1
                && object
                    .key_columns()
                    .iter()
                    .all(|c| c.kind != ColumnKind::Shown),
            "{}",
            object.name
        );
        let mut names: Vec<_> = object.columns.iter().map(|column| column.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), object.columns.len(), "{}", object.name);
    }
}
