use super::*;
use crate::Status;
use crate::admin::Action;
use crate::admin::tests::world::{KEY, NOW, Open, World};
use crate::admin::{Given, Write};
use crate::audit::Code;
use crate::decision::{Answers, Change};
use crate::dice::Dice;
use crate::model::UserKey;
use serde_json::json;

const HEX: &str = "3132333435363738393031323334353637383930";
const OTHER: &str = "3132333435363738393031323334353637383931";

fn order(object: &str, verb: &str, body: Json) -> Order {
    let world = World::new();
    let decision = world.decide(object, verb, body);
    let Some(Action::Import(order)) = decision.action else {
        panic!("{:?}", decision.detail)
    };
    assert_eq!(decision.records[0].code, Code::IMPORT_FINISHED);
    *order
}

fn csv(data: &str, more: Json) -> Order {
    let mut body = json!({"data": data});
    let (Json::Object(fields), Json::Object(more)) = (&mut body, more) else {
        panic!()
    };
    fields.extend(more);
    order("import", "authenticators", body)
}

fn run(world: &World, order: &Order) -> BatchDecision {
    let rows = order.rows(1 << 20).unwrap();
    let facts = world.facts(&needs(&rows, &order.options, &world.snapshot));
    let (dice, answers) = (Dice::new([1; 32]), Answers::default());
    let given = Given {
        at: NOW,
        snapshot: &world.snapshot,
        facts: &facts,
        answers: &answers,
        dice: &dice,
        vault: &Open,
    };
    let verb = crate::admin::find("import", "pskc").unwrap();
    decide(&world.caller, verb, order, &rows, given)
}

fn statuses(decision: &BatchDecision) -> Vec<i16> {
    decision
        .answers
        .iter()
        .map(|answer| answer.status.number())
        .collect()
}

#[test]
fn rows_are_taken_one_by_one() {
    let data = format!(
        "serial,type,algorithm,secret_hex,user,application\n\
         1001,fob,HOTP,{HEX},bob,\n\
         1001,fob,TOTP,{HEX},,second\n\
         1002,card,HOTP,3132,,\n\
         0001,fob,HOTP,{HEX},,\n\
         0001,card,HOTP,{HEX},,\n\
         1003,fob,HOTP,{HEX},nobody,\n\
         10_4,fob,HOTP,{HEX},,\n\
         1005,fob,HOTP,xx,,\n\
         0002,fob,TOTP,{HEX},bob,third\n"
    );
    let world = World::new();
    let decision = run(&world, &csv(&data, json!({})));
    assert_eq!(
        statuses(&decision),
        [0, 0, 0, -14, 5003, -13, -101, -101, 1016]
    );
    assert_eq!(decision.answers[2].warnings.len(), 1, "weak key");
    assert_eq!(decision.answers[7].place, 9);
    let refused = decision
        .records
        .iter()
        .filter(|record| record.code == Code::IMPORT_ROW_REFUSED)
        .count();
    let assigned = decision
        .records
        .iter()
        .filter(|record| record.code == Code::ASSIGNED_BY_ADMIN)
        .count();
    assert_eq!((refused, assigned), (6, 1));
    let writes: Vec<&Write> = decision
        .changes
        .iter()
        .map(|change| {
            if let Change::Write(write) = change {
                write
            } else {
                panic!()
            }
        })
        .collect();
    assert!(
        matches!(writes[..], [Write::Type(kind), Write::Authenticator(one), Write::Application(..), Write::Application(..), Write::Authenticator(_), Write::Application(..)]
        if kind.record.name == "card" && one.record.user == Some(UserKey(3))),
        "{writes:?}"
    );
    let mut tally = Tally::default();
    tally.count(&decision.answers);
    assert_eq!(
        tally,
        Tally {
            done: 3,
            refused: 6
        }
    );
    assert_eq!(
        decision.answers[4].to_json()["status"],
        "STAT_DP_EXIST_AS_DIFF_TYPE"
    );
}

#[test]
fn unknown_types_may_be_refused_and_a_dry_run_stores_nothing() {
    let data =
        format!("serial,type,algorithm,secret_hex\n1001,card,HOTP,{HEX}\n1002,fob,HOTP,{HEX}\n");
    let world = World::new();
    let decision = run(&world, &csv(&data, json!({"create_types": false})));
    assert_eq!(
        (statuses(&decision), decision.changes.len()),
        (vec![-13, 0], 2)
    );
    let decision = run(&world, &csv(&data, json!({"dry_run": true})));
    assert_eq!(
        (statuses(&decision), decision.changes.len()),
        (vec![0, 0], 0)
    );
}

#[test]
fn an_update_with_the_same_key_never_lowers_the_counter() {
    let row = |key: &str, counter: u64| {
        format!("serial,algorithm,counter,secret_hex\n0001,HOTP,{counter},{key}\n")
    };
    let world = World::new();
    let states = |key: &str, counter: u64| {
        let decision = run(
            &world,
            &csv(&row(key, counter), json!({"update_existing": true})),
        );
        assert_eq!(statuses(&decision), [0]);
        let state = decision.changes.iter().find_map(|change| match change {
            Change::Write(Write::ApplicationState(_, 11, state)) => {
                Some((state.counter, state.initial))
            }
            _ => None,
        });
        let keyed = decision.changes.iter().any(|change| matches!(change, Change::Write(Write::Application(_, put)) if !put.secrets.is_empty()));
        (state, keyed)
    };
    assert_eq!(HEX, data_encoding::HEXLOWER.encode(KEY));
    assert_eq!(states(HEX, 2), (None, false));
    assert_eq!(states(HEX, 50), (Some((50, false)), false));
    assert_eq!(states(OTHER, 2), (Some((2, true)), true));
}

#[test]
fn the_type_of_the_command_counts_for_rows_without() {
    let data = format!("serial,algorithm,secret_hex\n0001,HOTP,{HEX}\n1001,HOTP,{HEX}\n");
    let decision = run(&World::new(), &csv(&data, json!({"type": "card"})));
    assert_eq!(statuses(&decision), [5003, 0]);
}

#[test]
fn uris_get_a_serial_that_follows_from_the_key() {
    let data = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example\n\nnonsense\n";
    let order = order("import", "otpauth", json!({"data": data}));
    let rows = order.rows(1 << 20).unwrap();
    let first = rows[0].as_ref().unwrap();
    assert!(first.serial.len() == 10 && first.description == "Example: alice");
    assert_eq!(
        order.rows(1 << 20).unwrap()[0].as_ref().unwrap().serial,
        first.serial
    );
    let decision = run(&World::new(), &order);
    assert_eq!(
        (statuses(&decision), decision.answers[1].place),
        (vec![0, -101], 3)
    );
}

#[test]
fn a_pskc_file_travels_plain_or_in_base64() {
    let made = World::new().decide(
        "authenticator",
        "create",
        json!({"serial": "C-1", "suite": "OCRA-1:HOTP-SHA1-6:QN08"}),
    );
    let document = made.result["pskc"].as_str().unwrap();
    let packed = data_encoding::BASE64.encode(document.as_bytes());
    for data in [document, packed.as_str()] {
        let order = order(
            "import",
            "pskc",
            json!({"data": data, "allow_plain": true, "type": "fob"}),
        );
        let rows = order.rows(1 << 20).unwrap();
        let row = rows[0].as_ref().unwrap();
        assert_eq!(
            (row.serial.as_str(), row.application.as_str()),
            ("C-1", "CR")
        );
        assert_eq!(statuses(&run(&World::new(), &order)), [0]);
    }
    let protected = order("import", "pskc", json!({"data": document}));
    assert_eq!(statuses(&run(&World::new(), &protected)), [-101]);
}

#[test]
fn whole_files_that_cannot_be_read_are_refused() {
    for (verb, data) in [
        ("pskc", "<html/>"),
        ("pskc", "nonsense"),
        ("authenticators", "colour\nred\n"),
        ("authenticators", ""),
        ("otpauth", "\n"),
    ] {
        let order = order("import", verb, json!({"data": data}));
        assert_eq!(
            order.rows(1 << 20).unwrap_err().status,
            Status::INVDATA,
            "{verb} {data}"
        );
    }
    assert!(
        csv(&format!("serial,secret_hex\n1,{HEX}\n"), json!({}))
            .rows(10)
            .is_err()
    );
    let world = World::new();
    assert_eq!(
        world.status(
            "import",
            "otpauth",
            json!({"data": "x", "domain": "nowhere"})
        ),
        -13
    );
    assert_eq!(
        world.status("import", "pskc", json!({"data": "x", "key": "zz"})),
        -101
    );
    assert_eq!(world.status("import", "authenticators", json!({})), -102);
}
