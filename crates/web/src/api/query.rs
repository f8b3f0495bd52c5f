//! Options in a query string: only imports whose body is the file take them.

use axum::extract::Query;
use axum::http::Uri;
use countersign_service::reply::Problem;
use serde_json::{Map, Value};

use crate::problem::problem;

/// The options of a raw import, each a text.
///
/// # Errors
/// 400 if the query string cannot be read or names an option twice.
pub(super) fn options(uri: &Uri) -> Result<Map<String, Value>, Problem> {
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Err(problem(400, "The query string cannot be read."));
    };
    let mut options = Map::new();
    for (name, value) in pairs {
        if options.insert(name, Value::String(value)).is_some() {
            return Err(problem(400, "The query string names an option twice."));
        }
    }
    Ok(options)
}

/// Refuses a query string where none is taken: its fields would silently be ignored, and secrets would stand in a URL.
///
/// # Errors
/// 400 if there is one.
pub(super) fn refuse(uri: &Uri) -> Result<(), Problem> {
    match uri.query() {
        None | Some("") => Ok(()),
        Some(_) => Err(problem(400, "Fields belong into the JSON body, not into the query string.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn options_are_decoded() {
        let options = options(&uri("/x?domain=a%20b&update_existing=true&note=")).unwrap();
        let expected = serde_json::json!({"domain": "a b", "update_existing": "true", "note": ""});
        assert_eq!(Value::Object(options), expected);
        assert!(super::options(&uri("/x")).unwrap().is_empty());
    }

    #[test]
    fn an_option_twice_is_refused() {
        assert_eq!(options(&uri("/x?a=1&a=2")).unwrap_err().http, 400);
    }

    #[test]
    fn a_query_string_is_refused_where_none_is_taken() {
        assert!(refuse(&uri("/x")).is_ok());
        assert_eq!(refuse(&uri("/x?token=1")).unwrap_err().http, 400);
    }
}
