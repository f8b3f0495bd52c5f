//! What the benches share: the program as a child process, the load against it, filled stores, and bare commits.

pub mod commit;
pub mod fill;
pub mod peer;
pub mod process;
pub mod runs;
pub mod server;
pub mod shape;
pub mod usage;
