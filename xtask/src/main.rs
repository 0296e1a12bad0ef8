//! Placeholder of a room that opens next.
fn main() {}
