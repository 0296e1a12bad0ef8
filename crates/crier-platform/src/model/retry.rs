//! When a signed post to an application is tried again, and when it is given up (live 7.10): one rule for receipts and hooks.

use crate::ports::entropy::{Entropy, random_bytes};

/// Milliseconds before each further attempt; the last one again and again.
pub const DELAYS_MS: [u64; 7] = [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
/// How long after what it tells a post is given up.
pub const GIVEN_UP_MS: u64 = 24 * 3_600_000;
/// Each delay is moved by up to this many thousandths, either way.
const JITTER: u64 = 200;

/// The time until the attempt after so many failures, moved by chance.
pub fn delay_ms(failures: u32, entropy: &dyn Entropy) -> u64 {
    let last = DELAYS_MS.len() - 1;
    let step = usize::try_from(failures).unwrap_or(last).min(last);
    let chance = u64::from(u32::from_le_bytes(random_bytes(entropy))) % (2 * JITTER + 1);
    DELAYS_MS[step] * (1_000 - JITTER + chance) / 1_000
}
