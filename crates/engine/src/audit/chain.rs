//! The chain that holds the records of one start of one node together (spec/audit.md 5): each record carries the hash of
//! the one before, and from time to time the newest hash is signed.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::record::{Entry, Place, Record, read_hex};
use super::{Code, canonical};
use crate::time::Timestamp;

/// Records of an epoch after which a new one begins.
pub const EPOCH_RECORDS: u64 = 1_000_000;
/// Records after which a checkpoint is due.
pub const CHECKPOINT_RECORDS: u64 = 1000;
/// Seconds after which new records are due for a checkpoint.
pub const CHECKPOINT_SECONDS: i64 = 60;

const RECORD_DOMAIN: &[u8] = b"countersign audit 1\0";
const CHECKPOINT_DOMAIN: &[u8] = b"countersign checkpoint 1\0";
const KEY_DOMAIN: &[u8] = b"countersign audit key 1\0";

/// The hash of a record: SHA-256 over the domain, the hash before and the canonical JSON without `hash`.
pub fn hash(prev: &[u8; 32], json: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(RECORD_DOMAIN)
        .chain_update(prev)
        .chain_update(json)
        .finalize()
        .into()
}

/// The id of an audit key: the first eight bytes of the SHA-256 of its public half, in hexadecimal digits.
pub fn key_id(public: &[u8; 32]) -> String {
    let digest: [u8; 32] = Sha256::digest(public).into();
    hex(digest.get(..8).unwrap_or_default())
}

/// The end of a chain while it grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    node: String,
    epoch: [u8; 16],
    next: u64,
    last: [u8; 32],
}

/// A point of a chain: a record and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// The chain.
    pub epoch: [u8; 16],
    /// The record.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Chain {
    /// A new epoch; `prev` is the last hash of the node's epoch before, or zeros. The next record must be its start.
    pub fn new(node: &str, epoch: [u8; 16], prev: [u8; 32]) -> Self {
        Self {
            node: node.to_owned(),
            epoch,
            next: 0,
            last: prev,
        }
    }

    /// The chain that ends with `head`.
    pub fn after(node: &str, head: Head) -> Self {
        Self {
            node: node.to_owned(),
            epoch: head.epoch,
            next: head.seq.saturating_add(1),
            last: head.hash,
        }
    }

    /// Appends a record to the chain and its bytes to `out`; returns its hash.
    pub fn append(&mut self, record: &Record, out: &mut Vec<u8>) -> [u8; 32] {
        let from = out.len();
        let place = Place {
            epoch: self.epoch,
            seq: self.next,
            prev: self.last,
            node: &self.node,
        };
        record.write(&place, out);
        self.last = hash(&self.last, out.get(from..).unwrap_or_default());
        self.next += 1;
        self.last
    }

    /// The newest record, or nothing before the start record.
    pub fn head(&self) -> Option<Head> {
        let seq = self.next.checked_sub(1)?;
        Some(Head {
            epoch: self.epoch,
            seq,
            hash: self.last,
        })
    }

    /// The epoch.
    pub fn epoch(&self) -> [u8; 16] {
        self.epoch
    }

    /// The position of the next record.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// Whether the epoch is as long as one may be.
    pub fn is_full(&self) -> bool {
        self.next >= EPOCH_RECORDS
    }
}

/// An audit key as a start record names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNotice {
    /// The public half (Ed25519).
    pub public: [u8; 32],
    /// The key before and its signature over [`KeyNotice::to_sign`].
    pub signed_by: Option<([u8; 32], [u8; 64])>,
}

/// The start record of an epoch, I-115001.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The node.
    pub node: String,
    /// Version of the program.
    pub version: String,
    /// The key that signs this epoch's checkpoints.
    pub key: KeyNotice,
    /// The end of the node's epoch before.
    pub previous: Option<Head>,
    /// The end that the node remembered when the store was put back and accepted so.
    pub abandoned: Option<Head>,
}

/// A checkpoint, I-115002: what it says of its chain and of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The node.
    pub node: String,
    /// The record before the checkpoint itself.
    pub head: Head,
    /// When it was made.
    pub time: Timestamp,
    /// Id of the key that signs it.
    pub key_id: String,
    /// The `head` of the node's checkpoint before.
    pub previous: Option<Head>,
    /// The `head` of the newest checkpoint seen of every other node.
    pub seen: BTreeMap<String, Head>,
}

/// A tombstone, I-115004: a prefix of a chain that was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The node whose records are gone.
    pub node: String,
    /// Their epoch.
    pub epoch: [u8; 16],
    /// The first erased record.
    pub first: u64,
    /// The last erased record.
    pub last: u64,
    /// Its hash, from which the rest goes on.
    pub hash: [u8; 32],
    /// How many were erased.
    pub number: u64,
    /// Who had them erased.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Head {
    fn to_json(self) -> Json {
        json!({ "epoch": hex(&self.epoch), "seq": self.seq, "hash": hex(&self.hash) })
    }

    fn read(json: &Json) -> Option<Self> {
        Some(Self {
            epoch: hex_field(json, "epoch")?,
            seq: json.get("seq")?.as_u64()?,
            hash: hex_field(json, "hash")?,
        })
    }

    /// Reads `{epoch, seq, hash}`, as anchors and node state files hold it.
    pub fn from_json(json: &Json) -> Option<Self> {
        Self::read(json)
    }
}

impl KeyNotice {
    /// What the key before signs to hand over to this one.
    pub fn to_sign(node: &str, public: &[u8; 32]) -> Vec<u8> {
        signed(KEY_DOMAIN, &json!({ "node": node, "public": hex(public) }))
    }

    fn to_json(&self) -> Json {
        let mut key = json!({ "id": key_id(&self.public), "public": hex(&self.public) });
        if let (Some(fields), Some((by, signature))) = (key.as_object_mut(), &self.signed_by) {
            fields.insert("signed_by".to_owned(), hex(by).into());
            fields.insert("signature".to_owned(), hex(signature).into());
        }
        key
    }

    fn read(json: &Json) -> Option<Self> {
        let signed_by = match json.get("signed_by") {
            Some(_) => Some((hex_field(json, "signed_by")?, hex_field(json, "signature")?)),
            None => None,
        };
        Some(Self {
            public: hex_field(json, "public")?,
            signed_by,
        })
    }
}

impl Start {
    /// The record.
    pub fn record(&self, amid: [u8; 16], time: Timestamp) -> Record {
        let mut start = Map::new();
        start.insert("node".to_owned(), self.node.as_str().into());
        start.insert("version".to_owned(), self.version.as_str().into());
        start.insert("key".to_owned(), self.key.to_json());
        insert_head(&mut start, "previous", self.previous);
        insert_head(&mut start, "abandoned", self.abandoned);
        about_chain(Code::CHAIN_STARTED, amid, time, json!({ "start": start }))
    }

    /// Reads the record.
    pub fn of(entry: &Entry) -> Option<Self> {
        let start = about(entry, Code::CHAIN_STARTED, "start")?;
        Some(Self {
            node: text_field(start, "node")?,
            version: text_field(start, "version")?,
            key: KeyNotice::read(start.get("key")?)?,
            previous: read_head(start, "previous")?,
            abandoned: read_head(start, "abandoned")?,
        })
    }
}

/// The record that closes an epoch, I-115001; nothing of the epoch comes after it.
pub fn closing(amid: [u8; 16], time: Timestamp) -> Record {
    about_chain(Code::CHAIN_STARTED, amid, time, json!({ "close": {} }))
}

/// Whether a record closes its epoch.
pub fn is_closing(entry: &Entry) -> bool {
    about(entry, Code::CHAIN_STARTED, "close").is_some()
}

/// The record by which a later start ends an epoch that its own process did not close, I-115001; nothing of the epoch
/// comes after it.
pub fn ending(amid: [u8; 16], time: Timestamp) -> Record {
    about_chain(Code::CHAIN_STARTED, amid, time, json!({ "end": {} }))
}

/// Whether a record ends an epoch in the place of its own process.
pub fn is_ending(entry: &Entry) -> bool {
    about(entry, Code::CHAIN_STARTED, "end").is_some()
}

impl Checkpoint {
    /// The bytes that the node's audit key signs (Ed25519).
    pub fn to_sign(&self) -> Vec<u8> {
        signed(CHECKPOINT_DOMAIN, &self.to_json())
    }

    /// The record, with the signature over [`Checkpoint::to_sign`].
    pub fn record(&self, signature: &[u8; 64], amid: [u8; 16]) -> Record {
        let chain = json!({ "checkpoint": self.to_json(), "signature": hex(signature) });
        about_chain(Code::CHECKPOINT_SIGNED, amid, self.time, chain)
    }

    /// Reads the record: the checkpoint and its signature, not yet checked.
    pub fn of(entry: &Entry) -> Option<(Self, [u8; 64])> {
        let said = about(entry, Code::CHECKPOINT_SIGNED, "checkpoint")?;
        let seen = said.get("seen")?.as_object()?;
        let checkpoint = Self {
            node: text_field(said, "node")?,
            head: Head::read(said)?,
            time: Timestamp::parse(said.get("time")?.as_str()?)?,
            key_id: text_field(said, "key")?,
            previous: read_head(said, "previous")?,
            seen: seen
                .iter()
                .map(|(node, head)| Some((node.clone(), Head::read(head)?)))
                .collect::<Option<_>>()?,
        };
        // Fields that a later version adds would be signed too; they must not be lost before the check.
        (canonical::bytes(&checkpoint.to_json()) == canonical::bytes(said))
            .then_some((checkpoint, hex_field(entry.chain()?, "signature")?))
    }

    fn to_json(&self) -> Json {
        let mut json = self.head.to_json();
        if let Some(fields) = json.as_object_mut() {
            let seen: Map<String, Json> = self
                .seen
                .iter()
                .map(|(node, head)| (node.clone(), head.to_json()))
                .collect();
            fields.insert("node".to_owned(), self.node.as_str().into());
            fields.insert("time".to_owned(), self.time.rfc3339().into());
            fields.insert("key".to_owned(), self.key_id.as_str().into());
            fields.insert("seen".to_owned(), seen.into());
            insert_head(fields, "previous", self.previous);
        }
        json
    }
}

impl Tombstone {
    /// The record.
    pub fn record(&self, amid: [u8; 16], time: Timestamp) -> Record {
        let tombstone = json!({
            "node": self.node, "epoch": hex(&self.epoch), "first": self.first, "last": self.last,
            "hash": hex(&self.hash), "number": self.number, "by": self.by, "reason": self.reason,
        });
        about_chain(
            Code::TOMBSTONE,
            amid,
            time,
            json!({ "tombstone": tombstone }),
        )
    }

    /// Reads the record.
    pub fn of(entry: &Entry) -> Option<Self> {
        let said = about(entry, Code::TOMBSTONE, "tombstone")?;
        Some(Self {
            node: text_field(said, "node")?,
            epoch: hex_field(said, "epoch")?,
            first: said.get("first")?.as_u64()?,
            last: said.get("last")?.as_u64()?,
            hash: hex_field(said, "hash")?,
            number: said.get("number")?.as_u64()?,
            by: text_field(said, "by")?,
            reason: text_field(said, "reason")?,
        })
    }
}

fn about_chain(code: Code, amid: [u8; 16], time: Timestamp, chain: Json) -> Record {
    Record {
        chain: Some(chain),
        ..Record::new(code, amid, time)
    }
}

fn about<'a>(entry: &'a Entry, code: Code, part: &str) -> Option<&'a Json> {
    entry
        .chain()
        .filter(|_| entry.code() == Some(code))?
        .get(part)
}

fn signed(domain: &[u8], json: &Json) -> Vec<u8> {
    let mut bytes = domain.to_vec();
    canonical::write(json, &mut bytes);
    bytes
}

fn insert_head(fields: &mut Map<String, Json>, name: &str, head: Option<Head>) {
    if let Some(head) = head {
        fields.insert(name.to_owned(), head.to_json());
    }
}

/// `Some(None)` where there is none, `None` where it cannot be read.
fn read_head(json: &Json, name: &str) -> Option<Option<Head>> {
    json.get(name)
        .map_or(Some(None), |head| Head::read(head).map(Some))
}

fn text_field(json: &Json, name: &str) -> Option<String> {
    json.get(name)?.as_str().map(str::to_owned)
}

fn hex_field<const N: usize>(json: &Json, name: &str) -> Option<[u8; N]> {
    read_hex(json.get(name)?.as_str()?)
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// An exported line: the record with its `hash` as the last field.
pub fn export_line(json: &[u8], hash: &[u8; 32]) -> Vec<u8> {
    let mut line = json.strip_suffix(b"}").unwrap_or(json).to_vec();
    line.extend_from_slice(b",\"hash\":\"");
    canonical::write_hex(hash, &mut line);
    line.extend_from_slice(b"\"}");
    line
}

/// The record and the hash of an exported line, wherever in it the hash stands and however it is spaced.
pub fn import_line(line: &[u8]) -> Option<(Vec<u8>, [u8; 32])> {
    let mut fields = Entry::read(line).ok()?.into_fields();
    let hash = read_hex(fields.remove("hash")?.as_str()?)?;
    Some((canonical::bytes(&Json::Object(fields)), hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Timestamp = Timestamp(1_764_000_000_000_000);

    fn start(node: &str) -> Start {
        let key = KeyNotice {
            public: [3; 32],
            signed_by: Some(([2; 32], [9; 64])),
        };
        let previous = Some(Head {
            epoch: [8; 16],
            seq: 5,
            hash: [7; 32],
        });
        Start {
            node: node.into(),
            version: "0.1.0".into(),
            key,
            previous,
            abandoned: None,
        }
    }

    fn entry(record: &Record) -> Entry {
        let mut out = Vec::new();
        Chain::new("n", [1; 16], [0; 32]).append(record, &mut out);
        Entry::read(&out).unwrap()
    }

    /// Written down here as a vector, computed with an independent SHA-256.
    #[test]
    fn the_hash_is_that_of_the_specification() {
        let hex = data_encoding::HEXLOWER.encode(&hash(&[0; 32], b"{}"));
        let mut input = b"countersign audit 1".to_vec();
        input.push(0);
        input.extend([0; 32]);
        input.extend(b"{}");
        assert_eq!(hex, data_encoding::HEXLOWER.encode(&Sha256::digest(&input)));
        assert_eq!(
            hex,
            "590bd8485a623db9b7427de0319e263759e88ac29949348375a4759b0ca2f35a"
        );
    }

    #[test]
    fn each_record_carries_the_hash_before() {
        let mut chain = Chain::new("n", [1; 16], [4; 32]);
        assert_eq!(chain.head(), None);
        let (mut first, mut second) = (Vec::new(), b"kept".to_vec());
        let one = chain.append(&start("n").record([0; 16], TIME), &mut first);
        let two = chain.append(&closing([1; 16], TIME), &mut second);
        assert_eq!(Entry::read(&first).unwrap().prev(), Some([4; 32]));
        let rest = second.strip_prefix(b"kept").unwrap();
        assert_eq!(
            (Entry::read(rest).unwrap().prev(), hash(&one, rest)),
            (Some(one), two)
        );
        assert_eq!(
            chain.head(),
            Some(Head {
                epoch: [1; 16],
                seq: 1,
                hash: two
            })
        );
    }

    #[test]
    fn notices_read_back() {
        let start = start("n");
        assert_eq!(Start::of(&entry(&start.record([0; 16], TIME))), Some(start));
        assert!(is_closing(&entry(&closing([0; 16], TIME))));
        assert!(!is_closing(&entry(&Record::new(
            Code::AUTH_ACCEPTED,
            [0; 16],
            TIME
        ))));
        let tombstone = Tombstone {
            node: "n".into(),
            epoch: [5; 16],
            first: 0,
            last: 9,
            hash: [6; 32],
            number: 10,
            by: "admin".into(),
            reason: "retention".into(),
        };
        assert_eq!(
            Tombstone::of(&entry(&tombstone.record([0; 16], TIME))),
            Some(tombstone)
        );
    }

    #[test]
    fn checkpoints_read_back_as_they_were_signed() {
        let head = Head {
            epoch: [5; 16],
            seq: 9,
            hash: [6; 32],
        };
        let checkpoint = Checkpoint {
            node: "n".into(),
            head,
            time: TIME,
            key_id: key_id(&[3; 32]),
            previous: None,
            seen: BTreeMap::from([("other".into(), head)]),
        };
        let (read, signature) =
            Checkpoint::of(&entry(&checkpoint.record(&[1; 64], [0; 16]))).unwrap();
        assert_eq!((&read, signature), (&checkpoint, [1; 64]));
        let message = String::from_utf8(read.to_sign()).unwrap();
        assert!(
            message.starts_with("countersign checkpoint 1\0{\"epoch\":\"0505"),
            "{message}"
        );
    }

    #[test]
    fn exported_lines_lead_back() {
        let mut out = Vec::new();
        let hash =
            Chain::new("n", [1; 16], [0; 32]).append(&start("n").record([0; 16], TIME), &mut out);
        let line = export_line(&out, &hash);
        assert_eq!(import_line(&line), Some((out.clone(), hash)));
        let json: Json = serde_json::from_slice(&line).unwrap();
        assert_eq!(
            import_line(serde_json::to_string_pretty(&json).unwrap().as_bytes()),
            Some((out, hash))
        );
        assert_eq!(import_line(b"{}"), None);
        assert_eq!(import_line(b"nothing"), None);
    }
}
