//! Good histories pass, and each kind of broken promise is found.

use super::*;
use serde_json::json;

const OTTO: &str = "0097000001";

/// A history of one user with an event-based authenticator and two nodes.
#[derive(Default)]
struct Run {
    history: History,
    clock: u64,
}

impl Run {
    fn new() -> Self {
        let history = History {
            trail: Some(Vec::new()),
            complete: true,
            ..History::default()
        };
        Self { history, clock: 0 }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 10;
        self.clock
    }

    /// A request and its answer, one after the other.
    fn ask(&mut self, node: &str, what: Sent, answer: Answer) -> &mut Observation {
        let (sent, at) = (self.tick(), self.tick());
        let mut one = Observation::new(sent, node, "otto", OTTO, what);
        one.answer = answer;
        if !matches!(answer, Answer::Silence | Answer::Unknown) {
            one.answered = Some(at);
            one.request_id = Some(format!("request-{sent}"));
        }
        self.history.observations.push(one);
        self.history.observations.last_mut().unwrap()
    }

    fn record(&mut self, node: &str, request: Option<String>, status: i16, factor: Option<Factor>) {
        let trail = self.history.trail.as_mut().unwrap();
        let seq = trail.len() as u64;
        trail.push(Record {
            amid: format!("amid-{seq}"),
            node: node.to_owned(),
            epoch: format!("epoch-{node}"),
            seq,
            code: if status == 0 { "S-101001" } else { "F-101001" }.to_owned(),
            status: Some(status),
            request_id: request,
            user: Some("otto".to_owned()),
            serial: factor.is_some().then(|| OTTO.to_owned()),
            application: factor.is_some().then(|| "OTP".to_owned()),
            factor,
            ..Record::default()
        });
    }

    /// A right value, accepted and recorded.
    fn accept(&mut self, node: &str, factor: Factor) {
        let request = self
            .ask(node, Sent::Value(factor.clone()), Answer::Accepted)
            .request_id
            .clone();
        self.record(node, request, 0, Some(factor));
    }

    /// A wrong value, refused and recorded.
    fn refuse(&mut self, node: &str, what: Sent, status: i16) {
        let request = self
            .ask(node, what, Answer::Refused(status))
            .request_id
            .clone();
        self.record(node, request, status, None);
    }

    fn read(&mut self, next_counter: u64) {
        let at = self.tick();
        self.history.readings.push(Reading {
            at,
            serial: OTTO.to_owned(),
            next_counter: Some(next_counter),
            last_second: None,
            errors: None,
        });
    }

    fn count(&mut self, lock_count: u64) {
        let at = self.tick();
        self.history.accounts.push(AccountReading {
            at,
            user: "otto".to_owned(),
            lock_count,
        });
    }

    fn finds(&self, expected: impl Fn(&Violation) -> bool, what: &str) {
        let found = self.history.violations();
        assert!(
            found.len() == 1 && found.iter().all(&expected),
            "{what}:{}",
            list(&found)
        );
        assert!(found[0].to_string().len() > 20, "it reads well");
    }
}

fn counter(counter: u64) -> Factor {
    Factor::Counter(counter)
}

fn value(number: u64) -> Sent {
    Sent::Value(counter(number))
}

/// What a good server does with a few requests.
fn good() -> Run {
    let mut run = Run::new();
    run.read(0);
    run.accept("a", counter(0));
    run.refuse("b", value(0), 1008);
    run.refuse("a", Sent::Wrong, 1012);
    run.accept("b", counter(3));
    run.refuse("b", Sent::Wrong, 1012);
    run.refuse("a", Sent::Wrong, 1012);
    run.read(4);
    run.count(2);
    run
}

#[test]
fn a_good_history_passes() {
    good().history.assert_kept();
}

#[test]
fn lost_answers_leave_both_outcomes_open() {
    for taken in [false, true] {
        for counted in [false, true] {
            let mut run = good();
            run.ask("a", value(4), Answer::Silence);
            run.ask("b", Sent::Wrong, Answer::Unknown);
            if taken {
                run.record("a", None, 0, Some(counter(4)));
            }
            if counted {
                run.record("b", None, 1012, None);
            }
            run.read(if taken { 5 } else { 4 });
            run.count(if taken { 0 } else { 2 } + u64::from(counted));
            run.history.assert_kept();
        }
    }
}

#[test]
fn a_lost_accept_may_come_between_failures() {
    let mut run = good();
    run.ask("a", value(4), Answer::Silence);
    run.record("a", None, 0, Some(counter(4)));
    run.refuse("a", Sent::Wrong, 1012);
    run.read(5);
    run.count(1);
    run.history.assert_kept();
}

#[test]
fn a_negative_status_leaves_open_what_happened() {
    let mut run = good();
    run.ask("a", value(4), Answer::Refused(-106));
    run.record("a", None, 0, Some(counter(4)));
    run.read(5);
    run.history.assert_kept();
}

#[test]
fn one_decision_may_be_answered_twice() {
    let mut run = good();
    run.accept("a", counter(4));
    let mut again = run.history.observations.last().unwrap().clone();
    again.sent += 5;
    run.history.observations.push(again);
    run.read(5);
    run.history.assert_kept();
}

#[test]
fn an_otp_accepted_twice() {
    let mut run = good();
    run.accept("b", counter(4));
    run.ask("a", value(4), Answer::Accepted).request_id = None;
    run.finds(
        |one| matches!(one, Violation::AcceptedTwice { .. }),
        "by factor",
    );

    let mut run = good();
    for node in ["a", "b"] {
        let one = run.ask(node, Sent::Unknown, Answer::Accepted);
        one.value = "123456".to_owned();
        one.request_id = None;
    }
    run.finds(
        |one| matches!(one, Violation::AcceptedTwice { .. }),
        "by value",
    );
}

#[test]
fn a_wrong_value_accepted() {
    let mut run = good();
    run.ask("a", Sent::Wrong, Answer::Accepted).request_id = None;
    run.finds(
        |one| matches!(one, Violation::WrongAccepted { .. }),
        "a wrong value",
    );
}

#[test]
fn an_accept_after_a_later_one() {
    let mut run = good();
    run.accept("a", counter(7));
    run.accept("b", counter(6));
    run.read(8);
    run.finds(
        |one| matches!(one, Violation::AcceptedAfterLater { .. }),
        "on another node",
    );
    // Both under way at once: nobody knows which came first.
    let [.., first, second] = run.history.observations.as_mut_slice() else {
        unreachable!("two requests were made");
    };
    second.sent = first.sent;
    run.history.assert_kept();
    // The answer of an earlier decision, from memory.
    let [.., second] = run.history.observations.as_mut_slice() else {
        unreachable!("two requests were made");
    };
    second.sent += 50;
    second.packet = Some(7);
    let mut lost = second.clone();
    lost.sent -= 60;
    lost.answered = None;
    lost.answer = Answer::Silence;
    run.history.observations.push(lost);
    run.history.assert_kept();
}

#[test]
fn an_accept_without_record() {
    let mut run = good();
    run.ask("a", value(4), Answer::Accepted);
    run.read(5);
    run.finds(
        |one| matches!(one, Violation::AcceptWithoutRecord { .. }),
        "by its id",
    );
    run.history.observations.last_mut().unwrap().request_id = None;
    run.finds(
        |one| matches!(one, Violation::AcceptWithoutRecord { .. }),
        "by its factor",
    );
}

#[test]
fn a_refusal_without_record_and_one_recorded_as_another() {
    let mut run = good();
    run.ask("a", value(2), Answer::Refused(1007));
    run.finds(
        |one| matches!(one, Violation::RefusalWithoutRecord { .. }),
        "no record",
    );
    let request = run.history.observations.last().unwrap().request_id.clone();
    run.record("a", request, 1009, None);
    run.finds(
        |one| matches!(one, Violation::RecordDiffers { .. }),
        "another status",
    );
    // Under generic codes the client gets another status, and the record says so.
    run.history
        .trail
        .as_mut()
        .unwrap()
        .last_mut()
        .unwrap()
        .client_status = Some(1007);
    run.history.assert_kept();
}

#[test]
fn a_record_of_another_factor() {
    let mut run = good();
    let request = run.ask("a", value(4), Answer::Accepted).request_id.clone();
    run.ask("a", value(5), Answer::Silence);
    run.record("a", request, 0, Some(counter(5)));
    run.read(6);
    run.finds(
        |one| matches!(one, Violation::RecordDiffers { .. }),
        "counter 5 for 4",
    );
}

#[test]
fn two_records_that_accept_one_factor() {
    let mut run = good();
    run.accept("a", counter(4));
    run.record("b", None, 0, Some(counter(4)));
    run.read(5);
    run.finds(
        |one| matches!(one, Violation::FactorRecordedTwice { .. }),
        "on two nodes",
    );
}

#[test]
fn a_record_that_stands_twice() {
    let mut run = good();
    let trail = run.history.trail.as_mut().unwrap();
    trail.push(trail[2].clone());
    run.history.accounts.clear();
    run.finds(|one| matches!(one, Violation::RecordTwice { .. }), "a copy");
}

#[test]
fn a_chain_that_goes_back() {
    let mut run = good();
    run.ask("b", value(2), Answer::Silence);
    run.record("b", None, 0, Some(counter(2)));
    run.history.accounts.clear();
    run.finds(
        |one| matches!(one, Violation::RecordedBackwards { .. }),
        "counter 2 after 3",
    );
}

#[test]
fn a_record_that_nobody_asked_for() {
    let mut run = good();
    run.history.accounts.clear();
    run.record("a", None, 0, Some(counter(4)));
    run.history
        .observations
        .push(Observation::new(1, "a", "otto", OTTO, value(9)));
    run.read(5);
    run.finds(
        |one| matches!(one, Violation::RecordWithoutRequest { .. }),
        "never sent",
    );
    let at = run.tick();
    let told = Observation::new(at, "a", "otto", OTTO, value(4)).answered(
        at + 1,
        Answer::Refused(1008),
        None,
    );
    run.history.observations.push(told);
    run.finds(
        |one| matches!(one, Violation::RecordWithoutRequest { .. }),
        "told as refused",
    );
}

#[test]
fn a_counter_that_goes_back() {
    let mut run = good();
    run.history.trail = None;
    run.history.observations.clear();
    run.history.accounts.clear();
    run.read(2);
    run.finds(|one| matches!(one, Violation::WentBack { .. }), "4 to 2");
}

#[test]
fn a_step_that_goes_back() {
    let mut run = Run::new();
    for last in [Some(1_700_000_010), Some(1_699_999_980)] {
        let at = run.tick();
        run.history.readings.push(Reading {
            at,
            serial: OTTO.to_owned(),
            next_counter: None,
            last_second: last,
            errors: None,
        });
    }
    run.finds(|one| matches!(one, Violation::WentBack { .. }), "a step");
}

#[test]
fn a_counter_behind_an_accept() {
    let mut run = good();
    run.accept("a", counter(4));
    run.read(4);
    run.finds(
        |one| matches!(one, Violation::StoredBehindAccept { .. }),
        "4 is accepted and next",
    );
    // The answer was lost, the trail knows.
    let mut run = good();
    run.ask("a", value(4), Answer::Silence);
    run.record("a", None, 0, Some(counter(4)));
    run.read(4);
    run.finds(
        |one| matches!(one, Violation::StoredBehindAccept { .. }),
        "by the trail",
    );
}

#[test]
fn a_counter_that_nobody_sent() {
    let mut run = good();
    run.read(9);
    run.finds(
        |one| matches!(one, Violation::StoredBeyondSent { .. }),
        "next is 9",
    );
}

#[test]
fn failures_lost_or_invented() {
    let mut run = good();
    run.history.trail = None;
    run.history.accounts[0].lock_count = 1;
    run.finds(
        |one| matches!(one, Violation::CountedTooFew { by: "clients", .. }),
        "one of two",
    );
    run.history.accounts[0].lock_count = 3;
    run.finds(
        |one| matches!(one, Violation::CountedTooMany { by: "clients", .. }),
        "three of two",
    );
}

#[test]
fn failures_of_the_trail_lost_or_invented() {
    let one_node = || {
        let mut run = Run::new();
        run.accept("a", counter(0));
        run.refuse("a", Sent::Wrong, 1012);
        run.refuse("a", Sent::Wrong, 1008);
        run.history.observations.clear();
        run.history.complete = false;
        run
    };
    for (stored, found) in [(1, "few"), (3, "many")] {
        let mut run = one_node();
        run.count(stored);
        run.finds(
            |one| match one {
                Violation::CountedTooFew { by: "trail", .. } => found == "few",
                Violation::CountedTooMany { by: "trail", .. } => found == "many",
                _ => false,
            },
            found,
        );
    }
    let mut run = one_node();
    run.count(2);
    run.history.assert_kept();
}

#[test]
fn bad_values_of_an_authenticator_lost() {
    let mut run = good();
    run.read(4);
    for (errors, kept) in [(1, false), (2, true), (3, false)] {
        run.history.readings.last_mut().unwrap().errors = Some(errors);
        assert_eq!(run.history.violations().is_empty(), kept, "{errors}");
    }
}

#[test]
fn an_unlock_forgets_failures() {
    let mut run = good();
    let (sent, done) = (run.tick(), run.tick());
    run.history.resets.push(Reset {
        sent,
        done: Some(done),
        user: "otto".to_owned(),
    });
    run.count(0);
    run.history.assert_kept();
    run.refuse("a", Sent::Wrong, 1012);
    run.count(0);
    run.finds(
        |one| matches!(one, Violation::CountedTooFew { .. }),
        "one after the unlock",
    );
}

#[test]
fn a_failure_that_may_have_come_twice_counts_once_or_twice() {
    for (stored, kept) in [(1, false), (2, true), (3, true), (4, false)] {
        let mut run = good();
        run.history.trail = None;
        run.history.observations.last_mut().unwrap().copies = 2;
        run.history.observations.last_mut().unwrap().over = Some(run.clock);
        run.history.accounts[0].lock_count = stored;
        run.history.accounts[0].at = run.clock;
        assert_eq!(run.history.violations().is_empty(), kept, "{stored}");
    }
}

#[test]
fn records_are_read_as_the_program_prints_them() {
    let text = r#"{"amid":"00ff","application":"OTP","category":"authentication","code":"S-101001","epoch":"ee","request_id":"r1","seq":7,"serial":"0097000001","source":"node-1","status":"STAT_SUCCESS","status_code":0,"time":"2026-03-01T12:00:00.000001Z","type":"S","user":"otto","verified_counter":"18446744073709551615"}

{"amid":"01","client_status_code":1000,"code":"F-101001","epoch":"ee","seq":8,"source":"node-1","status_code":1012,"user":"otto"}
"#;
    let records = read_lines(text).unwrap();
    assert_eq!(records[0].factor, Some(Factor::Counter(u64::MAX)));
    assert!(records[0].is_accept() && records[0].seq == 7 && records[0].node == "node-1");
    assert_eq!(
        (records[1].status, records[1].told()),
        (Some(1012), Some(1000))
    );
    let time = json!({"amid": "02", "code": "S-101001", "verified_time": "2023-11-14T22:13:30Z"});
    let challenge = json!({"amid": "03", "code": "S-101001", "challenge_key": "0011aabb"});
    let issued = json!({"amid": "04", "code": "I-101001", "challenge_key": "0011aabb"});
    let records = read_records([&time, &challenge, &issued]).unwrap();
    assert_eq!(records[0].factor, Some(Factor::step(56_666_667, 30)));
    assert_eq!(
        records[1].factor,
        Some(Factor::Challenge("0011aabb".to_owned()))
    );
    assert_eq!(records[2].factor, None);
}

#[test]
fn what_is_no_record_is_named() {
    for (text, line) in [("{}", 1), ("\n{\"amid\":\"1\"}", 2), ("no", 1)] {
        assert_eq!(read_lines(text).unwrap_err().line, line, "{text}");
    }
    let status = json!({"amid": "1", "code": "S-101001", "status_code": "zero"});
    assert!(
        read_records([&status])
            .unwrap_err()
            .to_string()
            .contains("status_code")
    );
}
