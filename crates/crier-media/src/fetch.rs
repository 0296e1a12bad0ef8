//! Bounded download of one image: the port `Fetch` (feed 7.4).
//!
//! Promise: GET over HTTP/1.1 through the judging connector, with the six header fields of feed 7.4 at most and no other; each
//! redirect is judged anew; what is too long or too slow is left at its bound. Looks at no byte of a body, never retries.

mod answer;
mod meter;

use crate::config::MediaConfig;
use crate::dial::{DialError, Dialer};
use crate::metrics::MediaMetrics;
use answer::{Answered, Judge};
use async_trait::async_trait;
use bytes::Bytes;
use crier_platform::model::picture::Cause;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::fetch::{Fetch, FetchFailed, Fetched, Got, Validators, Wanted};
use futures_util::future::{Either, select};
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use meter::{Meter, Metered};
use std::pin::pin;
use std::sync::Arc;
use url::{Position, Url};

/// Bytes of a response's head at most (feed 7.4).
pub const HEAD_BYTES_MAX: usize = 16_384;
/// What is asked for (feed 7.4).
const ACCEPTED: &str = "image/jpeg, image/png, image/gif, image/webp";

/// Downloads images.
pub struct Fetcher {
    dialer: Dialer,
    clock: Arc<dyn Clock>,
    agent: String,
    bounds: Bounds,
    metrics: MediaMetrics,
}

/// The bounds of feed 7.4 that the connector does not keep.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    first_byte_ms: u64,
    fetch_ms: u64,
    body_bytes: u64,
    redirects: u32,
}

impl Fetcher {
    /// A fetcher that calls itself `agent`.
    #[must_use]
    pub fn new(dialer: Dialer, config: &MediaConfig, (clock, agent): (Arc<dyn Clock>, String)) -> Self {
        Self {
            metrics: dialer.metrics().clone(),
            dialer,
            clock,
            agent,
            bounds: Bounds {
                first_byte_ms: config.first_byte_timeout.0,
                fetch_ms: config.fetch_timeout.0,
                body_bytes: config.image_bytes_max.0,
                redirects: config.redirects_max,
            },
        }
    }

    /// Asks at the address and wherever its answers send us, as often as is permitted.
    async fn follow(&self, wanted: &Wanted, meter: &Arc<Meter>) -> Result<Got, FetchFailed> {
        let mut url = Url::parse(&wanted.url).map_err(|_| Cause::ForbiddenAddress)?;
        let mut validators = wanted.validators.clone();
        for hop in 0..=self.bounds.redirects {
            match self.ask(&url, &validators, meter).await? {
                Answered::Here(got) if hop == 0 => return Ok(got),
                Answered::Here(got) => return Ok(without_validators(got)),
                Answered::Elsewhere(next) => url = next,
            }
            // They speak of the image at the first address alone.
            validators = Validators::default();
        }
        Err(Cause::TooManyRedirects.into())
    }

    /// One request, one answer.
    async fn ask(
        &self,
        url: &Url,
        validators: &Validators,
        meter: &Arc<Meter>,
    ) -> Result<Answered, FetchFailed> {
        let request = self.request(url, validators)?;
        let stream = self.dialer.dial(url).await.map_err(|why| cause_of(&why))?;
        meter.begin(HEAD_BYTES_MAX as u64);
        let stream = Metered::new(stream, Arc::clone(meter));
        self.exchange(stream, request, &Judge::new(url, validators, &*self.clock))
            .await
    }

    fn request(&self, url: &Url, validators: &Validators) -> Result<Request<Empty<Bytes>>, FetchFailed> {
        let mut request = Request::get(&url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, &url[Position::BeforeHost..Position::AfterPort])
            .header(USER_AGENT, &self.agent)
            .header(ACCEPT, ACCEPTED)
            .header(ACCEPT_ENCODING, "identity");
        if let Some(etag) = &validators.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(moment) = &validators.last_modified {
            request = request.header(IF_MODIFIED_SINCE, moment);
        }
        let made = request.body(Empty::new());
        made.map_err(|_| Cause::ForbiddenAddress.into())
    }

    async fn exchange(
        &self,
        stream: Metered,
        request: Request<Empty<Bytes>>,
        judge: &Judge<'_>,
    ) -> Result<Answered, FetchFailed> {
        let meter = stream.meter();
        let shake = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .title_case_headers(true)
            .handshake::<_, Empty<Bytes>>(TokioIo::new(stream));
        let (mut sender, connection) = shake.await.map_err(|_| Cause::NoAnswer)?;
        let answering = async {
            let answer = self.head(sender.send_request(request), &meter).await?;
            let answer = judge.head(answer, self.bounds.body_bytes)?;
            match answer {
                answer::Head::Done(answered) => Ok(answered),
                answer::Head::Body { body, validators } => {
                    let bytes = self.body(body, &meter).await?;
                    Ok(Answered::Here(Got::Image { bytes, validators }))
                }
            }
        };
        // Nobody else drives the connection; when it ends first, what it has read still lies there.
        match select(pin!(answering), pin!(connection)).await {
            Either::Left((answered, _)) => answered,
            Either::Right((_, answering)) => answering.await,
        }
    }

    /// The head of the answer, whose first byte is in time.
    async fn head(
        &self,
        answer: impl Future<Output = hyper::Result<Response<Incoming>>>,
        meter: &Meter,
    ) -> Result<Response<Incoming>, FetchFailed> {
        let deadline = self.clock.elapsed().plus_ms(self.bounds.first_byte_ms);
        let answer = match select(pin!(answer), self.clock.sleep_until(deadline)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, answer)) if meter.has_heard() => answer.await,
            Either::Right(_) => {
                self.metrics.met("first_byte_timeout");
                return Err(Cause::Timeout.into());
            }
        };
        answer.map_err(|why| {
            let is_endless = meter.is_over() || why.is_parse_too_large();
            FetchFailed::from(if is_endless {
                Cause::TooBig
            } else {
                Cause::NoAnswer
            })
        })
    }

    /// The whole body, as long as it stays within its bound.
    async fn body(&self, body: Incoming, meter: &Meter) -> Result<Bytes, FetchFailed> {
        meter.begin(meter::framed(self.bounds.body_bytes));
        answer::read_body(body, self.bounds.body_bytes)
            .await
            .map_err(|cause| if meter.is_over() { Cause::TooBig } else { cause }.into())
    }
}

/// The image behind a redirect may be another one by the next time.
fn without_validators(got: Got) -> Got {
    match got {
        Got::Image { bytes, .. } => Got::Image {
            bytes,
            validators: Validators::default(),
        },
        Got::Unchanged => Got::Unchanged,
    }
}

fn cause_of(why: &DialError) -> FetchFailed {
    let cause = match why {
        DialError::Url(_) | DialError::Forbidden(_) => Cause::ForbiddenAddress,
        DialError::NotFound(_) => Cause::LookupFailed,
        DialError::Unreachable(_) => Cause::NoAnswer,
        DialError::Tls(_) => Cause::TlsFailed,
        DialError::TimedOut(_) => Cause::Timeout,
    };
    cause.into()
}

#[async_trait]
impl Fetch for Fetcher {
    async fn fetch(&self, wanted: Wanted) -> Fetched {
        let began = self.clock.elapsed_micros();
        let deadline = self.clock.elapsed().plus_ms(self.bounds.fetch_ms);
        let meter = Arc::new(Meter::default());
        let following = pin!(self.follow(&wanted, &meter));
        let outcome = match select(following, self.clock.sleep_until(deadline)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => {
                self.metrics.met("fetch_timeout");
                Err(Cause::Timeout.into())
            }
        };
        match &outcome {
            Err(failed) if failed.cause == Cause::TooBig => self.metrics.met("image_bytes_max"),
            Err(failed) if failed.cause == Cause::TooManyRedirects => self.metrics.met("redirects_max"),
            Ok(_) | Err(_) => {}
        }
        let label = match &outcome {
            Ok(Got::Image { .. }) => "image",
            Ok(Got::Unchanged) => "unchanged",
            Err(failed) => failed.cause.label(),
        };
        self.metrics
            .fetched(label, self.clock.elapsed_micros().since(began));
        Fetched {
            outcome,
            bytes: meter.read(),
        }
    }
}

/// The port that a fetcher fulfils.
const _: fn(&Fetcher) = |fetcher| {
    let _: &dyn Fetch = fetcher;
};

#[cfg(test)]
mod tests {
    use super::*;
    use crier_testkit::ManualClock;
    use futures_util::future::join;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    const URL: &str = "http://images.example/a.png";

    fn fetcher(clock: &Arc<ManualClock>) -> Fetcher {
        let config = MediaConfig::default();
        let dialer = Dialer::new(&config, Arc::clone(clock) as _, MediaMetrics::default()).unwrap();
        Fetcher::new(dialer, &config, (Arc::clone(clock) as _, "Crier/test".into()))
    }

    /// What comes of one exchange with this host.
    async fn exchange(clock: &Arc<ManualClock>, host: impl AsyncFnOnce(DuplexStream)) -> Result<Got, Cause> {
        let (here, mut there) = tokio::io::duplex(4_096);
        let fetcher = fetcher(clock);
        let url = Url::parse(URL).unwrap();
        let validators = Validators::default();
        let judge = Judge::new(&url, &validators, &**clock);
        let request = fetcher.request(&url, &validators).unwrap();
        let meter = Arc::new(Meter::default());
        meter.begin(HEAD_BYTES_MAX as u64);
        let asking = fetcher.exchange(Metered::new(Box::new(here), meter), request, &judge);
        let answering = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                there.read_buf(&mut head).await.unwrap();
            }
            host(there).await;
        };
        match join(asking, answering).await.0 {
            Ok(Answered::Here(got)) => Ok(got),
            Ok(Answered::Elsewhere(url)) => panic!("{url}"),
            Err(failed) => Err(failed.cause),
        }
    }

    #[tokio::test]
    async fn first_byte_timeout_is_for_the_first_byte_and_not_for_the_whole_head() {
        let clock = Arc::new(ManualClock::at(0));
        let slow = exchange(&clock, async |mut there| {
            there.write_all(b"H").await.unwrap();
            // The other side reads it in its next turn, since nothing lies between the two.
            tokio::task::yield_now().await;
            clock.advance_ms(5_000);
            tokio::task::yield_now().await;
            there
                .write_all(b"TTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
                .await
                .unwrap();
        });
        assert!(matches!(slow.await, Ok(Got::Image { bytes, .. }) if bytes == "x"));
        let silent = exchange(&clock, async |mut there| {
            clock.advance_ms(5_000);
            let _ = there.read_to_end(&mut Vec::new()).await;
        });
        assert_eq!(silent.await, Err(Cause::Timeout));
    }
}
