//! OpenLDAP's slapd with its password policy.

use super::*;
use countersign_engine::model::Profile;
use countersign_testkit::Certificate;
use countersign_testkit::slapd::{
    BASE, GROUPS, PASSWORD, SERVICE, SERVICE_PASSWORD, Slapd, group_entry, user_dn, user_entry,
};

fn site(server: &Slapd) -> Site {
    let own = directory(
        Profile::OpenLdap,
        BASE,
        SERVICE,
        Tls::Ldaps,
        Some(server.ca()),
    );
    Site::new("127.0.0.1", server.tls_port(), own, SERVICE_PASSWORD)
}

#[tokio::test]
async fn every_state_of_a_password_policy_is_told() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let site = site(&server);
    for (user, password, expected, words) in [
        ("normal", PASSWORD, "accepted", ""),
        ("NORMAL", PASSWORD, "accepted", ""),
        (
            "normal",
            "Wrong-1234",
            "rejected",
            "invalidCredentials (49)",
        ),
        ("nobody", PASSWORD, "rejected", "no such user"),
        ("*", PASSWORD, "rejected", "no such user"),
        ("nor*", PASSWORD, "rejected", "no such user"),
        ("normal)(uid=*", PASSWORD, "rejected", "no such user"),
        ("normal,ou=people", PASSWORD, "rejected", "no such user"),
        ("locked", PASSWORD, "locked", "Locked"),
        ("expired", PASSWORD, "expired", "Expired"),
        ("mustchange", PASSWORD, "expired", "ChangeAfterReset"),
        ("grace", PASSWORD, "accepted", "logons are left"),
        ("warn", PASSWORD, "accepted", "expires in"),
    ] {
        let (word, note) = told(site.prove(user, password).await);
        assert_eq!(word, expected, "{user}: {note}");
        assert!(note.contains(words), "{user}: {note}");
    }
    assert_eq!(server.bad_passwords("normal"), 1);
    assert_eq!(told(site.prove("normal", PASSWORD).await).0, "accepted");
    assert_eq!(server.bad_passwords("normal"), 0);
}

#[tokio::test]
async fn a_password_is_changed_by_the_rules_of_its_policy() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let site = site(&server);
    for (user, old, new, expected, words) in [
        ("chpw", PASSWORD, "short", "weak", "TooShort"),
        ("chpw", PASSWORD, PASSWORD, "weak", "InHistory"),
        // what looks like a stored value cannot be judged
        (
            "chpw",
            PASSWORD,
            "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "weak",
            "InsufficientQuality",
        ),
        ("chpw", "Wrong-1234", "New-Passw0rd-2", "rejected", ""),
        ("young", PASSWORD, "New-Passw0rd-2", "weak", "TooYoung"),
        (
            "nobody",
            PASSWORD,
            "New-Passw0rd-2",
            "rejected",
            "no such user",
        ),
        ("locked", PASSWORD, "New-Passw0rd-2", "locked", ""),
        // the directory lets neither the user nor the account of the record change it
        (
            "expired",
            PASSWORD,
            "New-Passw0rd-2",
            "expired",
            "could not change it either",
        ),
        ("chpw", PASSWORD, "New-Passw0rd-2", "accepted", ""),
        ("mustchange", PASSWORD, "New-Passw0rd-2", "accepted", ""),
    ] {
        let (word, note) = told(site.change_password(user, old, new).await);
        assert_eq!(word, expected, "{user} to {new}: {note}");
        assert!(note.contains(words), "{user} to {new}: {note}");
    }
    for user in ["chpw", "mustchange"] {
        assert_eq!(
            told(site.prove(user, "New-Passw0rd-2").await).0,
            "accepted",
            "{user}"
        );
    }
    assert_eq!(told(site.prove("chpw", PASSWORD).await).0, "rejected");
}

#[tokio::test]
async fn groups_count_by_every_name_and_through_each_other() {
    let circle = [
        group_entry(
            "round",
            &[&user_dn("outsider"), &format!("cn=about,{GROUPS}")],
        ),
        group_entry("about", &[&format!("cn=round,{GROUPS}")]),
        format!(
            "dn: cn=unique,{GROUPS}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {}\n\n",
            user_dn("outsider")
        ),
    ];
    let Some(server) = Slapd::with(Certificate::Good, &circle.concat()) else {
        return;
    };
    let site = site(&server);
    let by_dn = format!("CN=g-outer, {GROUPS}");
    for (user, groups, expected) in [
        ("nested1", &["g-inner"][..], "member"),
        ("nested1", &["g-mid"], "member"),
        ("nested1", &["none", "G-OUTER"], "member"),
        ("nested1", &[by_dn.as_str()], "member"),
        ("nested1", &["staff"], "no member"),
        ("nested1", &["*"], "no member"),
        ("normal", &["staff"], "member"),
        ("normal", &["unix"], "member"),
        ("normal", &["g-outer"], "no member"),
        ("outsider", &["unique"], "member"),
        ("outsider", &["about"], "member"),
        ("outsider", &["staff", "unix"], "no member"),
        ("nobody", &["staff"], "no member"),
    ] {
        let (word, note) = told(site.member(user, groups).await);
        assert_eq!(word, expected, "{user} in {groups:?}: {note}");
    }
}

#[tokio::test]
async fn ten_thousand_groups_are_gone_through_and_more_are_refused() {
    let user = user_dn("newcomer");
    let many: String = (0..9_900)
        .map(|number| group_entry(&format!("many-{number}"), &[&user]))
        .collect();
    let over: String = (0..10_100)
        .map(|number| group_entry(&format!("over-{number}"), &[&user_dn("outsider")]))
        .collect();
    let Some(server) = Slapd::with(Certificate::Good, &(many + &over)) else {
        return;
    };
    let site = site(&server);
    assert_eq!(
        told(site.member("newcomer", &["many-9899"]).await).0,
        "member"
    );
    assert_eq!(
        told(site.member("newcomer", &["staff"]).await).0,
        "no member"
    );
    let (word, why) = told(site.member("outsider", &["staff"]).await);
    assert_eq!(word, "away");
    assert!(why.contains("groups"), "{why}");
}

#[tokio::test]
async fn what_is_known_of_a_person_is_taken_over_by_the_map() {
    let long = format!("description: {}\n", "x".repeat(2000));
    let Some(server) = Slapd::with(Certificate::Good, &user_entry("wordy", &long)) else {
        return;
    };
    let mut site = site(&server);
    let Ok((Said::Info(info), _)) = site.ask("normal", Wanted::UserInfo).await else {
        panic!("no info");
    };
    let contact = info.contact;
    assert_eq!(
        (contact.name.as_str(), contact.email.as_str()),
        ("normal User", "normal@example.test")
    );
    assert_eq!(
        (contact.mobile.as_str(), contact.phone.as_str()),
        ("+32470000000", "+3200")
    );

    site.record.map.phone = Some("description".to_owned());
    let told = site.ask("wordy", Wanted::UserInfo).await.unwrap().0;
    assert!(
        matches!(&told, Said::InfoUnusable(why) if why.contains("description")),
        "{told:?}"
    );
    let told = site.ask("nobody", Wanted::UserInfo).await.unwrap().0;
    assert_eq!(told, Said::Rejected);
}

#[tokio::test]
async fn a_referral_is_no_user_and_a_record_that_is_wrong_is_told() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let mut site = site(&server);
    let mut away = |change: fn(&mut Directory), expected: &'static [&'static str]| {
        site.change(change);
        (expected, site.target(), site.own().clone())
    };
    let cases = [
        away(
            |own| own.bind_dn = Some("cn=nobody,dc=example,dc=test".to_owned()),
            &["service bind", "bind_dn or bind_password of the record"],
        ),
        away(
            |own| {
                own.bind_dn = Some(SERVICE.to_owned());
                own.base_dn = "ou=none,dc=example,dc=test".to_owned();
            },
            &["search", "base_dn"],
        ),
        away(|own| own.base_dn = "dc=other".to_owned(), &["search"]),
        away(
            |own| {
                own.base_dn = BASE.to_owned();
                own.user_filter = Some("(mail=".to_owned());
            },
            &["user_filter"],
        ),
    ];
    for (expected, target, own) in cases {
        let ask = Ask {
            engine: String::new(),
            domain: DomainKey(1),
            user: "normal".to_owned(),
            wanted: known(PASSWORD),
        };
        let why = site.connector.ask(&target, &own, &ask).await.unwrap_err();
        assert!(expected.iter().all(|part| why.contains(part)), "{why}");
    }
    site.change(|own| own.user_filter = Some("(mail=normal@*)".to_owned()));
    assert_eq!(told(site.prove("normal", PASSWORD).await).0, "accepted");
    assert_eq!(told(site.prove("learner", PASSWORD).await).0, "rejected");
    site.change(|own| {
        own.user_filter = None;
        own.base_dn = "ou=elsewhere,dc=example,dc=test".to_owned();
    });
    let (word, note) = told(site.prove("normal", PASSWORD).await);
    assert_eq!(word, "rejected");
    assert!(note.contains("ldap://127.0.0.1:9/"), "{note}");
}

#[tokio::test]
async fn a_certificate_must_be_right_and_starttls_does_as_well() {
    for (certificate, expected) in [
        (Certificate::Good, "accepted"),
        (Certificate::Expired, "expired"),
        (Certificate::OtherName, "not valid for name"),
    ] {
        let Some(server) = Slapd::with(certificate, "") else {
            return;
        };
        for tls in [Tls::Ldaps, Tls::StartTls] {
            let mut site = site(&server);
            if tls == Tls::StartTls {
                site.record.port = Some(server.port());
            }
            site.change(|own| own.tls = tls);
            let (word, note) = told(site.prove("normal", PASSWORD).await);
            if certificate == Certificate::Good {
                assert_eq!(word, expected, "{note}");
            } else {
                assert_eq!(word, "away", "{note}");
                assert!(
                    note.starts_with("TLS: ") && note.to_lowercase().contains(expected),
                    "{note}"
                );
            }
            site.change(|own| own.ca = None);
            let (word, note) = told(site.prove("normal", PASSWORD).await);
            assert_eq!(
                word, "away",
                "an authority of the system alone is not enough: {note}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_died_or_froze_is_used_again_when_it_is_back() {
    let Some(mut server) = Slapd::start() else {
        return;
    };
    let mut site = site(&server);
    site.record.timeout_s = 2;
    assert_eq!(told(site.prove("normal", PASSWORD).await).0, "accepted");
    server.freeze();
    let (word, why) = told(site.prove("normal", PASSWORD).await);
    assert_eq!((word, why.as_str()), ("away", "search: no answer in time"));
    server.thaw();
    assert_eq!(told(site.prove("normal", PASSWORD).await).0, "accepted");
    server.kill();
    let (word, why) = told(site.prove("normal", PASSWORD).await);
    assert_eq!(word, "away");
    assert!(why.starts_with("connect: "), "{why}");
    server.up();
    assert_eq!(told(site.prove("normal", PASSWORD).await).0, "accepted");
}

#[tokio::test]
async fn a_report_tells_each_step_and_ends_with_the_first_that_fails() {
    let Some(server) = Slapd::start() else {
        return;
    };
    let mut site = site(&server);
    let mut trial = super::super::super::Trial {
        user: Some("nested1".to_owned()),
        password: Some(Secret::new(PASSWORD)),
        groups: vec!["g-outer".to_owned()],
        ..Default::default()
    };
    let names = |steps: &[(&'static str, bool, String)]| {
        steps.iter().map(|(name, ..)| *name).collect::<Vec<_>>()
    };
    let steps = site.report(&trial).await;
    assert_eq!(
        names(&steps),
        [
            "resolve", "connect", "tls", "bind", "search", "user", "password", "groups"
        ]
    );
    assert!(steps.iter().all(|(_, passed, _)| *passed), "{steps:?}");
    let text = format!("{steps:?}");
    assert!(
        text.contains("certificate verified for 127.0.0.1") && text.contains(&user_dn("nested1")),
        "{text}"
    );
    assert!(
        !text.contains(PASSWORD) && !text.contains(SERVICE_PASSWORD),
        "{text}"
    );

    trial.password = Some(Secret::new("Wrong-1234"));
    let steps = site.report(&trial).await;
    assert_eq!(
        steps.last().map(|(name, passed, _)| (*name, *passed)),
        Some(("password", false))
    );
    site.bind_password = Some(Secret::new("Wrong-1234"));
    let steps = site.report(&trial).await;
    assert_eq!(names(&steps), ["resolve", "connect", "tls", "bind"]);
    site.change(|own| own.ca = None);
    let steps = site.report(&trial).await;
    assert_eq!(
        steps.last().map(|(name, passed, _)| (*name, *passed)),
        Some(("tls", false))
    );
}

#[tokio::test]
async fn twenty_thousand_entries_are_read_page_by_page() {
    let many: String = (0..20_000)
        .map(|number| user_entry(&format!("bulk-{number}"), "").replace("ou=people", "ou=bulk"))
        .collect();
    let Some(server) = Slapd::with(Certificate::Good, &many) else {
        return;
    };
    let site = site(&server);
    let attributes = ["uid", "entryUUID"].map(str::to_owned);
    let mut wide = Wide {
        base: "ou=bulk,dc=example,dc=test",
        scope: Scope::One,
        filter: "(&(objectClass=inetOrgPerson)(uid=bulk-*))",
        attributes: &attributes,
    };
    let mut seen = std::collections::HashSet::new();
    let target = site.target();
    let take = |entry: Entry| {
        assert!(entry.text("entryUUID").is_some());
        seen.insert(entry.text("uid").map(str::to_owned));
        Ok(())
    };
    let read = site.connector.entries(&target, site.own(), &wide, take);
    read.await.unwrap();
    assert_eq!(seen.len(), 20_000);

    let refuse = |_| Err("enough".to_owned());
    let enough = site.connector.entries(&target, site.own(), &wide, refuse);
    assert_eq!(enough.await, Err("enough".to_owned()));
    wide.filter = "(uid=";
    let wrong = site
        .connector
        .entries(&target, site.own(), &wide, |_| Ok(()));
    assert!(wrong.await.unwrap_err().contains("filter"));
}
