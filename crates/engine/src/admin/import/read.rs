//! Files as rows, whatever their format.

use super::{Format, Order};
use crate::Secret;
use crate::admin::Refusal;
use crate::admin::key_material::usual_kind;
use crate::model::{Algorithm, ApplicationKind};
use crate::time::{Day, Timestamp};
use countersign_oath::csv::{self, ApplicationType};
use countersign_oath::{otpauth, pskc};
use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// One application to import.
#[derive(Clone, Debug)]
pub struct Row {
    /// Line or key package, from 1.
    pub place: u64,
    /// Serial number as it stands in the file.
    pub serial: String,
    /// The type, where the file names one.
    pub type_name: Option<String>,
    /// The type where neither file nor command name one: the model of the device.
    pub model: Option<String>,
    /// Name of the application.
    pub application: String,
    /// What it is for.
    pub kind: ApplicationKind,
    /// Algorithm and parameters.
    pub algorithm: Algorithm,
    /// The key.
    pub secret: Secret,
    /// The next counter.
    pub counter: u64,
    /// Known drift in steps.
    pub drift: i64,
    /// Server PIN that the file sets.
    pub pin: Option<Secret>,
    /// Not used before.
    pub starts: Option<Timestamp>,
    /// The day from which it is expired.
    pub expires: Option<Day>,
    /// Domain.
    pub domain: Option<String>,
    /// Organizational unit.
    pub org_unit: Option<String>,
    /// User to assign to.
    pub user: Option<String>,
    /// Free text.
    pub description: String,
}

/// A row that cannot be read (-101); it names place and serial, no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Line or key package, from 1.
    pub place: u64,
    /// Serial number, where it could be read.
    pub serial: Option<String>,
    /// What is wrong.
    pub detail: String,
}

type Read = Result<Vec<Result<Row, RowError>>, Refusal>;

pub(super) fn rows(order: &Order, max_bytes: usize) -> Read {
    if order.data.len() > max_bytes {
        return Err(Refusal::invalid(
            "data",
            format_args!("at most {max_bytes} bytes (import.max_bytes)"),
        ));
    }
    let plain = decoded(&order.data);
    let bytes = plain.as_ref().unwrap_or(&order.data).expose();
    let rows = match &order.format {
        Format::Pskc {
            key,
            passphrase,
            allow_plain,
        } => {
            let options = pskc::Options {
                key: key.clone(),
                passphrase: passphrase.clone(),
                allow_plain: *allow_plain,
                max_len: max_bytes,
                ..pskc::Options::default()
            };
            of_pskc(bytes, &options)
        }
        Format::Csv => of_csv(bytes),
        Format::Otpauth => of_otpauth(bytes),
    };
    rows.map(numbered)
}

/// The file behind base64. Every plain form holds a character that base64 has not.
fn decoded(data: &Secret) -> Option<Secret> {
    if data
        .expose()
        .iter()
        .any(|byte| matches!(byte, b'<' | b',' | b':'))
    {
        return None;
    }
    let packed = zeroize::Zeroizing::new(
        data.expose()
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect::<Vec<u8>>(),
    );
    BASE64
        .decode(&packed)
        .ok()
        .filter(|bytes| !bytes.is_empty())
        .map(Secret::new)
}

fn of_pskc(bytes: &[u8], options: &pskc::Options) -> Read {
    let container = pskc::read(bytes, options)
        .map_err(|error| Refusal::invalid("data", format_args!("a PSKC file: {error}")))?;
    let keys = (1_u64..).zip(&container.packages).filter(
        |(_, package)| !matches!(package, Ok(key) if key.algorithm == pskc::Algorithm::Pin),
    );
    Ok(keys
        .map(|(place, package)| of_package(place, package, &container))
        .collect())
}

fn of_package(
    place: u64,
    package: &Result<pskc::Key, pskc::PackageError>,
    container: &pskc::Container,
) -> Result<Row, RowError> {
    let key = package.as_ref().map_err(|error| RowError {
        place,
        serial: error.serial.clone(),
        detail: error.to_string(),
    })?;
    let wrong = |detail: &str| RowError {
        place,
        serial: key.serial.clone(),
        detail: detail.to_owned(),
    };
    let algorithm = match &key.algorithm {
        pskc::Algorithm::Hotp => Algorithm::Hotp {
            hash: key.hash,
            digits: key.digits,
        },
        pskc::Algorithm::Totp => Algorithm::Totp {
            hash: key.hash,
            digits: key.digits,
            period: key.period,
        },
        pskc::Algorithm::Ocra(suite) => Algorithm::Ocra(Box::new(suite.clone())),
        pskc::Algorithm::Pin => return Err(wrong("the key is a PIN")),
    };
    let kind = kind_of(&key.usages, &algorithm);
    let serial = key
        .serial
        .clone()
        .or_else(|| key.id.clone())
        .ok_or_else(|| wrong("neither serial number nor key id"))?;
    Ok(Row {
        place,
        serial,
        type_name: None,
        model: key.model.clone(),
        application: kind.code().to_owned(),
        kind,
        algorithm,
        secret: key.secret.clone(),
        counter: key.counter,
        drift: key.drift,
        pin: container.pin_of(key).cloned(),
        starts: key.starts.map(Timestamp::from_seconds),
        expires: key.expires.map(|end| Timestamp::from_seconds(end).day()),
        domain: None,
        org_unit: None,
        user: None,
        description: key.friendly_name.clone().unwrap_or_default(),
    })
}

fn kind_of(usages: &[pskc::Usage], algorithm: &Algorithm) -> ApplicationKind {
    let is_ocra = matches!(algorithm, Algorithm::Ocra(_));
    if is_ocra && usages.contains(&pskc::Usage::Integrity) && !usages.contains(&pskc::Usage::Cr) {
        return ApplicationKind::Signature;
    }
    usual_kind(algorithm)
}

fn of_csv(bytes: &[u8]) -> Read {
    let rows = csv::read(bytes)
        .map_err(|error| Refusal::invalid("data", format_args!("a CSV file: {error}")))?;
    Ok(rows.map(of_record).collect())
}

fn of_record(row: Result<csv::CsvRow, csv::RowError>) -> Result<Row, RowError> {
    let row = row.map_err(|error| RowError {
        place: error.line,
        serial: None,
        detail: error.to_string(),
    })?;
    let algorithm = match row.algorithm {
        pskc::Algorithm::Hotp => Algorithm::Hotp {
            hash: row.hash,
            digits: row.digits,
        },
        pskc::Algorithm::Totp => Algorithm::Totp {
            hash: row.hash,
            digits: row.digits,
            period: row.period,
        },
        pskc::Algorithm::Ocra(suite) => Algorithm::Ocra(Box::new(suite)),
        pskc::Algorithm::Pin => {
            return Err(RowError {
                place: row.line,
                serial: Some(row.serial),
                detail: "the key is a PIN".to_owned(),
            });
        }
    };
    let kind = match row.application_type {
        ApplicationType::ResponseOnly => ApplicationKind::ResponseOnly,
        ApplicationType::ChallengeResponse => ApplicationKind::ChallengeResponse,
        ApplicationType::Signature => ApplicationKind::Signature,
        ApplicationType::MultiMode => ApplicationKind::MultiMode,
    };
    Ok(Row {
        place: row.line,
        serial: row.serial,
        type_name: row.type_name,
        model: None,
        application: row.application.unwrap_or_else(|| kind.code().to_owned()),
        kind,
        algorithm,
        secret: row.secret,
        counter: row.counter,
        drift: 0,
        pin: None,
        starts: None,
        expires: row.expires.map(|end| Timestamp::from_seconds(end).day()),
        domain: row.domain,
        org_unit: row.org_unit,
        user: row.user,
        description: String::new(),
    })
}

fn of_otpauth(bytes: &[u8]) -> Read {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::invalid("data", "UTF-8"))?;
    let lines = (1_u64..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let rows: Vec<_> = lines.map(|(place, line)| of_uri(place, line)).collect();
    if rows.is_empty() {
        return Err(Refusal::invalid("data", "one otpauth URI a line"));
    }
    Ok(rows)
}

fn of_uri(place: u64, line: &str) -> Result<Row, RowError> {
    let account = otpauth::parse(line).map_err(|error| RowError {
        place,
        serial: None,
        detail: error.to_string(),
    })?;
    let (hash, digits) = (account.hash, account.digits.value());
    let (algorithm, counter) = match account.kind {
        otpauth::Kind::Hotp { counter } => (Algorithm::Hotp { hash, digits }, counter),
        otpauth::Kind::Totp { period } => (
            Algorithm::Totp {
                hash,
                digits,
                period,
            },
            0,
        ),
    };
    let kind = ApplicationKind::ResponseOnly;
    let label = [
        account.issuer.as_deref().unwrap_or_default(),
        &account.account,
    ];
    Ok(Row {
        place,
        serial: serial_of(&account.secret),
        type_name: None,
        model: None,
        application: kind.code().to_owned(),
        kind,
        algorithm,
        secret: account.secret,
        counter,
        drift: 0,
        pin: None,
        starts: None,
        expires: None,
        domain: None,
        org_unit: None,
        user: None,
        description: label
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": "),
    })
}

/// A URI has no serial number: ten digits follow from the key, so that the same URI is the same authenticator.
fn serial_of(secret: &Secret) -> String {
    let hash = Sha256::new()
        .chain_update(b"countersign otpauth serial\0")
        .chain_update(secret.expose())
        .finalize();
    let number = hash
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{:010}", number % 10_000_000_000)
}

/// Several keys of one device and kind in a PSKC file get names of their own: RO, RO 2, RO 3.
fn numbered(mut rows: Vec<Result<Row, RowError>>) -> Vec<Result<Row, RowError>> {
    let mut seen: HashMap<(String, String), u32> = HashMap::new();
    for row in rows
        .iter_mut()
        .flatten()
        .filter(|row| row.application == row.kind.code() && row.type_name.is_none())
    {
        let count = seen
            .entry((row.serial.clone(), row.application.clone()))
            .or_default();
        *count += 1;
        if *count > 1 {
            row.application = format!("{} {count}", row.application);
        }
    }
    rows
}
