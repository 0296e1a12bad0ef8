//! Quotas and call order: the arithmetic that every ledger shares, and the ledgers.
//!
//! The arithmetic here is pure; a backend adds where it is remembered and how it is made indivisible.

pub mod memory;
mod order;
mod window;

pub use order::CallOrder;
pub use window::Window;
