//! Whole attempts in small worlds: every table and worked example of authentication.md 4–9, 12 and 14.

mod accounts;
mod back_ends;
mod challenges;
mod changes;
mod hashes;
mod locks;
mod modes;
mod names;
mod one_time;
mod passwords;
mod properties;
mod registration;
mod shapes;
mod traces;
mod world;
