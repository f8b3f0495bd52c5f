//! What answers of back-ends become, row by row of the table of the specification (authentication.md 10).

use super::records;
use countersign_testkit::oath::{KEY_HEX, hotp};
use countersign_testkit::{Proof, World};
use serde_json::json;

/// A row: user, password sent, the status of a password that was typed, and of one that was stored.
pub(super) type Row<'a> = (&'a str, &'a str, i16, i16);

/// Every row with the password typed: the back-end alone decides.
pub(super) fn typed(world: &mut World, proof: &Proof, protocol: &str, rows: &[Row<'_>]) {
    records::alone(world, protocol, json!({}));
    for (user, password, status, _) in rows {
        world.proves_pap(proof, *status, user, password);
        world.proves_app(proof, *status, json!({"user": user, "password": password}));
    }
}

/// Every row with the password stored and an OTP typed.
pub(super) fn stored(world: &mut World, proof: &Proof, protocol: &str, rows: &[Row<'_>]) {
    records::replaying(world, protocol, json!({}));
    for (user, password, _, status) in rows {
        world.user(user, Some(password)); // the policy asks for a copy of it by now
        world.hotp(user);
        world.proves_pap(proof, *status, user, &hotp(KEY_HEX, 0));
        world.proves_app(proof, 1008, json!({"user": user, "otp": hotp(KEY_HEX, 0)})); // consumed
        world.proves_app(
            proof,
            *status,
            json!({"user": user, "otp": hotp(KEY_HEX, 1)}),
        );
    }
}

/// The last record of a user says that the account is locked there.
pub(super) fn says_locked(world: &mut World, user: &str) {
    let record = world.last_record(user).to_string();
    assert!(record.contains("locked in the directory"), "{record}");
}
