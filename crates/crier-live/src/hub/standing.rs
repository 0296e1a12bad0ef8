//! What stands in this process at one moment, for the page of figures (live section 13).
//!
//! Promise: looked at part by part, so that nobody waits for the whole; nothing is counted twice or kept for it.

use super::Hub;
use crate::metrics::{Standing, Watched};
use std::fmt;
use std::sync::atomic::Ordering;

impl fmt::Debug for Hub {
    /// The name alone: connections carry secrets.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hub")
    }
}

impl Watched for Hub {
    fn standing(&self) -> Standing {
        let mut standing = Standing {
            items: self.broker.process.items.load(Ordering::Relaxed),
            bytes: self.broker.process.bytes.load(Ordering::Relaxed),
            heads: self.broker.heads() as u64,
            ..Standing::default()
        };
        let (waiting, oldest) = self.receipts.standing();
        let now = self.clock.elapsed();
        standing.receipts = waiting;
        standing.receipt_oldest_secs = oldest.map_or(0, |oldest| now.0.saturating_sub(oldest.0) / 1_000);
        self.broker.each(|_, place| {
            standing.pages += place.pages.len() as u64;
            let handlers = place.pages.iter().map(|page| page.handlers.len() as u64);
            standing.handlers += handlers.sum::<u64>();
        });
        for link in self.all() {
            let state = link.state();
            standing.lagging += u64::from(state.is_lagging());
            standing.outbox_bytes += state.waiting_bytes() as u64;
        }
        standing
    }
}
