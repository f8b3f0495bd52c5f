//! Names and types of attributes.

mod encode;

pub use encode::AttributeBytes;
