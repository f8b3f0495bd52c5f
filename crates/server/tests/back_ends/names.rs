use super::{proof, records, world};
use countersign_testkit::SambaAd;
use countersign_testkit::samba::{DOMAIN, NETBIOS, PASSWORD};
use serde_json::json;

#[test]
fn names_as_a_domain_knows_them() {
    let Some(controller) = SambaAd::start() else {
        return;
    };
    let proof = proof("names_as_a_domain_knows_them");
    let mut world = world();
    records::add(
        &mut world,
        records::active_directory(&controller),
        json!({}),
    );
    world.done("domain/create", json!({"name": DOMAIN}));
    world.setting("name_resolution", json!("active_directory"));
    records::alone(&mut world, "active_directory", json!({}));
    for name in [
        format!("normal@{DOMAIN}"),
        format!("{NETBIOS}\\normal"),
        "upn.name@alt.example.test".to_owned(),
    ] {
        let answer = world.app(json!({"user": name, "password": PASSWORD}));
        assert_eq!(answer.status(), 0, "{name}: {}", answer.text);
        let domain = answer.text("domain");
        assert!(
            domain.eq_ignore_ascii_case(DOMAIN),
            "{name}: {}",
            answer.text
        );
    }
    let answer = world.app(json!({"user": "upn.name@alt.example.test", "password": PASSWORD}));
    assert_eq!(answer.text("user"), "sam-name", "{}", answer.text);
    let unknown = world.app(json!({"user": format!("nobody@{DOMAIN}"), "password": PASSWORD}));
    proof.auth(1010, &unknown);
    let unknown = world.pap("nobody@elsewhere.example.test", PASSWORD);
    proof.radius(1010, &unknown);
    controller.freeze();
    let silent = world.app(json!({"user": format!("normal@{DOMAIN}"), "password": PASSWORD}));
    controller.thaw();
    proof.auth(-10, &silent);
    assert!(silent.seconds < 20.0, "{}", silent.seconds);
}
