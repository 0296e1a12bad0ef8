//! Signed posts to applications: the port `Hooks` (live 7.8, 7.10, 7.11; protocol 19.6).
//!
//! Promise: one attempt, through the guard, within its deadline, receipts signed with its time; no redirect is followed; the
//! head of the answer is read up to 16 KiB and its body up to 1 KiB, whose words nobody looks at. Never retries.

use crate::dial::{DialError, Dialer, Stream};
use async_trait::async_trait;
use bytes::Bytes;
use crier_platform::ports::clock::Clock;
use crier_platform::ports::hooks::{Content, Hook, Hooks, Posted};
use crier_proto::receipt::{Attempt, ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, signature};
use futures_util::future::{Either, select};
use http::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use url::{Position, Url};

/// Bytes of an answer's body that are read at most (live 7.10).
pub const ANSWER_BYTES_MAX: usize = 1_024;
/// Bytes of an answer's head that are read at most (feed 7.4).
pub const HEAD_BYTES_MAX: usize = 16_384;

/// Posts to applications.
pub struct Poster {
    dialer: Dialer,
    clock: Arc<dyn Clock>,
    agent: String,
}

impl Poster {
    /// A poster that calls itself `agent`.
    #[must_use]
    pub fn new(dialer: Dialer, clock: Arc<dyn Clock>, agent: String) -> Self {
        Self { dialer, clock, agent }
    }

    /// Returns when the exchange is over; the status is told as soon as it is known.
    async fn attempt(&self, hook: &Hook, status: &OnceLock<StatusCode>) -> Result<(), String> {
        let url = Url::parse(&hook.url).map_err(|_| "the address cannot be read".to_owned())?;
        let request = self.request(&url, hook)?;
        let stream = self
            .dialer
            .dial(&url)
            .await
            .map_err(|why: DialError| why.to_string())?;
        exchange(stream, request, status).await
    }

    /// The request; receipts are signed with the time of this attempt.
    fn request(&self, url: &Url, hook: &Hook) -> Result<Request<Full<Bytes>>, String> {
        let authority = &url[Position::BeforeHost..Position::AfterPort];
        let request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
            .header(HOST, authority)
            .header(USER_AGENT, &self.agent)
            .header(CONNECTION, "close");
        let request = match &hook.content {
            Content::Receipts { id, keys, body } => {
                let attempt = Attempt {
                    id: *id,
                    timestamp: self.clock.wall().secs(),
                };
                request
                    .header(CONTENT_TYPE, "application/json")
                    .header(ID_HEADER, attempt.id.to_string())
                    .header(TIMESTAMP_HEADER, attempt.timestamp)
                    .header(SIGNATURE_HEADER, signature(keys, attempt, body))
                    .body(Full::new(body.clone()))
            }
            Content::Set(body) => request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::new(body.clone())),
        };
        request.map_err(|why| format!("no request can be made for this address: {why}"))
    }
}

/// Sends one request, tells the status of its answer and takes leave.
async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    status: &OnceLock<StatusCode>,
) -> Result<(), String> {
    let failed = |why: hyper::Error| format!("the exchange failed: {why}");
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .title_case_headers(true)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(failed)?;
        status.get_or_init(|| answer.status());
        leave_politely(answer.into_body()).await;
        Ok(())
    };
    // Nobody else drives the connection; when it ends first, the answer says why.
    match select(pin!(answer), pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, answer)) => answer.await,
    }
}

/// Reads the first KiB of the answer, so that a short one was not written in vain.
async fn leave_politely(mut body: Incoming) {
    let mut read = 0;
    while read < ANSWER_BYTES_MAX
        && let Some(Ok(frame)) = body.frame().await
    {
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}

#[async_trait]
impl Hooks for Poster {
    async fn post(&self, hook: Hook) -> Posted {
        let deadline = self.clock.elapsed().plus_ms(hook.deadline_ms);
        let status = OnceLock::new();
        let attempt = pin!(self.attempt(&hook, &status));
        let cause = match select(attempt, self.clock.sleep_until(deadline)).await {
            Either::Left((outcome, _)) => outcome.err(),
            Either::Right(_) => None,
        };
        // A status that came in time counts, however its body went on.
        match status.get() {
            Some(status) if status.is_success() => Posted::Delivered,
            Some(&StatusCode::GONE) => Posted::Refused,
            Some(status) => Posted::TryLater(format!("the answer was {}", status.as_u16())),
            None => Posted::TryLater(cause.unwrap_or_else(|| "no answer in time".to_owned())),
        }
    }
}

/// The port that a poster fulfils.
const _: fn(&Poster) = |poster| {
    let _: &dyn Hooks = poster;
};
