use crate::time::Timestamp;

/// A wrapped data key as stored (administration.md 17); what it means is the key ring's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Id of the key.
    pub id: String,
    /// storage, sensitive, transport, audit or token.
    pub class: String,
    /// Algorithm, such as `aes-256-gcm`.
    pub algorithm: String,
    /// active, decrypt_only or retired.
    pub state: String,
    /// When it was made.
    pub created: Timestamp,
    /// The key, wrapped under the root key.
    pub wrapped: Vec<u8>,
    /// Id of the root key that wraps it.
    pub root: String,
}

/// The newest rotation of data keys: one at a time, carried on by one node until it is through or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Rises with every change; 0 where none was stored yet. Guards against concurrent changes.
    pub version: i64,
    /// Class of the keys.
    pub class: String,
    /// The key that was active before.
    pub from: Option<String>,
    /// The key that everything is to stand under.
    pub to: String,
    /// How it stands.
    pub state: RotationState,
    /// The node that works on it.
    pub node: String,
    /// When it began.
    pub started: Timestamp,
    /// When that node last said how far it is.
    pub seen: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Sealed fields that stood under other keys at the beginning; `None` until they are counted.
    pub total: Option<i64>,
    /// Fields sealed anew.
    pub done: i64,
    /// Fields that do not open any more and stay as they are.
    pub shut: i64,
    /// Sealed field of the schema it is at.
    pub at_field: i64,
    /// The last row looked at.
    pub at_row: i64,
}

/// How a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationState {
    /// Fields are being sealed anew.
    Running,
    /// Nothing that opens stands under an older key.
    Done,
    /// Ended by an administrator; what was not reached stays under its key.
    Aborted,
}

impl RotationState {
    const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Aborted];

    /// The name in the store and in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Aborted => "aborted",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}
