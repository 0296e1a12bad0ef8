//! The binary `crier`.
fn main() {}
