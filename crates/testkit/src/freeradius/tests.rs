use super::*;
use crate::Packet;

fn ask(server: &FreeRadius, user: &str, more: &[(&str, &str)]) -> Packet {
    let name = format!("\"{user}\"");
    let mut attributes = vec![("User-Name", name.as_str())];
    attributes.extend_from_slice(more);
    let address = format!("127.0.0.1:{}", server.auth_port());
    radclient(&address, "auth", SECRET, &attributes, 0.5)
}

#[test]
fn users_are_answered_as_they_should_be() {
    let Some(mut server) = FreeRadius::start() else {
        return;
    };
    let password = ("User-Password", "\"Passw0rd-1\"");
    let bob = ask(&server, "bob", &[password]);
    assert!(bob.is_accept(), "{}", bob.text);
    assert_eq!(bob.get("Filter-Id"), Some("staff"));
    assert!(bob.get("Message-Authenticator").is_some(), "{}", bob.text);
    assert!(ask(&server, "bob", &[("User-Password", "\"no\"")]).is_reject());
    assert!(ask(&server, "bob", &[("CHAP-Password", "\"Passw0rd-1\"")]).is_accept());
    assert!(ask(&server, "bob", &[("MS-CHAP-Password", "\"Passw0rd-1\"")]).is_accept());
    assert!(ask(&server, "bob@realm.test", &[password]).is_accept());
    assert!(ask(&server, "REALM\\\\bob", &[password]).is_accept());
    let legacy = ask(&server, "legacy", &[password]);
    assert!(legacy.is_accept() && legacy.get("Message-Authenticator").is_none());
    assert!(ask(&server, "reject", &[password]).is_reject());
    assert!(ask(&server, "silent", &[password]).is_silent());
    for (user, code) in [
        ("hours", "E=646"),
        ("disabled", "E=647"),
        ("expired", "E=648"),
        ("dialin", "E=649"),
        ("wrong", "E=691"),
    ] {
        let typed = if user == "wrong" {
            "\"no\""
        } else {
            password.1
        };
        let answer = ask(&server, user, &[("MS-CHAP-Password", typed)]);
        let error = answer.get("MS-CHAP-Error").unwrap_or_default();
        assert!(error.contains(code), "{user}: {}", answer.text);
    }
    let challenge = ask(&server, "chal", &[password]);
    assert!(challenge.is_challenge(), "{}", challenge.text);
    let answer = ("User-Password", "\"123456\"");
    let passed = ask(&server, "chal", &[answer, ("State", &challenge.state())]);
    assert!(passed.is_accept(), "{}", passed.text);

    let accounting = format!("127.0.0.1:{}", server.acct_port());
    let attributes = [
        ("User-Name", "bob"),
        ("Acct-Status-Type", "Start"),
        ("Acct-Session-Id", "\"session-1\""),
    ];
    let answer = radclient(&accounting, "acct", SECRET, &attributes, 1.0);
    assert_eq!(answer.code.as_deref(), Some("Accounting-Response"));
    let seen = server.seen();
    assert!(
        seen.iter().any(|line| line.ends_with("|Start|session-1")),
        "{seen:?}"
    );
    assert!(
        seen.iter()
            .any(|line| line.starts_with("Access-Request|bob|Passw0rd-1|")),
        "{seen:?}"
    );

    server.freeze();
    assert!(ask(&server, "bob", &[password]).is_silent());
    server.thaw();
    assert!(ask(&server, "bob", &[password]).is_accept());
    server.kill();
    assert!(ask(&server, "bob", &[password]).is_silent());
    server.write_users(&[("new", "Another-Passw0rd-2")]);
    server.up();
    assert!(
        ask(
            &server,
            "new",
            &[("User-Password", "\"Another-Passw0rd-2\"")]
        )
        .is_accept()
    );
}
