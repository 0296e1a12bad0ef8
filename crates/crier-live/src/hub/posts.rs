//! Client frames that come as requests of their own, and hellos that are answered before a stream begins (live 4.7, 4.10, 4.12).
//!
//! Promise: a connection is reached only by its secret, from its own application and origin; whoever is refused learns nothing of
//! what exists. Knows no HTTP: a refusal is a bye, and after how long to come back.

use super::Hub;
use crate::connection::Phase;
use crate::link::{ConnectionNo, Link, Opening, Transport};
use crate::metrics::Overflow;
use crier_proto::frame::{Bye, ClientFrame, has_too_many_items};
use std::sync::Arc;

/// Why a request is refused, and after how many milliseconds it may be tried again.
pub type Refused = (Bye, Option<u64>);

impl Hub {
    /// The open connection that this secret names, if frames may be posted to it by a request that came in this way.
    ///
    /// # Errors
    /// 4002: there is none, it has ended, it is another application's or origin's, or it is a WebSocket, which has its own way.
    pub fn posted(&self, secret: &str, from: &Opening) -> Result<Arc<Link>, Refused> {
        let reached = self.named(secret, from).filter(|link| {
            link.opening.transport != Transport::WebSocket && link.state().phase() == Phase::Open
        });
        reached.ok_or_else(|| self.refused(Bye::ConnectionUnknown))
    }

    /// The connection of this secret, of this application and origin.
    pub(super) fn named(&self, secret: &str, from: &Opening) -> Option<Arc<Link>> {
        let no = self.resume_key.connection_named(secret).map(ConnectionNo)?;
        let link = self.links.of(&no).get(&no).cloned()?;
        let at = &link.opening;
        ((at.app, at.origin) == (from.app, from.origin)).then_some(link)
    }

    /// Counts one posted client message and returns its frames, to be given to `frame` as there is `room`.
    ///
    /// # Errors
    /// As `received_polled`; 4100 when so many answers wait to be read that further ones have no room: those of a long array wait for
    /// it, but not a second message.
    pub fn received_posted(
        &self,
        link: &Arc<Link>,
        frames: Vec<ClientFrame>,
    ) -> Result<Vec<ClientFrame>, Refused> {
        if !frames.is_empty() && link.state().phase() == Phase::Open && !self.wants_frames(link) {
            self.metrics.overflow(Overflow::Outbox);
            return Err(self.refused(Bye::Overloaded));
        }
        self.received_polled(link, frames)
    }

    /// As `received_posted`, for the frames of a poll: its answer is what makes room.
    ///
    /// # Errors
    /// The bye that the connection has ended with, by this message or before it.
    pub fn received_polled(
        &self,
        link: &Arc<Link>,
        frames: Vec<ClientFrame>,
    ) -> Result<Vec<ClientFrame>, Refused> {
        let read = link
            .state()
            .receive_posted(frames, &self.terms, self.clock.elapsed());
        let frames = read.unwrap_or_else(|bye| {
            self.end(link, bye, None);
            Vec::new()
        });
        frames.iter().for_each(|frame| self.metrics.frame_in(frame));
        self.refusal(link).map_or(Ok(frames), Err)
    }

    /// The other side of a connection has gone while a message of it is being worked at. Returns whether that work is to be finished:
    /// what it asked for in its right is done, a hello is not judged for nobody.
    #[must_use]
    pub fn is_heard_no_more(&self, link: &Link) -> bool {
        link.state().is_heard_no_more()
    }

    /// With what a connection has ended; absent while it lives.
    #[must_use]
    pub fn refusal(&self, link: &Link) -> Option<Refused> {
        link.state().refusal()
    }

    /// Counts a refusal that no connection came to, and says when to try again if it was made for load.
    #[must_use]
    pub fn refused(&self, bye: Bye) -> Refused {
        self.count_end(bye);
        (bye, self.retry_after_ms(bye))
    }

    /// Counts a body that could not be read, as `refused`.
    #[must_use]
    pub fn refused_body(&self, bye: Bye, text: &str) -> Refused {
        if bye == Bye::BadFrame && has_too_many_items(text) {
            self.metrics.overflow(Overflow::FrameItems);
        }
        self.refused(bye)
    }

    /// Counts a request's body that came too slowly and was cut (live section 12, `request_body`).
    pub fn body_too_slow(&self) {
        self.metrics.overflow(Overflow::RequestBody);
    }
}
