//! The documents made from tables: compared here, and rewritten with `UPDATE=1`.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot write its document must fail"
)]

use countersign_engine::admin::{Run, verbs};
use countersign_engine::audit::Code;
use countersign_engine::policy;
use countersign_engine::settings::SETTINGS;
use countersign_engine::status::{Interface, Packet, ReturnCode, Status};
use std::fmt::Write;
use std::path::Path;

/// Compares a document with what the tables say.
fn check(name: &str, title: &str, intro: &str, body: &str) {
    let wanted =
        format!("# {title}\n\n{intro} Made from the program's tables; do not edit.\n\n{body}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).expect("write the document");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/{name} differs from the tables; run UPDATE=1 ./test"
    );
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn status_codes() {
    let mut out = String::from(
        "| code | name | meaning | class | RADIUS | lock | interfaces | what brings it about, what to do |\n|---|---|---|---|---|---|---|---|\n",
    );
    for status in Status::all() {
        let interfaces: String = status
            .interfaces()
            .iter()
            .map(|interface| letter(*interface))
            .collect();
        let lock = if status.counts() { "counts" } else { "" };
        let generic = if status.is_generic() {
            " (1000 under generic codes)"
        } else {
            ""
        };
        writeln!(
            out,
            "| {} | {} | {}{generic} | {} | {} | {lock} | {interfaces} | {} |",
            status.number(),
            status.names().join(" / "),
            cell(status.message()),
            class(status.return_code()),
            packet(status.packet()),
            cell(status.advice())
        )
        .expect("write to a string");
    }
    check(
        "status-codes.md",
        "Status codes",
        "Every operation ends with one of these. The number is the contract, never the text.",
        &out,
    );
}

fn letter(interface: Interface) -> &'static str {
    match interface {
        Interface::Radius => "R",
        Interface::Auth => "A",
        Interface::Sign => "S",
        Interface::Provision => "P",
        Interface::Admin => "M",
    }
}

fn class(code: ReturnCode) -> &'static str {
    match code {
        ReturnCode::Success => "success",
        ReturnCode::Failure => "failure",
        ReturnCode::Challenge => "challenge",
        ReturnCode::Declined => "declined",
        ReturnCode::Error => "error",
    }
}

fn packet(packet: Packet) -> &'static str {
    match packet {
        Packet::Accept => "Accept",
        Packet::Challenge => "Challenge",
        Packet::Reject => "Reject",
        Packet::RejectUnlessSilent => "Reject, or silence by option",
        Packet::RejectOnceIdentified => "Reject once the user is identified",
        Packet::Silence => "silence",
    }
}

#[test]
fn policy_attributes() {
    check(
        "policy-attributes.md",
        "Policy attributes",
        "What a policy can set. Attributes that it does not set are inherited from its parent.",
        &policy::markdown(),
    );
}

#[test]
fn audit_codes() {
    let mut out = String::from("| code | meaning |\n|---|---|\n");
    for code in Code::all() {
        writeln!(
            out,
            "| {code} | {} |",
            cell(code.meaning().unwrap_or_default())
        )
        .expect("write to a string");
    }
    check(
        "audit-codes.md",
        "Audit codes",
        "The kinds of audit records. A released code never changes its meaning.",
        &out,
    );
}

#[test]
fn settings() {
    let mut out = String::from("| setting | default | what it does |\n|---|---|---|\n");
    for setting in SETTINGS {
        writeln!(
            out,
            "| {} | {} | {} |",
            setting.name,
            setting.default,
            cell(setting.doc)
        )
        .expect("write to a string");
    }
    check(
        "settings.md",
        "Settings",
        "Values of the whole deployment, changed by `setting/update`, in force at once.",
        &out,
    );
}

#[test]
fn commands() {
    let mut out = String::from(
        "| command | privilege | fields (**required**) | what it does |\n|---|---|---|---|\n",
    );
    for verb in verbs() {
        let fields: Vec<String> = verb
            .fields()
            .filter(|_| !verb.attributes)
            .map(|field| {
                if field.required {
                    format!("**{}**", field.name)
                } else {
                    field.name.to_owned()
                }
            })
            .collect();
        let fields = if verb.attributes {
            "policy attributes".to_owned()
        } else {
            fields.join(", ")
        };
        let later = if matches!(verb.run, Run::Later) {
            " Not offered yet (-108)."
        } else {
            ""
        };
        writeln!(
            out,
            "| {}/{} | {} | {fields} | {}{later} |",
            verb.object,
            verb.verb,
            verb.privilege,
            cell(verb.doc)
        )
        .expect("write to a string");
    }
    check(
        "commands.md",
        "Administrative commands",
        "`POST /v1/admin/OBJECT/VERB`, or `countersign admin OBJECT VERB --field value`.",
        &out,
    );
}
