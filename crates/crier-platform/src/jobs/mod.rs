//! Background work as plain futures: the server's lifecycle runs them.

pub mod follow_changes;
pub mod pictures;
pub mod wake;
