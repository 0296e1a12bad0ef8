//! The listener of the demo's applications: an origin of its own, as third parties have.
//!
//! Promise: it stops accepting when the server begins to stop, and its connections end with the requests they are in. It
//! serves this machine's browsers alone and therefore has no more bounds than a header deadline and a cap on connections.

use crate::lifecycle::{Stop, Tasks};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

const HEAD_DEADLINE: Duration = Duration::from_secs(10);
const CONNECTIONS_MAX: usize = 256;

/// Accepts until the stop begins.
pub(super) async fn serve(listener: TcpListener, router: Router, tasks: Tasks, stop: Stop) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stop.begun() => return,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.begun() => return,
        };
        if let (Ok((socket, _)), Ok(place)) = (accepted, place) {
            let (router, stop) = (router.clone(), stop.clone());
            tasks.spawn(async move {
                connection(socket, router, stop).await;
                drop(place);
            });
        }
    }
}

async fn connection(socket: TcpStream, router: Router, stop: Stop) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    let serving = http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.begun() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(why) = ended {
        tracing::debug!(error = %why, "a connection to the demo's applications ended early");
    }
}
