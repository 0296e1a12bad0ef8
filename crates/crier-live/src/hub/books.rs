//! Durable mode at the hub: what goes to the books, and what follows when they have answered (live 2 step 5, 5.10).
//!
//! Promise: no lock is held while the books are asked, and nobody waits here; answers come on the books' own thread. Order within
//! one mailbox is that of its places. Knows no SQL.

use super::Hub;
use crate::durable::{Answer, Asked, Keeper, Taken, Told};
use crate::mailbox::{Item, PageNo};
use crate::place::{Place, Touched};
use crate::receipts::InBody;
use crate::records::MailboxKey;
use crier_platform::model::mailbox::{MailWrites, RowNo};
use crier_platform::model::message::NewMessage;
use crier_platform::ports::deliver::AcceptError;
use crier_platform::ports::store::{Flush, StoreFault, WhenKept};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::oneshot::{Receiver, channel};

/// Outcomes written at once.
const OUTCOMES_TOGETHER: usize = 4_096;

/// Something on its way to the books: what is to be written now, and where the answer comes.
pub(crate) struct Staging {
    pub(crate) key: MailboxKey,
    /// Absent while an earlier write of the mailbox is under way: then this one follows by itself.
    pub(crate) writes: Option<MailWrites>,
    pub(crate) told: Receiver<Told>,
}

impl Hub {
    /// Gives a message its turn in its mailbox. An id that is on its way already waits for the first one's outcome, and one that has
    /// arrived is told it: both are asked under the lock, since the first one may arrive while a second one waits for it.
    pub(crate) fn stage(
        &self,
        keeper: &Keeper,
        message: NewMessage,
        room: impl FnOnce(&mut Place, &Item) -> Result<(), AcceptError>,
    ) -> Result<Staging, AcceptError> {
        let (key, door) = ((message.app, message.recipient), message.door);
        let (answer, told) = channel();
        let (staged, _) = self.at_held(key, |place, around, _| {
            let joined = match &mut place.staged {
                Some(staged) => staged.join(message.id, answer),
                None => Some(answer),
            };
            let Some(answer) = joined else { return Ok(None) };
            if let Some(known) = around.records.first(message.id, around.now) {
                // Its receiver is in our own hands: it cannot be gone.
                let _ = answer.send((Ok(Some(known)), Touched::new()));
                return Ok(None);
            }
            let item = Item::of(message, around.wall, around.now);
            room(place, &item)?;
            Ok(place.stage((around, keeper), Asked::Place(Box::new(item), door), answer))
        });
        staged.map(|writes| Staging { key, writes, told })
    }

    /// Has a mailbox's head kept; nothing when the books have it.
    pub(crate) fn stage_head(&self, keeper: &Keeper, key: MailboxKey) -> Option<Staging> {
        let (answer, told): (Answer, _) = channel();
        let (writes, _) = self.at_held(key, |place, around, _| {
            if place.staged.as_ref().is_some_and(|staged| staged.head_kept) {
                if place.used.plus_ms(HEAD_NOTED_MS) <= around.now {
                    keeper.unkept.note(|taken| {
                        taken.moved.insert(key);
                    });
                }
                return None;
            }
            Some(place.stage((around, keeper), Asked::Head, answer))
        });
        writes.map(|writes| Staging { key, writes, told })
    }

    /// Hands a mailbox's writes to the books.
    pub(crate) fn write(&self, key: MailboxKey, writes: MailWrites) {
        self.ask_books(
            (writes, Flush::Now),
            Box::new(move |hub, kept| hub.answered(key, &kept)),
        );
    }

    fn ask_books(&self, (writes, flush): (MailWrites, Flush), then: Then) {
        let (Some(keeper), Some(hub)) = (&self.keeper, self.me.upgrade()) else {
            return;
        };
        let when: WhenKept = Box::new(move |kept| then(&hub, kept));
        keeper.messages.keep(writes, flush, when);
    }

    /// The books have answered for one mailbox: those who waited are told, and what came meanwhile goes on its way.
    fn answered(&self, key: MailboxKey, kept: &Result<(), StoreFault>) {
        let Some(keeper) = &self.keeper else { return };
        let around = self.around(key);
        let is_revoked = |item: &Item| {
            let withdrew = |user| self.revocations.is_withdrawn(key.0, user, item.sent_at);
            withdrew(key.1) || withdrew(item.sender)
        };
        let concluded = self
            .broker
            .at_known(key, |place| place.conclude((&around, keeper), kept, is_revoked));
        let Some((next, left)) = concluded else { return };
        left.iter().for_each(|link| link.pump());
        if let Some(writes) = next {
            self.write(key, writes);
        }
        self.keep_claims();
    }

    /// Has claims kept whose messages wait for that.
    pub(crate) fn keep_claims(&self) {
        let Some(keeper) = &self.keeper else { return };
        let mut writes = MailWrites {
            now: self.clock.wall(),
            ..MailWrites::default()
        };
        let mut claims: Vec<(MailboxKey, u64, PageNo)> = Vec::new();
        for (key, seq) in keeper.unkept.take_claims() {
            let claim = self.broker.at_known(key, |place| place.claim_at(seq)).flatten();
            if let Some((row, page, words)) = claim {
                writes.claims.push((row, words));
                claims.push((key, seq, page));
            }
        }
        if claims.is_empty() {
            return;
        }
        let then: Then = Box::new(move |hub, kept| hub.claims_answered(&claims, kept.is_ok()));
        self.ask_books((writes, Flush::Now), then);
    }

    fn claims_answered(&self, claims: &[(MailboxKey, u64, PageNo)], kept: bool) {
        for (key, seq, page) in claims {
            if kept {
                self.at_known(*key, |place, around, touched| {
                    place.claim_kept(around, (*seq, *page), touched);
                });
            } else if let Some(keeper) = &self.keeper {
                keeper.unkept.claim(*key, *seq);
            }
        }
    }

    /// Hands to the books what has happened since the last time. Returns where the answer comes; what could not be written is
    /// noted again.
    pub(crate) fn flush_books(&self, flush: Flush) -> Receiver<Result<(), StoreFault>> {
        let (tell, told) = channel();
        let Some(keeper) = &self.keeper else { return told };
        let taken = Arc::new(keeper.unkept.take());
        let mut writes = self.writes_of(&taken);
        let mut outcomes = std::mem::take(&mut writes.outcomes);
        // The last piece carries what must come after the outcomes: heads before the rows that they speak for.
        while outcomes.len() > OUTCOMES_TOGETHER {
            let rest = outcomes.split_off(OUTCOMES_TOGETHER);
            let piece = MailWrites {
                now: writes.now,
                outcomes: std::mem::replace(&mut outcomes, rest),
                ..MailWrites::default()
            };
            self.ask_books((piece, flush), Box::new(|_, _| ()));
        }
        writes.outcomes = outcomes;
        let then: Then = Box::new(move |hub, kept| {
            if let (Err(_), Some(keeper)) = (&kept, &hub.keeper) {
                keeper.unkept.put_back(Arc::unwrap_or_clone(taken));
            }
            let _ = tell.send(kept);
        });
        self.ask_books((writes, flush), then);
        told
    }

    /// Has the receipts of a new body kept before it is posted, so that a crash changes neither its id nor its bytes (live 7.8). In
    /// memory mode there is nothing to keep.
    ///
    /// # Errors
    /// The books did not take them; asking again may succeed.
    pub(crate) async fn keep_body(&self, fresh: Vec<InBody>) -> Result<(), StoreFault> {
        if self.keeper.is_none() {
            return Ok(());
        }
        fresh
            .into_iter()
            .for_each(|receipt| self.records.in_body(receipt));
        let kept = self.flush_books(Flush::Now).await;
        kept.unwrap_or_else(|_| Err(StoreFault::Unavailable("the books have ended".to_owned())))
    }

    fn writes_of(&self, taken: &Taken) -> MailWrites {
        let head = |key: &MailboxKey| {
            let around = self.around(*key);
            let head = self.broker.at_known(*key, |place| {
                let first = place.staged.as_ref()?.first?;
                Some(place.kept_head(&around, first))
            });
            head.flatten()
        };
        let emptied = taken.forgotten.iter().map(|(key, _)| key);
        let moved: HashSet<&MailboxKey> = taken.moved.iter().chain(emptied).collect();
        let forgotten = taken.forgotten.iter().map(|(_, row)| *row);
        let forgotten: Vec<RowNo> = forgotten.chain(taken.rows.iter().copied()).collect();
        MailWrites {
            now: self.clock.wall(),
            heads: taken.begun.iter().filter_map(head).collect(),
            outcomes: taken
                .outcomes
                .iter()
                .filter_map(|id| self.records.mark(*id))
                .collect(),
            moved: moved.into_iter().filter_map(head).collect(),
            forgotten,
            ended: taken.ended.clone(),
            ..MailWrites::default()
        }
    }

    /// Notes that a head has left, so that the books let it go too.
    pub(super) fn head_left(&self, head: (MailboxKey, crier_proto::ids::Epoch)) {
        if let Some(keeper) = &self.keeper {
            let ((app, user), epoch) = head;
            keeper.unkept.note(|taken| taken.ended.push((app, user, epoch)));
        }
    }

    /// Writes what has happened, soon after it did, for ever.
    pub(crate) async fn keep_books(&self) {
        let Some(keeper) = &self.keeper else {
            return std::future::pending().await;
        };
        let mut pause = GATHER_MS;
        loop {
            keeper.unkept.called().await;
            let next = self.clock.elapsed().plus_ms(pause);
            self.clock.sleep_until(next).await;
            keeper.unkept.heard();
            self.keep_claims();
            let kept = self.flush_books(Flush::Later).await;
            pause = match kept {
                Ok(Ok(())) => GATHER_MS,
                Ok(Err(_)) | Err(_) => AGAIN_MS,
            };
        }
    }
}

/// What follows an answer of the books.
type Then = Box<dyn FnOnce(&Hub, Result<(), StoreFault>) + Send>;

/// Marks and endings are gathered so long before they are written (live 10.2: marks may be grouped for 20 ms).
const GATHER_MS: u64 = 20;
/// And so long when the books could not be written.
const AGAIN_MS: u64 = 1_000;
/// The books learn of a head's use once in so long.
const HEAD_NOTED_MS: u64 = 3_600_000;
