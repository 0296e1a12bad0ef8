//! A socket that knows how many bytes the kernel has taken: what tells a slow reader from a stopped one (live 8.4).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes thrown away at once while waiting for the other side to end.
const SCRATCH_BYTES: usize = 2_048;

/// The socket and its count.
pub struct Counted {
    tcp: TcpStream,
    taken: u64,
}

impl Counted {
    /// A socket that has sent nothing yet.
    pub fn new(tcp: TcpStream) -> Self {
        Self { tcp, taken: 0 }
    }

    /// Bytes the kernel has taken.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Reads and throws away until the other side ends; when all is said, it is told that nothing more comes.
    pub fn poll_to_end(&mut self, cx: &mut Context<'_>, said_all: bool) -> Poll<()> {
        if said_all && ready!(Pin::new(&mut self.tcp).poll_shutdown(cx)).is_err() {
            return Poll::Ready(());
        }
        let mut scratch = [0u8; SCRATCH_BYTES];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }

    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.taken += *bytes as u64;
        }
        written
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.count(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
