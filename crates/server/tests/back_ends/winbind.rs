use super::mapping::{says_locked, stored, typed};
use super::samba::ROWS;
use super::{PROGRAM, proof};
use countersign_testkit::samba::{NETBIOS, PASSWORD};
use countersign_testkit::{Options, SambaAd, World};
use serde_json::json;

#[test]
fn states_through_winbind() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let proof = proof("states_through_winbind");
    let options = Options {
        before: controller.before(),
        ..Options::default()
    };
    let mut world = World::with(PROGRAM, options);
    world.done(
        "backend/create",
        json!({"name": "winbind", "protocol": "windows", "netbios_domain": NETBIOS, "timeout_s": 5, "retries": 0}),
    );
    typed(&mut world, &proof, "windows", &ROWS);
    controller.lock("locked");
    world.proves_pap(&proof, 1023, "locked", PASSWORD);
    says_locked(&mut world, "locked");
    world.proves_app(&proof, 1023, json!({"user": "normal", "password": ""}));
    stored(&mut world, &proof, "windows", &ROWS);
}
