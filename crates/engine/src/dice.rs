//! Randomness dealt per attempt: seeded once when the attempt arrives, so a re-run throws the same values.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The dice of one attempt. Each purpose throws from its own stream, so that a decision that is made again throws
/// the same value for the same purpose, whatever it threw before.
#[derive(Clone)]
pub struct Dice {
    seed: [u8; 32],
}

/// What a throw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Key of a challenge.
    ChallengeKey = 1,
    /// Digits of a challenge.
    Question = 2,
    /// Which of several equal choices.
    Choice = 3,
    /// Key of a new authenticator.
    Key = 4,
    /// A serial number.
    Serial = 5,
    /// A token.
    Token = 6,
    /// A password.
    Password = 7,
}

impl Dice {
    /// Dice from 32 random bytes of the shell.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed }
    }

    /// `N` random bytes for a purpose.
    pub fn bytes<const N: usize>(&self, purpose: Purpose) -> [u8; N] {
        let mut out = [0; N];
        self.stream(purpose).fill_bytes(&mut out);
        out
    }

    /// Numbers below the bound that each call names, without bias; 0 where the bound is 0.
    pub fn picks(&self, purpose: Purpose) -> impl FnMut(usize) -> usize + use<> {
        let mut stream = self.stream(purpose);
        move |bound| {
            let bound = u32::try_from(bound).unwrap_or(u32::MAX);
            let most = u32::MAX - u32::MAX.checked_rem(bound).unwrap_or(0);
            loop {
                let thrown = stream.next_u32();
                if thrown < most || bound == 0 {
                    return thrown.checked_rem(bound).unwrap_or(0) as usize;
                }
            }
        }
    }

    /// `count` random decimal digits for a purpose, without bias.
    pub fn digits(&self, purpose: Purpose, count: usize) -> String {
        let mut stream = self.stream(purpose);
        let fair = std::iter::repeat_with(move || stream.next_u32().to_le_bytes()[0])
            .filter(|byte| *byte < 250);
        fair.take(count)
            .map(|byte| char::from(b'0' + byte % 10))
            .collect()
    }

    fn stream(&self, purpose: Purpose) -> ChaCha12Rng {
        let mut rng = ChaCha12Rng::from_seed(self.seed);
        rng.set_stream(purpose as u64);
        rng
    }
}

impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dice(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throw_repeats_and_purposes_differ() {
        let dice = Dice::new([7; 32]);
        assert_eq!(
            dice.bytes::<16>(Purpose::ChallengeKey),
            dice.bytes::<16>(Purpose::ChallengeKey)
        );
        assert_ne!(
            dice.bytes::<16>(Purpose::ChallengeKey),
            dice.bytes::<16>(Purpose::Token)
        );
        assert_ne!(
            dice.bytes::<16>(Purpose::Token),
            Dice::new([8; 32]).bytes::<16>(Purpose::Token)
        );
        let digits = dice.digits(Purpose::Question, 8);
        assert!(digits.len() == 8 && digits.bytes().all(|d| d.is_ascii_digit()));
    }
}
