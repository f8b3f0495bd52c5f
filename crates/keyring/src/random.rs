//! Random bytes, tokens and passwords from the operating system's generator.

use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// Letters and digits that nobody mistakes for one another on paper or screen: no `i l o I O 0 1`.
const CLEAR_ALPHABET: &[u8; 55] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Longest password that is generated, in characters.
const LONGEST_PASSWORD: usize = 128;

/// The operating system gave no random bytes.
#[derive(Debug, Error)]
#[error("draw random bytes")]
pub struct RandomError(#[from] getrandom::Error);

/// Fills the buffer with random bytes.
pub fn fill(bytes: &mut [u8]) -> Result<(), RandomError> {
    Ok(getrandom::fill(bytes)?)
}

/// `N` random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// A random token of `N` bytes as base64url without padding, wiped on drop: for sessions and API keys.
pub fn token<const N: usize>() -> Result<Zeroizing<String>, RandomError> {
    let bytes = Zeroizing::new(random::<N>()?);
    Ok(Zeroizing::new(BASE64URL_NOPAD.encode(bytes.as_slice())))
}

/// A random password of letters and digits without lookalikes, at most 128 characters (5.78 bits each); from three characters on it
/// holds a lower-case letter, an upper-case letter and a digit.
pub fn password(length: usize) -> Result<Zeroizing<String>, RandomError> {
    let length = length.min(LONGEST_PASSWORD);
    loop {
        let text = clear_text(length)?;
        if length < 3 || is_mixed(&text) {
            return Ok(text);
        }
    }
}

fn clear_text(length: usize) -> Result<Zeroizing<String>, RandomError> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        let mut bytes = random::<32>()?;
        let missing = length - text.len();
        text.extend(
            bytes
                .iter()
                .filter_map(|byte| clear_letter(*byte))
                .take(missing),
        );
        bytes.zeroize();
    }
    Ok(text)
}

/// Six bits of the byte as a letter; the nine values beyond the alphabet are thrown again, so that every letter is equally likely.
fn clear_letter(byte: u8) -> Option<char> {
    CLEAR_ALPHABET
        .get(usize::from(byte & 0x3f))
        .map(|letter| char::from(*letter))
}

fn is_mixed(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn random_bytes_differ() {
        assert_ne!(random::<32>().unwrap(), random::<32>().unwrap());
    }

    #[test]
    fn a_token_is_base64url_of_its_length() {
        let token = token::<32>().unwrap();
        assert_eq!(token.len(), 43);
        assert_eq!(BASE64URL_NOPAD.decode(token.as_bytes()).unwrap().len(), 32);
    }

    #[test]
    fn a_password_has_every_kind_of_character_and_no_lookalikes() {
        for _ in 0..200 {
            let text = password(20).unwrap();
            assert_eq!(text.len(), 20);
            assert!(is_mixed(&text));
            assert!(!text.contains(['i', 'l', 'o', 'I', 'O', '0', '1']));
        }
    }

    #[test]
    fn every_letter_of_the_alphabet_comes_up() {
        let seen: BTreeSet<char> = (0..60)
            .flat_map(|_| password(128).unwrap().chars().collect::<Vec<_>>())
            .collect();
        assert_eq!(seen.len(), CLEAR_ALPHABET.len());
    }

    #[test]
    fn lengths_are_bounded() {
        assert_eq!(password(0).unwrap().len(), 0);
        assert_eq!(password(2).unwrap().len(), 2);
        assert_eq!(password(3).unwrap().len(), 3);
        assert_eq!(password(100_000).unwrap().len(), LONGEST_PASSWORD);
    }
}
