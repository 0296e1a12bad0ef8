//! The listener of the demo's applications: an origin of its own, as third parties have.
//!
//! Promise: it stops accepting when the server begins to stop, and its connections end with the requests they are in. It
//! serves this machine's browsers alone and therefore has no more bounds than `server.head_deadline` and `demo.connections_max`.

use crate::bound::Bound;
use crate::lifecycle::{Stop, Tasks};
use crate::metrics::ServerMetrics;
use axum::Router;
use crier_live::metrics::Overflow;
use crier_platform::model::quantity::Span;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What the listener needs.
#[derive(Clone)]
pub(super) struct Host {
    /// What it serves.
    pub(super) router: Router,
    /// `demo.connections_max`.
    pub(super) connections_max: usize,
    /// `server.head_deadline`.
    pub(super) head_deadline: Span,
    /// Counts its bounds.
    pub(super) metrics: ServerMetrics,
    /// Starts what serves a connection.
    pub(super) tasks: Tasks,
    /// Ends it.
    pub(super) stop: Stop,
}

impl Host {
    /// Accepts until the stop begins.
    pub(super) async fn serve(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(self.connections_max.min(Semaphore::MAX_PERMITS)));
        loop {
            if places.available_permits() == 0 {
                self.metrics.bound(Bound::DemoConnections);
            }
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place,
                () = self.stop.begun() => return,
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stop.begun() => return,
            };
            if let (Ok((socket, _)), Ok(place)) = (accepted, place) {
                let host = self.clone();
                self.tasks.spawn(async move {
                    host.connection(socket).await;
                    drop(place);
                });
            }
        }
    }

    async fn connection(self, socket: TcpStream) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(self.head_deadline.0));
        let serving = http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(self.router));
        tokio::pin!(serving);
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = self.stop.begun() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(why) = ended {
            if why.is_timeout() {
                self.metrics.live_overflow(Overflow::RequestHead);
            }
            tracing::debug!(error = %why, "a connection to the demo's applications ended early");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn asked(listener: std::net::SocketAddr) -> TcpStream {
        let mut client = TcpStream::connect(listener).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            .await
            .unwrap();
        client
    }

    async fn status(client: &mut TcpStream) -> String {
        let mut line = [0; 12];
        client.read_exact(&mut line).await.unwrap();
        String::from_utf8(line.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn connections_max_of_the_demo_lets_the_next_one_wait_until_one_ends_and_counts_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let host = Host {
            router: Router::new().fallback(|| async { "here" }),
            connections_max: 1,
            head_deadline: Span(10_000),
            metrics: ServerMetrics::default(),
            tasks: Tasks::new(),
            stop: Stop::new(),
        };
        let (metrics, stop, tasks) = (host.metrics.clone(), host.stop.clone(), host.tasks.clone());
        host.tasks.clone().spawn(host.serve(listener));
        let mut first = asked(address).await;
        assert_eq!(status(&mut first).await, "HTTP/1.1 200");
        let mut second = asked(address).await;
        let nothing = second.try_read(&mut [0; 1]).unwrap_err();
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
        assert_eq!(metrics.times_met(Bound::DemoConnections), 1);
        drop(first);
        assert_eq!(status(&mut second).await, "HTTP/1.1 200");
        stop.advance();
        tasks.ended().await;
    }
}
