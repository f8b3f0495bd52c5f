//! Vectors and captures against the crate as a whole.

mod files;
mod shared_data;
mod vectors;
