//! Words of the choices in records, one table for commands, views and the store.

macro_rules! words {
    ($($name:ident: $($choice:ident $word:literal),+;)+) => {$(
        impl $name {
            /// All words, as commands and records spell them.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word of a choice.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$choice => $word),+
                }
            }

            /// The choice of a word.
            pub fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$choice),)+
                    _ => None,
                }
            }
        }
    )+};
}

pub(super) use words;
