#![no_main]
//! The combined password field: any bytes under many policies. Nothing but a right value is accepted, and none twice.

mod world;

use countersign_engine::decision::{Change, Verdict};
use libfuzzer_sys::fuzz_target;
use world::{PASSWORD, PIN, World};

fuzz_target!(|bytes: &[u8]| {
    let Some((choices, typed)) = bytes.split_first_chunk::<3>() else {
        return;
    };
    let Ok(typed) = std::str::from_utf8(typed) else {
        return;
    };
    let mut world = World::new(*choices);
    let before = world.state();
    let right = world.right_values();
    let decision = world.decide(typed);
    let changes = decision.changes.iter().filter_map(|change| {
        if let Change::Application { guard, to, .. } = change {
            Some((guard, to))
        } else {
            None
        }
    });
    for (guard, to) in changes {
        assert!(
            *guard == before.version && to.version > before.version && to.counter >= before.counter,
            "a state goes back"
        );
    }
    if !matches!(decision.verdict, Verdict::Accept(_)) {
        return;
    }
    let has_value = right.iter().any(|value| typed.contains(value))
        && (!world.has_pin() || typed.contains(PIN));
    let password_is_enough = world.takes_password() && typed.contains(PASSWORD);
    assert!(
        has_value || password_is_enough,
        "accepted {typed:?} under {choices:?}"
    );
    if !password_is_enough {
        world.commit(&decision);
        let again = world.decide(typed);
        assert!(
            !matches!(again.verdict, Verdict::Accept(_)),
            "accepted {typed:?} twice under {choices:?}"
        );
    }
});
