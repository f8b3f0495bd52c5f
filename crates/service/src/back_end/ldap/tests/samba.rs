//! A Samba domain controller.

use super::*;
use countersign_engine::back_end::Resolved;
use countersign_testkit::samba::{
    BASE, DOMAIN, PASSWORD, SERVICE, SERVICE_PASSWORD, SambaAd, USERS,
};

fn site(server: &SambaAd) -> Site {
    let own = directory(Profile::Ad, BASE, SERVICE, Tls::Ldaps, Some(server.ca()));
    Site::new(server.address(), 636, own, SERVICE_PASSWORD)
}

#[tokio::test]
async fn every_state_of_an_account_is_told() {
    let Some(server) = SambaAd::start() else {
        return;
    };
    let mut site = site(&server);
    let upn = format!("normal@{DOMAIN}");
    for (user, password, expected, words) in [
        ("normal", PASSWORD, "accepted", ""),
        (upn.as_str(), PASSWORD, "accepted", ""),
        ("upn.name@alt.example.test", PASSWORD, "accepted", ""),
        ("sam-name@ad.example.test", PASSWORD, "accepted", ""),
        ("normal", "Wrong-1234", "rejected", "data 52e"),
        ("nobody-known", PASSWORD, "rejected", "no such user"),
        ("norm*", PASSWORD, "rejected", "no such user"),
        ("normal)(cn=*", PASSWORD, "rejected", "no such user"),
        // a computer is of the class user too
        ("DC1$", PASSWORD, "rejected", "no such user"),
        ("disabled", PASSWORD, "disabled", "data 533"),
        ("acctexpired", PASSWORD, "disabled", "data 701"),
        ("expired", PASSWORD, "expired", "data 532"),
        ("mustchange", PASSWORD, "expired", "data 773"),
        ("hours", PASSWORD, "rejected", "data 530"),
        ("wks", PASSWORD, "rejected", "data 531"),
    ] {
        let (word, note) = told(site.prove(user, password).await);
        assert_eq!(word, expected, "{user}: {note}");
        assert!(note.contains(words), "{user}: {note}");
    }
    server.lock("locked");
    let (word, note) = told(site.prove("locked", PASSWORD).await);
    assert_eq!(word, "locked", "{note}");
    assert!(note.contains("data 775"), "{note}");
    assert_eq!(told(site.prove("outsider", "").await).0, "rejected");
    assert_eq!(server.bad_passwords("outsider"), 0);

    site.bind_password = Some(Secret::new("Wrong-1234"));
    site.change(|_| ());
    let (word, why) = told(site.prove("normal", PASSWORD).await);
    assert_eq!(word, "away");
    assert!(
        why.contains("data 52e") && why.contains("bind_password of the record"),
        "{why}"
    );
}

#[tokio::test]
async fn a_password_is_changed_by_the_rules_of_the_domain() {
    let Some(server) = SambaAd::start() else {
        return;
    };
    let site = site(&server);
    const NEW: &str = "New-Passw0rd-2";
    for (user, old, new, expected, words) in [
        ("chpw", PASSWORD, "short", "weak", "0000052D"),
        (
            "chpw",
            PASSWORD,
            "without any digit or capital",
            "weak",
            "0000052D",
        ),
        ("chpw", PASSWORD, PASSWORD, "weak", "0000052D"),
        ("chpw", "Wrong-1234", NEW, "rejected", "00000056"),
        ("nobody-known", PASSWORD, NEW, "rejected", "no such user"),
        ("chpw", PASSWORD, NEW, "accepted", ""),
        // neither could bind to change it himself
        ("expired", PASSWORD, NEW, "accepted", ""),
        ("mustchange", PASSWORD, NEW, "accepted", ""),
    ] {
        let (word, note) = told(site.change_password(user, old, new).await);
        assert_eq!(word, expected, "{user} to {new}: {note}");
        assert!(note.contains(words), "{user} to {new}: {note}");
    }
    for user in ["chpw", "expired", "mustchange"] {
        assert_eq!(told(site.prove(user, NEW).await).0, "accepted", "{user}");
    }
    server.lock("locked");
    let (word, note) = told(site.change_password("locked", PASSWORD, NEW).await);
    assert_eq!(word, "locked", "{note}");
}

#[tokio::test]
async fn groups_persons_and_names_of_a_domain_are_found() {
    let Some(server) = SambaAd::start() else {
        return;
    };
    let mut site = site(&server);
    // groups need not lie where the users do
    let by_dn = format!("cn=G-Outer,{USERS}");
    for (user, groups, expected) in [
        ("nested1", &["g-inner"][..], "member"),
        ("nested1", &["g-outer"], "member"),
        ("nested1", &["none", "G-MID"], "member"),
        ("nested1", &[by_dn.as_str()], "member"),
        ("nested1", &["g-oute*"], "no member"),
        ("outsider", &["g-outer"], "no member"),
        // the primary group, and the group it lies in
        ("outsider", &["Domain Users"], "member"),
        ("outsider", &["Users"], "member"),
        ("outsider", &["Domain Admins"], "no member"),
        ("nobody-known", &["g-outer"], "no member"),
    ] {
        let (word, note) = told(site.member(user, groups).await);
        assert_eq!(word, expected, "{user} in {groups:?}: {note}");
    }

    let Ok((Said::Info(info), _)) = site.ask("normal", Wanted::UserInfo).await else {
        panic!("no info");
    };
    let contact = info.contact;
    assert_eq!(
        (contact.name.as_str(), contact.phone.as_str()),
        ("normal User", "+3200")
    );
    assert_eq!(contact.email, "normal@ad.example.test");

    let catalogs = [
        None,
        Some(server.address().to_owned()),
        Some(format!("{}:3269", server.address())),
    ];
    for catalog in catalogs {
        site.change(|own| own.global_catalog = catalog);
        for (name, expected) in [
            ("EXAMPLE\\normal", Some("normal")),
            ("example\\Sam-Name", Some("sam-name")),
            ("ad.example.test\\normal", Some("normal")),
            ("normal@ad.example.test", Some("normal")),
            ("upn.name@alt.example.test", Some("sam-name")),
            ("sam-name@ad.example.test", Some("sam-name")),
            ("normal", Some("normal")),
            ("OTHER\\normal", None),
            ("EXAMPLE\\nobody-known", None),
            ("nobody@alt.example.test", None),
            ("*@ad.example.test", None),
            ("EXAMPLE\\norm*", None),
        ] {
            let said = site.ask(name, Wanted::Resolve).await.unwrap().0;
            let expected = expected.map(|user| Resolved {
                user: user.to_owned(),
                domain: DOMAIN.to_owned(),
            });
            assert_eq!(said, Said::Resolved(expected), "{name}");
        }
    }
    let steps = site.report(&super::super::super::Trial::default()).await;
    assert!(
        steps
            .iter()
            .any(|(name, passed, _)| *name == "global catalog" && *passed),
        "{steps:?}"
    );
}
