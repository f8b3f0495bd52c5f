//! Every command on a small world: what it does, and what it refuses.

mod accounts;
mod back_ends;
mod commands;
mod configuration;
mod devices;
mod grammar;
mod nodes;
mod sync_profiles;
pub(super) mod world;
