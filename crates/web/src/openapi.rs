//! The OpenAPI 3.1 document, built from the tables: a command that is added to its table stands here too.

pub(crate) mod schemas;

use countersign_engine::admin::Kind;
use serde_json::{Map, Value, json};

use crate::catalogue::{Guard, Operation, groups, operations};
use crate::problem::{KINDS, MEDIA_TYPE};

const DESCRIPTION: &str = "Every command that completed, refusals included, answers HTTP 200 with the result envelope; \
    `status_code` says how it ended. What was not carried out as a command at all answers a problem (RFC 9457).";

/// The document as indented JSON with a final line end.
pub fn text() -> String {
    format!("{:#}\n", document())
}

fn document() -> Value {
    let operations = operations();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": env!("CARGO_PKG_LICENSE")},
        },
        "servers": [{"url": "/"}],
        "tags": groups(&operations).into_iter().map(tag).collect::<Vec<_>>(),
        "paths": operations.iter().map(path).chain([jwks()]).collect::<Map<_, _>>(),
        "components": {
            "schemas": schemas::all(),
            "responses": responses(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn tag(group: &str) -> Value {
    let description = match group {
        "auth" => "What components ask about users.".to_owned(),
        object => format!("Commands of administrators on: {object}."),
    };
    json!({"name": group, "description": description})
}

fn path(operation: &Operation) -> (String, Value) {
    let mut post = json!({
        "operationId": operation_id(operation),
        "tags": [operation.group],
        "summary": operation.doc,
        "requestBody": request_body(operation),
        "responses": answers(operation),
        "security": security(operation.guard),
    });
    if let Some(post) = post.as_object_mut() {
        if !operation.privilege.is_empty() {
            post.insert("x-privilege".to_owned(), operation.privilege.into());
        }
        if operation.takes_file {
            post.insert("parameters".to_owned(), options(operation));
        }
        if !operation.offered {
            let text = "This version does not offer the command: it answers -108 STAT_UNSUPPORTED.";
            post.insert("description".to_owned(), text.into());
        }
    }
    (operation.path.clone(), json!({"post": post}))
}

/// The one path that is read: the public keys of the server.
fn jwks() -> (String, Value) {
    let get = json!({
        "operationId": "auth_jwks",
        "tags": ["auth"],
        "summary": "The public keys that changes may be encrypted to, those to be used from now on first.",
        "responses": {"200": {
            "description": "A JWK set (RFC 7517) with keys of P-256 and X25519.",
            "content": {"application/jwk-set+json": {"schema": {"$ref": "#/components/schemas/JwkSet"}}},
        }},
        "security": [{}],
    });
    ("/v1/auth/jwks".to_owned(), json!({"get": get}))
}

fn operation_id(operation: &Operation) -> String {
    format!("{}_{}", operation.group, operation.verb).replace('-', "_")
}

fn request_body(operation: &Operation) -> Value {
    let mut media = json!({"schema": fields(operation)});
    if let (Some(media), Some(example)) = (media.as_object_mut(), &operation.example) {
        media.insert("example".to_owned(), example.clone());
    }
    let mut content = json!({"application/json": media});
    if let (true, Some(content)) = (operation.takes_file, content.as_object_mut()) {
        let file = "The file itself; the other fields stand in the query string.";
        content.insert(
            "application/octet-stream".to_owned(),
            json!({"schema": {"description": file}}),
        );
    }
    json!({"required": true, "content": content})
}

fn fields(operation: &Operation) -> Value {
    let properties: Map<_, _> = operation
        .fields
        .iter()
        .map(|field| (field.name.to_owned(), field.schema()))
        .collect();
    let required: Vec<_> = operation
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

/// The fields of an import whose body is the file.
fn options(operation: &Operation) -> Value {
    let open = operation
        .fields
        .iter()
        .filter(|field| !matches!(field.kind, Kind::Data { .. }));
    open.map(|field| {
        let doc = format!("{} Only when the body is the file.", field.doc);
        json!({"name": field.name, "in": "query", "description": doc, "schema": field.schema()})
    })
    .collect()
}

fn answers(operation: &Operation) -> Value {
    let mut answers = Map::new();
    answers.insert(
        "200".to_owned(),
        json!({"$ref": "#/components/responses/Completed"}),
    );
    let component = operation.guard == Guard::Component;
    for kind in KINDS
        .iter()
        .filter(|kind| component || !matches!(kind.http, 403 | 429))
    {
        let name = response_name(kind.http);
        answers.insert(
            kind.http.to_string(),
            json!({"$ref": format!("#/components/responses/{name}")}),
        );
    }
    Value::Object(answers)
}

fn response_name(http: u16) -> String {
    format!("Problem{http}")
}

fn responses() -> Map<String, Value> {
    let completed = json!({
        "description": "The command completed; status_code says how.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Envelope"}}},
    });
    let problems = KINDS.iter().map(|kind| {
        let problem = json!({
            "description": format!("{}: {}", kind.title, kind.doc),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        });
        (response_name(kind.http), problem)
    });
    std::iter::once(("Completed".to_owned(), completed))
        .chain(problems)
        .collect()
}

fn security(guard: Guard) -> Value {
    match guard {
        // A component is admitted by its type and address; key or certificate come on top where its record asks.
        Guard::Component => json!([{}, {"componentKey": []}, {"componentCertificate": []}]),
        Guard::Session => json!([{"session": []}]),
    }
}

fn security_schemes() -> Value {
    json!({
        "session": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token that /v1/admin/session/logon answers.",
        },
        "componentKey": {
            "type": "apiKey",
            "in": "header",
            "name": "Countersign-Component-Key",
            "description": "The key of a component, besides its type and address.",
        },
        "componentCertificate": {
            "type": "mutualTLS",
            "description": "The client certificate of a component, besides its type and address.",
        },
    })
}

#[cfg(test)]
mod tests;
