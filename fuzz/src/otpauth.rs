#![no_main]
//! The reader of otpauth URIs; what is read is written and read again as the same.

use countersign_oath::otpauth::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(account) = parse(text) {
        let again = parse(&account.to_uri());
        assert_eq!(
            again.as_ref(),
            Ok(&account),
            "what was written reads differently"
        );
    }
});
