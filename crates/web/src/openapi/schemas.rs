//! Schemas that all commands share.

use countersign_engine::Status;
use countersign_engine::status::Interface;
use serde_json::{Value, json};

/// All shared schemas by name.
pub(super) fn all() -> Value {
    json!({
        "Envelope": envelope(),
        "JwkSet": jwk_set(),
        "Problem": problem(),
        "StatusCode": status_code(),
        "StatusName": {"type": "string", "enum": Status::all().map(Status::name).collect::<Vec<_>>()},
    })
}

fn envelope() -> Value {
    object(&json!({
        "return_code": {
            "type": "string",
            "enum": ["RET_SUCCESS", "RET_FAILURE", "RET_CHALLENGE", "RET_DECLINED", "RET_ERROR"],
            "description": "Class of the status.",
        },
        "status_code": {"$ref": "#/components/schemas/StatusCode"},
        "status": {"$ref": "#/components/schemas/StatusName"},
        "message": {"type": "string", "description": "A sentence for people."},
        "request_id": {"type": "string", "description": "Identity of the request in audit and explanation."},
        "result": {"type": "object", "description": "What the command answers.", "additionalProperties": true},
        "warnings": list(&object(&json!({
            "status_code": {"$ref": "#/components/schemas/StatusCode"},
            "status": {"$ref": "#/components/schemas/StatusName"},
            "message": {"type": "string"},
        })), "What went wrong without stopping the command."),
        "errors": list(&object(&json!({
            "code": {"type": "integer"},
            "name": {"type": "string"},
            "message": {"type": "string"},
        })), "Causes, the outermost first."),
    }))
}

fn jwk_set() -> Value {
    let word = |word: &str| json!({"type": "string", "const": word});
    let coordinate = |doc: &str| json!({"type": "string", "description": format!("{doc}, 32 bytes in base64url.")});
    let mut key = object(&json!({
        "kty": {"type": "string", "enum": ["EC", "OKP"]},
        "crv": {"type": "string", "enum": ["P-256", "X25519"]},
        "kid": {"type": "string", "description": "Name of the key, for the header of the message."},
        "use": word("enc"),
        "alg": word("ECDH-ES+A256KW"),
        "x": coordinate("First coordinate"),
    }));
    if let Some(y) = key
        .pointer_mut("/properties")
        .and_then(Value::as_object_mut)
    {
        y.insert("y".to_owned(), coordinate("Second coordinate, of P-256"));
    }
    object(&json!({"keys": list(&key, "The keys.")}))
}

fn problem() -> Value {
    object(&json!({
        "type": {"type": "string", "format": "uri-reference", "description": "Where this kind of problem is explained."},
        "title": {"type": "string", "description": "Short name of the kind."},
        "status": {"type": "integer", "description": "HTTP status."},
        "detail": {"type": "string", "description": "What happened this time."},
        "request_id": {"type": "string", "description": "Identity of the request in the log of the node, at level debug."},
    }))
}

/// An object of exactly these properties, all of them present.
fn object(properties: &Value) -> Value {
    let names: Vec<_> = properties
        .as_object()
        .into_iter()
        .flat_map(|all| all.keys().cloned())
        .collect();
    json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
}

fn list(items: &Value, doc: &str) -> Value {
    json!({"type": "array", "items": items, "description": doc})
}

fn status_code() -> Value {
    json!({
        "type": "integer",
        "description": "How the command ended: 0 success, positive a decision, negative an error.",
        "oneOf": Status::all().map(constant).collect::<Vec<_>>(),
    })
}

fn constant(status: Status) -> Value {
    json!({
        "const": status.number(),
        "title": status.name(),
        "description": status.message(),
        "x-return-code": status.return_code().name(),
        "x-interfaces": status.interfaces().iter().map(|one| interface(*one)).collect::<Vec<_>>(),
    })
}

/// An interface as documents name it.
pub(crate) fn interface(interface: Interface) -> &'static str {
    match interface {
        Interface::Radius => "radius",
        Interface::Auth => "auth",
        Interface::Sign => "sign",
        Interface::Provision => "prov",
        Interface::Admin => "admin",
    }
}
