//! Open streams of feeds: at most `feed.live_per_user` of a person, the oldest leaves; all are sent away at a stop (feed 6.8).
//!
//! Promise: a place is given back when its stream ends, however it ends. Knows nothing of what streams say.

use crate::metrics::ServerMetrics;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use crier_platform::feed::figures::FeedBound;
use crier_platform::model::quantity::Span;
use crier_platform::ports::entropy::{Entropy, random_bytes};
use crier_proto::ids::Uid;
use futures_util::Stream;
use futures_util::stream::{StreamExt, once};
use http::{HeaderName, HeaderValue, header};
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Streams whose return takes a second at a stop (live 9.7).
const RETURNS_PER_SECOND: u64 = 1_000;
/// The shortest span over which they return, in milliseconds (live 9.7).
const WINDOW_LEAST_MS: u64 = 1_000;

/// What a browser's own reader of events would wait before it asks again, in milliseconds.
const RETRY: &str = "retry: 3000\n\n";

/// The answer that sends these events as they come.
pub(crate) fn events(words: impl Stream<Item = String> + Send + 'static) -> Response {
    let first = once(async { RETRY.to_owned() });
    let bytes = first
        .chain(words)
        .map(|text| Ok::<_, Infallible>(Bytes::from(text)));
    let mut response = Response::new(Body::from_stream(bytes));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// All streams of this process.
pub struct Streams {
    per_user: usize,
    drain_window_ms: u64,
    metrics: ServerMetrics,
    entropy: Arc<dyn Entropy>,
    drain: CancellationToken,
    numbers: AtomicU64,
    places: Mutex<HashMap<Uid, VecDeque<(u64, CancellationToken)>>>,
}

/// A stream's place; dropping it gives it back.
pub(crate) struct Place {
    streams: Arc<Streams>,
    user: Uid,
    number: u64,
    left: CancellationToken,
}

impl Streams {
    /// None yet; `per_user` is `feed.live_per_user`, and the window is `live.drain_window`.
    #[must_use]
    pub fn new(
        (per_user, drain_window): (usize, Span),
        entropy: Arc<dyn Entropy>,
        metrics: ServerMetrics,
    ) -> Self {
        Self {
            per_user,
            drain_window_ms: drain_window.0.max(WINDOW_LEAST_MS),
            metrics,
            entropy,
            drain: CancellationToken::new(),
            numbers: AtomicU64::new(0),
            places: Mutex::default(),
        }
    }

    /// Sends all streams away; each says when to come back.
    pub fn send_away(&self) {
        self.drain.cancel();
    }

    /// A place for one more stream of a person.
    pub(crate) fn enter(self: &Arc<Self>, user: Uid) -> Place {
        let left = CancellationToken::new();
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let own = places.entry(user).or_default();
        own.push_back((number, left.clone()));
        while own.len() > self.per_user {
            self.metrics.feed().bound(FeedBound::Live);
            if let Some((_, oldest)) = own.pop_front() {
                oldest.cancel();
            }
        }
        drop(places);
        Place {
            streams: Arc::clone(self),
            user,
            number,
            left,
        }
    }

    /// The last event of a stream before a stop: when to come back, spread over the window.
    pub(crate) fn farewell(&self) -> String {
        let wait = self.return_in_ms();
        format!("retry: {wait}\nevent: drain\ndata: {{\"retry_after\":{wait}}}\n\n")
    }

    /// When a stream that is sent away comes back, in milliseconds: anywhere in a second for each thousand, at least one, at most
    /// `live.drain_window`.
    fn return_in_ms(&self) -> u64 {
        let chance = u64::from(u16::from_le_bytes(random_bytes(&*self.entropy)));
        self.window_ms() * chance / u64::from(u16::MAX)
    }

    fn window_ms(&self) -> u64 {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let open: usize = places.values().map(VecDeque::len).sum();
        let open = u64::try_from(open).unwrap_or(u64::MAX);
        let wanted = open.div_ceil(RETURNS_PER_SECOND).saturating_mul(1_000);
        wanted.clamp(WINDOW_LEAST_MS, self.drain_window_ms)
    }
}

impl Place {
    /// Returns when a newer stream of the same person has taken the place.
    pub(crate) async fn lost(&self) {
        self.left.cancelled().await;
    }

    /// Returns when all streams are sent away.
    pub(crate) async fn sent_away(&self) {
        self.streams.drain.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.streams.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = places.get_mut(&self.user) {
            own.retain(|(number, _)| *number != self.number);
            if own.is_empty() {
                places.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crier_testkit::SeededEntropy;

    fn streams(per_user: usize) -> Arc<Streams> {
        Arc::new(Streams::new(
            (per_user, Span(2_000)),
            Arc::new(SeededEntropy::new(1)),
            ServerMetrics::default(),
        ))
    }

    #[test]
    fn live_per_user_lets_the_oldest_of_17_leave_and_no_other_persons() {
        let streams = streams(16);
        let (ada, bo) = (Uid::new(1).unwrap(), Uid::new(2).unwrap());
        let other = streams.enter(bo);
        let mut places: Vec<Place> = (0..16).map(|_| streams.enter(ada)).collect();
        assert!(places.iter().all(|place| !place.left.is_cancelled()));
        places.push(streams.enter(ada));
        let left: Vec<bool> = places.iter().map(|place| place.left.is_cancelled()).collect();
        assert_eq!(left.iter().filter(|left| **left).count(), 1);
        assert!(left[0] && !other.left.is_cancelled());
    }

    #[test]
    fn a_place_that_is_given_back_is_free_and_nothing_is_kept_of_it() {
        let streams = streams(1);
        let ada = Uid::new(1).unwrap();
        drop(streams.enter(ada));
        assert!(streams.places.lock().unwrap().is_empty());
        assert!(!streams.enter(ada).left.is_cancelled());
        assert_eq!(streams.window_ms(), 1_000);
    }

    #[test]
    fn a_thousand_streams_take_a_second_to_return_and_all_of_them_drain_window() {
        let streams = streams(1);
        let user = |uid| Uid::new(uid).unwrap();
        let _first: Vec<Place> = (1..=1_000).map(|uid| streams.enter(user(uid))).collect();
        assert_eq!(streams.window_ms(), 1_000);
        let _second: Vec<Place> = (1_001..=2_000).map(|uid| streams.enter(user(uid))).collect();
        assert_eq!(streams.window_ms(), 2_000);
        let _third = streams.enter(user(2_001));
        assert_eq!(streams.window_ms(), 2_000);
    }
}
