use proptest::prelude::*;

use super::*;
use crate::Hash;
use crate::pskc::Algorithm;

const KEY: &str = "3132333435363738393031323334353637383930";

fn records(text: &str) -> Vec<Result<(u64, Vec<String>), RecordError>> {
    Records::new(text.as_bytes())
        .map(|record| {
            record.map(|record| {
                (
                    record.line,
                    record
                        .fields
                        .iter()
                        .map(|field| field.to_string())
                        .collect(),
                )
            })
        })
        .collect()
}

fn fields(text: &str) -> Vec<Vec<String>> {
    records(text)
        .into_iter()
        .map(|record| record.unwrap().1)
        .collect()
}

/// The only row under a header with the columns given.
fn row(header: &str, values: &str) -> Result<CsvRow, (Option<Column>, RowCause)> {
    let text = format!("{header}\n{values}\n");
    let mut rows = read(text.as_bytes()).unwrap();
    let row = rows.next().unwrap();
    assert!(rows.next().is_none());
    row.map_err(|error| {
        assert_eq!(error.line, 2);
        (error.column, error.cause)
    })
}

#[test]
fn records_are_read_as_rfc_4180_says() {
    assert_eq!(fields("a,b\r\nc,d\n"), [["a", "b"], ["c", "d"]]);
    assert_eq!(
        fields("\u{feff}a,\"b,\"\"c\"\"\r\nd\",\"\"\nlast,,"),
        [["a", "b,\"c\"\r\nd", ""], ["last", "", ""]]
    );
    assert_eq!(fields("\n\r\na\n\n"), [["a"]]);
    assert_eq!(
        records("\"x\ny\"\nz")
            .iter()
            .flatten()
            .map(|(line, _)| *line)
            .collect::<Vec<_>>(),
        [1, 3]
    );
    assert!(fields("").is_empty());
}

#[test]
fn a_bad_record_leaves_the_next_one() {
    let cause = |text: &str| {
        records(text)
            .into_iter()
            .map(|record| record.map(|(line, _)| line))
            .collect::<Vec<_>>()
    };
    let bad = |line, cause| Err(RecordError { line, cause });
    assert_eq!(cause("a\"b\"\nc"), [bad(1, RecordCause::Quote), Ok(2)]);
    assert_eq!(cause("\"a\"b\nc"), [bad(1, RecordCause::Quote), Ok(2)]);
    assert_eq!(
        cause("a\n\"b\nc"),
        [Ok(1), bad(2, RecordCause::Unclosed), Ok(3)]
    );
    let long = format!("{}\nnext", "x".repeat(MAX_RECORD + 1));
    assert_eq!(cause(&long), [bad(1, RecordCause::TooLong), Ok(2)]);
    assert_eq!(cause(&"x".repeat(MAX_RECORD)), [Ok(1)]);
    let mut latin = Records::new(b"caf\xe9\nok");
    assert_eq!(
        latin.next(),
        Some(Err(RecordError {
            line: 1,
            cause: RecordCause::Utf8
        }))
    );
    assert!(latin.next().unwrap().is_ok());
}

#[test]
fn a_file_of_authenticators_is_read() {
    let rows: Vec<CsvRow> = read(include_bytes!("../../vectors/authenticators.csv"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let [one, two, three] = &rows[..] else {
        panic!("{} rows", rows.len())
    };
    assert_eq!(
        (
            one.line,
            one.serial.as_str(),
            one.counter,
            one.digits,
            one.hash
        ),
        (2, "A1", 7, 6, Hash::Sha1)
    );
    assert_eq!(
        (one.algorithm.clone(), one.application_type),
        (Algorithm::Hotp, ApplicationType::ResponseOnly)
    );
    assert_eq!(
        (two.algorithm.clone(), two.hash, two.digits, two.period),
        (Algorithm::Totp, Hash::Sha256, 8, 60)
    );
    assert_eq!(
        (
            two.type_name.as_deref(),
            two.org_unit.as_deref(),
            two.user.as_deref()
        ),
        (Some("soft, phone"), Some("Sales \"West\""), Some("alice"))
    );
    assert_eq!(two.expires, crate::date::parse("2031-01-01"));
    assert_eq!(one.secret, two.secret);
    assert_eq!(
        (three.digits, three.application_type),
        (8, ApplicationType::ChallengeResponse)
    );
    assert!(!format!("{rows:?}").contains("GEZDG"));
}

#[test]
fn columns_come_in_any_order_and_case() {
    let row = row("Secret_HEX, ALGORITHM ,Serial", &format!("{KEY},hotp,S")).unwrap();
    assert_eq!(
        (row.serial.as_str(), row.secret.expose()),
        ("S", &b"12345678901234567890"[..])
    );
}

#[test]
fn a_bad_header_refuses_the_file() {
    assert_eq!(read(b"").err(), Some(CsvError::Empty));
    assert_eq!(
        read(b"serial,colour,secret_hex").err(),
        Some(CsvError::UnknownColumn(2))
    );
    assert_eq!(
        read(b"serial,serial,secret_hex").err(),
        Some(CsvError::Twice(Column::Serial))
    );
    assert_eq!(
        read(b"secret_hex").err(),
        Some(CsvError::Missing(Column::Serial))
    );
    assert_eq!(
        read(b"serial").err(),
        Some(CsvError::Missing(Column::SecretHex))
    );
    assert!(matches!(
        read(b"\"serial\nx").err(),
        Some(CsvError::Header(_))
    ));
}

#[test]
fn a_bad_row_names_its_column() {
    use RowCause::{Contradiction, Expected, Missing, Text};
    let at = |header: &str, values: &str| {
        let (column, cause) = row(
            &format!("serial,algorithm,secret_hex,{header}"),
            &format!("S,TOTP,{KEY},{values}"),
        )
        .unwrap_err();
        (column.unwrap(), cause)
    };
    assert_eq!(
        at("digits", "5"),
        (Column::Digits, Expected("6 to 10 digits"))
    );
    assert_eq!(
        at("digits", "+6"),
        (Column::Digits, Expected("6 to 10 digits"))
    );
    assert_eq!(
        at("period", "0"),
        (Column::Period, Expected("1 to 3600 seconds"))
    );
    assert_eq!(
        at("counter", "-1"),
        (Column::Counter, Expected("a whole number"))
    );
    assert_eq!(
        at("hash", "MD5"),
        (Column::Hash, Expected("SHA1, SHA256 or SHA512"))
    );
    assert_eq!(
        at("suite", "OCRA-1:HOTP-SHA1-6:QN08"),
        (Column::Suite, Contradiction)
    );
    assert_eq!(
        at("secret_base32", "GEZDGNBV"),
        (Column::SecretBase32, Contradiction)
    );
    assert_eq!(
        at("application_type", "XX"),
        (Column::ApplicationType, Expected("RO, CR, SG or MM"))
    );
    assert_eq!(at("expires", "soon").0, Column::Expires);
    assert_eq!(at("user", "\"a\tb\""), (Column::User, Text));
    assert_eq!(at("domain", &"d".repeat(256)), (Column::Domain, Text));
    let plain =
        |values: &str| row("serial,algorithm,suite,secret_hex,hash,digits", values).unwrap_err();
    assert_eq!(
        plain(&format!(",HOTP,,{KEY},,")),
        (Some(Column::Serial), Missing)
    );
    assert_eq!(plain("S,HOTP,,,,"), (Some(Column::SecretHex), Missing));
    assert_eq!(
        plain("S,HOTP,,123,,"),
        (
            Some(Column::SecretHex),
            Expected("1 to 512 bytes in hexadecimal")
        )
    );
    assert_eq!(
        plain(&format!("S,MOTP,,{KEY},,")),
        (Some(Column::Algorithm), Expected("HOTP, TOTP or OCRA"))
    );
    assert_eq!(
        plain(&format!("S,,,{KEY},,")),
        (Some(Column::Algorithm), Missing)
    );
    assert_eq!(
        plain(&format!("S,OCRA,,{KEY},,")),
        (Some(Column::Suite), Missing)
    );
    assert_eq!(
        plain(&format!("S,OCRA,OCRA-1:HOTP-SHA1-0:QN08,{KEY},,")).0,
        Some(Column::Suite)
    );
    assert_eq!(
        plain(&format!("S,OCRA,OCRA-1:HOTP-SHA1-6:QN08,{KEY},SHA256,")),
        (Some(Column::Hash), Contradiction)
    );
    assert_eq!(
        plain(&format!("S,OCRA,OCRA-1:HOTP-SHA1-6:QN08,{KEY},,8")),
        (Some(Column::Digits), Contradiction)
    );
    assert_eq!(plain("S,HOTP"), (None, RowCause::Fields { expected: 6 }));
}

#[test]
fn errors_name_line_and_column_and_no_value() {
    let text = "serial,algorithm,secret_base32\nA,HOTP,GEZDGNBVGY3TQOJQ\nB,HOTP,not-a-secret1\n";
    let error = read(text.as_bytes()).unwrap().nth(1).unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 3, column secret_base32: expected 1 to 512 bytes in base32"
    );
}

#[test]
fn every_column_has_one_name() {
    for (place, (column, name)) in COLUMNS.iter().enumerate() {
        assert_eq!(column.name(), *name);
        assert_eq!(
            COLUMNS.iter().position(|(_, other)| other == name),
            Some(place)
        );
    }
}

proptest! {
    #[test]
    fn records_read_back_what_was_quoted(rows in proptest::collection::vec(proptest::collection::vec("[a-z,\"\r\né ]{0,12}", 2..5), 1..5)) {
        let quote = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
        let lines: Vec<String> = rows.iter().map(|row| row.iter().map(quote).collect::<Vec<_>>().join(",")).collect();
        prop_assert_eq!(fields(&lines.join("\r\n")), rows);
    }

    #[test]
    fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let text = [b"serial,algorithm,secret_hex\n", &bytes[..]].concat();
        for row in read(&text).into_iter().flatten() {
            let _ = row;
        }
        let _ = read(&bytes).map(Iterator::count);
    }
}
