use super::*;

/// What a user who logs on with the password is told.
fn bind(controller: &SambaAd, user: &str, password: &str) -> String {
    let name = format!("{user}@{DOMAIN}");
    let answer = controller.search_as(&name, password, BASE, "(objectClass=domain)", &["1.1"]);
    match answer {
        Ok(_) => "success".to_owned(),
        Err(text) => {
            let code = text.split_once(" data ").map(|(_, rest)| rest);
            let code = code.and_then(|rest| rest.split(',').next());
            code.unwrap_or(&text).to_owned()
        }
    }
}

#[test]
fn a_controller_knows_every_state_and_comes_back() {
    let Some(mut controller) = SambaAd::start() else {
        return;
    };
    for (user, expected) in [
        ("normal", "success"),
        ("nobody-known", "52e"),
        ("disabled", "533"),
        ("expired", "532"),
        ("mustchange", "773"),
        ("acctexpired", "701"),
        ("hours", "530"),
        ("wks", "531"),
    ] {
        assert_eq!(bind(&controller, user, PASSWORD), expected, "{user}");
    }
    assert_eq!(bind(&controller, "normal", "Wrong-1234"), "52e");
    assert_eq!(controller.bad_passwords("normal"), 1);
    assert_eq!(bind(&controller, "normal", PASSWORD), "success");
    assert_eq!(controller.bad_passwords("normal"), 0);
    controller.lock("locked");
    assert_eq!(bind(&controller, "locked", PASSWORD), "775");
    assert_eq!(controller.bad_passwords("locked"), 3);

    let filter = format!(
        "(&(sAMAccountName=nested1)(memberOf:1.2.840.113556.1.4.1941:=CN=g-outer,{USERS}))"
    );
    let found = controller.search_as(SERVICE, SERVICE_PASSWORD, BASE, &filter, &["dn"]);
    assert!(found.expect("a search").contains("CN=nested1"));

    let winbind = controller
        .winbind("ntlm_auth")
        .args(["--username=normal", "--domain=EXAMPLE"])
        .arg(format!("--password={PASSWORD}"))
        .output()
        .expect("run ntlm_auth");
    assert!(winbind.status.success(), "{winbind:?}");

    controller.kill();
    assert_ne!(bind(&controller, "normal", PASSWORD), "success");
    controller.up();
    assert_eq!(bind(&controller, "normal", PASSWORD), "success");
}
