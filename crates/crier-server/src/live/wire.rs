//! The bytes of one WebSocket: messages in, frames out (live 4.7, 8.1).
//!
//! Promise: a message frame goes to the kernel from the bytes that all its readers share, so that no socket keeps a copy of what it
//! has said; one frame at a time. Judges nothing: what is heard and what is said is the hub's.

use super::counted::Counted;
use crier_live::connection::Next;
use crier_live::hub::Hub;
use crier_live::link::Link;
use crier_proto::frame::{Bye, FRAMES_BYTES_MAX};
use futures_util::{Sink, Stream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// Bytes read at once: what an idle connection holds for reading (live 15.1).
const READ_BUFFER_BYTES: usize = 512;
/// The protocol's own short frames, pong and close, are all that is ever copied before it is written.
const CONTROL_BYTES_MAX: usize = 4_096;

/// What came from the other side.
pub enum Heard {
    /// A message.
    Text(Utf8Bytes),
    /// A ping or pong of the protocol itself.
    Control,
    /// Something that ends the connection with this bye.
    Bad(Bye),
    /// The end.
    End,
}

/// The socket and how far its next frame has come.
pub struct Wire {
    stream: WebSocketStream<Counted>,
    /// The socket's own task.
    pub task: Waker,
    /// The bytes of one frame are with the stream; the kernel has not taken all of them.
    in_flight: bool,
    /// The close frame is with the stream or behind it: what is read is thrown away.
    closing: bool,
    /// Reading rests until less waits to be written.
    paused: bool,
    /// What comes can no longer be read as frames.
    deaf: bool,
    ended: bool,
}

/// The protocol of RFC 6455 over an upgraded socket, with our bounds.
pub async fn framed(tcp: TcpStream, early: Vec<u8>) -> WebSocketStream<Counted> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(CONTROL_BYTES_MAX)
        .max_message_size(Some(FRAMES_BYTES_MAX))
        .max_frame_size(Some(FRAMES_BYTES_MAX));
    let tcp = Counted::new(tcp);
    WebSocketStream::from_partially_read(tcp, early, Role::Server, Some(config)).await
}

/// What a socket closes with after this bye.
pub fn close_frame(bye: Bye) -> CloseFrame {
    CloseFrame {
        code: CloseCode::from(bye.number()),
        reason: Utf8Bytes::from_static(bye.reason()),
    }
}

impl Wire {
    /// An upgraded socket, with the bytes that came behind the request.
    pub async fn new(tcp: TcpStream, early: Vec<u8>, task: Waker) -> Self {
        Self {
            stream: framed(tcp, early).await,
            task,
            in_flight: false,
            closing: false,
            paused: false,
            deaf: false,
            ended: false,
        }
    }

    /// Whether its task has something to do that no readiness of the socket tells it.
    pub fn needs_its_task(&self, hub: &Hub, link: &Link) -> bool {
        self.ended || self.closing || (self.paused && hub.wants_frames(link))
    }

    /// Whether nothing can be said any more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next message.
    pub fn read(&mut self, (hub, link): (&Hub, &Link), cx: &mut Context<'_>) -> Poll<Heard> {
        loop {
            if self.ended {
                return Poll::Ready(Heard::End);
            }
            self.paused = !self.closing && !hub.wants_frames(link);
            if self.paused {
                return Poll::Pending;
            }
            if self.deaf {
                // It must be read all the same, or closing would reset the connection and take the bye away.
                let said_all = self.closing && !self.in_flight;
                return self
                    .stream
                    .get_mut()
                    .poll_to_end(cx, said_all)
                    .map(|()| Heard::End);
            }
            let Poll::Ready(read) = Pin::new(&mut self.stream).poll_next(cx) else {
                return Poll::Pending;
            };
            match read {
                Some(Ok(_)) if self.closing => {}
                Some(Ok(Message::Text(text))) => return Poll::Ready(Heard::Text(text)),
                Some(Ok(Message::Binary(_))) => return Poll::Ready(Heard::Bad(Bye::BadFrame)),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Poll::Ready(Heard::Control),
                Some(Ok(Message::Close(_) | Message::Frame(_))) => {}
                Some(Err(Error::Capacity(_))) => {
                    self.deaf = true;
                    return Poll::Ready(Heard::Bad(Bye::FrameTooLarge));
                }
                // Gone without a word, as documents go.
                Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                    return Poll::Ready(Heard::End);
                }
                Some(Err(Error::Utf8(_) | Error::Protocol(_))) => {
                    self.deaf = true;
                    return Poll::Ready(Heard::Bad(Bye::BadFrame));
                }
                Some(Err(_)) | None => return Poll::Ready(Heard::End),
            }
        }
    }

    /// Writes until the kernel takes no more or nothing is left to say; what can go together does.
    pub fn write(&mut self, hub: &Hub, link: &Arc<Link>) {
        let together = hub.has_several(link);
        if together {
            self.stream.get_ref().gather(true);
        }
        self.write_frames(hub, link);
        if together {
            self.stream.get_ref().gather(false);
        }
    }

    fn write_frames(&mut self, hub: &Hub, link: &Arc<Link>) {
        let task = self.task.clone();
        let mut cx = Context::from_waker(&task);
        while !self.ended {
            if self.in_flight {
                let before = self.stream.get_ref().taken();
                match Pin::new(&mut self.stream).poll_flush(&mut cx) {
                    Poll::Ready(Ok(())) if self.closing => self.in_flight = false,
                    Poll::Ready(Ok(())) => {
                        self.in_flight = false;
                        hub.taken(link);
                    }
                    Poll::Ready(Err(_)) => self.ended = true,
                    Poll::Pending => {
                        if self.stream.get_ref().taken() > before {
                            hub.progressed(link);
                        } else if self.stream.get_mut().take_back() {
                            // Its time may be over, or its sender gone, before there is room.
                            self.in_flight = false;
                            hub.not_begun(link);
                            return;
                        }
                        // A frame that has begun holds up everything but the end without a word.
                        if hub.next(link) == Next::Cut {
                            self.cut(hub, link);
                        }
                        return;
                    }
                }
                continue;
            }
            if self.closing && hub.next(link) != Next::Cut {
                return;
            }
            // A pong that is half written is finished first.
            match Pin::new(&mut self.stream).poll_flush(&mut cx) {
                Poll::Ready(Ok(())) => self.say_next(hub, link),
                Poll::Ready(Err(_)) => self.ended = true,
                Poll::Pending => return,
            }
            if !self.in_flight {
                return;
            }
        }
    }

    /// Writes what the kernel takes when it is asked, though it has not said that there is room (live 8.4).
    pub fn press(&mut self, hub: &Hub, link: &Arc<Link>) {
        self.stream.get_mut().press(true);
        self.write(hub, link);
        self.stream.get_mut().press(false);
    }

    /// Ends without a word; what was not taken is thrown away with the socket.
    fn cut(&mut self, hub: &Hub, link: &Link) {
        if hub.has_waiting(link) {
            self.stream.get_ref().abandon();
        }
        self.ended = true;
    }

    /// Begins what is to be said next.
    fn say_next(&mut self, hub: &Hub, link: &Arc<Link>) {
        match hub.next(link) {
            Next::Nothing => {}
            Next::Cut => self.cut(hub, link),
            Next::Frame(text) => {
                self.stream.get_mut().begin_text(text);
                self.in_flight = true;
            }
            Next::Close(bye) => {
                self.closing = true;
                self.in_flight = true;
                let close = Message::Close(Some(close_frame(bye)));
                self.ended = Pin::new(&mut self.stream).start_send(close).is_err();
            }
        }
    }
}
