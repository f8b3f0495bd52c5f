use super::*;
use crate::schema::{Kind, Table};
use serde_json::json;

fn table() -> Table {
    Table {
        name: "t".to_owned(),
        columns: vec![("a".to_owned(), Kind::Int), ("b".to_owned(), Kind::Text)],
        key: vec![0],
    }
}

fn rows() -> Vec<Vec<Value>> {
    let numbers = [0, 1, -1, 127, 128, -129, i64::MAX, i64::MIN];
    let mut rows: Vec<Vec<Value>> = numbers
        .iter()
        .map(|number| vec![Value::Int(*number), Value::Text(format!("ä{number}"))])
        .collect();
    rows.push(vec![Value::Null, Value::Blob(vec![0, 255, 10])]);
    rows
}

fn written() -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), &json!({"schema": 1})).unwrap();
    writer.table(&table()).unwrap();
    rows().iter().for_each(|row| writer.row(row).unwrap());
    writer.end_table().unwrap();
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> std::io::Result<(serde_json::Value, Vec<Event>)> {
    let (about, mut reader) = Reader::begin(bytes)?;
    let mut events = Vec::new();
    loop {
        let event = reader.next()?;
        let is_end = event == Event::End;
        events.push(event);
        if is_end {
            return Ok((about, events));
        }
    }
}

#[test]
fn a_dump_reads_back() {
    let (about, events) = read(&written()).unwrap();
    assert_eq!(about, json!({"schema": 1}));
    assert_eq!(
        events[0],
        Event::Table("t".to_owned(), vec!["a".to_owned(), "b".to_owned()])
    );
    let read: Vec<Vec<Value>> = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Row(row) => Some(row),
            _ => None,
        })
        .collect();
    assert_eq!(read, rows());
}

#[test]
fn a_cut_or_longer_dump_is_refused_and_a_changed_row_too() {
    let whole = written();
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "{end}");
    }
    assert!(read(&[whole.as_slice(), b"x"].concat()).is_err());
    let start = whole.iter().position(|byte| *byte == b'R').unwrap();
    for at in start..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn lengths_are_not_believed() {
    for hostile in [
        &b"H\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..],
        b"H\xff\xff\xff\x1f",
        b"H\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"H\x02{}T\x01t\xff\xff\xff\x7f",
    ] {
        assert!(read(hostile).is_err(), "{hostile:?}");
    }
}

#[test]
fn sums_know_no_order_but_every_row() {
    let sum = |rows: &[Vec<Value>]| {
        let mut sum = Sum::default();
        rows.iter().for_each(|row| sum.add(row));
        sum
    };
    let (rows, mut turned) = (rows(), rows());
    turned.reverse();
    assert_eq!(sum(&rows), sum(&turned));
    assert_ne!(sum(&rows), sum(&rows[1..]));
    let moved = vec![vec![
        Value::Text("ab".to_owned()),
        Value::Text("c".to_owned()),
    ]];
    let other = vec![vec![
        Value::Text("a".to_owned()),
        Value::Text("bc".to_owned()),
    ]];
    assert_ne!(sum(&moved), sum(&other));
}
