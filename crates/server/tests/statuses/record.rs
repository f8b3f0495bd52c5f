use super::{proof, world};
use countersign_testkit::oath::{KEY_HEX, hotp};
use serde_json::json;

#[test]
fn records_of_a_newer_version() {
    let proof = proof("records_of_a_newer_version");
    let mut world = world();
    world.policy("local_only", json!({}));
    world.hotp_user("vera");
    world.stop();
    let changed =
        world.change_rows("UPDATE \"user\" SET record_version = 999 WHERE user_id = 'vera'");
    assert_eq!(changed, 1);
    world.up();
    world.proves_pap(&proof, 1123, "vera", &hotp(KEY_HEX, 0));
    world.proves_app(
        &proof,
        1123,
        json!({"user": "vera", "otp": hotp(KEY_HEX, 0)}),
    );
    proof.admin(
        1123,
        &world.curl_admin("user/view", json!({"user": "vera"})),
    );
    let events = world.audit(json!({"code": "E-013004"}));
    assert!(events.len() >= 2, "{events:?}");
}
