//! How long a test waits for something that must happen: a bound for failures, never a measure.
//!
//! Nothing here delays a test that passes.
#![expect(
    clippy::disallowed_methods,
    reason = "a failing test must end by real time, whatever its own clock does"
)]

use std::future::Future;
use std::io;
use std::time::Duration;

/// Longest wait. Far above what a loaded machine needs; only a failure reaches it.
const LONGEST: Duration = Duration::from_secs(60);

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
