//! Files that are wrong on purpose.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const PRESHARED: &str = include_str!("../../../vectors/pskc-preshared.xml");

fn outcome(text: &str) -> Result<usize, PskcError> {
    read(text.as_bytes(), &plain()).map(|container| container.packages.len())
}

#[test]
fn declarations_are_refused_before_they_are_read() {
    let laughs = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><KeyContainer>&lol2;</KeyContainer>"#;
    assert_eq!(outcome(laughs), Err(PskcError::Dtd));
    let external = r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><KeyContainer>&f;</KeyContainer>"#;
    assert_eq!(outcome(external), Err(PskcError::Dtd));
    assert_eq!(
        outcome("<!DOCTYPE KeyContainer SYSTEM 'http://example.org/x.dtd'><KeyContainer/>"),
        Err(PskcError::Dtd)
    );
    assert!(matches!(
        outcome("<KeyContainer>&unknown;</KeyContainer>"),
        Err(PskcError::Malformed { .. })
    ));
}

#[test]
fn deep_and_wide_files_are_refused() {
    let nested = |depth: usize| {
        format!(
            "{}{}",
            "<KeyContainer>".repeat(depth),
            "</KeyContainer>".repeat(depth)
        )
    };
    assert_eq!(outcome(&nested(32)), Err(PskcError::Empty));
    assert_eq!(outcome(&nested(33)), Err(PskcError::TooDeep));
    assert_eq!(outcome(&nested(100_000)), Err(PskcError::TooDeep));
    let wide: String = (0..33).fold(String::new(), |mut text, number| {
        let _ = write!(text, " a{number}='>'");
        text
    });
    assert_eq!(
        outcome(&format!("<KeyContainer{wide}/>")),
        Err(PskcError::TooComplex)
    );
}

#[test]
fn files_that_would_cost_far_more_than_their_size_are_refused() {
    let declare = |prefix: &str, count: usize| {
        (0..count).fold(String::new(), |text, number| {
            format!("{text} xmlns:{prefix}{number}='u'")
        })
    };
    let scopes = format!(
        "<KeyContainer{}><a{}/></KeyContainer>",
        declare("a", 15),
        declare("b", 15)
    );
    assert_eq!(outcome(&scopes), Err(PskcError::TooComplex));
    let many = format!(
        "<KeyContainer{}>{}</KeyContainer>",
        declare("a", 15),
        "<b xmlns:z='u'/>".repeat(10_000)
    );
    assert_eq!(outcome(&many), Err(PskcError::TooComplex));
    let empty = format!(
        "<KeyContainer>{}</KeyContainer>",
        "<KeyPackage></KeyPackage>".repeat(10_000)
    );
    assert_eq!(outcome(&empty), Err(PskcError::TooComplex));
}

#[test]
fn tags_in_comments_and_sections_do_not_count() {
    let deep = "<x>".repeat(100);
    assert_eq!(
        outcome(&format!(
            "<KeyContainer><!--{deep}--><![CDATA[{deep}]]><?pi {deep}?></KeyContainer>"
        )),
        Err(PskcError::Empty)
    );
}

#[test]
fn enormous_files_are_not_looked_at() {
    let options = Options {
        max_len: 100,
        ..plain()
    };
    assert_eq!(
        read(&[b'<'; 101], &options),
        Err(PskcError::TooLarge { max: 100 })
    );
    assert_eq!(read(&[0xff; 50], &options), Err(PskcError::NotUtf8));
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for end in 0..PRESHARED.trim_end().len() {
        assert!(outcome(&PRESHARED[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn names_are_bounded_and_printable() {
    let long = "9".repeat(256);
    let text = file(&format!(r#"Algorithm="{URN}:hotp""#), "", "");
    assert_eq!(
        only(&text.replace("S1", &long), &plain()),
        Err(Cause::Text("SerialNo"))
    );
    assert_eq!(
        only(&text.replace("K1", "a&#9;b"), &plain()),
        Err(Cause::Text("Id"))
    );
    let error = read(text.replace("S1", &long).as_bytes(), &plain())
        .unwrap()
        .packages
        .remove(0)
        .unwrap_err();
    assert!(error.to_string().len() < 200);
}

#[test]
fn errors_hold_no_values() {
    let secret = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA";
    for text in [
        file(&format!(r#"Algorithm="{URN}:hotp""#), "", "").replace("4OTA=", "4OTA=!!"),
        file(&format!(r#"Algorithm="{URN}:hotp""#), "", ""),
    ] {
        let error = read(text.as_bytes(), &Options::default())
            .unwrap()
            .packages
            .remove(0)
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret));
    }
    let key = hotp("", "").unwrap();
    let printed = format!("{key:?}");
    assert!(printed.contains("Secret(..)") && !printed.contains("12345678901234567890"));
}

proptest! {
    #[test]
    fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes, &plain());
    }

    #[test]
    fn no_damage_panics_the_reader(at in 0..PRESHARED.len(), with in "\\PC{0,8}", len in 0_usize..40) {
        let mut bytes = PRESHARED.as_bytes().to_vec();
        let end = (at + len).min(bytes.len());
        bytes.splice(at..end, with.bytes());
        let options = Options { key: Some(Secret::new([0x12; 16])), ..plain() };
        let _ = read(&bytes, &options);
    }
}
