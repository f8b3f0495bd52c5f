//! Servers that a test plays: faults that real ones seldom have.

use super::super::wire::{message_len, script};
use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const USER: &str = "uid=alice,dc=example,dc=test";

/// Requests that came: connection, operation, bytes.
type Requests = Arc<Mutex<Vec<(usize, u8, Vec<u8>)>>>;

/// A request as it came.
struct Asked {
    /// Which connection, from 0 on.
    connection: usize,
    id: i32,
    operation: u8,
    bytes: Vec<u8>,
}

/// What the server does with it.
enum Play {
    Say(Vec<u8>),
    SayAndClose(Vec<u8>),
    /// Says it again and again.
    Flood(Vec<u8>),
    Silence,
}

/// A server that answers as a function says.
struct Fake {
    port: u16,
    connections: Arc<AtomicUsize>,
    requests: Requests,
}

impl Fake {
    async fn start(play: impl Fn(&Asked) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fake = Self {
            port,
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests, play) = (
            fake.connections.clone(),
            fake.requests.clone(),
            Arc::new(play),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, connection, requests.clone(), play.clone()));
            }
        });
        fake
    }

    fn site(&self) -> Site {
        let own = directory(
            Profile::OpenLdap,
            "dc=example,dc=test",
            "cn=service",
            Tls::None,
            None,
        );
        Site::new("127.0.0.1", self.port, own, "of the service")
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Operations that came, with the connection.
    fn requests(&self) -> Vec<(usize, u8)> {
        let all = self.requests.lock().unwrap();
        all.iter()
            .map(|(connection, operation, _)| (*connection, *operation))
            .collect()
    }

    fn sent(&self, part: &[u8]) -> bool {
        let all = self.requests.lock().unwrap();
        all.iter()
            .any(|(_, _, bytes)| script::contains(bytes, part))
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    requests: Requests,
    play: Arc<impl Fn(&Asked) -> Play>,
) {
    let mut buffer = Vec::new();
    loop {
        while let Ok(Some(length)) = message_len(&buffer) {
            if length > buffer.len() {
                break;
            }
            let rest = buffer.split_off(length);
            let bytes = std::mem::replace(&mut buffer, rest);
            let (id, operation) = script::request(&bytes);
            requests
                .lock()
                .unwrap()
                .push((connection, operation, bytes.clone()));
            let asked = Asked {
                connection,
                id,
                operation,
                bytes,
            };
            match play(&asked) {
                Play::Say(answer) => {
                    let _ = stream.write_all(&answer).await;
                }
                Play::SayAndClose(answer) => {
                    let _ = stream.write_all(&answer).await;
                    return;
                }
                Play::Flood(answer) => while stream.write_all(&answer).await.is_ok() {},
                Play::Silence => {}
            }
        }
        match stream.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// A directory in which everything goes well: it knows one user and takes every password.
fn well(asked: &Asked) -> Play {
    let mut answer = Vec::new();
    if asked.operation == script::SEARCH {
        answer.extend(script::entry(asked.id, USER, &[("uid", "alice")]));
    }
    answer.extend(script::done(asked.id, asked.operation, 0, "", &[]));
    Play::Say(answer)
}

#[tokio::test]
async fn a_search_as_the_service_and_a_bind_as_the_user_prove_a_password() {
    let fake = Fake::start(well).await;
    let site = fake.site();
    for _ in 0..3 {
        assert_eq!(told(site.prove("alice", "right").await).0, "accepted");
    }
    let all = fake.requests();
    // connection 0 is the service's: bound once, searched thrice; connection 1 binds the user
    assert_eq!(
        all.iter().filter(|one| **one == (0, script::BIND)).count(),
        1
    );
    assert_eq!(
        all.iter()
            .filter(|one| **one == (0, script::SEARCH))
            .count(),
        3
    );
    assert_eq!(
        all.iter().filter(|one| **one == (1, script::BIND)).count(),
        3
    );
    assert_eq!(fake.connections(), 2);
}

#[tokio::test]
async fn an_empty_password_never_leaves_though_the_directory_would_take_it() {
    let fake = Fake::start(well).await;
    let site = fake.site();
    for password in ["", "\0", "\0right"] {
        assert_eq!(told(site.prove("alice", password).await).0, "rejected");
        assert_eq!(
            told(
                site.change_password("alice", password, "New-Passw0rd")
                    .await
            )
            .0,
            "rejected"
        );
    }
    assert_eq!(
        told(site.change_password("alice", "old", "").await).0,
        "weak"
    );
    assert_eq!(fake.connections(), 0);

    let mut site = fake.site();
    site.bind_password = Some(Secret::new(""));
    let (word, why) = told(site.prove("alice", "right").await);
    assert_eq!(word, "away");
    assert!(why.contains("bind_password"), "{why}");
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_hash_is_refused_and_a_question_unknown() {
    let fake = Fake::start(well).await;
    let as_received = Wanted::Authenticate(Password::AsReceived);
    assert_eq!(
        told(fake.site().ask("alice", as_received).await).0,
        "hash refused"
    );
    assert_eq!(
        told(fake.site().ask("a@b", Wanted::Resolve).await).0,
        "unsupported"
    );
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn garbage_is_an_error_that_names_the_step() {
    for (answer, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "not LDAP"),
        (vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff], "too long"),
        (vec![0x30, 0x80, 0x00], "encoding"),
        (vec![0x30, 0x03, 0x01, 0x01, 0x00], "cannot be read"),
        (script::done(99, script::BIND, 0, "", &[]), "nobody asked"),
        (script::done(1, script::SEARCH, 0, "", &[]), "does not fit"),
    ] {
        let fake = Fake::start(move |_| Play::Say(answer.clone())).await;
        let (word, why) = told(fake.site().prove("alice", "right").await);
        assert_eq!(word, "away");
        assert!(
            why.contains("service bind") && why.contains(expected),
            "{why}"
        );
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    for flood in [
        script::entry(2, USER, &[("uid", "alice")]),
        script::reference(2, "ldap://elsewhere.example.test/"),
    ] {
        let fake = Fake::start(move |asked| match asked.operation {
            script::SEARCH => Play::Flood(flood.clone()),
            _ => well(asked),
        })
        .await;
        let (word, why) = told(fake.site().prove("alice", "right").await);
        assert_eq!(word, "away");
        assert!(why.contains("search: "), "{why}");
    }
}

#[tokio::test]
async fn silence_ends_in_time_and_names_the_step() {
    let fake = Fake::start(|asked| match asked.operation {
        script::SEARCH => Play::Silence,
        _ => well(asked),
    })
    .await;
    let mut site = fake.site();
    site.record.timeout_s = 1;
    let (word, why) = told(site.prove("alice", "right").await);
    assert_eq!((word, why.as_str()), ("away", "search: no answer in time"));
}

#[tokio::test]
async fn a_question_given_up_takes_its_connection_with_it() {
    let fake = Fake::start(|asked| match (asked.connection, asked.operation) {
        (0, script::SEARCH) => Play::Silence,
        _ => well(asked),
    })
    .await;
    let site = fake.site();
    let (asked, seen) = tokio::join!(
        tokio::time::timeout(Duration::from_millis(300), site.prove("alice", "right")),
        async {
            while fake.requests().len() < 2 {
                tokio::task::yield_now().await;
            }
        }
    );
    assert!(asked.is_err());
    let () = seen;
    assert_eq!(told(site.prove("alice", "right").await).0, "accepted");
    assert_eq!(
        fake.requests()
            .iter()
            .filter(|(connection, _)| *connection == 0)
            .count(),
        2
    );
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    // each connection carries one answer after the bind and is closed then
    let fake = Fake::start(|asked| match (asked.operation, well(asked)) {
        (script::SEARCH, Play::Say(answer)) => Play::SayAndClose(answer),
        (_, play) => play,
    })
    .await;
    let site = fake.site();
    for _ in 0..5 {
        assert_eq!(told(site.prove("alice", "right").await).0, "accepted");
    }
}

#[tokio::test]
async fn a_notice_of_disconnection_is_told() {
    let fake = Fake::start(|asked| match asked.operation {
        script::SEARCH => {
            Play::SayAndClose(script::done(0, script::EXTENDED, 52, "going down", &[]))
        }
        _ => well(asked),
    })
    .await;
    let (word, why) = told(fake.site().prove("alice", "right").await);
    assert_eq!(word, "away");
    assert!(why.contains("unavailable (52): going down"), "{why}");
}

#[tokio::test]
async fn the_account_of_the_record_refused_is_no_verdict_on_the_user_and_is_not_tried_at_once_again()
 {
    let fake =
        Fake::start(|asked| Play::Say(script::done(asked.id, asked.operation, 49, "", &[]))).await;
    let mut site = fake.site();
    for _ in 0..5 {
        let (word, why) = told(site.prove("alice", "right").await);
        assert_eq!(word, "away");
        assert!(why.contains("bind_password of the record"), "{why}");
    }
    assert_eq!(fake.requests().len(), 1);
    // a changed record is tried at once
    site.change(|own| own.bind_dn = Some("cn=other".to_owned()));
    assert_eq!(told(site.prove("alice", "right").await).0, "away");
    assert_eq!(fake.requests().len(), 2);
    assert!(fake.sent(b"cn=other"));
}

#[tokio::test]
async fn a_changed_record_begins_with_new_connections() {
    let fake = Fake::start(well).await;
    let mut site = fake.site();
    assert_eq!(told(site.prove("alice", "right").await).0, "accepted");
    site.change(|own| own.bind_dn = Some("cn=successor".to_owned()));
    assert_eq!(told(site.prove("alice", "right").await).0, "accepted");
    assert_eq!(fake.connections(), 4);
    assert!(fake.sent(b"cn=successor"));
}

#[tokio::test]
async fn two_entries_a_limit_and_a_referral_are_no_user() {
    type Answer = fn(i32) -> Vec<u8>;
    let answers: [(Answer, &str); 5] = [
        (
            |id| {
                let mut all = script::entry(id, USER, &[]);
                all.extend(script::entry(id, "uid=alice,ou=b,dc=example,dc=test", &[]));
                all.extend(script::done(id, script::SEARCH, 0, "", &[]));
                all
            },
            "more than one",
        ),
        (
            |id| {
                let mut all = script::entry(id, USER, &[]);
                all.extend(script::done(id, script::SEARCH, 4, "", &[]));
                all
            },
            "more than one",
        ),
        (
            |id| script::done(id, script::SEARCH, 0, "", &[]),
            "no such user",
        ),
        (
            |id| script::referral(id, script::SEARCH, &["ldap://other.example.test/"]),
            "ldap://other.example.test/",
        ),
        (
            |id| {
                let mut all = script::reference(id, "ldap://third.example.test/");
                all.extend(script::done(id, script::SEARCH, 0, "", &[]));
                all
            },
            "ldap://third.example.test/",
        ),
    ];
    for (answer, expected) in answers {
        let fake = Fake::start(move |asked| match asked.operation {
            script::SEARCH => Play::Say(answer(asked.id)),
            _ => well(asked),
        })
        .await;
        let (word, why) = told(fake.site().prove("alice", "right").await);
        assert_eq!(word, "rejected", "{why}");
        assert!(why.contains(expected), "{why}");
    }
}

#[tokio::test]
async fn results_of_a_search_that_judge_no_user_go_to_the_next_server() {
    for (code, expected) in [
        (1, "operationsError"),
        (3, "timeLimit"),
        (11, "adminLimit"),
        (32, "base_dn"),
        (50, "insufficient"),
        (51, "busy"),
        (52, "unavailable"),
        (53, "unwilling"),
    ] {
        let fake = Fake::start(move |asked| match asked.operation {
            script::SEARCH => Play::Say(script::done(asked.id, script::SEARCH, code, "", &[])),
            _ => well(asked),
        })
        .await;
        let (word, why) = told(fake.site().prove("alice", "right").await);
        assert_eq!(word, "away", "{code}");
        assert!(why.contains("search: ") && why.contains(expected), "{why}");
    }
}

#[tokio::test]
async fn what_comes_before_tls_is_not_taken() {
    let fake = Fake::start(|asked| {
        let mut answer = script::done(asked.id, asked.operation, 0, "", &[]);
        answer.extend(script::done(asked.id + 1, script::BIND, 0, "", &[]));
        Play::Say(answer)
    })
    .await;
    let mut site = fake.site();
    site.change(|own| own.tls = Tls::StartTls);
    let (word, why) = told(site.prove("alice", "right").await);
    assert_eq!(word, "away");
    assert!(why.contains("StartTLS"), "{why}");

    let fake = Fake::start(|asked| {
        Play::Say(script::done(
            asked.id,
            asked.operation,
            2,
            "no TLS here",
            &[],
        ))
    })
    .await;
    let mut site = fake.site();
    site.change(|own| own.tls = Tls::StartTls);
    let (word, why) = told(site.prove("alice", "right").await);
    assert_eq!(word, "away");
    assert!(why.contains("no TLS here"), "{why}");
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_directory_of_windows_is_never_asked_without_tls() {
    let fake = Fake::start(well).await;
    let own = directory(
        Profile::Ad,
        "dc=example,dc=test",
        "cn=service",
        Tls::None,
        None,
    );
    let site = Site::new("127.0.0.1", fake.port, own, "of the service");
    let (word, why) = told(site.prove("alice", "right").await);
    assert_eq!(word, "away");
    assert!(why.contains("ldaps or starttls"), "{why}");
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn addresses_that_no_record_may_name_are_not_connected_to() {
    for address in ["169.254.169.254", "224.0.0.1", "0.0.0.0", "[fe80::1]"] {
        let own = directory(
            Profile::OpenLdap,
            "dc=example,dc=test",
            "cn=service",
            Tls::None,
            None,
        );
        let (word, why) = told(
            Site::new(address, 389, own, "of the service")
                .prove("alice", "right")
                .await,
        );
        assert_eq!(word, "away");
        assert!(
            why.starts_with("resolve: ") && why.contains("never"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn whatever_is_typed_leaves_as_one_value() {
    let fake = Fake::start(well).await;
    let site = fake.site();
    for typed in ["*", "alice)(uid=*", "a*", "alice,dc=test", "\\2a"] {
        site.prove(typed, "right").await.unwrap();
        let value = [&[u8::try_from(typed.len()).unwrap()], typed.as_bytes()].concat();
        assert!(fake.sent(&value), "{typed}");
    }
    for typed in ["", "a\0b", "a\nb"] {
        assert_eq!(told(site.prove(typed, "right").await).0, "rejected");
    }
}

/// Whether it is asked if any group lists members so.
fn is_probe(asked: &Asked) -> bool {
    let present: [&[u8]; 2] = [b"\x87\x06member", b"\x87\x0cuniqueMember"];
    present
        .iter()
        .any(|filter| script::contains(&asked.bytes, filter))
}

#[tokio::test]
async fn groups_in_a_circle_end_and_endless_groups_are_refused() {
    // every group lies in a group of the same two
    let fake = Fake::start(|asked| {
        let mut answer = Vec::new();
        if is_probe(asked) {
            answer.extend(script::entry(asked.id, USER, &[]));
        } else if asked.operation == script::SEARCH {
            if script::contains(&asked.bytes, b"memberUid")
                || script::contains(&asked.bytes, b"uniqueMember")
            {
                for name in ["a", "b"] {
                    answer.extend(script::entry(
                        asked.id,
                        &format!("cn={name},dc=example,dc=test"),
                        &[("cn", name)],
                    ));
                }
            } else if script::contains(&asked.bytes, b"namingContexts") {
                answer.extend(script::entry(
                    asked.id,
                    "",
                    &[("namingContexts", "dc=test")],
                ));
            } else {
                answer.extend(script::entry(asked.id, USER, &[("uid", "alice")]));
            }
        }
        answer.extend(script::done(asked.id, asked.operation, 0, "", &[]));
        Play::Say(answer)
    })
    .await;
    let site = fake.site();
    assert_eq!(told(site.member("alice", &["c"]).await).0, "no member");
    assert_eq!(told(site.member("alice", &["B"]).await).0, "member");
    let searches = fake
        .requests()
        .iter()
        .filter(|(_, operation)| *operation == script::SEARCH)
        .count();
    assert!(searches < 10, "{searches}");

    // every search finds hundreds of new groups
    let count = Arc::new(AtomicUsize::new(0));
    let fake = Fake::start(move |asked| {
        let mut answer = Vec::new();
        if is_probe(asked) {
            answer.extend(script::entry(asked.id, USER, &[]));
        } else if script::contains(&asked.bytes, b"uniqueMember") {
            for _ in 0..400 {
                let name = count.fetch_add(1, Ordering::Relaxed);
                answer.extend(script::entry(
                    asked.id,
                    &format!("cn=g{name},dc=example,dc=test"),
                    &[],
                ));
            }
        } else if asked.operation == script::SEARCH {
            answer.extend(script::entry(asked.id, USER, &[("uid", "alice")]));
        }
        answer.extend(script::done(asked.id, asked.operation, 0, "", &[]));
        Play::Say(answer)
    })
    .await;
    let (word, why) = told(fake.site().member("alice", &["c"]).await);
    assert_eq!(word, "away");
    assert!(why.contains("10000 groups"), "{why}");
}

#[tokio::test]
async fn a_change_that_broke_off_is_not_made_twice() {
    let fake = Fake::start(|asked| match asked.operation {
        script::EXTENDED => Play::SayAndClose(Vec::new()),
        _ => well(asked),
    })
    .await;
    let site = fake.site();
    assert_eq!(told(site.prove("alice", "old").await).0, "accepted");
    assert_eq!(
        told(site.change_password("alice", "old", "new").await).0,
        "away"
    );
    let changes = fake
        .requests()
        .iter()
        .filter(|(_, operation)| *operation == script::EXTENDED)
        .count();
    assert_eq!(changes, 1);
}
