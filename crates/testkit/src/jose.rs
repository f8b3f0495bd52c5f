//! Encrypted messages by the program `jose`, which shares no code with the server.

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// A message in compact form for a public key (JWK), by `ECDH-ES+A256KW` and `A256GCM`; `header` is put on top.
///
/// # Panics
/// It cannot be made.
pub fn encrypt(key: &Value, content: &Value, header: &Value) -> String {
    let mut protected =
        json!({"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": key["kid"].clone()});
    crate::world::merge(&mut protected, header);
    let key = json!({"kty": key["kty"], "crv": key["crv"], "x": key["x"], "y": key["y"]});
    let template = json!({"protected": protected}).to_string();
    let file = tempfile::NamedTempFile::new().expect("make a file");
    std::fs::write(file.path(), key.to_string()).expect("write a file");
    let mut child = Command::new("jose")
        .args([
            "jwe", "enc", "-i", &template, "-I", "-", "-c", "-o", "-", "-k",
        ])
        .arg(file.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("run jose");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(content.to_string().as_bytes())
        .expect("write to jose");
    drop(pipe);
    let output = child.wait_with_output().expect("wait for jose");
    assert!(output.status.success(), "jose failed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The public part of a new key on P-256.
///
/// # Panics
/// It cannot be made.
pub fn other_key(id: &str) -> Value {
    let template = r#"{"kty":"EC","crv":"P-256"}"#;
    let output = Command::new("jose")
        .args(["jwk", "gen", "-i", template])
        .output()
        .expect("run jose");
    let mut key: Value = serde_json::from_slice(&output.stdout).expect("a key");
    key["kid"] = id.into();
    key
}
