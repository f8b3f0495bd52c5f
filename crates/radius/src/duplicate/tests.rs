use proptest::prelude::*;

use super::*;

const A: [u8; 16] = [1; 16];
const B: [u8; 16] = [2; 16];

fn source(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

#[test]
fn a_retransmission_is_ignored_and_later_answered_again() {
    let mut cache = DuplicateCache::new(8);
    assert_eq!(cache.check(source(1), 7, &A, 0), Seen::New);
    assert_eq!(cache.check(source(1), 7, &A, 1), Seen::InProgress);
    cache.answered(source(1), 7, &A, b"accept", 2);
    assert_eq!(cache.check(source(1), 7, &A, 3), Seen::Answered(b"accept"));
    assert_eq!(cache.check(source(2), 7, &A, 3), Seen::New, "another port");
    assert_eq!(
        cache.check(source(1), 8, &A, 3),
        Seen::New,
        "another identifier"
    );
}

#[test]
fn another_authenticator_takes_the_identifier_over() {
    let mut cache = DuplicateCache::new(8);
    cache.check(source(1), 7, &A, 0);
    assert_eq!(cache.check(source(1), 7, &B, 1), Seen::New);
    cache.answered(source(1), 7, &A, b"late", 2);
    assert_eq!(
        cache.check(source(1), 7, &B, 3),
        Seen::InProgress,
        "the late answer is not the new request's"
    );
}

#[test]
fn an_entry_lives_thirty_seconds() {
    let mut cache = DuplicateCache::new(8);
    cache.check(source(1), 7, &A, 0);
    cache.answered(source(1), 7, &A, b"accept", 5);
    assert_eq!(
        cache.check(source(1), 7, &A, VALID_FOR + 4),
        Seen::Answered(b"accept")
    );
    assert_eq!(cache.check(source(1), 7, &A, VALID_FOR + 5), Seen::New);
}

#[test]
fn a_forgotten_request_is_new_again() {
    let mut cache = DuplicateCache::new(8);
    cache.check(source(1), 7, &A, 0);
    cache.forget(source(1), 7, &B);
    assert_eq!(cache.check(source(1), 7, &A, 1), Seen::InProgress);
    cache.forget(source(1), 7, &A);
    assert_eq!(cache.check(source(1), 7, &A, 2), Seen::New);
}

#[test]
fn the_source_longest_idle_gives_way() {
    let mut cache = DuplicateCache::new(2);
    cache.check(source(1), 0, &A, 0);
    cache.check(source(2), 0, &A, 1);
    cache.check(source(1), 1, &A, 2);
    cache.check(source(3), 0, &A, 3);
    assert_eq!(cache.sources(), 2);
    assert_eq!(cache.check(source(1), 0, &A, 4), Seen::InProgress);
    assert_eq!(cache.check(source(2), 0, &A, 5), Seen::New);
}

#[test]
fn sweeping_frees_silent_sources_only() {
    let mut cache = DuplicateCache::new(8);
    cache.check(source(1), 0, &A, 0);
    cache.check(source(2), 0, &A, 10);
    cache.sweep(VALID_FOR);
    assert_eq!(cache.sources(), 1);
    assert_eq!(cache.check(source(2), 0, &A, VALID_FOR), Seen::InProgress);
}

type Model = HashMap<(u16, u8), (u8, Option<Vec<u8>>)>;

#[derive(Debug, Clone)]
enum Step {
    Check(u16, u8, u8),
    Answered(u16, u8, u8),
    Forget(u16, u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = (0u16..3, any::<u8>(), 0u8..2);
    prop_oneof![
        key.clone().prop_map(|(s, i, a)| Step::Check(s, i, a)),
        key.clone().prop_map(|(s, i, a)| Step::Answered(s, i, a)),
        key.prop_map(|(s, i, a)| Step::Forget(s, i, a)),
    ]
}

proptest! {
    /// Against the plainest model: a map from source and identifier to authenticator and answer.
    #[test]
    fn it_behaves_like_a_plain_map(steps in proptest::collection::vec(step(), 0..400)) {
        let mut cache = DuplicateCache::new(3);
        let mut model: Model = HashMap::new();
        for (now, step) in (0u64..).zip(steps) {
            match step {
                Step::Check(s, i, a) => {
                    let expected = match model.get(&(s, i)) {
                        Some((seen, Some(reply))) if *seen == a => Seen::Answered(reply),
                        Some((seen, None)) if *seen == a => Seen::InProgress,
                        _ => Seen::New,
                    };
                    prop_assert_eq!(cache.check(source(s), i, &[a; 16], now), expected);
                    if expected == Seen::New {
                        model.insert((s, i), (a, None));
                    }
                }
                Step::Answered(s, i, a) => {
                    let reply = now.to_be_bytes();
                    cache.answered(source(s), i, &[a; 16], &reply, now);
                    if let Some(entry) = model.get_mut(&(s, i)).filter(|entry| entry.0 == a) {
                        entry.1 = Some(reply.to_vec());
                    }
                }
                Step::Forget(s, i, a) => {
                    cache.forget(source(s), i, &[a; 16]);
                    if model.get(&(s, i)).is_some_and(|entry| entry.0 == a) {
                        model.remove(&(s, i));
                    }
                }
            }
        }
    }
}
