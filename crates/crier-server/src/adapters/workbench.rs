//! Where images are worked at: the bounded pool behind media's workbench.

use crate::bound::Bound;
use crate::lifecycle::Pool;
use crate::metrics::ServerMetrics;
use crier_media::config::MediaConfig;
use crier_media::thumbnail::{Work, Workbench};
use futures_util::future::BoxFuture;

/// Works on `media.decodes_max` images at once while `media.decodes_waiting_max` more wait.
pub struct DecodeBench(Pool);

impl DecodeBench {
    /// A bench of the size that this section names.
    #[must_use]
    pub fn new(config: &MediaConfig, metrics: ServerMetrics) -> Self {
        Self(Pool::new(
            (config.decodes_max, config.decodes_waiting_max),
            (Bound::DecodesWaiting, metrics),
        ))
    }
}

impl Workbench for DecodeBench {
    fn run(&self, work: Work) -> BoxFuture<'_, bool> {
        Box::pin(async move { self.0.run(work).await.is_ok() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::poll_immediate;
    use std::sync::mpsc::sync_channel;

    /// Polls each once, in order, so that each has its place.
    async fn start(runs: &mut [BoxFuture<'_, bool>]) {
        for run in runs {
            assert_eq!(poll_immediate(run).await, None);
        }
    }

    #[tokio::test]
    async fn decodes_max_are_at_work_and_decodes_waiting_max_wait_and_the_next_is_refused() {
        let config = MediaConfig {
            decodes_max: 2,
            decodes_waiting_max: 1,
            ..MediaConfig::default()
        };
        let metrics = ServerMetrics::default();
        let bench = DecodeBench::new(&config, metrics.clone());
        let (begun, at_work) = sync_channel(3);
        let mut gates = Vec::new();
        let mut runs: Vec<BoxFuture<'_, bool>> = Vec::new();
        for number in 0..3 {
            let (open, gate) = sync_channel::<()>(1);
            let begun = begun.clone();
            gates.push(open);
            runs.push(bench.run(Box::new(move || {
                let _ = begun.send(number);
                let _ = gate.recv();
            })));
        }
        start(&mut runs).await;
        assert_eq!(metrics.times_met(Bound::DecodesWaiting), 0);
        assert!(!bench.run(Box::new(|| {})).await);
        assert_eq!(metrics.times_met(Bound::DecodesWaiting), 1);
        let mut first = [at_work.recv().unwrap(), at_work.recv().unwrap()];
        first.sort_unstable();
        assert_eq!(first, [0, 1]);
        assert!(at_work.try_recv().is_err());
        gates[0].send(()).unwrap();
        assert!(runs.remove(0).await);
        let third = runs.pop().unwrap();
        gates[2].send(()).unwrap();
        assert!(third.await);
        assert_eq!(at_work.recv(), Ok(2));
        gates[1].send(()).unwrap();
        assert!(runs.remove(0).await);
    }
}
