#![no_main]
//! The reader of encrypted messages: what the form says, and what the keys of a server make of it.

use countersign_keyring::jwe::{Compact, JweError, MOST};
use countersign_keyring::{Keyring, RootKey};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let root = Arc::new(RootKey::generate().expect("a root key"));
    Keyring::first(root, 1).expect("a key ring").keyring
});

fuzz_target!(|text: &str| {
    let opened = RING.open_jwe(text);
    match Compact::parse(text) {
        Ok(message) => {
            assert!(text.len() <= MOST);
            // The pair that it names is tried: nobody can have encrypted to it.
            let kids = RING.public_jwks();
            if kids.iter().all(|jwk| jwk.kid != message.kid()) {
                assert_eq!(opened.unwrap_err(), JweError::UnknownKey);
            } else {
                assert!(opened.is_err());
            }
        }
        Err(error) => assert_eq!(opened.unwrap_err(), error),
    }
});
