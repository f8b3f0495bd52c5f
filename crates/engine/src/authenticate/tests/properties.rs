//! What must hold for every sequence of attempts.

use super::world::{Ask, World, status, value};
use crate::decision::{Answers, Change, Step};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

fn world(time: bool, resync: bool) -> World {
    let policy = json!({"local_auth": "authenticator_only", "user_lock_threshold": 0, "second_otp_sync": if resync { "yes" } else { "no" }});
    let world = World::new(policy);
    if time {
        world.with_totp()
    } else {
        world.with_hotp()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_value_is_accepted_at_most_once_and_counters_never_go_back(counters in prop::collection::vec(0_u64..60, 1..40), resync in any::<bool>()) {
        let mut world = world(false, resync);
        world.component.challenges = false;
        let mut accepted = BTreeSet::new();
        for counter in counters {
            let before = world.state();
            let lock = world.user().lock_count;
            let code = world.try_value(&value(counter));
            prop_assert!(world.state().counter >= before.counter);
            prop_assert!(world.user().lock_count <= lock + 1);
            if code == 0 {
                prop_assert!(accepted.insert(counter), "counter {} twice", counter);
                prop_assert!(counter >= before.counter && world.state().counter == counter + 1);
            } else {
                prop_assert_eq!(world.state().counter, before.counter);
            }
        }
    }

    #[test]
    fn a_step_is_accepted_at_most_once(tries in prop::collection::vec((-15_i64..15, 0_i64..90), 1..30)) {
        let mut world = world(true, false);
        let mut accepted = BTreeSet::new();
        for (offset, wait) in tries {
            world.later(wait);
            let before = world.state().last_step;
            let typed = world.totp(offset);
            if world.try_value(&typed) == 0 {
                let step = world.state().last_step;
                prop_assert!(step > before && accepted.insert(step));
            } else {
                prop_assert_eq!(world.state().last_step, before);
            }
        }
    }

    #[test]
    fn a_decision_repeats(text in "[a-z0-9é|@]{0,24}", user in "[a-zA-Z@.]{0,12}", known in any::<bool>()) {
        let mut world = World::new(json!({"local_auth": "authenticator_or_password", "challenge_request_keyword": "ask"})).with_copy("Secret").with_hotp();
        let ask = Ask { user: (!known).then_some(user), ..Ask::combined(&text) };
        let say = |step: Step| match step { Step::Done(decision) => format!("{decision:?}"), Step::Ask(question) => format!("{question:?}") };
        prop_assert_eq!(say(world.step(&ask, &Answers::default())), say(world.step(&ask, &Answers::default())));
        let decision = world.send(&ask);
        prop_assert!(!decision.records.is_empty());
        let counted = decision.changes.iter().filter(|change| matches!(change, Change::User { .. })).count();
        prop_assert!(counted <= 1);
        if status(&decision) != 0 && status(&decision) != 3001 {
            prop_assert_eq!(world.state().counter, 2);
        }
    }
}

#[test]
fn two_decisions_on_the_same_facts_guard_the_same_version() {
    let world = world(false, false);
    let ask = Ask::combined(&value(2));
    let guard = || match world.step(&ask, &Answers::default()) {
        Step::Done(decision) => decision.changes.iter().find_map(|change| match change {
            Change::Application { guard, .. } => Some(*guard),
            _ => None,
        }),
        Step::Ask(_) => None,
    };
    assert_eq!(
        (guard(), guard()),
        (Some(0), Some(0)),
        "the store lets one of them pass"
    );
}

#[test]
fn a_failure_that_tries_no_application_guards_them_all() {
    // Too short to be a value: no application is tried, only the account counts.
    let world = world(false, false);
    let guard = |typed: &str| match world.step(&Ask::combined(typed), &Answers::default()) {
        Step::Done(decision) => decision.changes.iter().find_map(|change| match change {
            Change::Application { guard, to, .. } => Some((*guard, to.version, to.errors)),
            _ => None,
        }),
        Step::Ask(_) => None,
    };
    assert_eq!(guard("12"), Some((0, 1, 0)), "it counts no bad value");
    assert_eq!(
        guard(&value(2)),
        Some((0, 1, 0)),
        "so a success decided before it cannot be committed after it and leave it counted"
    );
}
