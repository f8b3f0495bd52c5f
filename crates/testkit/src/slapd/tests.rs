use super::*;

/// What a user is told who binds with the password, with what the policy says.
fn bind(server: &Slapd, user: &str, password: &str) -> String {
    let args = ["-s", "base", "-b", "", "-e", "ppolicy", "1.1"];
    match server.run_as(&user_dn(user), password, "ldapsearch", &args) {
        Ok(text) => format!("0 {text}"),
        Err(text) => text,
    }
}

#[test]
fn every_state_of_a_policy_is_there_and_a_killed_server_comes_back() {
    let Some(mut server) = Slapd::start() else {
        return;
    };
    for (user, password, success, expected) in [
        ("normal", PASSWORD, true, ""),
        ("normal", "Wrong-1234", false, "Invalid credentials (49)"),
        ("nobody", PASSWORD, false, "Invalid credentials (49)"),
        ("locked", PASSWORD, false, "locked"),
        ("expired", PASSWORD, false, "expired"),
        ("grace", PASSWORD, true, "grace"),
        ("warn", PASSWORD, true, "expires in"),
        ("mustchange", PASSWORD, true, "must be changed"),
    ] {
        let told = bind(&server, user, password);
        assert_eq!(told.starts_with("0 "), success, "{user}: {told}");
        let told = told.to_lowercase();
        assert!(told.contains(&expected.to_lowercase()), "{user}: {told}");
    }
    assert_eq!(server.bad_passwords("wrong"), 0);
    bind(&server, "wrong", "Wrong-1234");
    assert_eq!(server.bad_passwords("wrong"), 1);

    for (user, new, expected) in [
        ("chpw", "short", "too short"),
        ("chpw", PASSWORD, "old passwords"),
        ("young", "Another-Passw0rd-2", "young"),
    ] {
        let args = ["-e", "ppolicy", "-a", PASSWORD, "-s", new];
        let told = server.run_as(&user_dn(user), PASSWORD, "ldappasswd", &args);
        let told = told.expect_err("it is refused").to_lowercase();
        assert!(told.contains(expected), "{user}: {told}");
    }
    server.change_password("chpw", PASSWORD, "Another-Passw0rd-2");

    server.kill();
    assert!(!bind(&server, "normal", PASSWORD).starts_with("0 "));
    server.up();
    assert!(bind(&server, "normal", PASSWORD).starts_with("0 "));
}
