//! The shell around the engine: load, decide, commit, deliver.
//!
//! A request is a [`logon::Logon`] (or an administrative command) that is decided again and again: with more
//! answers, or after a conflict, until its decision is durable. Only then does the answer leave.

pub mod admin;
pub mod ask;
pub mod auth;
pub mod back_end;
mod charset;
mod clock;
pub mod commit;
mod detached;
mod gate;
pub mod logon;
pub mod metrics;
mod node;
pub mod outbound;
mod presence;
pub mod proof;
pub mod radius;
pub mod reply;
mod secrets;
pub mod session;
mod tidy;
pub mod timing;
mod turns;
mod watch;

pub use node::{NextRoot, Node, NodeOptions, Readiness};
