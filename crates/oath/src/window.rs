//! Which moving factors a server accepts, which it recognises as used, and how it finds a drifted authenticator again
//! (authentication.md 8.1–8.5).
//!
//! Every search takes a closure `matches(factor) -> bool`, so that HOTP, TOTP and OCRA share one set of rules.

mod event;
mod time;
mod width;

pub use event::{CounterHit, EventWindow, LOOK_BACK_COUNTERS};
pub use time::{LOOK_BACK_STEPS, StepHit, TimeWindow, drift};
pub use width::{dynamic_side, initial_side, normal_side};

/// How many times the window a second value may resynchronise, and an explanation looks (authentication.md 8.5, audit.md 2).
pub const RESYNC_FACTOR: u32 = 10;

/// Whether the second value of a resynchronisation is the one exactly after the first (RFC 4226 section 7.4).
pub fn follows(first: u64, matches: impl FnOnce(u64) -> bool) -> Option<u64> {
    first.checked_add(1).filter(|next| matches(*next))
}
