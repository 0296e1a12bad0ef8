//! Chance as an argument: unpredictable in the product, reproducible from a seed in tests.

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the buffer. The product's source cannot fail after the process has started.
    fn fill(&self, bytes: &mut [u8]);
}

/// `N` random bytes.
#[must_use]
pub fn random_bytes<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0u8; N];
    entropy.fill(&mut bytes);
    bytes
}
