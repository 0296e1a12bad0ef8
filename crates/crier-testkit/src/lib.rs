//! What tests share: time and chance under control, callers, pages, servers. A dev-dependency, used from `tests/` folders only.

pub mod clock;
pub mod entropy;

pub use clock::ManualClock;
pub use entropy::SeededEntropy;
