//! Figures of posts to hooks: counted here and in the books, shown by the server. Promise: no figure names a person or an address.

use crate::model::hook::HookSpace;
use crate::model::time::WallMs;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What an attempt has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookFate {
    /// It was taken.
    Posted,
    /// It was not, and is tried again.
    Retried,
    /// The receiver does not want it (410).
    Refused,
    /// The application has no address for it any more.
    Off,
}

impl HookFate {
    const ALL: [Self; 4] = [Self::Posted, Self::Retried, Self::Refused, Self::Off];

    const fn word(self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::Retried => "retried",
            Self::Refused => "refused",
            Self::Off => "off",
        }
    }
}

/// The figures.
#[derive(Debug, Default)]
pub struct HookFigures {
    fates: [AtomicU64; HookFate::ALL.len()],
    waiting: AtomicU64,
    /// 0: nothing waits.
    oldest_ms: AtomicI64,
    dropped: AtomicU64,
    expired: AtomicU64,
}

impl HookFigures {
    pub(super) fn add(&self, fate: HookFate) {
        let known = HookFate::ALL.iter().zip(&self.fates);
        if let Some((_, count)) = known.into_iter().find(|(known, _)| **known == fate) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn set_space(&self, space: HookSpace) {
        let oldest = space.oldest.map_or(0, |oldest| oldest.0);
        self.waiting.store(space.waiting, Ordering::Relaxed);
        self.oldest_ms.store(oldest, Ordering::Relaxed);
        self.dropped.store(space.dropped, Ordering::Relaxed);
        self.expired.store(space.expired, Ordering::Relaxed);
    }

    /// Posts by what became of them: those of this process, and what the books have counted of posts that left unposted.
    #[must_use]
    pub fn results(&self) -> Vec<(&'static str, u64)> {
        let fates = HookFate::ALL.iter().zip(&self.fates);
        let mut results: Vec<_> = fates
            .map(|(fate, count)| (fate.word(), count.load(Ordering::Relaxed)))
            .collect();
        results.push(("dropped", self.dropped.load(Ordering::Relaxed)));
        results.push(("expired", self.expired.load(Ordering::Relaxed)));
        results
    }

    /// Posts that wait or are under way.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Seconds since the oldest of them happened; 0 when there is none.
    #[must_use]
    pub fn oldest_secs(&self, now: WallMs) -> u64 {
        match self.oldest_ms.load(Ordering::Relaxed) {
            0 => 0,
            oldest => u64::try_from((now.0.saturating_sub(oldest)) / 1_000).unwrap_or(0),
        }
    }
}
