//! Administration: commands are data, one table says which there are.

mod write;

pub use write::{Put, Write};
