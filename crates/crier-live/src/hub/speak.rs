//! What a page says once its connection is open (live 4.2).

use super::{Errand, Hub, key_of};
use crate::connection::Phase;
use crate::link::Link;
use crate::metrics::{Door, Overflow};
use crate::place::{Introduction, touch};
use crate::rate::Bucket;
use bytes::Bytes;
use crier_platform::live_door::PageSend;
use crier_platform::model::ticket::Permit;
use crier_proto::error::{Code, Refusal};
use crier_proto::frame::{ClientFrame, PageId, RefusedEvent, Register, Send, ServerFrame, refused_in_parts};
use crier_proto::ids::MessageId;
use std::future::poll_fn;
use std::sync::Arc;

/// Sessions of one user whose page sends are counted at once; more share the oldest one's place.
const SENDERS_MAX: usize = 32;

impl Hub {
    /// Does what one frame asks, or names the errand that must be run first. Frames of one connection are given one after another,
    /// each when there is `room`.
    #[must_use]
    pub fn frame(&self, link: &Arc<Link>, frame: ClientFrame) -> Option<Errand> {
        if link.state().phase() == Phase::Closing {
            return None;
        }
        if let ClientFrame::Hello(hello) = frame {
            return Some(self.hello(link, hello));
        }
        let permit = link.state().permit().cloned()?;
        match frame {
            // Only a connection's first frame is a hello: that was judged when it was read.
            ClientFrame::Hello(_) => {}
            ClientFrame::Unknown => {
                let frame = ServerFrame::error(&unknown_type(), None, None);
                self.answer(link, &frame);
            }
            ClientFrame::Register(register) => return self.register(link, register),
            ClientFrame::Unregister { page, events } => self.unregister(link, &page, events.as_deref()),
            ClientFrame::Focus { page, focus } => {
                self.with_page(link, &page, |place, index| place.set_focus(index, focus));
            }
            ClientFrame::Ack { page, ids, failed } => self.ack(link, &page, (&ids, &failed)),
            ClientFrame::Send(send) => return self.send(link, permit, *send),
            ClientFrame::Renew { ticket } => return Some(Errand::Renew { ticket }),
            ClientFrame::Pong { at: _ } => {
                let pinged = link.state().pong();
                if let Some(pinged) = pinged {
                    self.metrics
                        .ponged_after(self.clock.elapsed_micros().since(pinged));
                }
            }
            ClientFrame::Leave => self.leave(link),
        }
        None
    }

    /// Registers, and answers; what does not fit into one frame is left to be said.
    fn register(&self, link: &Arc<Link>, register: Register) -> Option<Errand> {
        let key = key_of(link)?;
        let Register {
            page,
            events,
            cursor,
            focus,
        } = register;
        let frames = self.at(key, |place, around, touched| {
            let (seq, refused) = match place.page_on(link.no, &page) {
                Some(index) => {
                    if let Some(focus) = focus {
                        place.set_focus(index, focus);
                    }
                    let refused = place.register(around, index, &events);
                    (place.mailbox.cursor().seq, refused)
                }
                None => {
                    // What the hello gave up is given up for the pages that come after it too.
                    let inherit = place.pages.iter().find(|known| known.is_on(link.no));
                    let coming = Introduction {
                        page: &page,
                        cursor,
                        events: &events,
                        focus,
                        inherit: inherit.is_none_or(|known| known.inherit),
                    };
                    place.introduce(around, link, &coming)
                }
            };
            let refused = refused.into_iter().map(|(event, code)| RefusedEvent {
                event,
                code: code.number(),
            });
            let epoch = place.mailbox.cursor().epoch;
            let parts = refused_in_parts(refused.collect()).into_iter();
            let mut frames = parts.map(|refused| {
                let page = page.clone();
                let frame = ServerFrame::Registered {
                    page,
                    epoch,
                    seq,
                    refused,
                };
                Bytes::from(frame.to_json())
            });
            if let Some(first) = frames.next() {
                link.state().answer(first, around.now);
            }
            place.read_on(around, link);
            touch(touched, link);
            frames.collect::<Vec<_>>()
        });
        (!frames.is_empty()).then_some(Errand::Say { frames })
    }

    fn unregister(&self, link: &Arc<Link>, name: &PageId, events: Option<&[String]>) {
        let Some(key) = key_of(link) else { return };
        self.at_known(key, |place, around, touched| {
            if let Some(index) = place.page_on(link.no, name) {
                match events {
                    Some(events) => place.unregister(index, events),
                    None => place.end_page(around, index, touched),
                }
            }
        });
    }

    fn ack(&self, link: &Arc<Link>, name: &PageId, acked: (&[MessageId], &[MessageId])) {
        let Some(key) = key_of(link) else { return };
        self.at_known(key, |place, around, _| {
            if let Some(index) = place.page_on(link.no, name) {
                let page = place.pages[index].no;
                place.ack(around, page, acked);
            }
        });
    }

    fn leave(&self, link: &Arc<Link>) {
        if let Some(key) = key_of(link) {
            self.at_known(key, |place, around, touched| {
                place.end_pages_of(around, link.no, touched);
            });
        }
        link.state().hang_up();
        link.pump();
        self.closed_without_transport(link);
    }

    /// A page may send if it has a handler for the event and its session has not sent too much (live 4.2, 4.15).
    fn send(&self, link: &Arc<Link>, permit: Arc<Permit>, send: Send) -> Option<Errand> {
        let key = (permit.app, permit.user);
        let id = MessageId::from_bytes(self.resume_key.send_id(&permit, send.reference.as_str()));
        // Before every check: what has been sent is told again, whatever has become of page, recipient and rate since.
        if let Some(first) = self.records.first(id, self.clock.elapsed()) {
            self.sent(link, send.reference, &Ok(first));
            return None;
        }
        let refusal = self.at_known(key, |place, around, _| {
            let handles = place
                .page_on(link.no, &send.page)
                .is_some_and(|index| place.pages[index].handles(&send.event));
            if !handles {
                return Some(Code::LiveMessageFailed);
            }
            let rate = around.config.send_rate();
            let full = Bucket::full(rate, around.now);
            let known = place
                .senders
                .iter()
                .position(|(session, _)| *session == permit.session);
            let index = known.unwrap_or_else(|| {
                place
                    .senders
                    .retain(|(_, bucket)| !bucket.is_full(rate, around.now));
                place.senders.truncate(SENDERS_MAX - 1);
                place.senders.push((permit.session, full));
                place.senders.len() - 1
            });
            if place.senders[index].1.take(rate, around.now) {
                return None;
            }
            around.metrics.overflow(Overflow::RateSend);
            Some(Code::RequestLimit)
        });
        if let Some(code) = refusal.unwrap_or(Some(Code::LiveMessageFailed)) {
            self.metrics.send_refused(Door::Page, (code, None));
            let frame = ServerFrame::error(&Refusal::plain(code), Some(send.reference), None);
            self.answer(link, &frame);
            return None;
        }
        Some(Errand::Send {
            permit,
            reference: send.reference,
            send: Box::new(PageSend {
                id,
                recipient: send.recipient,
                event: send.event,
                message: send.message,
                ttl: send.ttl,
                collapse_key: send.collapse_key,
                fanout: send.fanout,
            }),
        })
    }

    fn with_page(&self, link: &Arc<Link>, name: &PageId, work: impl FnOnce(&mut crate::place::Place, usize)) {
        let Some(key) = key_of(link) else { return };
        self.at_known(key, |place, _, _| {
            if let Some(index) = place.page_on(link.no, name) {
                work(place, index);
            }
        });
    }

    /// Waits until a frame of this connection may be given to `frame`, or an answer to `say` (live 8.1): there is room for what they
    /// answer, or nobody will hear it. One of a connection's messages is worked at at a time.
    pub async fn room(&self, link: &Link) {
        poll_fn(|cx| link.state().poll_room(&self.terms, cx)).await;
    }

    /// Says a part of an answer that was too long for one frame.
    pub fn say(&self, link: &Arc<Link>, frame: Bytes) {
        link.state().answer(frame, self.clock.elapsed());
        link.pump();
    }

    fn answer(&self, link: &Arc<Link>, frame: &ServerFrame) {
        self.say(link, frame.to_json().into());
    }
}

/// What a frame of an unknown type is answered (live 4.1).
fn unknown_type() -> Refusal {
    Refusal::because(Code::InvalidParameter, "type names no frame")
}
