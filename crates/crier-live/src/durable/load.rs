//! What the books have kept, taken back at the start (live 5.8, 5.10, 5.11).
//!
//! Promise: messages are put back in the order of their first commits, by the same rules, so that what was replaced or pushed out
//! then is so again; what has expired meanwhile ends; a damaged row is a gap `damaged`; a page that alone might run a message has
//! its grace before anybody else may. Times go on from the highest wall time seen: a clock that stepped back revives nothing.

use super::words::{Claim, record_of};
use super::{Keeper, Staged};
use crate::hub::Hub;
use crate::mailbox::{Ended, Head, Item, Mailbox, PageNo, RingBounds};
use crate::place::Page;
use crate::records::{MailboxKey, Origin, Record};
use crate::snapshot::KeptPlace;
use crier_platform::model::mailbox::{Found, KeptHead, KeptMessage, RowNo};
use crier_platform::model::message::{Delivery, DeliveryState};
use crier_platform::model::time::{ElapsedMs, WallMs};
use crier_platform::ports::store::{Flush, StoreFault};
use crier_proto::frame::{GapReason, PageId};
use crier_proto::ids::MessageId;
use crier_proto::message::Fanout;
use std::collections::HashMap;

/// Rows read at once.
const READ_ROWS: u32 = 1_024;
/// A damaged row's place is believed if it lies so near to those that are known.
const PLACES_NEAR: u64 = 1 << 20;

/// What was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loaded {
    /// Mailboxes.
    pub mailboxes: usize,
    /// Live messages.
    pub messages: usize,
    /// Rows that could not be read.
    pub damaged: usize,
}

/// One mailbox that is being put together.
struct Loading {
    mailbox: Mailbox,
    /// The first number of its life.
    first: RowNo,
    /// The books have its head.
    head_kept: bool,
    used_at: WallMs,
    pages: Vec<PageId>,
}

/// All that is being put together.
struct Load<'a> {
    hub: &'a Hub,
    keeper: &'a Keeper,
    now: ElapsedMs,
    /// No earlier than any wall time that came with a write.
    wall: WallMs,
    bounds: RingBounds,
    mailboxes: HashMap<MailboxKey, Loading>,
    /// Endings to be noted once every record is in its place.
    ended: Vec<(MessageId, Ended)>,
    loaded: Loaded,
}

/// Takes everything back into a hub that nobody has used.
///
/// # Errors
/// The books do not answer.
pub(crate) async fn load(hub: &Hub, keeper: &Keeper) -> Result<Loaded, StoreFault> {
    let (heads, seen) = keeper.messages.kept_heads().await?;
    let mut load = Load::new(hub, keeper, seen);
    heads.into_iter().for_each(|head| load.head(head));
    let mut after = RowNo(i64::MIN);
    loop {
        let rows = keeper.messages.kept_messages(after, READ_ROWS).await?;
        let Some(last) = rows.last().map(number) else {
            break;
        };
        after = last;
        rows.into_iter().for_each(|row| load.row(row));
    }
    keeper.begin_after(after);
    let loaded = load.done();
    let settled = hub.flush_books(Flush::Now).await;
    settled.unwrap_or_else(|_| Err(StoreFault::Unavailable("the books have ended".to_owned())))?;
    Ok(loaded)
}

const fn number(found: &Found<KeptMessage>) -> RowNo {
    match found {
        Found::Whole(message) => message.row,
        Found::Damaged { row, .. } => *row,
    }
}

impl<'a> Load<'a> {
    fn new(hub: &'a Hub, keeper: &'a Keeper, seen: WallMs) -> Self {
        let config = &hub.config;
        Self {
            hub,
            keeper,
            now: hub.clock.elapsed(),
            wall: hub.clock.wall().max(seen),
            bounds: RingBounds {
                items_max: config.ring_items_max,
                bytes_max: usize::try_from(config.ring_bytes_max.0).unwrap_or(usize::MAX),
            },
            mailboxes: HashMap::new(),
            ended: Vec::new(),
            loaded: Loaded::default(),
        }
    }

    fn head(&mut self, found: Found<KeptHead>) {
        let Found::Whole(head) = found else {
            // Its mailbox begins a new life as soon as a message of it is met: pages are told of the epoch.
            self.loaded.damaged += 1;
            return;
        };
        self.keeper.begin_after(head.first);
        let mailbox = Mailbox::restored(
            Head {
                epoch: head.epoch,
                last: head.last,
                low: head.low,
                low_reason: head.low_reason,
            },
            Vec::new(),
        );
        let Some(mailbox) = mailbox else { return };
        let loading = Loading {
            mailbox,
            first: head.first,
            head_kept: true,
            used_at: head.used_at,
            pages: Vec::new(),
        };
        self.mailboxes.insert((head.app, head.user), loading);
    }

    fn row(&mut self, found: Found<KeptMessage>) {
        match found {
            Found::Whole(message) => self.message(message),
            Found::Damaged { row, place } => {
                self.loaded.damaged += 1;
                let key = place.map(|(app, user, _)| (app, user));
                if let Some((app, user, seq)) = place
                    && let Some(loading) = self.mailboxes.get_mut(&(app, user))
                    && row >= loading.first
                    && seq <= loading.mailbox.cursor().seq + PLACES_NEAR
                {
                    loading.mailbox.pass_over(seq, Some(GapReason::Damaged));
                }
                self.keeper.unkept.note(|taken| match key {
                    Some(key) => taken.forgotten.push((key, row)),
                    None => taken.rows.push(row),
                });
            }
        }
    }

    fn message(&mut self, message: KeptMessage) {
        let key = (message.app, message.user);
        let record = record_of(&message.outcome).unwrap_or_else(|| fresh_record(&message));
        let revoked = message.item.is_none() && record.ended().is_none();
        let ended = record.ended().or(revoked.then_some(Ended::Revoked));
        let keep_until = self
            .moment(message.expires_at)
            .plus_ms(self.hub.config.status_keep.0);
        if revoked {
            self.ended.push((message.id, Ended::Revoked));
        }
        let is_orphaned = ended.is_none() && !self.mailboxes.contains_key(&key);
        if is_orphaned {
            self.begin(key, message.row);
        }
        if let Some(loading) = self.mailboxes.get_mut(&key)
            && message.row >= loading.first
        {
            match ended {
                Some(ended) => loading.mailbox.pass_over(message.seq, loss_of(ended)),
                None => self.put_back(&message, &record),
            }
        }
        self.hub.records.add(record.in_row(Some(message.row)), keep_until);
    }

    /// A mailbox whose head is not known any more begins a new life.
    fn begin(&mut self, key: MailboxKey, first: RowNo) {
        let loading = Loading {
            mailbox: Mailbox::new(self.hub.draw_epoch()),
            first,
            head_kept: false,
            used_at: self.wall,
            pages: Vec::new(),
        };
        self.mailboxes.insert(key, loading);
    }

    fn put_back(&mut self, message: &KeptMessage, record: &Record) {
        let key = (message.app, message.user);
        let claim = Claim::of(&message.claim);
        let expires = self.moment(message.expires_at);
        let (Some(loading), Some(kept)) = (self.mailboxes.get_mut(&key), &message.item) else {
            return;
        };
        // A claim is in the books before its message is offered: without one, what one page alone may run was never on its way.
        let offered = match kept.fanout {
            Fanout::All => record.may_have_been_offered() || claim.is_some(),
            Fanout::One | Fanout::Focused => claim.is_some(),
        };
        let acked = record.delivery().acked > 0;
        let no = claim.as_ref().map(|claim| PageNo::of(&claim.page));
        let item = Item {
            seq: message.seq,
            id: message.id,
            sender: message.sender,
            via: kept.via,
            event: kept.event.clone(),
            text: kept.text.clone(),
            collapse_key: kept.collapse_key.clone(),
            fanout: kept.fanout,
            sent_at: message.sent_at,
            expires,
            acked,
            claim: no,
            offered,
            redelivered: claim.as_ref().is_some_and(|claim| claim.redelivered),
            instant: false,
            receipt: false,
            row: Some(message.row),
            kept_claim: no,
            maybe_owed: offered && claim.is_none() && !acked,
        };
        if message.seq <= loading.mailbox.cursor().seq {
            // Only damage puts rows out of order: whoever could miss it is told.
            loading.mailbox.pass_over(message.seq, Some(GapReason::Damaged));
            self.ended.push((message.id, Ended::Dropped));
            return;
        }
        let left = loading.mailbox.put_back(item, self.bounds);
        self.ended
            .extend(left.into_iter().map(|(old, ended)| (old.id, ended)));
        if let Some(claim) = claim.filter(|_| !acked)
            && !loading.pages.contains(&claim.page)
        {
            loading.pages.push(claim.page);
        }
    }

    /// The moment of this process's stopwatch at which a wall time comes; now, when it is past.
    fn moment(&self, wall: WallMs) -> ElapsedMs {
        let left = wall.0.saturating_sub(self.wall.0);
        self.now.plus_ms(u64::try_from(left).unwrap_or(0))
    }

    fn done(mut self) -> Loaded {
        for (id, ended) in std::mem::take(&mut self.ended) {
            self.hub.records.ended(id, ended, self.wall);
        }
        let grace_ends = self.hub.begin_recovery(self.now);
        for (key, loading) in std::mem::take(&mut self.mailboxes) {
            self.place(key, loading, grace_ends);
        }
        self.loaded
    }

    fn place(&mut self, key: MailboxKey, loading: Loading, grace_ends: ElapsedMs) {
        let Loading {
            mailbox,
            first,
            head_kept,
            used_at,
            pages,
        } = loading;
        let rested = used_at.plus_ms(HEAD_REST_MS) <= self.wall;
        if mailbox.is_empty() && rested {
            let (app, user) = key;
            let epoch = mailbox.cursor().epoch;
            self.keeper
                .unkept
                .note(|taken| taken.ended.push((app, user, epoch)));
            return;
        }
        self.loaded.mailboxes += 1;
        self.loaded.messages += mailbox.len();
        if !head_kept {
            self.keeper.unkept.note(|taken| {
                taken.begun.insert(key);
            });
        }
        let pages = pages.into_iter().map(|name| {
            let turn = self.hub.page_turn();
            Page::absent(name, turn, grace_ends)
        });
        let kept = KeptPlace {
            key,
            mailbox,
            pages: pages.collect(),
            focus_turn: 0,
        };
        let staged = Staged::beginning(first);
        self.hub.seat_kept(kept, (self.now, grace_ends), Some(staged));
    }
}

/// How long a head rests before it leaves (live 5.7), in milliseconds.
const HEAD_REST_MS: i64 = 24 * 3_600_000;

/// Whether an ending was a loss to pages that have not settled it (live 5.5).
const fn loss_of(ended: Ended) -> Option<GapReason> {
    match ended {
        Ended::Expired => Some(GapReason::Expired),
        Ended::Dropped => Some(GapReason::Overflow),
        Ended::Cancelled | Ended::Replaced | Ended::Revoked => None,
    }
}

/// A record in the place of one whose words are of another shape: the message counts more than its history.
fn fresh_record(message: &KeptMessage) -> Record {
    let delivery = Delivery {
        id: message.id,
        seq: message.seq,
        epoch: crier_proto::ids::Epoch::from_bytes([0; 8]),
        state: DeliveryState::NoHandler,
        pages: 0,
        handlers: 0,
        written: 0,
        acked: 0,
        expires_at: message.expires_at,
    };
    let event = message.item.as_ref().map(|item| item.event.clone());
    let origin = Origin {
        key: (message.app, message.user),
        sender: message.sender,
        event: event.unwrap_or_else(|| "".into()),
        at: message.sent_at,
    };
    Record::new(origin, delivery)
}
