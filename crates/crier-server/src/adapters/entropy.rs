//! The system's random source behind the Entropy port.

use crier_platform::ports::entropy::Entropy;
use std::sync::{Mutex, PoisonError};

/// Bytes asked of the system at once: a call of its own for each message id costs as much as the signature.
const POOL_BYTES: usize = 4096;

/// The operating system's random source, asked for a pool at a time.
pub struct OsEntropy {
    pool: Mutex<Vec<u8>>,
}

impl OsEntropy {
    /// The source, once it has answered: afterwards it cannot fail.
    ///
    /// # Errors
    /// A sentence when the system gives no random bytes; the process does not start then.
    pub fn open() -> Result<Self, String> {
        let mut probe = [0u8; 1];
        let source = Self {
            pool: Mutex::new(Vec::with_capacity(POOL_BYTES)),
        };
        fill(&mut probe).map(|()| source).map_err(|why| {
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
        let answers = "a random source that has answered once goes on answering";
        if bytes.len() > POOL_BYTES {
            return fill(bytes).expect(answers);
        }
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < bytes.len() {
            pool.resize(POOL_BYTES, 0);
            fill(&mut pool).expect(answers);
        }
        let left = pool.len() - bytes.len();
        bytes.copy_from_slice(&pool[left..]);
        // What has been given away must not be found in memory, nor given away again.
        pool[left..].fill(0);
        pool.truncate(left);
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

    #[test]
    fn no_byte_of_a_pool_is_given_twice() {
        let source = OsEntropy::open().unwrap();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..2 * POOL_BYTES / 16 + 3 {
            let mut bytes = [0u8; 16];
            source.fill(&mut bytes);
            assert!(seen.insert(bytes));
        }
        let mut large = vec![0u8; POOL_BYTES + 1];
        source.fill(&mut large);
        assert!(large.iter().filter(|byte| **byte == 0).count() < POOL_BYTES / 8);
    }
}
