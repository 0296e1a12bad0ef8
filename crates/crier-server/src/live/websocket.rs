//! One WebSocket: an upgraded socket, its task, and its end (live 4.7, 15.1). Holds no rule; those are the hub's.
//!
//! Three things move a socket. Its own task reads, and writes what the kernel had no room for before, also while it works at what it
//! has read. Whoever publishes writes through `Pump`, straight to the socket, with this task's waker, so that the rest of a full
//! socket is this task's again. And the hub ends it, through the same pump. Both sides meet under one short lock that is never held
//! across an await.

use super::counted::Counted;
use super::errands::Door;
use super::wire::{Heard, Wire, close_frame, framed};
use crier_live::hub::{Hub, Refused};
use crier_live::link::{Link, Opening, Pump};
use crier_platform::ports::clock::Clock;
use crier_proto::frame::{Bye, ServerFrame};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

/// Milliseconds that a refused socket has to take its bye and to close.
const PARTING_MS: u64 = 2_000;

struct Socket {
    hub: Arc<Hub>,
    link: Arc<Link>,
    wire: Mutex<Wire>,
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
        let heard = poll_fn(|cx| socket.poll(cx)).await;
        // Boxed: what is done about a message is larger than waiting for one.
        if Box::pin(socket.heed(&door, heard)).await.is_break() {
            break;
        }
    }
    socket.hub.closed(&socket.link);
}

/// Says one bye on a socket that no connection can be opened for, since it is not known whose it is (live 4.12).
pub async fn refuse(upgrade: OnUpgrade, (bye, retry_after_ms): Refused, clock: Arc<dyn Clock>) {
    let until = clock.elapsed().plus_ms(PARTING_MS);
    let parting = async {
        let parts = upgrade.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
        let mut stream = framed(parts.io.into_inner(), parts.read_buf.to_vec()).await;
        let text = ServerFrame::bye(bye, retry_after_ms).to_json();
        stream.send(Message::text(text)).await.ok()?;
        stream.close(Some(close_frame(bye))).await.ok()?;
        // What is still coming is read, or closing would reset the connection and take the bye away.
        while let Some(Ok(_)) = stream.next().await {}
        Some(())
    };
    tokio::select! {
        _ = Box::pin(parting) => {}
        () = clock.sleep_until(until) => {}
    }
}

async fn open(upgrade: OnUpgrade, door: &Door, opening: Opening) -> Option<Arc<Socket>> {
    let parts = upgrade.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
    let tcp = parts.io.into_inner();
    Counted::set_options(&tcp, door.hub.send_buffer_bytes());
    let task = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let wire = Wire::new(tcp, parts.read_buf.to_vec(), task).await;
    let socket = Arc::new(Socket {
        hub: Arc::clone(&door.hub),
        link: door.hub.open(opening),
        wire: Mutex::new(wire),
    });
    let pump: Arc<dyn Pump> = Arc::clone(&socket) as _;
    socket.link.attach(Arc::downgrade(&pump));
    Some(socket)
}

impl Pump for Socket {
    fn pump(&self) {
        let mut wire = self.wire();
        wire.write(&self.hub, &self.link);
        if wire.needs_its_task(&self.hub, &self.link) {
            wire.task.wake_by_ref();
        }
    }

    fn press(&self) {
        let mut wire = self.wire();
        wire.press(&self.hub, &self.link);
        if wire.needs_its_task(&self.hub, &self.link) {
            wire.task.wake_by_ref();
        }
    }
}

impl Socket {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what has been heard, and what is heard meanwhile. Breaks at the end.
    async fn heed(&self, door: &Door, mut heard: Heard) -> ControlFlow<()> {
        loop {
            let ahead = match heard {
                Heard::Text(text) => {
                    let frames = self.hub.received(&self.link, &text);
                    self.attend(pin!(door.run_all(frames, &self.link))).await
                }
                Heard::Control => {
                    self.hub.received_nothing(&self.link);
                    None
                }
                Heard::Bad(bye) => {
                    self.hub.end(&self.link, bye, None);
                    None
                }
                Heard::End => return ControlFlow::Break(()),
            };
            match ahead {
                Some(next) => heard = next,
                None => return ControlFlow::Continue(()),
            }
        }
    }

    /// Works at a message. Meanwhile the socket is written, and read by one message, so that its end is seen; that message is returned.
    async fn attend(&self, mut work: Pin<&mut impl Future<Output = ()>>) -> Option<Heard> {
        let mut ahead = None;
        let mut gone = false;
        poll_fn(|cx| {
            if work.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if gone || !self.is_over(&mut ahead, cx) {
                return Poll::Pending;
            }
            gone = true;
            if self.hub.is_heard_no_more(&self.link) {
                // It may have waited for room until now.
                return work.as_mut().poll(cx);
            }
            Poll::Ready(())
        })
        .await;
        ahead
    }

    /// Writes, and reads by one message; whether the socket has ended.
    fn is_over(&self, ahead: &mut Option<Heard>, cx: &mut Context<'_>) -> bool {
        if ahead.is_some() {
            return self.poll_write(cx).has_ended();
        }
        if let Poll::Ready(heard) = self.poll(cx) {
            *ahead = Some(heard);
        }
        matches!(ahead, Some(Heard::End))
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Heard> {
        self.poll_write(cx).read((&self.hub, &self.link), cx)
    }

    fn poll_write(&self, cx: &Context<'_>) -> MutexGuard<'_, Wire> {
        let mut wire = self.wire();
        if !wire.task.will_wake(cx.waker()) {
            wire.task = cx.waker().clone();
        }
        wire.write(&self.hub, &self.link);
        wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_idle_socket_holds_for_itself_stays_small() {
        fn returned<F>(_: fn(OnUpgrade, Door, Opening, Option<Bye>) -> F) -> usize {
            size_of::<F>()
        }
        // Of the 2.5 kB that live 15.1 gives to task, socket and framing; the rest is the runtime's and the read buffer.
        assert!(returned(serve) <= 384, "{}", returned(serve));
        assert!(size_of::<Socket>() <= 448, "{}", size_of::<Socket>());
    }
}
