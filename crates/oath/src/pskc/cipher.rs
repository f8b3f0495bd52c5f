//! The ciphers of XML Encryption that PSKC uses.

use aes::{Aes128, Aes192, Aes256};
use aes_kw::{AesKw, AesKwp, KeyInit};
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit,
};
use des::TdesEde3;
use hmac::digest::Digest;
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Cause;

/// A cipher with its key length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128Cbc,
    Aes192Cbc,
    Aes256Cbc,
    TripleDesCbc,
    KwAes128,
    KwAes192,
    KwAes256,
    KwTripleDes,
}

/// Ends of the algorithm URIs in lower case. Key wraps with padding (RFC 5649) are told apart by their value, since many files name the
/// wrap without padding for keys that need it.
const NAMES: [(&str, Cipher); 11] = [
    ("aes128-cbc", Cipher::Aes128Cbc),
    ("aes192-cbc", Cipher::Aes192Cbc),
    ("aes256-cbc", Cipher::Aes256Cbc),
    ("tripledes-cbc", Cipher::TripleDesCbc),
    ("kw-aes128", Cipher::KwAes128),
    ("kw-aes192", Cipher::KwAes192),
    ("kw-aes256", Cipher::KwAes256),
    ("kw-tripledes", Cipher::KwTripleDes),
    ("kw-aes-128-pad", Cipher::KwAes128),
    ("kw-aes-192-pad", Cipher::KwAes192),
    ("kw-aes-256-pad", Cipher::KwAes256),
];

/// Initialisation vector of the outer encryption of RFC 3217 section 3.
const WRAP_IV: [u8; 8] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];

type Plain = Zeroizing<Vec<u8>>;

impl Cipher {
    /// The cipher of an algorithm URI.
    pub(super) fn named(uri: &str) -> Result<Self, Cause> {
        let name = uri
            .trim()
            .rsplit('#')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if name.starts_with("rsa") {
            return Err(Cause::Asymmetric);
        }
        NAMES
            .iter()
            .find(|(end, _)| *end == name)
            .map(|(_, cipher)| *cipher)
            .ok_or(Cause::Cipher)
    }

    /// The CBC cipher of a key length in bytes, for writing.
    pub(super) fn cbc_of(key_len: usize) -> Option<(Self, &'static str)> {
        match key_len {
            16 => Some((
                Self::Aes128Cbc,
                "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            )),
            24 => Some((
                Self::Aes192Cbc,
                "http://www.w3.org/2001/04/xmlenc#aes192-cbc",
            )),
            32 => Some((
                Self::Aes256Cbc,
                "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
            )),
            _ => None,
        }
    }

    /// Key length in bytes.
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::KwAes128 => 16,
            Self::Aes192Cbc | Self::KwAes192 | Self::TripleDesCbc | Self::KwTripleDes => 24,
            Self::Aes256Cbc | Self::KwAes256 => 32,
        }
    }

    /// Whether a change of the value goes unnoticed without a MAC.
    pub(super) fn needs_mac(self) -> bool {
        matches!(
            self,
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc | Self::TripleDesCbc
        )
    }

    /// Opens a value.
    pub(super) fn decrypt(self, key: &[u8], value: &[u8]) -> Result<Plain, Cause> {
        match self {
            Self::Aes128Cbc => cbc_decrypt::<Aes128>(key, value, 16),
            Self::Aes192Cbc => cbc_decrypt::<Aes192>(key, value, 16),
            Self::Aes256Cbc => cbc_decrypt::<Aes256>(key, value, 16),
            Self::TripleDesCbc => cbc_decrypt::<TdesEde3>(key, value, 8),
            Self::KwAes128 => unwrap_aes::<Aes128>(key, value),
            Self::KwAes192 => unwrap_aes::<Aes192>(key, value),
            Self::KwAes256 => unwrap_aes::<Aes256>(key, value),
            Self::KwTripleDes => unwrap_tripledes(key, value),
        }
        .ok_or(Cause::Open)
    }

    /// Encrypts under a CBC cipher of AES with the vector in front; none for the others.
    pub(super) fn encrypt(self, key: &[u8], iv: &[u8; 16], plain: &[u8]) -> Option<Vec<u8>> {
        let value = match self {
            Self::Aes128Cbc => cbc_encrypt::<Aes128>(key, iv, plain),
            Self::Aes192Cbc => cbc_encrypt::<Aes192>(key, iv, plain),
            Self::Aes256Cbc => cbc_encrypt::<Aes256>(key, iv, plain),
            _ => None,
        }?;
        Some(iv.iter().copied().chain(value).collect())
    }
}

fn cbc_decrypt<C>(key: &[u8], value: &[u8], block: usize) -> Option<Plain>
where
    C: BlockCipherDecrypt + KeyInit,
{
    let (iv, body) = value.split_at_checked(block)?;
    let mut plain = raw_cbc_decrypt::<C>(key, iv, body)?;
    // Padding of XML Encryption: only the last byte, the length of the padding, is defined.
    let padding = usize::from(*plain.last()?);
    if padding == 0 || padding > block {
        return None;
    }
    let len = plain.len().checked_sub(padding)?;
    plain.truncate(len);
    Some(plain)
}

fn raw_cbc_decrypt<C>(key: &[u8], iv: &[u8], body: &[u8]) -> Option<Plain>
where
    C: BlockCipherDecrypt + KeyInit,
{
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let mut plain = Zeroizing::new(body.to_vec());
    cipher.decrypt_padded::<NoPadding>(&mut plain).ok()?;
    Some(plain)
}

fn cbc_encrypt<C>(key: &[u8], iv: &[u8], plain: &[u8]) -> Option<Vec<u8>>
where
    C: BlockCipherEncrypt + KeyInit,
{
    let cipher = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(cipher.encrypt_padded_vec::<Pkcs7>(plain))
}

/// RFC 3394, or RFC 5649 where that is what the value holds.
fn unwrap_aes<C>(key: &[u8], value: &[u8]) -> Option<Plain>
where
    C: BlockCipherDecrypt + BlockCipherEncrypt + KeyInit,
    AesKw<C>: KeyInit + Unwrap,
    AesKwp<C>: KeyInit + Unwrap,
{
    if !value.len().is_multiple_of(8) || value.len() < 16 {
        return None;
    }
    let whole = (value.len() >= 24)
        .then(|| AesKw::<C>::new_from_slice(key).ok()?.unwrap(value))
        .flatten();
    whole.or_else(|| AesKwp::<C>::new_from_slice(key).ok()?.unwrap(value))
}

trait Unwrap {
    fn unwrap(&self, value: &[u8]) -> Option<Plain>;
}

impl<C> Unwrap for AesKw<C>
where
    C: BlockCipherDecrypt<BlockSize = aes_kw::cipher::consts::U16>,
{
    fn unwrap(&self, value: &[u8]) -> Option<Plain> {
        let mut room = Zeroizing::new(vec![0; value.len()]);
        self.unwrap_key(value, &mut room)
            .ok()
            .map(|plain| Zeroizing::new(plain.to_vec()))
    }
}

impl<C> Unwrap for AesKwp<C>
where
    C: BlockCipherDecrypt<BlockSize = aes_kw::cipher::consts::U16>,
{
    fn unwrap(&self, value: &[u8]) -> Option<Plain> {
        let mut room = Zeroizing::new(vec![0; value.len()]);
        self.unwrap_key(value, &mut room)
            .ok()
            .map(|plain| Zeroizing::new(plain.to_vec()))
    }
}

/// RFC 3217 section 3.2: decrypt, turn round, decrypt, compare the checksum.
fn unwrap_tripledes(key: &[u8], value: &[u8]) -> Option<Plain> {
    let mut inner = raw_cbc_decrypt::<TdesEde3>(key, &WRAP_IV, value)?;
    inner.reverse();
    let (iv, body) = inner.split_at_checked(8)?;
    let mut plain = raw_cbc_decrypt::<TdesEde3>(key, iv, body)?;
    let len = plain.len().checked_sub(8).filter(|len| *len > 0)?;
    let (wrapped, checksum) = plain.split_at_checked(len)?;
    let expected = Sha1::digest(wrapped);
    let right: bool = expected.get(..8)?.ct_eq(checksum).into();
    plain.truncate(len);
    right.then_some(plain)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXUPPER;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        HEXUPPER.decode(text.as_bytes()).unwrap()
    }

    #[test]
    fn rfc_3394_values_unwrap() {
        let kek = hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
        let key = hex("00112233445566778899AABBCCDDEEFF");
        for (cipher, value) in [
            (
                Cipher::KwAes128,
                "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
            ),
            (
                Cipher::KwAes192,
                "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D",
            ),
            (
                Cipher::KwAes256,
                "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7",
            ),
        ] {
            let value = hex(value);
            assert_eq!(
                *cipher.decrypt(&kek[..cipher.key_len()], &value).unwrap(),
                key,
                "{cipher:?}"
            );
            let mut changed = value.clone();
            changed[9] ^= 1;
            assert_eq!(
                cipher.decrypt(&kek[..cipher.key_len()], &changed),
                Err(Cause::Open)
            );
        }
    }

    #[test]
    fn rfc_5649_values_unwrap() {
        let kek = hex("5840DF6E29B02AF1AB493B705BF16EA1AE8338F4DCC176A8");
        let twenty = hex("138BDEAA9B8FA7FC61F97742E72248EE5AE6AE5360D1AE6A5F54F373FA543B6A");
        assert_eq!(
            *Cipher::KwAes192.decrypt(&kek, &twenty).unwrap(),
            hex("C37B7E6492584340BED12207808941155068F738")
        );
        let seven = hex("AFBEB0F07DFBF5419200F2CCB50BB24F");
        assert_eq!(
            *Cipher::KwAes192.decrypt(&kek, &seven).unwrap(),
            hex("466F7250617369")
        );
    }

    #[test]
    fn rfc_3217_value_unwraps() {
        let kek = hex("255E0D1C07B646DFB3134CC843BA8AA71F025B7C0838251F");
        let value =
            hex("690107618EF092B3B48CA1796B234AE9FA33EBB4159604037DB5D6A84EB3AAC2768C632775A467D4");
        let key = hex("2923BF85E06DD6AE529149F1F1BAE9EAB3A7DA3D860D3E98");
        assert_eq!(*Cipher::KwTripleDes.decrypt(&kek, &value).unwrap(), key);
        let mut changed = value;
        changed[0] ^= 1;
        assert_eq!(
            Cipher::KwTripleDes.decrypt(&kek, &changed),
            Err(Cause::Open)
        );
    }

    #[test]
    fn what_is_encrypted_opens_again() {
        for len in [16, 24, 32] {
            let (cipher, _) = Cipher::cbc_of(len).unwrap();
            let key = vec![7; len];
            let value = cipher
                .encrypt(&key, &[9; 16], b"12345678901234567890")
                .unwrap();
            assert_eq!(
                **cipher.decrypt(&key, &value).unwrap(),
                *b"12345678901234567890"
            );
        }
        assert!(Cipher::cbc_of(20).is_none());
        assert_eq!(Cipher::TripleDesCbc.encrypt(&[0; 24], &[0; 16], b"x"), None);
    }

    #[test]
    fn values_of_every_length_are_refused_quietly() {
        for (_, cipher) in NAMES {
            for len in 0..80 {
                let _ = cipher.decrypt(&vec![1; cipher.key_len()], &vec![2; len]);
                assert_eq!(
                    cipher.decrypt(&[1; 5], &vec![2; len]),
                    Err(Cause::Open),
                    "{cipher:?} {len}"
                );
            }
        }
    }
}
