//! Starting and stopping tasks: signals, soft and hard stop, the task tracker and the bounded pool for blocking work.
//!
//! Promise: every task of the process is started here and is waited for when the process stops. Knows nothing of what they do.

use crate::bound::Bound;
use crate::metrics::ServerMetrics;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The two degrees of stopping. Cloning shares them.
#[derive(Clone, Default)]
pub struct Stop {
    soft: CancellationToken,
    /// The lead of a handover is over: new calls are refused.
    refusing: CancellationToken,
    hard: CancellationToken,
    /// Serving cannot go on: there is nothing to drain for.
    failed: CancellationToken,
}

impl Stop {
    /// Nothing stops yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One step further: the first call begins the soft stop, every later one cuts.
    pub fn advance(&self) {
        if self.soft.is_cancelled() {
            self.hard.cancel();
        }
        self.soft.cancel();
    }

    /// Cuts at once.
    pub fn cut(&self) {
        self.soft.cancel();
        self.refusing.cancel();
        self.hard.cancel();
    }

    /// Serving cannot go on: new calls are refused, and what was asked before gets its answer before everything is cut.
    pub fn fail(&self) {
        self.failed.cancel();
        self.refusing.cancel();
        self.soft.cancel();
    }

    /// Whether serving cannot go on.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.is_cancelled()
    }

    /// Returns when serving cannot go on.
    pub async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Whether the soft stop has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// From now on new calls are refused.
    pub fn refuse_calls(&self) {
        self.refusing.cancel();
    }

    /// Whether new calls are refused.
    #[must_use]
    pub fn refuses_calls(&self) -> bool {
        self.refusing.is_cancelled()
    }

    /// Returns when the soft stop begins.
    pub async fn begun(&self) {
        self.soft.cancelled().await;
    }

    /// Returns when everything is to be cut.
    pub async fn hard(&self) {
        self.hard.cancelled().await;
    }
}

/// Every task of one server. Cloning shares the tracker.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    cut: CancellationToken,
    /// What runs them; absent: what runs whoever starts them.
    runtime: Option<Handle>,
}

impl Tasks {
    /// No task yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same tracker; what is started through this one runs there.
    #[must_use]
    pub fn on(&self, runtime: Option<Handle>) -> Self {
        Self {
            runtime,
            ..self.clone()
        }
    }

    /// Starts a task. It ends by itself, or at the latest when the server cuts its tasks.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts tasks: tracked, and cut at the hard stop"
    )]
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Boxed: what wraps it would otherwise hold it three times over, for as long as a connection lives.
        let cut = self.cut.clone().run_until_cancelled_owned(Box::pin(task));
        let tracked = self.tracker.track_future(cut);
        match &self.runtime {
            Some(runtime) => runtime.spawn(tracked),
            None => tokio::spawn(tracked),
        };
    }

    /// Tasks that have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Returns when every task has ended; none may be started afterwards.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Drops every task where it stands.
    pub fn cut(&self) {
        self.cut.cancel();
    }
}

/// More work was offered than the pool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("as many wait as {0} says")]
pub struct PoolFull(pub &'static str);

/// Blocking work off the async threads: so many at once, so many waiting, the next is refused.
#[derive(Clone)]
pub struct Pool {
    bound: Bound,
    metrics: ServerMetrics,
    running: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Pool {
    /// A pool that runs `running` pieces of work at once while `waiting` more wait, as `bound` says; one more is counted.
    #[must_use]
    pub fn new((running, waiting): (usize, usize), (bound, metrics): (Bound, ServerMetrics)) -> Self {
        Self {
            bound,
            metrics,
            running: Arc::new(Semaphore::new(running)),
            places: Arc::new(Semaphore::new(running.saturating_add(waiting))),
        }
    }

    /// Runs one piece of work.
    ///
    /// # Errors
    /// `PoolFull` when every place is taken, or when the work did not end by itself.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolFull> {
        let full = PoolFull(self.bound.name());
        let _place = self.places.try_acquire().map_err(|_| {
            self.metrics.bound(self.bound);
            full
        })?;
        let turn = Arc::clone(&self.running).acquire_owned().await;
        let turn = turn.map_err(|_| full)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the bounded pool: its turn is held until the work has ended, even if the caller went away"
        )]
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|_| full)
    }
}

/// Turns the first SIGTERM or SIGINT into a soft stop and the second into a hard one (operating section 2). A terminal that goes away
/// (SIGHUP) begins a soft stop too, and no more than that, since a shell and its system may both say so; where whoever started the
/// process has it ignored, as nohup does, it stays ignored.
///
/// # Errors
/// When the system does not let the process listen for signals.
pub fn stop_at_signals(stop: &Stop) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = match hangup_is_ignored() {
        true => None,
        false => Some(signal(SignalKind::hangup())?),
    };
    let stop = stop.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the runtime and not with the tracked tasks: the second signal is heard while they are waited for"
    )]
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => stop.advance(),
                _ = interrupt.recv() => stop.advance(),
                Some(_) = next(&mut hangup) => if !stop.has_begun() { stop.advance() },
            }
        }
    });
    Ok(())
}

async fn next(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether this process was started with SIGHUP ignored; where the system does not tell, it was not.
fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// Signal 1 is the lowest bit of the mask.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hangup_that_is_ignored_is_read_from_the_mask() {
        for (mask, expected) in [
            ("0000000000000001", true),
            ("0000000000001001", true),
            ("0000000000001000", false),
            ("x", false),
        ] {
            let status = format!("Name:\tcrier\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0\n");
            assert_eq!(ignores_hangup(&status), expected, "{mask}");
        }
        assert!(!ignores_hangup(""));
    }

    #[test]
    fn the_first_step_is_soft_and_the_second_hard() {
        let stop = Stop::new();
        assert!(!stop.has_begun());
        stop.advance();
        assert!(stop.has_begun() && !stop.hard.is_cancelled());
        stop.advance();
        assert!(stop.hard.is_cancelled());
    }

    #[test]
    fn a_failure_refuses_calls_at_once_and_cuts_nothing_yet() {
        let stop = Stop::new();
        assert!(!stop.has_failed());
        stop.fail();
        assert!(stop.has_failed() && stop.has_begun() && stop.refuses_calls());
        assert!(!stop.hard.is_cancelled());
    }

    #[tokio::test]
    async fn a_pool_refuses_the_piece_of_work_behind_its_last_place() {
        let metrics = ServerMetrics::default();
        let pool = Pool::new((1, 0), (Bound::PasswordsWaiting, metrics.clone()));
        let (release, gate) = std::sync::mpsc::sync_channel::<()>(1);
        let busy = pool.run(move || gate.recv().is_ok());
        tokio::pin!(busy);
        // Polled once: the work has its place and its turn.
        assert_eq!(futures_util::future::poll_immediate(busy.as_mut()).await, None);
        let full = PoolFull("server.passwords_waiting_max");
        assert_eq!(pool.run(|| 1).await, Err(full));
        assert_eq!(metrics.times_met(Bound::PasswordsWaiting), 1);
        release.send(()).unwrap();
        assert_eq!(busy.await, Ok(true));
        assert_eq!(pool.run(|| 2).await, Ok(2));
    }

    #[tokio::test]
    async fn cutting_ends_a_task_that_would_never_end() {
        let tasks = Tasks::new();
        tasks.spawn(std::future::pending());
        assert_eq!(tasks.running(), 1);
        tasks.cut();
        tasks.ended().await;
        assert_eq!(tasks.running(), 0);
    }
}
