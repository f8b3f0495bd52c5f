use super::world::{World, count_up, counter};
use crate::{CHALLENGES_PER_USER, Completion, Outcome, Store, StoreError, Work};
use countersign_engine::Secret;
use countersign_engine::decision::{Change, KeptAnswer};
use countersign_engine::facts::Wanted;
use countersign_engine::model::{Challenge, ChallengeKey, ChallengeKind, UserKey};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

#[test]
fn a_logon_is_on_disk_and_in_memory_when_it_is_told() {
    let world = World::new();
    world.add_user("alice");
    for expected in 1..=3 {
        world.done(vec![count_up(&world.account("alice"))]);
        assert_eq!(counter(&world.account("alice")), expected);
        assert_eq!(counter(&world.stored("alice")), expected);
    }
}

#[test]
fn what_was_decided_on_an_older_version_is_a_conflict_and_changes_nothing() {
    let world = World::new();
    world.add_user("alice");
    let old = world.account("alice");
    world.done(vec![count_up(&old)]);
    assert_eq!(world.commit(vec![count_up(&old)]), Outcome::Conflict);
    assert_eq!(counter(&world.stored("alice")), 1);
    // After a conflict the next decision sees what the database has.
    world.done(vec![count_up(&world.account("alice"))]);
}

#[test]
fn a_work_is_done_whole_or_not_at_all() {
    let world = World::new();
    world.add_user("alice");
    let alice = world.account("alice");
    let gone = Change::TakeChallenge {
        key: ChallengeKey([9; 16]),
        guard: 1,
    };
    assert_eq!(
        world.commit(vec![count_up(&alice), gone]),
        Outcome::Conflict
    );
    assert_eq!(counter(&world.stored("alice")), 0);
}

/// Keeps outcomes by token.
#[derive(Default)]
struct Tally(Mutex<Vec<(u64, Outcome)>>);

impl Completion for Tally {
    fn done(&self, results: Vec<(Work, Outcome)>) {
        self.0.lock().unwrap().extend(
            results
                .into_iter()
                .map(|(work, outcome)| (work.token, outcome)),
        );
    }
}

fn wait_for(tally: &Tally, count: usize) -> Vec<(u64, Outcome)> {
    let start = Instant::now();
    loop {
        let all = tally.0.lock().unwrap();
        if all.len() >= count || start.elapsed().as_secs() > 30 {
            return all.clone();
        }
        drop(all);
        std::thread::yield_now();
    }
}

#[test]
fn a_conflict_fails_only_its_own_work_of_a_batch() {
    let world = World::new();
    let names: Vec<String> = (0..40).map(|n| format!("user{n}")).collect();
    names.iter().for_each(|name| world.add_user(name));
    let tally = Arc::new(Tally::default());
    let to: Arc<dyn Completion> = Arc::clone(&tally) as Arc<dyn Completion>;
    let twice = |token: u64, name: &String| {
        let change = count_up(&world.account(name));
        [
            Work {
                token,
                ..world.work(vec![change.clone()])
            },
            Work {
                token,
                ..world.work(vec![change])
            },
        ]
    };
    let works: Vec<Work> = (0..)
        .zip(&names)
        .flat_map(|(token, name)| twice(token, name))
        .collect();
    world.store.submit(works, &to).unwrap();
    let mut all = wait_for(&tally, 80);
    all.sort_by_key(|(token, outcome)| (*token, *outcome != Outcome::Committed));
    for pair in all.chunks(2) {
        assert_eq!(
            (&pair[0].1, &pair[1].1),
            (&Outcome::Committed, &Outcome::Conflict),
            "{}",
            pair[0].0
        );
    }
    names
        .iter()
        .for_each(|name| assert_eq!(counter(&world.stored(name)), 1));
}

/// Decides again after each conflict, as a server does: accepts counter `n` only if it is still the next one.
fn use_once(store: &Store, world: &World, name: &str, n: u64) -> bool {
    loop {
        let account = world.account(name);
        if counter(&account) != n {
            return false;
        }
        match store.commit(world.work(vec![count_up(&account)])) {
            Outcome::Committed => return true,
            Outcome::Conflict => {}
            Outcome::Failed(error) => panic!("{error}"),
        }
    }
}

#[test]
fn of_eight_uses_of_one_value_at_once_exactly_one_is_accepted() {
    let world = World::new();
    world.add_user("alice");
    let accepted = AtomicU64::new(0);
    let started = Instant::now();
    for n in 0..100 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    accepted.fetch_add(
                        u64::from(use_once(&world.store, &world, "alice", n)),
                        Ordering::SeqCst,
                    )
                });
            }
        });
        assert_eq!(accepted.load(Ordering::SeqCst), n + 1);
    }
    println!(
        "800 attempts of 8 threads on one authenticator: {:?}",
        started.elapsed()
    );
}

#[test]
fn throughput_is_printed() {
    let world = World::new();
    let names: Vec<String> = (0..200).map(|n| format!("user{n}")).collect();
    names.iter().for_each(|name| world.add_user(name));
    let tally = Arc::new(Tally::default());
    let to: Arc<dyn Completion> = Arc::clone(&tally) as Arc<dyn Completion>;
    let started = Instant::now();
    for round in 1..=10 {
        let works = names
            .iter()
            .map(|name| world.work(vec![count_up(&world.account(name))]))
            .collect();
        world.store.submit(works, &to).unwrap();
        assert_eq!(
            wait_for(&tally, round * names.len()).len(),
            round * names.len()
        );
    }
    println!("2000 works in batches of 200: {:?}", started.elapsed());
    assert!(
        wait_for(&tally, 2000)
            .iter()
            .all(|(_, outcome)| *outcome == Outcome::Committed)
    );
}

#[test]
fn a_full_queue_gives_the_works_back() {
    let world = World::new();
    let tally: Arc<dyn Completion> = Arc::new(Tally::default());
    let works = (0..=world.options.queue)
        .map(|_| world.work(Vec::new()))
        .collect();
    let (_, back) = world.store.submit(works, &tally).unwrap_err();
    assert_eq!(back.len(), world.options.queue + 1);
    world.store.close();
    assert_eq!(
        world.commit(Vec::new()),
        Outcome::Failed(StoreError::Closed)
    );
}

fn challenge(world: &World, n: u8, user: Option<UserKey>, kind: ChallengeKind) -> Change {
    Change::PutChallenge(Box::new(Challenge {
        key: ChallengeKey([n; 16]),
        kind,
        component_type: "radius_client".to_owned(),
        user,
        application: None,
        number: n.into(),
        question: "123456".to_owned(),
        issued: world.now(),
        wrong: 0,
        version: 1,
        relayed: None,
    }))
}

fn wanted(key: Option<u8>, all: bool) -> Wanted {
    Wanted {
        account: None,
        challenge: key.map(|n| ChallengeKey([n; 16])),
        challenges_of_user: all,
    }
}

#[test]
fn a_challenge_is_taken_once_and_wrong_answers_are_counted_under_its_version() {
    let world = World::new();
    world.add_user("alice");
    let user = Some(world.account("alice").user.key);
    world.done(vec![challenge(
        &world,
        1,
        user,
        ChallengeKind::TwoStep {
            wants_password: true,
            pin_proven: true,
        },
    )]);
    let key = ChallengeKey([1; 16]);
    world.done(vec![Change::WrongAnswer { key, guard: 1 }]);
    assert_eq!(
        world.commit(vec![Change::WrongAnswer { key, guard: 1 }]),
        Outcome::Conflict
    );
    let found = world
        .store
        .challenges(&wanted(Some(1), false), user)
        .unwrap();
    assert_eq!(
        (found[0].wrong, found[0].version, found[0].kind),
        (
            1,
            2,
            ChallengeKind::TwoStep {
                wants_password: true,
                pin_proven: true
            }
        )
    );
    assert_eq!(world.store.outstanding(), 1);
    world.done(vec![Change::TakeChallenge { key, guard: 2 }]);
    assert_eq!(
        world.commit(vec![Change::TakeChallenge { key, guard: 2 }]),
        Outcome::Conflict
    );
    assert_eq!(world.store.outstanding(), 0);
}

#[test]
fn of_more_than_twenty_challenges_of_a_user_the_oldest_gives_way_but_no_memory_of_an_accepted_response()
 {
    let world = World::new();
    world.add_user("alice");
    let user = Some(world.account("alice").user.key);
    world.done(vec![challenge(&world, 100, user, ChallengeKind::Accepted)]);
    for n in 1..=25 {
        world.pass(1);
        world.done(vec![challenge(&world, n, user, ChallengeKind::SecondOtp)]);
    }
    let mut kept: Vec<u8> = world
        .store
        .challenges(&wanted(None, true), user)
        .unwrap()
        .iter()
        .map(|c| c.key.0[0])
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, (6..=25).chain([100]).collect::<Vec<u8>>());
    assert_eq!(world.store.outstanding(), CHALLENGES_PER_USER + 1);
    // A second memory of the same response is a replay.
    assert_eq!(
        world.commit(vec![challenge(&world, 100, user, ChallengeKind::Accepted)]),
        Outcome::Conflict
    );
}

#[test]
fn expired_challenges_go_with_a_later_batch() {
    let world = World::new();
    world.done(vec![challenge(&world, 1, None, ChallengeKind::OneStep)]);
    world.pass(359);
    world.done(Vec::new());
    assert_eq!(world.store.outstanding(), 1);
    world.pass(2);
    world.done(Vec::new());
    assert_eq!(world.store.outstanding(), 0);
    assert!(
        world
            .store
            .challenges(&wanted(Some(1), false), None)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn what_expires_faster_than_one_removal_a_second_goes_with_the_batches() {
    let world = World::new();
    let many = (0..600_u16).map(|n| {
        let mut change = challenge(&world, 0, None, ChallengeKind::OneStep);
        if let Change::PutChallenge(new) = &mut change {
            new.key.0[..2].copy_from_slice(&n.to_be_bytes());
        }
        change
    });
    world.done(many.collect());
    assert_eq!(world.store.outstanding(), 600);
    world.pass(361);
    world.done(Vec::new());
    assert_eq!(world.store.outstanding(), 100);
    world.done(Vec::new());
    assert_eq!(world.store.outstanding(), 0, "in the same second");
}

#[test]
fn a_kept_answer_is_sealed_and_given_once_for_each_request() {
    let world = World::new();
    let keep = |answer: &str, expires| {
        Change::KeepAnswer(Box::new(KeptAnswer {
            component_type: "web_module".to_owned(),
            request_id: "r-1".to_owned(),
            body: [7; 32],
            answer: Secret::new(answer),
            expires,
        }))
    };
    world.done(vec![keep("{\"secret\":1}", world.now().plus_seconds(30))]);
    let kept = world
        .store
        .kept_answer("web_module", "r-1")
        .unwrap()
        .unwrap();
    assert_eq!(
        (kept.answer.expose(), kept.body),
        (b"{\"secret\":1}".as_slice(), [7; 32])
    );
    assert!(
        world
            .store
            .kept_answer("web_module", "r-2")
            .unwrap()
            .is_none()
    );
    assert_eq!(
        world.commit(vec![keep("2", world.now().plus_seconds(30))]),
        Outcome::Conflict
    );
    world.pass(31);
    world.done(vec![keep("3", world.now().plus_seconds(30))]);
    assert_eq!(
        world
            .store
            .kept_answer("web_module", "r-1")
            .unwrap()
            .unwrap()
            .answer
            .expose(),
        b"3"
    );
}

#[test]
fn a_callback_hears_of_its_work() {
    let world = World::new();
    let (tell, told) = std::sync::mpsc::channel();
    let work = Work {
        token: 5,
        ..world.work(Vec::new())
    };
    world
        .store
        .commit_then(work, move |work, outcome| {
            tell.send((work.token, outcome)).unwrap();
        })
        .unwrap();
    assert_eq!(told.recv(), Ok((5, Outcome::Committed)));
}
