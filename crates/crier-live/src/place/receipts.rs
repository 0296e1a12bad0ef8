//! When a message's receipt is made: at its first ack, or 15 s after it ended unacked (live 7.8).
//!
//! Promise: one receipt for each message that wants one; an ack within the 15 s wins. Knows no address and no post.

use super::{Around, Place};
use crate::receipts::{Receipt, SETTLE_MS};
use crate::records::Standing;
use crier_platform::model::retry::GIVEN_UP_MS;
use crier_platform::model::time::ElapsedMs;
use crier_proto::ids::MessageId;

impl Around<'_> {
    /// A message has ended unacked at this moment: it waits for a late ack.
    pub(super) fn settle(&self, id: MessageId, ended: ElapsedMs) {
        let until = ended.plus_ms(SETTLE_MS);
        if let Some(lost) = self.receipts.settle(self.key.0, id, until) {
            self.records.receipt_is_done(lost);
        }
    }
}

impl Place {
    /// The first page has acked it: its receipt is made.
    pub(super) fn make_receipt(&self, around: &Around<'_>, id: MessageId) {
        if let Some(standing) = around.records.standing(id, around.now) {
            let presence = self.presence(&standing.origin.event);
            make(around, &standing, presence);
        }
    }
}

/// Makes the receipt of a message that stands so.
pub(crate) fn make(around: &Around<'_>, standing: &Standing, presence: (u32, u32)) {
    let delivery = standing.with_presence(presence);
    // A message that lives ends with its time at the latest.
    let lives = delivery.expires_at.0.saturating_sub(around.wall.0).max(0);
    let lives = if standing.ended.is_none() {
        u64::try_from(lives).unwrap_or(0)
    } else {
        0
    };
    let receipt = Receipt {
        delivery,
        failed: standing.failed,
        recipient: standing.origin.key.1,
        event: standing.origin.event.clone(),
        at: around.wall,
        made: around.now,
        until: around.now.plus_ms(lives).plus_ms(GIVEN_UP_MS),
    };
    for lost in around.receipts.made(around.key.0, receipt) {
        around.records.receipt_is_done(lost);
    }
}
