use super::world::{START, World, count_up};
use crate::audit::{Accepted, Position, Range, Trail, moved_back};
use crate::{Reader, Store, state_file};
use countersign_engine::audit::chain::Head;
use countersign_engine::audit::verify::{Outcome, Verifier};
use countersign_engine::audit::{Code, Record};
use countersign_engine::time::Timestamp;
use countersign_keyring::audit_key;

pub(super) fn verify(trail: &impl Trail) -> Outcome {
    let check = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        audit_key::verify(key, message, signature)
    };
    let keys: Vec<[u8; 32]> = trail
        .audit_keys()
        .unwrap()
        .into_iter()
        .map(|key| key.public)
        .collect();
    let mut verifier = Verifier::new(&check).trusting(keys);
    trail
        .entries(&mut |json, hash| verifier.take(json, hash))
        .unwrap();
    verifier.finish()
}

pub(crate) fn assert_intact(trail: &impl Trail) {
    let outcome = verify(trail);
    assert!(outcome.is_intact(), "{outcome:?}");
}

pub(super) fn lines(trail: &impl Trail) -> Vec<String> {
    let mut lines = Vec::new();
    trail
        .entries(&mut |json, _| lines.push(String::from_utf8(json.to_vec()).unwrap()))
        .unwrap();
    lines
}

fn logons(world: &World, count: usize) {
    (0..count).for_each(|_| world.done(vec![count_up(&world.account("alice"))]));
}

#[test]
fn the_chain_verifies_over_restarts_and_new_audit_keys() {
    let mut world = World::new();
    world.add_user("alice");
    logons(&world, 5);
    world.reopen();
    logons(&world, 5);
    world.store.rotate_audit_key().unwrap();
    logons(&world, 5);
    world.store.close();
    let reader = Reader::open(&world.options.url).unwrap();
    assert_intact(&reader);
    let outcome = verify(&reader);
    assert_eq!((outcome.epochs, outcome.nodes), (3, 1));
    assert_eq!(reader.audit_keys().unwrap().len(), 2);
    // The first key vouches for the second one.
    let first = reader.audit_keys().unwrap()[0].public;
    let check = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        audit_key::verify(key, message, signature)
    };
    let mut verifier = Verifier::new(&check).trusting([first]);
    reader
        .entries(&mut |json, hash| verifier.take(json, hash))
        .unwrap();
    assert!(verifier.finish().is_intact());
}

#[test]
fn a_changed_record_is_named() {
    let world = World::in_file();
    world.add_user("alice");
    logons(&world, 5);
    world.store.close();
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    let sql = "UPDATE audit_segment SET body = CAST(replace(CAST(body AS TEXT), 'S-101001', 'F-101001') AS BLOB) WHERE first = 3";
    assert_eq!(connection.execute(sql, []).unwrap(), 1);
    let outcome = verify(&Reader::open(&world.options.url).unwrap());
    assert!(!outcome.is_intact());
    assert_eq!(outcome.problems[0].seq, 3, "{outcome:?}");
}

#[test]
fn a_checkpoint_comes_after_a_thousand_records_or_a_minute_and_is_remembered_outside() {
    let world = World::new();
    let signed = || {
        lines(&world.store)
            .iter()
            .filter(|line| line.contains("I-115002"))
            .count()
    };
    let many = |count| {
        let mut work = world.work(Vec::new());
        work.records = (0..count)
            .map(|_| Record::new(Code::AUTH_REFUSED, [1; 16], world.now()))
            .collect();
        assert_eq!(world.store.commit(work), crate::Outcome::Committed);
    };
    assert_eq!(signed(), 0);
    many(1000);
    assert_eq!(signed(), 1);
    many(1);
    assert_eq!(signed(), 1);
    world.pass(60);
    many(1);
    assert_eq!(signed(), 2);
    world.store.close();
    let remembered = state_file::read(&world.options.state_file)
        .unwrap()
        .unwrap();
    let last = lines(&Reader::open(&world.options.url).unwrap()).len() as u64 - 1;
    assert_eq!(remembered.seq, last);
    assert_intact(&Reader::open(&world.options.url).unwrap());
}

#[test]
fn records_and_traces_are_found_by_time_id_and_request() {
    let world = World::new();
    world.add_user("alice");
    for _ in 0..5 {
        world.pass(3600 * 3);
        let mut work = world.work(vec![count_up(&world.account("alice"))]);
        work.records[0].request_id = Some(format!("request {}", world.now().seconds()).into());
        assert_eq!(world.store.commit(work), crate::Outcome::Committed);
    }
    let reader = Reader::open(&world.options.url).unwrap();
    let mut newest = Vec::new();
    let range = Range {
        from: Timestamp(START).plus_seconds(3600 * 7),
        to: Timestamp(START).plus_seconds(3600 * 12),
        newest_first: true,
    };
    reader
        .scan(range, &mut |_, entry| {
            newest.extend(entry.text("request_id").map(str::to_owned));
            newest.len() < 2
        })
        .unwrap();
    let name = |hours: i64| format!("request {}", START / 1_000_000 + hours * 3600);
    assert_eq!(newest, [name(12), name(9)]);
    let found = reader.of_request(&name(6)).unwrap();
    assert_eq!(found.len(), 1);
    let id = found[0].entry().unwrap().amid().unwrap();
    assert_eq!(reader.record(&id).unwrap().unwrap().json, found[0].json);
    assert_eq!(
        reader
            .of_request(&data_encoding::HEXLOWER.encode(&id))
            .unwrap()
            .len(),
        1
    );
    // The world's traces say the id again.
    assert_eq!(reader.trace(&id).unwrap().unwrap(), id);
    assert!(reader.record(&[9; 16]).unwrap().is_none());
    let mut tail = reader.position().unwrap();
    assert!(reader.after(&mut tail, 10).unwrap().is_empty());
    world.done(Vec::new());
    assert_eq!(reader.after(&mut tail, 10).unwrap().len(), 1);
}

#[test]
fn old_traces_are_erased_and_records_stay() {
    let world = World::new();
    world.done(Vec::new());
    let id = world
        .store
        .after(&mut Position::default(), 100)
        .unwrap()
        .last()
        .unwrap()
        .entry()
        .unwrap()
        .amid()
        .unwrap();
    assert!(world.store.trace(&id).unwrap().is_some());
    assert_eq!(world.store.erase_traces(world.now(), 100), Ok(0));
    assert_eq!(
        world.store.erase_traces(world.now().plus_seconds(1), 100),
        Ok(2)
    );
    assert!(world.store.trace(&id).unwrap().is_none());
    assert!(world.store.record(&id).unwrap().is_some());
}

#[test]
fn a_counter_put_back_by_hand_is_named() {
    let world = World::in_file();
    world.add_user("alice");
    for n in 0..3 {
        let mut work = world.work(vec![count_up(&world.account("alice"))]);
        let record = &mut work.records[0];
        (record.serial, record.application, record.verified_counter) =
            (Some("SN-ALICE".into()), Some("RO".into()), Some(n));
        assert_eq!(world.store.commit(work), crate::Outcome::Committed);
    }
    let back = |store: &Store| {
        let mut accepted = Accepted::default();
        store
            .scan(Range::all(false), &mut |_, entry| {
                accepted.take(entry);
                true
            })
            .unwrap();
        moved_back(&accepted, &store.factors().unwrap())
    };
    assert_eq!(back(&world.store), []);
    let connection = rusqlite::Connection::open(world.file()).unwrap();
    connection
        .execute("UPDATE application_state SET counter = 2", [])
        .unwrap();
    let found = back(&world.store);
    assert_eq!(
        (found[0].serial.as_str(), found[0].accepted, found[0].stored),
        ("SN-ALICE", 2, 2)
    );
}

#[test]
fn a_batch_that_fails_leaves_no_gap_in_the_chain() {
    let world = World::in_file();
    let before: Option<Head> = world
        .store
        .errand(|writer| Ok(writer.ledger.head()))
        .unwrap();
    world
        .store
        .errand(|writer| writer.database.file().unwrap().refuse_writes(true))
        .unwrap();
    assert!(matches!(
        world.commit(Vec::new()),
        crate::Outcome::Failed(_)
    ));
    assert_eq!(
        world
            .store
            .errand(|writer| Ok(writer.ledger.head()))
            .unwrap(),
        before
    );
    world
        .store
        .errand(|writer| writer.database.file().unwrap().refuse_writes(false))
        .unwrap();
    world.done(Vec::new());
    world.store.close();
    assert_intact(&Reader::open(&world.options.url).unwrap());
}
