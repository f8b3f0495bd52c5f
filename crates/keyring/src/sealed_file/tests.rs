use super::*;
use crate::password::PasswordParams;
use crate::recipient::RecipientKey;
use countersign_oath::Secret;
use std::io::{Cursor, Read, Write};

const KIND: &str = "countersign test 1";
const CHEAP: PasswordParams = PasswordParams::new(64, 1, 1).unwrap();

fn passphrase() -> Secret {
    Secret::new("twelve bytes and more")
}

fn sealed(whom: &Whom, plain: &[u8]) -> Vec<u8> {
    let (header, key) = Header::at_cost(KIND, whom, CHEAP).unwrap();
    let mut writer = Writer::under(Vec::new(), header, key).unwrap();
    writer.write_all(plain).unwrap();
    writer.finish().unwrap()
}

fn opened(file: &[u8], opener: &Opener) -> Result<Vec<u8>, SealedFileError> {
    let mut input = Cursor::new(file);
    let header = Header::read(KIND, &mut input)?;
    let mut plain = Vec::new();
    Reader::open(input, KIND, header, opener)?.read_to_end(&mut plain)?;
    Ok(plain)
}

fn all() -> Vec<(Whom, Opener)> {
    let key = RecipientKey::generate().unwrap();
    vec![
        (
            Whom::Passphrase(passphrase()),
            Opener::Passphrase(passphrase()),
        ),
        (
            Whom::Recipient(key.public().clone()),
            Opener::Recipient(key),
        ),
        (Whom::Anyone, Opener::Nothing),
    ]
}

#[test]
fn files_of_every_length_come_back() {
    const CHUNK: usize = 64 * 1024;
    for (whom, opener) in all() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
            let plain: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let file = sealed(&whom, &plain);
            assert!(
                opened(&file, &opener).unwrap() == plain,
                "{length} {whom:?}"
            );
            assert_eq!(
                file.windows(64)
                    .any(|part| plain.windows(64).take(1).any(|own| own == part)),
                length > 64 && matches!(whom, Whom::Anyone),
                "{length} {whom:?}"
            );
        }
    }
}

#[test]
fn no_cut_added_exchanged_or_changed_byte_passes() {
    for (whom, opener) in all() {
        let file = sealed(&whom, &vec![7; 3 * 64 * 1024]);
        let start = file.len() - 3 * (64 * 1024 + 16);
        for end in [
            0,
            10,
            start,
            start + 1,
            start + 65_552,
            start + 2 * 65_552,
            file.len() - 1,
        ] {
            assert!(opened(&file[..end], &opener).is_err(), "cut at {end}");
        }
        let longer = [file.as_slice(), b"x"].concat();
        assert!(opened(&longer, &opener).is_err());
        let mut exchanged = file.clone();
        exchanged[start..start + 2 * 65_552].rotate_left(65_552);
        let same = matches!(whom, Whom::Anyone); // equal plain chunks, but their places count
        assert!(opened(&exchanged, &opener).is_err(), "plain: {same}");
        for at in (0..file.len()).step_by(9973).chain(0..start) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(opened(&changed, &opener).is_err(), "byte {at} {whom:?}");
        }
    }
}

#[test]
fn what_does_not_open_it_is_told() {
    let other = RecipientKey::generate().unwrap();
    for (whom, _) in all() {
        let file = sealed(&whom, b"hello");
        for wrong in [
            Opener::Passphrase(Secret::new("another passphrase")),
            Opener::Recipient(RecipientKey::generate().unwrap()),
            Opener::Nothing,
        ] {
            let result = opened(&file, &wrong);
            assert_eq!(result.is_ok(), matches!(whom, Whom::Anyone), "{result:?}");
        }
    }
    let short = Whom::Passphrase(Secret::new("short"));
    assert!(Header::at_cost(KIND, &short, CHEAP).is_err());
    let file = sealed(&Whom::Recipient(other.public().clone()), b"hello");
    assert!(Header::read("countersign other 1", &mut Cursor::new(&file)).is_err());
}
