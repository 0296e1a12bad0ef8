//! One poll: a taken-over socket that waits for its answer and goes back to the HTTP stack (live 4.7, 4.8). Holds no rule; those are
//! the hub's.
//!
//! Promise: a poll whose client has gone is not parked any more; the hub is told when the kernel has the whole answer; nothing of the
//! request is kept while it waits.

use super::answers;
use super::counted::Counted;
use super::errands::{Attachment, Door};
use crate::listen::Then;
use crate::take_over::{TakeOver, Taken};
use axum::body::Body;
use bytes::Bytes;
use crier_live::hub::{Parked, Refused};
use crier_live::link::Opening;
use crier_platform::ports::clock::Clock;
use crier_proto::frame::{ClientFrame, PollBody};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, Version};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpStream;

/// How the answer to a poll begins.
pub struct Head {
    /// The headers of every live answer.
    pub headers: HeaderMap,
    /// Whether further requests may come on the socket.
    pub keeps_alive: bool,
}

/// A head, and what its date is read from.
type HeadAndClock = (Head, Arc<dyn Clock>);

/// Whether the client of this request wants to use its connection again.
pub fn keeps_alive(version: Version, headers: &HeaderMap) -> bool {
    let closes = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("close"));
    version == Version::HTTP_11 && !closes
}

/// Parks a poll, the first one after its hello was judged, or answers why not.
pub async fn answer(door: Door, opening: Opening, (text, head): (&str, Head)) -> Response<Body> {
    let parked = match parked(&door, opening, text).await {
        Ok(parked) => parked,
        Err(refused) => return answers::refusal(refused),
    };
    let clock = Arc::clone(&door.clock);
    let mut response = Response::new(Body::empty());
    let poll = TakeOver::new(move |taken| serve(taken, parked, (head, clock)));
    response.extensions_mut().insert(Then::TakeOver(poll));
    response
}

async fn parked(door: &Door, opening: Opening, text: &str) -> Result<Parked, Refused> {
    let hub = &door.hub;
    match PollBody::read(text).map_err(|bye| hub.refused_body(bye, text))? {
        PollBody::Open(hello) => {
            let attachment = Attachment::open(hub, opening);
            let link = attachment.link();
            let frames = hub.received_posted(link, vec![ClientFrame::Hello(hello)])?;
            door.run_all(frames, link).await;
            if let Some(refused) = hub.refusal(link) {
                return Err(refused);
            }
            let parked = hub.park(link, 0)?;
            attachment.keep();
            Ok(parked)
        }
        PollBody::Next {
            connection,
            got,
            frames,
        } => {
            let link = hub.polled(&connection, &opening)?;
            let parked = hub.park(&link, got)?;
            // A connection that has ended hears nothing more; its bye is the answer.
            if hub.is_open(&link) {
                let frames = hub.received_posted(&link, frames)?;
                let turn = link.posting().await;
                door.run_all(frames, &link).await;
                drop(turn);
            }
            Ok(parked)
        }
    }
}

async fn serve(taken: Taken, parked: Parked, (head, clock): HeadAndClock) -> Option<TcpStream> {
    let Taken { socket, early } = taken;
    Counted::set_options(&socket, parked.send_buffer_bytes());
    let answer = {
        let answered = pin!(parked.answer());
        match select(answered, pin!(gone(&socket))).await {
            Either::Left((answer, _)) => answer?,
            Either::Right(_) => return None,
        }
    };
    let keeps_alive = head.keeps_alive && !early;
    let head = head_of(head.headers, (answer.len(), keeps_alive), &*clock);
    let mut socket = Counted::new(socket);
    let written = {
        // Boxed: a poll waits far longer than it writes.
        let writing = Box::pin(write(&mut socket, (head, answer), &parked));
        match select(writing, pin!(parked.cut())).await {
            Either::Left((written, _)) => written,
            Either::Right(_) => Written::Cut,
        }
    };
    let complete = matches!(written, Written::All);
    match written {
        Written::All => parked.taken(),
        Written::Stalled => parked.stalled(),
        Written::Cut | Written::Not => {}
    }
    if !complete {
        socket.abandon();
        return None;
    }
    keeps_alive.then(|| socket.into_inner())
}

/// How far an answer came.
enum Written {
    /// The kernel has all of it.
    All,
    /// The kernel takes no more.
    Stalled,
    /// The connection has ended without a word.
    Cut,
    /// The socket is gone.
    Not,
}

fn head_of(mut headers: HeaderMap, (length, keeps_alive): (usize, bool), clock: &dyn Clock) -> Bytes {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length.into());
    if !keeps_alive {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answers::head_bytes(&headers, clock.wall()).into()
}

/// Writes an answer, and gives up only when the kernel has taken no byte of it for the time of live 8.4.
async fn write(socket: &mut Counted, (head, answer): (Bytes, Bytes), parked: &Parked) -> Written {
    socket.begin_answer(head, answer);
    loop {
        let moved_on = match select(pin!(moved(socket)), pin!(parked.patience())).await {
            Either::Left((moved_on, _)) => Some(moved_on),
            Either::Right(_) => None,
        };
        match moved_on.or_else(|| pressed(socket)) {
            Some(Ok(true)) => return Written::All,
            Some(Ok(false)) => parked.progressed(),
            Some(Err(_)) => return Written::Not,
            None => return Written::Stalled,
        }
    }
}

/// Offers the kernel what is left, whatever it said last; nothing when it takes nothing.
fn pressed(socket: &mut Counted) -> Option<io::Result<bool>> {
    socket.press(true);
    let moved_on = moved(socket).now_or_never();
    socket.press(false);
    moved_on
}

/// Returns when the kernel has taken some bytes, and whether these were the last.
async fn moved(socket: &mut Counted) -> io::Result<bool> {
    let before = socket.taken();
    poll_fn(|cx| match socket.poll_frame(cx) {
        Poll::Ready(written) => Poll::Ready(written.map(|()| true)),
        Poll::Pending if socket.taken() > before => Poll::Ready(Ok(false)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Returns when the client has closed the connection. A further request of its is left where it is.
async fn gone(socket: &TcpStream) {
    match socket.peek(&mut [0]).await {
        Ok(0) | Err(_) => {}
        Ok(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parked_poll_holds_for_itself_stays_small() {
        fn returned<F>(_: fn(Taken, Parked, HeadAndClock) -> F) -> usize {
            size_of::<F>()
        }
        // Of the 13 kB of goal G7, and boxed apart from what HTTP needed before.
        assert!(returned(serve) <= 832, "{}", returned(serve));
    }
}
