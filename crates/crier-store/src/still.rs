//! Time and chance that stand still, for this crate's unit tests.

use async_trait::async_trait;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::clock::Clock;
use crier_platform::ports::entropy::Entropy;

/// One second after 1970 began, and always the same bytes.
pub(crate) struct Still;

#[async_trait]
impl Clock for Still {
    fn wall(&self) -> WallMs {
        WallMs(1_000)
    }

    fn wall_raw(&self) -> WallMs {
        WallMs(1_000)
    }

    fn elapsed(&self) -> ElapsedMs {
        ElapsedMs(1)
    }

    async fn sleep_until(&self, _moment: ElapsedMs) {}
}

impl Entropy for Still {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}
