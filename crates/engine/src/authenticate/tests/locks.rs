//! authentication.md 14: lock and automatic unlock.

use super::world::{Ask, WRONG, World, codes, status, value};
use crate::model::LockReason;
use crate::time::Timestamp;
use serde_json::json;

fn world(restart: &str) -> World {
    World::new(json!({
        "local_auth": "authenticator_only", "user_lock_threshold": 3, "max_unlock_attempts": 3, "min_lock_duration_min": 15, "lock_restart": restart,
    }))
    .with_hotp()
}

/// Ten o'clock of a day, and minutes after it.
fn at(world: &mut World, minutes: i64) {
    world.at = Timestamp::from_seconds(1_700_042_400 + minutes * 60);
}

fn locked_at_ten(restart: &str) -> World {
    let mut world = world(restart);
    at(&mut world, 0);
    for expected in [
        vec!["F-101001"],
        vec!["F-101001"],
        vec!["F-101001", "W-106001"],
    ] {
        assert_eq!(codes(&world.send(&Ask::combined(WRONG))), expected);
    }
    assert_eq!(
        (world.user().locked, world.user().lock_count),
        (Some(LockReason::Failures), 3)
    );
    world
}

#[test]
fn the_worked_example_with_restart() {
    let mut world = locked_at_ten("yes");
    at(&mut world, 10);
    assert_eq!(world.try_value(&value(2)), 1007);
    at(&mut world, 24);
    assert_eq!(world.clone().try_value(&value(2)), 1007, "due 10:25");
    at(&mut world, 26);
    assert_eq!(world.try_value(WRONG), 1012);
    assert_eq!(
        (
            world.user().lock_duration_min,
            world.user().unlock_attempts_used
        ),
        (30, 1)
    );
    at(&mut world, 55);
    assert_eq!(world.clone().try_value(&value(2)), 1007, "due 10:56");
    at(&mut world, 57);
    let decision = world.send(&Ask::combined(&value(2)));
    assert_eq!(codes(&decision), ["S-101001", "I-106003"]);
    assert_eq!(
        (
            world.user().locked,
            world.user().lock_count,
            world.user().lock_duration_min
        ),
        (None, 0, 0)
    );
}

#[test]
fn the_worked_example_without_restart() {
    let mut world = locked_at_ten("no");
    at(&mut world, 10);
    assert_eq!(world.try_value(&value(2)), 1007);
    at(&mut world, 16);
    assert_eq!(world.try_value(WRONG), 1012);
    at(&mut world, 40);
    assert_eq!(world.try_value(&value(2)), 1007);
    at(&mut world, 47);
    assert_eq!(world.try_value(&value(2)), 0);
    assert_eq!(world.user().locked, None);
}

#[test]
fn attempts_run_out_and_the_duration_has_an_end() {
    let mut world = locked_at_ten("no");
    let mut durations = Vec::new();
    for _ in 0..3 {
        world.later(i64::from(world.user().lock_duration_min) * 60);
        assert_eq!(world.try_value(WRONG), 1012);
        durations.push(world.user().lock_duration_min);
    }
    assert_eq!(durations, [30, 60, 120]);
    world.later(365 * 86_400);
    assert_eq!(world.try_value(&value(2)), 1007, "attempts used up");

    let mut world = locked_at_ten("no");
    world.account_mut().state.lock_duration_min = 9000;
    world.later(9000 * 60);
    world.send(&Ask::combined(WRONG));
    assert_eq!(world.user().lock_duration_min, 10_080);
}

#[test]
fn the_last_attempt_is_reported() {
    let mut world = locked_at_ten("no");
    world.account_mut().state.unlock_attempts_used = 2;
    at(&mut world, 15);
    assert_eq!(
        codes(&world.send(&Ask::combined(WRONG))),
        ["F-101001", "W-106002"]
    );
}

#[test]
fn an_administrators_lock_opens_only_by_hand() {
    let mut world = world("no");
    world.account_mut().state.locked = Some(LockReason::Administrator);
    world.later(365 * 86_400);
    assert_eq!(world.try_value(&value(2)), 1007);
    assert_eq!(world.state().counter, 2);
}

#[test]
fn success_resets_the_count_and_a_plain_one_writes_one_row() {
    let mut world = world("no");
    world.try_value(WRONG);
    world.try_value(WRONG);
    assert_eq!(world.user().lock_count, 2);
    let decision = world.send(&Ask::combined(&value(2)));
    assert_eq!(
        (
            status(&decision),
            decision.changes.len(),
            world.user().lock_count
        ),
        (0, 2, 0)
    );
    assert_eq!(world.state().errors, 0);
    let decision = world.send(&Ask::combined(&value(3)));
    assert_eq!(decision.changes.len(), 1);
}

#[test]
fn without_threshold_failures_are_counted_but_lock_nobody() {
    let mut world =
        World::new(json!({"local_auth": "authenticator_only", "user_lock_threshold": 0}))
            .with_hotp();
    for count in 1..10 {
        assert_eq!(world.try_value(WRONG), 1012);
        assert_eq!(world.user().lock_count, count);
    }
    assert_eq!(world.user().locked, None);
    assert_eq!(world.try_value(&value(2)), 0);
}

#[test]
fn replays_count_and_right_secrets_in_wrong_circumstances_do_not() {
    let mut world = world("no").with_password("Secret");
    world.send(&Ask::combined(&value(2)));
    assert_eq!(world.try_value(&value(2)), 1008);
    assert_eq!(world.user().lock_count, 1);
    assert_eq!(world.try_value("Secret"), 1033);
    assert_eq!(world.user().lock_count, 1);
}

#[test]
fn a_challenge_does_not_restart_the_lock() {
    let mut world = locked_at_ten("yes");
    world.policy(json!({"local_auth": "authenticator_only", "max_unlock_attempts": 3, "lock_restart": "yes", "second_otp_sync": "yes"}));
    at(&mut world, 16);
    let decision = world.send(&Ask::combined(&value(100)));
    assert_eq!(status(&decision), 3001);
    assert_eq!(
        world.try_ask(&Ask::answer(
            super::world::asked(&decision).key,
            &value(101)
        )),
        0
    );
}
