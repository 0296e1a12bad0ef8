//! One stream of server-sent events: a taken-over socket, its task, and its end (live 4.7, 4.13). Holds no rule; those are the
//! hub's.
//!
//! Promise: the hello is judged before the head is written, so that a refusal has its status; a frame counts as written when the
//! kernel has taken its last byte, since nothing lies between; nothing of the request is kept.

use super::answers;
use super::counted::Counted;
use super::errands::{Attachment, Door};
use crate::listen::Then;
use crate::take_over::{TakeOver, Taken};
use axum::body::Body;
use bytes::Bytes;
use crier_live::connection::Next;
use crier_live::link::{Opening, Pump};
use http::Response;
use http::header::{CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What a browser's own reader of events would wait before it asks again, in milliseconds.
const RETRY: &[u8] = b"retry: 3000\n\n";

/// Judges a hello and begins its stream, or answers why not.
pub async fn open(door: Door, opening: Opening, (text, head): (&str, HeaderMap)) -> Response<Body> {
    let attachment = Attachment::open(&door.hub, opening);
    let link = attachment.link();
    door.run_all(door.hub.received(link, text), link).await;
    if let Some(refused) = door.hub.refusal(link) {
        return answers::refusal(refused);
    }
    let start = start_of(head, &door);
    let mut response = Response::new(Body::empty());
    let stream = TakeOver::new(move |taken| async move {
        serve(taken, attachment, start).await;
        None
    });
    response.extensions_mut().insert(Then::TakeOver(stream));
    response
}

/// The head, and the first line of the stream.
fn start_of(mut headers: HeaderMap, door: &Door) -> Bytes {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    // The body ends where the connection ends: any proxy and any version of the protocol understands that.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let mut start = answers::head_bytes(&headers, door.clock.wall());
    start.extend_from_slice(RETRY);
    start.into()
}

async fn serve(taken: Taken, attachment: Attachment, start: Bytes) {
    let task = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let stream = Arc::new(Stream::new(taken, (attachment, start), task));
    let pump: Arc<dyn Pump> = Arc::clone(&stream) as _;
    stream.attachment.link().attach(Arc::downgrade(&pump));
    drop(pump);
    poll_fn(|cx| stream.poll(cx)).await;
}

struct Stream {
    attachment: Attachment,
    wire: Mutex<Wire>,
}

/// The socket and how far its next event has come.
struct Wire {
    socket: Counted,
    task: Waker,
    sending: Sending,
}

impl Wire {
    /// Ends without a word; what still waits is thrown away with the socket.
    fn cut(&mut self, waits: bool) {
        if waits {
            self.socket.abandon();
        }
        self.sending = Sending::Ended;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// The head is on its way.
    Head,
    /// A frame is on its way.
    Frame,
    /// Nothing is.
    Nothing,
    /// All is said.
    Done,
    /// The socket is gone, or given up.
    Ended,
}

impl Pump for Stream {
    fn pump(&self) {
        self.move_on(&mut self.wire());
    }

    fn press(&self) {
        let mut wire = self.wire();
        wire.socket.press(true);
        self.move_on(&mut wire);
        wire.socket.press(false);
    }
}

impl Stream {
    fn new(taken: Taken, (attachment, start): (Attachment, Bytes), task: Waker) -> Self {
        Counted::set_options(&taken.socket, attachment.hub().send_buffer_bytes());
        let mut socket = Counted::new(taken.socket);
        socket.begin_bytes(start);
        let sending = Sending::Head;
        Self {
            attachment,
            wire: Mutex::new(Wire {
                socket,
                task,
                sending,
            }),
        }
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes and listens; ready at the end of the socket, whichever side it came from.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut wire = self.wire();
        if !wire.task.will_wake(cx.waker()) {
            wire.task = cx.waker().clone();
        }
        self.write(&mut wire);
        if wire.sending == Sending::Ended {
            return Poll::Ready(());
        }
        let said_all = wire.sending == Sending::Done;
        wire.socket.poll_to_end(cx, said_all)
    }

    /// Writes on somebody else's task; its own is told when there is something to do that no readiness of the socket tells it.
    fn move_on(&self, wire: &mut Wire) {
        self.write(wire);
        if matches!(wire.sending, Sending::Done | Sending::Ended) {
            wire.task.wake_by_ref();
        }
    }

    /// Writes until the kernel takes no more or nothing is left to say; what can go together does.
    fn write(&self, wire: &mut Wire) {
        let together = self.attachment.hub().has_several(self.attachment.link());
        if together {
            wire.socket.gather(true);
        }
        self.write_frames(wire);
        if together {
            wire.socket.gather(false);
        }
    }

    fn write_frames(&self, wire: &mut Wire) {
        let (hub, link) = (self.attachment.hub(), self.attachment.link());
        let task = wire.task.clone();
        let mut cx = Context::from_waker(&task);
        loop {
            if matches!(wire.sending, Sending::Head | Sending::Frame) {
                let before = wire.socket.taken();
                match wire.socket.poll_frame(&mut cx) {
                    Poll::Ready(Ok(())) if wire.sending == Sending::Frame => hub.taken(link),
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return wire.sending = Sending::Ended,
                    Poll::Pending => {
                        if wire.socket.taken() > before {
                            hub.progressed(link);
                        } else if wire.sending == Sending::Frame && wire.socket.take_back() {
                            // Its time may be over, or its sender gone, before there is room.
                            wire.sending = Sending::Nothing;
                            hub.not_begun(link);
                            return;
                        }
                        // An event that has begun holds up everything but the end without a word.
                        if hub.next(link) == Next::Cut {
                            wire.cut(hub.has_waiting(link));
                        }
                        return;
                    }
                }
                wire.sending = Sending::Nothing;
            }
            if wire.sending == Sending::Ended {
                return;
            }
            match hub.next(link) {
                Next::Cut => return wire.cut(hub.has_waiting(link)),
                Next::Close(_) => return wire.sending = Sending::Done,
                Next::Nothing => return,
                Next::Frame(text) => {
                    wire.socket.begin_event(text);
                    wire.sending = Sending::Frame;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_idle_stream_holds_for_itself_stays_small() {
        fn returned<F>(_: fn(Taken, Attachment, Bytes) -> F) -> usize {
            size_of::<F>()
        }
        // Of the 13 kB of goal G7, and boxed apart from what HTTP needed before.
        assert!(returned(serve) <= 256, "{}", returned(serve));
        assert!(size_of::<Stream>() <= 192, "{}", size_of::<Stream>());
    }
}
