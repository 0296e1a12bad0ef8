//! The targets.

pub mod decode;
pub mod guard;
