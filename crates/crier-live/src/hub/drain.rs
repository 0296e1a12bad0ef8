//! Leaving: a stopping process sends its pages away, each at its own moment, and waits until they are gone (live 9.6, 9.7).
//!
//! Promise: with a thousand connections or more, no second of the window has more than its even share of returns and one; whoever
//! comes while the process leaves is told to come back within the window. Knows no signal, no REST call and no file: the server
//! orders the steps.

use super::Hub;
use crate::connection::CLOSING_MS;
use crate::link::Link;
use crier_platform::model::time::ElapsedMs;
use crier_proto::frame::{Bye, ServerFrame};
use futures_util::future::{Either, select};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

/// The shortest window (live 9.7).
pub(super) const WINDOW_LEAST_MS: u64 = 1_000;

/// How far the process is on its way out.
#[derive(Default)]
pub(super) struct Leaving {
    /// New connections get 4001.
    closed: AtomicBool,
    /// Calls that wait for a page are answered with the state so far.
    hurried: AtomicBool,
    hurries: Notify,
    emptied: Notify,
    /// Milliseconds within which the pages are wanted back; 0 before a stop.
    window_ms: AtomicU64,
}

impl Hub {
    /// Takes no further connection: each gets 4001. Those that wait for their turn too.
    pub(crate) fn close_door(&self) {
        self.set_window();
        self.leaving.closed.store(true, Ordering::Release);
        self.admission.clear();
        for link in self.all() {
            let is_new = link.state().permit().is_none();
            if is_new {
                self.end(&link, Bye::Restarting, None);
            }
        }
    }

    /// Answers the calls that wait for a page.
    pub(crate) fn hurry(&self) {
        self.leaving.hurried.store(true, Ordering::Release);
        self.leaving.hurries.notify_waiters();
    }

    /// Ends every connection with this bye and a delay of its own.
    pub(crate) fn send_away(&self, bye: Bye) {
        let (links, delays) = self.spread();
        for (link, delay_ms) in links.iter().zip(delays) {
            self.end(link, bye, Some(delay_ms));
        }
    }

    /// Asks every connection to go elsewhere after a delay of its own, and ends what is left when the window is over (`handover`).
    pub(crate) async fn hand_over(&self) {
        let until = self.clock.elapsed().plus_ms(self.window_ms());
        let (links, delays) = self.spread();
        for (link, retry_after) in links.iter().zip(delays) {
            let frame = ServerFrame::Drain { retry_after }.to_json().into();
            let now = self.clock.elapsed();
            let told = link.state().control(frame, &self.terms, now);
            if told {
                self.schedule(link);
                link.pump();
            }
        }
        drop(links);
        if !self.is_empty_by(until).await {
            self.set_window();
            self.send_away(Bye::Moved);
        }
    }

    /// Returns when no connection is left, or when the outboxes have had their time (live 9.6).
    pub(crate) async fn emptied(&self) {
        self.is_empty_by(self.clock.elapsed().plus_ms(CLOSING_MS)).await;
    }

    /// Whether new connections are refused.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.closed.load(Ordering::Acquire)
    }

    /// Whether calls that wait for a page are answered at once.
    pub(crate) fn is_hurried(&self) -> bool {
        self.leaving.hurried.load(Ordering::Acquire)
    }

    /// Comes when waiting calls are to be answered and no post of receipts is begun any more.
    pub(crate) fn hurries(&self) -> &Notify {
        &self.leaving.hurries
    }

    /// The last connection has gone.
    pub(super) fn note_empty(&self) {
        self.leaving.emptied.notify_waiters();
    }

    /// Milliseconds within which the pages are wanted back.
    pub(super) fn window_ms(&self) -> u64 {
        self.leaving
            .window_ms
            .load(Ordering::Relaxed)
            .max(WINDOW_LEAST_MS)
    }

    /// A random delay within the window, for one that comes by itself.
    pub(super) fn spread_ms(&self) -> u64 {
        self.random_below(self.window_ms())
    }

    /// Fixes the window: a second for each thousand connections (live 9.7). What closes meanwhile makes it no shorter for those that
    /// are told later.
    fn set_window(&self) {
        let connections = u64::from(self.open.load(Ordering::Relaxed));
        let window = connections.clamp(WINDOW_LEAST_MS, self.config.drain_window.0.max(WINDOW_LEAST_MS));
        self.leaving.window_ms.store(window, Ordering::Relaxed);
    }

    /// All connections, and as many delays in random order.
    fn spread(&self) -> (Vec<Arc<Link>>, Vec<u64>) {
        let links = self.all();
        let delays = delays(links.len(), self.window_ms(), |bound| self.random_below(bound));
        (links, delays)
    }

    async fn is_empty_by(&self, deadline: ElapsedMs) -> bool {
        loop {
            let mut changed = pin!(self.leaving.emptied.notified());
            changed.as_mut().enable();
            if self.open.load(Ordering::Acquire) == 0 {
                return true;
            }
            if let Either::Right(_) = select(changed, self.clock.sleep_until(deadline)).await {
                return false;
            }
        }
    }

    /// Every connection as of now.
    pub(super) fn all(&self) -> Vec<Arc<Link>> {
        let mut all = Vec::new();
        self.links.each(|part| all.extend(part.values().map(Arc::clone)));
        all
    }
}

/// So many delays within a window, in random order: one in each of as many equal parts, so that the returns are even however chance
/// falls. Drawn one by one, the busiest second of a small crowd would have twice its share.
fn delays(count: usize, window_ms: u64, mut below: impl FnMut(u64) -> u64) -> Vec<u64> {
    let parts = count as u64;
    let start_of = |part: u64| part * window_ms / parts.max(1);
    let within = |part: u64, below: &mut dyn FnMut(u64) -> u64| {
        let start = start_of(part);
        start + below((start_of(part + 1) - start).max(1))
    };
    let mut delays: Vec<u64> = (0..parts).map(|part| within(part, &mut below)).collect();
    for last in (1..count).rev() {
        let other = usize::try_from(below(last as u64 + 1)).unwrap_or(last);
        delays.swap(last, other);
    }
    delays
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same each time.
    fn chance(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |bound| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % bound
        }
    }

    /// The most delays in any second, wherever it begins.
    fn busiest_second(delays: &[u64]) -> usize {
        let mut sorted = delays.to_vec();
        sorted.sort_unstable();
        let within = |start: u64| sorted.partition_point(|delay| *delay < start + 1_000);
        sorted
            .iter()
            .map(|start| within(*start) - sorted.partition_point(|delay| delay < start))
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn no_second_of_the_window_has_more_than_its_share_and_two() {
        for seed in 0..8 {
            for (count, window_ms) in [
                (1_000, 1_000),
                (1_001, 1_001),
                (1_999, 1_999),
                (15_000, 15_000),
                (20_000, 7_000),
                (100_000, 30_000),
            ] {
                let delays = delays(count, window_ms, chance(seed));
                assert_eq!(delays.len(), count);
                assert!(delays.iter().all(|delay| *delay < window_ms));
                let share = (count as u64 * 1_000).div_ceil(window_ms);
                let busiest = busiest_second(&delays) as u64;
                assert!(
                    busiest <= share + 2,
                    "{count} in {window_ms} ms: {busiest} > {share} + 2"
                );
            }
        }
    }

    #[test]
    fn who_goes_when_is_chance_and_few_go_anywhere_in_the_window() {
        let (first, second) = (delays(5, 1_000, chance(1)), delays(5, 1_000, chance(2)));
        assert_ne!(first, second);
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_ne!(first, sorted, "those that connected first do not always go first");
        assert!(delays(0, 1_000, chance(1)).is_empty());
        assert!(delays(1, 1_000, chance(1))[0] < 1_000);
    }
}
