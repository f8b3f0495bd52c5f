//! Listeners that are no HTTP.

pub(crate) mod radius;
