//! Rows of `import/authenticators`.

use data_encoding::HEXLOWER_PERMISSIVE;
use zeroize::Zeroizing;

use super::column::{COLUMNS, Column, CsvError, MAX_TEXT, RowCause, RowError};
use super::record::{Record, Records};
use crate::base32::{self, MAX_SECRET};
use crate::ocra::Suite;
use crate::pskc::Algorithm;
use crate::{Digits, Hash, Secret, date, totp};

/// What an application does (signatures.md 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ApplicationType {
    /// RO: response only.
    #[default]
    ResponseOnly,
    /// CR: challenge-response.
    ChallengeResponse,
    /// SG: signature.
    Signature,
    /// MM: several modes under one key.
    MultiMode,
}

/// One authenticator application to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvRow {
    /// Line in the file, from 1.
    pub line: u64,
    /// Serial number.
    pub serial: String,
    /// Authenticator type.
    pub type_name: Option<String>,
    /// HOTP, TOTP or OCRA with its suite; never a PIN.
    pub algorithm: Algorithm,
    /// Hash function; the suite's for OCRA.
    pub hash: Hash,
    /// Digits of a value: 6 to 10, for OCRA 4 to 10.
    pub digits: u8,
    /// Step in seconds, 1 to 3600; 30 where the algorithm has none.
    pub period: u32,
    /// Next counter.
    pub counter: u64,
    /// The key.
    pub secret: Secret,
    /// Name of the application.
    pub application: Option<String>,
    /// What the application does.
    pub application_type: ApplicationType,
    /// Refused after this moment, in seconds since 1970.
    pub expires: Option<i64>,
    /// Domain.
    pub domain: Option<String>,
    /// Organisational unit.
    pub org_unit: Option<String>,
    /// User to assign to.
    pub user: Option<String>,
}

/// The rows of a file, read one at a time.
#[derive(Debug)]
pub struct Rows<'a> {
    columns: Vec<Column>,
    records: Records<'a>,
}

/// Reads the header line; the rows follow as they are asked for, an error of one leaves the others readable.
pub fn read(bytes: &[u8]) -> Result<Rows<'_>, CsvError> {
    let mut records = Records::new(bytes);
    let header = records
        .next()
        .ok_or(CsvError::Empty)?
        .map_err(CsvError::Header)?;
    let mut columns = Vec::with_capacity(header.fields.len().min(COLUMNS.len()));
    for (place, name) in (1..).zip(&header.fields) {
        let column = Column::named(name).ok_or(CsvError::UnknownColumn(place))?;
        if columns.contains(&column) {
            return Err(CsvError::Twice(column));
        }
        columns.push(column);
    }
    let keyed = [Column::SecretHex, Column::SecretBase32]
        .iter()
        .any(|column| columns.contains(column));
    match (columns.contains(&Column::Serial), keyed) {
        (false, _) => Err(CsvError::Missing(Column::Serial)),
        (true, false) => Err(CsvError::Missing(Column::SecretHex)),
        (true, true) => Ok(Rows { columns, records }),
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<CsvRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.records.next()? {
            Ok(record) => Values {
                columns: &self.columns,
                record: &record,
            }
            .row(),
            Err(error) => Err(RowError {
                line: error.line,
                column: None,
                cause: RowCause::Record(error.cause),
            }),
        })
    }
}

/// One record by columns.
struct Values<'a> {
    columns: &'a [Column],
    record: &'a Record,
}

impl Values<'_> {
    fn row(&self) -> Result<CsvRow, RowError> {
        let expected = self.columns.len();
        if self.record.fields.len() != expected {
            return Err(RowError {
                line: self.record.line,
                column: None,
                cause: RowCause::Fields { expected },
            });
        }
        let algorithm = self.algorithm()?;
        Ok(CsvRow {
            line: self.record.line,
            serial: self
                .text(Column::Serial)?
                .ok_or_else(|| self.error(Column::Serial, RowCause::Missing))?,
            type_name: self.text(Column::Type)?,
            hash: self.hash(&algorithm)?,
            digits: self.digits(&algorithm)?,
            period: self.period(&algorithm)?,
            counter: self.number(Column::Counter, "a whole number")?.unwrap_or(0),
            algorithm,
            secret: self.secret()?,
            application: self.text(Column::Application)?,
            application_type: self.application_type()?,
            expires: self.expires()?,
            domain: self.text(Column::Domain)?,
            org_unit: self.text(Column::OrgUnit)?,
            user: self.text(Column::User)?,
        })
    }

    fn error(&self, column: Column, cause: RowCause) -> RowError {
        RowError {
            line: self.record.line,
            column: Some(column),
            cause,
        }
    }

    fn expected(&self, column: Column, what: &'static str) -> RowError {
        self.error(column, RowCause::Expected(what))
    }

    /// The trimmed value of a column; none when it is empty or the file has no such column.
    fn value(&self, column: Column) -> Option<&str> {
        let found = self
            .columns
            .iter()
            .zip(&self.record.fields)
            .find(|(own, _)| **own == column);
        found
            .map(|(_, field)| field.trim())
            .filter(|value| !value.is_empty())
    }

    fn text(&self, column: Column) -> Result<Option<String>, RowError> {
        let Some(value) = self.value(column) else {
            return Ok(None);
        };
        if value.chars().count() > MAX_TEXT || value.chars().any(char::is_control) {
            return Err(self.error(column, RowCause::Text));
        }
        Ok(Some(value.to_owned()))
    }

    fn number(&self, column: Column, what: &'static str) -> Result<Option<u64>, RowError> {
        let Some(value) = self.value(column) else {
            return Ok(None);
        };
        let plain = value.bytes().all(|byte| byte.is_ascii_digit());
        plain
            .then(|| value.parse().ok())
            .flatten()
            .map(Some)
            .ok_or_else(|| self.expected(column, what))
    }

    fn algorithm(&self) -> Result<Algorithm, RowError> {
        let suite = self.value(Column::Suite);
        match self
            .value(Column::Algorithm)
            .map(str::to_ascii_uppercase)
            .as_deref()
        {
            Some("HOTP") if suite.is_none() => Ok(Algorithm::Hotp),
            Some("TOTP") if suite.is_none() => Ok(Algorithm::Totp),
            Some("HOTP" | "TOTP") => Err(self.error(Column::Suite, RowCause::Contradiction)),
            Some("OCRA") | None => self.suite(suite),
            Some(_) => Err(self.expected(Column::Algorithm, "HOTP, TOTP or OCRA")),
        }
    }

    fn suite(&self, text: Option<&str>) -> Result<Algorithm, RowError> {
        let Some(text) = text else {
            let column = if self.value(Column::Algorithm).is_none() {
                Column::Algorithm
            } else {
                Column::Suite
            };
            return Err(self.error(column, RowCause::Missing));
        };
        let suite = text
            .parse::<Suite>()
            .ok()
            .filter(|suite| suite.digits() > 0);
        suite
            .map(Algorithm::Ocra)
            .ok_or_else(|| self.expected(Column::Suite, "an OCRA suite with 4 to 10 digits"))
    }

    fn hash(&self, algorithm: &Algorithm) -> Result<Hash, RowError> {
        let stated: Option<Hash> = match self.value(Column::Hash) {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| self.expected(Column::Hash, "SHA1, SHA256 or SHA512"))?,
            ),
            None => None,
        };
        match algorithm {
            Algorithm::Ocra(suite) if stated.is_some_and(|hash| hash != suite.hash()) => {
                Err(self.error(Column::Hash, RowCause::Contradiction))
            }
            Algorithm::Ocra(suite) => Ok(suite.hash()),
            _ => Ok(stated.unwrap_or_default()),
        }
    }

    fn digits(&self, algorithm: &Algorithm) -> Result<u8, RowError> {
        const WHAT: &str = "6 to 10 digits";
        let stated = self.number(Column::Digits, WHAT)?;
        match (algorithm, stated) {
            (Algorithm::Ocra(suite), Some(digits)) if digits != u64::from(suite.digits()) => {
                Err(self.error(Column::Digits, RowCause::Contradiction))
            }
            (Algorithm::Ocra(suite), _) => Ok(suite.digits()),
            (_, None) => Ok(Digits::SIX.value()),
            (_, Some(digits)) => {
                let digits = u8::try_from(digits).ok().and_then(Digits::new);
                digits
                    .map(Digits::value)
                    .ok_or_else(|| self.expected(Column::Digits, WHAT))
            }
        }
    }

    fn period(&self, algorithm: &Algorithm) -> Result<u32, RowError> {
        const WHAT: &str = "1 to 3600 seconds";
        let stated = self.number(Column::Period, WHAT)?;
        match (algorithm, stated) {
            (Algorithm::Ocra(suite), _) => {
                Ok(suite.time().map_or(30, crate::ocra::TimeStep::seconds))
            }
            (_, None) => Ok(30),
            (_, Some(period)) => {
                let period = u32::try_from(period)
                    .ok()
                    .filter(|period| totp::PERIODS.contains(period));
                period.ok_or_else(|| self.expected(Column::Period, WHAT))
            }
        }
    }

    fn secret(&self) -> Result<Secret, RowError> {
        match (
            self.value(Column::SecretHex),
            self.value(Column::SecretBase32),
        ) {
            (Some(text), None) => decode_hex(text)
                .ok_or_else(|| self.expected(Column::SecretHex, "1 to 512 bytes in hexadecimal")),
            (None, Some(text)) => base32::decode(text)
                .ok_or_else(|| self.expected(Column::SecretBase32, "1 to 512 bytes in base32")),
            (Some(_), Some(_)) => Err(self.error(Column::SecretBase32, RowCause::Contradiction)),
            (None, None) => {
                let column = [Column::SecretHex, Column::SecretBase32]
                    .into_iter()
                    .find(|column| self.columns.contains(column));
                Err(self.error(column.unwrap_or(Column::SecretHex), RowCause::Missing))
            }
        }
    }

    fn application_type(&self) -> Result<ApplicationType, RowError> {
        match self
            .value(Column::ApplicationType)
            .map(str::to_ascii_uppercase)
            .as_deref()
        {
            None | Some("RO") => Ok(ApplicationType::ResponseOnly),
            Some("CR") => Ok(ApplicationType::ChallengeResponse),
            Some("SG") => Ok(ApplicationType::Signature),
            Some("MM") => Ok(ApplicationType::MultiMode),
            Some(_) => Err(self.expected(Column::ApplicationType, "RO, CR, SG or MM")),
        }
    }

    fn expires(&self) -> Result<Option<i64>, RowError> {
        let Some(text) = self.value(Column::Expires) else {
            return Ok(None);
        };
        date::parse(text)
            .map(Some)
            .ok_or_else(|| self.expected(Column::Expires, "a date or a moment of RFC 3339"))
    }
}

fn decode_hex(text: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?);
    (1..=MAX_SECRET)
        .contains(&bytes.len())
        .then(|| Secret::from(bytes))
}
