use std::collections::BTreeMap;
use std::sync::LazyLock;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use proptest::prelude::*;

use super::*;
use crate::audit::{Chain, Record};
use crate::time::Timestamp;

const TIME: Timestamp = Timestamp(1_764_000_000_000_000);

type Log = Vec<(Vec<u8>, [u8; 32])>;

/// A node that writes its trail.
struct Node {
    name: &'static str,
    key: SigningKey,
    signed_by: Option<([u8; 32], [u8; 64])>,
    chain: Chain,
    checkpoint: Option<Head>,
    log: Log,
}

impl Node {
    fn new(name: &'static str, epoch: u8) -> Self {
        let mut node = Self {
            name,
            key: SigningKey::from_bytes(&[epoch; 32]),
            signed_by: None,
            chain: Chain::new(name, [epoch; 16], [0; 32]),
            checkpoint: None,
            log: Vec::new(),
        };
        node.start(None, None);
        node
    }

    fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn write(&mut self, record: &Record) {
        let mut json = Vec::new();
        let hash = self.chain.append(record, &mut json);
        self.log.push((json, hash));
    }

    fn start(&mut self, previous: Option<Head>, abandoned: Option<Head>) {
        let key = KeyNotice {
            public: self.public(),
            signed_by: self.signed_by,
        };
        let start = Start {
            node: self.name.into(),
            version: "1".into(),
            key,
            previous,
            abandoned,
        };
        self.write(&start.record([0; 16], TIME));
    }

    fn events(&mut self, number: usize) {
        for _ in 0..number {
            let user = format!("user{}", self.log.len());
            self.write(&Record {
                user: Some(user.into()),
                ..Record::new(Code::AUTH_ACCEPTED, [1; 16], TIME)
            });
        }
    }

    fn checkpoint_seeing(&mut self, seen: &[&Node]) {
        let head = self.chain.head().unwrap();
        let checkpoint = Checkpoint {
            node: self.name.into(),
            head,
            time: TIME,
            key_id: chain::key_id(&self.public()),
            previous: self.checkpoint.replace(head),
            seen: seen
                .iter()
                .map(|node| (node.name.into(), node.checkpoint.unwrap()))
                .collect(),
        };
        let signature = self.key.sign(&checkpoint.to_sign()).to_bytes();
        self.write(&checkpoint.record(&signature, [2; 16]));
    }

    fn checkpoint(&mut self) {
        self.checkpoint_seeing(&[]);
    }

    fn close(&mut self) {
        self.write(&chain::closing([3; 16], TIME));
    }

    fn restart(&mut self, epoch: u8) {
        let previous = self.chain.head().unwrap();
        self.chain = Chain::new(self.name, [epoch; 16], previous.hash);
        self.start(Some(previous), None);
    }

    fn rotate(&mut self, epoch: u8) {
        let next = SigningKey::from_bytes(&[epoch; 32]);
        let message = KeyNotice::to_sign(self.name, next.verifying_key().as_bytes());
        self.signed_by = Some((self.public(), self.key.sign(&message).to_bytes()));
        self.key = next;
        self.restart(epoch);
    }
}

/// Two epochs of one node, closed, checkpointed: 25 records.
fn ordinary() -> Node {
    let mut node = Node::new("a", 1);
    node.events(5);
    node.checkpoint();
    node.events(5);
    node.close();
    node.restart(2);
    node.events(3);
    node.checkpoint();
    node.events(4);
    node.checkpoint();
    node
}

fn holds(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    })
}

fn run<'a>(verifier: Verifier<'a>, log: &Log) -> Outcome {
    let mut verifier = verifier;
    for (json, hash) in log {
        verifier.take(json, hash);
    }
    verifier.finish()
}

fn verify(log: &Log) -> Outcome {
    run(Verifier::new(&holds), log)
}

fn first_fault(outcome: &Outcome) -> &Fault {
    &outcome.first_problem().unwrap().fault
}

fn node(name: &str) -> Witness {
    Witness::Node(name.into())
}

#[test]
fn an_ordinary_trail_is_intact() {
    let node = ordinary();
    let outcome = verify(&node.log);
    assert_eq!(outcome.problems, []);
    assert_eq!(
        (
            outcome.records,
            outcome.epochs,
            outcome.nodes,
            outcome.checkpoints
        ),
        (23, 2, 1, 3)
    );
    assert_eq!(
        (outcome.origin, outcome.notes.len()),
        (Origin::OrderOnly, 0)
    );
    let trusting = run(Verifier::new(&holds).trusting([node.public()]), &node.log);
    assert!(trusting.is_intact());
    assert_eq!(trusting.origin, Origin::Proven);
}

#[test]
fn an_empty_trail_is_intact_and_proves_nothing() {
    let outcome = run(Verifier::new(&holds).trusting([[1; 32]]), &Vec::new());
    assert_eq!(
        (outcome.is_intact(), outcome.origin),
        (true, Origin::OrderOnly)
    );
}

#[test]
fn a_changed_record_is_named() {
    let mut log = ordinary().log;
    let text = String::from_utf8(log[8].0.clone())
        .unwrap()
        .replace("user8", "userX");
    log[8].0 = text.into_bytes();
    let outcome = verify(&log);
    assert_eq!(outcome.problem_count, 1);
    assert_eq!(
        outcome.first_problem().unwrap().to_string(),
        "node a, epoch 01010101010101010101010101010101, record 8: the record was changed"
    );
}

#[test]
fn a_changed_record_with_a_new_hash_breaks_the_order() {
    let mut log = ordinary().log;
    let text = String::from_utf8(log[8].0.clone())
        .unwrap()
        .replace("user8", "userX");
    let prev = Entry::read(&log[8].0).unwrap().prev().unwrap();
    log[8] = (
        text.clone().into_bytes(),
        chain::hash(&prev, text.as_bytes()),
    );
    let outcome = verify(&log);
    assert_eq!(
        (first_fault(&outcome), outcome.first_problem().unwrap().seq),
        (&Fault::OrderBroken, 9)
    );
}

#[test]
fn a_missing_record_is_a_gap() {
    let mut log = ordinary().log;
    log.remove(4);
    let outcome = verify(&log);
    assert_eq!(first_fault(&outcome), &Fault::Gap { expected: 4 });
    assert_eq!(outcome.first_problem().unwrap().seq, 5);
}

#[test]
fn a_doubled_record_is_a_gap() {
    let mut log = ordinary().log;
    log.insert(4, log[4].clone());
    assert_eq!(first_fault(&verify(&log)), &Fault::Gap { expected: 5 });
}

#[test]
fn garbage_is_named_by_its_place() {
    let mut log = ordinary().log;
    log[3].0 = b"{\"amid\":1}".to_vec();
    let outcome = verify(&log);
    assert_eq!(
        outcome.first_problem().unwrap().to_string(),
        "record 4 of the input is no audit record"
    );
}

#[test]
fn an_epoch_without_its_start_is_broken() {
    let mut node = Node::new("a", 1);
    node.log.clear();
    node.chain = Chain::new("a", [1; 16], [0; 32]);
    node.events(2);
    assert_eq!(first_fault(&verify(&node.log)), &Fault::NoStart);
    let mut log = ordinary().log;
    log.remove(0);
    assert!(
        verify(&log)
            .problems
            .iter()
            .any(|problem| problem.fault == Fault::BeginningMissing)
    );
}

#[test]
fn nothing_comes_after_the_close() {
    let mut node = Node::new("a", 1);
    node.close();
    node.events(1);
    assert_eq!(first_fault(&verify(&node.log)), &Fault::AfterClose);
}

#[test]
fn a_crash_is_noted_and_breaks_nothing() {
    let mut node = Node::new("a", 1);
    node.events(3);
    node.restart(2);
    node.events(1);
    let outcome = verify(&node.log);
    assert!(outcome.is_intact());
    assert_eq!(
        outcome.notes,
        [
            Note::NotClosed {
                node: "a".into(),
                epoch: [1; 16]
            },
            Note::Tail {
                node: "a".into(),
                epoch: [1; 16],
                from: 0,
                records: 6
            }
        ]
    );
}

#[test]
fn an_epoch_that_a_later_start_ended_is_noted_and_nothing_comes_after_its_end() {
    let mut node = Node::new("a", 1);
    node.events(3);
    node.write(&chain::ending([3; 16], TIME));
    let mut late = node.chain.clone();
    node.restart(2);
    let outcome = verify(&node.log);
    assert!(outcome.is_intact(), "{outcome:?}");
    assert!(outcome.notes.contains(&Note::NotClosed {
        node: "a".into(),
        epoch: [1; 16]
    }));
    std::mem::swap(&mut node.chain, &mut late);
    node.events(1);
    assert_eq!(first_fault(&verify(&node.log)), &Fault::AfterClose);
}

#[test]
fn records_newer_than_the_last_checkpoint_are_noted() {
    let mut node = ordinary();
    node.events(3);
    let outcome = verify(&node.log);
    assert!(outcome.is_intact());
    assert_eq!(
        outcome.notes,
        [Note::Tail {
            node: "a".into(),
            epoch: [2; 16],
            from: 10,
            records: 3
        }]
    );
}

#[test]
fn a_cut_end_of_an_earlier_epoch_is_missed() {
    let mut log = ordinary().log;
    log.drain(10..13);
    let outcome = verify(&log);
    assert_eq!(
        first_fault(&outcome),
        &Fault::TailMissing { witness: node("a") }
    );
    assert_eq!(
        (
            outcome.first_problem().unwrap().epoch,
            outcome.first_problem().unwrap().seq
        ),
        ([1; 16], 12)
    );
}

#[test]
fn a_missing_epoch_in_the_middle_is_missed() {
    let mut node_a = ordinary();
    node_a.restart(3);
    node_a.checkpoint();
    let log: Log = node_a
        .log
        .iter()
        .filter(|(json, _)| Entry::read(json).unwrap().epoch() != Some([2; 16]))
        .cloned()
        .collect();
    let outcome = verify(&log);
    assert_eq!(
        first_fault(&outcome),
        &Fault::EpochMissing { witness: node("a") }
    );
    assert_eq!(outcome.first_problem().unwrap().epoch, [2; 16]);
}

#[test]
fn a_cut_tail_is_missed_by_an_anchor() {
    let node = ordinary();
    let anchor = Anchor {
        node: "a".into(),
        head: node.checkpoint.unwrap(),
    };
    let anchored = |log: &Log| run(Verifier::new(&holds).anchored([anchor.clone()]), log);
    assert!(anchored(&node.log).is_intact());
    let cut = node.log[..16].to_vec();
    assert!(verify(&cut).is_intact());
    assert_eq!(
        first_fault(&anchored(&cut)),
        &Fault::TailMissing {
            witness: Witness::Anchor
        }
    );
    let other = Node::new("b", 7);
    assert_eq!(
        first_fault(&anchored(&other.log)),
        &Fault::NodeMissing {
            witness: Witness::Anchor
        }
    );
}

#[test]
fn a_rewritten_tail_differs_from_an_anchor() {
    let node = ordinary();
    let mut head = node.chain.head().unwrap();
    head.seq -= 2;
    let anchor = Anchor {
        node: "a".into(),
        head,
    };
    let outcome = run(Verifier::new(&holds).anchored([anchor]), &node.log);
    assert_eq!(
        first_fault(&outcome),
        &Fault::Diverged {
            witness: Witness::Anchor
        }
    );
}

#[test]
fn a_lost_node_is_known_to_the_others() {
    let a = ordinary();
    let mut b = Node::new("b", 9);
    b.events(2);
    b.checkpoint_seeing(&[&a]);
    let both: Log = a.log.iter().chain(&b.log).cloned().collect();
    assert!(verify(&both).is_intact());
    assert_eq!(
        first_fault(&verify(&b.log)),
        &Fault::NodeMissing { witness: node("b") }
    );
    let cut: Log = a.log[..15].iter().chain(&b.log).cloned().collect();
    assert_eq!(
        first_fault(&verify(&cut)),
        &Fault::TailMissing { witness: node("b") }
    );
    let first_epoch: Log = a.log[..13].iter().chain(&b.log).cloned().collect();
    assert_eq!(
        first_fault(&verify(&first_epoch)),
        &Fault::EpochMissing { witness: node("b") }
    );
}

#[test]
fn nodes_may_be_mixed() {
    let (a, mut b) = (ordinary(), Node::new("b", 9));
    b.events(30);
    b.checkpoint_seeing(&[&a]);
    let mut mixed = Log::new();
    for (one, other) in a.log.iter().zip(&b.log) {
        mixed.extend([other.clone(), one.clone()]);
    }
    mixed.extend(b.log[a.log.len()..].iter().cloned());
    assert!(verify(&mixed).is_intact());
}

#[test]
fn a_wrong_signature_is_named() {
    let mut node = Node::new("a", 1);
    node.events(2);
    let impostor = SigningKey::from_bytes(&[66; 32]);
    let head = node.chain.head().unwrap();
    let checkpoint = Checkpoint {
        node: "a".into(),
        head,
        time: TIME,
        key_id: chain::key_id(&node.public()),
        previous: None,
        seen: BTreeMap::new(),
    };
    node.write(&checkpoint.record(&impostor.sign(&checkpoint.to_sign()).to_bytes(), [2; 16]));
    let outcome = verify(&node.log);
    assert_eq!(
        (first_fault(&outcome), outcome.checkpoints),
        (&Fault::WrongSignature, 0)
    );
}

#[test]
fn a_checkpoint_over_something_else_is_wrong() {
    let mut node = Node::new("a", 1);
    node.events(2);
    let head = Head {
        hash: [9; 32],
        ..node.chain.head().unwrap()
    };
    let checkpoint = Checkpoint {
        node: "a".into(),
        head,
        time: TIME,
        key_id: chain::key_id(&node.public()),
        previous: None,
        seen: BTreeMap::new(),
    };
    node.write(&checkpoint.record(&node.key.sign(&checkpoint.to_sign()).to_bytes(), [2; 16]));
    assert_eq!(first_fault(&verify(&node.log)), &Fault::WrongCheckpoint);
}

#[test]
fn a_planted_key_is_found_out_by_the_trusted_ones() {
    let trusted = ordinary().public();
    let mut planted = Node::new("a", 66);
    planted.events(3);
    planted.checkpoint();
    assert!(verify(&planted.log).is_intact());
    let outcome = run(Verifier::new(&holds).trusting([trusted]), &planted.log);
    assert_eq!(
        first_fault(&outcome),
        &Fault::UntrustedKey {
            key_id: chain::key_id(&planted.public())
        }
    );
    assert_eq!(outcome.origin, Origin::OrderOnly);
}

#[test]
fn trust_is_handed_over_from_key_to_key() {
    let mut node = ordinary();
    let first = node.public();
    node.rotate(5);
    node.events(2);
    node.checkpoint();
    node.rotate(6);
    node.checkpoint();
    let outcome = run(Verifier::new(&holds).trusting([first]), &node.log);
    assert_eq!(
        (outcome.problems.as_slice(), outcome.origin),
        (&[][..], Origin::Proven)
    );

    let mut usurped = ordinary();
    usurped.rotate(5);
    usurped.signed_by = usurped.signed_by.map(|(by, _)| (by, [0; 64]));
    usurped.restart(6);
    usurped.checkpoint();
    assert!(
        verify(&usurped.log)
            .problems
            .iter()
            .any(|problem| problem.fault == Fault::WrongSignature)
    );
}

#[test]
fn a_second_continuation_is_a_fork() {
    let mut node = ordinary();
    let end = node.chain.head().unwrap();
    node.restart(3);
    node.chain = Chain::new("a", [4; 16], end.hash);
    node.start(Some(end), None);
    assert_eq!(first_fault(&verify(&node.log)), &Fault::Fork);
    let mut twice = Node::new("a", 1);
    twice.log.extend(Node::new("a", 2).log);
    assert_eq!(first_fault(&verify(&twice.log)), &Fault::Fork);
}

#[test]
fn a_start_that_lies_about_its_past_is_wrong() {
    let mut node = ordinary();
    let end = node.chain.head().unwrap();
    node.chain = Chain::new("a", [3; 16], end.hash);
    node.start(None, None);
    assert_eq!(first_fault(&verify(&node.log)), &Fault::WrongStart);
}

/// Erases records 0..=last of the first epoch under a tombstone in the second.
fn erased(last: usize, covered: bool) -> (Log, Tombstone) {
    let mut node = ordinary();
    let tombstone = Tombstone {
        node: "a".into(),
        epoch: [1; 16],
        first: 0,
        last: u64::try_from(last).unwrap(),
        hash: node.log[last].1,
        number: u64::try_from(last).unwrap() + 1,
        by: "admin".into(),
        reason: "retention".into(),
    };
    node.write(&tombstone.record([4; 16], TIME));
    if covered {
        node.checkpoint();
    }
    (node.log.split_off(last + 1), tombstone)
}

#[test]
fn erased_records_need_a_covered_tombstone() {
    for last in [3, 8, 12] {
        let (log, tombstone) = erased(last, true);
        let outcome = verify(&log);
        assert_eq!(outcome.problems, [], "up to {last}");
        assert_eq!(outcome.notes, [Note::Erased(tombstone)]);
        let (uncovered, _) = erased(last, false);
        assert!(!verify(&uncovered).is_intact(), "up to {last}");
    }
}

#[test]
fn a_tombstone_covers_no_more_than_it_says() {
    let (mut log, _) = erased(3, true);
    log.remove(0);
    assert_eq!(first_fault(&verify(&log)), &Fault::BeginningMissing);
}

#[test]
fn others_do_not_miss_what_was_erased() {
    let mut b = Node::new("b", 9);
    let mut a = Node::new("a", 1);
    a.events(3);
    a.checkpoint();
    b.checkpoint_seeing(&[&a]);
    let (log, _) = erased(8, true);
    let both: Log = log.iter().chain(&b.log).cloned().collect();
    assert_eq!(verify(&both).problems, []);
}

#[test]
fn an_accepted_rollback_is_noted() {
    let mut a = ordinary();
    let mut b = Node::new("b", 9);
    let restored = a.log.len();
    let restored_chain = (a.chain.clone(), a.checkpoint);
    a.events(3);
    a.checkpoint();
    b.checkpoint_seeing(&[&a]);
    let lost = a.chain.head().unwrap();
    a.log.truncate(restored);
    let previous = restored_chain.0.head().unwrap();
    a.chain = Chain::new("a", [3; 16], previous.hash);
    a.checkpoint = restored_chain.1;
    a.start(Some(previous), Some(lost));
    a.checkpoint();
    let both: Log = a.log.iter().chain(&b.log).cloned().collect();
    let outcome = verify(&both);
    assert_eq!(outcome.problems, []);
    assert!(outcome.notes.contains(&Note::Abandoned {
        node: "a".into(),
        head: lost
    }));
}

#[test]
fn a_part_is_verified_for_what_it_is() {
    let mut node = ordinary();
    node.events(4);
    let part = node.log[4..20].to_vec();
    assert!(!verify(&part).is_intact());
    assert!(run(Verifier::new(&holds).partial(), &part).is_intact());
    let mut spoilt = part.clone();
    spoilt.remove(3);
    assert!(!run(Verifier::new(&holds).partial(), &spoilt).is_intact());
}

#[test]
fn problems_are_counted_beyond_those_kept() {
    let mut node = Node::new("a", 1);
    node.events(150);
    let log: Log = node
        .log
        .iter()
        .map(|(json, _)| (json.clone(), [0; 32]))
        .collect();
    let outcome = verify(&log);
    assert_eq!(outcome.problems.len(), PROBLEMS_KEPT);
    assert!(outcome.problem_count > 150);
}

/// The log and the key of [`ordinary`], written once for all cases.
static ORDINARY: LazyLock<(Log, [u8; 32])> = LazyLock::new(|| {
    let node = ordinary();
    let key = node.public();
    (node.log, key)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_flipped_bit_of_an_attested_record_is_seen(place in 0..23_usize, byte in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let (mut log, key) = ORDINARY.clone();
        let at = byte.index(log[place].0.len());
        log[place].0[at] ^= 1 << bit;
        let outcome = run(Verifier::new(&holds).trusting([key]), &log);
        prop_assert!(!outcome.is_intact());
    }

    #[test]
    fn any_dropped_record_before_the_last_checkpoint_is_seen(place in 0..22_usize) {
        let (mut log, _) = ORDINARY.clone();
        log.remove(place);
        prop_assert!(!verify(&log).is_intact());
    }

    #[test]
    fn any_two_records_swapped_are_seen(one in 0..23_usize, other in 0..23_usize) {
        let (mut log, _) = ORDINARY.clone();
        let same_chain = Entry::read(&log[one].0).unwrap().epoch() == Entry::read(&log[other].0).unwrap().epoch();
        prop_assume!(one != other && same_chain);
        log.swap(one, other);
        prop_assert!(!verify(&log).is_intact());
    }

    #[test]
    fn garbage_never_panics(lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20)) {
        let log: Log = lines.into_iter().map(|line| (line, [0; 32])).collect();
        let outcome = verify(&log);
        prop_assert_eq!(outcome.problem_count, log.len() as u64);
    }
}
