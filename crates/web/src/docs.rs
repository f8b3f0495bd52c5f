//! The page to read the API: one HTML text from the same tables as the OpenAPI document, without scripts.

mod html;

use countersign_engine::Status;
use countersign_engine::admin::Field;
use data_encoding::BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::catalogue::{Guard, Operation, groups, operations};
use crate::openapi::schemas;
use crate::problem::{KINDS, Kind};
use html::{Text, table};

const STYLE: &str = include_str!("docs/style.css");

/// The whole page.
pub(crate) fn page() -> String {
    let operations = operations();
    let groups = groups(&operations);
    let sections: String = groups
        .iter()
        .map(|group| section(group, &operations))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Countersign API</title><style>{STYLE}</style></head><body>\n\
         <h1>Countersign API {version}</h1>\n{introduction}{navigation}{sections}{statuses}{problems}</body></html>\n",
        version = Text(env!("CARGO_PKG_VERSION")),
        introduction = introduction(),
        navigation = navigation(&groups),
        statuses = statuses(),
        problems = problems(),
    )
}

/// The content security policy under which the page is shown: its one style, by hash, and nothing else.
pub(crate) fn policy() -> String {
    let hash = BASE64.encode(&Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn introduction() -> &'static str {
    "<p>Commands are sent as <code>POST</code> with a JSON object. Every command that completed, refusals included, \
     answers HTTP 200 with <code>return_code</code>, <code>status_code</code>, <code>status</code>, \
     <code>message</code>, <code>request_id</code>, <code>result</code>, <code>warnings</code> and \
     <code>errors</code>; <a href=\"#statuses\">status_code</a> says how it ended. Other HTTP statuses carry a \
     <a href=\"#problems\">problem</a> (RFC 9457).</p>\n\
     <p>Administrators begin with <a href=\"#session-logon\">session/logon</a> and send the token it answers as \
     <code>Authorization: Bearer TOKEN</code>. Components are admitted by their type and address, and show their key \
     as <code>Countersign-Component-Key</code> or a client certificate where their record asks for it. Unknown fields \
     are refused (-101). In an update an absent field stays as it is, and null clears it.</p>\n\
     <p>For programs: <a href=\"/v1/openapi.json\">OpenAPI document</a>.</p>\n"
}

fn navigation(groups: &[&str]) -> String {
    let links: String = groups.iter().map(|group| link(group)).collect();
    format!(
        "<nav>{links}{}{}</nav>\n",
        link("statuses"),
        link("problems")
    )
}

fn link(anchor: &str) -> String {
    format!("<a href=\"#{0}\">{0}</a>", Text(anchor))
}

fn section(group: &str, operations: &[Operation]) -> String {
    let own = operations
        .iter()
        .filter(|operation| operation.group == group);
    let commands: String = own.map(command).collect();
    format!("<h2 id=\"{0}\">{0}</h2>\n{commands}", Text(group))
}

fn command(operation: &Operation) -> String {
    let anchor = format!("{}-{}", operation.group, operation.verb);
    format!(
        "<details id=\"{anchor}\"><summary><code>{path}</code> {doc}</summary>\n{notes}{fields}{example}</details>\n",
        anchor = Text(&anchor),
        path = Text(&operation.path),
        doc = Text(operation.doc),
        notes = notes(operation),
        fields = fields(&operation.fields),
        example = example(operation),
    )
}

fn notes(operation: &Operation) -> String {
    let mut notes = String::new();
    if !operation.offered {
        notes += "<p class=\"note\">Not offered by this version: answers -108.</p>\n";
    }
    if !operation.privilege.is_empty() {
        let privilege = Text(operation.privilege);
        notes += &format!("<p class=\"note\">Takes the privilege <code>{privilege}</code>.</p>\n");
    }
    if operation.takes_file {
        notes += "<p class=\"note\">The body may also be the file itself, sent with another content type than JSON; \
                  the other fields then stand in the query string.</p>\n";
    }
    notes
}

fn fields(fields: &[Field]) -> String {
    if fields.is_empty() {
        return "<p>Takes no fields: <code>{}</code>.</p>\n".to_owned();
    }
    table(&["Field", "Takes", "", "Meaning"], fields.iter().map(field))
}

fn field(field: &Field) -> String {
    let kind = field.kind.to_string();
    let clears = if field.clearable { ", or null" } else { "" };
    let required = if field.required { "required" } else { "" };
    format!(
        "<tr><td><code>{}</code></td><td>{}{clears}</td><td>{required}</td><td>{}</td></tr>\n",
        Text(field.name),
        Text(&kind),
        Text(field.doc)
    )
}

/// A line to paste, with the example of the table or the required fields.
fn example(operation: &Operation) -> String {
    let body = operation
        .example
        .clone()
        .unwrap_or_else(|| required(&operation.fields))
        .to_string();
    let token = match operation.guard {
        Guard::Session => "-H \"Authorization: Bearer $TOKEN\" ",
        Guard::Component => "",
    };
    let line = format!(
        "curl {token}--json '{}' https://localhost:8888{}",
        body.replace('\'', "'\\''"),
        operation.path
    );
    format!("<pre>{}</pre>\n", Text(&line))
}

fn required(fields: &[Field]) -> Value {
    let required = fields.iter().filter(|field| field.required);
    Value::Object(
        required
            .map(|field| (field.name.to_owned(), json!("…")))
            .collect(),
    )
}

fn statuses() -> String {
    let rows = Status::all().map(status);
    format!(
        "<h2 id=\"statuses\">Status codes</h2>\n{}",
        table(&["Code", "Name", "Class", "Answered by", "Meaning"], rows)
    )
}

fn status(status: Status) -> String {
    let interfaces: Vec<_> = status
        .interfaces()
        .iter()
        .map(|one| schemas::interface(*one))
        .collect();
    format!(
        "<tr id=\"status{number}\"><td>{number}</td><td><code>{}</code></td><td><code>{}</code></td><td>{}</td>\
         <td>{}<br><span class=\"note\">{}</span></td></tr>\n",
        Text(status.name()),
        status.return_code().name(),
        interfaces.join(", "),
        Text(status.message()),
        Text(status.advice()),
        number = status.number(),
    )
}

fn problems() -> String {
    format!(
        "<h2 id=\"problems\">Problems</h2>\n{}",
        table(&["HTTP", "Title", "When"], KINDS.iter().map(problem))
    )
}

fn problem(kind: &Kind) -> String {
    format!(
        "<tr id=\"problem-{http}\"><td>{http}</td><td>{}</td><td>{}</td></tr>\n",
        Text(kind.title),
        Text(kind.doc),
        http = kind.http,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_command_field_and_status() {
        let page = page();
        for operation in operations() {
            assert!(
                page.contains(&format!("<code>{}</code>", operation.path)),
                "{}",
                operation.path
            );
            for field in &operation.fields {
                assert!(
                    page.contains(&format!("<code>{}</code>", field.name)),
                    "{}",
                    field.name
                );
            }
        }
        for status in Status::all() {
            assert!(
                page.contains(&format!("<code>{}</code>", status.name())),
                "{status}"
            );
        }
    }

    #[test]
    fn the_page_loads_and_runs_nothing() {
        let page = page();
        for loader in [
            "<script", "<link", "<img", "<iframe", " src=", " style=", " onclick", "@import",
            "url(",
        ] {
            assert!(!page.contains(loader), "{loader}");
        }
        assert_eq!(page.matches("<style>").count(), 1);
    }

    #[test]
    fn every_inner_link_leads_somewhere() {
        let page = page();
        for link in page.split("href=\"#").skip(1) {
            let (anchor, _) = link.split_once('"').unwrap();
            assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}");
        }
    }

    #[test]
    fn the_policy_admits_the_style_by_its_hash() {
        let policy = policy();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"));
    }
}
