//! Sockets that leave the HTTP stack: an answer that is written frame by frame, by someone who must know what the kernel took.
//!
//! Promise: the stack has written nothing of the answer and has read the whole request. Knows no URL.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;

/// A socket that was taken over.
pub struct Taken {
    /// The socket.
    pub socket: TcpStream,
    /// Bytes of a further request had come already and are lost: the connection must close after this answer.
    pub early: bool,
}

type Answering = Pin<Box<dyn Future<Output = Option<TcpStream>> + Send>>;
type Work = Box<dyn FnOnce(Taken) -> Answering + Send>;

/// Who takes a socket over. Cloning shares the one right to do so.
#[derive(Clone)]
pub struct TakeOver(Arc<Mutex<Option<Work>>>);

impl TakeOver {
    /// Will give the socket to `work`, which gives it back when further requests may come on it.
    #[must_use]
    pub fn new<F>(work: impl FnOnce(Taken) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Option<TcpStream>> + Send + 'static,
    {
        let work: Work = Box::new(move |taken| Box::pin(work(taken)));
        Self(Arc::new(Mutex::new(Some(work))))
    }

    /// Runs the work to its end; the socket, when it may be used again.
    pub async fn run(self, taken: Taken) -> Option<TcpStream> {
        let work = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        drop(self);
        work(taken).await
    }
}
