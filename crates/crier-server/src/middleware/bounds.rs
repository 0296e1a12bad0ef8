//! A request's body under its bounds: so many bytes, at least so fast, at the latest by then (protocol 3.10; live section 12).
//!
//! Promise: a body that is whole when its head arrives costs no timer. Knows no media type and no door.

use bytes::Bytes;
use crier_platform::model::quantity;
use crier_platform::ports::clock::Clock;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// More bytes than its limit.
    #[error("body over its limit")]
    TooLarge,
    /// Under the least rate, or not whole by its deadline.
    #[error("body too slow")]
    TooSlow,
    /// The connection broke, or the framing is wrong.
    #[error("body broken off")]
    Broken,
}

/// All bytes of a body as a handler holds it, at most so many; what is beyond is not read.
///
/// # Errors
/// The bound that it broke.
pub async fn read_whole(mut body: axum::body::Body, most: quantity::Bytes) -> Result<Vec<u8>, BodyFault> {
    if body.size_hint().lower() > most.0 {
        return Err(BodyFault::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|why| fault_below(&why))?.into_data();
        bytes.extend_from_slice(&data.unwrap_or_default());
        if bytes.len() as u64 > most.0 {
            return Err(BodyFault::TooLarge);
        }
    }
    Ok(bytes)
}

/// The body's own fault lies below the framework's error.
fn fault_below(why: &axum::Error) -> BodyFault {
    let mut below: Option<&(dyn Error + 'static)> = Some(why);
    while let Some(error) = below {
        match error.downcast_ref() {
            Some(fault) => return *fault,
            None => below = error.source(),
        }
    }
    BodyFault::Broken
}

/// How slow a body may be.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Milliseconds before the rate counts.
    pub grace_ms: u64,
    /// Least bytes per second afterwards; at least 1.
    pub bytes_per_second: u64,
    /// Milliseconds that a whole body may take.
    pub longest_ms: u64,
}

impl Pace {
    /// Milliseconds after its start by which a body that has brought so many bytes must have brought more.
    #[must_use]
    pub fn patience_ms(self, bytes: u64) -> u64 {
        let earned = bytes.saturating_mul(1000) / self.bytes_per_second.max(1);
        self.grace_ms.saturating_add(earned).min(self.longest_ms)
    }
}

/// A body that ends with a fault when it breaks its bounds.
pub struct BoundedBody<B> {
    inner: B,
    limit: u64,
    taken: u64,
    pace: Pace,
    clock: Arc<dyn Clock>,
    /// It has been asked in vain since it last brought something.
    asked: bool,
    waiting: Option<Waiting>,
}

struct Waiting {
    began_ms: u64,
    patience_ms: u64,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<B: Body<Data = Bytes> + Unpin> BoundedBody<B> {
    /// This body, at most `limit` bytes of it, at this pace.
    pub fn new(inner: B, limit: u64, pace: Pace, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            limit,
            taken: 0,
            pace,
            clock,
            asked: false,
            waiting: None,
        }
    }

    /// All its bytes.
    ///
    /// # Errors
    /// The bound that it broke.
    pub async fn whole(mut self) -> Result<Vec<u8>, BodyFault> {
        if self.inner.size_hint().lower() > self.limit {
            return Err(BodyFault::TooLarge);
        }
        let mut first = Bytes::new();
        let mut rest: Option<Vec<u8>> = None;
        // A body of a known length has come to its end with its last byte: its end is not waited for.
        while !self.inner.is_end_stream()
            && let Some(frame) = self.frame().await
        {
            let Ok(data) = frame?.into_data() else { continue };
            match &mut rest {
                Some(bytes) => bytes.extend_from_slice(&data),
                None if first.is_empty() => first = data,
                None => rest = Some([first.as_ref(), data.as_ref()].concat()),
            }
        }
        Ok(rest.unwrap_or_else(|| first.into()))
    }

    /// Ready when the body has been waited for longer than its bytes have earned.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let patience_ms = self.pace.patience_ms(self.taken);
            let clock = &self.clock;
            let waiting = match self.waiting.take() {
                Some(waiting) => self.waiting.insert(waiting),
                None => {
                    let began_ms = clock.elapsed().0;
                    self.waiting.insert(Waiting::until(clock, began_ms, patience_ms))
                }
            };
            ready!(waiting.over.as_mut().poll(context));
            if patience_ms <= waiting.patience_ms {
                return Poll::Ready(());
            }
            *waiting = Waiting::until(clock, waiting.began_ms, patience_ms);
        }
    }
}

impl Waiting {
    fn until(clock: &Arc<dyn Clock>, began_ms: u64, patience_ms: u64) -> Self {
        let clock = Arc::clone(clock);
        let moment = crier_platform::model::time::ElapsedMs(began_ms).plus_ms(patience_ms);
        Self {
            began_ms,
            patience_ms,
            over: Box::pin(async move { clock.sleep_until(moment).await }),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for BoundedBody<B> {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            // The connection hands over what it has read only once it was asked: a timer is for what is not there then.
            if !std::mem::replace(&mut this.asked, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            ready!(this.poll_patience(context));
            return Poll::Ready(Some(Err(BodyFault::TooSlow)));
        };
        this.asked = false;
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let Ok(frame) = frame else {
            return Poll::Ready(Some(Err(BodyFault::Broken)));
        };
        let brought = frame.data_ref().map_or(0, Bytes::len);
        this.taken = this
            .taken
            .saturating_add(u64::try_from(brought).unwrap_or(u64::MAX));
        if this.taken > this.limit {
            return Poll::Ready(Some(Err(BodyFault::TooLarge)));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::clock::SystemClock;
    use crier_platform::model::time::{ElapsedMs, WallMs};
    use http_body_util::{Full, StreamBody};

    const PACE: Pace = Pace {
        grace_ms: 10_000,
        bytes_per_second: 16_384,
        longest_ms: 120_000,
    };

    fn bounded<B: Body<Data = Bytes> + Unpin>(inner: B, limit: u64, pace: Pace) -> BoundedBody<B> {
        BoundedBody::new(inner, limit, pace, Arc::new(SystemClock::start()))
    }

    #[test]
    fn patience_is_the_grace_plus_what_bytes_earn_at_body_rate_up_to_the_longest() {
        assert_eq!(PACE.patience_ms(0), 10_000);
        assert_eq!(PACE.patience_ms(16_384), 11_000);
        assert_eq!(PACE.patience_ms(10 << 20), 120_000);
        assert_eq!(PACE.patience_ms(u64::MAX), 120_000);
    }

    #[tokio::test]
    async fn body_of_its_limit_is_whole_and_one_byte_more_is_refused() {
        assert_eq!(
            bounded(Full::from("abc"), 3, PACE).whole().await,
            Ok(b"abc".to_vec())
        );
        assert_eq!(
            bounded(Full::from("abcd"), 3, PACE).whole().await,
            Err(BodyFault::TooLarge)
        );
    }

    #[tokio::test]
    async fn chunks_are_joined_and_counted_together() {
        let chunks = |texts: &'static [&'static str]| {
            StreamBody::new(futures_util::stream::iter(texts.iter().map(|text| {
                Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(text.as_bytes())))
            })))
        };
        assert_eq!(
            bounded(chunks(&["ab", "cd", "e"]), 5, PACE).whole().await,
            Ok(b"abcde".to_vec())
        );
        assert_eq!(
            bounded(chunks(&["ab", "cd", "e"]), 4, PACE).whole().await,
            Err(BodyFault::TooLarge)
        );
        assert_eq!(bounded(chunks(&[]), 4, PACE).whole().await, Ok(Vec::new()));
    }

    /// A clock by which nobody may sleep.
    struct Sleepless;

    #[async_trait::async_trait]
    impl Clock for Sleepless {
        fn wall(&self) -> WallMs {
            WallMs(0)
        }

        fn wall_raw(&self) -> WallMs {
            WallMs(0)
        }

        fn elapsed(&self) -> ElapsedMs {
            ElapsedMs(0)
        }

        async fn sleep_until(&self, _: ElapsedMs) {
            unreachable!("a timer was set");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_there_once_it_is_asked_for_costs_no_timer() {
        let mut asked = 0;
        let late = StreamBody::new(futures_util::stream::poll_fn(move |_| {
            asked += 1;
            match asked {
                1 | 3 => Poll::Pending,
                2 => Poll::Ready(Some(Ok::<_, std::convert::Infallible>(Frame::data(
                    Bytes::from_static(b"abc"),
                )))),
                _ => Poll::Ready(None),
            }
        }));
        let body = BoundedBody::new(late, 5, PACE, Arc::new(Sleepless));
        assert_eq!(body.whole().await, Ok(b"abc".to_vec()));
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_ends_when_its_patience_is_over() {
        let pace = Pace { grace_ms: 1, ..PACE };
        let silent = StreamBody::new(futures_util::stream::pending::<Result<_, std::convert::Infallible>>());
        assert_eq!(bounded(silent, 5, pace).whole().await, Err(BodyFault::TooSlow));
    }
}
