//! What a stranger has sent us: counted, and cut at its allowance.
//!
//! Promise: no more bytes are taken from the socket than were allowed, however the answer is framed: endless interim answers,
//! heads and chunk frames all end here. Knows no HTTP.

use crate::dial::Stream;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of chunk frames and trailers for a short body.
const FRAMES_BYTES_MIN: u64 = 16_384;

/// What a body of this length may take on the wire: an eighth more, for its frames.
pub(super) fn framed(body_bytes: u64) -> u64 {
    body_bytes + body_bytes / 8 + FRAMES_BYTES_MIN
}

/// The count of one fetch, over all of its connections.
#[derive(Debug, Default)]
pub(super) struct Meter {
    left: AtomicU64,
    read: AtomicU64,
    heard: AtomicBool,
    over: AtomicBool,
}

impl Meter {
    /// A new part of the answer begins, which may take this many bytes.
    pub(super) fn begin(&self, bytes: u64) {
        self.left.store(bytes, Ordering::Relaxed);
        self.heard.store(false, Ordering::Relaxed);
    }

    /// Whether a byte of this part has come.
    pub(super) fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether more came than was allowed.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// All bytes read.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    fn count(&self, bytes: u64) {
        if bytes > 0 {
            self.heard.store(true, Ordering::Relaxed);
            self.read.fetch_add(bytes, Ordering::Relaxed);
            self.left.store(
                self.left.load(Ordering::Relaxed).saturating_sub(bytes),
                Ordering::Relaxed,
            );
        }
    }
}

/// A connection whose bytes are counted.
pub(super) struct Metered {
    stream: Box<dyn Stream>,
    meter: Arc<Meter>,
}

impl Metered {
    /// This connection, counted there.
    pub(super) fn new(stream: Box<dyn Stream>, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }

    /// The count.
    pub(super) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = usize::try_from(self.meter.left.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        if left == 0 {
            self.meter.over.store(true, Ordering::Relaxed);
            return Poll::Ready(Err(io::Error::other("more bytes than are read")));
        }
        let room = buf.remaining().min(left);
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(room));
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut part);
        let filled = part.filled().len();
        if matches!(polled, Poll::Ready(Ok(()))) {
            buf.advance(filled);
            self.meter.count(filled as u64);
        }
        polled
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
