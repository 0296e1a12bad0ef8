//! One poll: a taken-over socket that waits for its answer and goes back to the HTTP stack (live 4.7, 4.8). Holds no rule; those are
//! the hub's.
//!
//! Promise: a poll whose client has gone is not parked any more; the hub is told when the kernel has the whole answer; nothing of the
//! request is kept while it waits.

use super::answers;
use super::errands::{Attachment, Door};
use crate::listen::Then;
use crate::take_over::{TakeOver, Taken};
use axum::body::Body;
use bytes::Bytes;
use crier_live::hub::{Parked, Refused};
use crier_live::link::Opening;
use crier_platform::ports::clock::Clock;
use crier_proto::frame::{ClientFrame, PollBody};
use futures_util::future::{Either, select};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, Version};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// How the answer to a poll begins.
pub struct Head {
    /// The headers of every live answer.
    pub headers: HeaderMap,
    /// Whether further requests may come on the socket.
    pub keeps_alive: bool,
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
                door.run_all(hub.received_posted(&link, frames)?, &link).await;
            }
            Ok(parked)
        }
    }
}

async fn serve(taken: Taken, parked: Parked, (head, clock): (Head, Arc<dyn Clock>)) -> Option<TcpStream> {
    let Taken { mut socket, early } = taken;
    let answer = {
        let answered = pin!(parked.answer());
        match select(answered, pin!(gone(&socket))).await {
            Either::Left((answer, _)) => answer?,
            Either::Right(_) => return None,
        }
    };
    let keeps_alive = head.keeps_alive && !early;
    let head = head_of(head.headers, (answer.len(), keeps_alive), &*clock);
    let written = {
        let writing = pin!(write(&mut socket, (head, answer), &parked));
        matches!(
            select(writing, pin!(parked.cut())).await,
            Either::Left((Ok(()), _))
        )
    };
    if !written {
        return None;
    }
    parked.taken();
    keeps_alive.then_some(socket)
}

fn head_of(mut headers: HeaderMap, (length, keeps_alive): (usize, bool), clock: &dyn Clock) -> Bytes {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length.into());
    if !keeps_alive {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answers::head_bytes(&headers, clock.wall()).into()
}

async fn write(
    socket: &mut TcpStream,
    (head, answer): (Bytes, Bytes),
    parked: &Parked,
) -> std::io::Result<()> {
    let mut all = bytes::Buf::chain(head, answer);
    while bytes::Buf::has_remaining(&all) {
        socket.write_buf(&mut all).await?;
        parked.progressed();
    }
    Ok(())
}

/// Returns when the client has closed the connection. A further request of its is left where it is.
async fn gone(socket: &TcpStream) {
    match socket.peek(&mut [0]).await {
        Ok(0) | Err(_) => {}
        Ok(_) => std::future::pending().await,
    }
}
