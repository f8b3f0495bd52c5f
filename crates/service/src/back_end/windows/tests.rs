use super::*;
use crate::outbound::Outbound;
use countersign_engine::model::{BackEnd, DomainKey, Protocol};
use countersign_testkit::samba::{self, SambaAd};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with the two programs as scripts.
fn programs(ntlm_auth: &str, wbinfo: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in [(NTLM_AUTH, ntlm_auth), (WBINFO, wbinfo)] {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn own(folder: &TempDir, domain: Option<&str>) -> Winbind {
    Winbind {
        netbios_domain: domain.map(Into::into),
        helper: Some(folder.path().join(NTLM_AUTH).display().to_string()),
        directory: None,
    }
}

fn target(own: &Winbind) -> Target {
    Target {
        record: Arc::new(BackEnd {
            protocol: Protocol::Windows(own.clone()),
            ..super::super::servers::tests::record(1, None, 1)
        }),
        secrets: Vec::new(),
        domain: "ad.example.test".into(),
        outbound: Outbound::default(),
        until: Instant::now() + Duration::from_secs(30),
    }
}

async fn ask(own: &Winbind, user: &str, wanted: Wanted) -> Tried {
    let ask = Ask {
        engine: String::new(),
        domain: DomainKey(1),
        user: user.into(),
        wanted,
    };
    Connector::default().ask(&target(own), own, &ask).await
}

fn known(password: &str) -> Wanted {
    Wanted::Authenticate(Password::Known(Secret::new(password.as_bytes().to_vec())))
}

#[tokio::test]
async fn the_password_goes_through_standard_input_alone() {
    let folder = programs(
        r#"read -r typed
if [[ "$*" == *right* ]] || env | grep -q right; then echo "it is seen (0x1)"; exit 1; fi
if [[ "$*" == "--username=alice --domain=EXAMPLE" && "$typed" == right ]]; then echo "NT_STATUS_OK: fine (0x0)"; exit 0; fi
echo "NT_STATUS_LOGON_FAILURE: no (0xc000006d)"; exit 1"#,
        "exit 1",
    );
    let own = own(&folder, Some("EXAMPLE"));
    let accepted = ask(&own, "alice", known("right")).await;
    assert!(
        matches!(accepted, Ok((Said::Accepted(_), _))),
        "{accepted:?}"
    );
    for (user, password) in [
        ("alice", "wrong"),
        ("bob", "right"),
        ("alice", ""),
        ("", "right"),
        ("alice", "right\n"),
    ] {
        let refused = ask(&own, user, known(password)).await;
        assert!(
            matches!(refused, Ok((Said::Rejected, _))),
            "{user} {refused:?}"
        );
    }
    let refused = ask(&own, "alice", Wanted::Authenticate(Password::AsReceived)).await;
    assert_eq!(refused, Ok((Said::HashRefused, String::new())));
}

#[tokio::test]
async fn a_program_that_hangs_or_fails_is_no_answer() {
    let folder = programs(
        "sleep 600",
        "echo WBC_ERR_WINBIND_NOT_AVAILABLE >&2; exit 1",
    );
    let own = own(&folder, None);
    let mut target = target(&own);
    target.until = Instant::now() + Duration::from_millis(200);
    let connector = Connector::default();
    let ask_of = |wanted| Ask {
        engine: String::new(),
        domain: DomainKey(1),
        user: "alice".into(),
        wanted,
    };
    let why = connector.ask(&target, &own, &ask_of(known("right"))).await;
    assert!(why.unwrap_err().contains("no answer in time"));
    target.until = Instant::now() + Duration::from_secs(30);
    let why = connector.ask(&target, &own, &ask_of(Wanted::Resolve)).await;
    assert!(why.unwrap_err().contains("WINBIND_NOT_AVAILABLE"));

    let missing = Winbind {
        helper: Some("/nonexistent/ntlm_auth".into()),
        ..Winbind::default()
    };
    assert!(ask(&missing, "alice", known("right")).await.is_err());
    assert!(ask(&missing, "alice", Wanted::Resolve).await.is_err());
}

#[test]
fn what_wbinfo_prints_is_read() {
    assert_eq!(
        account("EXAMPLE\\mary ann 1\n"),
        Some(("EXAMPLE", "mary ann"))
    );
    assert_eq!(account("EXAMPLE\\Domain Users 2\n"), None);
    assert_eq!(account("odd"), None);
    let told = "Name              : EXAMPLE\nAlt_Name          : ad.example.test\nSID : S-1\n";
    assert_eq!(dns_name(told), Some("ad.example.test"));
    assert_eq!(dns_name("Alt_Name : \n"), None);
}

#[tokio::test]
async fn a_real_domain_answers_through_winbind() {
    let Some(domain) = SambaAd::start() else {
        return;
    };
    let before: Vec<_> = domain
        .before()
        .iter()
        .map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")))
        .collect();
    let script = |program: &str| format!("exec {} /usr/bin/{program} \"$@\"", before.join(" "));
    let folder = programs(&script(NTLM_AUTH), &script(WBINFO));
    let own = own(&folder, Some(samba::NETBIOS));
    for (user, password, said) in [
        ("normal", "Wrong-Passw0rd", Said::Rejected),
        ("nobody", samba::PASSWORD, Said::Rejected),
        ("disabled", samba::PASSWORD, Said::Disabled),
        ("acctexpired", samba::PASSWORD, Said::Disabled),
        ("expired", samba::PASSWORD, Said::Expired),
        ("mustchange", samba::PASSWORD, Said::Expired),
        ("hours", samba::PASSWORD, Said::Rejected),
        ("wks", samba::PASSWORD, Said::Rejected),
    ] {
        let tried = ask(&own, user, known(password)).await;
        assert_eq!(tried.map(|(said, _)| said), Ok(said), "{user}");
    }
    let accepted = ask(&own, "normal", known(samba::PASSWORD)).await;
    assert!(
        matches!(accepted, Ok((Said::Accepted(_), _))),
        "{accepted:?}"
    );
    domain.lock("nested1");
    let tried = ask(&own, "nested1", known(samba::PASSWORD)).await;
    assert_eq!(tried.map(|(said, _)| said), Ok(Said::Locked));

    let meant = Said::Resolved(Some(Resolved {
        user: "normal".into(),
        domain: samba::DOMAIN.into(),
    }));
    for name in ["EXAMPLE\\normal", "normal", "normal@ad.example.test"] {
        let tried = ask(&own, name, Wanted::Resolve).await;
        assert_eq!(tried, Ok((meant.clone(), String::new())), "{name}");
    }
    for name in [
        "EXAMPLE\\nobody",
        "nobody",
        "EXAMPLE\\Domain Users",
        "--ping-dc",
    ] {
        let tried = ask(&own, name, Wanted::Resolve).await;
        assert!(
            matches!(tried, Ok((Said::Resolved(None), _))),
            "{name} {tried:?}"
        );
    }
    let trial = Trial {
        user: Some("normal".into()),
        password: Some(Secret::new(samba::PASSWORD.as_bytes().to_vec())),
        ..Trial::default()
    };
    let steps = Connector::default().test(&target(&own), &own, &trial).await;
    assert!(
        steps.len() == 2 && steps.iter().all(|step| step.passed),
        "{steps:?}"
    );
}
