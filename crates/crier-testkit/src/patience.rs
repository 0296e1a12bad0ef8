//! How long a test waits for something that must happen: a bound for failures, never a measure.
//!
//! Nothing here delays a test that passes.
#![expect(
    clippy::disallowed_methods,
    reason = "a failing test must end by real time, whatever its own clock does"
)]

use crier_platform::model::audit::Actor;
use crier_platform::model::time::WallMs;
use crier_platform::ports::store::{Batch, Store, UnitId};
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longest wait. Far above what a loaded machine needs; only a failure reaches it.
const LONGEST: Duration = Duration::from_secs(180);
/// More writes than a job makes, one after the other, before it waits for somebody else again.
const WRITES_IN_A_ROW: usize = 10;
/// Units of nothing so far: each has an id of its own.
static NOTHINGS: AtomicU64 = AtomicU64::new(0);

/// The result of `task`, or an error that names what did not happen.
///
/// # Errors
/// `TimedOut`; and those of `task`.
pub async fn within<T>(what: &str, task: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(LONGEST, task).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{what} did not happen"),
        )),
    }
}

/// Waits until the jobs on this thread have done all that they do unasked, so that what has not happened by then does not happen.
/// For a test whose runtime is this one thread.
///
/// The store's writer answers in the order in which it was asked: when it has answered a unit of ours, every write that a job had
/// asked for before is answered too, and the job goes on before we do.
///
/// # Panics
/// When the store refuses a unit that writes nothing.
#[expect(clippy::panic, reason = "a helper that cannot go on has failed its test")]
pub async fn all_done(store: &dyn Store) {
    for _ in 0..WRITES_IN_A_ROW {
        let number = NOTHINGS.fetch_add(1, Ordering::Relaxed);
        let unit = Batch {
            id: UnitId((u128::MAX - u128::from(number)).to_be_bytes()),
            by: Actor::System,
            now: WallMs(0),
            writes: Vec::new(),
        };
        if let Err(fault) = store.commit(unit).await {
            panic!("the store did not take a unit of nothing: {fault:?}");
        }
        tokio::task::yield_now().await;
    }
}
