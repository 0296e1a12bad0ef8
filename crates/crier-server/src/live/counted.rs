//! A socket that knows how many bytes the kernel has taken: what tells a slow reader from a stopped one (live 8.4). And the way of a
//! frame to the kernel without a copy: its bytes are shared with everybody else it goes to.
//!
//! Promise: whatever else is written or flushed waits for the frame that has begun; a frame of which no byte has gone can be had back.
//!
//! The system wakes a writer only when about a third of a full buffer is free again. A reader that takes little would seem stopped
//! for as long as that takes, so before a connection is cut the kernel is offered the bytes once more (`press`): it takes what fits.

use bytes::{Buf, Bytes};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes thrown away at once while waiting for the other side to end.
const SCRATCH_BYTES: usize = 2_048;

/// The socket and its count.
pub struct Counted {
    tcp: TcpStream,
    taken: u64,
    /// A frame on its way.
    frame: Option<Box<Frame>>,
    /// The kernel is asked whatever the runtime believes of it.
    pressing: bool,
}

/// What the kernel has not taken of one frame.
struct Frame {
    head: Bytes,
    text: Bytes,
    tail: Bytes,
    begun: bool,
}

/// What stands around an event's data (live 4.7).
const EVENT_HEAD: Bytes = Bytes::from_static(b"data: ");
const EVENT_TAIL: Bytes = Bytes::from_static(b"\n\n");

impl Counted {
    /// A socket that has sent nothing yet.
    pub fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            taken: 0,
            frame: None,
            pressing: false,
        }
    }

    /// Sets the options of a live socket: the bound on what the kernel holds of what was written, in bytes (live 8.1).
    pub fn set_options(tcp: &TcpStream, send_buffer_bytes: u64) {
        let bytes = usize::try_from(send_buffer_bytes).unwrap_or(usize::MAX);
        // A socket that refuses its options is gone already; using it says so.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(tcp, bytes);
        // The kernel's own deadline for what nobody acknowledges would also cut readers that are merely slow; ours does not (live 8.4).
        let _ = rustix::net::sockopt::set_tcp_user_timeout(tcp, 0);
    }

    /// From now on the kernel keeps what it is given until that fills a packet, or no longer and what it has kept goes at once: frames
    /// that go together cost the way through the network once (live 9.5).
    pub fn gather(&self, gathering: bool) {
        // A socket that refuses its options is gone already.
        let _ = rustix::net::sockopt::set_tcp_cork(&self.tcp, gathering);
    }

    /// The socket. What has begun and not gone is lost.
    pub fn into_inner(self) -> TcpStream {
        self.tcp
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

    /// Begins a text frame of a WebSocket; writing or flushing moves it on. An earlier one must have gone.
    pub fn begin_text(&mut self, text: Bytes) {
        self.begin(head_of(text.len()), text, Bytes::new());
    }

    /// Begins an event of a stream, as `begin_text`.
    pub fn begin_event(&mut self, text: Bytes) {
        self.begin(EVENT_HEAD, text, EVENT_TAIL);
    }

    /// Begins bytes that are no frame, as `begin_text`.
    pub fn begin_bytes(&mut self, bytes: Bytes) {
        self.begin(bytes, Bytes::new(), Bytes::new());
    }

    /// Begins the head of an answer and its body, as `begin_text`.
    pub fn begin_answer(&mut self, head: Bytes, body: Bytes) {
        self.begin(head, body, Bytes::new());
    }

    fn begin(&mut self, head: Bytes, text: Bytes, tail: Bytes) {
        self.frame = Some(Box::new(Frame {
            head,
            text,
            tail,
            begun: false,
        }));
    }

    /// Takes the frame back when the kernel has had nothing of it; whether it did.
    pub fn take_back(&mut self) -> bool {
        let untouched = self.frame.as_ref().is_some_and(|frame| !frame.begun);
        if untouched {
            self.frame = None;
        }
        untouched
    }

    /// From now on, or no longer, frames are offered to the kernel without waiting for it to say that there is room.
    pub fn press(&mut self, pressing: bool) {
        self.pressing = pressing;
    }

    /// What the kernel still holds is thrown away with the socket, and the other side hears of a reset: nobody reads it.
    pub fn abandon(&self) {
        // A socket that refuses its options is gone already.
        let _ = rustix::net::sockopt::set_socket_linger(&self.tcp, Some(Duration::ZERO));
    }

    /// Begins a binary frame, which only the echo says.
    #[cfg(feature = "echo")]
    pub fn begin_binary(&mut self, bytes: Bytes) {
        const FINAL_BINARY: u8 = 0x82;
        self.begin_text(bytes);
        if let Some(frame) = &mut self.frame {
            let mut head = frame.head.to_vec();
            head.iter_mut().take(1).for_each(|first| *first = FINAL_BINARY);
            frame.head = head.into();
        }
    }

    /// Moves on what has begun; ready when the kernel has taken all of it.
    pub fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(frame) = &mut self.frame {
            if frame.left() == 0 {
                self.frame = None;
                break;
            }
            let parts = [&frame.head, &frame.text, &frame.tail].map(|part| IoSlice::new(part));
            let offered = if self.pressing {
                rustix::io::writev(&self.tcp, &parts).ok()
            } else {
                None
            };
            let written = match offered {
                Some(written) => written,
                // It also says what is wrong with the socket, and arranges to be told of room.
                None => ready!(Pin::new(&mut self.tcp).poll_write_vectored(cx, &parts))?,
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.taken += written as u64;
            frame.begun = true;
            frame.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.taken += *bytes as u64;
        }
        written
    }
}

impl Frame {
    fn left(&self) -> usize {
        self.head.len() + self.text.len() + self.tail.len()
    }

    fn advance(&mut self, mut taken: usize) {
        for part in [&mut self.head, &mut self.text, &mut self.tail] {
            let of_part = taken.min(part.len());
            part.advance(of_part);
            taken -= of_part;
        }
    }
}

/// The first bytes of an unmasked text frame in one piece (RFC 6455, 5.2).
fn head_of(length: usize) -> Bytes {
    const FINAL_TEXT: u8 = 0x81;
    if let Ok(short @ 0..=125) = u8::try_from(length) {
        return Bytes::copy_from_slice(&[FINAL_TEXT, short]);
    }
    let mut head = vec![FINAL_TEXT];
    if let Ok(middle) = u16::try_from(length) {
        head.push(126);
        head.extend_from_slice(&middle.to_be_bytes());
    } else {
        head.push(127);
        head.extend_from_slice(&(length as u64).to_be_bytes());
    }
    head.into()
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
        ready!(self.poll_frame(cx))?;
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.count(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_frame(cx))?;
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_frame_takes_the_fewest_bytes_that_hold_it() {
        assert_eq!(&*head_of(0), [0x81, 0]);
        assert_eq!(&*head_of(125), [0x81, 125]);
        assert_eq!(&*head_of(126), [0x81, 126, 0, 126]);
        assert_eq!(&*head_of(65_535), [0x81, 126, 255, 255]);
        assert_eq!(&*head_of(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[tokio::test]
    async fn what_is_written_behind_a_frame_follows_its_last_byte_however_little_the_kernel_takes_at_once() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut page, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (tcp, _) = accepted.unwrap();
        rustix::net::sockopt::set_socket_send_buffer_size(&tcp, 4_096).unwrap();
        let text: Vec<u8> = (0..800_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let mut counted = Counted::new(tcp);
        counted.begin_text(text.clone().into());
        let mut context = Context::from_waker(std::task::Waker::noop());
        let pong = Pin::new(&mut counted).poll_write(&mut context, b"pong");
        assert!(pong.is_pending() && counted.taken() > 0);
        let mut heard = vec![0; 10 + text.len() + 4];
        let (written, read) = tokio::join!(
            counted.write_all(b"pong"),
            page.as_mut().unwrap().read_exact(&mut heard)
        );
        written.unwrap();
        assert_eq!(read.unwrap() as u64, counted.taken());
        assert_eq!(&heard[..2], [0x81, 127]);
        assert_eq!(&heard[10..10 + text.len()], text);
        assert_eq!(&heard[10 + text.len()..], b"pong");
    }

    #[tokio::test]
    async fn send_buffer_is_what_the_kernel_is_told_and_the_kernel_keeps_twice_that() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (page, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (tcp, _) = accepted.unwrap();
        Counted::set_options(&tcp, 32_768);
        // Half of it is the kernel's own book-keeping (socket(7)).
        assert_eq!(
            rustix::net::sockopt::socket_send_buffer_size(&tcp).unwrap(),
            65_536
        );
        drop(page);
    }
}
