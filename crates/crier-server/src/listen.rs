//! Our own accept loop: heads with a deadline, a cap on connections, sockets that close without losing the last answer.
//!
//! Promise: a client that sends its request slowly, or not at all, is cut at the deadline; one over the cap is closed at once. Live
//! pages are served apart from calls, so that no call waits behind thousands of them that come back at once (live 9.3). Knows no URL:
//! the door says whose request begins so.

use crate::bound::Bound;
use crate::lifecycle::Tasks;
use crate::metrics::ServerMetrics;
use crate::sections::ServerConfig;
use crate::take_over::{TakeOver, Taken};
use axum::body::Body;
use crier_live::metrics::Overflow;
use crier_platform::ports::clock::Clock;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::rt::Timer;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
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

    /// Whether a request that begins with these bytes is a live page's.
    fn is_live(&self, _begin: &[u8]) -> bool {
        false
    }
}

/// Listens on a host and a port, with as long a line of those not yet accepted as the system allows.
///
/// # Errors
/// When no address of the host can be had; of the last one tried.
pub async fn bind(address: &str) -> io::Result<TcpListener> {
    let mut outcome = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in lookup_host(address).await? {
        outcome = listen_at(address);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A server that was restarted has its address at once, though connections of the one before it still linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What all connections of a server share.
#[derive(Clone)]
pub struct Reception {
    http: http1::Builder,
    places: Arc<Semaphore>,
    /// What is counted when they are all taken.
    bound: Bound,
    head_deadline: Duration,
    tasks: Tasks,
    /// Where live pages are served.
    live: Tasks,
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
/// A connection as it is counted, until it is dropped.
struct Presence {
    metrics: ServerMetrics,
    _place: OwnedSemaphorePermit,
}

impl Presence {
    fn of(metrics: ServerMetrics, place: OwnedSemaphorePermit) -> Self {
        metrics.connection_opens();
        Self {
            metrics,
            _place: place,
        }
    }
}

/// A connection's place among those of its listener. Whoever takes its socket over by an upgrade finds it among the request's
/// extensions, and holds it as long as the socket.
#[derive(Clone)]
pub struct Place {
    _presence: Arc<Presence>,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.metrics.connection_ends();
    }
}

/// Connections that may wait to be accepted; the system cuts this to its own bound, `net.core.somaxconn`, usually 4,096. Whoever finds
/// the line full hears nothing and asks again after a second, and pages that were all cut at once come back at once (live 9.5).
const BACKLOG: u32 = 65_535;
/// First bytes of a request that are looked at: method, base path and the live door.
const BEGIN_BYTES: usize = 128;
/// The first of so many equal parts of the head deadline is how long they are waited for.
const SILENCE_SHARE: u32 = 10;
/// Milliseconds that sent bytes may stay unacknowledged before the system resets the connection.
const UNACKNOWLEDGED_MS: u32 = 30_000;

impl Reception {
    /// A reception with the bounds of this configuration and so many places.
    #[must_use]
    pub fn new(
        config: &ServerConfig,
        places: usize,
        (tasks, live, clock): (Tasks, Tasks, Arc<dyn Clock>),
        metrics: ServerMetrics,
    ) -> Self {
        let head_deadline = Duration::from_millis(config.head_deadline.0);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(head_deadline)
            .max_buf_size(usize::try_from(config.head_bytes_max.0).unwrap_or(usize::MAX))
            .max_headers(config.head_fields_max)
            .half_close(true);
        Self {
            http,
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            bound: Bound::Connections,
            head_deadline,
            tasks,
            live,
            clock,
            metrics,
            closing: CancellationToken::new(),
        }
    }

    /// The same reception with so many places of its own: whoever takes all of the others takes none of these.
    #[must_use]
    pub fn apart(&self, places: usize, bound: Bound) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS))),
            bound,
            ..self.clone()
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
                self.metrics.bound(self.bound);
                continue;
            };
            let place = Place {
                _presence: Arc::new(Presence::of(self.metrics.clone(), place)),
            };
            let begun = self.clone().begin((socket, peer), Arc::clone(&door), place);
            self.tasks.spawn(begun);
        }
    }

    /// Serves a connection here, or has it served where live pages are when its first bytes are a live page's.
    async fn begin<D: Door>(self, (socket, peer): (TcpStream, SocketAddr), door: Arc<D>, place: Place) {
        let mut begin = [0; BEGIN_BYTES];
        let begins = tokio::select! {
            begins = socket.peek(&mut begin) => begins.unwrap_or(0),
            // Whoever says nothing for so long is none of a thousand that come back at once: served here, it meets its deadline.
            () = TokioTimer::new().sleep(self.head_deadline / SILENCE_SHARE) => 0,
            () = self.closing.cancelled() => 0,
        };
        if !begin.get(..begins).is_some_and(|begin| door.is_live(begin)) {
            return self.connection((socket, peer), door, place).await;
        }
        let Ok(socket) = socket.into_std() else { return };
        let live = self.live.clone();
        live.spawn(async move {
            // A socket belongs to the runtime that serves it.
            if let Ok(socket) = TcpStream::from_std(socket) {
                self.connection((socket, peer), door, place).await;
            }
        });
    }

    /// Lets requests in progress end, begins no other, accepts no other connection.
    pub fn close(&self) {
        self.closing.cancel();
    }

    async fn connection<D: Door>(
        &self,
        (mut socket, peer): (TcpStream, SocketAddr),
        door: Arc<D>,
        place: Place,
    ) {
        // A socket that refuses its options is gone already; serving it says so.
        let _ = socket.set_nodelay(true);
        loop {
            // Also for a socket that comes back: whoever had taken it over has a deadline of its own.
            let _ = rustix::net::sockopt::set_tcp_user_timeout(&socket, UNACKNOWLEDGED_MS);
            // Boxed: whoever takes a socket over is to hold it without what HTTP needed before.
            let served = Box::pin(self.serve((socket, peer), Arc::clone(&door), place.clone())).await;
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
        (socket, peer): (TcpStream, SocketAddr),
        door: Arc<D>,
        place: Place,
    ) -> Option<(Taken, TakeOver)> {
        let noted = Arc::new(Mutex::new(None));
        let note = Arc::clone(&noted);
        let service = service_fn(move |mut request: Request<Incoming>| {
            if request.headers().contains_key(UPGRADE) {
                request.extensions_mut().insert(place.clone());
            }
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
        if ended.is_err_and(|why| why.is_timeout() || why.is_parse_too_large()) {
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
            Ok::<_, io::Error>(())
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
const DESCRIPTORS_KEPT: u64 = 256;
/// Descriptors that are not for live connections (live 12): calls and pages have room beside a full live door, which can say so.
const DESCRIPTORS_KEPT_FROM_LIVE: u64 = 512;

/// Connections at once: as configured, or when that is 0 what the process's descriptors permit.
#[must_use]
pub fn places(configured: usize) -> usize {
    if configured > 0 {
        return configured;
    }
    descriptors_less(DESCRIPTORS_KEPT)
}

/// Live connections at once that the process's descriptors permit.
#[must_use]
pub fn live_places() -> usize {
    descriptors_less(DESCRIPTORS_KEPT_FROM_LIVE)
}

/// The process's descriptors, which are raised to their most first, less those kept for something else.
fn descriptors_less(kept: u64) -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // A system that does not let us raise it keeps the limit it has, which is read again below.
    let _ = setrlimit(Resource::Nofile, limit);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors.saturating_sub(kept).max(64)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Three times the line of a listener that nobody has thought about, and a tenth of what systems allow.
    const AT_ONCE: usize = 400;

    #[tokio::test]
    async fn hundreds_that_come_at_once_all_find_a_place_before_the_first_is_accepted() {
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody accepts: whoever has no place would never be connected.
        let mut connected = Vec::new();
        for _ in 0..AT_ONCE {
            connected.push(TcpStream::connect(address).await.unwrap());
        }
        let mut accepted = BTreeSet::new();
        for _ in &connected {
            accepted.insert(listener.accept().await.unwrap().1);
        }
        let came = connected.iter().map(|client| client.local_addr().unwrap());
        assert_eq!(accepted, came.collect::<BTreeSet<_>>());
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_an_error_of_the_system() {
        let listener = bind("127.0.0.1:0").await.unwrap();
        let taken = listener.local_addr().unwrap().to_string();
        assert_eq!(bind(&taken).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    /// Answers everything; what is below `/live/` is a live page's.
    struct Everything;

    impl Door for Everything {
        async fn answer(&self, _: Request<Incoming>, _: SocketAddr) -> (Response<Body>, Then) {
            (Response::new(Body::empty()), Then::Continue)
        }

        fn is_live(&self, begin: &[u8]) -> bool {
            begin.starts_with(b"GET /live/")
        }
    }

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    }

    async fn asked(address: SocketAddr, target: &str) -> TcpStream {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        client
    }

    async fn status(client: &mut TcpStream) -> String {
        let mut line = [0; 12];
        client.read_exact(&mut line).await.unwrap();
        String::from_utf8(line.to_vec()).unwrap()
    }

    #[test]
    fn calls_are_answered_while_live_pages_wait_for_their_own_runtime() {
        let (calls, live) = (runtime(), runtime());
        let tasks = Tasks::new();
        let config = crate::config::load(&crate::config::Sources::default())
            .unwrap()
            .config;
        let metrics = ServerMetrics::registered(&mut prometheus_client::registry::Registry::default());
        let clock = Arc::new(crate::adapters::clock::SystemClock::start());
        let shared = (
            tasks.clone(),
            tasks.on(Some(live.handle().clone())),
            clock as Arc<dyn Clock>,
        );
        let reception = Reception::new(&config.server, 8, shared, metrics);
        let page = calls.block_on(async {
            let listener = bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tasks.spawn(reception.clone().receive(listener, Arc::new(Everything)));
            let page = asked(address, "/live/ws").await;
            while live.metrics().num_alive_tasks() == 0 {
                tokio::task::yield_now().await;
            }
            // Nothing turns the pages' runtime: calls do not need it.
            assert_eq!(
                status(&mut asked(address, "/restserver.php").await).await,
                "HTTP/1.1 200"
            );
            let nothing = page.try_read(&mut [0; 1]).unwrap_err();
            assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
            page.into_std().unwrap()
        });
        let answered = live.block_on(async { status(&mut TcpStream::from_std(page).unwrap()).await });
        assert_eq!(answered, "HTTP/1.1 200");
    }
}
