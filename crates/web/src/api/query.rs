//! Options in a query string: only imports whose body is the file take them.

use axum::extract::Query;
use axum::http::Uri;
use countersign_engine::admin::table;
use countersign_service::reply::Problem;
use serde_json::{Map, Value};

use super::admin::IMPORT;
use crate::problem::problem;

/// The options of an import whose body is the file, as a JSON body would hold them.
///
/// # Errors
/// 400 if the query string cannot be read or names an option twice.
pub(super) fn options(verb: &str, uri: &Uri) -> Result<Map<String, Value>, Problem> {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Err(problem(400, "The query string cannot be read."));
    };
    let mut options = Map::new();
    for (name, text) in pairs {
        let value = typed(verb, &name, text);
        if options.insert(name, value).is_some() {
            return Err(problem(400, "The query string names an option twice."));
        }
    }
    Ok(options)
}

/// The value that a text stands for. What the table does not know or cannot read stays a text, which the command refuses
/// by name (-101).
fn typed(verb: &str, name: &str, text: String) -> Value {
    let field = table::find(IMPORT, verb).and_then(|verb| verb.field(name));
    field
        .and_then(|field| field.read_text(&text).ok())
        .unwrap_or(Value::String(text))
}

/// Refuses a query string where none is taken: its fields would silently be ignored, and secrets would stand in a URL.
///
/// # Errors
/// 400 if there is one.
pub(super) fn refuse(uri: &Uri) -> Result<(), Problem> {
    match uri.query() {
        None | Some("") => Ok(()),
        Some(_) => Err(problem(
            400,
            "Fields belong into the JSON body, not into the query string.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::admin::Kind;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn options_are_decoded_to_what_a_json_body_would_hold() {
        let verb = table::verbs().find(|verb| verb.object == IMPORT).unwrap();
        let flag = verb
            .fields()
            .find(|field| matches!(field.kind, Kind::Bool))
            .unwrap();
        let uri = uri(&format!("/x?{}=true&unknown=a%20b&empty=", flag.name));
        let expected = serde_json::json!({flag.name: true, "unknown": "a b", "empty": ""});
        assert_eq!(
            options(verb.verb, &uri),
            Ok(expected.as_object().unwrap().clone())
        );
    }

    #[test]
    fn a_value_that_is_none_stays_a_text_for_the_command_to_refuse() {
        let verb = table::verbs().find(|verb| verb.object == IMPORT).unwrap();
        let flag = verb
            .fields()
            .find(|field| matches!(field.kind, Kind::Bool))
            .unwrap();
        let options = options(verb.verb, &uri(&format!("/x?{}=maybe", flag.name))).unwrap();
        assert_eq!(options[flag.name], "maybe");
    }

    #[test]
    fn an_option_twice_is_refused() {
        assert_eq!(options("pskc", &uri("/x?a=1&a=2")).unwrap_err().http, 400);
        assert!(options("pskc", &uri("/x")).unwrap().is_empty());
    }

    #[test]
    fn a_query_string_is_refused_where_none_is_taken() {
        assert!(refuse(&uri("/x")).is_ok());
        assert_eq!(refuse(&uri("/x?token=1")).unwrap_err().http, 400);
    }
}
