//! Test worlds: the real program as a process, real peers as local processes, and clients that speak to it.
//!
//! Everything binds free ports on loopback and lives in a temporary directory of its own, so tests run side by side.

pub mod curl;
pub mod peer;
pub mod oath;
pub mod radclient;
pub mod radius;
pub mod server;
pub mod world;

pub use curl::Answer;
pub use radclient::{Packet, radclient};
pub use server::{Options, Server};
pub use world::World;
