//! The decisions of Countersign: facts in, a decision out.
//!
//! Nothing here reads a clock, a socket, a file, a random source or a global, and nothing is `async`.
//! Given the same inputs, every function gives the same answer; so an incident replays as a unit test,
//! and every decision can explain itself. The shell (crates `store`, `service`, `web`, `server`) waits.

pub mod admin;
pub mod attempt;
pub mod audit;
pub mod authenticate;
pub mod back_end;
pub mod decision;
pub mod dice;
pub mod facts;
pub mod levels;
pub mod model;
pub mod network;
pub mod policy;
pub mod settings;
pub mod snapshot;
pub mod status;
pub mod text;
pub mod time;
pub mod trace;

pub use countersign_oath::Secret;
pub use status::Status;
