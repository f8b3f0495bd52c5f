//! The store as a whole: what is promised about commits, faults, the chain and the lists.

mod back_ends;
mod backup;
pub(crate) mod chain;
mod commands;
mod commit;
mod document;
mod faults;
mod free;
mod lists;
mod races;
mod sync;
mod together;
pub(crate) mod world;
