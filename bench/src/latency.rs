//! Durations counted in narrow classes, so that several processes' counts can be added and any share read off.

use serde::{Deserialize, Serialize};

/// Classes to each doubling: a value read off is at most 1.1 % too high.
const PER_OCTAVE: f64 = 64.0;

/// Counted durations, in microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Latencies {
    classes: Vec<u64>,
    most_us: u64,
}

impl Latencies {
    /// Counts one.
    pub fn record(&mut self, us: u64) {
        let class = (us.max(1) as f64).log2() * PER_OCTAVE;
        let class = class.ceil() as usize;
        if self.classes.len() <= class {
            self.classes.resize(class + 1, 0);
        }
        if let Some(count) = self.classes.get_mut(class) {
            *count += 1;
        }
        self.most_us = self.most_us.max(us);
    }

    /// Adds another process's.
    pub fn add(&mut self, other: &Self) {
        if self.classes.len() < other.classes.len() {
            self.classes.resize(other.classes.len(), 0);
        }
        for (own, more) in self.classes.iter_mut().zip(&other.classes) {
            *own += more;
        }
        self.most_us = self.most_us.max(other.most_us);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// The value that this share of them did not exceed, in milliseconds.
    pub fn ms(&self, share: f64) -> f64 {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (class, count) in self.classes.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                let top = (class as f64 / PER_OCTAVE).exp2();
                return top.min(self.most_us as f64) / 1_000.0;
            }
        }
        0.0
    }

    /// `p50, p99 and most` in milliseconds, as a table shows them.
    pub fn row(&self) -> String {
        let most = self.most_us as f64 / 1_000.0;
        format!(
            "p50 {:.2} ms, p99 {:.2} ms, most {most:.2} ms, of {}",
            self.ms(0.5),
            self.ms(0.99),
            self.count()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Latencies;

    #[test]
    fn a_share_is_read_off_within_a_hundredth_also_over_two_counts() {
        let (mut low, mut high) = (Latencies::default(), Latencies::default());
        (1..=500).for_each(|us| low.record(us * 10));
        (501..=1_000).for_each(|us| high.record(us * 10));
        low.add(&high);
        assert_eq!(low.count(), 1_000);
        for (share, ms) in [(0.5, 5.0), (0.99, 9.9), (1.0, 10.0)] {
            let read = low.ms(share);
            assert!(read >= ms && read <= ms * 1.012, "{share}: {read}");
        }
    }
}
