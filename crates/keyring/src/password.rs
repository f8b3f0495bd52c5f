//! Argon2id verifiers of static passwords (RFC 9106; authentication.md 12), as PHC strings. Slow on purpose: run them on the
//! [`PasswordPool`](crate::PasswordPool).

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;

use crate::random::{self, RandomError};

/// Longest password that is hashed, in bytes.
pub const MAX_PASSWORD: usize = 128;
/// Longest verifier that is read, in bytes; ours have about 100.
const MAX_VERIFIER: usize = 256;
const SALT_LEN: usize = 16;

/// Cost of one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PasswordParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PasswordParams {
    /// 19 MiB, 2 passes, 1 lane.
    pub const DEFAULT: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };

    /// Memory in KiB (8 per lane to 1 GiB), passes (1 to 64), lanes (1 to 16); `None` outside these bounds.
    #[must_use]
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let bounded = lanes >= 1
            && lanes <= 16
            && passes >= 1
            && passes <= 64
            && memory_kib >= 8 * lanes
            && memory_kib <= 1024 * 1024;
        if bounded {
            Some(Self {
                memory_kib,
                passes,
                lanes,
            })
        } else {
            None
        }
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }

    pub(crate) fn argon2(self, output: usize) -> Result<Argon2<'static>, PasswordError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(output))
            .map_err(PasswordError::Argon2)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for PasswordParams {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A password cannot be hashed, or a stored verifier cannot be read.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// The password is longer than 128 bytes.
    #[error("hash a password: it is longer than 128 bytes")]
    TooLong,
    /// The stored verifier is no Argon2id PHC string within the bounds of [`PasswordParams`].
    #[error("read a password verifier: it is no Argon2id verifier within bounds")]
    Verifier,
    /// Argon2 itself failed: no memory.
    #[error("hash a password: {0}")]
    Argon2(argon2::Error),
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A new verifier of the password, as PHC string (`$argon2id$v=19$…`) with a random salt of 16 bytes.
pub fn hash(password: &[u8], params: PasswordParams) -> Result<String, PasswordError> {
    hash_with_salt(password, params, &random::random::<SALT_LEN>()?)
}

fn hash_with_salt(
    password: &[u8],
    params: PasswordParams,
    salt: &[u8],
) -> Result<String, PasswordError> {
    if password.len() > MAX_PASSWORD {
        return Err(PasswordError::TooLong);
    }
    let hash = params
        .argon2(Params::DEFAULT_OUTPUT_LEN)?
        .hash_password_with_salt(password, salt);
    Ok(hash
        .map_err(|_| PasswordError::Argon2(argon2::Error::OutOfMemory))?
        .to_string())
}

/// Whether the password is the one the verifier was made of; compared in constant time. A password over 128 bytes never is.
pub fn verify(password: &[u8], verifier: &str) -> Result<bool, PasswordError> {
    let (stored, _) = parse(verifier)?;
    if password.len() > MAX_PASSWORD {
        return Ok(false);
    }
    match Argon2::default().verify_password(password, &stored) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(PasswordError::Argon2(argon2::Error::OutOfMemory)),
    }
}

/// Whether a verifier should be made anew at the next correct password: it cannot be read or was made with other parameters.
#[must_use]
pub fn needs_rehash(verifier: &str, params: PasswordParams) -> bool {
    parse(verifier).map_or(true, |(_, made_with)| made_with != params)
}

/// The verifier and its cost, bounded: a planted verifier must not take the memory of the machine.
fn parse(verifier: &str) -> Result<(PasswordHash, PasswordParams), PasswordError> {
    if verifier.len() > MAX_VERIFIER {
        return Err(PasswordError::Verifier);
    }
    let stored = PasswordHash::new(verifier).map_err(|_| PasswordError::Verifier)?;
    let current = stored.algorithm == Algorithm::Argon2id.ident()
        && stored.version == Some(Version::V0x13.into());
    let complete =
        stored.salt.is_some() && stored.hash.as_ref().is_some_and(|hash| hash.len() >= 16);
    if !current || !complete {
        return Err(PasswordError::Verifier);
    }
    let params = Params::try_from(&stored).map_err(|_| PasswordError::Verifier)?;
    let params = PasswordParams::new(params.m_cost(), params.t_cost(), params.p_cost());
    Ok((stored, params.ok_or(PasswordError::Verifier)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cheap enough for many hashes in a test.
    const CHEAP: PasswordParams = PasswordParams::new(64, 1, 1).unwrap();

    #[test]
    fn only_the_password_verifies() {
        let verifier = hash(b"correct horse", CHEAP).unwrap();
        assert!(verify(b"correct horse", &verifier).unwrap());
        for wrong in [
            &b""[..],
            b"correct hors",
            b"correct horse ",
            b"Correct horse",
        ] {
            assert!(!verify(wrong, &verifier).unwrap());
        }
    }

    #[test]
    fn the_default_is_what_the_specification_says() {
        let verifier = hash(b"secret", PasswordParams::DEFAULT).unwrap();
        assert!(
            verifier.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{verifier}"
        );
        assert!(verify(b"secret", &verifier).unwrap());
    }

    /// A vector of the Argon2 reference implementation (version 0x13, 64 MiB, 2 passes, 1 lane).
    #[test]
    fn a_verifier_made_elsewhere_verifies() {
        let verifier = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify(b"password", verifier).unwrap());
        assert!(!verify(b"Password", verifier).unwrap());
    }

    #[test]
    fn every_hash_has_its_own_salt() {
        assert_ne!(hash(b"x", CHEAP).unwrap(), hash(b"x", CHEAP).unwrap());
    }

    #[test]
    fn long_passwords_are_refused() {
        assert!(matches!(
            hash(&[b'x'; 129], CHEAP),
            Err(PasswordError::TooLong)
        ));
        let verifier = hash(&[b'x'; 128], CHEAP).unwrap();
        assert!(verify(&[b'x'; 128], &verifier).unwrap());
        assert!(!verify(&[b'x'; 129], &verifier).unwrap());
    }

    #[test]
    fn other_parameters_ask_for_a_new_hash() {
        let verifier = hash(b"x", CHEAP).unwrap();
        assert!(!needs_rehash(&verifier, CHEAP));
        assert!(needs_rehash(&verifier, PasswordParams::DEFAULT));
        assert!(needs_rehash("", CHEAP));
    }

    #[test]
    fn planted_verifiers_are_refused_unread() {
        let good = hash(b"x", CHEAP).unwrap();
        let swap = |from: &str, to: &str| good.replacen(from, to, 1);
        for bad in [
            String::new(),
            "$argon2id$v=19$m=64,t=1,p=1".into(),
            swap("argon2id", "argon2i"),
            swap("argon2id", "argon2d"),
            swap("v=19", "v=16"),
            swap("m=64", "m=4294967295"),
            swap("m=64", "m=2097152"),
            swap("t=1", "t=65"),
            swap("p=1", "p=17"),
            swap("m=64", "m=7"),
            format!("{good}{}", "A".repeat(300)),
        ] {
            assert!(
                matches!(verify(b"x", &bad), Err(PasswordError::Verifier)),
                "{bad}"
            );
        }
    }

    #[test]
    fn parameters_are_bounded() {
        assert!(PasswordParams::new(8, 1, 1).is_some());
        assert!(PasswordParams::new(1024 * 1024, 64, 16).is_some());
        for (memory, passes, lanes) in [
            (7, 1, 1),
            (15, 1, 2),
            (64, 0, 1),
            (64, 1, 0),
            (64, 65, 1),
            (4096, 1, 17),
            (1024 * 1024 + 1, 1, 1),
        ] {
            assert_eq!(PasswordParams::new(memory, passes, lanes), None);
        }
    }
}
