//! Every status code that this version can answer, provoked from outside as its scenario in the specification says: a
//! real server, real `radclient`, `oathtool` and `curl`, and the real code in the audit.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test may fail, and json! makes values"
)]

#[path = "statuses/account.rs"]
mod account;
#[path = "statuses/administration.rs"]
mod administration;
#[path = "back_ends/provoked.rs"]
mod back_ends;
#[path = "statuses/challenge.rs"]
mod challenge;
#[path = "statuses/encrypted.rs"]
mod encrypted;
#[path = "statuses/limit.rs"]
mod limit;
#[path = "statuses/node.rs"]
mod node;
#[path = "statuses/otp.rs"]
mod otp;
#[path = "statuses/password.rs"]
mod password;
#[path = "statuses/policy.rs"]
mod policy;
#[path = "statuses/record.rs"]
mod record;

use countersign_engine::Status;
use countersign_engine::status::Interface;
use countersign_testkit::proof::Row;
use countersign_testkit::{Proof, World};
use std::collections::{BTreeMap, BTreeSet};

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// Which test provokes which code over which interfaces: R RADIUS, A `/v1/auth`, M `/v1/admin`. Each test proves its own
/// rows and no others, or it fails.
const PROVOKED: &[Row] = &[
    (0, "RA", "right_used_and_wrong_one_time_passwords"),
    (1008, "RA", "right_used_and_wrong_one_time_passwords"),
    (1012, "RA", "right_used_and_wrong_one_time_passwords"),
    (0, "RA", "server_pins"),
    (1012, "RA", "server_pins"),
    (1020, "RA", "server_pins"),
    (1025, "RA", "authenticators_past_their_end"),
    (0, "A", "host_codes"),
    (1062, "A", "host_codes"),
    (0, "R", "resynchronisation_by_a_second_value"),
    (3001, "RA", "resynchronisation_by_a_second_value"),
    (0, "A", "resynchronisation_by_a_second_value"),
    (0, "R", "locked_accounts"),
    (1007, "RA", "locked_accounts"),
    (1012, "R", "locked_accounts"),
    (1009, "RA", "disabled_and_expired_accounts"),
    (1010, "RA", "unknown_accounts"),
    (1000, "RA", "generic_codes"),
    (1000, "RAM", "unreadable_credentials"),
    (1011, "RA", "static_passwords"),
    (1014, "RA", "static_passwords"),
    (1020, "RA", "static_passwords"),
    (1033, "RA", "static_passwords"),
    (0, "RA", "static_passwords"),
    (0, "AM", "new_passwords"),
    (1011, "A", "new_passwords"),
    (1019, "AM", "new_passwords"),
    (1024, "AM", "new_passwords"),
    (1037, "A", "new_passwords"),
    (0, "A", "encrypted_changes"),
    (1011, "A", "encrypted_changes"),
    (1019, "A", "encrypted_changes"),
    (1024, "A", "encrypted_changes"),
    (1037, "A", "encrypted_changes"),
    (1070, "A", "encrypted_changes"),
    (0, "A", "encrypted_pins"),
    (1012, "A", "encrypted_pins"),
    (1020, "A", "encrypted_pins"),
    (1026, "RA", "two_days_later"),
    (1009, "RA", "two_days_later"),
    (0, "RA", "challenges_in_two_steps"),
    (1012, "A", "challenges_in_two_steps"),
    (1013, "RA", "challenges_in_two_steps"),
    (3001, "RA", "challenges_in_two_steps"),
    (3002, "RA", "challenges_in_two_steps"),
    (1004, "RA", "challenges_that_grow_old"),
    (3001, "RA", "challenges_that_grow_old"),
    (3002, "R", "challenges_that_grow_old"),
    (0, "A", "challenges_in_one_step"),
    (1008, "A", "challenges_in_one_step"),
    (1013, "A", "challenges_in_one_step"),
    (1036, "A", "challenges_in_one_step"),
    (1034, "R", "clients_without_challenges"),
    (1035, "RA", "clients_without_challenges"),
    (1006, "A", "requests_for_somebody_else"),
    (5002, "RAM", "requests_for_somebody_else"),
    (-107, "RA", "requests_for_somebody_else"),
    (-108, "RA", "requests_for_somebody_else"),
    (1030, "RAM", "invalid_policies"),
    (1123, "RAM", "records_of_a_newer_version"),
    (0, "M", "sessions"),
    (1038, "M", "sessions"),
    (1039, "M", "sessions"),
    (0, "M", "no_free_session"),
    (-104, "M", "no_free_session"),
    (-2, "M", "commands"),
    (-13, "M", "commands"),
    (-14, "M", "commands"),
    (-101, "M", "commands"),
    (-102, "M", "commands"),
    (-108, "M", "commands"),
    (1090, "M", "commands"),
    (-2, "A", "bodies"),
    (-101, "A", "bodies"),
    (-102, "RA", "bodies"),
    (5003, "M", "imports_of_another_type"),
    (-14, "M", "imports_of_another_type"),
    (0, "RA", "a_full_password_pool"),
    (-104, "RA", "a_full_password_pool"),
    (-103, "RA", "a_slow_password_pool"),
    (3001, "RA", "outstanding_challenges"),
    (-104, "RA", "outstanding_challenges"),
    (-106, "RAM", "a_locked_store"),
    (0, "RAM", "a_locked_store"),
    (1126, "M", "an_import_while_the_server_stops"),
    (0, "M", "an_import_while_the_server_stops"),
    (-107, "RAM", "scenarios_switched_off"),
];

/// Codes that no test here provokes, and the work that brings them.
const LATER: &[(i16, &str)] = &[
    (-105, "loss of keys: administration"),
    (
        -12,
        "no operating-system call of this version ends a request by itself",
    ),
    (-11, "reserved: there is no licensing gate"),
    (-3, "memory limits of imports as tasks"),
    (-1, "reserved for what has no code of its own"),
    (1005, "privileges, roles and scopes of administrators"),
    (1015, "virtual one-time passwords"),
    (1017, "virtual one-time passwords"),
    (1018, "virtual one-time passwords"),
    (1050, "provisioning"),
    (1051, "provisioning"),
    (1052, "provisioning"),
    (1053, "provisioning"),
    (1054, "provisioning"),
    (1055, "provisioning"),
    (1060, "signatures"),
    (1061, "signatures"),
    (1100, "provisioning"),
    (1101, "provisioning"),
    (1102, "provisioning"),
    (1103, "provisioning"),
    (1104, "provisioning"),
    (1105, "provisioning"),
    (1107, "provisioning"),
    (1108, "push and secure channel"),
    (1120, "provisioning"),
    (1124, "the first change of a record format"),
    (1127, "push"),
    (1128, "maker-checker"),
    (1129, "maker-checker"),
    (1132, "successors of deleted users"),
];

/// Codes that name RADIUS among their interfaces but that no RADIUS request can bring about.
const NOT_OVER_RADIUS: &[(i16, &str)] = &[
    (
        -2,
        "a packet has no parameters that could contradict each other",
    ),
    (-13, "a packet names no object but the user, who is 1010"),
    (-14, "a packet makes no object"),
    (
        -101,
        "what a field of a packet cannot be is 1000 or malformed",
    ),
    (
        1121,
        "a logon goes on, and a packet has no place for warnings",
    ),
    (1126, "only push, which is later work, lets a packet wait"),
];

/// The rows of this program and of `back_ends`.
fn provoked() -> impl Iterator<Item = &'static Row> {
    PROVOKED.iter().chain(back_ends::PROVOKED)
}

/// The proof of a test by the table above.
fn proof(test: &'static str) -> Proof {
    Proof::of(test, PROVOKED)
}

fn world() -> World {
    World::new(PROGRAM)
}

#[test]
fn every_code_is_provoked_or_left_to_later_work() {
    let provoked: BTreeSet<i16> = provoked().map(|(code, ..)| *code).collect();
    let left: Vec<i16> = Status::all()
        .map(Status::number)
        .filter(|code| !provoked.contains(code))
        .collect();
    let later: Vec<i16> = LATER.iter().map(|(code, _)| *code).collect();
    assert_eq!(left, later, "codes without a test, and the list of them");
    assert!(
        LATER
            .iter()
            .chain(NOT_OVER_RADIUS)
            .all(|(_, reason)| !reason.is_empty())
    );
}

#[test]
fn every_code_is_provoked_over_radius_and_json_where_the_contract_names_both() {
    let mut letters: BTreeMap<i16, String> = BTreeMap::new();
    for (code, over, _) in provoked() {
        letters.entry(*code).or_default().push_str(over);
    }
    for (code, over) in letters {
        let interfaces = Status::from_number(code.into())
            .expect("a status")
            .interfaces();
        let excepted = NOT_OVER_RADIUS.iter().any(|(own, _)| *own == code);
        let radius = interfaces.contains(&Interface::Radius) && !excepted;
        let json = interfaces.contains(&Interface::Auth) || interfaces.contains(&Interface::Admin);
        assert!(
            !radius || over.contains('R'),
            "{code} is not provoked over RADIUS"
        );
        assert!(
            !json || over.contains(['A', 'M']),
            "{code} is not provoked over JSON"
        );
        assert!(
            !excepted || !over.contains('R'),
            "{code} is provoked over RADIUS"
        );
    }
}

#[test]
fn every_test_of_the_table_exists() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statuses");
    let files = std::fs::read_dir(folder).expect("read the folder of tests");
    let sources: String = files
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("read a test"))
        .collect();
    for (_, _, test) in PROVOKED {
        assert!(
            sources.contains(&format!(
                "#[test]\nfn {test}() {{\n    let proof = proof(\"{test}\");"
            )),
            "there is no test {test} that proves its rows"
        );
    }
}
