//! Our own accept loop: heads with a deadline, a cap on connections, sockets that close without losing the last answer.
//!
//! Promise: a client that sends its request slowly, or not at all, is cut at the deadline; one over the cap is closed at once.
//! Knows no URL.

use crate::lifecycle::Tasks;
use crate::metrics::ServerMetrics;
use crate::sections::ServerConfig;
use crate::take_over::{TakeOver, Taken};
use axum::body::Body;
use crier_live::metrics::Overflow;
use crier_platform::ports::clock::Clock;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What the accept loop does with the connection after an answer.
#[derive(Clone)]
pub enum Then {
    /// As the client asked.
    Continue,
    /// Close it, reading on for a moment so that the answer reaches a client that is still sending.
    CloseGently,
    /// Close it without an answer.
    Drop,
    /// Give its socket to this: the answer is written by whoever has taken it over.
    TakeOver(TakeOver),
}

/// What stands behind a listener.
pub trait Door: Send + Sync + 'static {
    /// Answers one request.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = (Response<Body>, Then)> + Send;
}

/// What all connections of a server share.
#[derive(Clone)]
pub struct Reception {
    http: http1::Builder,
    places: Arc<Semaphore>,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
    metrics: ServerMetrics,
    /// Cancelled when no further request is to be begun.
    closing: CancellationToken,
}

/// Milliseconds that a closing connection is read on, so that its answer is not lost to a reset.
const LINGER_MS: u64 = 2_000;
/// Bytes that it is read on at most.
const LINGER_BYTES_MAX: usize = 16 << 20;
/// Milliseconds before accepting is tried again when the system refused it, as without a free descriptor.
const ACCEPT_PAUSE_MS: u64 = 50;
/// Milliseconds that sent bytes may stay unacknowledged before the system resets the connection.
const UNACKNOWLEDGED_MS: u32 = 30_000;

impl Reception {
    /// A reception with the bounds of this configuration and so many places.
    #[must_use]
    pub fn new(
        config: &ServerConfig,
        places: usize,
        (tasks, clock): (Tasks, Arc<dyn Clock>),
        metrics: ServerMetrics,
    ) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(config.head_deadline.0))
            .max_buf_size(usize::try_from(config.head_bytes_max.0).unwrap_or(usize::MAX))
            .max_headers(config.head_fields_max)
            .half_close(true);
        Self {
            http,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            tasks,
            clock,
            metrics,
            closing: CancellationToken::new(),
        }
    }

    /// Accepts connections until the reception closes.
    pub async fn receive<D: Door>(self, listener: TcpListener, door: Arc<D>) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.closing.cancelled() => return,
            };
            let (socket, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(why) => {
                    tracing::warn!(error = %why, "a connection could not be accepted");
                    let pause = self.clock.elapsed().plus_ms(ACCEPT_PAUSE_MS);
                    self.clock.sleep_until(pause).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                self.metrics.overflow("connections");
                continue;
            };
            let (reception, door) = (self.clone(), Arc::clone(&door));
            self.tasks.spawn(async move {
                reception.metrics.connection_opens();
                reception.connection(socket, peer, door).await;
                reception.metrics.connection_ends();
                drop(place);
            });
        }
    }

    /// Lets requests in progress end, begins no other, accepts no other connection.
    pub fn close(&self) {
        self.closing.cancel();
    }

    async fn connection<D: Door>(&self, mut socket: TcpStream, peer: SocketAddr, door: Arc<D>) {
        // A socket that refuses its options is gone already; serving it says so.
        let _ = socket.set_nodelay(true);
        loop {
            // Also for a socket that comes back: whoever had taken it over has a deadline of its own.
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&socket, UNACKNOWLEDGED_MS);
            // Boxed: whoever takes a socket over is to hold it without what HTTP needed before.
            let served = Box::pin(self.serve(socket, peer, Arc::clone(&door))).await;
            let Some((taken, take_over)) = served else { return };
            match take_over.run(taken).await {
                Some(back) => socket = back,
                None => return,
            }
        }
    }

    /// Serves requests until the connection ends, or until one of them takes its socket over.
    async fn serve<D: Door>(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        door: Arc<D>,
    ) -> Option<(Taken, TakeOver)> {
        let noted = Arc::new(Mutex::new(None));
        let note = Arc::clone(&noted);
        let service = service_fn(move |request| {
            let (door, note) = (Arc::clone(&door), Arc::clone(&note));
            async move {
                let (mut response, then) = door.answer(request, peer).await;
                match then {
                    Then::Continue => Ok(response),
                    Then::CloseGently => {
                        let headers = response.headers_mut();
                        headers.insert(CONNECTION, HeaderValue::from_static("close"));
                        *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(Then::CloseGently);
                        Ok(response)
                    }
                    Then::Drop => Err(Dropped),
                    Then::TakeOver(take_over) => {
                        *note.lock().unwrap_or_else(PoisonError::into_inner) =
                            Some(Then::TakeOver(take_over));
                        Err(Dropped)
                    }
                }
            }
        });
        let mut connection = self
            .http
            .serve_connection(TokioIo::new(socket), service)
            .with_upgrades();
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = self.closing.cancelled() => {
                std::pin::Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
        };
        if ended.is_err_and(|why| why.is_timeout()) {
            self.metrics.live_overflow(Overflow::RequestHead);
        }
        let noted = noted.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let parts = connection.into_parts()?;
        let socket = parts.io.into_inner();
        match noted {
            Then::TakeOver(take_over) => Some((
                Taken {
                    socket,
                    early: !parts.read_buf.is_empty(),
                },
                take_over,
            )),
            Then::CloseGently => {
                self.linger(socket).await;
                None
            }
            Then::Continue | Then::Drop => None,
        }
    }

    /// Says that nothing more comes, then reads on until the client has ended too: closing with unread bytes would reset the
    /// connection and take the answer away from a client that is still sending.
    async fn linger(&self, mut socket: TcpStream) {
        let until = self.clock.elapsed().plus_ms(LINGER_MS);
        let drained = async {
            socket.shutdown().await?;
            let mut scratch = vec![0u8; 16_384];
            let mut left = LINGER_BYTES_MAX;
            while left > 0 {
                match socket.read(&mut scratch).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            Ok::<_, std::io::Error>(())
        };
        tokio::select! {
            _ = drained => {}
            () = self.clock.sleep_until(until) => {}
        }
    }
}

/// A request that gets no answer: its connection ends.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("dropped without an answer")]
struct Dropped;

/// Descriptors that are not for connections: files, database, listeners.
const DESCRIPTORS_KEPT: u64 = 512;

/// Connections at once: as configured, or when that is 0 what the process's descriptors permit, which are raised to their most first.
#[must_use]
pub fn places(configured: usize) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A system that does not let us raise it keeps the limit it has, which is read again below.
    let _ = setrlimit(Resource::Nofile, limit);
    if configured > 0 {
        return configured;
    }
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors.saturating_sub(DESCRIPTORS_KEPT).max(64)).unwrap_or(usize::MAX)
}
