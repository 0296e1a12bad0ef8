//! How unposted receipts are written and read, so that they outlive the process (live 5.9, 7.11). Each reading is the mirror of the
//! writing beside it.

use super::queue::{Batch, Queue, Receipt};
use crate::snapshot::Shift;
use crate::snapshot::codec::{In, Out};
use crier_platform::model::message::{Delivery, DeliveryState};
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::ids::{Epoch, MessageId, ReceiptId, Uid};

/// A state's number is its place here.
const STATES: [DeliveryState; 9] = [
    DeliveryState::Acked,
    DeliveryState::Cancelled,
    DeliveryState::Replaced,
    DeliveryState::Revoked,
    DeliveryState::Dropped,
    DeliveryState::Expired,
    DeliveryState::Written,
    DeliveryState::Queued,
    DeliveryState::NoHandler,
];

impl Queue {
    /// Writes it. A body on its way is one whose answer was not heard: it goes out again under its id.
    pub(crate) fn write(&self, out: &mut Out, now: ElapsedMs) {
        let left = |moment: ElapsedMs| moment.0.saturating_sub(now.0);
        out.short(self.failures);
        out.long(left(self.not_before));
        out.flag(self.batch.is_some());
        if let Some(batch) = &self.batch {
            out.raw(batch.id.as_bytes());
            out.count(batch.body.len());
            out.raw(&batch.body);
            out.count(batch.messages.len());
            for message in &batch.messages {
                out.raw(message.as_bytes());
            }
            out.long(left(batch.until));
        }
        out.count(self.waiting.len());
        for receipt in &self.waiting {
            write_receipt(out, receipt, left(receipt.until));
        }
    }

    /// Reads what `write` wrote. Receipts count as made at this moment.
    pub(crate) fn read(payload: &mut In<'_>, shift: Shift) -> Option<Self> {
        let failures = payload.short()?;
        let not_before = shift.moment(payload.long()?);
        let batch = if payload.flag()? {
            Some(Batch {
                id: ReceiptId::from_bytes(payload.array()?),
                body: payload.text()?.as_bytes().to_vec().into(),
                messages: payload.all(|payload| Some(MessageId::from_bytes(payload.array()?)))?,
                made: shift.moment(0),
                until: shift.moment(payload.long()?),
            })
        } else {
            None
        };
        Some(Self {
            waiting: payload.all(|payload| read_receipt(payload, shift))?.into(),
            batch,
            failures,
            not_before,
            posting: false,
            // Looked through at the next turn.
            soonest: ElapsedMs(0),
        })
    }
}

/// Writes an outcome.
pub(super) fn write_delivery(out: &mut Out, delivery: &Delivery) {
    out.raw(delivery.id.as_bytes());
    out.long(delivery.seq);
    out.raw(delivery.epoch.as_bytes());
    let state = STATES.iter().position(|state| *state == delivery.state);
    out.byte(
        state
            .and_then(|state| u8::try_from(state).ok())
            .unwrap_or(u8::MAX),
    );
    for count in [
        delivery.pages,
        delivery.handlers,
        delivery.written,
        delivery.acked,
    ] {
        out.short(count);
    }
    out.signed(delivery.expires_at.0);
}

/// Reads what `write_delivery` wrote.
pub(super) fn read_delivery(payload: &mut In<'_>) -> Option<Delivery> {
    let (id, seq, epoch) = (payload.array()?, payload.long()?, payload.array()?);
    let state = *STATES.get(usize::from(payload.byte()?))?;
    Some(Delivery {
        id: MessageId::from_bytes(id),
        seq,
        epoch: Epoch::from_bytes(epoch),
        state,
        pages: payload.short()?,
        handlers: payload.short()?,
        written: payload.short()?,
        acked: payload.short()?,
        expires_at: WallMs(payload.signed()?),
    })
}

fn write_receipt(out: &mut Out, receipt: &Receipt, left: u64) {
    write_delivery(out, &receipt.delivery);
    out.short(receipt.failed);
    out.signed(receipt.recipient.get());
    out.text(&receipt.event);
    out.signed(receipt.at.0);
    out.long(left);
}

fn read_receipt(payload: &mut In<'_>, shift: Shift) -> Option<Receipt> {
    Some(Receipt {
        delivery: read_delivery(payload)?,
        failed: payload.short()?,
        recipient: Uid::new(payload.signed()?)?,
        event: payload.text()?.into(),
        at: WallMs(payload.signed()?),
        made: shift.moment(0),
        until: shift.moment(payload.long()?),
    })
}
