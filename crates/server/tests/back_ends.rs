//! Back-ends as their users meet them: the real program, real directories and RADIUS servers behind it, real clients in
//! front of it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    reason = "a test may fail, and json! makes values"
)]

#[path = "back_ends/assignment.rs"]
mod assignment;
#[path = "back_ends/clients.rs"]
mod clients;
#[path = "back_ends/encrypted.rs"]
mod encrypted;
#[path = "back_ends/faults.rs"]
mod faults;
#[path = "back_ends/groups.rs"]
mod groups;
#[path = "back_ends/injection.rs"]
mod injection;
#[path = "back_ends/mapping.rs"]
mod mapping;
#[path = "back_ends/names.rs"]
mod names;
#[path = "back_ends/passwords.rs"]
mod passwords;
#[path = "back_ends/provoked.rs"]
mod provoked;
#[path = "back_ends/radius.rs"]
mod radius;
#[path = "back_ends/recipes.rs"]
mod recipes;
#[path = "back_ends/records.rs"]
mod records;
#[path = "back_ends/registration.rs"]
mod registration;
#[path = "back_ends/samba.rs"]
mod samba;
#[path = "back_ends/shapes.rs"]
mod shapes;
#[path = "back_ends/slapd.rs"]
mod slapd;
#[path = "back_ends/webhook.rs"]
mod webhook;
#[path = "back_ends/winbind.rs"]
mod winbind;

use countersign_testkit::{Proof, World};

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

/// The proof of a test by the table of this folder.
fn proof(test: &'static str) -> Proof {
    Proof::of(test, provoked::PROVOKED)
}

fn world() -> World {
    World::new(PROGRAM)
}

#[test]
fn every_test_of_the_table_exists() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/back_ends");
    let files = std::fs::read_dir(folder).expect("read the folder of tests");
    let sources: String = files
        .map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("read a test"))
        .collect();
    for (_, _, test) in provoked::PROVOKED {
        assert!(
            sources.contains(&format!("#[test]\nfn {test}() {{\n"))
                && sources.contains(&format!("proof(\"{test}\")")),
            "there is no test {test} that proves its rows"
        );
    }
}
