//! Chance from a seed: a failure prints it and repeats.

use crier_platform::ports::entropy::Entropy;
use crier_proto::digest::sha256;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that depend on the seed and the order of asking alone.
pub struct SeededEntropy {
    seed: u64,
    asked: AtomicU64,
}

impl SeededEntropy {
    /// A source for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            asked: AtomicU64::new(0),
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let turn = self.asked.fetch_add(1, Ordering::Relaxed);
            let block = sha256(&[&self.seed.to_le_bytes(), &turn.to_le_bytes()]);
            chunk.iter_mut().zip(block).for_each(|(slot, byte)| *slot = byte);
        }
    }
}
