//! The system's random source behind the Entropy port.

use crier_platform::ports::entropy::Entropy;

/// The operating system's random source.
pub struct OsEntropy;

impl OsEntropy {
    /// The source, once it has answered: afterwards it cannot fail.
    ///
    /// # Errors
    /// A sentence when the system gives no random bytes; the process does not start then.
    pub fn open() -> Result<Self, String> {
        let mut probe = [0u8; 1];
        fill(&mut probe).map(|()| Self).map_err(|why| {
            format!("the system gives no random bytes ({why}): check that /dev/urandom exists")
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system for chance"
)]
fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(bytes)
}

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        fill(bytes).expect("a random source that has answered once goes on answering");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ() {
        let source = OsEntropy::open().unwrap();
        let (mut one, mut two) = ([0u8; 32], [0u8; 32]);
        source.fill(&mut one);
        source.fill(&mut two);
        assert_ne!(one, two);
        assert_ne!(one, [0u8; 32]);
    }
}
