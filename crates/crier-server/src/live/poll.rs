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
use crier_live::link::{Link, Opening};
use crier_platform::ports::clock::Clock;
use crier_proto::frame::{ClientFrame, PollBody};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Fuse, FusedFuture, select};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, Version};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use tokio::net::TcpStream;

/// How the answer to a poll begins.
pub struct Head {
    /// The request's origin, when it is one of the application's: the headers are made when the answer is.
    pub listed: Option<HeaderValue>,
    /// Whether further requests may come on the socket.
    pub keeps_alive: bool,
}

/// A poll whose request is read. One value, used in place: what is taken apart is held twice while it waits.
struct Waiting {
    taken: Taken,
    work: Work,
    parked: Parked,
    head: Head,
    /// What the date of the answer is read from.
    clock: Arc<dyn Clock>,
}

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
    let (parked, frames) = match parked(&door, opening, text).await {
        Ok(parked) => parked,
        Err(refused) => return answers::refusal(refused),
    };
    let clock = Arc::clone(&door.clock);
    let work = work(door, Arc::clone(parked.link()), frames);
    let mut response = Response::new(Body::empty());
    let poll = TakeOver::new(move |taken| {
        serve(Waiting {
            taken,
            work,
            parked,
            head,
            clock,
        })
    });
    response.extensions_mut().insert(Then::TakeOver(poll));
    response
}

/// What the frames of a poll ask; not even that of a poll without.
type Work = Fuse<BoxFuture<'static, ()>>;

fn work(door: Door, link: Arc<Link>, frames: Vec<ClientFrame>) -> Work {
    if frames.is_empty() {
        return Fuse::terminated();
    }
    async move {
        let turn = link.posting().await;
        door.run_all(frames, &link).await;
        drop(turn);
    }
    .boxed()
    .fuse()
}

async fn parked(door: &Door, opening: Opening, text: &str) -> Result<(Parked, Vec<ClientFrame>), Refused> {
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
            Ok((parked, Vec::new()))
        }
        PollBody::Next {
            connection,
            got,
            frames,
        } => {
            let link = hub.polled(&connection, &opening)?;
            let parked = hub.park(&link, got)?;
            // A connection that has ended hears nothing more; its bye is the answer.
            if !hub.is_open(&link) {
                return Ok((parked, Vec::new()));
            }
            let frames = hub.received_polled(&link, frames)?;
            Ok((parked, frames))
        }
    }
}

/// Answers, and does what the frames ask: first, unless only the answer makes room for what they are answered.
async fn serve(mut poll: Waiting) -> Option<TcpStream> {
    Counted::set_options(&poll.taken.socket, poll.parked.send_buffer_bytes());
    let answer = {
        let mut waited = pin!(poll.parked.answer());
        let mut gone = pin!(gone(&poll.taken.socket));
        poll_fn(|cx| {
            // Its end is asked for below.
            let _ = poll.work.poll_unpin(cx);
            match waited.as_mut().poll(cx) {
                Poll::Pending => gone.as_mut().poll(cx).map(|()| None),
                answer => answer,
            }
        })
        .await
    };
    if let Some(answer) = answer {
        let keeps_alive = poll.head.keeps_alive && !poll.taken.early && poll.work.is_terminated();
        let head = head_of(
            poll.head.listed.as_ref(),
            (answer.len(), keeps_alive),
            &*poll.clock,
        );
        let socket = Counted::new(poll.taken.socket);
        // Boxed: a poll waits far longer than it writes.
        let whole = Box::pin(hand_over(socket, &mut poll.work, (poll.parked, head, answer)));
        let free = whole.await.filter(|_| keeps_alive);
        if free.is_some() {
            return free;
        }
    }
    if !poll.work.is_terminated() {
        // The polls that make room for the rest come on other sockets: this one has been closed.
        poll.work.await;
    }
    None
}

/// Writes the answer, and gives the socket back when the kernel has all of it.
async fn hand_over(
    mut socket: Counted,
    work: &mut Work,
    (parked, head, answer): (Parked, Bytes, Bytes),
) -> Option<TcpStream> {
    let written = {
        let writing = pin!(write(&mut socket, (head, answer), &parked));
        match select(pin!(beside(work, writing)), pin!(parked.cut())).await {
            Either::Left((written, _)) => written,
            Either::Right(_) => Written::Cut,
        }
    };
    match written {
        Written::All => {
            parked.taken();
            return Some(socket.into_inner());
        }
        Written::Stalled => parked.stalled(),
        Written::Cut | Written::Not => {}
    }
    socket.abandon();
    None
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

/// Awaits what is wanted while the work goes on.
async fn beside<F: Future>(work: &mut Work, mut wanted: Pin<&mut F>) -> F::Output {
    poll_fn(|cx| {
        // Its end is asked for elsewhere.
        let _ = work.poll_unpin(cx);
        wanted.as_mut().poll(cx)
    })
    .await
}

fn head_of(listed: Option<&HeaderValue>, (length, keeps_alive): (usize, bool), clock: &dyn Clock) -> Bytes {
    let mut headers = HeaderMap::new();
    answers::set_live_headers(&mut headers, listed);
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
        fn returned<F>(_: fn(Waiting) -> F) -> usize {
            size_of::<F>()
        }
        // Of the 13 kB of goal G7, and boxed apart from what HTTP needed before.
        assert!(returned(serve) <= 832, "{}", returned(serve));
    }
}
