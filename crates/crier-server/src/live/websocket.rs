//! One WebSocket: bytes to frames, frames to bytes (live 4.7, 15.1). Holds no rule; those are the hub's.
//!
//! Three things move a socket. Its own task reads, and writes what the kernel had no room for before. Whoever publishes writes
//! through `Pump`, straight to the socket, with this task's waker, so that the rest of a full socket is this task's again. And the
//! hub ends it, through the same pump. Both sides meet under one short lock that is never held across an await.

use super::counted::Counted;
use crier_live::connection::Next;
use crier_live::hub::{Errand, Hub};
use crier_live::link::{Link, Opening, Pump};
use crier_platform::live_door::LiveDoor;
use crier_platform::model::app::App;
use crier_proto::frame::{Bye, FRAMES_BYTES_MAX};
use futures_util::{Sink, Stream};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// What a socket's errands need.
pub struct Door {
    /// The connections.
    pub hub: Arc<Hub>,
    /// Tickets and sends.
    pub live_door: Arc<LiveDoor>,
    /// Whose pages come.
    pub app: Arc<App>,
}

/// Bytes read at once: what an idle connection holds for reading (live 15.1).
const READ_BUFFER_BYTES: usize = 512;

struct Wire {
    stream: WebSocketStream<Counted>,
    task: Waker,
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

struct Socket {
    hub: Arc<Hub>,
    link: Arc<Link>,
    wire: Mutex<Wire>,
}

enum Heard {
    Text(Utf8Bytes),
    Bad(Bye),
    End,
}

/// Serves one upgraded socket to its end; `bye` ends it before it begins.
pub async fn serve(upgrade: OnUpgrade, door: Door, opening: Opening, bye: Option<Bye>) {
    // Boxed: the future of the upgrade is larger than what an idle connection needs.
    let Some(socket) = Box::pin(open(upgrade, &door, opening)).await else {
        return;
    };
    if let Some(bye) = bye {
        socket.hub.end(&socket.link, bye, None);
    }
    loop {
        match poll_fn(|cx| socket.poll(cx)).await {
            Heard::Text(text) => {
                for frame in socket.hub.received(&socket.link, &text) {
                    if let Some(errand) = socket.hub.frame(&socket.link, frame) {
                        Box::pin(run(errand, &door, &socket.link)).await;
                    }
                }
            }
            Heard::Bad(bye) => socket.hub.end(&socket.link, bye, None),
            Heard::End => break,
        }
    }
    socket.hub.closed(&socket.link);
}

async fn open(upgrade: OnUpgrade, door: &Door, opening: Opening) -> Option<Arc<Socket>> {
    let parts = upgrade.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
    let tcp = parts.io.into_inner();
    let send_buffer = usize::try_from(door.hub.send_buffer_bytes()).unwrap_or(usize::MAX);
    // A socket that refuses its options is gone already; using it says so.
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&tcp, send_buffer);
    let terms = door.hub.terms();
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(terms.outbox_bytes_max.max(2 * FRAMES_BYTES_MAX))
        .max_message_size(Some(FRAMES_BYTES_MAX))
        .max_frame_size(Some(FRAMES_BYTES_MAX));
    let early = parts.read_buf.to_vec();
    let stream =
        WebSocketStream::from_partially_read(Counted::new(tcp), early, Role::Server, Some(config)).await;
    let task = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let socket = Arc::new(Socket {
        hub: Arc::clone(&door.hub),
        link: door.hub.open(opening),
        wire: Mutex::new(Wire {
            stream,
            task,
            in_flight: false,
            closing: false,
            paused: false,
            deaf: false,
            ended: false,
        }),
    });
    let pump: Arc<dyn Pump> = Arc::clone(&socket) as _;
    socket.link.attach(Arc::downgrade(&pump));
    Some(socket)
}

async fn run(errand: Errand, door: &Door, link: &Arc<Link>) {
    let (hub, live_door) = (&door.hub, &door.live_door);
    match errand {
        Errand::Redeem { ticket, hello } => {
            let Some(turn) = hub.turn(link).await else { return };
            match live_door.redeem(&door.app, &ticket).await {
                Ok(permit) => hub.admit(link, &hello, permit),
                Err(bye) => hub.end(link, bye, None),
            }
            drop(turn);
        }
        Errand::Renew { ticket } => match live_door.redeem(&door.app, &ticket).await {
            Ok(permit) => hub.renewed(link, permit),
            Err(bye) => hub.end(link, bye, None),
        },
        Errand::Send {
            permit,
            reference,
            send,
        } => {
            let outcome = live_door.send(&permit, *send).await;
            hub.sent(link, reference, &outcome);
        }
    }
}

impl Pump for Socket {
    fn pump(&self) {
        let mut wire = self.wire();
        wire.write(&self.hub, &self.link);
        if wire.ended || wire.closing || (wire.paused && self.hub.wants_frames(&self.link)) {
            wire.task.wake_by_ref();
        }
    }
}

impl Socket {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Heard> {
        let mut wire = self.wire();
        if !wire.task.will_wake(cx.waker()) {
            wire.task = cx.waker().clone();
        }
        wire.write(&self.hub, &self.link);
        loop {
            if wire.ended {
                return Poll::Ready(Heard::End);
            }
            wire.paused = !wire.closing && !self.hub.wants_frames(&self.link);
            if wire.paused {
                return Poll::Pending;
            }
            if wire.deaf {
                // It must be read all the same, or closing would reset the connection and take the bye away.
                let said_all = wire.closing && !wire.in_flight;
                return wire
                    .stream
                    .get_mut()
                    .poll_to_end(cx, said_all)
                    .map(|()| Heard::End);
            }
            let Poll::Ready(read) = Pin::new(&mut wire.stream).poll_next(cx) else {
                return Poll::Pending;
            };
            match read {
                Some(Ok(_)) if wire.closing => {}
                Some(Ok(Message::Text(text))) => return Poll::Ready(Heard::Text(text)),
                Some(Ok(Message::Binary(_))) => return Poll::Ready(Heard::Bad(Bye::BadFrame)),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_))) => {}
                Some(Err(Error::Capacity(_))) => {
                    wire.deaf = true;
                    return Poll::Ready(Heard::Bad(Bye::FrameTooLarge));
                }
                Some(Err(Error::Utf8(_) | Error::Protocol(_))) => {
                    wire.deaf = true;
                    return Poll::Ready(Heard::Bad(Bye::BadFrame));
                }
                Some(Err(_)) | None => return Poll::Ready(Heard::End),
            }
        }
    }
}

impl Wire {
    /// Writes until the kernel takes no more or nothing is left to say.
    fn write(&mut self, hub: &Hub, link: &Arc<Link>) {
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
                        }
                        return;
                    }
                }
                continue;
            }
            if self.closing && hub.next(link) != Next::Cut {
                return;
            }
            let message = match hub.next(link) {
                Next::Nothing => return,
                Next::Cut => {
                    self.ended = true;
                    return;
                }
                Next::Frame(bytes) => Message::Text(Utf8Bytes::try_from(bytes).unwrap_or_default()),
                Next::Close(bye) => {
                    self.closing = true;
                    Message::Close(Some(CloseFrame {
                        code: CloseCode::from(bye.number()),
                        reason: Utf8Bytes::from_static(bye.reason()),
                    }))
                }
            };
            self.in_flight = true;
            if Pin::new(&mut self.stream).start_send(message).is_err() {
                self.ended = true;
            }
        }
    }
}
