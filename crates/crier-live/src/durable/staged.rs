//! One mailbox's way to the disk: what waits, what is under way, and what follows when the books have answered.
//!
//! Promise: at most one write of a mailbox is under way, so that places are given in the order of the commits without a hole, also
//! when a write fails: the places of what failed are given to what comes next, since nobody was told of them. Other mailboxes do
//! not wait. Knows nothing of how the books are written.

use super::Keeper;
use super::words::{Claim, words_of};
use crate::mailbox::Item;
use crate::place::{Around, Offer, Place, Touched};
use crier_platform::model::mailbox::{KeptHead, KeptItem, KeptMessage, MailWrites, RowNo};
use crier_platform::model::message::{Delivery, Door};
use crier_platform::ports::deliver::AcceptError;
use crier_platform::ports::store::StoreFault;
use crier_proto::ids::MessageId;
use crier_proto::message::Fanout;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Messages of one mailbox that share a write.
const TOGETHER_MAX: usize = 256;

/// What a waiting call is told, and whose connections it is to have written.
pub(crate) type Told = (Result<Option<Delivery>, AcceptError>, Touched);
/// Tells a waiting call.
pub(crate) type Answer = oneshot::Sender<Told>;

/// What is asked of a mailbox.
pub(crate) enum Asked {
    /// A place for this message, which came by this door.
    Place(Box<Item>, Door),
    /// That its head outlives the process.
    Head,
}

/// Somebody who waits for the disk.
pub(crate) struct Coming {
    asked: Asked,
    /// Pages and handlers that the books were told of.
    presence: (u32, u32),
    answers: Vec<Answer>,
}

/// What a mailbox has to do with the books.
#[derive(Default)]
pub(crate) struct Staged {
    waiting: VecDeque<Coming>,
    under_way: Vec<Coming>,
    /// The first number of this life.
    pub(crate) first: Option<RowNo>,
    /// The books have the head.
    pub(crate) head_kept: bool,
}

impl Staged {
    /// A mailbox whose head the books have.
    pub(crate) fn beginning(first: RowNo) -> Self {
        Self {
            first: Some(first),
            head_kept: true,
            ..Self::default()
        }
    }

    /// Whether nobody waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_empty()
    }

    /// Lets a repeated id wait for the first one's outcome; gives the answer back when the id is not on its way.
    pub(crate) fn join(&mut self, id: MessageId, answer: Answer) -> Option<Answer> {
        let mut coming = self.under_way.iter_mut().chain(&mut self.waiting);
        let same = coming.find(|coming| matches!(&coming.asked, Asked::Place(item, _) if item.id == id));
        match same {
            Some(same) => {
                same.answers.push(answer);
                None
            }
            None => Some(answer),
        }
    }
}

impl Place {
    /// Puts something on its way; what comes back is to be written as soon as the lock is given back.
    pub(crate) fn stage(
        &mut self,
        (around, keeper): (&Around<'_>, &Keeper),
        asked: Asked,
        answer: Answer,
    ) -> Option<MailWrites> {
        self.used = around.now;
        if let Asked::Place(item, _) = &asked {
            self.count_in(around, item.size());
        }
        let staged = self.staged.get_or_insert_default();
        staged.waiting.push_back(Coming {
            asked,
            presence: (0, 0),
            answers: vec![answer],
        });
        self.submit(around, keeper)
    }

    /// What waits, as the books are to have it; nothing while they have not answered the last time.
    fn submit(&mut self, around: &Around<'_>, keeper: &Keeper) -> Option<MailWrites> {
        let staged = self.staged.as_mut()?;
        if !staged.under_way.is_empty() || staged.waiting.is_empty() {
            return None;
        }
        let first = *staged.first.get_or_insert_with(|| keeper.next());
        let head_kept = staged.head_kept;
        let together = staged.waiting.len().min(TOGETHER_MAX);
        let mut coming: Vec<Coming> = staged.waiting.drain(..together).collect();
        let mut writes = MailWrites {
            now: around.wall,
            ..MailWrites::default()
        };
        if !head_kept {
            writes.heads.push(self.kept_head(around, first));
        }
        let mut seq = self.mailbox.cursor().seq;
        for one in &mut coming {
            let Asked::Place(item, _) = &mut one.asked else {
                continue;
            };
            seq += 1;
            item.seq = seq;
            item.row = Some(keeper.number());
            one.presence = self.presence(&item.event);
            writes.messages.extend(self.kept_message(around, item));
        }
        if let Some(staged) = &mut self.staged {
            staged.under_way = coming;
        }
        Some(writes)
    }

    /// The head as the books are to have it.
    pub(crate) fn kept_head(&self, around: &Around<'_>, first: RowNo) -> KeptHead {
        let head = self.mailbox.head();
        KeptHead {
            app: around.key.0,
            user: around.key.1,
            epoch: head.epoch,
            first,
            last: head.last,
            low: head.low,
            low_reason: head.low_reason,
            used_at: around.wall,
        }
    }

    /// The row of a message. Who alone may run it is chosen now, so that its claim needs no write of its own.
    fn kept_message(&self, around: &Around<'_>, item: &mut Item) -> Option<KeptMessage> {
        let claim = match item.fanout {
            Fanout::All => None,
            Fanout::One | Fanout::Focused => self.chosen(item).map(|index| &self.pages[index]),
        };
        item.kept_claim = claim.map(|page| page.no);
        let claim = claim.map(|page| Claim {
            page: page.name.clone(),
            redelivered: false,
        });
        let record = self.record(around, item);
        Some(KeptMessage {
            row: item.row?,
            app: around.key.0,
            user: around.key.1,
            seq: item.seq,
            id: item.id,
            sender: item.sender,
            sent_at: item.sent_at,
            expires_at: record.expires_at(),
            item: Some(KeptItem {
                via: item.via,
                event: item.event.clone(),
                text: item.text.clone(),
                collapse_key: item.collapse_key.clone(),
                fanout: item.fanout,
            }),
            claim: claim.map(|claim| claim.words()).unwrap_or_default(),
            outcome: words_of(&record),
        })
    }

    /// The books have answered: what was under way gets its place, or is refused. Returns what is to be written next, and whose
    /// answers nobody waits for any more.
    pub(crate) fn conclude(
        &mut self,
        (around, keeper): (&Around<'_>, &Keeper),
        kept: &Result<(), StoreFault>,
        is_revoked: impl Fn(&Item) -> bool,
    ) -> (Option<MailWrites>, Touched) {
        let coming = match &mut self.staged {
            Some(staged) => {
                staged.head_kept |= kept.is_ok();
                std::mem::take(&mut staged.under_way)
            }
            None => Vec::new(),
        };
        let mut left = Touched::new();
        for Coming {
            asked,
            presence,
            answers,
        } in coming
        {
            let mut touched = Touched::new();
            let told = match (asked, kept) {
                (Asked::Head, Ok(())) => Ok(None),
                (Asked::Place(item, door), Ok(())) => {
                    self.count_placed(around, door);
                    self.count_out(around, item.size());
                    let revoked = is_revoked(&item);
                    Ok(Some(self.arrive(
                        around,
                        (*item, presence, revoked),
                        &mut touched,
                    )))
                }
                (asked, Err(fault)) => {
                    if let Asked::Place(item, _) = &asked {
                        self.count_out(around, item.size());
                    }
                    Err(refusal_of(fault))
                }
            };
            for answer in answers {
                let waker = std::mem::take(&mut touched);
                if let Err((_, touched)) = answer.send((told.clone(), waker)) {
                    left.extend(touched);
                }
            }
        }
        (self.submit(around, keeper), left)
    }

    /// A kept message gets its place.
    fn arrive(
        &mut self,
        around: &Around<'_>,
        (item, presence, revoked): (Item, (u32, u32), bool),
        touched: &mut Touched,
    ) -> Delivery {
        let (id, seq) = (item.id, item.seq);
        let offer = if revoked { Offer::Never } else { Offer::Now };
        let delivery = self.commit(around, (item, offer), touched);
        debug_assert_eq!(delivery.seq, seq, "one write of a mailbox at a time");
        if (delivery.pages, delivery.handlers) != presence {
            around.records.moved(id);
        }
        if revoked {
            self.revoke(around, |item| item.id == id, touched);
        }
        delivery
    }
}

/// What a call is told whose message was not kept.
fn refusal_of(fault: &StoreFault) -> AcceptError {
    match fault {
        StoreFault::Unavailable(why) | StoreFault::Damaged(why) => AcceptError::NotKept(why.clone()),
        StoreFault::OutcomeUnknown(why) => AcceptError::Fault(why.clone()),
    }
}
