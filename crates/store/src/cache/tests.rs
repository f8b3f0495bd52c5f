use super::*;
use crate::tests::world::{application, authenticator, user};
use countersign_engine::model::AuthenticatorKey;

fn account(n: i64) -> Arc<Account> {
    let owner = UserKey(n);
    let mut app = application();
    (app.key, app.state.version) = (ApplicationKey(n), 1);
    let mut device = authenticator(DomainKey(1), &format!("S{n}"), owner);
    (device.key, device.applications) = (AuthenticatorKey(n), vec![app]);
    let mut user = user(DomainKey(1), &format!("user{n}"));
    user.key = owner;
    let state = UserState {
        version: 1,
        ..UserState::default()
    };
    Arc::new(Account {
        user,
        state,
        authenticators: vec![device],
        attributes: Vec::new(),
        owner,
    })
}

fn find(cache: &Cache, n: i64) -> Option<Arc<Account>> {
    cache.find(DomainKey(1), &format!("user{n}"))
}

fn to(version: i64) -> ApplicationState {
    ApplicationState {
        version,
        counter: version.unsigned_abs(),
        ..ApplicationState::default()
    }
}

#[test]
fn a_new_state_is_taken_over_in_place_and_one_that_does_not_follow_throws_the_entry_out() {
    let cache = Cache::new(1000);
    cache.insert(cache.reading(), &account(1));
    cache.set_application(ApplicationKey(1), 1, &to(2));
    assert_eq!(
        find(&cache, 1).unwrap().authenticators[0].applications[0].state,
        to(2)
    );
    cache.set_application(ApplicationKey(1), 1, &to(2)); // read after the commit already
    assert!(find(&cache, 1).is_some());
    cache.set_application(ApplicationKey(1), 7, &to(8));
    assert!(find(&cache, 1).is_none());
    cache.insert(cache.reading(), &account(1));
    cache.set_user(
        UserKey(1),
        1,
        &UserState {
            version: 2,
            lock_count: 3,
            ..UserState::default()
        },
    );
    assert_eq!(find(&cache, 1).unwrap().state.lock_count, 3);
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    let cache = Cache::new(1000);
    let read = cache.reading();
    cache.set_application(ApplicationKey(1), 1, &to(2));
    cache.insert(read, &account(1));
    assert!(find(&cache, 1).is_none());
    let read = cache.reading();
    cache.evict_user(UserKey(2));
    cache.insert(read, &account(1));
    cache.insert(read, &account(2));
    assert!(find(&cache, 1).is_some() && find(&cache, 2).is_none());
    cache.insert(cache.reading(), &account(2));
    assert!(find(&cache, 2).is_some());
}

#[test]
fn an_eviction_by_any_key_is_whole_and_an_entry_that_is_here_is_not_replaced() {
    let cache = Cache::new(1000);
    cache.insert(cache.reading(), &account(1));
    cache.set_application(ApplicationKey(1), 1, &to(2));
    cache.insert(cache.reading(), &account(1));
    assert_eq!(
        find(&cache, 1).unwrap().authenticators[0].applications[0]
            .state
            .version,
        2
    );
    cache.evict_application(ApplicationKey(1));
    assert!(find(&cache, 1).is_none() && cache.len() == 0);
    assert!(
        cache
            .index
            .iter()
            .all(|part| part.lock().unwrap().is_empty())
    );
}

#[test]
fn the_bound_holds_and_the_index_shrinks_with_it() {
    let cache = Cache::new(SHARDS * 4);
    for n in 0..5000 {
        cache.insert(cache.reading(), &account(n));
    }
    assert!(
        cache.len() <= SHARDS * 4 && cache.len() > SHARDS * 3,
        "{}",
        cache.len()
    );
    let indexed: usize = cache
        .index
        .iter()
        .map(|part| part.lock().unwrap().len())
        .sum();
    assert_eq!(indexed, 2 * cache.len());
    cache.clear();
    assert_eq!(cache.len(), 0);
    assert!(
        cache
            .index
            .iter()
            .all(|part| part.lock().unwrap().is_empty())
    );
}

#[test]
fn accounts_with_borrowed_authenticators_are_not_kept_and_none_at_all_without_room() {
    let cache = Cache::new(1000);
    let borrowed = Account {
        owner: UserKey(9),
        ..(*account(1)).clone()
    };
    cache.insert(cache.reading(), &Arc::new(borrowed));
    assert!(find(&cache, 1).is_none());
    let none = Cache::new(0);
    none.insert(none.reading(), &account(1));
    assert!(find(&none, 1).is_none());
    assert!(
        none.index
            .iter()
            .all(|part| part.lock().unwrap().is_empty())
    );
}

#[test]
fn readers_never_bring_back_an_older_state() {
    let cache = Cache::new(1000);
    let truth = AtomicU64::new(1);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..3000 {
                    let read = cache.reading();
                    let version = i64::try_from(truth.load(Ordering::SeqCst)).unwrap();
                    let mut found = (*account(1)).clone();
                    found.authenticators[0].applications[0].state = to(version);
                    cache.insert(read, &Arc::new(found));
                }
            });
        }
        for version in 1..2000 {
            truth.store(u64::try_from(version + 1).unwrap(), Ordering::SeqCst);
            cache.set_application(ApplicationKey(1), version, &to(version + 1));
            if let Some(found) = find(&cache, 1) {
                assert_eq!(
                    found.authenticators[0].applications[0].state.version,
                    version + 1
                );
            }
        }
    });
}

#[test]
fn accounts_beyond_those_kept_whole_are_found_and_changed_like_others() {
    let cache = Cache::new(40_000);
    for n in 0..30_000 {
        cache.insert(cache.reading(), &account(n));
        cache.set_application(ApplicationKey(n), 1, &to(2));
    }
    for n in 0..30_000 {
        let found = find(&cache, n).unwrap();
        assert_eq!(found.authenticators[0].applications[0].state, to(2));
        assert_eq!(found.user.key, UserKey(n));
    }
    cache.evict_user(UserKey(29_999));
    cache.set_application(ApplicationKey(29_998), 7, &to(8));
    assert!(find(&cache, 29_999).is_none() && find(&cache, 29_998).is_none());
    assert_eq!(cache.len(), 29_998);
}
