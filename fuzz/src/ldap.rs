#![no_main]
#![allow(dead_code, unused_imports)] // the connector uses more of it
//! What a directory sends, and the filters of records. `wire` is the connector's own source: the rest of it needs a
//! network and a store.

mod wire;

use libfuzzer_sys::fuzz_target;
use wire::{Control, Filter, Message, Operation, PasswordPolicy, Request, Scope, Search};

fuzz_target!(|bytes: &[u8]| {
    answers(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        filter(text);
    }
});

/// One message after the other, as a connection reads them.
fn answers(mut bytes: &[u8]) {
    while let Ok(Some(length)) = wire::message_len(bytes) {
        assert!(length > 0, "a message without length");
        let Some((message, rest)) = bytes.split_at_checked(length) else {
            return;
        };
        bytes = rest;
        let Ok(message) = Message::read(message) else {
            continue;
        };
        let _ = PasswordPolicy::of(&message.controls);
        let _ = Control::next_page(&message.controls);
        if let Operation::Entry(entry) = message.operation {
            let _ = (entry.text("cn"), entry.values("member").len());
        }
    }
}

/// A filter that is taken leaves as one message.
fn filter(text: &str) {
    let Ok(filter) = Filter::parse(text) else {
        return;
    };
    let search = Search {
        base: String::new(),
        scope: Scope::Base,
        filter,
        attributes: Vec::new(),
        most: 1,
    };
    let sent = Request::Search(&search).write(1, &[Control::password_policy()]);
    assert_eq!(wire::message_len(&sent), Ok(Some(sent.len())));
}
