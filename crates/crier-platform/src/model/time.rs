//! The platform's two time types: the wall and the stopwatch.

/// Milliseconds since 1970, UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
pub struct WallMs(pub i64);

impl WallMs {
    /// Whole Unix seconds, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment this many milliseconds later (earlier, when negative), held within the type's range.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The first whole Unix second at or after this moment.
    #[must_use]
    pub const fn secs_rounded_up(self) -> i64 {
        self.0.saturating_add(999).div_euclid(1000)
    }
}

/// Milliseconds on a clock that never stops, never jumps and says nothing about the date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ElapsedMs(pub u64);

impl ElapsedMs {
    /// The moment this many milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Microseconds on the same clock, for figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ElapsedMicros(pub u64);

impl ElapsedMicros {
    /// The moment in whole milliseconds.
    #[must_use]
    pub const fn whole_ms(self) -> ElapsedMs {
        ElapsedMs(self.0 / 1_000)
    }

    /// Microseconds since an earlier moment.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
