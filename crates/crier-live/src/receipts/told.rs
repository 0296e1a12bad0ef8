//! A receipt as the books keep it once a body carries it, so that the next process makes the same body under the same id (live 7.8,
//! 7.11).
//!
//! Promise: a body that is whole in the books comes back byte for byte; of one that is not, nothing is posted under its id. Pure:
//! knows no clock and no queue.

use super::body;
use super::codec::{read_delivery, write_delivery};
use super::queue::{Batch, Receipt};
use crate::records::Standing;
use crate::snapshot::codec::{In, Out};
use crier_platform::model::message::Delivery;
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_proto::ids::{AppId, ReceiptId};
use std::collections::BTreeMap;

/// One receipt in its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InBody {
    /// The body's name.
    id: ReceiptId,
    /// The receipt's place in it, from 0.
    place: u32,
    /// How many receipts it carries.
    of: u32,
    /// The outcome as it is told there.
    delivery: Delivery,
    failed: u32,
    at: WallMs,
    /// When the receipt is given up.
    until: WallMs,
}

impl InBody {
    /// The receipts of a body that has just been made.
    pub(super) fn all(id: ReceiptId, receipts: &[Receipt]) -> Vec<Self> {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let one = |(place, receipt): (usize, &Receipt)| {
            let life = receipt.until.0.saturating_sub(receipt.made.0);
            Self {
                id,
                place: count(place),
                of: count(receipts.len()),
                delivery: receipt.delivery,
                failed: receipt.failed,
                at: receipt.at,
                until: receipt.at.plus_ms(i64::try_from(life).unwrap_or(i64::MAX)),
            }
        };
        receipts.iter().enumerate().map(one).collect()
    }

    /// Whose receipt it is.
    pub(crate) const fn message(&self) -> crier_proto::ids::MessageId {
        self.delivery.id
    }

    /// Writes it.
    pub(crate) fn write(&self, out: &mut Out) {
        out.raw(self.id.as_bytes());
        out.short(self.place);
        out.short(self.of);
        write_delivery(out, &self.delivery);
        out.short(self.failed);
        out.signed(self.at.0);
        out.signed(self.until.0);
    }

    /// Reads what `write` wrote.
    pub(crate) fn read(payload: &mut In<'_>) -> Option<Self> {
        Some(Self {
            id: ReceiptId::from_bytes(payload.array()?),
            place: payload.short()?,
            of: payload.short()?,
            delivery: read_delivery(payload)?,
            failed: payload.short()?,
            at: WallMs(payload.signed()?),
            until: WallMs(payload.signed()?),
        })
    }

    fn receipt(&self, standing: &Standing, (now, wall): (ElapsedMs, WallMs)) -> Receipt {
        let left = self.until.0.saturating_sub(wall.0);
        Receipt {
            delivery: self.delivery,
            failed: self.failed,
            recipient: standing.origin.key.1,
            event: standing.origin.event.clone(),
            at: self.at,
            made: now,
            until: now.plus_ms(u64::try_from(left).unwrap_or(0)),
        }
    }
}

/// Bodies of one process that are put together again in the next, each receipt in its place.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    bodies: BTreeMap<(AppId, [u8; 16]), Vec<Part>>,
}

type Part = (InBody, Receipt);

/// What came back of bodies.
#[derive(Debug, Default)]
pub(super) struct CameBack {
    /// Bodies, each with the receipts that it was made of.
    pub(super) whole: Vec<(AppId, Batch, Vec<Receipt>)>,
    /// Receipts that no body carries any more.
    pub(super) loose: Vec<(AppId, Receipt)>,
}

impl Bodies {
    /// Adds a receipt of a message that stands so.
    pub(crate) fn add(&mut self, standing: &Standing, in_body: InBody, moment: (ElapsedMs, WallMs)) {
        let receipt = in_body.receipt(standing, moment);
        let key = (standing.origin.key.0, *in_body.id.as_bytes());
        self.bodies.entry(key).or_default().push((in_body, receipt));
    }

    /// The bodies that are whole, and the receipts of the others: a body without one of its receipts is another body.
    pub(super) fn done(self) -> CameBack {
        let mut back = CameBack::default();
        for ((app, id), mut parts) in self.bodies {
            parts.sort_by_key(|(in_body, _)| in_body.place);
            let of = parts.first().map_or(0, |(in_body, _)| in_body.of);
            let is_whole = usize::try_from(of) == Ok(parts.len());
            let receipts: Vec<Receipt> = parts.into_iter().map(|(_, receipt)| receipt).collect();
            match Batch::of(ReceiptId::from_bytes(id), body::of(app, &receipts), &receipts) {
                Some(batch) if is_whole => back.whole.push((app, batch, receipts)),
                Some(_) | None => back
                    .loose
                    .extend(receipts.into_iter().map(|receipt| (app, receipt))),
            }
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{app, receipt};
    use super::*;
    use crate::records::Origin;

    const ID: [u8; 16] = [9; 16];
    const NOW: ElapsedMs = ElapsedMs(70);

    fn standing(receipt: &Receipt) -> Standing {
        Standing {
            origin: Origin {
                key: (app(7), receipt.recipient),
                sender: receipt.recipient,
                event: receipt.event.clone(),
                at: receipt.at,
            },
            delivery: receipt.delivery,
            ended: None,
            failed: receipt.failed,
        }
    }

    /// The receipts of one body go through the books; those at these places are lost there.
    fn through_the_books(receipts: &[Receipt], lost: &[usize]) -> (Vec<Batch>, Vec<Receipt>) {
        let mut bodies = Bodies::default();
        let all = InBody::all(ReceiptId::from_bytes(ID), receipts);
        let parts = all.into_iter().zip(receipts).enumerate();
        // The books know no order.
        let parts = parts
            .filter(|(place, _)| !lost.contains(place))
            .collect::<Vec<_>>();
        for (_, (in_body, receipt)) in parts.into_iter().rev() {
            let mut out = Out::default();
            in_body.write(&mut out);
            let words = out.done();
            for length in 0..words.len() {
                assert_eq!(InBody::read(&mut In::of(&words[..length])), None);
            }
            let read = InBody::read(&mut In::of(&words));
            assert_eq!(read.as_ref(), Some(&in_body));
            bodies.add(&standing(receipt), in_body, (NOW, receipt.at.plus_ms(10_000)));
        }
        let CameBack { whole, loose } = bodies.done();
        let whole = whole.into_iter().map(|(_, batch, _)| batch).collect();
        (whole, loose.into_iter().map(|(_, receipt)| receipt).collect())
    }

    #[test]
    fn a_body_comes_back_byte_for_byte_under_its_id_and_is_given_up_when_it_would_have_been() {
        let receipts = [receipt(1, 5), receipt(2, 6), receipt(3, 7)];
        let (whole, loose) = through_the_books(&receipts, &[]);
        assert_eq!((whole.len(), loose.len()), (1, 0));
        assert_eq!(whole[0].id, ReceiptId::from_bytes(ID));
        assert_eq!(whole[0].body, body::of(app(7), &receipts));
        let life = receipts[2].until.0 - receipts[2].made.0;
        assert_eq!(whole[0].until, NOW.plus_ms(life - 10_000));
    }

    #[test]
    fn a_body_that_lacks_a_receipt_is_never_posted_under_its_id() {
        let receipts = [receipt(1, 5), receipt(2, 6), receipt(3, 7)];
        for lost in 0..3 {
            let (whole, loose) = through_the_books(&receipts, &[lost]);
            assert_eq!(whole, []);
            let left: Vec<u64> = loose.iter().map(|receipt| receipt.delivery.seq).collect();
            let expected: Vec<u64> = (1..=3).filter(|seq| *seq != lost as u64 + 1).collect();
            assert_eq!(left, expected);
        }
    }
}
