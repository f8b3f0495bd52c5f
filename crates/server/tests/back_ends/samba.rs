use super::mapping::{Row, says_locked, stored, typed};
use super::{proof, records, world};
use countersign_testkit::SambaAd;
use countersign_testkit::samba::PASSWORD;
use serde_json::json;

/// Every state but locked, which comes by trying.
pub(super) const ROWS: [Row<'_>; 9] = [
    ("normal", PASSWORD, 0, 0),
    ("wrong", "Wrong-Passw0rd", 1023, 1022),
    ("nobody", PASSWORD, 1023, 1022),
    ("hours", PASSWORD, 1023, 1022),
    ("wks", PASSWORD, 1023, 1022),
    ("expired", PASSWORD, 1021, 1021),
    ("mustchange", PASSWORD, 1021, 1021),
    ("disabled", PASSWORD, 1009, 1009),
    ("acctexpired", PASSWORD, 1009, 1009),
];

#[test]
fn states_of_a_domain_account() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let proof = proof("states_of_a_domain_account");
    let mut world = world();
    records::add(
        &mut world,
        records::active_directory(&controller),
        json!({}),
    );
    typed(&mut world, &proof, "active_directory", &ROWS);
    controller.lock("locked");
    world.proves_pap(&proof, 1023, "locked", PASSWORD);
    says_locked(&mut world, "locked");
    world.proves_app(&proof, 1023, json!({"user": "normal", "password": ""}));
    world.done(
        "backend/update",
        json!({"name": "dc1", "tls": "starttls", "port": 389}),
    );
    stored(&mut world, &proof, "active_directory", &ROWS);
    let locked = [("locked", PASSWORD, 1023, 1022)];
    stored(&mut world, &proof, "active_directory", &locked);
    says_locked(&mut world, "locked");
}
