use super::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let stored: BTreeMap<String, String> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::new(stored)
}

fn all() -> Settings {
    settings(&[("timing.keep", "all"), ("timing.max_kept", "3")])
}

fn about(id: u8) -> About {
    About {
        id: [id; 16],
        request_id: (id == 7).then(|| "order 7".to_owned()),
        way: "radius",
        command: None,
        user: Some("alice".to_owned()),
        component: Some("radius_client".to_owned()),
        at: Timestamp::from_seconds(1000),
    }
}

fn ended(id: u8, took: Duration) -> Option<Timing> {
    let mut timer = Timer::start(&all(), Instant::now());
    timer.add(Stage::Hold, took);
    timer.end(|| about(id), 0)
}

#[test]
fn nothing_is_measured_while_timings_are_off() {
    let mut timer = Timer::start(&Settings::default(), Instant::now());
    assert!(!timer.is_on());
    timer.enter(Stage::Load);
    timer.leave();
    assert!(timer.end(|| panic!("nobody asks who it was"), 0).is_none());
}

#[test]
fn stages_nest_and_follow_each_other() {
    let mut timer = Timer::start(&all(), Instant::now());
    timer.began_with(Stage::Receive);
    timer.enter(Stage::Ask("ask verify"));
    timer.add(Stage::Wait, Duration::from_micros(5));
    timer.next(Stage::Commit);
    timer.enter(Stage::Batch);
    timer.next(Stage::Store);
    let timing = timer.end(|| about(1), 1012).unwrap();
    let named: Vec<String> = spans(&timing)
        .iter()
        .map(|span| span["span"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        named,
        [
            "receive",
            "ask verify",
            "ask verify/wait",
            "commit",
            "commit/batch",
            "commit/store"
        ]
    );
    for span in &timing.spans {
        assert!(span.start + span.took <= timing.took);
        if let Some(outer) = span.parent.map(|parent| &timing.spans[parent]) {
            assert!(outer.start <= span.start);
        }
    }
    assert!(timer.end(|| about(1), 0).is_none(), "it ends once");
}

#[test]
fn an_attempt_decided_again_and_again_is_bounded() {
    let mut timer = Timer::start(&all(), Instant::now());
    for _ in 0..50 {
        timer.enter(Stage::Commit);
        timer.enter(Stage::Store);
        timer.leave();
        timer.leave();
    }
    let timing = timer.end(|| about(1), 0).unwrap();
    assert_eq!((timing.spans.len(), timing.left_out), (MOST_SPANS, 36));
}

#[test]
fn the_ring_forgets_the_oldest_and_finds_by_either_name() {
    let (timings, settings) = (Timings::default(), all());
    for id in 5..=9 {
        timings.keep(&settings, ended(id, Duration::ZERO));
    }
    let ids: Vec<u8> = timings.all().iter().map(|timing| timing.id[0]).collect();
    assert_eq!(ids, [7, 8, 9]);
    assert_eq!(timings.find("order 7").unwrap().id, [7; 16]);
    assert_eq!(timings.find(&"08".repeat(16)).unwrap().id, [8; 16]);
    assert!(timings.find(&"05".repeat(16)).is_none());
}

#[test]
fn only_slow_ones_are_kept_where_that_is_wanted() {
    let timings = Timings::default();
    let settings = settings(&[("timing.keep", "slow"), ("timing.slow_ms", "20")]);
    timings.keep(&settings, ended(1, Duration::from_millis(1)));
    timings.keep(&settings, ended(2, Duration::from_millis(21)));
    let ids: Vec<u8> = timings.all().iter().map(|timing| timing.id[0]).collect();
    assert_eq!(ids, [2]);
}

#[test]
fn whoever_follows_gets_what_is_kept() {
    let (timings, seen) = (Timings::default(), Arc::new(Mutex::new(Vec::new())));
    let to = seen.clone();
    timings.follow(Box::new(move |timing| {
        to.lock().unwrap().push(timing.id[0]);
    }));
    timings.keep(&all(), ended(4, Duration::ZERO));
    timings.keep(&Settings::default(), ended(5, Duration::ZERO));
    assert_eq!(*seen.lock().unwrap(), [4]);
}
