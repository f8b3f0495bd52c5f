//! Thousands of small clusters with faults, each from a seed, and the proof that a broken one is found.
//!
//! `SIMULATION_SEED=17 … one_seed` runs one seed and prints what happened; `SIMULATION_SEEDS=100000` runs so many in
//! all instead of the usual number.

use countersign_testkit::history::Violation;
use countersign_testkit::simulation::{Broken, Outcome, Sabotage, Tally, run, run_all};

/// Seeds of all tests together, unless the environment says more or less.
const SEEDS: u64 = 10_000;
/// Tests that share them, so that they run side by side.
const SHARES: u64 = 4;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is a whole number, not {text:?}")))
}

/// The seeds of one share keep every promise, and something of everything happened in them.
fn keeps(share: u64) {
    let each = number("SIMULATION_SEEDS").unwrap_or(SEEDS).div_ceil(SHARES);
    let seeds = share * each..(share + 1) * each;
    match run_all(seeds) {
        Ok(tally) => {
            println!("{tally}");
            if each >= 100 {
                not_idle(&tally);
            }
        }
        Err(outcome) => panic!("{outcome}"),
    }
}

fn not_idle(tally: &Tally) {
    for (name, number) in tally.numbers() {
        assert!(number > 0, "no {name} in all runs: {tally}");
    }
    assert!(
        tally.accepts > tally.runs * 3,
        "too few accepts to prove anything: {tally}"
    );
}

#[test]
fn seeds_of_the_first_share_keep_every_promise() {
    keeps(0);
}

#[test]
fn seeds_of_the_second_share_keep_every_promise() {
    keeps(1);
}

#[test]
fn seeds_of_the_third_share_keep_every_promise() {
    keeps(2);
}

#[test]
fn seeds_of_the_fourth_share_keep_every_promise() {
    keeps(3);
}

#[test]
fn one_seed() {
    let seed = number("SIMULATION_SEED").unwrap_or(1);
    let outcome = run(seed, Sabotage::None);
    assert!(outcome.is_kept(), "{outcome}");
    println!("seed {seed}: {}", outcome.tally);
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in [3, 77, 4_711] {
        let [first, second] = [(); 2].map(|()| format!("{:?}", run(seed, Sabotage::None)));
        assert!(first == second, "seed {seed} ran differently");
    }
}

/// The first of a few seeds in which a sabotaged cluster is caught in the way that `shows` names.
fn caught(sabotage: Sabotage, shows: impl Fn(&Outcome) -> bool) -> u64 {
    (0..30)
        .find(|seed| shows(&run(*seed, sabotage)))
        .unwrap_or_else(|| panic!("{sabotage:?} is not caught in 30 seeds"))
}

#[test]
fn a_store_that_ignores_guards_is_caught() {
    let by_history = |outcome: &Outcome| {
        outcome.violations.iter().any(|one| {
            matches!(
                one,
                Violation::AcceptedTwice { .. } | Violation::FactorRecordedTwice { .. }
            )
        })
    };
    let by_store = |outcome: &Outcome| {
        outcome
            .broken
            .iter()
            .any(|one| matches!(one, Broken::AcceptedAgain { .. }))
    };
    let lost = |outcome: &Outcome| {
        outcome
            .broken
            .iter()
            .any(|one| matches!(one, Broken::Miscounted { .. }))
    };
    caught(Sabotage::IgnoresGuards, by_history);
    caught(Sabotage::IgnoresGuards, by_store);
    caught(Sabotage::IgnoresGuards, lost);
}

#[test]
fn an_answer_before_its_commit_is_caught() {
    caught(Sabotage::AnswersBeforeCommit, |outcome| {
        let lost = |one: &Violation| matches!(one, Violation::AcceptWithoutRecord { .. });
        outcome.violations.iter().any(lost)
    });
    caught(Sabotage::AnswersBeforeCommit, |outcome| {
        let early = |one: &Broken| matches!(one, Broken::AnsweredUncommitted { .. });
        outcome.broken.iter().any(early)
    });
}
