//! What a test has proven about status codes, held against what a table says it proves.

use crate::{Answer, Packet};
use countersign_engine::Status;
use countersign_engine::status::Packet as Carried;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// One row of the table: code, letters of the interfaces (R, A, M), test.
pub type Row = (i16, &'static str, &'static str);

/// The codes that a test has seen.
#[derive(Debug)]
pub struct Proof {
    test: &'static str,
    table: &'static [Row],
    seen: Mutex<BTreeSet<(i16, char)>>,
}

impl Proof {
    /// The proof of the test with this name, by a table.
    pub fn of(test: &'static str, table: &'static [Row]) -> Self {
        Self {
            test,
            table,
            seen: Mutex::default(),
        }
    }

    /// The envelope of `/v1/auth` carries a code, as the contract says.
    ///
    /// # Panics
    /// It does not.
    pub fn auth(&self, code: i16, answer: &Answer) {
        envelope(code, answer);
        self.note(code, 'A');
    }

    /// The envelope of `/v1/admin` carries a code, as the contract says.
    ///
    /// # Panics
    /// It does not.
    pub fn admin(&self, code: i16, answer: &Answer) {
        envelope(code, answer);
        self.note(code, 'M');
    }

    /// A row of an import carries a code.
    ///
    /// # Panics
    /// It does not.
    pub fn row(&self, code: i16, row: &serde_json::Value) {
        assert_eq!(row["status_code"], code, "{row}");
        self.note(code, 'M');
    }

    /// A RADIUS answer of a component with `status_in_reply` carries a code.
    ///
    /// # Panics
    /// It does not.
    pub fn radius(&self, code: i16, packet: &Packet) {
        let text = &packet.text;
        match status(code).packet() {
            Carried::Accept => assert!(packet.is_accept(), "{code}: {text}"),
            Carried::Challenge => assert!(packet.is_challenge(), "{code}: {text}"),
            Carried::Silence => assert!(packet.is_silent(), "{code}: {text}"),
            Carried::Reject | Carried::RejectUnlessSilent | Carried::RejectOnceIdentified => {
                assert!(packet.is_reject(), "{code}: {text}")
            }
        }
        if packet.is_reject() || packet.is_challenge() {
            assert_eq!(packet.status(), Some(i32::from(code)), "{text}");
        }
        self.note(code, 'R');
    }

    /// No answer came, as a code demands.
    ///
    /// # Panics
    /// There was one.
    pub fn silent(&self, code: i16, packet: &Packet) {
        assert!(packet.is_silent(), "{code}: {}", packet.text);
        assert!(code < 0, "a decision is answered");
        self.note(code, 'R');
    }

    fn note(&self, code: i16, interface: char) {
        self.seen
            .lock()
            .expect("a whole lock")
            .insert((code, interface));
    }
}

impl Drop for Proof {
    /// The test has proven exactly what the table says.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let own = self.table.iter().filter(|(_, _, test)| *test == self.test);
        let declared: BTreeSet<(i16, char)> = own
            .flat_map(|(code, letters, _)| letters.chars().map(|letter| (*code, letter)))
            .collect();
        let seen = self.seen.lock().expect("a whole lock");
        let missing: Vec<_> = declared.difference(&seen).collect();
        let undeclared: Vec<_> = seen.difference(&declared).collect();
        assert!(
            missing.is_empty() && undeclared.is_empty(),
            "{}: declared but not provoked {missing:?}, provoked but not declared {undeclared:?}",
            self.test
        );
    }
}

fn envelope(code: i16, answer: &Answer) {
    let status = status(code);
    assert_eq!(answer.http, 200, "{}", answer.text);
    assert_eq!(answer.status(), i64::from(code), "{}", answer.text);
    assert_eq!(answer.body["status"], status.name(), "{}", answer.text);
    assert_eq!(
        answer.body["return_code"],
        status.return_code().name(),
        "{}",
        answer.text
    );
    for name in ["message", "request_id"] {
        assert!(
            answer.body[name]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}: {}",
            answer.text
        );
    }
    for (name, is_list) in [("result", false), ("warnings", true), ("errors", true)] {
        assert_eq!(
            answer.body[name].is_array(),
            is_list,
            "{name}: {}",
            answer.text
        );
    }
}

fn status(code: i16) -> Status {
    Status::from_number(code.into()).unwrap_or_else(|| panic!("{code} is no status"))
}
