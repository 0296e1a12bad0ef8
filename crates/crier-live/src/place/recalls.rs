//! Taking messages back: cancelled, replaced and revoked ones leave the mailbox, the outboxes and the pages (live 3.14, 5.6, 7.6).
//!
//! Promise: a page that holds such a message is told to drop it; one that it never reached, or that has acked it, hears nothing
//! for its own sake; nobody is told of a gap.

use super::{Around, Place, Touched, touch};
use crate::link::Link;
use crate::mailbox::{Ended, Item};
use bytes::Bytes;
use crier_platform::model::time::WallMs;
use crier_proto::frame::ServerFrame;
use crier_proto::ids::{MessageId, Uid};
use std::sync::Arc;

/// Connections that a taken back message has made room in: they are to read on from the mailbox.
pub(super) type Relieved = Vec<Arc<Link>>;

impl Place {
    /// Cancels a live message that nobody has acked (live 7.6).
    pub(crate) fn cancel_message(
        &mut self,
        around: &Around<'_>,
        (id, seq): (MessageId, u64),
        touched: &mut Touched,
    ) {
        self.expire(around);
        if self.mailbox.item(seq).is_none_or(|item| item.acked) {
            return;
        }
        let Some(item) = self.mailbox.remove((id, seq)) else {
            return;
        };
        self.leave(around, &item, Ended::Cancelled);
        let relieved = self.recall(around, &item, touched);
        self.relieve(around, relieved, touched);
    }

    /// Revokes what `revoked` names: it leaves the mailbox and the outboxes (live 3.14).
    pub(crate) fn revoke(
        &mut self,
        around: &Around<'_>,
        revoked: impl Fn(&Item) -> bool,
        touched: &mut Touched,
    ) {
        self.expire(around);
        let mut relieved = Relieved::new();
        for item in self.mailbox.revoke(revoked) {
            self.leave(around, &item, Ended::Revoked);
            relieved.extend(self.recall(around, &item, touched));
        }
        self.relieve(around, relieved, touched);
    }

    /// Drops what this user sent up to `at` from the outboxes, also what the mailbox holds no longer or never held (live 3.14 c).
    /// What had its one offer in an outbox alone has not run out of time then, but is revoked.
    pub(crate) fn withdraw_sender(
        &mut self,
        around: &Around<'_>,
        (sender, at): (Uid, WallMs),
        touched: &mut Touched,
    ) {
        let mut relieved = Relieved::new();
        for link in &self.links {
            let dropped = link
                .state()
                .withdraw(|receipt| receipt.sender == sender && receipt.sent_at <= at);
            around.records.revoked(&dropped, (around.now, around.wall));
            if !dropped.is_empty() {
                relieved.push(Arc::clone(link));
            }
        }
        self.relieve(around, relieved, touched);
    }

    /// Takes a message that has left the mailbox out of the outboxes, and tells the connections whose pages hold it.
    pub(super) fn recall(&self, around: &Around<'_>, item: &Item, touched: &mut Touched) -> Relieved {
        let mut relieved = Relieved::new();
        if !item.offered {
            return relieved;
        }
        let mut frame: Option<Bytes> = None;
        for link in &self.links {
            if !link.state().withdraw(|receipt| receipt.id == item.id).is_empty() {
                relieved.push(Arc::clone(link));
            }
            let mut pages = self.pages.iter().filter(|page| page.is_on(link.no));
            let told = link.carries(item.id) || pages.any(|page| around.records.is_held_by(item.id, page.no));
            if told {
                let frame = frame
                    .get_or_insert_with(|| ServerFrame::Cancel { ids: vec![item.id] }.to_json().into())
                    .clone();
                if link.state().control(frame, around.terms, around.now) {
                    touch(touched, link);
                }
            }
        }
        relieved
    }

    /// Has connections read on that were relieved of what they could not take.
    pub(super) fn relieve(&mut self, around: &Around<'_>, relieved: Relieved, touched: &mut Touched) {
        for link in relieved {
            if link.state().may_read_on() {
                self.read_on(around, &link);
                touch(touched, &link);
            }
        }
    }
}
