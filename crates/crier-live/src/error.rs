//! What can go wrong when a node is made. What can go wrong later is in the ports' own faults.

/// A configuration that no node can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// A bound of zero that must be at least one.
    #[error("live.{0} must be at least 1")]
    Zero(&'static str),
}
