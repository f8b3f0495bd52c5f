//! The table of audit codes: a letter, an area and a number within it. A released code never changes its meaning.

use std::fmt;
use std::str::FromStr;

use super::record::Category;

/// What kind of message a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Letter {
    /// Error of system, storage or configuration; never a failed logon.
    E,
    /// Failure: a request was refused.
    F,
    /// Information about an event.
    I,
    /// Success: a request was completed.
    S,
    /// Warning: something needs attention, work went on.
    W,
}

/// The code of a record, such as `S-101001`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    letter: Letter,
    number: u32,
}

macro_rules! codes {
    ($($letter:ident $number:literal $constant:ident $meaning:literal;)*) => {
        impl Code {
            $(
                #[doc = concat!(stringify!($letter), " ", stringify!($number), ": ", $meaning, ".")]
                pub const $constant: Code = Code { letter: Letter::$letter, number: $number };
            )*
        }

        static CODES: &[(Code, &str)] = &[$((Code::$constant, $meaning),)*];
    };
}

// Ascending by letter and number, so that a meaning is found by halving.
codes! {
    E 1 SYSTEM_ERROR "general error in the system";
    E 1_003 NOT_STARTED "server could not start for its configuration or store";
    E 2_004 RADIUS_NOT_STARTED "RADIUS listener could not start";
    E 13_003 RECORD_NOT_CONVERTED "stored record could not be converted";
    E 13_004 RECORD_VERSION_UNKNOWN "stored record has a version that cannot be read";
    E 103_001 PROFILE_UNREADABLE "provisioning profile unreadable or secret not opened";
    E 108_001 NO_GATEWAY "no delivery gateway usable";
    E 109_001 NO_BACK_END "no back-end reachable";
    E 110_001 POLICY_INVALID "invalid policy used";
    E 111_001 CLOCK_NOT_TRUSTED "clock not trusted, node not ready";
    E 112_001 SEALED_FIELD_UNOPENED "sealed field cannot be opened";
    E 115_001 SINK_FAILED "audit sink failed";
    E 115_002 CHAIN_BROKEN "verification of the chain failed";
    E 115_003 STORE_ROLLED_BACK "store is older than the node remembers";
    F 101_001 AUTH_REFUSED "authentication refused";
    F 101_002 AUTH_NOT_HANDLED "authentication not handled here";
    F 101_003 AUTH_REPLAYED "used one-time password refused";
    F 101_004 AUTH_CANCELLED "authentication cancelled";
    F 101_005 AUTH_ERROR "authentication ended in an error";
    F 102_001 SIGNATURE_REFUSED "signature refused";
    F 102_002 SIGNATURE_REPLAYED "used signature refused";
    F 103_001 REGISTRATION_REFUSED "registration refused";
    F 103_002 ACTIVATION_REFUSED "activation refused";
    F 103_003 BINDING_REFUSED "binding to a device refused";
    F 104_001 COMMAND_REFUSED "administrative command refused";
    F 105_001 ADMIN_LOGON_REFUSED "logon of an administrator refused";
    F 105_002 API_KEY_REFUSED "API key refused";
    F 108_001 MESSAGE_REFUSED "message refused by the gateway";
    F 109_001 BACK_END_REJECTED "back-end rejected";
    F 112_001 IMPORT_ROW_REFUSED "row of an import refused";
    F 113_001 SELF_APPROVAL_REFUSED "approval of an own operation refused";
    F 114_001 TASK_FAILED "task or report failed";
    I 1_003 WRONG_EXECUTOR "operation executed by another than its maker";
    I 30_010 OPERATION_PARKED "operation waits for approval";
    I 101_001 CHALLENGE_ISSUED "challenge issued";
    I 101_002 VIRTUAL_OTP_REQUESTED "one-time password requested as a message";
    I 101_003 PIN_CHANGED "PIN set or changed by the user";
    I 101_004 RETRANSMISSION_ANSWERED "retransmission answered from memory";
    I 101_005 PUSH_SENT "push or scan request sent";
    I 101_006 SECOND_OTP_WANTED "following one-time password wanted";
    I 101_007 RESYNCHRONISED "application resynchronised";
    I 101_008 BACK_END_CHALLENGE_PASSED "question of the back-end passed on";
    I 101_009 ACCOUNTING_RECEIVED "RADIUS accounting request received";
    I 102_001 SIGNATURE_REQUESTED "signature request made or fetched";
    I 102_002 VIRTUAL_SIGNATURE_SENT "signature sent as a message";
    I 103_001 ACTIVATION_DATA_ISSUED "activation data issued";
    I 103_002 ACTIVATION_DELAYED "activation delayed";
    I 105_001 ADMIN_LOGGED_OFF "administrator logged off";
    I 105_002 SESSION_ENDED "administrative session ended";
    I 106_001 LOCKED_BY_ADMIN "account locked by an administrator";
    I 106_002 UNLOCKED_BY_ADMIN "account unlocked by an administrator";
    I 106_003 UNLOCKED_AUTOMATICALLY "account unlocked automatically";
    I 107_001 GRACE_ENDED "grace ended by the first one-time password";
    I 107_002 USER_REGISTERED "account created by dynamic registration";
    I 109_001 PASSWORD_LEARNED "back-end password learned";
    I 109_002 PASSWORD_RANDOMISED "back-end password randomised";
    I 109_003 BACK_END_USABLE_AGAIN "back-end server usable again";
    I 110_001 POLICY_CHANGED "policy created, changed or deleted";
    I 111_001 SETTING_CHANGED "setting changed";
    I 111_002 COMPONENT_CHANGED "component or back-end changed";
    I 112_001 KEY_CHANGED "key created or retired";
    I 112_002 ROTATION "key rotation started, finished or aborted";
    I 113_001 OPERATION_APPROVED "operation approved";
    I 113_002 OPERATION_DROPPED "operation rejected, deleted or expired";
    I 113_003 OPERATION_EXECUTED "approved operation executed";
    I 114_001 TASK_CHANGED "task scheduled, cancelled or taken over";
    I 115_001 CHAIN_STARTED "audit chain started or closed";
    I 115_002 CHECKPOINT_SIGNED "checkpoint of the audit chain signed";
    I 115_003 AUDIT_TAKEN_OUT "audit erased or exported";
    I 115_004 TOMBSTONE "erased audit records";
    S 101_001 AUTH_ACCEPTED "authentication accepted";
    S 101_002 RECONNECT_ACCEPTED "fast reconnect accepted";
    S 102_001 SIGNATURE_ACCEPTED "signature accepted";
    S 103_001 REGISTRATION_CREATED "registration created";
    S 103_002 ACTIVATION_COMPLETED "activation completed";
    S 103_003 DEVICE_BOUND "device bound or unbound";
    S 103_004 INSTANCE_ADDED "instance added";
    S 104_001 COMMAND_DONE "administrative command done";
    S 105_001 ADMIN_LOGGED_ON "administrator logged on";
    S 106_001 SELF_UNLOCKED "account unlocked by its user";
    S 107_001 ASSIGNED_BY_ADMIN "authenticator assigned by an administrator";
    S 107_002 ASSIGNED_AUTOMATICALLY "authenticator assigned automatically";
    S 107_003 SELF_ASSIGNED "authenticator assigned by its user";
    S 107_004 UNASSIGNED "authenticator unassigned";
    S 108_001 MESSAGE_DELIVERED "message delivered to the gateway";
    S 109_001 BACK_END_ACCEPTED "back-end accepted";
    S 109_002 BACK_END_PASSWORD_CHANGED "back-end password changed";
    S 112_001 IMPORT_FINISHED "import finished";
    S 114_001 TASK_FINISHED "task or report finished";
    W 9_002 NOTICE_WITHOUT_ADDRESS "notice of a delayed activation has no destination";
    W 16_004 USER_NOT_SYNCHRONISED "user information not synchronised";
    W 101_001 ACCEPTED_WITH_WARNING "value accepted with a warning";
    W 101_002 PACKET_DROPPED "packet dropped for its component or authenticity";
    W 101_003 PUSH_WITHHELD "push withheld or number chosen wrongly";
    W 102_001 SIGNATURE_REPEATED "repeated signature accepted";
    W 103_001 REGISTRATION_DESTROYED "registration destroyed after failed proofs";
    W 105_001 SESSION_ELSEWHERE "session used from another location";
    W 105_002 LOGON_THROTTLED "logon throttled by source";
    W 106_001 LOCKED_BY_FAILURES "account locked by failures";
    W 106_002 UNLOCK_ATTEMPTS_USED_UP "unlock attempts used up";
    W 106_003 APPLICATION_LOCKED "application locked by its threshold";
    W 106_004 MANY_FAILURES "many failures over many users";
    W 107_001 NOTHING_TO_ASSIGN "nothing free for automatic assignment";
    W 108_001 BACKUP_GATEWAY_USED "backup gateway used";
    W 108_002 MESSAGE_WITHHELD "message withheld by a limit";
    W 109_001 BACK_END_UNUSABLE "back-end server marked unusable";
    W 111_001 UNAUTHENTICATED_COMPONENT "component need not send Message-Authenticator";
    W 111_002 CLOCK_DIFFERS "clock differs";
    W 115_001 SINK_SLOW "audit sink slow or fallback in use";
}

impl Letter {
    /// All letters, in the order of the documents.
    pub const ALL: [Self; 5] = [Self::E, Self::W, Self::I, Self::S, Self::F];

    /// The letter as a character.
    pub const fn as_char(self) -> char {
        match self {
            Self::E => 'E',
            Self::F => 'F',
            Self::I => 'I',
            Self::S => 'S',
            Self::W => 'W',
        }
    }

    /// The letter as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::E => "E",
            Self::F => "F",
            Self::I => "I",
            Self::S => "S",
            Self::W => "W",
        }
    }

    /// The kind with this letter.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|letter| letter.as_str() == text)
    }
}

impl Code {
    /// The kind of message.
    pub const fn letter(self) -> Letter {
        self.letter
    }

    /// The area, 0 to 999.
    pub const fn area(self) -> u32 {
        self.number / 1000
    }

    /// What it says; `None` for a code this version does not know.
    pub fn meaning(self) -> Option<&'static str> {
        let place = CODES.binary_search_by_key(&self, |(code, _)| *code).ok()?;
        CODES.get(place).map(|(_, meaning)| *meaning)
    }

    /// The category its area usually belongs to.
    pub const fn category(self) -> Category {
        match self.area() {
            101 | 106..=109 => Category::Authentication,
            102 => Category::Signature,
            9 | 103 => Category::Provisioning,
            30 | 104 | 105 | 110..=113 => Category::Administration,
            _ => Category::System,
        }
    }

    /// All codes this version knows.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        CODES.iter().map(|(code, _)| *code)
    }

    /// The eight characters of the code.
    pub fn bytes(self) -> [u8; 8] {
        let digit = |power: u32| b'0' + u8::try_from(self.number / power % 10).unwrap_or_default();
        let letter = self
            .letter
            .as_str()
            .as_bytes()
            .first()
            .copied()
            .unwrap_or_default();
        [
            letter,
            b'-',
            digit(100_000),
            digit(10_000),
            digit(1000),
            digit(100),
            digit(10),
            digit(1),
        ]
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:06}", self.letter.as_str(), self.number)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no audit code or no pattern of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an audit code is one of the letters E, W, I, S, F, a hyphen and six digits")]
pub struct NotACode;

/// Reads any well-formed code, also one of a newer version.
impl FromStr for Code {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let (letter, digits) = text.split_once('-').ok_or(NotACode)?;
        let letter = Letter::parse(letter).ok_or(NotACode)?;
        if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NotACode);
        }
        let number = digits.parse().map_err(|_| NotACode)?;
        Ok(Self { letter, number })
    }
}

/// A code with wildcards: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Whether a code fits.
    pub fn matches(&self, code: Code) -> bool {
        fits(self.0.as_bytes(), &code.bytes())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pattern {
    type Err = NotACode;

    fn from_str(text: &str) -> Result<Self, NotACode> {
        let known = |byte: u8| byte.is_ascii_digit() || b"EWISF-*?".contains(&byte);
        let shape = !text.is_empty() && text.len() <= 16 && text.bytes().all(known);
        if shape {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotACode)
        }
    }
}

/// The usual walk with one place to come back to: linear for each star.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(read) {
        match (pattern.get(at), back) {
            (Some(b'*'), _) => {
                back = Some((at, read));
                at += 1;
            }
            (Some(wanted), _) if *wanted == b'?' || wanted == byte => {
                at += 1;
                read += 1;
            }
            (_, Some((star, from))) => {
                at = star + 1;
                read = from + 1;
                back = Some((star, read));
            }
            _ => return false,
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn table_is_the_specification() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/spec/audit.md");
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: the specification is not beside this source tree");
            return;
        };
        let tables = text
            .split("### 1.1")
            .nth(1)
            .unwrap()
            .split("## 2. Fields")
            .next()
            .unwrap();
        let listed: BTreeSet<Code> = tables
            .split('|')
            .filter_map(|cell| cell.trim().parse().ok())
            .collect();
        let own: BTreeSet<Code> = Code::all().collect();
        assert!(listed.len() > 100);
        assert_eq!(listed.difference(&own).count(), 0);
        for added in own.difference(&listed) {
            let before = Code {
                number: added.number - 1,
                ..*added
            };
            assert!(own.contains(&before), "{added} is not the next free number");
        }
    }

    #[test]
    fn rows_are_sorted_and_said_once() {
        let codes: Vec<Code> = Code::all().collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]));
        let meanings: BTreeSet<_> = Code::all().map(|code| code.meaning().unwrap()).collect();
        assert_eq!(meanings.len(), codes.len());
    }

    #[test]
    fn text_leads_back() {
        for code in Code::all() {
            assert_eq!(code.to_string().parse(), Ok(code));
            assert_eq!(code.to_string().as_bytes(), code.bytes());
        }
        assert_eq!(Code::AUTH_ACCEPTED.to_string(), "S-101001");
        assert_eq!(Code::SYSTEM_ERROR.to_string(), "E-000001");
        let newer: Code = "I-199001".parse().unwrap();
        assert_eq!(newer.meaning(), None);
        for text in [
            "",
            "S101001",
            "S-10100",
            "S-1010011",
            "X-101001",
            "S-+01001",
            "s-101001",
        ] {
            assert_eq!(text.parse::<Code>(), Err(NotACode), "{text}");
        }
    }

    #[test]
    fn wildcards_match() {
        let matches = |pattern: &str, code| pattern.parse::<Pattern>().unwrap().matches(code);
        assert!(matches("F-101*", Code::AUTH_REPLAYED));
        assert!(!matches("F-101*", Code::AUTH_ACCEPTED));
        assert!(!matches("F-101*", Code::SIGNATURE_REFUSED));
        assert!(matches("*", Code::SYSTEM_ERROR));
        assert!(matches("*-10100?", Code::AUTH_ACCEPTED));
        assert!(matches("?-*1*001", Code::AUTH_ACCEPTED));
        assert!(matches("S-101001", Code::AUTH_ACCEPTED));
        assert!(!matches("S-10100", Code::AUTH_ACCEPTED));
        assert!(!matches("S-101001?", Code::AUTH_ACCEPTED));
        assert!("".parse::<Pattern>().is_err());
        assert!("F-101%".parse::<Pattern>().is_err());
        assert!("*".repeat(17).parse::<Pattern>().is_err());
    }
}
