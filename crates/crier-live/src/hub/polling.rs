//! Long polls: requests that wait for frames, and connections that live between requests (live 4.7, 4.8).
//!
//! Promise: a frame counts as written when the kernel has the whole answer it is in; a connection without a request for 15 s is lost,
//! as one whose socket has closed. Which answer is whose is `polls.rs`'s.

use super::{Hub, Refused, key_of};
use crate::connection::{Next, Phase};
use crate::link::{Link, Opening, Parking, Transport};
use crate::mailbox::Ended;
use crate::outbox::Receipt;
use crate::polls::{Sent, Step};
use crate::records::MailboxKey;
use bytes::Bytes;
use crier_platform::model::time::ElapsedMs;
use crier_proto::frame::{Bye, FRAMES_BYTES_MAX};
use futures_util::future::select;
use std::pin::pin;
use std::sync::Arc;

/// The most that stands around the frames of an answer: `{"n":`, twenty digits, `,"frames":[` and `]}`.
const ENVELOPE_BYTES: usize = 64;

/// A poll that waits for its answer. Dropped without one, it has not been answered.
pub struct Parked {
    hub: Arc<Hub>,
    link: Arc<Link>,
    turn: u64,
}

impl Hub {
    /// The long poll that this secret names, open or with its bye still to be told.
    ///
    /// # Errors
    /// 4002, as of `posted`.
    pub fn polled(&self, secret: &str, from: &Opening) -> Result<Arc<Link>, Refused> {
        let link = self
            .named(secret, from)
            .filter(|link| link.opening.transport == Transport::Poll);
        link.ok_or_else(|| self.refused(Bye::ConnectionUnknown))
    }

    /// Parks a poll that has got answer `got` last. One that is parked already is answered without frames.
    ///
    /// # Errors
    /// 4300 when `got` is neither the last answer nor the one before; nothing has changed then.
    pub fn park(self: &Arc<Self>, link: &Arc<Link>, got: u64) -> Result<Parked, Refused> {
        let now = self.clock.elapsed();
        let holds_until = now.plus_ms(self.config.poll_hold.0);
        let turn = link
            .parking()
            .and_then(|parking| parking.polls().begin(got, holds_until));
        let Some(turn) = turn else {
            return Err(self.refused(Bye::BadFrame));
        };
        link.state().attended(true, now);
        link.pump();
        Ok(Parked {
            hub: Arc::clone(self),
            link: Arc::clone(link),
            turn,
        })
    }

    /// Whether posted frames are still taken.
    #[must_use]
    pub fn is_open(&self, link: &Link) -> bool {
        link.state().phase() == Phase::Open
    }

    /// A connection that no socket belongs to has been cut: nobody else tells of its end.
    pub(super) fn closed_without_transport(&self, link: &Arc<Link>) {
        if link.opening.transport == Transport::Poll {
            self.closed(link);
        }
    }

    /// Whether a message that was sent to this mailbox has been taken back: revoked, with its sender or its recipient, cancelled, or
    /// replaced.
    fn is_taken_back(&self, (app, recipient): MailboxKey, of: &Receipt) -> bool {
        let ended = self
            .records
            .look(of.id, self.clock.elapsed(), |record| record.ended());
        let withdrawn = |user| self.revocations.is_withdrawn(app, user, of.sent_at);
        matches!(
            ended.flatten(),
            Some(Ended::Cancelled | Ended::Replaced | Ended::Revoked)
        ) || withdrawn(of.sender)
            || withdrawn(recipient)
    }

    /// A connection takes nothing any more, of an answer that has begun: it is cut (live 8.4).
    fn give_up(&self, link: &Arc<Link>) {
        if link.state().gives_up() {
            self.count_end(Bye::NoProgress);
            self.ended_here(link);
            self.closed_without_transport(link);
        }
    }

    /// Everything that waits and fits into one answer; `None` when the connection has been cut.
    fn gather(&self, link: &Arc<Link>) -> Option<Vec<Sent>> {
        let mut sent = Vec::new();
        let mut bytes = ENVELOPE_BYTES;
        loop {
            match self.next(link) {
                Next::Cut => return None,
                Next::Nothing | Next::Close(_) => return Some(sent),
                Next::Frame(frame) if bytes + frame.len() > FRAMES_BYTES_MAX => {
                    self.not_begun(link);
                    return Some(sent);
                }
                Next::Frame(frame) => {
                    bytes += frame.len() + 1;
                    let taken = link.state().taken(self.clock.elapsed());
                    sent.push((frame, taken.receipt));
                    if taken.read_on
                        && let Some(key) = key_of(link)
                    {
                        self.at_known(key, |place, around, _| place.read_on(around, link));
                    }
                }
            }
        }
    }
}

impl Parked {
    /// The connection.
    #[must_use]
    pub const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Bytes that the kernel may hold of what is written (live 8.1).
    #[must_use]
    pub fn send_buffer_bytes(&self) -> u64 {
        self.hub.send_buffer_bytes()
    }

    /// Waits for the answer. `None`: the connection has been cut, and there is nothing to be said.
    pub async fn answer(&self) -> Option<Bytes> {
        let parking = self.link.parking()?;
        loop {
            let mut changed = pin!(parking.changed.notified());
            changed.as_mut().enable();
            let until = match self.step(parking)? {
                Ok(answer) => return Some(answer),
                Err(until) => until,
            };
            select(changed, self.hub.clock.sleep_until(until)).await;
        }
    }

    /// The answer, or when to look again; nothing when the connection has been cut.
    fn step(&self, parking: &Parking) -> Option<Result<Bytes, ElapsedMs>> {
        let now = self.hub.clock.elapsed();
        let says = self.link.state().has_to_say();
        let step = parking.polls().step(self.turn, says, now);
        match step {
            Step::Nothing(answer) => Some(Ok(answer)),
            Step::Again => {
                let key = key_of(&self.link);
                let void = |receipt: &Receipt| key.is_some_and(|key| self.hub.is_taken_back(key, receipt));
                Some(Ok(parking.polls().again(void)))
            }
            Step::Until(until) => Some(Err(until)),
            Step::Build => {
                let sent = self.hub.gather(&self.link)?;
                Some(Ok(parking.polls().build(self.turn, sent)))
            }
        }
    }

    /// Returns when the connection has been cut: its answer is not worth finishing.
    pub async fn cut(&self) {
        let Some(parking) = self.link.parking() else {
            return;
        };
        loop {
            let mut changed = pin!(parking.changed.notified());
            changed.as_mut().enable();
            if self.link.state().is_cut() {
                return;
            }
            changed.await;
        }
    }

    /// The kernel has taken some bytes of the answer.
    pub fn progressed(&self) {
        self.hub.progressed(&self.link);
    }

    /// Returns when the kernel may have taken no byte of the answer for too long, counted from now (live 8.4).
    pub async fn patience(&self) {
        let until = self.hub.clock.elapsed().plus_ms(self.hub.terms.progress_ms);
        self.hub.clock.sleep_until(until).await;
    }

    /// The kernel has taken no byte for too long, though it was asked once more: the connection is given up.
    pub fn stalled(self) {
        self.hub.give_up(&self.link);
    }

    /// The kernel has taken the whole answer.
    pub fn taken(self) {
        let Some(parking) = self.link.parking() else {
            return;
        };
        let sent = parking.polls().taken(self.turn);
        for (frame, receipt) in sent {
            self.hub.is_written(&frame, receipt.as_ref());
        }
        let said_all = self.link.state().has_said_all();
        if said_all {
            // The bye was among the frames: later polls find nobody.
            self.hub.closed(&self.link);
        }
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        let latest = self
            .link
            .parking()
            .is_some_and(|parking| parking.polls().is_latest(self.turn));
        if latest {
            let now = self.hub.clock.elapsed();
            self.link.state().attended(false, now);
            self.hub.schedule(&self.link);
        }
    }
}
