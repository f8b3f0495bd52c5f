use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::*;

/// Waiting longer than this means that something hangs.
const LONG: Duration = Duration::from_secs(30);

/// Work that holds a thread until it is let go, and says when it has begun.
fn hold(pool: &PasswordPool) -> Sender<()> {
    let (let_go, held) = channel::<()>();
    let (begun, begin) = channel();
    let work = move || {
        begun.send(()).unwrap();
        let _ = held.recv();
    };
    pool.submit(work, |()| ()).unwrap();
    begin.recv_timeout(LONG).unwrap();
    let_go
}

fn expect<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(LONG).unwrap()
}

#[test]
fn passwords_are_hashed_and_verified_in_both_forms() {
    let pool = PasswordPool::new(2, 8).unwrap();
    let cheap = PasswordParams::new(64, 1, 1).unwrap();
    let verifier = pool
        .run(move || password::hash(b"secret", cheap))
        .unwrap()
        .unwrap();
    for (text, right) in [("secret", true), ("Secret", false)] {
        let (sender, receiver) = channel();
        pool.verify(Secret::new(text), verifier.clone(), move |answer| {
            sender.send(answer.unwrap()).unwrap();
        })
        .unwrap();
        assert_eq!(expect(&receiver), right);
    }
    let (sender, receiver) = channel();
    pool.hash(Secret::new("x"), cheap, move |answer| {
        sender.send(answer.unwrap()).unwrap();
    })
    .unwrap();
    assert!(expect(&receiver).starts_with("$argon2id$"));
}

#[test]
fn a_full_queue_refuses_at_once_and_takes_work_again_later() {
    let pool = PasswordPool::new(1, 2).unwrap();
    let let_go = hold(&pool);
    let (sender, receiver) = channel();
    for number in 0..2 {
        let sender = sender.clone();
        pool.submit(move || number, move |number| sender.send(number).unwrap())
            .unwrap();
    }
    assert_eq!(pool.waiting(), 2);
    assert_eq!(pool.submit(|| (), |()| ()), Err(Refused::Busy));
    assert_eq!(pool.run(|| ()), Err(Refused::Busy));
    drop(let_go);
    assert_eq!((expect(&receiver), expect(&receiver)), (0, 1));
    assert_eq!(pool.run(|| 3), Ok(3));
}

#[test]
fn without_a_queue_only_free_threads_take_work() {
    let pool = PasswordPool::new(2, 0).unwrap();
    let first = hold(&pool);
    let second = hold(&pool);
    assert_eq!(pool.submit(|| (), |()| ()), Err(Refused::Busy));
    drop(first);
    // The thread that was let go frees itself a moment later.
    let again =
        std::iter::repeat_with(|| pool.run(|| 7)).find(|answer| *answer != Err(Refused::Busy));
    assert_eq!(again, Some(Ok(7)));
    drop(second);
}

#[test]
fn work_that_panics_costs_no_thread() {
    let pool = PasswordPool::new(1, 4).unwrap();
    assert_eq!(
        pool.run(|| panic!("on purpose")),
        Err::<(), _>(Refused::Closed)
    );
    assert_eq!(pool.run(|| 1), Ok(1));
}

#[test]
fn a_closed_pool_finishes_what_it_accepted() {
    let pool = PasswordPool::new(1, 4).unwrap();
    let let_go = hold(&pool);
    let (sender, receiver) = channel();
    pool.submit(|| 5, move |value| sender.send(value).unwrap())
        .unwrap();
    pool.close();
    assert_eq!(pool.submit(|| (), |()| ()), Err(Refused::Closed));
    drop(let_go);
    drop(pool);
    assert_eq!(receiver.try_recv(), Ok(5));
}

#[test]
fn the_last_handle_may_go_in_a_reply() {
    let pool = Arc::new(PasswordPool::new(1, 4).unwrap());
    let (sender, receiver) = channel();
    let (go, wait) = channel::<()>();
    let own = Arc::clone(&pool);
    let reply = move |()| {
        drop(own);
        sender.send(()).unwrap();
    };
    pool.submit(move || wait.recv().unwrap_or(()), reply)
        .unwrap();
    drop(pool);
    drop(go);
    expect(&receiver);
}
