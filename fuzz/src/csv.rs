#![no_main]
//! The reader of authenticator lists: every row is read or refused by its line.

use countersign_oath::csv::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(rows) = read(bytes) else { return };
    for row in rows {
        match row {
            Ok(row) => assert!(
                row.line > 1
                    && !row.serial.is_empty()
                    && (4..=10).contains(&row.digits)
                    && (1..=3600).contains(&row.period)
            ),
            Err(error) => drop(error.to_string()),
        }
    }
});
